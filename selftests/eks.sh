#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A node of an EKS cluster as vpc-cni sets it up (lib/vpc.sh), with systemd, and
# docs/eks.md, whose commands are run as they stand there. Its pods are there, and
# talk, before the module is. In a guest:
#   selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/eks.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib/writable.sh"
. "$here/lib/systemd.sh"
systemd_enter node
. "$here/lib.sh"
. "$here/net.sh"
. "$here/lib/vpc.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
. "$here/pods.sh"
. "$here/recipes.sh"

# closed: forgets flows that have ended
closed() {
	in_node sh -c 'for s in SYN_SENT SYN_RECV FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE; do
		conntrack -D -p tcp --state $s; done; conntrack -D -p udp; conntrack -D -p icmp'
} >/dev/null 2>&1

# flows: conntrack's of those that have ended, both tuples with the ports that were
# asked for, the mark; of datagrams also how many, and their bytes
flows() {
	in_node conntrack -L 2>/dev/null | grep -v -e ESTABLISHED -e 'dport=53 ' |
		sed -E 's/^([a-z]+) +[0-9]+ +[0-9]+/\1/; s/^tcp [A-Z_0-9]+/tcp/; s/ (id|use)=[0-9]+//g
			/^tcp/s/ (packets|bytes)=[0-9]+//g
			s/sport=[0-9]+ dport=/port=/; s/sport=([0-9]+) dport=[0-9]+/port=\1/' | sort
}

# others: all traffic that is none of ours
others() {
	local p pids=()
	closed
	for p in pod pod2; do
		ip netns exec $p sh -c "ping -q -c1 -W2 $OUTSIDE >/dev/null && echo $p outside by ping
			ping -q -c1 -W2 -s 4000 $VPC_HOST >/dev/null && echo $p in the VPC by ping
			echo $p\'s Service: \$(getent ahostsv4 kubernetes.default)" >/run/others.$p &
		pids+=($!)
	done
	python3 "$WHO" asks <<-END
		pod tcp $OUTSIDE 8080
		pod udp $OUTSIDE 8080
		pod tcp $VPC_HOST 8080
		pod udp $VPC_HOST 8080
		pod tcp $NODE4 8080
		pod tcp $SERVICE 80
		pod tcp $POD24 8080
		pod udp $POD24 8080
		pod2 tcp $OUTSIDE 8080
		pod2 udp $OUTSIDE 8080
		pod2 tcp $VPC_HOST 8080
		pod2 udp $VPC_HOST 8080
		pod2 tcp $NODE4 8080
		pod2 tcp $SERVICE 80
		pod2 tcp $POD4 8080
		pod2 udp $POD4 8080
		node tcp $POD24 8080
		node tcp $OUTSIDE 8080
		node tcp $SERVICE 80
		router tcp $POD4 8080
		router tcp $POD24 8080
		router udp $POD24 8080
		router tcp $NODE4 30080
	END
	wait "${pids[@]}"
	cat /run/others.*
	flows
}

# filter MODE: the reverse path filter of each device
filter() {
	in_node sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo $0 >$f; done
		echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		cd /proc/sys/net/ipv4/conf && grep -qx $0 ens5/rp_filter && ! grep -vx $0 e*/rp_filter' "$1" ||
		not_ok "rp_filter $1"
}

# state: what an administrator sees of the node
state() {
	in_node sh -c 'ip rule; ip route show table all; ip -6 route show table all; ip address; iptables-save' |
		grep -vE '^#|valid_lft|^:' | sed -E 's/\[[0-9:]+\]//; s/ (expires|metric) [0-9]+(sec)?//'
	in_node nft list tables
	in_node sh -c 'lsmod; ls /etc/systemd/system' | grep -E 'nat46|dns46'
}

a_of() { ip netns exec "$1" getent ahostsv4 "$2" | awk '{print $1; exit}'; }
service_is() { [ "$(a_of pod2 kubernetes.default)" = 10.100.0.1 ]; }
synthesises() { a_of pod2 v6only.example | grep -q '^198\.18\.'; }

vpc_up || { not_ok "the VPC comes up"; finish; }
nginx_up && nsd_up && vpc_dns || { not_ok "the servers start"; finish; }
head -c 1000000 /dev/urandom >"$SRV/www/big"
for ns in router node pod pod2; do
	who_serves $ns || not_ok "a server in $ns"
	vpc_resolv $ns
done
in_node sysctl -qw net.netfilter.nf_conntrack_acct=1
recipes_of docs/eks.md

note "before"
before=()
for mode in 0 1 2; do
	filter $mode
	before[mode]=$(others)
