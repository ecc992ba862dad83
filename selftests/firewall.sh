#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The firewall still rules: nft, ip6tables and tc on both legs, and the rulesets of
# ufw, firewalld (both run here), Docker, kube-proxy and the VPC CNI (rulesets/):
# their own traffic is as it was, ours passes or is refused as they say, and each
# rule in docs/firewalls.md does what it says. In a guest:
#   selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/firewall.sh'
# ONLY: some of nft xtables tc ufw firewalld docker kube
# QUICK=1: of each the half that says most
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
. "$here/recipes.sh"
MAPPED=198.18.0.7
HOST4=192.0.2.1		# an IPv4 host, where the router is
CONF=/run/conf
# rows ROW...: a line each; those behind -- where it is not QUICK
rows() {
	local row
	for row in "$@"; do
		if [ "$row" != -- ]; then
			echo "$row"
		elif [ -n "${QUICK:-}" ]; then
			return
		fi
	done
}
wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }

# ---- the network, with IPv4 beside --------------------------------------------
# whoami NETNS ADDR PORT: a server that tells who asks
whoami() {
	local dir=$SRV/who.$1.$3 t
	mkdir -p "$dir"
	{
		echo "daemon off; master_process off; pid pid; error_log stderr; events { worker_connections 64; }"
		echo "http { access_log off;"
		for t in client_body proxy fastcgi uwsgi scgi; do echo "${t}_temp_path $t;"; done
		echo "server { listen $2:$3; location / { default_type text/plain; return 200 \$remote_addr; } } }"
	} >"$dir/conf"
	spawn "$1" nginx -p "$dir" -c conf
	wait_for 60 listens "$1" "$3"
}
nat46_guest_up
ip -n router addr add $HOST4/24 dev lan
ip -n node route add default via $HOST4 dev wan
for t in 10 11; do ip -n node route add default via $HOST4 dev wan table $t; done
ip netns add box
wire box eth0 node vbox
ip -n node -batch - <<-'EOF'
	link add docker0 type bridge
	link set docker0 up
	addr add 172.17.0.1/16 dev docker0
	link set vbox master docker0
	link set vbox up
EOF
ip -n box -batch - <<-'EOF'
	link set lo up
	link set eth0 up
	addr add 172.17.0.2/16 dev eth0
	route add default via 172.17.0.1
EOF
trap 'servers_down; ip netns del box; net_down; rmmod nf_nat46' EXIT
whoami router $HOST4 8080 && whoami pod $POD4 8080 && whoami pod2 $POD24 8080 &&
	whoami pod2 $POD24 8082 && whoami box 172.17.0.2 8080 || not_ok "servers for IPv4"
in_server sysctl -qw net.ipv4.tcp_synack_retries=0
sysctl -qw net.netfilter.nf_log_all_netns=1

on() {
	n46 -b - <<-EOF
		pool add 198.18.0.0/16
		source add dev wan
		map add $MAPPED to $SERVER6
	EOF
}
on && n46 save >$CONF
# off: no pool, and so no hook of ours
off() { n46 restore force </dev/null; }
settings() { n46 param set "$@"; }
usual() { n46 restore $CONF force; in_node conntrack -F >/dev/null 2>&1; }

# page NETNS [HOST]: its status, or how curl ended; quiet NETNS: where nothing is to come
WAIT=10
quiet() { WAIT=1 page "$@"; }
page() {
	ip netns exec "$1" curl -4 -s -m $WAIT -o /dev/null -w '%{http_code} ' "http://${2:-$MAPPED}/"
	case $? in 0) ;; 28) echo silence ;; 7) echo refused ;; *) echo other ;; esac
}
fetched='200 '
# who NETNS HOST WANTED: what the server there takes it for
who() {
	ip netns exec "$1" curl -4 -s -m "$([ "$3" = silence ] && echo 1 || echo $WAIT)" "http://$2/"
	case $? in 0) ;; 28) echo silence ;; 7) echo refused ;; *) echo other ;; esac
}
# counted FAMILY TABLE CHAIN: packets of its counters
counted() { in_node nft list chain "$1" "$2" "$3" | sed -n 's/.*counter packets \([0-9]*\).*/\1/p' | tr '\n' ' '; }

