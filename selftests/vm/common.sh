# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by what prepares guests: where things are cached, and how.
top=$(dirname "$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")")
vm=$top/selftests/vm
cache=${NAT46_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/nf_nat46}
mkdir -p "$cache/lock"

say() { echo "vm: $*" >&2; }

# locked NAME COMMAND...: several runs may prepare the same thing at once
locked() {
	local lock=$1
	shift
	(
		flock 9
		"$@"
	) 9>"$cache/lock/$lock"
}
