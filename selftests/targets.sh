#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Rules that say which packets are translated: docs/nftables.md as it stands; by
# mark, by helper, by -j NAT46 of both iptables; what is saved comes back. In a
# guest (EXTRA: a second nft, the newest):
#   EXTRA=$(selftests/vm/nft-deb) selftests/vm/run --kind uml -- 'exec bash $NAT46_SRC/selftests/targets.sh'
here=$(dirname "$(realpath "$0")")
. "$here/nat46.sh"
. "$here/recipes.sh"
MAPPED=198.18.0.7
NEWEST=$(dirname "$NAT46_SRC")/extra/nft
NFTS="nft $NEWEST"

# A page for NETNS, or 000; by USER's process
page() { ip netns exec "$1" curl -4 -s -m 8 -o /dev/null -w '%{http_code}' "http://$MAPPED/"; }
page_of() { in_node setpriv --reuid "$1" --clear-groups curl -4 -s -m 8 -o /dev/null -w '%{http_code}' "http://$MAPPED/"; }
pages() { echo "$(page pod) $(page pod2)"; }
pings() { ip netns exec "$1" ping -q -c1 -W1 $MAPPED; }
forget() { in_node conntrack -F >/dev/null 2>&1; n46 session flush all >/dev/null; }
loaded() { [ -d "/sys/module/$1" ]; }
unload() { for m in xt_NAT46 nf_nat46; do loaded $m || continue; wait_for 20 rmmod $m || return 1; done; }
# counted FAMILY TABLE CHAIN: rules of nft whose counter is not zero
counted() { in_node nft list chain "$1" "$2" "$3" | grep -c 'counter packets [1-9]'; }

# round NAME: what each nft lists, it loads again, to the byte
round() {
	local nft what=$1
	shift
	in_node nft list ruleset >/run/by-first
	for nft in $NFTS; do
		in_node "$nft" list ruleset >/run/was
		in_node nft flush ruleset
		check "$what: $("$nft" --version | cut -d' ' -f2) loads what it lists" in_node "$nft" -f /run/was
		same "... byte for byte" "$(cat /run/was)" "$(in_node "$nft" list ruleset)"
		in_node "$nft" -f - < <(echo "flush ruleset"; in_node "$nft" list ruleset)
		same "... and at once, flushed and loaded" "$(cat /run/was)" "$(in_node "$nft" list ruleset)"
	done
	# Debian 12's nft dies of sets that the newest has made, whoever's they are
	in_node "$nft" flush ruleset
	in_node nft -f /run/by-first
}

check "a second nft, the newest" "$NEWEST" --version || NFTS=nft
note "without the module: an error that says so; with it, it is loaded"
ip netns add early
# on_which [WORDS]: explain's line about rules, which it can't ask
on_which() { n46 explain $POD4 $MAPPED tcp 80 "$@" | grep -E '^(if|unless) '; }
recipes_of docs/nftables.md
modprobe_was=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
printf '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -s 10.0.1.10/32 -j NAT46\nCOMMIT\n' >/run/early.rules
for by in legacy nft; do
	# xtables' own modules are there
	ip netns exec early iptables-$by -t raw -S >/dev/null 2>&1 || { echo "$modprobe_was" >/proc/sys/kernel/modprobe
		ip netns exec early iptables-$by -t raw -S >/dev/null; echo /bin/false >/proc/sys/kernel/modprobe; }
	check "iptables-$by names the target" eval \
		"! out=\$(ip netns exec early iptables-$by -t raw -A PREROUTING -j NAT46 2>&1) && grep -q 'NAT46 revision 0 not supported, missing kernel module' <<<\"\$out\""
	check "iptables-$by-restore too" eval \
		"! out=\$(ip netns exec early iptables-$by-restore </run/early.rules 2>&1) && grep -q 'NAT46 revision 0 not supported, missing kernel module' <<<\"\$out\""
	same "... and has loaded nothing" "" "$(ip netns exec early iptables-$by-save | grep NAT46)"
done
recipe_put helper /run/helper.nft
refute "nft refuses the helper" ip netns exec early nft -f /run/helper.nft
same "... and has loaded nothing" "" "$(ip netns exec early nft list tables | grep helped)"
echo "$modprobe_was" >/proc/sys/kernel/modprobe
refute "nothing of it is loaded" loaded nf_nat46
check "nft -f with the helper loads the module" ip netns exec early nft -f /run/helper.nft
check "... nf_nat46" loaded nf_nat46
ip netns exec early nft flush ruleset
check "... which can leave with the rules" unload
for by in legacy nft; do
	check "iptables-$by-restore loads it" ip netns exec early iptables-$by-restore </run/early.rules
	check "... xt_NAT46" loaded xt_NAT46
	refute "... which stays while there is a rule" rmmod xt_NAT46
	ip netns exec early iptables-$by -t raw -F
	check "... and can leave" unload
