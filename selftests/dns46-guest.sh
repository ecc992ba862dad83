#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The relay with the module, in a guest: names become leases, leases mappings,
# and a pod's programs reach IPv6-only hosts by name. nsd is authoritative,
# unbound resolves, dns46 asks unbound. Prints TAP.
. "${NAT46_SRC:?}/selftests/demo/net"
Q=$here/lib/dnsq.py
NAMES=${NAMES:-30}
dir=$RELAY_DIR
demo_up || { not_ok "the network is up"; finish; }
relay_conf
trap 'relay_down; servers_down; net_down' EXIT
ask() { in_pod dig @192.0.2.9 +short +time=5 +tries=3 "$@"; }
address() { ask "$1" A | tail -n 1; }
is_pool() { [[ $1 == 198.18.* ]]; }
maps_to() { n46 map show "$1" 2>/dev/null | grep -q "$2"; }
mapping() { n46 map | grep "^$1 "; }

relay_up
check "the relay starts" grep -q ready $dir/log
check "synthesis is up" wait_for 10 grep -q 'synthesis is up' $dir/log

# ---- names
a=$(address v6only.example)
check "rule 2: v6only.example has an address of the pool" is_pool "$a"
same "rule 43: it is mapped when the answer is there" \
	"$a to $SERVER6 name v6only.example" "$(mapping "$a" | sed 's/ expires.*//')"
like "rule 16: owner, expiry, hold" 'expires .* hold 86400.* proto dns46' "$(mapping "$a")"
check "rule 55: and on disk" grep -q " L $a .* v6only.example $SERVER6" $dir/state/leases
same "rule 11: a chain ends at the same lease" "$a" "$(address deep.example)"
same "rule 11: with the chain before it" "www.v6only.example. v6only.example. $a" \
	"$(ask deep.example A | tr '\n' ' ' | sed 's/ $//')"
same "rule 1: a name with an A is left alone" 192.0.2.80 "$(address both.example)"
same "rule 2: no AAAA, no A: nothing" "" "$(address text.example)"
same "rule 7: mapped addresses are no targets" "" "$(address mapped.example)"
same "rule 7: nor link-local ones" "" "$(address linklocal.example)"
same "rule 17: AAAA is as it is" $SERVER6 "$(ask v6only.example AAAA)"
same "rule 21: PTR" v6only.example. "$(ask -x "$a")"
same "rule 40: the same address again, by TCP" "$a" "$(ask +tcp v6only.example A)"
m=$(address many.example)
same "rule 2: three targets" 3 "$(mapping "$m" | grep -o '2001:db8:9::7[123]' | wc -l)"
check "rule 24: CD: not synthesised" [ -z "$(ask +cdflag v6only.example A)" ]

# ---- programs of a pod, by name
use_relay pod
check "curl by name, IPv4, the certificate verified" \
	in_pod curl -4 -sS -m 20 -o /dev/null --cacert "$SRV/ca.pem" https://v6only.example/
like "a session is there" v6only "$(n46 session; n46 map)"
check "rule 36: getaddrinfo for both families" in_pod getent ahosts v6only.example

# ---- many names, and ends of the relay
before=$dir/before
for i in $(seq "$NAMES"); do echo "n$i.example $(address "n$i.example")"; done >$before
same "$NAMES names have $NAMES addresses" "$NAMES" "$(awk '{print $2}' $before | sort -u | grep -c 198.18)"
same "all are mapped" "$NAMES" "$(n46 map | grep -c ' name n[0-9]*.example')"
again() { while read -r n want; do [ "$(address "$n")" = "$want" ] || echo "$n"; done <$before; }
relay_down KILL
relay_up
check "rule 55: after kill -9 it starts" grep -q ready $dir/log
same "rule 55: no lease is lost" "" "$(again)"
relay_down
relay_up
check "rule 44: after SIGTERM it starts" grep -q ready $dir/log
same "rule 44: nor then" "" "$(again)"
relay_down KILL
rm $dir/state/leases
relay_up
check "rule 41: with its file lost it starts" grep -q ready $dir/log
same "rule 41: what the kernel maps stays as it is" "" "$(again)"

# ---- packets that no mapping serves
n46 map del "$a"
check "rule 54: a page through a mapping that was deleted" \
	in_pod curl -4 -sS -m 20 -o /dev/null --cacert "$SRV/ca.pem" --resolve "v6only.example:443:$a" https://v6only.example/