done
same "the VPC's own work is done" "pod2 to $OUTSIDE:8080 by tcp as $NODE4
pod2 to $OUTSIDE:8080 by udp as $NODE4
pod2 to $VPC_HOST:8080 by tcp as $POD24
pod2 to $VPC_HOST:8080 by udp as $POD24
pod2 to $NODE4:8080 by tcp as $POD24
pod2 to $SERVICE:80 by tcp as $NODE4
pod2 to $POD4:8080 by tcp as $POD24
pod2 to $POD4:8080 by udp as $POD24
router to $NODE4:30080 by tcp as 10.0.0.1
pod2 outside by ping
pod2 in the VPC by ping
pod2's Service: 10.100.0.1
udp src=$POD24 dst=$OUTSIDE port=8080 packets=1 bytes=30 src=$OUTSIDE dst=$NODE4 port=8080 packets=1 bytes=36 mark=128" \
	"$(grep -E "^pod2|^router.*:30080|^udp src=$POD24 dst=$OUTSIDE" <<<"${before[2]}" | sed "s/Service: \([0-9.]*\) .*/Service: \1/")"
foreign=$(vpc_foreign)
same "an IPv6-only name is nowhere" "" "$(a_of pod2 v6only.example)"
same "the module is not there" "" "$(lsmod | grep nat46)"
state >/run/state.before
hold pod2 $OUTSIDE || not_ok "a connection to hold"
in_node nft -f - <<-END2
	table ip6 watch {
		counter ens5 { }
		counter ens6 { }
		chain out {
			type filter hook postrouting priority 0;
			oifname ens5 ip6 saddr $NODE6 ip6 daddr $SERVER6 counter name ens5
			oifname ens6 ip6 daddr 2000::/3 counter name ens6
		}
	}
END2

note "as docs/eks.md says"
cd "$NAT46_SRC" || exit 1
recipe needed
recipe_put nat46.conf /etc/nat46/nat46.conf
recipe_put dns46.conf /etc/nat46/dns46.conf
recipe cluster-dns
recipe redirect
recipe start
check "names are synthesised" wait_for 30 synthesises
recipe prove
recipe pod
recipe see
by_name pod2 "a pod of the secondary ENI"
by_name pod "a pod of the primary ENI"
same "conntrack has none of it, in neither family" 0 \
	"$({ in_node conntrack -L; in_node conntrack -L -f ipv6; } 2>/dev/null | grep -cE "198\.18\.|2001:db8:9::")"
held "a connection from before the module lives on"

note "names by the pod's own resolv.conf"
same "UDP: the answer is the Service's" 1 "$(in_pod2 dig +tries=1 +time=3 v6only.example A | grep -c "SERVER: $CLUSTER_DNS#53.*UDP")"
same "TCP as well" 1 "$(in_pod2 dig +tcp +tries=1 +time=3 v6only.example A | grep -c "SERVER: $CLUSTER_DNS#53.*TCP")"
check "a Service's name is what it was" service_is
same "unknown names are unknown" NXDOMAIN "$(in_pod2 dig +tries=1 +time=3 nothing.example A | grep -o NXDOMAIN)"
same "the node itself asks the cluster's DNS" "" "$(in_node dig +short +tries=1 +time=3 @$CLUSTER_DNS v6only.example A)"
was=$(a_of pod2 v6only.example)
in_node systemctl stop dns46
check "dns46 stopped: names are the cluster's again" service_is
same "... no address of a pool" "" "$(a_of pod2 v6only.example)"
check "... the mapping serves on" in_pod2 curl -4 -sS -m 5 -o /dev/null --resolve "v6only.example:80:$was" http://v6only.example/
in_node systemctl start dns46
check "started: a name again" wait_for 20 synthesises
same "... of the same address" "$was" "$(a_of pod2 v6only.example)"
in_node systemctl kill -s KILL dns46
check "dns46 killed: the cluster's DNS answers at once" wait_for 3 service_is
check "... and names are synthesised again" wait_for 20 synthesises
in_node nft delete table ip dns46
same "without the redirection they are not" "" "$(a_of pod2 v6only.example)"
in_node nft -f /etc/nat46/dns46-redirect.nft
check "with it they are" synthesises

