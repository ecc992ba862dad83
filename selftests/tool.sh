#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tool: every object, save and restore, and what it says of bad words. In a
# guest. N: mappings of the large restore (default 65534).
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/nat46.sh"
N=${N:-65534}

insmod "$NAT46_KO" || exit 1
ip netns add node
ip -n node link set lo up
ip -n node link add eth0 type dummy
ip -n node link set eth0 up
ip -n node addr add 2001:db8:1::9/64 dev eth0 nodad
ip -n node addr add 192.0.2.9/24 dev eth0
trap 'ip netns del node; rmmod nf_nat46' EXIT
json() { n46 -j "$@" | python3 -c 'import json,sys; json.load(sys.stdin)'; }
# lines WORDS...: the tool's text, its lines joined by "|"
lines() { n46 "$@" | tr '\n' '|'; }

note "objects"
check "pool add" n46 pool add 198.18.0.0/16
same "pool show" "198.18.0.0/16|" "$(lines pool)"
check "the pool has its route by the device nat46" \
	sh -c "ip -n node route show proto 46 | grep -q '198.18.0.0/16 dev nat46.*mtu 1500'"
check "source add dev" n46 source add dev eth0
check "source add addr" n46 source add addr 2001:db8:7::1-2001:db8:7::ff ports 2000-2999,4000 from 10.0.0.0/8
check "source add prefix" n46 source add prefix 2001:db8:46::/96 from 10.2.0.0/16
same "source show" "prefix 2001:db8:46::/96 from 10.2.0.0/16|addr 2001:db8:7::1-2001:db8:7::ff ports 2000-2999,4000-4000 from 10.0.0.0/8|dev eth0 ports 61000-65535,10000-29999|" "$(lines source)"
check "map add" n46 map add 198.18.0.7 to 2001:db8:9::7,2001:db8:9::8 name v6only.example
check "map add, expiring, another owner" n46 map add 198.18.0.8 to 2001:db8:9::9 expires 1000 hold 60 proto me
check "map replace, fresh for a while" n46 map replace 198.18.0.8 to 2001:db8:9::9 expires 1000 hold 60 fresh 30 proto me
same "... shown so" 1 "$(n46 map show 198.18.0.8 | grep -c 'hold 60 fresh 30 proto me$')"
same "map show ADDR" "198.18.0.7 to 2001:db8:9::7,2001:db8:9::8 name v6only.example proto static|" "$(lines map show 198.18.0.7)"
same "map show by name" 1 "$(n46 map show name '*.example' | wc -l)"
same "map show by owner" 1 "$(n46 map show proto me | wc -l)"
check "map add a prefix" n46 map add 198.18.4.0/24 to 2001:db8:9::100/120,2001:db8:a::/120 name p.example
same "map show PREFIX" "198.18.4.0/24 to 2001:db8:9::100/120,2001:db8:a::/120 name p.example proto static|" "$(lines map show 198.18.4.0/24)"
same "map show ADDR: what serves it" "198.18.4.0/24" "$(n46 map show 198.18.4.9 | cut -d' ' -f1)"
same "JSON: a mapped prefix" "198.18.4.0/24 2001:db8:9::100/120 2001:db8:a::/120" \
	"$(n46 -j map show 198.18.4.0/24 | python3 -c 'import json,sys; m = json.load(sys.stdin)[0]; print(m["addr"], *m["targets"])')"
