#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nat46 check, on a node that is well (lib/vpc.sh): each condition broken, seen, and
# mended. In a guest:
#   selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/check-net.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/lib/vpc.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
. "$here/lib/writable.sh"

# checked [WORDS]
checked() { n46 check dns $CLUSTER_DNS from pod2 "$@"; }

# sees WHAT RESULT CONDITION PATTERN [WORDS...]: that line, and the exit status
sees() {
	local what=$1 result=$2 name=$3 pattern=$4 out rc want
	shift 4
	out=$(checked "$@")
	rc=$?
	case $result in ok) want=0 ;; warn) want=1 ;; FAIL) want=2 ;; esac
	if [ $rc = $want ] && grep -qE "^$result +$name +$pattern" <<<"$out"; then
		ok "check: $what"
	else
		not_ok "check: $what: wanted $result $name $pattern, status $want"
		sed "s/^/#   ($rc) /" <<<"$out"
	fi
}

# ---- a node that is well
vpc_up || { not_ok "the VPC comes up"; finish; }
trap 'kill $RELAY 2>/dev/null; servers_down; vpc_down; rmmod nf_nat46 2>/dev/null' EXIT
mkdir -p "$SRV" /etc/nat46 /var/lib/nat46
nsd_up && vpc_dns || { not_ok "the servers start"; finish; }
cat >/etc/nat46/dns46.conf <<-END
	listen 169.254.20.11
	upstream $CLUSTER_DNS
	pool 198.18.0.0/16
	store file /var/lib/nat46/dns46/leases
	key-file /var/lib/nat46/dns46.key
	user nobody
END

note "without the module"
echo /bin/false >/proc/sys/kernel/modprobe
sees "no module" FAIL module "not loaded; cure: modprobe nf_nat46"
same "... the rest is told all the same" "ipv6 route6 forwarding" "$(checked | awk '/^ok/ {print $2}' | xargs)"
insmod "$NAT46_KO" || not_ok insmod
sees "no pool" FAIL pool "there is no pool; cure: nat46 pool add 198.18.0.0/16"
n46 -b - <<-END
	pool add 198.18.0.0/16
	source add dev ens5
	policy add deny 2001:db8:1::/56
END
ip -n node route add unreachable 198.18.0.0/16 metric 4294967294 proto 46
ip -n node addr add 169.254.20.11/32 dev lo scope host
sees "nobody answers for the pool" FAIL dns "$CLUSTER_DNS answers, but is no dns46 of this host's pools"
ip netns exec node dns46 -f >/run/dns46.log 2>&1 &
RELAY=$!
check "dns46 is up" wait_for 60 grep -q 'synthesis is up' /run/dns46.log
in_node nft -f "$NAT46_SRC/deploy/nft/dns46-redirect.nft"
sees "dns46, no lease yet" ok dns "$CLUSTER_DNS answers as dns46 does"
lease=$(in_pod2 dig +short +tries=2 +time=5 @$CLUSTER_DNS v6only.example A)
like "a lease is made" '^198\.18\.' "$lease"

note "a node that is well"
same "check: all is well" 0 "$(checked >/run/checked; echo $?)"
same "check: every line is ok" "" "$(grep -v '^ok' /run/checked)"
same "check: as JSON" "module ipv6 route6 forwarding pool source rp_filter metadata neighbours sessions conntrack pods dns" \
	"$(n46 -j check dns $CLUSTER_DNS from pod2 | python3 -c 'import json, sys
print(*(c["check"] for c in json.load(sys.stdin) if c["result"] == "ok" and c["found"] and "cure" not in c))')"

ip -n node -6 addr del $NODE6/64 dev ens5
sees "no IPv6 address" FAIL ipv6 "no global.*cure: give"
sees "... nor for the source" FAIL source "dev ens5 has no global"
same "check: as JSON, with its cure" "FAIL ['give']" "$(n46 -j check dns $CLUSTER_DNS | python3 -c 'import json, sys
print(*[(c["result"], c["cure"].split()[:1]) for c in json.load(sys.stdin) if c["check"] == "ipv6"][0])')"
ip -n node -6 addr add fd00:1::9/64 dev ens5 nodad
n46 policy add deny fd00:1::/64
sees "a unique local one alone" warn ipv6 "only a unique local address: fd00:1::9.*cure"
n46 policy del deny fd00:1::/64
ip -n node -6 addr del fd00:1::9/64 dev ens5
ip -n node -6 addr add $NODE6/64 dev ens5 nodad
ip -n node -6 route replace default via 2001:db8:1::1 dev ens5
sees "mended" ok ipv6 $NODE6

