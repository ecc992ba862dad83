#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What conntrack and a firewall make of translated flows: hook-late, track6, the
# node's own, the helper that rules name. In a guest:
#   selftests/vm/run -- 'exec bash $NAT46_SRC/selftests/conntrack.sh'
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
MAPPED=198.18.0.7

page() { ip netns exec "$1" curl -4 -s -m 5 -o /dev/null -w '%{http_code}' "http://${2:-$MAPPED}/"; }
# entries FAMILY PATTERN: flows that conntrack knows
entries() { in_node conntrack -L -f "$1" 2>/dev/null | grep -c -- "$2"; }
forget() { in_node conntrack -F >/dev/null 2>&1; n46 session flush all >/dev/null; }

nat46_guest_up
# answers that a firewall here refuses would come again when conntrack has forgotten
in_server sysctl -qw net.ipv4.tcp_synack_retries=0
n46 -b - <<-END
	pool add 198.18.0.0/16
	source add dev wan
	map add $MAPPED to $SERVER6
END
watch_invalid

# traffic: of each kind, from a pod and from the node, all of it through
traffic() {
	local who
	for who in pod node; do
		same "$1: a page for the $who" 200 "$(page $who)"
		check "$1: ping by the $who" ip netns exec $who ping -q -c2 -i0.2 -W2 -s 1000 $MAPPED
		check "$1: ping in fragments by the $who" ip netns exec $who ping -q -c2 -i0.2 -W2 -s 3000 $MAPPED
		check "$1: a name asked by the $who" eval \
			"ip netns exec $who dig +time=2 +tries=2 @$MAPPED v6only.example aaaa | grep -q NOERROR"
		same "$1: a closed port is refused to the $who" 7 \
			"$(ip netns exec $who curl -4 -s -m 5 http://$MAPPED:81/; echo $?)"
	done
	same "$1: 1 MB up, whole" "$(head -c 1000000 /dev/zero | md5sum)" "$(head -c 1000000 /dev/zero |
		in_pod curl -4 -s -m 20 -T - http://$MAPPED/up/zeros >/dev/null; md5sum <"$SRV/www/up/zeros")"
	same "$1: nothing of it is invalid in any of ten hooks" 10 "$(invalid)"
}

note "neither family's conntrack knows of a pod's flows; IPv4's knows the node's own"
traffic default
same "... entries of the pod's" "0 0" "$(entries ipv4 "src=$POD4") $(entries ipv6 "dst=$SERVER6")"
check "... of the node's own" test "$(entries ipv4 "dst=$MAPPED.*ASSURED")" -gt 0

note "hook-late on: IPv4's knows the pod's too"
forget
n46 param set hook-late on
traffic late
check "... entries" test "$(entries ipv4 "src=$POD4 dst=$MAPPED.*ASSURED")" -gt 0
same "... in IPv6" 0 "$(entries ipv6 "dst=$SERVER6")"

note "... and track6 on: both do"
forget
n46 param set track6 on
traffic "late and track6"
check "... entries" test "$(entries ipv4 "src=$POD4.*ASSURED")" -gt 0
check "... in IPv6" test "$(entries ipv6 "src=$NODE6 dst=$SERVER6.*ASSURED")" -gt 0

note "track6 alone"
forget
n46 param reset hook-late
traffic track6
same "... entries in IPv4" 0 "$(entries ipv4 "src=$POD4")"
check "... in IPv6" test "$(entries ipv6 "src=$NODE6 dst=$SERVER6.*ASSURED")" -gt 0
in_node nft "add table ip6 masq; add chain ip6 masq p { type nat hook postrouting priority 100; }
	add rule ip6 masq p oifname wan masquerade fully-random"
forget
traffic "track6 behind a masquerade of random ports"
n46 param set filter-hooks off
forget
traffic "track6 overrules filter-hooks off"
n46 param reset filter-hooks
in_node nft delete table ip6 masq
in_node nft "add table ip6 no; add chain ip6 no o { type filter hook output priority 0; }
	add rule ip6 no o udp dport 5001 reject with icmpv6 port-unreachable
	add rule ip6 no o tcp dport 5001 reject with icmpv6 port-unreachable"
for src in "dev wan" "addr 2001:db8:100::1" "prefix 3fff:460:46:46::/96"; do
	[ "$src" = "dev wan" ] || n46 source add $src from $POD4/32
	forget
	check "track6, $src: this node's own error about a datagram is heard" \
		in_pod python3 "$here/lib/sockets.py" refused $MAPPED 5001
	same "... about a SYN" 7 "$(ip netns exec pod curl -4 -s -m 5 http://$MAPPED:5001/; echo $?)"
	[ "$src" = "dev wan" ] || n46 source del $src from $POD4/32 force
done
in_node nft delete table ip6 no

note "early and late is for a session's life"
forget
n46 param reset track6
mkfifo /run/ask
# connect: one connection of the pod's, on which pages are asked for; hang_up ends it
connect() {
	in_pod python3 -c '
import socket, sys
s = socket.create_connection(("'$MAPPED'", 80), 5)
for line in sys.stdin:
    s.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    print(s.recv(9999).split()[1].decode(), flush=True)' </run/ask >/run/told &
	exec 3>/run/ask
}
hang_up() { exec 3>&-; wait $!; }
# told N: is the Nth page there?
told() { echo >&3; wait_for 5 eval "[ \$(wc -l </run/told) = $1 ]"; }
connect
check "a connection that began early" told 1
n46 param set hook-late on
check "... goes on when the setting says late" told 2
same "... unknown to conntrack" 0 "$(entries ipv4 "src=$POD4 dst=$MAPPED.*ASSURED")"
hang_up
connect
check "one that began late" told 1
n46 param set hook-late off
check "... goes on when the setting says early" told 2
check "... known to conntrack" test "$(entries ipv4 "src=$POD4 dst=$MAPPED.*ASSURED")" = 1
hang_up
same "nothing of it was invalid" 10 "$(invalid)"