check "map add an address in it" n46 map add 198.18.4.9/32 to 2001:db8:9::10/128 proto me
same "map del says whose it is" "nat46: the mapping belongs to owner me: 198.18.4.9" "$(n46 map del 198.18.4.9 proto static 2>&1)"
same "map show by name, a prefix" 1 "$(n46 map show name 'p.*' | wc -l)"
check "map del PREFIX" n46 map del 198.18.4.0/24
check "map del ADDR, the prefix gone" n46 map del 198.18.4.9
check "map add prefixes" n46 map add 198.18.4.0/22 to 2001:db8:9::400/118 expires 3000
check "... one in the other" n46 map add 198.18.4.0/24 to 2001:db8:9::800/120
check "map replace" n46 map replace 198.18.0.7 to 2001:db8:9::7 name v6only.example
check "map add, inbound" n46 map add 198.18.6.0/24 to 2001:db8:9:6::/120 name in.example inbound
same "... shown so" "198.18.6.0/24 to 2001:db8:9:6::/120 name in.example inbound proto static" "$(n46 map show 198.18.6.0/24)"
same "... saved so" "map add 198.18.6.0/24 to 2001:db8:9:6::/120 name in.example inbound" "$(n46 save | grep 198.18.6)"
same "... in JSON" "True [False]" "$(n46 -j map | python3 -c 'import json,sys
m = json.load(sys.stdin)
print(*[x["inbound"] for x in m if x.get("inbound")], sorted({x.get("inbound", False) for x in m if x["addr"] != "198.18.6.0/24"}))')"
check "policy add" n46 policy add deny 2001:db8:66::/48 from 10.1.0.0/16 proto tcp dport 443
check "policy default" n46 policy default deny
same "policy show" 1 "$(n46 policy | grep -c '^deny 2001:db8:66::/48 from 10.1.0.0/16 proto tcp dport 443$')"
same "policy show, default" "default deny" "$(n46 policy | tail -n 1)"
same "the built-in denies are shown" 9 "$(n46 policy | grep -c builtin)"
check "policy default allow" n46 policy default allow
check "param set" n46 param set timeout-udp 30 hook-mark 0x46/0xff
same "param show" "timeout-udp 30" "$(n46 param show timeout-udp)"
same "param show, a mark" "hook-mark 0x46/0xff" "$(n46 param show hook-mark)"
for kv in "timeout-other 601" "timeout-dccp 500" "timeout-tcp-syn 30" "max-per-client 9" "tcp-midstream reset" "tcp-midstream allow" \
	"mss-clamp off" "mss-clamp 536" "mss-clamp 65535" "udp-zero-csum drop" "udp-zero-csum keep" \
	"udp-refresh-inbound on" "mtu-min 65535" "tos 0" "tos 255" "flow-label hash" "port-mapping independent" "hairpin allow" \
	"filter-hooks forward" "filter-hooks off" "filter-hooks4 forward" "hook-late on" "hook-late helper" "track6 on" \
	"icmp-source 192.0.2.9"; do
	# shellcheck disable=SC2086 # words
	check "param set $kv" n46 param set $kv
	same "... shown so" "$kv" "$(n46 param show ${kv% *})"
	same "... and saved" "param set $kv" "$(n46 save | grep "^param set ${kv% *} ")"
done
same "param: JSON of words, numbers, addresses" "65535 255 hash 192.0.2.9" "$(n46 -j param | python3 -c '
import json, sys
p = json.load(sys.stdin)
print(*[p[k] for k in ("mss-clamp", "tos", "flow-label", "icmp-source")])')"
for k in timeout-other timeout-dccp timeout-tcp-syn max-per-client tcp-midstream mss-clamp udp-zero-csum \
	udp-refresh-inbound mtu-min tos flow-label icmp-source port-mapping hairpin filter-hooks filter-hooks4 hook-late track6; do
	n46 param reset $k
done
same "param reset: the defaults" "600 7440 240 0 drop on compute off 1280 copy zero none per-target refuse output off off off " \
	"$(for k in timeout-other timeout-dccp timeout-tcp-syn max-per-client tcp-midstream mss-clamp udp-zero-csum \
		udp-refresh-inbound mtu-min tos flow-label icmp-source port-mapping hairpin filter-hooks filter-hooks4 hook-late track6; do
		n46 param show $k | cut -d' ' -f2 | tr '\n' ' '; done)"
check "stats" n46 stats
for o in pool source map policy session param stats "session count" "stats drops" ""; do
	# shellcheck disable=SC2086 # words
	check "JSON: nat46 -j $o" json $o