note "the units"
# guards: the pools that have a route for when the module is away
guards() { ip -n node route show type unreachable proto 46 | awk '{print $2}' | sort | xargs; }
same "the pool has its guard" 198.18.0.0/16 "$(guards)"
cp /etc/nat46/nat46.conf /etc/nat46/dns46.conf /run/
printf ' pool  add\t100.65.0.0/16' >>/etc/nat46/nat46.conf
check "a second pool" in_node systemctl reload nat46
same "... has one too" "100.65.0.0/16 198.18.0.0/16" "$(guards)"
echo ' frob' >>/etc/nat46/nat46.conf
refute "a wrong word in the file" in_node systemctl restart nat46
same "... is not tried again" failed "$(in_node systemctl is-active nat46)"
cp /run/nat46.conf /etc/nat46/
check "the second pool goes" in_node systemctl restart nat46
same "... its guard too" 198.18.0.0/16 "$(guards)"
# what may mend itself is tried for as long as it takes
ip -n node route add 100.65.0.0/16 dev ens5
echo 'pool add 100.65.0.0/16' >>/etc/nat46/nat46.conf
rm /etc/nat46/dns46.conf
refute "a route is where a pool would be" in_node systemctl restart nat46
refute "no dns46.conf" in_node systemctl restart dns46
ip -n node route del 100.65.0.0/16
often() { [ "$(in_node systemctl show -P NRestarts dns46)" -gt 5 ]; }
check "dns46 is tried often" wait_for 20 often
cp /run/dns46.conf /etc/nat46/
check "... and starts once it can" wait_for 20 synthesises
check "nat46 likewise" wait_for 20 in_node systemctl -q is-active nat46
cp /run/nat46.conf /etc/nat46/
in_node systemctl reload nat46
echo 'listen 127.0.0.1@5346' >>/etc/nat46/dns46.conf
check "the socket unit, as docs/dns-leases.md says" in_node bash -ex < <(grep '^    systemctl' docs/dns-leases.md)
like "... by it dns46 answers" '^198\.18\.' "$(in_node dig +short +tries=2 +time=5 -p 5346 @127.0.0.1 v6only.example A)"
cp /run/dns46.conf /etc/nat46/
in_node sh -c 'systemctl disable --now dns46.socket; systemctl restart dns46' 2>/dev/null
check "... and without it" wait_for 20 synthesises

note "each reverse path filter"
for mode in 0 1 2; do
	filter $mode
	for p in pod pod2; do
		check "rp_filter $mode: $p gets a page by TLS" ip netns exec $p \
			curl -4 -sS -m 10 --cacert "$SRV/ca.pem" -o /dev/null https://v6only.example/
		check "rp_filter $mode: $p pings" ip netns exec $p ping -4 -q -c2 -i0.2 -W2 v6only.example
		same "rp_filter $mode: $p by UDP" "$SERVER6" \
			"$(ip netns exec $p dig +short +tries=1 +time=2 "@$was" v6only.example AAAA)"
	done
	same "rp_filter $mode: the node's own process" 200 \
		"$(in_node curl -4 -s -m 5 -o /dev/null -w '%{http_code}' --resolve "v6only.example:80:$was" http://v6only.example/)"
	in_node conntrack -D -d "$was" >/dev/null 2>&1
	check "rp_filter $mode: all other traffic is as it was" diff <(echo "${before[mode]}") <(others)
done

note "rules as for pods with security groups, and the hook behind conntrack"
ip -n node rule add pref 20 lookup local
ip -n node rule del pref 0
check "the local table at 20" in_pod2 curl -4 -sS -m 10 -o /dev/null http://v6only.example/
ip -n node rule add pref 0 lookup local
ip -n node rule del pref 20
n46 session flush all >/dev/null
n46 param set hook-late on
for p in pod pod2; do
	check "hook-late: $p gets a page" ip netns exec $p curl -4 -sS -m 10 -o /dev/null http://v6only.example/
done
n46 session flush all >/dev/null
n46 param reset hook-late
in_node conntrack -D -d "$was" >/dev/null 2>&1

packets() { in_node nft list counter ip6 watch "$1" | grep -o 'packets [0-9]*'; }
check "IPv6 left by the primary ENI with its address" test "$(packets ens5)" != "packets 0"
same "... and nothing by the other" "packets 0" "$(packets ens6)"
same "the VPC dropped nothing for its source" "$foreign" "$(vpc_foreign)"
recipe dropped
recipe policy
same "nothing was dropped" "" "$(n46 stats | grep '^drop ')"

note "upgrade, and away with it"
recipe kernel
recipe upgrade
check "upgraded: names are synthesised" wait_for 30 synthesises
same "... a lease is what it was" "$was" "$(a_of pod2 v6only.example)"
check "... and serves" in_pod2 curl -4 -sS -m 10 -o /dev/null http://v6only.example/
in_node nft delete table ip6 watch
recipe uninstall
state >/run/state.after
check "nothing is left" diff /run/state.before /run/state.after
check "all traffic is as it was" diff <(echo "${before[2]}") <(others)
recipes_done
finish