# ---- the pod hears of what is refused in IPv6 ------------------------------------
in_pod nft -f - <<-'EOF'
	table ip heard {
		chain in { type filter hook input priority 0; }
	}
EOF
# listen: errors and resets are counted from now on
listen() {
	in_pod nft -f - <<-'EOF'
		flush chain ip heard in
		table ip heard {
			chain in {
				icmp type destination-unreachable icmp code 1 counter comment "host"
				icmp type destination-unreachable icmp code 3 counter comment "port"
				icmp type destination-unreachable icmp code 10 counter comment "prohibited"
				tcp flags & rst == rst counter comment "reset"
			}
		}
	EOF
}
heard() { in_pod nft list chain ip heard in | sed -n 's/.*packets \([0-9]*\).*comment "\(.*\)".*/\1 \2/p' | sed -n 's/^[1-9][0-9]* //p' | tr '\n' ' '; }

# refusals CHAIN HOOK: each word of the firewall in that chain of IPv6 reaches the pod
refusals() {
	local with
	while read -r with; do
		in_node nft "flush chain ip6 fw $1; add rule ip6 fw $1 oifname wan ip6 daddr $SERVER6 tcp dport 80 reject with ${with%:*}"
		listen
		same "$2: reject with ${with%:*} is ${with#*:} to the pod" "refused ${with#*:} " "$(page pod | sed 's/000 //') $(heard)"
	done < <(rows "icmpv6 type admin-prohibited:prohibited" "tcp reset:reset" -- \
		"icmpv6 type no-route:host" "icmpv6 type addr-unreachable:host" "icmpv6 type port-unreachable:port")
	in_node nft "flush chain ip6 fw $1; add rule ip6 fw $1 meta l4proto udp reject"
	check "$2: a question that is rejected ends at once" eval \
		"! timeout 4 ip netns exec pod dig +time=10 +tries=1 @$MAPPED v6only.example aaaa >/dev/null; [ \$? = 0 ]"
	in_node nft "flush chain ip6 fw $1; add rule ip6 fw $1 ip6 daddr $SERVER6 drop"
	same "$2: drop is silence" "000 silence" "$(quiet pod)"
	in_node nft "flush chain ip6 fw $1; add rule ip6 fw $1 ip6 daddr $SERVER6 tcp dport 80 counter log prefix \"FW46-$2 \" accept; add rule ip6 fw $1 ip6 daddr $SERVER6 drop"
	dmesg -c >/dev/null
	same "$2: accept before a drop" "$fetched" "$(page pod)"
	check "$2: ... it counts" test "$(counted ip6 fw "$1")" -gt 3
	check "$2: ... and logs device and target" eval \
		"dmesg | grep -q 'FW46-$2 $3OUT=wan .*SRC=2001:0db8:0001:.*:0009 DST=2001:0db8:0009:.*:0007'"
	in_node nft "flush chain ip6 fw $1"
}

