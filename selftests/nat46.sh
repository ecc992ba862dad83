# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What tests of the module in a guest have in common; sources what it builds on.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/net.sh"
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

n46() { nat46 -n node "$@"; }

# counter NAME: its value, of what nat46 stats prints. No program is run for it:
# that is what takes time in a guest.
counter() {
	local -a line
	while read -ra line; do
		[ "${line[-2]}" != "$1" ] || { echo "${line[-1]}"; return; }
	done
	return 1
}

# drops REASON: how many packets were dropped for it
drops() { counter "$1" < <(n46 stats drops); }

# count [FILTER]: sessions
count() { n46 session count "$@"; }

# watch_invalid: every hook of both families counts what is invalid to conntrack,
# from now on
watch_invalid() {
	local f h
	for f in ip ip6; do
		echo "table $f watch"
		echo "delete table $f watch"
		echo "table $f watch {"
		for h in prerouting input forward output postrouting; do
			echo "chain $h { type filter hook $h priority -140; ct state invalid counter; }"
		done
		echo "}"
	done | in_node nft -f -
}

# invalid: how many hooks watch, and in which of them something was
invalid() {
	local f
	for f in ip ip6; do in_node nft list table $f watch; done | awk '
		$1 == "table" { family = $2 }
		$1 == "chain" { chain = $2 }
		/counter packets/ { n++; if (!/packets 0 /) seen = seen " " family "/" chain }
		END { print n seen }'
}

# late: the pod's socket is closed when the answer comes; the server's is told
late() {
	in_server timeout 40 python3 "$here/lib/late.py" serve &
	local server=$!
	wait_for 15 listens internet6 7777
	in_pod python3 "$here/lib/late.py" ask "$MAPPED"
	wait $server
}

# The module, the network and the servers; all of it goes when the test ends.
nat46_guest_up() {
	insmod "$NAT46_KO" || { not_ok "insmod"; finish; }
	net_up || { not_ok "the network comes up"; finish; }
	trap 'servers_down; net_down; rmmod nf_nat46' EXIT
	nginx_up || not_ok "nginx starts"
	nsd_up || not_ok "nsd starts"
}
