#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Many tenants on one host: network namespaces with the same pool and the same
# client addresses, each with its own sources, relay and targets; user namespaces
# that configure their own; clients and uplinks in VRFs. In a guest. N: network
# namespaces of one user.
#
#   c1 10.0.0.2 -- t1 10.0.0.1, 2001:db8:11::9 -- \
#   c2 10.0.0.2 -- t2 10.0.0.1, 2001:db8:12::9 --- internet6: 2001:db8:9::1 ...
#   c3 10.0.0.2 -- t3 10.0.0.1, 2001:db8:13::9 -- /
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
N=${N:-200}
MAPPED=198.18.0.7
TENANTS="1 2 3"

in_() { ip netns exec "$@"; }
t46() { local t=$1; shift; ip netns exec "t$t" nat46 "$@"; }

tenant_up() {
	local t=$1
	ip netns add "t$t"
	ip netns add "c$t"
	wire "c$t" eth0 "t$t" eth0
	wire "t$t" wan internet6 "t$t"
	ip -n "c$t" -batch - <<-END
		link set lo up
		link set eth0 up
		addr add 10.0.0.2/24 dev eth0
		route add default via 10.0.0.1
	END
	ip -n "t$t" -batch - <<-END
		link set lo up
		link set eth0 up
		link set wan up
		addr add 10.0.0.1/24 dev eth0
		addr add 2001:db8:1$t::9/64 dev wan nodad
		route add default via 2001:db8:1$t::1 dev wan
	END
	ip -n internet6 -batch - <<-END
		link set t$t up
		addr add 2001:db8:1$t::1/64 dev t$t nodad
		addr add 2001:db8:9::$t/128 dev lo nodad
		route add 2001:db8:10$t::/64 via 2001:db8:1$t::9 dev t$t
	END
	t46 "$t" -b - <<-END
		pool add 198.18.0.0/16
		source add addr 2001:db8:10$t::1-2001:db8:10$t::f
		map add $MAPPED to 2001:db8:9::$t name static$t.example
		map add 198.18.0.8 to 2001:db8:9::8 name same.example
	END
}

# relay_up TENANT: its own dns46, with its own leases
relay_up() {
	mkdir -p "/run/relay$1"
	cat >"/run/relay$1/conf" <<-END
		listen 10.0.0.1
		upstream 2001:db8:1$1::1
		pool 198.18.0.0/16
		store file /run/relay$1/state/leases
		key-file /run/relay$1/state/key
		user nobody
	END
	spawn "t$1" dns46 -f -c "/run/relay$1/conf"
	mkdir -p "/etc/netns/c$1"
	echo "nameserver 10.0.0.1" >"/etc/netns/c$1/resolv.conf"
}

events() { # TENANT: writes what the group "map" tells to /run/events.TENANT
	ip netns exec "t$1" python3 -u -c "
import sys
sys.path.insert(0, '$here/lib')
from nat46 import Nat46
n = Nat46('map')
print('ready', flush=True)
while True:
    for e in n.events(1):
        print(*e, flush=True)" >"/run/events.$1" &
	SERVER_PIDS="$SERVER_PIDS $!"
	wait_for 30 grep -q ready "/run/events.$1"
}
told() { wait_for 30 grep -qxF "$2" "/run/events.$1"; }

answer() { in_ "c$1" curl -4 -sS -m 5 "http://${2:-$MAPPED}/server"; }
drops() { counter "$2" < <(t46 "$1" stats drops); }
opened() { counter sessions-opened < <(t46 "$1" stats); }
# entries in the machine's table
total() { ip netns exec internet6 nat46 -j | python3 -c 'import json, sys; print(json.load(sys.stdin)["sessions-all"])'; }

down() {
	local t
	servers_down
	for t in $TENANTS; do ip netns del "c$t"; ip netns del "t$t"; done 2>/dev/null
	ip netns del internet6
	net_down
	rmmod nf_nat46
} 2>/dev/null

insmod "$NAT46_KO" || { not_ok insmod; finish; }
trap down EXIT
ip netns add internet6
ip -n internet6 link set lo up
in_server sysctl -qw net.ipv6.conf.all.forwarding=1
SERVER6=2001:db8:9::1
for t in $TENANTS; do tenant_up "$t"; done
nginx_up || not_ok "nginx starts"
nsd_up || not_ok "nsd starts"
check "the way to the server" wait_for 30 in_ t3 ping -6 -q -c1 -W1 2001:db8:9::3

note "one pool, one client address, one address asked for: three targets"
for t in $TENANTS; do
	events "$t"
	same "tenant $t's target" "2001:db8:9::$t" "$(answer "$t")"
done
for t in $TENANTS; do
	in_ "c$t" curl -4 -sS -m 5 --local-port 30000 http://198.18.0.8/ -o /dev/null 2>/dev/null
	same "tenant $t's source, of its own" 1 \
		"$(t46 "$t" session count source "2001:db8:10$t::/64" to $MAPPED)"
	same "... and it sees no other's sessions" 0 \
		"$(($(t46 "$t" session count) - $(t46 "$t" session count source "2001:db8:10$t::/64")))"
