# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Runs the recipes of a document as they stand there. Sourced after lib.sh.
#
# In the document a comment gives the fenced block below it a name, and says in
# which network namespace it runs (without "in": in the node's):
#
#	<!-- recipe: allow-list -->
#	```sh
#	nat46 param set hook-mark 0x46/0xff
#	```
#
#	<!-- recipe: fetch in pod -->
#	```sh
#	curl http://198.18.0.7/
#	```
#
# What a block is, its language says:
#	sh	commands: run by bash, which stops at the first that fails
#	nft	a ruleset: loaded by nft -f
#	text	what a command prints: nothing runs, and it needs no name
#	others	a file: the test puts it where the document says it goes
#
# In the test:
#
#	recipes_of docs/nftables.md	# from the top of the tree
#	recipe allow-list		# a finding: ok, or not ok and its output
#	recipe_put relay /etc/nat46/dns46.conf	# the block becomes that file
#	recipe_read listing "$(in_node nft list ruleset)"	# the block is what that printed
#	recipes_done			# the last: none was forgotten
#
# recipes_of complains of blocks without a name, of a name given twice, of a
# comment without a block; recipes_done of each that has not been used. So every
# command in the document was run, or the test fails.

RECIPES=	# the document
declare -A RECIPE_NS RECIPE_LANG RECIPE_USED

# recipes_parse FILE: a line for each block: NAME, NETNS, LANGUAGE, by tabs; "!"
# and what is wrong. With NAME: the text of that block.
recipes_parse() {
	awk -v want="${2-}" '
	function wrong(what) { if (want == "") printf "!\tline %d: %s\n", NR, what }
	inside && $0 == indent "```" { inside = 0; next }
	inside {
		if (want != "" && name == want)
			print substr($0, length(indent) + 1)
		next
	}
	/^[ \t]*<!-- recipe/ {
		if (next_name != "") wrong("recipe " next_name " has no block")
		if (!match($0, /^[ \t]*<!-- recipe: [a-z0-9.-]+( in [a-z0-9.-]+)? -->$/)) {
			wrong("not a recipe comment: " $0)
			next
		}
		next_name = $3
		next_ns = $4 == "in" ? $5 : "node"
		next
	}
	/^[ \t]*```/ {
		inside = 1
		indent = $0; sub(/```.*/, "", indent)
		lang = $0; sub(/^[ \t]*```/, "", lang)
		name = next_name
		next_name = ""
		if (name == "") {
			if (lang != "text") wrong("a block without a name: " $0)
			next
		}
		if (lang == "") wrong("recipe " name " has no language")
		if (seen[name]++) wrong("two recipes " name)
		if (want == "") printf "%s\t%s\t%s\n", name, next_ns, lang
		next
	}
	next_name != "" && NF { wrong("recipe " next_name " has no block"); next_name = "" }
	END {
		if (inside) wrong("a block without an end")
		if (next_name != "") wrong("recipe " next_name " has no block")
	}' "$1"
}

# recipes_of DOCUMENT: its recipes are meant from now on
recipes_of() {
	local name ns lang bad=
	RECIPES=${NAT46_SRC:-$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")}/$1
	RECIPE_NS=() RECIPE_LANG=() RECIPE_USED=()
	[ -r "$RECIPES" ] || { not_ok "$1 can be read"; return 1; }
	while IFS=$'\t' read -r name ns lang; do
		if [ "$name" = '!' ]; then
			bad="$bad$ns; "
		else
			RECIPE_NS[$name]=$ns RECIPE_LANG[$name]=$lang
		fi
	done < <(recipes_parse "$RECIPES")
	same "$1: every block has a name" "" "$bad"
}

# recipe_text NAME: the block as it stands
recipe_text() {
	recipes_parse "$RECIPES" "$1"
}

recipe_use() {
	RECIPE_USED[$1]=1
	[ -n "${RECIPE_LANG[$1]-}" ] || { not_ok "$(basename "$RECIPES"): there is no recipe $1"; return 1; }
}

# recipe NAME: runs it, a finding of the test
recipe() {
	local what by
	recipe_use "$1" || return 1
	what="$(basename "$RECIPES"): $1"
	case ${RECIPE_LANG[$1]} in
	sh) by='exec bash -eux -o pipefail -s' ;;
	nft) by='exec nft -f -' ;;
	*) not_ok "$what: ${RECIPE_LANG[$1]} does not run: recipe_put or recipe_text"; return 1 ;;
	esac
	# ip netns exec has its own /sys: cgroups are where a node has them
	check "$what" ip netns exec "${RECIPE_NS[$1]}" sh -c \
		"mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null; $by" < <(recipe_text "$1")
}

# recipe_put NAME FILE: the block's text becomes that file
recipe_put() {
	recipe_use "$1" || return 1
	mkdir -p "$(dirname "$2")" && recipe_text "$1" >"$2"
}

# recipe_read NAME TEXT: the block is TEXT, what a command printed
recipe_read() {
	recipe_use "$1" || return 1
	same "$(basename "$RECIPES"): $1" "$(recipe_text "$1")" "$2"
}

# recipes_done: the last of them
recipes_done() {
	local name left=
	for name in "${!RECIPE_NS[@]}"; do
		[ -n "${RECIPE_USED[$name]-}" ] || left="$left$name "
	done
	same "$(basename "$RECIPES"): every recipe was used" "" "$left"
}
