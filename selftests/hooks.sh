#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# filter-hooks, filter-hooks4: which chains see the translated packets, and
# that the firewall's word counts there. In a guest:
#   selftests/vm/run -- 'exec bash $NAT46_SRC/selftests/hooks.sh'
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/net.sh"
. "$here/servers.sh"
. "$here/nat46.sh"

nat46_guest_up
n46 -b - <<-END
	pool add 198.18.0.0/16
	source add dev wan
	map add 198.18.0.7 to $SERVER6
END
in_node nft -f - <<-END
	table ip6 seen {
		chain out { type filter hook output priority 0; oifname wan ip6 daddr $SERVER6 tcp dport 80 counter; }
		chain forward { type filter hook forward priority 0; iifname eni1 oifname wan ip6 daddr $SERVER6 tcp dport 80 counter; }
		chain post { type filter hook postrouting priority 0; oifname wan ip6 daddr $SERVER6 tcp dport 80 counter; }
	}
	table ip seen {
		chain forward { type filter hook forward priority 0; iifname wan oifname eni1 ip saddr 198.18.0.7 tcp sport 80 counter; }
		chain post { type filter hook postrouting priority 0; oifname eni1 ip saddr 198.18.0.7 tcp sport 80 counter; }
	}
END

# seen: which chains counted since the last time, IPv6's, then IPv4's
seen() {
	in_node nft -j list ruleset | python3 -c '
import json, sys
out = {"ip6": [], "ip": []}
for o in json.load(sys.stdin)["nftables"]:
    r = o.get("rule")
    if r and any(e.get("counter", {}).get("packets") for e in r["expr"]):
        out[r["family"]].append(r["chain"])
print(" ".join(sorted(out["ip6"])) or "-", "/", " ".join(sorted(out["ip"])) or "-")'
	in_node nft -s list ruleset >/run/rules
	in_node nft flush ruleset
	in_node nft -f /run/rules
}
fetch() { in_pod curl -4 -s -m 10 -o /dev/null -w '%{http_code}' http://198.18.0.7/; }
# way SETTINGS EXPECTED
way() {
	check "param set $1" n46 param set $1
	in_node ip -6 neigh flush dev wan
	seen >/dev/null
	same "... a page is fetched" 200 "$(fetch)"
	same "... and seen by" "$2" "$(seen)"
}
fetch >/dev/null
way "filter-hooks output" "out post / post"
way "filter-hooks forward" "forward post / post"
way "filter-hooks output filter-hooks4 forward" "out post / forward post"
way "filter-hooks forward filter-hooks4 forward" "forward post / forward post"
# the first packet finds no neighbour, and goes the way that looks for it
way "filter-hooks off filter-hooks4 forward" "out post / forward post"
n46 param set filter-hooks off filter-hooks4 off
fetch >/dev/null
seen >/dev/null
same "filter-hooks off: a page is fetched" 200 "$(fetch)"
same "... and seen by nobody" "- / -" "$(seen)"
same "... the node's own are seen by output" "200 out post / -" \
	"$(in_node curl -4 -s -m 10 -o /dev/null -w '%{http_code}' http://198.18.0.7/) $(seen)"

# the firewall's word
n46 param set filter-hooks forward
in_node nft -f - <<-END
	table ip6 fw { chain f { type filter hook forward priority 0; iifname eni1 tcp dport 80 reject with icmpv6 type admin-prohibited; }; }
END
same "forward: a reject rule reaches the pod" 1 "$(in_pod curl -4 -s -m 5 -o /dev/null http://198.18.0.7/ 2>&1; echo $(($? == 7)))"
in_node nft delete table ip6 fw
n46 param set filter-hooks4 forward
in_node nft -f - <<-END
	table ip fw { chain f { type filter hook forward priority 0; iifname wan oifname eni1 drop; }; }
END
same "forward in IPv4: a drop rule stops the replies" 28 "$(in_pod curl -4 -s -m 2 -o /dev/null http://198.18.0.7/; echo $?)"
in_node nft delete table ip fw
same "... and without it they come" 200 "$(fetch)"
finish
