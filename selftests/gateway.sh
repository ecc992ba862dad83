#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The node as the gateway of a network that has only IPv4, as docs/gateway.md
# has it: clients behind a router, hundreds of them, sources by range, a
# delegated prefix, allow-list, quotas, asymmetric ways, packets the wrong way.
# In a guest.
#
#   staff   10.46.1.10 --\                               node: eth0 10.46.0.1
#   servers 10.46.2.10 --- office 10.46.0.2 --- link ----|     eth1 -- router (net.sh)
#   guests  10.46.4.x ---/                       |       |     eth2 10.46.8.1
#                                  office2 10.46.0.3 ----------+
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
. "$here/recipes.sh"
GUESTS=${GUESTS:-200} # at most 1000, with two connections each
PREFIX=2001:db8:46:1:c:

in_() { ip netns exec "$@"; }

# client NETNS ADDR/LEN GATEWAY DEV-OF-OFFICE
client() {
	ip netns add "$1"
	wire "$1" eth0 office "$4"
	ip -n office -batch - <<-END
		link set $4 up
		addr add $3 dev $4
	END
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		addr add $2 dev eth0
		route add default via ${3%/*}
	END
	in_ "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

gateway_up() {
	local n
	far_up eth1
	for n in link office office2; do
		ip netns add $n
		ip -n $n link set lo up
	done
	ip -n link link add br0 type bridge
	wire node eth0 link gw
	wire office eth0 link office
	wire office2 eth0 link office2
	wire node eth2 office2 eth1
	ip -n link -batch - <<-END
		link set gw master br0 up
		link set office master br0 up
		link set office2 master br0 up
		link set br0 up
	END
	ip -n node -batch - <<-END
		link set eth0 up
		link set eth2 up
		addr add 10.46.0.1/24 dev eth0
		addr add 10.46.8.1/24 dev eth2
	END
	ip -n office -batch - <<-END
		link set eth0 up
		addr add 10.46.0.2/24 dev eth0
	END
	ip -n office2 -batch - <<-END
		link set eth0 up
		link set eth1 up
		addr add 10.46.0.3/24 dev eth0
		addr add 10.46.8.2/24 dev eth1
		route add 10.46.0.0/16 via 10.46.0.2
	END
	client staff 10.46.1.10/24 10.46.1.1/24 staff
	client servers 10.46.2.10/24 10.46.2.1/24 servers
	client guests 10.46.4.10/22 10.46.4.1/22 guests
	for n in office office2; do
		in_ $n sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0 \
			net.ipv4.icmp_ratelimit=0
	done
	# what a gateway may have switched off, or on
	in_node sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	in_router sysctl -qw net.ipv6.icmp.ratelimit=0
	in_ router2 sysctl -qw net.ipv6.icmp.ratelimit=0
	in_server sysctl -qw net.ipv6.icmp.ratelimit=0
	wait_for 10 in_node ping -6 -q -c1 -W1 $SERVER6
}

gateway_down() {
	local n
	[ -z "${relay-}" ] || kill "$relay"
	servers_down
	for n in staff servers guests office office2 link; do ip netns del $n; done
	net_down
	rmmod nf_nat46
}

insmod "$NAT46_KO" || { not_ok insmod; finish; }
trap gateway_down EXIT
gateway_up || { not_ok "the network comes up"; finish; }
nginx_up || not_ok "nginx starts"
nsd_up || not_ok "nsd starts"
export CURL_CA_BUNDLE=$SRV/ca.pem
recipes_of docs/gateway.md

# page WHO [ADDR]: the status of a page; seen WHO [ADDR]: the client as the server sees it
page() { in_ "$1" curl -4 -s -m 2 -o /dev/null -w '%{http_code}' "http://${2:-v6only.example}/"; }
seen() { in_ "$1" curl -4 -sS -m 5 "http://${2:-v6only.example}/client"; }
# more REASON N BEFORE: at least N packets were dropped for it since BEFORE
more() { local now; now=$(drops "$1"); [ "$now" -ge $(($3 + $2)) ] || { echo "$1: $3 before, $now now"; return 1; }; }
forged() { in_ "$1" python3 "$here/lib/flows.py" "$2" "$MAPPED" "$3" >/dev/null; }

note "set up as the document has it"
recipe route-back
recipe_put nat46.conf /etc/nat46/nat46.conf
recipe load
recipe_put dns46.conf /etc/nat46/dns46.conf
mkdir -p /var/lib/nat46
recipe relay-test
recipe delegate
recipe pool-route
for n in staff servers guests; do recipe_put resolv.conf /etc/netns/$n/resolv.conf; done
ip netns exec node dns46 -f >/run/dns46.log 2>&1 &
relay=$!
check "the relay starts" wait_for 60 grep -q 'synthesis is up' /run/dns46.log
recipe fetch
MAPPED=$(in_ staff dig +short v6only.example A)
n46 map add 198.18.255.7 to 2001:db8:9::70 # nobody there

note "sources by range"
same "staff: the gateway's own address" "$NODE6" "$(seen staff | cut -d' ' -f1)"
same "servers: the client's address embedded, its port kept" "${PREFIX}0:a2e:20a 23456" \
	"$(in_ servers curl -4 -sS -m 5 --local-port 23456 http://v6only.example/client)"
like "guests: one of the range" '^2001:db8:46:2::' "$(seen guests)"
check "ping, from behind the router" in_ staff ping -q -c2 -i0.2 -W2 v6only.example
check "ping, embedded" in_ servers ping -q -c2 -i0.2 -W2 -s 3000 v6only.example
same "neither family is forwarded here" "0 0" \
	"$(in_node sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | xargs)"

note "$GUESTS clients at once"
n46 session flush all >/dev/null
# many NETNS FIRST COUNT [PREFIX6]: what clients.py finds, while all are connected
many() {
	rm -f /run/hold /run/many
	mkfifo /run/hold
	ip netns exec "$1" python3 "$here/lib/clients.py" "$2" "$3" "$MAPPED" ${4:+"$4"} </run/hold >/run/many &
	exec 4>/run/hold
	wait_for 60 test -s /run/many
}
let_go() { exec 4>&-; wait $!; }
many guests 10.46.4.20 "$GUESTS"
same "each has its pages, from one address of the range" "$GUESTS" "$(cut -d' ' -f1 /run/many)"
check "... many addresses serve" test "$(cut -d' ' -f2 /run/many)" -gt $((GUESTS / 4))
same "... sessions" $((2 * GUESTS)) "$(count from 10.46.4.0/22)"
same "... two a client" 2 "$(count from 10.46.4.20)"
let_go
many servers 10.46.2.20 100 "$PREFIX:/96"
same "100 of the prefix source: each by its own address" "100 100" "$(cat /run/many)"
let_go

note "quotas"
n46 session flush all >/dev/null
recipe quota
was=$(drops max-per-client)
in_ guests python3 "$here/lib/flows.py" 10.46.4.10 "$MAPPED" 300 >/dev/null
same "a client has as many sessions as it may" 100 "$(count from 10.46.4.10)"
same "... the rest is counted" $((was + 200)) "$(drops max-per-client)"
refute "... and told: unreachable, at once" in_ guests ping -q -c1 -W3 "$MAPPED"
like "... host unreachable" Unreachable "$(in_ guests ping -c1 -W3 "$MAPPED")"
same "another client behind the same router is served" 200 "$(in_ guests curl -4 -s -m 4 -o /dev/null \
	-w '%{http_code}' --interface 10.46.4.20 http://v6only.example/)"
n46 session flush all >/dev/null
n46 param set max-per-client 2000

note "an allow-list"
recipe allow-list
recipe mark
same "who is on it is served" 200 "$(page staff)"
same "who is not is not" 000 "$(page guests)"
check "... by the list: the module saw nothing" [ "$(count from 10.46.4.0/22)" = 0 ]
rules() { in_node nft list chain ip nat46-clients pool; }
like "... its counter counts" '!= @allowed counter packets [1-9]' "$(rules)"
recipe allow-guests
same "... until it is put there" 200 "$(page guests)"
in_node nft list ruleset >/run/list
in_node nft flush ruleset
same "the mark alone lets nobody through" 000 "$(page staff)"
check "it comes back from its listing" in_node nft -f /run/list
same "... and serves" 200 "$(page staff)"
recipe no-list
same "without it all are" 200 "$(page guests)"

note "FORWARD judges"
recipe forward
recipe forward-rules
fence() { in_node nft list chain ip6 nat46-fence forward; }
same "what it accepts passes" 200 "$(page staff)"
like "... seen by it from eth0 to eth1" '443 } counter packets [1-9]' "$(fence)"
asks() { in_ staff dig +tcp +time=2 +tries=1 "@$MAPPED" v6only.example aaaa; }
refute "what it does not is dropped" asks
in_node nft 'add table ip back; add chain ip back f { type filter hook forward priority 0; policy drop; }'
same "IPv4's FORWARD judges the replies" 000 "$(page servers)"
in_node nft 'add rule ip back f iifname eth1 oifname eth0 ip saddr 198.18.0.0/16 counter accept'
same "... from the uplink to the clients" 200 "$(page servers)"
in_node nft delete table ip back
recipe no-forward
same "without it" 200 "$(page staff)"
check "... and what it did not accept" asks

note "more than one way"
# replies by another link: a second one to the IPv6 router
second_link eth3
ip -n router -batch - <<-END
	route add $NODE6/128 via 2001:db8:3::9
	route replace 2001:db8:46:1:c::/80 via 2001:db8:3::9
END
n46 session flush all >/dev/null
bytes() { in_node cat "/sys/class/net/$1/statistics"/rx_bytes; }
head -c 1M /dev/urandom >"$SRV/www/big"
was=$(bytes eth3)
for who in staff servers; do
	same "$who: replies by another interface" "$(sha256sum <"$SRV/www/big")" \
		"$(in_ "$who" curl -4 -sS -m 10 https://v6only.example/big | sha256sum)"
done
check "... they did come there" [ $(($(bytes eth3) - was)) -gt 2000000 ]
ip -n router -batch - <<-END
	route del $NODE6/128 via 2001:db8:3::9
	route replace 2001:db8:46:1:c::/80 via $NODE6
	link del lan2
END

ip -n office route replace 198.18.0.0/16 via 10.46.0.3
ip -n office2 route replace 198.18.0.0/16 via 10.46.0.1
same "the way to the gateway by another router of the link" 200 "$(page staff)"
like "... the reply's by the first" '^ 3  10.46.0.1' "$(in_ staff traceroute -n -q1 -w2 -m4 "$MAPPED")"
n46 session flush all >/dev/null
in_ staff ping -i0.1 -c60 -W1 "$MAPPED" >/run/ping &
ping=$!
has_one() { [ "$(count from 10.46.1.10)" = 1 ]; }
wait_for 20 has_one
was=$(drops src-check)
ip -n office2 route replace 198.18.0.0/16 via 10.46.8.1
wait $ping
check "in mid-flow by another interface: refused as src-check" more src-check 5 "$was"
was=$(drops src-check)
same "... nor does a flow begin so" 000 "$(page staff)"
check "... src-check" more src-check 1 "$was"
recipe loose
same "with src-check loose it does" 200 "$(page staff)"
in_ staff ping -q -c3 -i0.1 -W1 "$MAPPED" >/run/ping
check "... ping" grep -q ' 0% packet loss' /run/ping
n46 param reset src-check
ip -n office route replace 198.18.0.0/16 via 10.46.0.1

note "the wrong way"
n46 session flush all >/dev/null
# five forged packets from SRC are counted as REASON, and open nothing
wrong() { # NAME REASON NETNS SRC
	local was
	was=$(drops "$2")
	forged "$3" "$4" 5
	check "$1: $2" wait_for 20 more "$2" 5 "$was"
	same "... no session" 0 "$(count from "$4")"
}
wrong "a client with a source of no range" no-source staff 10.99.0.1
wrong "... with the gateway's own" no-source staff 10.46.0.1
n46 source add addr 2001:db8:46:2::100
wrong "where there is a source for everybody: a source without a way back" src-check staff 10.99.0.1
wrong "... the gateway's own" src-check staff 10.46.0.1
wrong "... one of another link of the gateway" src-check staff 10.46.8.77
wrong "... an address of the pool" src-check staff 198.18.0.99
n46 source del addr 2001:db8:46:2::100
ip -n node addr add 192.0.2.9/24 dev eth1
ip -n router -batch - <<-END
	addr add 192.0.2.1/24 dev lan
	route add 198.18.0.0/16 via 192.0.2.9
END
wrong "by the uplink, as a client" src-check router 10.46.1.10
wrong "by the uplink, as itself" no-source router 192.0.2.1
refute "... which is refused aloud" in_router ping -q -c1 -W2 "$MAPPED"
was=$(drops no-source)
same "... whatever it asks for" 000 "$(page router "$MAPPED")"
check "... no-source" more no-source 1 "$was"
ip -n node addr del 192.0.2.9/24 dev eth1

# six ADDR: five datagrams and two pings of the outside to an address of a source
six() {
	in_server bash -c "for port in 20001 20002 20003 20004 20005; do echo x >/dev/udp/$1/\$port; done"
	in_server ping -6 -q -c2 -i0.2 -W1 "$1" >/dev/null
}
for a in "$PREFIX:a2e:20a" 2001:db8:46:2::7; do
	was=$(drops no-session) pings=$(drops icmp-type)
	refute "from outside to $a: nobody answers" six $a
	same "... datagrams: no-session" $((was + 5)) "$(drops no-session)"
	same "... pings: icmp-type" $((pings + 2)) "$(drops icmp-type)"
done
was=$(drops no-session)
check "from outside to the gateway's own address: its own" in_server ping -6 -q -c1 -W2 $NODE6
six $NODE6
same "... counted nowhere" "$was" "$(drops no-session)"
# a session's own port, but another host's question
page servers >/dev/null
port=$(n46 -j session proto tcp from 10.46.2.0/24 | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["sport6"])')
was=$(drops no-session)
echo x | in_router socat -u -T1 - "TCP6:[$PREFIX:a2e:20a]:$port,connect-timeout=1" 2>/dev/null
check "another host to a session's port: no-session" more no-session 1 "$was"
was=$(drops unmapped) asked=$(drops unmapped-asked)
refute "an address that nobody has leased: the relay is asked" in_ staff ping -q -c1 -W1 198.18.77.77
same "... unmapped-asked" "$((asked + 1)) $was" "$(drops unmapped-asked) $(drops unmapped)"
refute "... and knows nothing: refused" in_ staff ping -q -c1 -W1 198.18.77.77
same "... unmapped" "$((asked + 1)) $((was + 1))" "$(drops unmapped-asked) $(drops unmapped)"
n46 map add 198.18.200.1 to 2001:db8:1::1 2>/dev/null
check "the gateway's own network is denied" [ -z "$(n46 -j map | grep 198.18.200.1)" ]
n46 map add 198.18.200.1 to "$PREFIX:a2e:20a"
was=$(drops hairpin)
refute "a name that leads to a client's address" in_ staff ping -q -c1 -W2 198.18.200.1
check "... hairpin" more hairpin 1 "$was"

note "what explain says is what happens"
n46 session flush all >/dev/null
# said KEY... -- WORDS: these of explain's answer
said() {
	local keys=()
	while [ "$1" != -- ]; do keys+=("$1"); shift; done
	shift
	n46 -j explain "$@" | python3 -IS -c '
import json, sys
d = json.load(sys.stdin)
print(*[d.get(k, "-") for k in sys.argv[1:]])' "${keys[@]}"
}
# another port than before, which may be in TIME_WAIT
same "servers: source, port, way" "translated $PREFIX:a2e:20a 23457 eth1 2001:db8:1::1 eth0" \
	"$(said verdict src6 sport6 oif via dev -- 10.46.2.10 v6only.example tcp 80 sport 23457 | sed "s/${PREFIX}0:/$PREFIX:/")"
same "... nothing is made" 0 "$(count)"
same "... and so it is" "${PREFIX}0:a2e:20a 23457" \
	"$(in_ servers curl -4 -sS -m 5 --local-port 23457 http://v6only.example/client)"
same "a flow that has a session" "translated, by the session that the flow has" \
	"$(said verdict -- 10.46.2.10 "$MAPPED" tcp 80 sport 23457)"
same "staff: the port that will be taken" "$(said src6 sport6 -- 10.46.1.10 "$MAPPED" tcp 80 sport 40000)" \
	"$(in_ staff curl -4 -sS -m 5 --local-port 40000 "http://$MAPPED/client")"
same "guests: the address of the range" "$(said src6 sport6 -- 10.46.4.33 "$MAPPED" tcp 80 sport 40001)" \
	"$(in_ guests curl -4 -sS -m 5 --interface 10.46.4.33 --local-port 40001 "http://$MAPPED/client")"
same "of no range" "drop no-source" "$(said verdict reason -- 10.99.0.1 "$MAPPED" udp 53)"
same "by another device" "drop src-check" "$(said verdict reason -- 10.46.1.10 "$MAPPED" udp 53 dev eth2)"
same "in no pool" pass "$(said verdict -- 10.46.1.10 198.51.100.1 udp 53)"
same "not mapped" "drop unmapped" "$(said verdict reason -- 10.46.1.10 198.18.77.77 icmp)"
n46 policy add deny 2001:db8:9::/64 from 10.46.4.0/22 proto tcp dport 80
same "denied, by which entry" "drop policy deny 2001:db8:9::/64 10.46.4.0/22 80" \
	"$(said verdict reason policy policy-prefix policy-from policy-dport -- 10.46.4.33 "$MAPPED" tcp 80)"
same "... and so it is" 000 "$(page guests)"
same "... not for another port" translated "$(said verdict -- 10.46.4.33 "$MAPPED" tcp 443)"
n46 policy del deny 2001:db8:9::/64 from 10.46.4.0/22 proto tcp dport 80
n46 param set max-per-client 1 hook-mark 0x46/0xff
same "not marked" pass "$(said verdict -- 10.46.2.10 "$MAPPED" tcp 80)"
same "one session too many" "drop max-per-client 1" \
	"$(said verdict reason client-sessions -- 10.46.2.10 "$MAPPED" tcp 80 mark 0x146)"
n46 param reset hook-mark
n46 param set max-per-client 2000
same "no way" "drop no-route6" "$(ip -n node -6 route del default; said verdict reason -- 10.46.1.10 "$MAPPED" tcp 81
	ip -n node -6 route add default via 2001:db8:1::1 dev eth1)"
check "in words" eval 'n46 explain 10.46.1.10 v6only.example tcp 443 | grep -q "^route     dev eth1 via 2001:db8:1::1 mtu 1500$"'
for words in "10.46.1.10" "10.46.1.10 nowhere.example tcp" "10.46.1.10 $MAPPED icmp 5" "10.46.1.10 $MAPPED tcp 0" \
	"10.46.1.10 $MAPPED tcp 80 dev nowhere" "10.46.1 $MAPPED tcp" "10.46.1.10 $MAPPED tcp 80 more"; do
	# shellcheck disable=SC2086 # words
	refute "explain $words" n46 explain $words
done

note "path MTU and traceroute"
recipe icmp-source
recipe trace
out=$(in_ staff traceroute -n -q1 -w2 -m8 "$MAPPED")
same "traceroute: the router, the gateway, two routers, the target" \
	"10.46.1.1 10.46.0.1 10.46.0.1 10.46.0.1 $MAPPED" "$(awk '/^ [0-9]/ {print $2}' <<<"$out" | xargs)"
head -c 4M /dev/urandom >"$SRV/www/big"
want=$(sha256sum <"$SRV/www/big")
for mtu in 1400 1280; do
	path_mtu $mtu
	for who in staff servers; do
		in_ $who ip route flush cache
		in_node ip -6 route flush cache
		check "$who: up by a path of $mtu" in_ "$who" curl -4 -sS -m 20 -T "$SRV/www/big" https://v6only.example/up/x
		same "... whole" "$want" "$(sha256sum <"$SRV/www/up/x")"
		same "$who: down" "$want" "$(in_ "$who" curl -4 -sS -m 20 https://v6only.example/big | sha256sum)"
	done
	like "tracepath finds $((mtu - 20))" "pmtu $((mtu - 20))" "$(in_ staff tracepath -n "$MAPPED")"
done
path_mtu 1500
# a small link on the clients' side: the server learns of it
ip -n office link set staff mtu 1300
ip -n staff link set eth0 mtu 1300
in_server ip -6 route flush cache
same "a small link towards the client" "$want" "$(in_ staff curl -4 -sS -m 20 https://v6only.example/big | sha256sum)"
recipes_done
finish
