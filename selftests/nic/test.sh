#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The node between network cards: its IPv4 client and its IPv6 side each come in
# by a driver, with the checksum state, the headroom and the pages that a driver
# gives. In a guest that nic/run starts; with arguments: those models alone.
here=$(dirname "$(dirname "$(realpath "$0")")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"
MAPPED=198.18.0.7
BIG=${BIG:-4}
CARDS="pod:eth0 node:eni1 node:wan router:lan"
declare -A MODEL=([virtio]=1 [e1000e]=2) N

# card CABLE END: the name of that end, by its address
card() {
	local file
	file=$(grep -l "^02:46:00:0${MODEL[$model]}:0$1:0$2" /sys/class/net/*/address) &&
		basename "$(dirname "$file")"
}
cards() { card 1 1 && card 1 2 && card 2 1 && card 2 2; }

# The pod's cable and the node's to the router have cards, all else is as ever.
wire() {
	local cable
	case $2-$4 in
	eth0-eni1) cable=1 ;;
	wan-lan) cable=2 ;;
	*) ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"; return ;;
	esac
	ip link set "$(card $cable 1)" netns "$1" name "$2"
	ip link set "$(card $cable 2)" netns "$3" name "$4"
}

# features PAIRS...: of all cards, as far as the model has them
features() {
	local c
	for c in $CARDS; do
		ip netns exec "${c%:*}" ethtool -K "${c#*:}" "$@" >/dev/null 2>&1
	done
	# qemu 7.2's e1000e cuts TCP into fragments of IP, not into segments
	[ $model != e1000e ] || for c in $CARDS; do
		ip netns exec "${c%:*}" ethtool -K "${c#*:}" tso off
	done
}

# The kernel counts what drivers hand to the stack and get from it, by state
# (ip_summed: 0 NONE, 1 UNNECESSARY, 3 PARTIAL) and number of pages.
TRACE=/sys/kernel/tracing/events/net
CAME=$TRACE/napi_gro_receive_entry WENT=$TRACE/net_dev_start_xmit
BY_CAME=hist:keys=name,ip_summed,nr_frags BY_WENT=hist:keys=name,ip_summed,gso_type
watch_on() { echo $BY_CAME >$CAME/trigger && echo $BY_WENT >$WENT/trigger; }
watch_off() { echo "!$BY_CAME" >$CAME/trigger && echo "!$BY_WENT" >$WENT/trigger; }

# look: N[DEVICE-came-STATE], N[DEVICE-came-pages], N[DEVICE-went-STATE], N[46], ...
look() {
	local key n c
	N=([46]=0 [64]=0)
	for c in eni1 wan; do N[$c-came-0]=0 N[$c-came-1]=0 N[$c-came-pages]=0 N[$c-went-0]=0 N[$c-went-3]=0; done
	while read -r key n; do N[$key]=$n; done < <(
		awk '/hitcount/ {
			gsub(/[{}:,]/, " ")
			what = $2 (FILENAME ~ /xmit/ ? "-went-" : "-came-")
			sum[what $4] += $NF
			if ($6) sum[what "pages"] += $NF
		} END { for (k in sum) print k, sum[k] }' $CAME/hist $WENT/hist
		n46 stats | sed -n 's/^packets-//p; s/^head-re//p'
	)
	watch_off
	for c in eni1 wan; do
		note "$model, $1: $c: came: ${N[$c-came-1]} UNNECESSARY, ${N[$c-came-0]} NONE," \
			"${N[$c-came-pages]} of them in pages; went: ${N[$c-went-3]} PARTIAL, ${N[$c-went-0]} NONE"
	done
	note "$model, $1: so far ${N[46]} + ${N[64]} translated, ${N[allocated]} heads reallocated"
}

csum_errors() {
	local n
	for n in pod node router router2 internet6; do
		ip netns exec $n nstat -as || echo CsumErrors 1
	done | awk '/CsumErrors/ {n += $2} END {print n + 0}'
}
# drops that are none of the path's MTU
odd_drops() { n46 stats drops | grep -E '[1-9][0-9]*$' | grep -v too-big; }
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

# transfers WHO TEXT: a large file each way
transfers() {
	rm -f /run/down "$SRV/www/up/file"
	ip netns exec "$1" curl -sS -m 15 -T "$SRV/www/big" http://$MAPPED/up/file
	same "$model, $2: $BIG MB up, sha256" "$sum" "$(sum_of "$SRV/www/up/file")"
	ip netns exec "$1" curl -sS -m 15 -o /run/down http://$MAPPED/big
	same "$model, $2: $BIG MB down, sha256" "$sum" "$(sum_of /run/down)"
}

both_ways() { # TEXT
	local size
	transfers pod "$1"
	check "$model, $1: 200 datagrams there and back" \
		in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 200 8 1400
	for size in 64 1400 4000; do
		check "$model, $1: ping of $size bytes" in_pod ping -q -c3 -i0.1 -W2 -s $size $MAPPED
	done
}

run_model() {
	local c
	net_up || { not_ok "$model: the network comes up"; return; }
	nginx_up || not_ok "$model: nginx starts"
	spawn internet6 python3 "$here/lib/udp.py" serve 4433
	n46 pool add 198.18.0.0/16
	n46 source add dev wan
	n46 map add $MAPPED to $SERVER6
	wait_for 5 listens internet6 4433
	features rx on tx on sg on gso on gro on tso on

	watch_on
	both_ways "offloads on"
	look "offloads on"
	for c in eni1 wan; do
		case $model in
		# a socket's far end knows nothing of checksums, but large packets are in pages
		virtio) check "virtio: $c: most came NONE and in pages" test "${N[$c-came-pages]}" -gt 1000 -a "${N[$c-came-1]}" = 0 ;;
		e1000e) check "e1000e: $c: most came UNNECESSARY" test "${N[$c-came-1]}" -gt 1000 -a "${N[$c-came-0]}" -lt 100
			check "e1000e: $c: sums are left to the card" test "${N[$c-went-3]}" -gt 1000 ;;
		esac
	done
	c=$((N[eni1-came-0] + N[eni1-came-1] + N[wan-came-0] + N[wan-came-1]))
	check "$model: GRO puts segments together: of $c packets $((N[46] + N[64]))" test $((N[46] + N[64])) -lt $((c * 3 / 4))
	transfers node "the node's own"

	features rx off tx off sg off gso off gro off tso off
	watch_on
	both_ways "offloads off"
	look "offloads off"
	check "$model: nothing came UNNECESSARY" test $((N[eni1-came-1] + N[wan-came-1])) = 0
	features rx on tx on sg on gso on gro on tso on

	path_mtu 9000
	for c in $CARDS router2:out internet6:eth0; do ip -n "${c%:*}" link set "${c#*:}" mtu 9000; done
	check "$model, MTU 9000: ping of 8900 bytes" wait_for 5 in_pod ping -q -c1 -W1 -M 'do' -s 8900 $MAPPED
	watch_on
	transfers pod "MTU 9000"
	look "MTU 9000"
	for c in eni1 wan; do
		check "$model, MTU 9000: $c: packets in pages" test "${N[$c-came-pages]}" -gt 200
	done

	path_mtu 1280
	transfers pod "MTU 1280 behind it"
	check "$model: the client was told 1260" sh -c "ip -n pod route get $MAPPED | grep -q 'mtu 1260'"
	same "$model: no wrong checksum anywhere" 0 "$(csum_errors)"
	same "$model: no packet was dropped" "" "$(odd_drops)"
	# of e1000e's headroom there is enough; virtio_net keeps 26 bytes of it when a
	# packet's buffer becomes the skb's
	[ $model != e1000e ] || same "e1000e: no head was reallocated" 0 "${N[allocated]}"
}

mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
insmod "$NAT46_KO" || { not_ok "insmod"; finish; }
trap 'servers_down; net_down; rmmod nf_nat46' EXIT
mkdir -p "$SRV/www"
head -c "$((BIG << 20))" /dev/urandom >"$SRV/www/big"
sum=$(sum_of "$SRV/www/big")
[ $# -gt 0 ] || set -- virtio e1000e
for model; do
	wait_for 5 cards || { not_ok "$model: cards"; continue; }
	run_model
	servers_down
	net_down	# a netns that ends gives its cards back
done
finish