done
check "status page" sh -c "ip netns exec node nat46 | grep -q '^mappings 5'"
check "help" sh -c "nat46 help | grep -q OBJECT && nat46 map help | grep -q GLOB"
same "param help has every setting" "" "$(for k in $(n46 param | cut -d' ' -f1); do
	n46 param help | grep -qw -- "$k" || echo "$k"; done)"

same "JSON: a prefix source" "prefix 2001:db8:46::/96 10.2.0.0/16" \
	"$(n46 -j source | python3 -c 'import json,sys; s = json.load(sys.stdin)[0]; print(s["type"], s["prefix"], s["from"])')"
check "source replace prefix" n46 source replace prefix 2001:db8:46::/96 from 10.2.0.0/16

note "save and restore"
check "map add, a name that begins like a comment" n46 map add 198.18.0.10 to 2001:db8:9::9 name '#x.example'
same "... shown as it is typed" "198.18.0.10 to 2001:db8:9::9 name '#x.example' proto static" "$(n46 map show 198.18.0.10)"
n46 save all >/run/save1
check "restore what was saved" n46 restore /run/save1
n46 save all | sed 's/expires [0-9]*/expires T/' >/run/save2
same "save | restore is the identity" "$(sed 's/expires [0-9]*/expires T/' /run/save1)" "$(cat /run/save2)"
{ cat /run/save1; echo "map add 198.18.0.99 to 2001:db8::1"; echo "map add 198.19.0.1 to 2001:db8::1"; } >/run/bad
refute "restore with a bad last line fails" n46 restore /run/bad
same "it changed nothing" "$(cat /run/save2)" "$(n46 save all | sed 's/expires [0-9]*/expires T/')"
same "the error names file, line and word" 1 "$(n46 restore /run/bad 2>&1 | grep -c "^nat46: /run/bad:$(wc -l </run/bad): .*198.19.0.1$")"
same "restore drops what the file lacks, but not other owners'" "198.18.0.8" \
	"$(echo 'pool add 198.18.0.0/16' | n46 restore && n46 -j map | python3 -c 'import json,sys; print(*[m["addr"] for m in json.load(sys.stdin)])')"
check "the pool's route is still there" sh -c "ip -n node route show proto 46 | grep -q 198.18.0.0/16"
n46 map flush all
echo 'pool add 198.18.0.0/16' >/run/one
same "an error behind a restore in a batch: the batch's file and line" "nat46: /run/batch:2: unknown object: frob" \
	"$(printf 'restore /run/one\nfrob\n' >/run/batch; n46 -b /run/batch 2>&1)"

note "a restore and the host's own routes"
ip -n node route add 198.51.100.0/24 via 192.0.2.1
ip -n node route show >/run/routes
for p in 192.0.2.0/24 198.51.100.0/24; do
	printf 'pool add 198.18.0.0/16\npool add %s\n' $p >/run/overlap
	same "refused: a pool that overlaps one" "nat46: /run/overlap:2: the pool overlaps the route $p (\"force\" overrules): $p" \
		"$(n46 restore /run/overlap 2>&1)"
done
same "... nothing has changed" "198.18.0.0/16 $(sha256sum </run/routes)" "$(n46 pool) $(ip -n node route show | sha256sum)"
sed -i 's/198.51.*/& force/' /run/overlap
same "by force: the pool, but the route stays" "nat46: warning: another route to the pool stays: 198.51.100.0/24" \
	"$(n46 restore /run/overlap 2>&1)"
same "... both of them" "198.18.0.0/16|198.51.100.0/24| $(sha256sum </run/routes)" \
	"$(lines pool) $(ip -n node route show | sha256sum)"
check "a pool that is there already needs no force" eval 'n46 save >/run/overlap && n46 restore /run/overlap 2>/dev/null'
n46 pool del 198.51.100.0/24
same "pool add by force, likewise" "nat46: warning: another route to the pool stays: 198.51.100.0/24" \
	"$(n46 pool add 198.51.100.0/24 force 2>&1)"