done
t46 1 session flush all >/dev/null
same "flush all ends one's own" "0 2" "$(t46 1 session count) $(t46 2 session count | sed 's/^[1-9].*/2/')"
was=$(opened 2)
in_ c1 ping -q -c1 -W1 198.18.99.1 >/dev/null
same "drops are counted where they are" "1 0 0" "$(drops 1 unmapped) $(drops 2 unmapped) $(drops 3 unmapped)"
answer 1 >/dev/null
same "so are sessions" "$was" "$(opened 2)"
t46 1 map add 198.18.0.9 to 2001:db8:9::1
check "an event is told" told 1 "1 198.18.0.9"
sleep 0.5
same "... to its own tenant alone" "ready ready" "$(cat /run/events.2 /run/events.3 | xargs)"
spawn t1 sh -c 'nat46 monitor >/run/monitor 2>&1'
spawn t1 sh -c 'nat46 -j monitor map >/run/monitor.json 2>&1'
spawn t2 sh -c 'nat46 monitor map >/run/monitor.2 2>&1'
# until both listen
changes() {
	t46 1 map replace 198.18.0.10 to 2001:db8:9::1 name mon.example
	t46 1 map del 198.18.0.10
	grep -q '^map new 198.18.0.10 to 2001:db8:9::1 name mon.example proto static$' /run/monitor &&
		grep -q '^map del 198.18.0.10 ' /run/monitor && grep -q del /run/monitor.json
}
check "nat46 monitor tells of changes" wait_for 30 changes
same "... in JSON, an object a line" "map del 198.18.0.10" "$(tail -n1 /run/monitor.json | python3 -c '
import json, sys
e = json.load(sys.stdin)
print(e["object"], e["event"], e["addr"])')"
t46 1 map add 198.18.0.10 to 2001:db8:9::1 expires 1
check "... of expiry" wait_for 30 grep -q '^map expired 198.18.0.10' /run/monitor
same "... nobody else's" "" "$(cat /run/monitor.2)"
refute "monitor: a word that it does not know" t46 1 monitor weather
t46 2 param set max-sessions 1
t46 2 policy add deny 2001:db8:9::/64
refute "a policy is one tenant's" answer 2
same "... the others do not have it" "2001:db8:9::1 2001:db8:9::3" "$(answer 1) $(answer 3)"
t46 2 policy del deny 2001:db8:9::/64
t46 2 param reset max-sessions

note "a relay for each"
for t in $TENANTS; do relay_up "$t"; done
# in another order each, so that the leases cannot but differ
lease() { in_ "c$1" dig @10.0.0.1 +short +time=3 +tries=3 "$2" A | tail -n1; }
check "each answers" wait_for 30 eval '[ -n "$(lease 1 n1.example)" ] && [ -n "$(lease 2 n2.example)" ] && [ -n "$(lease 3 n3.example)" ]'
for t in $TENANTS; do
	same "tenant $t has its own names" "n$t.example" \
		"$(t46 "$t" -j map show proto dns46 | python3 -c 'import json, sys; print(*[m["name"] for m in json.load(sys.stdin)])')"
	same "... a page by name" 200 "$(in_ "c$t" curl -4 -s -m 5 -o /dev/null -w '%{http_code}' http://v6only.example/)"
done
check "one's lease is nobody's elsewhere" [ "$(t46 2 map show name n1.example | wc -l)" = 0 ]

note "one tenant goes"
mkfifo /run/ask
in_ c1 python3 -c '
import socket, sys
s = socket.create_connection(("'$MAPPED'", 80), 5)
for line in sys.stdin:
    s.send(b"GET /server HTTP/1.1\r\nHost: x\r\n\r\n")
    print(s.recv(9999).split()[-1].decode(), flush=True)' </run/ask >/run/told &
exec 3>/run/ask
echo >&3
check "a connection of tenant 1" wait_for 30 eval '[ "$(wc -l </run/told)" = 1 ]'
in_ c2 ping -q -i0.05 $MAPPED >/dev/null &
ping=$!
sleep 0.3
check "tenant 2 has sessions" [ "$(t46 2 session count)" -gt 0 ]
kept=$(($(t46 1 session count) + $(t46 3 session count)))
for pid in $(ip netns pids t2); do kill "$pid"; done
ip netns del t2
check "the machine has the others' sessions, and no more" wait_for 30 eval '[ "$(total)" = "$kept" ]'
kill $ping
echo >&3
check "tenant 1's connection goes on" wait_for 30 eval '[ "$(wc -l </run/told)" = 2 ]'
exec 3>&-
same "... with its target" "2001:db8:9::1" "$(tail -n1 /run/told)"
same "so does tenant 3" "2001:db8:9::3" "$(answer 3)"
same "... and its settings" "198.18.0.0/16" "$(t46 3 pool)"

note "VRF"
. "$here/tenants_vrf.sh"

servers_down
for t in 1 3; do ip netns del "c$t"; ip netns del "t$t"; done
note "user namespaces: the parameter userns is off"
python3 "$here/tenants.py" rights || t_bad=$((t_bad + 1))
check "rmmod" wait_for 30 rmmod nf_nat46
note "... and on"
insmod "$NAT46_KO" userns=1 max_sessions=$((2 * N))
N=$N python3 "$here/tenants.py" rights userns many limits memory hostile || t_bad=$((t_bad + 1))
N=${CHURN:-100} python3 "$here/tenants.py" churn || t_bad=$((t_bad + 1))
finish