if wanted nft; then
	note "nftables: IPv6 OUTPUT, POSTROUTING, FORWARD by setting; IPv4 at raw priority"
	in_node nft -f - <<-'EOF'
		table ip6 fw {
			chain out { type filter hook output priority 0; }
			chain forward { type filter hook forward priority 0; }
			chain post { type filter hook postrouting priority 0; }
		}
	EOF
	refusals out output 'IN= '
	settings filter-hooks forward
	refusals forward forward 'IN=eni1 '
	usual
	in_node nft "add rule ip6 fw post oifname wan ip6 daddr $SERVER6 counter drop"
	same "postrouting: drop is silence" "000 silence" "$(quiet pod)"
	check "... the device was known" test "$(counted ip6 fw post)" -gt 0
	in_node nft "flush chain ip6 fw post; add rule ip6 fw post oifname eni1 ip6 daddr $SERVER6 counter drop"
	same "... by another nothing goes" "$fetched 0 " "$(page pod) $(counted ip6 fw post)"
	in_node nft delete table ip6 fw

	in_node nft -f - <<-EOF
		table ip fw4 {
			chain raw { type filter hook prerouting priority raw; iifname eni1 ip daddr $MAPPED tcp dport 80 counter; }
			chain post { type filter hook postrouting priority 0; oifname eni1 ip saddr $MAPPED tcp sport 80 counter; }
		}
		table ip6 fw6 {
			chain raw { type filter hook prerouting priority raw; iifname wan ip6 saddr $SERVER6 tcp sport 80 counter; }
		}
	EOF
	same "IPv4, raw priority: the pod's packets" "$fetched" "$(page pod)"
	check "... they, the answers, and these in IPv6 are seen" eval \
		'[ "$(counted ip fw4 raw)" -gt 3 ] && [ "$(counted ip fw4 post)" -gt 3 ] && [ "$(counted ip6 fw6 raw)" -gt 3 ]'
	in_node nft "add rule ip fw4 raw tcp dport 80 ip saddr $POD4 drop"
	same "... a drop there is silence for that pod" "000 silence" "$(quiet pod)"
	same "... and for no other" "$fetched" "$(page pod2)"
	in_node nft "flush chain ip fw4 raw; add rule ip fw4 post oifname eni1 tcp sport 80 drop"
	same "IPv4, postrouting: a drop keeps the answers" "000 silence" "$(quiet pod)"
	in_node nft "delete table ip fw4; delete table ip6 fw6"

	note "docs/firewalls.md: which targets pods may reach"
	recipes_of docs/firewalls.md
	recipe nft-forward
	recipe nft-allow
	same "a page for the pod that may" "$fetched" "$(page pod)"
	listen
	refute "its questions are refused" in_pod ping -q -c1 -W1 $MAPPED
	same "... it hears so" "prohibited " "$(heard)"
	same "the other pod is refused" "000 refused" "$(page pod2)"
	same "the node is not asked about" "$fetched" "$(page node)"
	in_node nft delete table ip6 egress
	usual
else
	recipes_of docs/firewalls.md
fi

if wanted xtables; then
	for x in $(rows nft -- legacy); do
		note "ip6tables-$x"
		t="in_node ip6tables-$x"
		$t -A OUTPUT -o wan -d $SERVER6 -p tcp --dport 80 -m comment --comment ours -j ACCEPT
		$t -t mangle -A POSTROUTING -o wan -d $SERVER6 -p tcp --dport 80
		same "a page" "$fetched" "$(page pod)"
		check "... OUTPUT and POSTROUTING count" eval \
			"[ \$($t -nvxL OUTPUT | awk '/ours/ {print \$1}') -gt 3 ] && [ \$($t -t mangle -nvxL POSTROUTING | awk 'NR == 3 {print \$1}') -gt 3 ]"
		$t -R OUTPUT 1 -o wan -d $SERVER6 -p tcp -j REJECT --reject-with icmp6-adm-prohibited
		listen
		same "REJECT" "refused prohibited " "$(page pod | sed 's/000 //') $(heard)"
		$t -R OUTPUT 1 -o wan -d $SERVER6 -p tcp -j REJECT --reject-with tcp-reset
		listen
		same "... with a reset" "refused reset " "$(page pod | sed 's/000 //') $(heard)"
		$t -R OUTPUT 1 -o wan -d $SERVER6 -j DROP
		same "DROP" "000 silence" "$(quiet pod)"
		$t -F OUTPUT
		settings filter-hooks forward
		$t -P FORWARD DROP
		same "forward: policy DROP" "000 silence" "$(quiet pod)"
		$t -A FORWARD -i eni1 -o wan -d $SERVER6 -j ACCEPT
		same "... and ACCEPT by its devices" "$fetched 000 silence" "$(page pod) $(quiet pod2)"
		$t -P FORWARD ACCEPT
		$t -F FORWARD
		$t -t mangle -F POSTROUTING
		usual
	done
fi