same "... the route" "$(cat /run/routes)" "$(ip -n node route show)"
check "restore force" eval 'n46 pool del 198.51.100.0/24 && n46 restore /run/overlap force 2>/dev/null'
ip -n node route del 198.51.100.0/24
n46 restore /run/one
same "an altered route of ours is put right" 1500 "$(ip -n node route change 198.18.0.0/16 dev nat46 proto 46 mtu 1400
	n46 restore /run/one; ip -n node route show proto 46 | grep -o 'mtu.*' | cut -d' ' -f2)"

note "a device that is away"
ip -n node link add wg0 type dummy
n46 source add dev wg0 from 10.9.0.0/16
n46 save >/run/away
ip -n node link del wg0
same "save has it still" "$(cat /run/away)" "$(n46 save)"
same "restore takes it, and tells" "0 nat46: /run/away:$(sed -n '/wg0/=' /run/away): warning: no such device yet: wg0" \
	"$(out=$(n46 restore /run/away 2>&1); echo "$? $out")"
same "... as it was" "$(cat /run/away)" "$(n46 save)"
n46 map add 198.18.0.7 to 2001:db8:9::7
reason() { n46 -j explain 10.9.0.1 198.18.0.7 udp 9 dev eth0 2>&1 | grep -o '"reason":"[^"]*"'; }
same "... it serves nobody" '"reason":"no-source"' "$(reason)"
ip -n node link add wg0 type dummy
same "... until it comes" '"reason":"src-check"' "$(reason)"
n46 source del dev wg0 from 10.9.0.0/16
ip -n node link del wg0
n46 restore /run/one

note "$N mappings by one restore"
python3 - "$N" >/run/large <<'END'
import ipaddress, sys
print("pool add 198.18.0.0/16")
base = int(ipaddress.ip_address("198.18.0.1"))
for i in range(int(sys.argv[1])):
    target = ipaddress.ip_address("2001:db8:9::") + i + 1
    print(f"map add {ipaddress.ip_address(base + i)} to {target} "
          f"name host-{i}.department.example")
END
python3 - <<'END'
import resource, subprocess, time
t = time.monotonic()
r = subprocess.run(["ip", "netns", "exec", "node", "nat46", "restore", "/run/large"])
u = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"# restore: {time.monotonic() - t:.2f} s, peak memory of the tool {u.ru_maxrss / 1024:.1f} MiB, status {r.returncode}")
END
same "all are there" "$N" "$(n46 -j | python3 -c 'import json,sys; print(json.load(sys.stdin)["mappings"])')"
n46 save | LC_ALL=C sort >/run/large.saved
same "save gives them back" "$(LC_ALL=C sort /run/large | sha256sum)" "$(sha256sum </run/large.saved)"
cp /run/large /run/large.bad
echo "map add 198.18.300.1 to 2001:db8::1" >>/run/large.bad
refute "a bad last line behind all of them" n46 restore /run/large.bad
same "changed nothing" "$(sha256sum </run/large.saved)" "$(n46 save | LC_ALL=C sort | sha256sum)"
echo "pool add 198.18.0.0/16" | n46 restore
same "an empty restore drops them" 0 "$(n46 map | wc -l)"
check "the configuration that is shipped is taken" n46 restore "$here/../deploy/nat46.conf"
echo "pool add 198.18.0.0/16" | n46 restore

note "a list of what changes all the while"
n46 restore /run/large
n46 pool add 198.19.0.0/16
n46 map add 198.19.0.1 to 2001:db8::1
mkfifo /run/changes
n46 -batch /run/changes 2>/dev/null & # it ends in the middle of a line
changer=$!
awk 'BEGIN { for (;;) print "map replace 198.19.0.1 to 2001:db8::" ++n % 9000 + 1 }' >/run/changes 2>/dev/null &
changes=$!
wait_for 20 eval '! n46 map show 198.19.0.1 | grep -q " 2001:db8::1 "'
same "map show: all that stays" "$((N + 1))" "$(n46 map show 2>/run/words | wc -l)"
same "... and what may be missing is told" "warning: it changed while it was read: what came or went may be missing" \
	"$(sed 's/^nat46: //' /run/words)"