ip -n node -6 route del default
sees "no route to ::/0" FAIL route6 "no route.*cure: ip -6 route add"
ip -n node -6 route add default via 2001:db8:1::1 dev ens5 proto ra
sees "a route that a router announced" ok forwarding ""
in_node sysctl -qw net.ipv6.conf.ens5.forwarding=1 net.ipv6.conf.ens5.accept_ra=1
sees "... on a device that forwards" warn forwarding ".*cure: sysctl -w net.ipv6.conf.ens5.accept_ra=2"
in_node sysctl -qw net.ipv6.conf.ens5.forwarding=0
ip -n node -6 route del default
ip -n node -6 route add default via 2001:db8:1::1 dev ens5
in_node sysctl -qw net.ipv4.ip_forward=0
sees "no IPv4 forwarding" warn forwarding "IPv4 is not forwarded.*cure: sysctl"
in_node sysctl -qw net.ipv4.ip_forward=1

ip -n node route del 198.18.0.0/16 dev nat46
sees "the pool has no route" FAIL pool "198.18.0.0/16 has no route.*cure: nat46 pool replace 198.18.0.0/16"
in_node sysctl -qw net.ipv4.conf.nat46.rp_filter=1
sees "... and the filter is strict" FAIL rp_filter "strict on the device nat46"
in_node sysctl -qw net.ipv4.conf.nat46.rp_filter=0
# the cure, as it is told
in_node sh -c "$(checked | sed -n 's/^FAIL *pool .*cure: //p')"
sees "mended by its cure" ok pool "198.18.0.0/16, [0-9]* addresses"
ip -n node link del nat46
sees "the device nat46 is gone" FAIL rp_filter "there is no device nat46"
n46 pool replace 198.18.0.0/16
ip -n node route del unreachable 198.18.0.0/16 metric 4294967294
sees "nothing stands behind the pool" warn pool ".*cure: ip route add unreachable 198.18.0.0/16"
in_node sh -c "$(checked | sed -n 's/^warn *pool .*cure: //p')"
sees "mended by its cure" ok pool "198.18.0.0/16"
ip -n node route add 198.18.7.0/24 dev ens6
sees "the pool overlaps a route" warn pool "198.18.0.0/16 overlaps the route 198.18.7.0/24"
ip -n node route del 198.18.7.0/24 dev ens6

n46 session flush all >/dev/null
n46 source del dev ens5
sees "no source" FAIL source "there is no source.*cure: nat46 source add dev ens5"
n46 source add dev ens6
sees "a source without an address" FAIL source "dev ens6 has no global IPv6 address"
n46 source del dev ens6
ip -n node link add later type dummy
ip -n node link set later up
ip -n node -6 addr add 2001:db8:1:9::9/128 dev later nodad
n46 source add dev later
sees "not the device of the default route" warn source "dev later is not.*cure: nat46 source add dev ens5"
n46 session flush all >/dev/null
n46 source del dev later
ip -n node link del later
in_node sysctl -qw net.ipv4.ip_local_port_range="32768 62000"
n46 source add dev ens5 force
sees "its ports meet the host's own" warn source ".*61000-65535 meet.*cure: sysctl -w net.ipv4.ip_local_reserved_ports=61000-65535"
in_node sh -c "$(checked | sed -n 's/^warn *source .*cure: //p')"
sees "mended by its cure" ok source "dev ens5, $NODE6"
in_node sysctl -qw net.ipv4.ip_local_port_range="32768 60999" net.ipv4.ip_local_reserved_ports=""

n46 policy add allow fd00:ec2::254/128
sees "the metadata service is open" FAIL metadata "the cloud's metadata.*cure: nat46 policy del allow"
n46 policy del allow fd00:ec2::254/128
n46 policy del deny 2001:db8:1::/56
# the prefix of the link
sees "neighbours are open" warn neighbours ".*2001:db8:1::/64 \(ens5\).*cure: nat46 policy add deny 2001:db8:1::/64"
n46 policy add deny 2001:db8:1::/56
n46 policy add allow 2001:db8:1::7/128 from $POD24/32
sees "one of them is" warn neighbours ".*2001:db8:1::/64"
n46 policy del allow 2001:db8:1::7/128 from $POD24/32

