#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Another family's TCP/IP stack as the IPv6-only server: lwIP, on a tap device
# behind the second router. In a user-mode guest, which sees the host's files;
# started by lwip/run, which sets LWIP.
here=$(dirname "$(dirname "$(realpath "$0")")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
LWIP6=2001:db8:a::7
MAPPED=198.18.0.8

insmod "$NAT46_KO" || exit 1
net_up || { not_ok "the network comes up"; finish; }
trap 'servers_down; net_down; rmmod nf_nat46' EXIT
mkdir -p "$SRV"
ip -n router2 tuntap add tap0 mode tap
ip -n router2 -batch - <<-END
	link set tap0 up
	addr add 2001:db8:a::1/64 dev tap0 nodad
END
ip -n router route add 2001:db8:a::/64 via 2001:db8:2::2
spawn router2 "${LWIP:?}" tap0 $LWIP6
advertise() { ip netns exec router2 /usr/bin/python3 -c "
from scapy.all import *
sendp(Ether(dst='33:33:00:00:00:01', src=get_if_hwaddr('tap0')) /
      IPv6(src=get_if_addr6('tap0') and [a[0] for a in in6_getifaddr() if a[2] == 'tap0' and a[0].startswith('fe80')][0],
           dst='ff02::1', hlim=255) /
      ICMPv6ND_RA(routerlifetime=9000) / ICMPv6NDOptSrcLLAddr(lladdr=get_if_hwaddr('tap0')),
      iface='tap0', verbose=0)" 2>/dev/null; }
answers() { advertise; in_node ping -6 -q -c1 -W1 $LWIP6; }
check "lwIP answers the node's own ping" wait_for 30 answers
n46 pool add 198.18.0.0/16
n46 source add dev wan
n46 map add $MAPPED to $LWIP6 name lwip.example

# what the server sends: block i of 8192 bytes, again and again
cat >/run/body.py <<-END
	import sys
	n = int(sys.argv[1])
	block = bytes((i * 7 + i // 251) & 255 for i in range(8192))
	sys.stdout.buffer.write((block * (n // 8192 + 1))[:n])
END
both() { # WHO TEXT BYTES DATAGRAM-MIN DATAGRAM-MAX
	local who=$1 t="$1$2"
	python3 /run/body.py "$3" >/run/want
	check "$t: ping" ip netns exec "$who" ping -q -c2 -i0.2 -W2 $MAPPED
	ip netns exec "$who" curl -sS -m 60 -o /run/got "http://$MAPPED/$3"
	check "$t: $3 bytes down" cmp /run/want /run/got
	same "$t: $3 bytes up" "$3 $(python3 -c "print(sum(open('/run/want', 'rb').read()))")" \
		"$(ip netns exec "$who" curl -sS -m 60 -T /run/want "http://$MAPPED/x")"
	check "$t: datagrams of $4 to $5 bytes" \
		ip netns exec "$who" python3 "$here/lib/udp.py" ask $MAPPED 4433 50 "$4" "$5"
}
both pod "" 1000000 1200 1350
both node "" 1000000 1200 1350
check "datagrams of 3000 bytes: lwIP puts ours together, we lwIP's" \
	in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 10 2000 4000
path_mtu 1280
for _ in 1 2; do in_pod curl -s -m 10 -o /dev/null "http://$MAPPED/20000"; done
both pod " by a path of 1280" 200000 1000 1200
path_mtu 1500
refute "a closed port: refused at once" in_pod curl -s -m 5 "http://$MAPPED:81/"
check "by the server's reset" sh -c "ip netns exec pod curl -s -m 5 http://$MAPPED:81/; [ \$? = 7 ]"
finish
