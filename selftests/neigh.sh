#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Addr sources in the prefix of a link: the tool's proxy neighbour entries, and
# the module's answers to neighbour solicitations. In a guest:
#   selftests/vm/run -- 'bash $NAT46_SRC/selftests/neigh.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
MAPPED=198.18.0.7
HELD=2001:db8:1::64		# what the router asks for
LAST=2001:db8:1::66
RANGE=$HELD-$LAST
OWN=2001:db8:1::99		# the node's, when it has it
FOREIGN=2001:db8:1::65		# in the range, and somebody else's entry

client() { ip netns exec "$1" curl -sS -m 10 "http://$MAPPED/client" | cut -d' ' -f1; }
# proxies: ours, "ADDR DEVICE" each
proxies() { ip -n node -j -6 neigh show proxy | python3 -c 'import json, sys
print(*sorted(e["dst"] + " " + e["dev"] for e in json.load(sys.stdin) if "46" in str(e.get("protocol"))), sep="|")'; }
# others: everybody else's
others() { ip -n node -j -6 neigh show proxy | python3 -c 'import json, sys
print(*sorted(e["dst"] + " " + e["dev"] for e in json.load(sys.stdin) if "46" not in str(e.get("protocol"))), sep="|")'; }
groups() { ip -n node -6 maddr show dev "$1" | grep -o 'ff02::1:ff00:6[456]' | sort | tr '\n' ' '; }
# state ADDR: what the router makes of its neighbour
state() { ip -n router -6 neigh show "$1" dev lan; }
reachable() { state "$1" | grep -q "lladdr $MAC.*REACHABLE"; }
# solicit NETNS DEVICE ROUTER [SUBSET]: findings of ndisc.py, named
solicit() {
	local what=$1 line
	shift
	while read -r line; do
		case $line in
		ok*) ok "$what: ${line#* - }" ;;
		not*) not_ok "$what: ${line#* - }" ;;
		*) echo "$line" ;;
		esac
	done < <(timeout 100 ip netns exec router /usr/bin/python3 "$here/lib/ndisc.py" \
		"$1" "$2" $HELD "$3" "$4" $5 2>&1 || echo "not ok - ended with status $?")
}

nat46_guest_up
MAC=$(in_node cat /sys/class/net/wan/address)
n46 pool add 198.18.0.0/16
n46 map add $MAPPED to $SERVER6
same "the node forwards nothing and is no proxy" "0 0" \
	"$(in_node sysctl -n net.ipv6.conf.wan.forwarding net.ipv6.conf.wan.proxy_ndp | tr '\n' ' ' | sed 's/ $//')"

note "entries"
ip -n node -6 neigh add proxy $FOREIGN dev wan
check "source add addr, on the link" n46 source add addr $RANGE
same "each address has an entry, but where there was one" "$HELD wan|$LAST wan" "$(proxies)"
same "... which is still somebody else's" "$FOREIGN wan" "$(others)"
same "the node listens for all" "ff02::1:ff00:64 ff02::1:ff00:65 ff02::1:ff00:66 " "$(groups wan)"

note "flows, forwarding off"
ip -n router neigh flush dev lan
for ns in pod pod2; do
	seen=$(client $ns)
	like "$ns: the answers find their way back" "^2001:db8:1::6[456]$" "$seen"
	like "$ns: the router has us as the neighbour" "lladdr $MAC" "$(state "$seen")"
done
refute "we say that we are no router" grep -qw router <<<"$(state "$seen")"

note "probes: a neighbour that the router holds to be there is asked by unicast"
in_router ping -6 -q -c1 -W1 $HELD >/dev/null
ip -n router neigh replace $HELD lladdr "$MAC" dev lan nud probe
check "... and answers" wait_for 3 reachable $HELD

note "duplicate address detection"
ip -n router addr add $HELD/64 dev lan
dad_over() { ! ip -n router addr show dev lan to $HELD | grep -qw tentative ||
	ip -n router addr show dev lan to $HELD | grep -qw dadfailed; }
wait_for 5 dad_over
like "an address of ours is a duplicate" '\<dadfailed\>' "$(ip -n router addr show dev lan to $HELD)"
ip -n router addr del $HELD/64 dev lan

note "solicitations; a source that holds an address of the node, an entry of no source"
ip -n node addr add $OWN/64 dev wan nodad
n46 source add addr 2001:db8:1::98-2001:db8:1::9a from 10.9.0.0/16 force
same "the node's own address has no entry" \
	"$HELD wan|$LAST wan|2001:db8:1::98 wan|2001:db8:1::9a wan" "$(proxies)"
