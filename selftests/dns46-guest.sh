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
ask() { in_pod dig @192.0.2.9 +short +time=5 +tries=1 "$@"; }
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
check "rule 16: owner, expiry, hold" grep -q 'expires .* hold 86400.* proto dns46' <<<"$(mapping "$a")"
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
check "a session is there" grep -q v6only <<<"$(n46 session; n46 map)"
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

# ---- the kernel's side
n46 map add 198.18.0.1 to 2001:db8:9::77 name mine.example
relay_down
one="pool 198.18.0.0/30"
sed -i '/^pool/d' $dir/conf
rm -f $dir/state/leases
n46 map add 198.18.0.2/31 to 2001:db8:9::a2/127
relay_up "$one"
same "rule 41: another owner's address is not given" 198.18.0.2 "$(address v6only.example)"
n46 map del 198.18.0.2/31
n46 map add 198.18.0.2/31 to 2001:db8:9::b2/127
same "a mapped prefix around a lease is none of its business" "198.18.0.2 to $SERVER6" \
	"$(address v6only.example) to $(mapping 198.18.0.2 | cut -d' ' -f3)"
n46 map del 198.18.0.2/31
check "rule 42: exhausted: SERVFAIL with a reason" in_pod python3 "$Q" ask --rcode 2 --ede 0 192.0.2.9@53 n1.example A
check "rule 42: said" grep -q exhausted $dir/log
check "what has its lease is answered still" is_pool "$(address v6only.example)"
n46 map del 198.18.0.1
got() { is_pool "$(address n2.example)"; }
check "rule 53: an event gives the address back" wait_for 10 got
relay_down

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