done
# a namespace that goes away takes its rules along
ip netns exec early iptables-legacy-restore </run/early.rules
ip netns exec early iptables-nft-restore </run/early.rules
ip netns del early
check "they leave with their namespace" unload

nat46_guest_up
n46 -b - <<-END
	pool add 198.18.0.0/16
	source add dev wan
	map add $MAPPED to $SERVER6
END

# what is not translated fails at once, beside the rules that come and go here
for c in FORWARD OUTPUT; do in_node iptables-legacy -A $c -d 198.18.0.0/16 -j REJECT; done

note "by mark"
same "without a rule, all" "200 200" "$(pages)"
recipe mark-clients
same "... and still all" "200 200" "$(pages)"
recipe hook-mark
forget
same "with hook-mark those of the set" "200 000" "$(pages)"
check "... by ping, too" pings pod
refute "... not the other" pings pod2
check "the rule counts" test "$(counted ip steer prerouting)" = 1
recipe add-client
forget
same "the set changes" "000 200" "$(pages)"
round "marks"
forget
same "... and works as before" "000 200" "$(pages)"
in_node nft delete table ip steer
recipe maps
forget
same "marks from a map, ports by a verdict map" "200 000" "$(pages)"
refute "... ping is not among them" pings pod
round "maps"
in_node nft delete table ip tenants
mkdir -p /sys/fs/cgroup/web
recipe local
forget
same "no client, not root" "000 000 000" "$(pages) $(page node)"
same "the user" 200 "$(page_of 65534)"
same "the cgroup" 200 "$(echo 0 >/sys/fs/cgroup/web/cgroup.procs; page node)"
echo 0 >/sys/fs/cgroup/cgroup.procs
check "each rule counts" test "$(counted ip steer-local output)" = 2
# its listing names the group, which nft looks for below /sys
mount_cg() { ip netns exec node sh -c 'mount -t cgroup2 c /sys/fs/cgroup 2>/dev/null; exec "$@"' sh "$@"; }
for nft in $NFTS; do
	mount_cg "$nft" list ruleset >/run/was
	in_node nft flush ruleset
	check "cgroup and uid: $("$nft" --version | cut -d' ' -f2) loads what it lists" mount_cg "$nft" -f /run/was
	same "... byte for byte" "$(cat /run/was)" "$(mount_cg "$nft" list ruleset)"
done
in_node nft flush ruleset
recipe all-again
forget
same "all again" "200 200 200" "$(pages) $(page node)"

note "a client's errors about its flow need no rule"
in_node nft -f - <<-END
	table ip only { chain p { type filter hook prerouting priority raw; ip saddr $POD4 udp dport 7777 meta mark set 0x46; }; }
END
n46 param set hook-mark 0x46/0xff
check "by mark" late
n46 param reset hook-mark
in_node nft flush ruleset
in_node iptables -t raw -A PREROUTING -p udp --dport 7777 -j NAT46
check "by -j NAT46" late
in_node iptables -t raw -F

note "by the helper"
recipe helper
recipe hook-late-helper
forget
same "the pod that it names" "200 000" "$(pages)"
check "... has a name" in_pod dig +time=2 +tries=1 @$MAPPED v6only.example aaaa
refute "... no ping" pings pod
same "a user of the node, not root" "200 000" "$(page_of 65534) $(page node)"
check "conntrack shows it" test "$(in_node conntrack -L 2>/dev/null | grep -c helper=nat46)" = 3
check "each rule counts" test "$(counted ip helped prerouting)$(counted ip helped output)" = 21
round "helper"
forget
same "... and works as before" "200 000" "$(pages)"
same "explain: on which condition" "if        a rule gives its flow the helper nat46" "$(on_which)"
in_node iptables -t mangle -A PREROUTING -p icmp -s $POD4 -j NAT46
check "-j NAT46 names its ping" pings pod
same "explain: on which conditions" \
	"if        a rule of iptables names it (-j NAT46), or a rule gives its flow the helper nat46" "$(on_which)"
in_node iptables -t mangle -F
recipe helper-off
forget
same "without it, all" "200 200" "$(pages)"
same "explain: on no condition" "" "$(on_which)"

note "by iptables: the document"
in_node nft flush ruleset
recipe iptables
forget
same "the pod, the user" "200 000 200 000" "$(pages) $(page_of 65534) $(page node)"
same "explain: on which condition" "if        a rule of iptables names it (-j NAT46)" "$(on_which)"
n46 param set hook-mark 0x46/0xff
same "... by hook-mark alone: but for that" "unless    a rule of iptables names it (-j NAT46)" "$(on_which)"
same "... none for what is marked" "" "$(on_which mark 0x46)"
n46 param reset hook-mark
recipe iptables-refused
recipe iptables-save
forget
same "... and as before" "200 000" "$(pages)"
recipe iptables-off
forget
same "without a rule, all" "200 200" "$(pages)"