if wanted tc; then
	note "tc on the pod's device, as network-policy agents do"
	tc='ip netns exec node tc'
	# hits DIRECTION: packets of its filters
	hits() { $tc -s filter show dev eni1 "$1" | sed -n 's/.*Sent [0-9]* bytes \([0-9]*\) pkt.*/\1/p' | tail -n 1; }
	# ADDR as a word of the frame: at 26 the source, at 30 the destination
	while IFS='|' read -r what dir match; do
		$tc qdisc add dev eni1 clsact
		check "$what" eval "$tc filter add dev eni1 $dir protocol ip pref 1 $match action pass"
		same "... passes" "$fetched" "$(page pod)"
		check "... and counts" test "$(hits $dir)" -gt 3
		$tc filter del dev eni1 $dir pref 1
		eval "$tc filter add dev eni1 $dir protocol ip pref 1 $match action drop"
		same "... drops" "000 silence" "$(quiet pod)"
		same "... for that pod" "$fetched" "$(page pod2)"
		$tc qdisc del dev eni1 clsact
	done < <(rows "flower, what the pod sends|ingress|flower ip_proto tcp dst_ip $MAPPED dst_port 80" \
		"BPF, what it gets|egress|bpf bytecode '4,32 0 0 26,21 0 1 $((0xc6120007)),6 0 0 4294967295,6 0 0 0'" -- \
		"flower, what it gets|egress|flower ip_proto tcp src_ip $MAPPED src_port 80" \
		"u32, what the pod sends|ingress|u32 match ip dst 198.18.0.0/16" \
		"u32, what it gets|egress|u32 match ip src 198.18.0.0/16" \
		"BPF, what the pod sends|ingress|bpf bytecode '4,32 0 0 30,21 0 1 $((0xc6120007)),6 0 0 4294967295,6 0 0 0'")
	same "without them" "$fetched" "$(page pod)"
fi

# ---- rulesets -------------------------------------------------------------------------
# own NAME: the ruleset's own traffic (the lines of $OWN: what, from, to, taken for)
own() {
	local what from to as
	while IFS='|' read -r what from to as; do
		same "$1: $what" "$as" "$(who "$from" "$to" "$as")"
	done <<<"$OWN"
}
# beside NAME: its own traffic without us, and with us; then we are there
beside() {
	if [ -z "${QUICK:-}" ]; then
		off
		in_node conntrack -F >/dev/null 2>&1
		own "$1, without us"
	fi
	usual
	own "$1, beside us"
}
# ours NAME NETNS: all of it passes, by each setting that leaves FORWARD alone
ours() {
	local set who
	usual
	watch_invalid
	while read -r set; do
		sleep 0.2 # the last one's end is through
		usual
		[ -z "$set" ] || settings $set
		for who in $(rows $2 ${set:+--} node); do
			same "$1: a page for the $who ${set:-by default}" "$fetched" "$(page $who)"
			check "... ping" ip netns exec $who ping -q -c1 -W8 $MAPPED
		done
		[ -n "$set" ] ||
			same "... conntrack knows of none of the $2's" 0 \
				"$(in_node conntrack -L 2>/dev/null | grep -c "src=$(ip -n $2 -4 -o addr show dev eth0 | sed 's/.*inet \([^/]*\).*/\1/') dst=$MAPPED")"
	done < <(rows "" "hook-late on track6 on" -- "hook-late on" "track6 on")
	usual
	same "$1: nothing of it was invalid" 10 "$(invalid)"
}
# xt FILE...: loads rules of rulesets/, by the nft variant
xt() {
	local f
	for f in "$@"; do
		case $f in
		*6.rules) check "$f loads" in_node ip6tables-restore --noflush "$here/rulesets/$f" ;;
		*) check "$f loads" in_node iptables-restore --noflush "$here/rulesets/$f" ;;
		esac
	done
}
clear_rules() { in_node nft flush ruleset; usual; }

