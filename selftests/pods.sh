# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a pod network must show, whatever it is. Sourced after nat46.sh.

WHO="$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib/who.py"

# who_serves NETNS: tells who asks, at port 8080
who_serves() {
	spawn "$1" python3 "$WHO" serve 8080
	wait_for 60 listens "$1" 8080
}

# told NETNS tcp|udp ADDR [PORT]: as whom is it seen there?
told() { ip netns exec "$1" python3 "$WHO" ask "$2" "$3" "${4:-8080}"; }

# hold NETNS ADDR: a connection kept alive from now on
hold() {
	rm -f /run/held
	ip netns exec "$1" python3 "$WHO" hold "$2" 8080 /run/held 2>/run/held.err &
	HELD=$!
	wait_for 30 test -s /run/held
}

# held NAME: it lives, answers go on coming
held() {
	local before
	before=$(cut -d' ' -f1 /run/held)
	more() { [ "$(cut -d' ' -f1 /run/held)" -gt "$before" ]; }
	check "$1" eval 'wait_for 5 more && kill -0 $HELD || { cat /run/held.err; false; }'
	kill "$HELD" 2>/dev/null
	wait "$HELD" 2>/dev/null
}

# by_name NETNS WHAT: an IPv6-only server from a pod, all by name
by_name() {
	local ns=$1 t=$2 a
	same "$t: curl by name, the certificate verified" \
		"Hello from the IPv6-only host v6only.example" \
		"$(ip netns exec "$ns" curl -4 -sS -m 30 --cacert "$SRV/ca.pem" https://v6only.example/ 2>&1)"
	same "$t: ... from the node's address" "$NODE6" \
		"$(ip netns exec "$ns" curl -4 -sS -m 30 http://v6only.example/client 2>&1 | cut -d' ' -f1)"
	ip netns exec "$ns" curl -4 -s -m 20 -o /run/down http://v6only.example/big
	same "$t: 1 MB down, whole" "$(md5sum <"$SRV/www/big")" "$(md5sum </run/down)"
	check "$t: 1 MB up" ip netns exec "$ns" curl -4 -sS -m 20 -T "$SRV/www/big" http://v6only.example/up/big
	same "$t: ... whole" "$(md5sum <"$SRV/www/big")" "$(md5sum <"$SRV/www/up/big")"
	check "$t: ping by name" ip netns exec "$ns" ping -4 -q -c2 -i0.2 -W2 v6only.example
	# the first may be lost to path MTU discovery
	check "$t: ping in fragments" ip netns exec "$ns" ping -4 -q -c3 -i0.2 -W2 -s 12000 v6only.example
	a=$(ip netns exec "$ns" getent ahostsv4 v6only.example | awk '{print $1; exit}')
	same "$t: UDP" "$SERVER6" "$(ip netns exec "$ns" dig +short +tries=2 +time=5 "@$a" v6only.example AAAA 2>&1)"
}

# nat46_load DEV: the module and its configuration, sessions leave by that device
nat46_load() {
	insmod "$NAT46_KO" || { not_ok "insmod"; return 1; }
	n46 pool add 198.18.0.0/16 && n46 source add dev "$1" && return
	not_ok "the configuration is taken"
}

nat46_unload() {
	n46 session flush all >/dev/null
	n46 pool del 198.18.0.0/16 force
	rmmod nf_nat46
}