spawn internet6 python3 "$here/lib/udp.py" serve 4433
check "a server of datagrams" wait_for 20 listens internet6 4433
for by in legacy nft; do
	ipt() { in_node iptables-$by "$@"; }
	# said COMMAND...: what the kernel's log has of us since
	said() { dmesg -C; "$@" >/run/said 2>&1 && return 1; dmesg | grep -o '\(xt_NAT46\|x_tables\): .*'; }
	note "by iptables-$by"
	forget
	check "-A" ipt -t raw -A PREROUTING -s $POD4/32 -j NAT46
	check "-C" ipt -t raw -C PREROUTING -s $POD4/32 -j NAT46
	same "the pod it names" "200 000" "$(pages)"
	check "... ping" pings pod
	check "its counter counts" eval "ipt -t raw -L PREROUTING -vnx | grep NAT46 | awk '{exit !(\$1 > 3 && \$2 > 200)}'"
	check "-D" ipt -t raw -D PREROUTING -s $POD4/32 -j NAT46
	forget
	same "without it all" "200 200" "$(pages)"
	ipt -t raw -N ours
	ipt -t raw -A ours -p udp --dport 4433 -j NAT46
	ipt -t raw -A PREROUTING -s $POD4 -j ours
	ipt -t raw -A OUTPUT -m owner --uid-owner 65534 -j NAT46
	ipt -t mangle -A OUTPUT -p icmp --icmp-type echo-request -j NAT46
	forget
	same "a user of the node" "200 000" "$(page_of 65534) $(page node)"
	check "mangle OUTPUT" pings node
	check "by port, in fragments: all of them" in_pod python3 "$here/lib/udp.py" ask $MAPPED 4433 5 3000 5000
	for t in raw mangle; do
		in_node iptables-$by-save -t $t -c | grep -v '^#' >/run/saved.$t
		ipt -t $t -F
		[ $t = mangle ] || ipt -t $t -X
	done
	for t in raw mangle; do
		check "$t is restored" in_node iptables-$by-restore -c </run/saved.$t
		# but for what a chain has counted meanwhile
		same "... to the byte" "$(sed 's/^\(:.*\) \[.*/\1/' /run/saved.$t)" \
			"$(in_node iptables-$by-save -t $t -c | grep -v '^#' | sed 's/^\(:.*\) \[.*/\1/')"
	done
	check "there was something in it" grep -q 'owner 65534 -j NAT46' /run/saved.raw
	forget
	same "... and works" "200 000" "$(page_of 65534) $(page node)"
	# a table replaced at once is never without the rule
	check "restored over itself" in_node iptables-$by-restore </run/saved.raw
	ipt -t raw -F; ipt -t raw -X; ipt -t mangle -F
	for hook in INPUT FORWARD POSTROUTING; do
		has="$(said ipt -t mangle -A $hook -j NAT46)"
		like "not in mangle $hook" "only usable from" "$has"
	done
	like "not in filter" 'only valid in the tables raw and mangle' "$(said ipt -A OUTPUT -j NAT46)"
	like "not in nat" 'only valid in the tables raw and mangle' "$(said ipt -t nat -A PREROUTING -j NAT46)"
	like "not for IPv6" 'translates IPv4' "$(said in_node ip6tables-$by -t raw -A PREROUTING -j NAT46)"
	like "not early in mangle" 'hook-late on' "$(said ipt -t mangle -A PREROUTING -j NAT46)"
	forget
	same "what was refused leaves nothing behind" "200 200" "$(pages)"
	n46 param set hook-late on
	check "... late it may be" ipt -t mangle -A PREROUTING -s $POD4 -j NAT46
	forget
	same "... and serves" "200 000" "$(pages)"
	like "then hook-late can't go" 'need hook-late' "$(n46 param set hook-late off 2>&1)"
	n46 save | grep -v hook-late >/run/conf
	like "... nor by a restore" 'need hook-late' "$(n46 restore /run/conf 2>&1)"
	same "... it is on" "hook-late on" "$(n46 param show hook-late)"
	ipt -t mangle -F
	check "... without the rule it can" n46 param set hook-late off
	n46 param set hook-mark 0x46/0xff
	ipt -t raw -A PREROUTING -s $POD4 -j NAT46
	ipt -t raw -A PREROUTING -s $POD24 -j MARK --set-mark 0x46
	forget
	same "a mark or a rule" "200 200 000" "$(pages) $(page node)"
	n46 param reset hook-mark
	ipt -t raw -F
done
# other namespaces' rules are theirs
in_pod iptables-nft -t raw -A OUTPUT -j NAT46
forget
same "another namespace's rules are its own" "200 200" "$(pages)"
in_pod iptables-nft -t raw -F
in_node nft flush ruleset
recipes_done
unload_trap() { servers_down; net_down; unload || not_ok "the modules leave"; }
trap unload_trap EXIT
finish