if wanted ufw; then
	note "ufw"
	sed -i 's/^DEFAULT_FORWARD_POLICY=.*/DEFAULT_FORWARD_POLICY="DROP"/; s/^IPV6=.*/IPV6=yes/; s/^IPT_SYSCTL=.*/#&/' /etc/default/ufw
	cat >>/etc/ufw/before.rules <<-EOF
		*nat
		:PREROUTING ACCEPT [0:0]
		:POSTROUTING ACCEPT [0:0]
		-A PREROUTING -i wan -p tcp --dport 8081 -j DNAT --to-destination $POD4:8080
		-A POSTROUTING -s 10.0.0.0/16 -o wan -j MASQUERADE
		COMMIT
	EOF
	ufw() { in_node ufw "$@"; }
	check "it starts" ufw --force enable
	check "its rules" eval "ufw route allow in on eni1 out on wan to $HOST4 && ufw route allow in on wan out on eni1 to $POD4 port 8080 proto tcp"
	OWN="a masqueraded pod|pod|$HOST4:8080|192.0.2.9
a published port|router|192.0.2.9:8081|$HOST4
the node|node|$HOST4:8080|192.0.2.9
a pod that may not|pod2|$HOST4:8080|silence
a port that is closed|router|192.0.2.9:8099|silence"
	beside ufw
	ours ufw pod
	ufw default deny outgoing >/dev/null
	usual
	same "outgoing denied: the pod's page" "000 silence" "$(quiet pod)"
	same "... and the node's" "000 silence" "$(quiet node)"
	recipe ufw-out
	same "... let out" "$fetched" "$(page pod)"
	settings filter-hooks forward
	same "filter-hooks forward: routed is denied" "000 silence" "$(quiet pod)"
	recipe ufw-route
	same "... allowed for that pod alone" "$fetched 000 silence" "$(page pod) $(quiet pod2)"
	same "nothing of it was invalid" 10 "$(invalid)"
	ufw --force disable >/dev/null
	clear_rules
fi

