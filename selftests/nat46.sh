# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What tests of the module in a guest have in common. Sourced last.

n46() { ip netns exec node nat46 "$@"; }

# drops REASON: how many packets were dropped for it
drops() {
	n46 -j stats drops | python3 -c "import json, sys
print(json.load(sys.stdin)['drops']['$1'])"
}

# count [FILTER]: sessions
count() { n46 session count "$@"; }

# The module, the network and the servers; all of it goes when the test ends.
nat46_guest_up() {
	insmod "$NAT46_KO" || { not_ok "insmod"; finish; }
	net_up || { not_ok "the network comes up"; finish; }
	trap 'servers_down; net_down; rmmod nf_nat46' EXIT
	nginx_up || not_ok "nginx starts"
	nsd_up || not_ok "nsd starts"
}