# devices of the node's own, which has a name as well, are no pod's
ip -n node link add own link ens6 type macvlan mode bridge
sees "a macvlan device of the node's own" ok pods "none of [0-9]* network"
ip -n node link del own
ip netns add far
ip -n node link add eth0 netns far link ens6 type macvlan mode bridge
sees "a pod on macvlan" warn pods "1 with macvlan \\(far\\): their packets pass.*cure: a gateway"
ip netns del far
ip netns add far
ip -n node link add eth0 netns far link ens6 type ipvlan mode l2
sees "a pod on ipvlan" warn pods "1 with ipvlan \\(far\\)"
ip netns del far
sees "mended" ok pods none

n46 session flush all >/dev/null
max=$(cat /sys/module/nf_nat46/parameters/max_sessions)
check "a session" in_pod2 ping -q -c1 -W2 "$lease"
echo 1 >/sys/module/nf_nat46/parameters/max_sessions
sees "sessions are nearly full" warn sessions "1 of at most 1; cure: more memory.*max_sessions"
echo "$max" >/sys/module/nf_nat46/parameters/max_sessions
max=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
in_pod2 python3 "$here/lib/flows.py" $POD24 $VPC_HOST 40 >/dev/null
few=$(($(in_node cat /proc/sys/net/netfilter/nf_conntrack_count) + 2))
echo $few >/proc/sys/net/netfilter/nf_conntrack_max
sees "conntrack is nearly full" warn conntrack ".*at most $few.*cure: sysctl -w net.netfilter.nf_conntrack_max=$((2 * few))"
echo "$max" >/proc/sys/net/netfilter/nf_conntrack_max

# names: whose relay answers?
same "check: dns is known by a lease of this node" 1 \
	"$(checked | grep -c "^ok *dns *$CLUSTER_DNS knows this host's lease 198.18")"
sees "another resolver is asked" FAIL dns "$DNS4 does not know this host's lease.*cure" dns $DNS4
sees "nobody answers there" FAIL dns "10.0.9.81 does not answer" dns 10.0.9.81
sees "a name leads here" ok name "v6only.example is 198.18[0-9.]*, mapped to $SERVER6" name v6only.example
sees "a name that has IPv4" warn name "both.example is 192.0.2.80, of no pool" name both.example
sees "a name that does not exist" FAIL name "nothing.example: no address.*NXDOMAIN" name nothing.example
in_router python3 - <<'END' &
# a relay that leases on another node: every A is in the pool
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.9.80", 5353))
for _ in range(16):
    q, peer = s.recvfrom(512)
    end = q.index(b"\0", 12) + 5
    s.sendto(q[:2] + b"\x84\0\0\1\0\1\0\0\0\0" + q[12:end] +
             b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton("198.18.99.99"), peer)
END
fake=$!
wait_for 5 listens router 5353
sees "an address of another node's" FAIL name "v6only.example is 198.18.99.99, which is not mapped" \
	dns $VPC_HOST@5353 name v6only.example
kill $fake

writable /lib && mkdir -p /lib/modules && mount -t tmpfs modules /lib/modules || not_ok "a place for kernels"
mkdir -p /lib/modules/9.9.1/updates /lib/modules/9.9.2/build
echo "updates/dkms/nf_nat46.ko: kernel/net/netfilter/nf_conntrack.ko" >/lib/modules/9.9.1/modules.dep
echo "kernel/x.ko: updates/dkms/nf_nat46.ko" >/lib/modules/9.9.2/modules.dep
sees "a kernel that has the module" ok kernel 9.9.1 kernel 9.9.1
sees "one that has headers alone" FAIL kernel "9.9.2 .*headers are there; cure: dkms autoinstall -k 9.9.2" kernel 9.9.2
sees "one that has nothing" FAIL kernel "9.9.3 .*nor headers.*cure: install" kernel 9.9.3
same "check: an unknown word" 1 "$(n46 check nonsense >/dev/null 2>&1; echo $?)"
same "check: not an address" 1 "$(n46 check dns nonsense >/dev/null 2>&1; echo $?)"

n46 pool add 203.0.113.0/28
n46 map add 203.0.113.1 to $SERVER6
check "a session of another pool" in_pod2 ping -q -c1 -W2 203.0.113.1
n46 pool del 203.0.113.0/28 drain
sees "a pool that drains" warn pool "203.0.113.0/28 is draining"
n46 session flush all >/dev/null
check "... goes with its last session" wait_for 20 eval '! n46 pool | grep -q 203.0.113'
same "all is well again" 0 "$(checked >/run/checked; echo $?)"
finish