if wanted firewalld; then
	note "firewalld"
	# its own files, less the services that no zone of it names: each is an object on
	# D-Bus, and that of 200 takes a loaded machine half a minute
	cp -r /usr/lib/firewalld /run/firewalld.conf
	find /run/firewalld.conf/services -name '*.xml' |
		grep -vE '/(ssh|dhcpv6-client|mdns|samba-client|netbios-ns)\.xml$' | xargs rm
	cat >/etc/firewalld/zones/public.xml <<-EOF
		<zone>
			<interface name="wan"/>
			<masquerade/>
			<forward-port port="8081" protocol="tcp" to-port="8080" to-addr="$POD4"/>
		</zone>
	EOF
	sed 's#</zone>#<interface name="eni2"/></zone>#' /run/firewalld.conf/zones/block.xml >/etc/firewalld/zones/block.xml
	mkdir -p /run/dbus
	spawn node dbus-daemon --system --nofork --nopidfile
	wait_for 10 test -S /run/dbus/system_bus_socket
	spawn node /usr/sbin/firewalld --nofork --nopid --log-target console --default-config /run/firewalld.conf
	firewalld_pid=${SERVER_PIDS##* }
	# firewall-cmd is Python too: asked once, when the rules are there
	wait_for 90 in_node nft list chain inet firewalld filter_FORWARD
	check "it starts" wait_for 60 eval 'in_node timeout 60 firewall-cmd --state'
	check "its zones are ours" eval 'in_node nft list table inet firewalld | grep -q "oifname \"wan\"" && in_node nft list table inet firewalld | grep -q "iifname \"eni2\""'
	settings filter-hooks forward
	same "filter-hooks forward: its zone does not forward" "000 refused" "$(page pod)"
	recipe firewalld-zone
	same "... now it does" "$fetched" "$(page pod)"
	same "... another's does not" "000 refused" "$(page pod2)"
	OWN="a masqueraded pod|pod|$HOST4:8080|192.0.2.9
a published port|router|192.0.2.9:8081|$HOST4
the node|node|$HOST4:8080|192.0.2.9
a pod that may not|pod2|$HOST4:8080|refused
a port that is closed|router|192.0.2.9:8099|refused"
	beside firewalld
	ours firewalld pod
	kill "$firewalld_pid"
	wait_for 20 eval '! in_node nft list table inet firewalld'
	clear_rules
fi

if wanted docker; then
	note "Docker"
	xt docker.rules docker6.rules
	check "br_netfilter is there" modprobe br_netfilter
	in_node sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
	OWN="a masqueraded container|box|$HOST4:8080|192.0.2.9
a published port|router|192.0.2.9:8081|$HOST4
... from the node|node|192.0.2.9:8081|192.0.2.9
the node|node|$HOST4:8080|192.0.2.9
what it forwards for nobody|pod|$HOST4:8080|silence"
	beside Docker
	ours Docker box
	settings filter-hooks forward
	same "filter-hooks forward: FORWARD drops" "000 silence" "$(quiet box)"
	recipe docker-user
	same "... no longer" "$fetched" "$(page box)"
	same "... for containers alone" "000 silence" "$(quiet pod)"
	same "nothing of it was invalid" 10 "$(invalid)"
	in_node sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	clear_rules
fi

if wanted kube; then
	ip -n node -batch - <<-'EOF'
		rule add pref 1024 fwmark 0x80/0x80 lookup main
		route add 10.100.0.0/16 dev wan
	EOF
	ip -n router route add 10.0.0.0/16 via 192.0.2.9
	OWN="a masqueraded pod|pod|$HOST4:8080|192.0.2.9
a Service|pod|10.100.0.10:80|$POD4
... again|pod|10.100.0.10:80|$POD4
... from the node|node|10.100.0.10:80|192.0.2.9
... of one's own|pod2|10.100.0.10:80|192.0.2.9
a NodePort|router|192.0.2.9:30080|192.0.2.9
the node|node|$HOST4:8080|192.0.2.9"
	# forward6: FORWARD of IPv6 has its say by setting alone
	forward6() {
		in_node ip6tables -P FORWARD DROP
		settings filter-hooks forward
		same "$1, filter-hooks forward: FORWARD drops" "000 silence" "$(quiet pod)"
		recipe kube-forward
		same "... no longer" "$fetched" "$(page pod)"
		same "$1: nothing of it was invalid" 10 "$(invalid)"
	}

	note "kube-proxy, mode iptables, and the VPC CNI"
	xt kube-proxy.rules kube-proxy6.rules vpc-cni.rules
	OWN="$OWN
a Service without endpoints|pod|10.100.0.99:80|refused"
	beside "kube-proxy iptables"
	ours "kube-proxy iptables" pod
	forward6 "kube-proxy iptables"
	usual
	in_node iptables -t nat -R KUBE-SEP-ONE 2 -p tcp -j DNAT --to-destination $MAPPED:80
	in_node iptables -t nat -R KUBE-SEP-TWO 2 -p tcp -j DNAT --to-destination $MAPPED:80
	refute "a Service that leads to a pool: not by default" test "$(quiet pod 10.100.0.10)" = "$fetched"
	recipe kube-late
	in_node conntrack -F >/dev/null 2>&1
	same "... by hook-late on" "$fetched" "$(page pod 10.100.0.10)"
	same "... and a NodePort that does" "$fetched" "$(page router 192.0.2.9:30080)"
	clear_rules

	note "kube-proxy, mode nftables, and the VPC CNI"
	check "kube-proxy.nft loads" in_node nft -f "$here/rulesets/kube-proxy.nft"
	xt vpc-cni.rules
	beside "kube-proxy nftables"
	ours "kube-proxy nftables" pod
	forward6 "kube-proxy nftables"
	clear_rules

	note "kube-proxy, mode IPVS, and the VPC CNI"
	ip -n node link add kube-ipvs0 type dummy
	ip -n node addr add 10.100.0.10/32 dev kube-ipvs0
	in_node sysctl -qw net.ipv4.vs.conntrack=1
	check "kube-proxy-ipvs.set loads" in_node ipset restore -file "$here/rulesets/kube-proxy-ipvs.set"
	xt kube-proxy-ipvs.rules kube-proxy6.rules vpc-cni.rules
	check "kube-proxy-ipvs.ipvs loads" eval "in_node ipvsadm --restore <$here/rulesets/kube-proxy-ipvs.ipvs"
	OWN=$(grep -v 'without endpoints' <<<"$OWN")
	beside "kube-proxy IPVS"
	ours "kube-proxy IPVS" pod
	forward6 "kube-proxy IPVS"
	in_node ipvsadm -C
	clear_rules
fi
[ -n "${ONLY:-}" ] || recipes_done
finish