note "firewalls of the usual shape, policy drop: established passes"
forget
in_node nft -f - <<-END
	table ip fw {
		chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; }
		chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname { eni1, eni2 } accept; }
		chain output { type filter hook output priority 0; policy drop; ct state new,established,related accept; }
	}
	table ip6 fw {
		chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; icmpv6 type { 133-137 } accept; }
		chain output { type filter hook output priority 0; policy drop; ct state new,established,related,untracked accept; }
	}
END
same "the node's own" 200 "$(page node)"
check "... and ping" in_node ping -q -c1 -W2 $MAPPED
same "a pod's, early" 200 "$(page pod)"
n46 param set hook-late on
forget
same "a pod's, late" 200 "$(page pod)"
in_node nft "flush chain ip fw output; add rule ip fw output ct state established,related counter accept"
check "IPv4's OUTPUT sees the answers, as established" eval 'page pod >/dev/null; in_node nft list chain ip fw output | grep -q "packets [1-9]"'
in_node nft flush chain ip fw output
same "... and where it refuses them, none arrive" 000 "$(page pod)"
in_node nft "flush chain ip fw input"
n46 param reset hook-late
same "nor for the node, by INPUT" 000 "$(page node)"
in_node nft "delete table ip fw; delete table ip6 fw"

note "a Service that leads to a pool's address"
in_node nft -f - <<-END
	table ip svc {
		chain pre { type nat hook prerouting priority -100; ip daddr 10.100.0.5 tcp dport 8000 dnat to $MAPPED:80; }
		chain out { type nat hook output priority -100; ip daddr 10.100.0.5 tcp dport 8000 dnat to $MAPPED:80; }
		chain post { type nat hook postrouting priority 100; oifname wan masquerade fully-random; }
	}
END
ip -n node route add 10.100.0.0/16 dev wan
n46 param set hook-late on
forget
same "by hook-late on: a page for the pod" 200 "$(page pod 10.100.0.5:8000)"
same "... for the node" 200 "$(page node 10.100.0.5:8000)"
in_node nft add rule ip svc pre ip daddr 10.100.0.6 tcp dport 8000 dnat to $MAPPED:80
check "two flows that would be one to conntrack: the second is dropped by name" in_pod python3 -c '
import socket
def to(addr):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", 30555))
    s.settimeout(1.5)
    s.connect((addr, 8000))
    return s
first = to("10.100.0.5")
try:
    to("10.100.0.6")
except TimeoutError:
    raise SystemExit(0)
raise SystemExit(1)'
check "... conntrack" test "$(drops conntrack)" -gt 0
n46 param reset hook-late
forget
same "by default for the node alone" 200 "$(page node 10.100.0.5:8000)"
refute "... not for the pod" test "$(page pod 10.100.0.5:8000)" = 200
in_node nft delete table ip svc

note "a server of the pod's, published to IPv6"
ip -n router route add 3fff:460:46:46::/96 via $NODE6
spawn pod python3 -u -m http.server --bind $POD4 8080
check "a server in the pod" wait_for 20 listens pod 8080
n46 -b - <<-END
	source add prefix 3fff:460:46:46::/96 from $POD4/32
	map add 198.18.9.0/24 to 2001:db8:9::/120 inbound
	param set hook-late on track6 on
END
forget
watch_invalid
same "a page of it" 200 "$(in_server curl -s -m 5 -o /dev/null -w '%{http_code}' 'http://[3fff:460:46:46::a00:10a]:8080/')"
check "ping" in_server ping -6 -q -c2 -i0.2 -W2 3fff:460:46:46::a00:10a
same "both conntracks know it" "1 1" \
	"$(entries ipv4 "src=198.18.9.7 dst=$POD4.*ASSURED") $(entries ipv6 "src=$SERVER6 dst=3fff.*ASSURED")"
same "nothing of it is invalid" 10 "$(invalid)"
n46 -b - <<-END
	param reset track6
	map del 198.18.9.0/24
	source del prefix 3fff:460:46:46::/96 from $POD4/32 force
END

note "a rule that names us"
n46 param set hook-late helper unmapped drop
cat >/run/rules <<END
table ip steer {
	ct helper nat46 {
		type "nat46" protocol tcp
		l3proto ip
	}

	chain pre {
		type filter hook prerouting priority mangle; policy accept;
		ip saddr $POD4 tcp dport 80 counter packets 0 bytes 0 ct helper set "nat46"
	}
}
END
check "it loads" in_node nft -f /run/rules
same "lists as it was written" "$(cat /run/rules)" "$(in_node nft list table ip steer)"
in_node nft list ruleset >/run/all
in_node nft flush ruleset
check "... and comes back from its listing" in_node nft -f /run/all
same "... byte for byte" "$(cat /run/all)" "$(in_node nft list ruleset)"
forget
same "the pod that it names has a page" 200 "$(page pod)"
check "its counter counts" eval 'in_node nft list table ip steer | grep -q "counter packets [1-9]"'
check "conntrack shows the helper" test "$(entries ipv4 "helper=nat46")" = 1
refute "the other pod has none" test "$(page pod2)" = 200
refute "nor has the node" test "$(page node)" = 200
refute "nor another protocol" in_pod ping -q -c1 -W1 $MAPPED
in_node nft delete table ip steer
forget
refute "without the rule nobody has" test "$(page pod)" = 200
finish
