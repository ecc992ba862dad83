# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What Debian's kernels have and user-mode Linux has not: SCTP, UFO by a tap
# device, IPsec, MPLS. Sourced by translate.sh.

note "SCTP of the kernel's own, whose sum is left to the device"
spawn internet6 python3 "$here/lib/sctp.py" serve 7000
wait_for 10 in_server grep -q ' 7000 ' /proc/net/sctp/eps
sctp() { in_pod python3 "$here/lib/sctp.py" "$1" $MAPPED 7000 1 1000 1436 1452 5000; }
# first: the pod has not heard yet that 1480 bytes fit, or would cut them itself
check "packets that IPv6 has to cut, there and back" sctp ask-cut
check "with path MTU discovery" sctp ask

note "a virtual machine's datagrams, longer than its device's MTU"
modprobe tun
check "in one piece" in_node python3 "$here/lib/ufo.py" tap0 $MAPPED 4433 4000 0
check "left to the device to cut (UFO)" in_node python3 "$here/lib/ufo.py" tap0 $MAPPED 4433 4000 1480

note "IPsec, as for the node's own IPv6"
KEY=0x000102030405060708090a0b0c0d0e0f10111213
# esp NETNS DIRECTION FROM TO: what NETNS does with such packets
esp() {
	ip -n "$1" xfrm state add src "$3" dst "$4" proto esp spi 0x46 mode transport \
		aead 'rfc4106(gcm(aes))' $KEY 128 &&
		ip -n "$1" xfrm policy add src "$3" dst "$4" dir "$2" tmpl proto esp mode transport
}
n46 session flush all >/dev/null
ip -n node xfrm policy add src ::/0 dst 2001:db8:9::/64 dir out action block
check "a policy that blocks: a pod's packets" dropped_as no-route6 pod ping -q -c1 -W1 $MAPPED
refute "... the node's own" in_node ping -q -c1 -W1 $MAPPED
ip -n node xfrm policy flush
check "... which is gone" in_pod ping -q -c1 -W2 $MAPPED
check "ESP between the node and the server" eval 'esp node out $NODE6 $SERVER6 && esp node in $SERVER6 $NODE6 &&
	esp internet6 in $NODE6 $SERVER6 && esp internet6 out $SERVER6 $NODE6'
in_router nft -f - <<-END
	table ip6 t {
		counter clear { }
		chain f { type filter hook forward priority 0; ip6 daddr { $NODE6, $SERVER6 } meta l4proto != esp counter name clear; }
	}
END
fetch pod -T "$SRV/www/big" $URL/up/esp
same "a session that was there before: up, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of "$SRV/www/up/esp")"
fetch pod -o /run/down $URL/big
same "... down, sha256" "$(sum_of "$SRV/www/big")" "$(sum_of /run/down)"
check "... from the node" fetch node -o /dev/null $URL/
check "... ping" in_pod ping -q -c1 -W2 -s 1400 $MAPPED
same "nothing of it in clear" 0 "$(in_router nft list counter ip6 t clear | grep -o 'packets [0-9]*' | cut -d' ' -f2)"
in_router nft delete table ip6 t
ip -n internet6 xfrm policy flush
check "what a policy wants encrypted is dropped in clear" dropped_as ipsec pod ping -q -c1 -W1 $MAPPED
ip -n node xfrm policy flush
ip -n node xfrm policy add src $POD4/32 dst 198.18.0.0/16 dir fwd tmpl proto esp mode transport
check "... a client's, too" dropped_as ipsec pod ping -q -c1 -W1 $MAPPED
for n in node internet6; do ip -n $n xfrm policy flush; ip -n $n xfrm state flush; done
check "without policies" in_pod ping -q -c1 -W2 $MAPPED

note "a route that encapsulates: the router knows no MPLS, and answers nothing"
modprobe mpls_iptunnel
ip -n node route add 2001:db8:9::/64 encap mpls 100 via inet6 2001:db8:1::1 dev wan
for h in output off; do
	n46 param set filter-hooks $h
	n46 session flush all >/dev/null
	refute "filter-hooks $h: no packet goes without its label" in_pod ping -q -c2 -i0.2 -W1 $MAPPED
done
ip -n node route del 2001:db8:9::/64
check "filter-hooks off: without the encapsulation" in_pod ping -q -c1 -W2 $MAPPED
n46 param reset filter-hooks
n46 session flush all >/dev/null
