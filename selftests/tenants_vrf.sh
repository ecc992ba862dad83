# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Clients and uplinks in VRFs; sourced by tenants.sh, which has tenant 1 with a
# client at eth0 and an uplink. Other tenants' clients join it by links of their own.
#
#   c1 10.0.0.2 -- eth0 (VRF red)   \
#   v2 10.0.0.2 -- eth1 (VRF blue)  -- t1 -- wan, in the main table or VRF green
#   v3 10.1.0.2 -- eth2 (no VRF)    /

# vrf_client NETNS ADDR DEV: a client of t1
vrf_client() {
	ip netns add "$1"
	wire "$1" eth0 t1 "$3"
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		addr add $2.2/24 dev eth0
		route add default via $2.1
	END
}
from_() { in_ "$1" curl -4 -sS -m 4 "http://$MAPPED/client"; }

t46 1 session flush all >/dev/null
vrf_client v2 10.0.0 eth1
vrf_client v3 10.1.0 eth2
ip -n t1 -batch - <<-END
	link add red type vrf table 101
	link add blue type vrf table 102
	link set red up
	link set blue up
	link set eth0 vrf red
	link set eth1 vrf blue up
	link set eth2 up
	addr add 10.0.0.1/24 dev eth1
	addr add 10.1.0.1/24 dev eth2
END
like "a client in a VRF" '^2001:db8:101::' "$(from_ c1)"
like "... another VRF's with the same address" '^2001:db8:101::' "$(from_ v2)"
like "... one in none" '^2001:db8:101::' "$(from_ v3)"
for who in c1 v2 v3; do
	check "$who: ping" in_ $who ping -q -c2 -i0.2 -W2 -s 3000 $MAPPED
	was=$(drops 1 unmapped)
	# the first is dropped while the tenant's relay is asked, which knows of nothing
	like "$who: an error by the VRF that it is in" Unreachable "$(in_ $who ping -c3 -W2 198.18.99.1)"
	check "... unmapped" [ "$(drops 1 unmapped)" -gt "$was" ]
	like "$who: traceroute" "^ 2  $MAPPED" "$(in_ $who traceroute -n -q1 -w2 -m4 $MAPPED)"
done
# one port of one address towards one address of the pool, from two VRFs
hold() { in_ "$1" python3 -c "
import socket, sys
s = socket.socket()
s.bind(('', 31000))
s.settimeout(2)
s.connect(('$MAPPED', 80))
print('connected', flush=True)
sys.stdin.read()" ; }
mkfifo /run/vrf
hold c1 </run/vrf >/run/vrf.told &
exec 3>/run/vrf
check "a connection from a port" wait_for 30 grep -q connected /run/vrf.told
was=$(drops 1 src-check)
refute "the same port from the other VRF is not its own" hold v2 </dev/null
check "... src-check" [ "$(drops 1 src-check)" -gt "$was" ]
exec 3>&-
# nobody in one VRF speaks for the other's clients
was=$(drops 1 src-check)
in_ v2 python3 "$here/lib/flows.py" 10.1.0.2 $MAPPED 3 >/dev/null
same "a client's address in another VRF: src-check" $((was + 3)) "$(drops 1 src-check)"

t46 1 session flush all >/dev/null
t46 1 source del addr 2001:db8:101::1-2001:db8:101::f
t46 1 source add dev wan
ip -n t1 -batch - <<-END
	link add green type vrf table 103
	link set green up
	link set wan vrf green
	addr replace 2001:db8:11::9/64 dev wan nodad
	route add default via 2001:db8:11::1 dev wan vrf green
END
wait_for 30 in_ t1 ping -6 -q -c1 -W1 -I green 2001:db8:9::1
for who in c1 v2 v3; do
	like "$who: the uplink in a VRF, source dev" '^2001:db8:11::9 ' "$(from_ $who)"
done
in_ t1 nft -f - <<-END
	table ip6 vrf {
		chain out { type filter hook output priority 0; tcp dport 81 reject with icmpv6 admin-prohibited; }
	}
END
refused() { in_ "$1" curl -4 -s -m 4 "http://$MAPPED:81/"; echo $?; }
same "... what the node refuses there the client hears of" 7 "$(refused c1)"
check "... ping, in fragments" in_ c1 ping -q -c2 -i0.2 -W2 -s 3000 $MAPPED
in_ c1 ping -q -i0.2 -c15 $MAPPED >/run/ping &
ping=$!
sleep 0.5
was=$(opened 1)
ip -n t1 -batch - <<-END
	addr add 2001:db8:77::1/64 dev eth2 nodad
	addr del 2001:db8:77::1/64 dev eth2
END
wait $ping
check "another address goes: sessions stay" [ "$(opened 1)" = "$was" ]
t46 1 param set filter-hooks off
t46 1 session flush all >/dev/null
like "... past the hooks" '^2001:db8:11::9 ' "$(from_ c1)"
t46 1 param set filter-hooks forward filter-hooks4 forward
t46 1 session flush all >/dev/null
like "... by FORWARD" '^2001:db8:11::9 ' "$(from_ v2)"
t46 1 param reset filter-hooks
t46 1 param reset filter-hooks4

t46 1 session flush all >/dev/null
t46 1 source del dev wan
t46 1 source add addr 2001:db8:101::1-2001:db8:101::f
was=$(drops 1 no-route6)
refute "an addr source looks in the main table" from_ c1
check "... where there is no way: no-route6" [ "$(drops 1 no-route6)" -gt "$was" ]
ip -n t1 -6 rule add fwmark 0x46 lookup 103
in_ t1 nft -f - <<-END
	table ip vrf {
		chain pre { type filter hook prerouting priority raw; ip daddr 198.18.0.0/16 meta mark set 0x46; }
	}
END
like "... or in the one that a mark leads to" '^2001:db8:101::' "$(from_ c1)"

# an address that the node has, in that VRF: its sockets there are asked about
t46 1 session flush all >/dev/null
t46 1 source del addr 2001:db8:101::1-2001:db8:101::f
t46 1 source add addr 2001:db8:11::9 ports 20000-20999
mkfifo /run/own
in_ t1 python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'green')
s.bind(('', 20500))
s.settimeout(4)
s.connect(('2001:db8:9::1', 80))
print('connected', flush=True)
sys.stdin.readline()
s.send(b'GET /client HTTP/1.1\r\nHost: x\r\n\r\n')
print(*s.recv(9999).decode().split()[-2:], flush=True)" </run/own >/run/own.told 2>&1 &
own=$!
exec 3>/run/own
check "a connection of the node's in the VRF, from one of our ports" wait_for 30 grep -q connected /run/own.told
mine=$(in_ c1 curl -4 -sS -m 4 --local-port 20500 "http://$MAPPED/client")
like "... a client from the same port gets one, too" '^2001:db8:11::9 20[0-9]\{3\}$' "$mine"
refute "... another" grep -q ' 20500$' <<<"$mine"
echo >&3
exec 3>&-
wait $own
same "... which hears its own answers" "2001:db8:11::9 20500" "$(tail -n1 /run/own.told)"
same "what the node refuses there the client hears of" 7 "$(refused c1)"
in_ t1 nft delete table ip6 vrf
for n in v2 v3; do ip netns del $n; done
