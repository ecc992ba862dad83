# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by every selftest that runs in a guest or on the host: TAP output,
# bounded waiting. A test script calls ok/not_ok (or check) for each finding
# and ends with `finish`.

t_n=0 t_bad=0

ok() { t_n=$((t_n + 1)); echo "ok $t_n - $*"; }
not_ok() { t_n=$((t_n + 1)); t_bad=$((t_bad + 1)); echo "not ok $t_n - $*"; }
# skip NAME: REASON; fails in CI unless the name stands in selftests/skips
skip() { t_n=$((t_n + 1)); echo "ok $t_n - ${1%%:*} # SKIP ${1#*: }"; }
note() { echo "# $*"; }

# check NAME COMMAND...: passes where the command does; shows its output if not
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name"
		printf '%s\n' "$out" | sed 's/^/#   /' | tail -n 20
		return 1
	fi
}

# refute NAME COMMAND...: passes where the command fails
refute() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		not_ok "$name"
		printf '%s\n' "$out" | sed 's/^/#   /' | tail -n 20
		return 1
	fi
	ok "$name"
}

# same NAME WANTED GOT
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '#   wanted: %s\n#   got:    %s\n' "$2" "$3"
		return 1
	fi
}

# like NAME PATTERN GOT: a line of it matches (basic regular expression)
like() {
	if grep -q -e "$2" <<<"$3"; then
		ok "$1"
	else
		not_ok "$1"
		printf '#   wanted: a line like %s\n' "$2"
		printf '%s\n' "$3" | sed 's/^/#   got:    /' | tail -n 20
		return 1
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds, not longer
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# launch LOG COMMAND...: in the background, as $!. LOG is emptied here: the child may
# come late, and what a former one has said would be taken for its words
launch() {
	: >"$1"
	"${@:2}" >"$1" 2>&1 &
}

finish() {
	echo "1..$t_n"
	[ "$t_bad" = 0 ]
	exit
}