same "rule 54: it is mapped again" "$a to $SERVER6 name v6only.example" "$(mapping "$a" | sed 's/ expires.*//')"
t=$SECONDS
in_pod curl -sS -m 15 http://198.18.77.77/ >/dev/null 2>&1
same "rule 54: what nobody knows is refused (curl's status)" 7 $?
check "rule 54: and that soon" test $((SECONDS - t)) -le 4
like "map misses: it is shown" '^198\.18\.77\.77 from .* proto tcp dport 80 age [0-9]*' "$(n46 map misses)"
check "rule 54: the packet that asked is counted" test "$(drops unmapped-asked)" -ge 2

# ---- an upstream whose every name has AAAA alone
use_crash() { sed -i 's/^upstream .*/upstream 127.0.0.2/' $dir/conf; }
ip -n node addr add 127.0.0.2/8 dev lo 2>/dev/null
spawn node python3 "$here/lib/crash.py" upstream $dir/asked
wait_for 30 eval "in_node ss -Hlnu | grep -q 127.0.0.2:53"
cp $dir/conf $dir/conf.usual
asked() { grep -c "^$1\$" $dir/asked; }
metric() { in_node curl -sS http://192.0.2.9:9146/metrics | sed -n "s/^dns46_$1 //p"; }
use_crash
relay_down
relay_up "ttl-cap 5
metrics 192.0.2.9"
check "rule 51: A right after AAAA" is_pool "$(ask once.one.example AAAA once.one.example A | tail -n 1)"
same "rule 51: AAAA and A cost the upstream two questions" 2 "$(asked once.one.example)"
sleep 2
check "rule 51: later" is_pool "$(address once.one.example)"
same "rule 51: what is older than two seconds is asked for anew" 4 "$(asked once.one.example)"
check "rule 52: 200 names at once" in_pod python3 "$Q" burst 192.0.2.9@53 200 many.example A
check "rule 52: 200 names at once in few rounds" test "$(metric commits_total)" -lt 150
same "rule 52: all of them" 201 "$(metric 'leases_total{result="made"}')"
note "a round took $(metric commit_seconds_total) s / $(metric commits_total)"
r=$(address r1.rot.example)
targets() { mapping "$r" | cut -d' ' -f3; }
was=$(targets)
knock() { in_pod bash -c "echo >/dev/udp/$r/9"; }
knock
sleep 1.5
same "rule 59: a session within the TTL asks nothing" "$was" "$(targets)"
# its targets come again every seven seconds: this is far from that
sleep 8
moved() { [ "$(targets)" != "$was" ]; }
refute "rule 59: nor does time alone" moved
knock
check "rule 59: a session after the TTL finds the name's new target" wait_for 5 moved
check "rule 59: counted" test "$(metric refreshes_total)" -ge 1
was=$(targets)
sleep 3
refute "nothing by itself" moved
check "map refresh: by hand" n46 map refresh 'r1.rot.*'
# they may be those that it had
refreshed() { n46 map refresh 'r1.rot.*'; sleep 0.5; moved; }
check "map refresh: it has a new target" wait_for 20 refreshed
check "map refresh: a name that isn't" eval '! n46 map refresh none.example 2>/dev/null'

# what the kernel tells is lost, while a mapping goes
kill -STOP "$relay"
n46 pool add 198.19.0.0/17
for i in $(seq 30000); do echo "map add 198.19.$((i / 250)).$((i % 250 + 1)) to 2001:db8:9::77"; done >$dir/batch
n46 -b $dir/batch
n46 map flush proto static
n46 pool del 198.19.0.0/17
n46 map del "$r"
kill -CONT "$relay"
check "rule 53: lost events are noticed" wait_for 20 grep -q 'events of the kernel were lost' $dir/log
check "rule 53: and what went meanwhile is mapped again" wait_for 10 mapping "$r"
disagree() {
	n46 map show proto dns46 | awk '{print $1, $5}' | sort >$dir/of-kernel
	awk '$2 == "L" {m[$3] = $5} $2 != "L" {delete m[$3]} END {for (a in m) print a, m[a]}' $dir/state/leases | sort >$dir/of-disk
	diff $dir/of-kernel $dir/of-disk
}
check "rule 53: nat46 map and the leases agree" disagree

# ---- quotas
quota() { in_pod python3 "$Q" ask --rcode 2 --ede 0 192.0.2.9@53 "$1" A; }
relay_down
relay_up "max-per-client 5"
for i in 1 2 3 4 5; do ask "q$i.quota.example" A; done >$dir/five
same "rule 46: five new names" 5 "$(grep -c 198.18 $dir/five)"
check "rule 46: a client's quota: the sixth is SERVFAIL with a reason" quota q6.quota.example
check "rule 46: those that it has are answered" is_pool "$(address q1.quota.example)"
check "rule 46: another client has its own" is_pool "$(in_pod2 dig @192.0.2.9 +short q6.quota.example A)"
check "rule 46: said" grep -q max-per-client $dir/log
relay_down
relay_up "max-per-client 5
forwarder $POD4"
for i in 1 2 3 4 5; do ask "f$i.quota.example" A; done >$dir/five
same "rule 46: a forwarder: five new names of a domain" 5 "$(grep -c 198.18 $dir/five)"
check "rule 46: a forwarder: not more of that domain" quota f6.quota.example
check "rule 46: a forwarder: of another one" is_pool "$(address f1.other.example)"
check "rule 46: a forwarder: on its client's account, where it says whose" is_pool "$(ask +subnet=10.9.9.9/32 f7.quota.example A)"
relay_down
cp $dir/conf.usual $dir/conf

# ---- the kernel's side, in a pool of its own: in the other one names have addresses
sed -i '/^pool/d' $dir/conf
rm -f $dir/state/leases
n46 pool add 198.19.0.0/30
check "another owner's mapping is there" n46 map add 198.19.0.1 to 2001:db8:9::77 name mine.example
n46 map add 198.19.0.2/31 to 2001:db8:9::a2/127
relay_up "pool 198.19.0.0/30"
same "rule 41: another owner's address is not given" 198.19.0.2 "$(address v6only.example)"
n46 map del 198.19.0.2/31
n46 map add 198.19.0.2/31 to 2001:db8:9::b2/127
same "a mapped prefix around a lease is none of its business" "198.19.0.2 to $SERVER6" \
	"$(address v6only.example) to $(mapping 198.19.0.2 | cut -d' ' -f3)"
n46 map del 198.19.0.2/31
check "rule 42: exhausted: SERVFAIL with a reason" in_pod python3 "$Q" ask --rcode 2 --ede 0 192.0.2.9@53 n1.example A
check "rule 42: said" grep -q exhausted $dir/log
same "what has its lease is answered still" 198.19.0.2 "$(address v6only.example)"
check "that mapping goes" n46 map del 198.19.0.1
got() { [ "$(address n2.example)" = 198.19.0.1 ]; }
check "rule 53: an event gives the address back" wait_for 40 got
relay_down
n46 pool del 198.19.0.0/30 force

echo "pool 198.18.0.0/16" >>$dir/conf
relay_up "hold 1
quarantine 2
ttl-cap 5"
q=$(address n150.example)
check "rule 16: a short life" is_pool "$q"
gone() { ! mapping "$q" && grep -q " Q $q " $dir/state/leases; }
check "rule 16: unused and over: unmapped by the kernel, in quarantine" wait_for 60 gone
free() { grep -q " F $q " $dir/state/leases; }
check "rule 16: and free after that" wait_for 10 free
relay_down

relay_up
n46 policy add deny 2001:db8:9::/48
denied() { [ -z "$(address n151.example)" ]; }
check "rule 7: what the kernel's policy denies is no target" wait_for 15 denied
n46 policy del deny 2001:db8:9::/48
allowed() { is_pool "$(address n151.example)"; }
check "rule 7: and is one when it is open again" wait_for 15 allowed
n46 pool del 198.18.0.0/16 force
down() { in_pod python3 "$Q" ask --rcode 2 --ede 14 192.0.2.9@53 n152.example A; }
check "rule 57: without the pool SERVFAIL" wait_for 15 down
same "rule 57: everything else as ever" 192.0.2.80 "$(address both.example)"
n46 pool add 198.18.0.0/16
back() { is_pool "$(address n152.example)"; }
check "rule 57: and up again within 5 seconds or so" wait_for 15 back
same "rule 44: what clients may hold is mapped again" 1 "$(n46 map | grep -c 'name n151.example')"
finish