refute "save: what is restored is to be whole" n46 save all
kill $changes
wait $changer
n46 map flush all
n46 pool del 198.19.0.0/16

note "bad input: one line, the word at fault, nothing changed"
n46 map add 198.18.0.50 to 2001:db8:9::7 proto me
n46 map add 198.18.0.51 to 2001:db8:b::1 inbound
n46 source add dev eth0
n46 source add addr 2001:db8:7::1 from 10.0.0.0/8
was=$(n46 save all; n46 param)
# bad STATUS WORD COMMAND...
bad() {
	local status=$1 word=$2 out rc
	shift 2
	out=$(n46 "$@" 2>&1 >/dev/null)
	rc=$?
	if [ $rc = "$status" ] && [ "$(printf '%s\n' "$out" | wc -l)" = 1 ] &&
		[[ $out == nat46:*"$word"* ]]; then
		ok "nat46 $* -> $out"
	else
		not_ok "nat46 $*: status $rc (wanted $status), \"$out\" (wanted the word \"$word\")"
	fi
}
bad 1 frob frob
bad 1 frob monitor frob
bad 1 frob explain 10.0.0.1 198.18.0.7 frob 80
bad 1 frob pool frob
bad 1 prefix pool add
bad 1 198.18.0.1/16 pool add 198.18.0.1/16
bad 1 198.18.0.0/33 pool add 198.18.0.0/33
bad 1 300.1.1.0/24 pool add 300.1.1.0/24
bad 1 extra pool add 198.51.100.0/24 force extra
bad 2 198.18.0.0/17 pool add 198.18.0.0/17
bad 2 127.0.0.0/8 pool add 127.0.0.0/8 force
bad 2 192.0.2.0/24 pool add 192.0.2.0/25
bad 2 198.51.100.0/24 pool del 198.51.100.0/24
bad 1 wlan source add wlan 3
bad 1 device source add dev
bad 2 nosuchdev source add dev nosuchdev
bad 1 70000 source add dev eth0 ports 61000-70000
bad 1 65000-61000 source add dev eth0 ports 65000-61000
bad 2 'ports meet ip_local_port_range 32768-60999' source add dev eth0 ports 61000-61001,40000
bad 1 'prefix is missing' source add prefix
bad 1 2001:db8::1/96 source add prefix 2001:db8::1/96
bad 2 2001:db8::/80 source add prefix 2001:db8::/80
bad 2 64:ff9b::/64 source add prefix 64:ff9b::/64 from 10.1.0.0/16
bad 2 'same clients' source add prefix 2001:db8::/96
bad 2 'overlap' source add prefix 2001:db8:7::/96 from 10.1.0.0/16
bad 2 fe80::1 source add addr fe80::1
bad 1 198.18.0 map add 198.18.0 to 2001:db8::1
bad 1 to map add 198.18.0.9 2001:db8::1
bad 1 2001:db8::g map add 198.18.0.9 to 2001:db8::g
bad 2 198.19.0.9 map add 198.19.0.9 to 2001:db8::1
bad 2 ::1 map add 198.18.0.9 to ::1
bad 2 fe80::1 map add 198.18.0.9 to fe80::1
bad 2 2001:db8:1::9 map add 198.18.0.9 to 2001:db8:1::9
bad 2 me map replace 198.18.0.50 to 2001:db8:9::8
bad 1 0 map add 198.18.0.9 to 2001:db8::1 expires 0
bad 1 OWNER map add 198.18.0.9 to 2001:db8::1 proto OWNER
bad 2 inbound map add 198.18.0.9 to 2001:db8::1,2001:db8::2 inbound
bad 1 name map refresh
bad 2 none.example map refresh none.example
bad 1 extra map misses extra
bad 2 inbound map add 198.18.0.9 to 2001:db8::1 inbound proto me
bad 2 2001:db8:b::1 map add 198.18.0.9 to 2001:db8:b::1 inbound
bad 1 198.18.4.1/24 map add 198.18.4.1/24 to 2001:db8:9::/120
bad 1 2001:db8:9::/119 map add 198.18.4.0/24 to 2001:db8:9::/119
bad 1 2001:db8:9::1 map add 198.18.4.0/24 to 2001:db8:9::1
bad 1 2001:db8:9::1/120 map add 198.18.4.0/24 to 2001:db8:9::1/120
bad 1 2001:db8:a::/121 map add 198.18.4.0/24 to 2001:db8:9::/120,2001:db8:a::/121
bad 1 2001:db8:9::/120 map add 198.18.4.7 to 2001:db8:9::/120
bad 2 198.0.0.0/7 map add 198.0.0.0/7 to 2001:db8:9::/103
bad 2 198.18.0.0/15 map add 198.18.0.0/15 to 2001:db8:8::/111
bad 2 fe80::/120 map add 198.18.4.0/24 to fe80::/120
bad 2 64:ff9b::100/120 map add 198.18.4.0/24 to 2001:db8:9::/120,64:ff9b::100/120
bad 2 198.18.4.0/24 map del 198.18.4.0/24
bad 2 'not mapped' map show 198.18.4.0/24
bad 2 198.18.0.77 map del 198.18.0.77
bad 1 maybe policy add maybe 2001:db8::/32
bad 1 2001:db8::1/32 policy add deny 2001:db8::1/32
bad 1 sctp policy add deny 2001:db8::/32 proto sctp
bad 2 443 policy add deny 2001:db8::/32 dport 443
bad 1 timeout-frob param set timeout-frob 3
bad 1 3s param set timeout-udp 3s
bad 2 0 param set timeout-udp 0
bad 1 maybe param set local-out maybe
bad 2 0 param set timeout-other 0
bad 2 2147483648 param set max-per-client 2147483648
bad 1 maybe param set tcp-midstream maybe
bad 1 535 param set mss-clamp 535
bad 1 65536 param set mss-clamp 65536
bad 1 maybe param set udp-zero-csum maybe
bad 1 maybe param set udp-refresh-inbound maybe
bad 2 1279 param set mtu-min 1279
bad 2 65536 param set mtu-min 65536
bad 1 256 param set tos 256
bad 1 two param set flow-label two
bad 1 192.0.2 param set icmp-source 192.0.2
bad 2 127.0.0.1 param set icmp-source 127.0.0.1
bad 2 224.0.0.1 param set icmp-source 224.0.0.1
bad 2 0.0.0.1 param set icmp-source 0.0.0.1
bad 2 255.255.255.255 param set icmp-source 255.255.255.255
bad 1 filter session flush
bad 1 frob session show frob 3
bad 2 /nonexistent restore /nonexistent
bad 2 /run -b /run
same "nothing has changed" "$was" "$(n46 save all; n46 param)"
refute "-b stops at the bad line" n46 -b - <<<"pool add 203.0.113.0/24
pool frob"
check "-b keeps what went before" sh -c "ip netns exec node nat46 pool | grep -q 203.0.113.0/24"

note "without the module"
check "pool del force removes route and device" n46 pool del 198.18.0.0/16 force
n46 pool del 203.0.113.0/24
same "no route of ours is left" "" "$(ip -n node route show proto 46)"
rmmod nf_nat46
cat /proc/sys/kernel/modprobe >/run/modprobe.was
echo /bin/false >/proc/sys/kernel/modprobe
same "the tool says that the module is missing" \
	"nat46: the kernel module nf_nat46 is not loaded (modprobe nf_nat46)" "$(n46 pool 2>&1)"
cat /run/modprobe.was >/proc/sys/kernel/modprobe
check "the tool has the kernel load the module" n46 pool
trap 'ip netns del node; rmmod nf_nat46' EXIT
finish