ip -n node -6 neigh add proxy 2001:db8:1::4747 dev wan
solicit "no router" lan "$MAC" $OWN 0 all
ip -n node -6 neigh del proxy 2001:db8:1::4747 dev wan
n46 source del addr 2001:db8:1::98-2001:db8:1::9a from 10.9.0.0/16
ip -n node addr del $OWN/64 dev wan

note "another link"
ip link add wan2 netns node type veth peer name lan2 netns router
ip -n node link set wan2 up
ip -n router link set lan2 up
MAC2=$(in_node cat /sys/class/net/wan2/address)
OWN2=fe80::9
ip -n node addr add $OWN2/64 dev wan2 nodad
solicit "where there is no entry" lan2 "$MAC2" $OWN2 0 none
ip -n node -6 neigh add proxy $HELD dev wan2
solicit "with an entry of the administrator" lan2 "$MAC2" $OWN2 0 well
ip -n node -6 neigh del proxy $HELD dev wan2
ip -n router link del lan2

note "forwarding on"
for proxy in 0 1; do
	in_node sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.wan.proxy_ndp=$proxy
	ip -n router neigh flush dev lan
	seen=$(client pod)
	like "proxy_ndp $proxy: the answers find their way back" "^2001:db8:1::6[456]$" "$seen"
	like "proxy_ndp $proxy: we say that we are a router" '\<router\>' "$(state "$seen")"
	solicit "proxy_ndp $proxy" lan "$MAC" $NODE6 1 well
done
in_node sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.wan.proxy_ndp=0
ip -n node route replace default via 2001:db8:1::1 dev wan

note "the entry goes with its source"
check "a second source with some of the addresses" n46 source add addr $LAST from $POD24/32
check "source del" n46 source del addr $RANGE force
same "what the other one has stays" "$LAST wan" "$(proxies)"
check "source del, the other one" n46 source del addr $LAST from $POD24/32 force
same "none is left" "" "$(proxies)"
same "but somebody else's" "$FOREIGN wan" "$(others)"
solicit "without the source" lan "$MAC" $NODE6 0 none
ip -n router neigh flush dev lan
refute "nobody answers the router" in_router ping -6 -q -c1 -W2 $HELD

note "save and restore"
n46 source add addr $HELD
conf=$(mktemp)
n46 save >"$conf"
sed "s/source add addr .*/source add addr $LAST/" "$conf" >"$conf.2"
check "restore with another source" n46 restore "$conf.2"
same "its entry is there, the old one gone" "$LAST wan" "$(proxies)"
check "restore" n46 restore "$conf"
same "back again" "$HELD wan" "$(proxies)"
same "save agrees" "$(cat "$conf")" "$(n46 save)"
ip -n node -6 neigh del proxy $HELD dev wan
check "restore, when an entry was lost" n46 restore "$conf"
same "it is there again" "$HELD wan" "$(proxies)"
sed '/source/d' "$conf" >"$conf.2"
check "restore without a source" n46 restore "$conf.2"
same "no entry" "" "$(proxies)"
same "nobody else's has gone" "$FOREIGN wan" "$(others)"

note "which addresses have entries"
n46 source add dev wan from 10.9.0.0/16
same "a dev source has none" "" "$(proxies)"
n46 source add addr 2001:db8:77::1
same "an address behind a gateway has none" "" "$(proxies)"
n46 source del addr 2001:db8:77::1
long=2001:db8:1::1:0-2001:db8:1::1:400
same "a range that is too long is told" \
	"nat46: no neighbour entries for more than 1024 addresses of a link; route them to this host: $long" \
	"$(n46 source add addr $long 2>&1)"
same "... has none" "" "$(proxies)"
same "... and stands" 1 "$(n46 source | grep -c "addr $long")"
same "... told once" "" "$(n46 source replace addr 2001:db8:1::77 from 10.8.0.0/16 2>&1)"
same "... and by restore" 1 "$(n46 save | ip netns exec node nat46 restore 2>&1 | grep -c 'route them to this host')"
n46 source del addr $long
check "one address less" n46 source add addr 2001:db8:1::1:0-2001:db8:1::1:3ff
same "... and all have" 1025 "$(ip -n node -6 neigh show proxy | grep -c 'dev wan.*proto 46')"
check "... the last one as well" in_router sh -c \
	"ping -6 -q -c1 -W1 2001:db8:1::1:3ff >/dev/null; ip -6 neigh show 2001:db8:1::1:3ff dev lan | grep 'lladdr $MAC'"
n46 source del addr 2001:db8:1::1:0-2001:db8:1::1:3ff
same "they go" "2001:db8:1::77 wan" "$(proxies)"
finish
