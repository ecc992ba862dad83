# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # cache, say are common.sh's
# Sourced after common.sh: takes packages out of Debian's suites into the cache,
# installing nothing.

# suite_of NAME: which suite has the kernel of that version prefix
suite_of() {
	case $1 in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12) echo bookworm-backports ;;
	*) echo trixie-backports ;;
	esac
}

mirror=$(sed -n 's/^URIs: *\(.*debian\)\/*$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(awk '$1=="deb"{for(i=2;i<=NF;i++)if($i~/\/debian\/*$/){sub(/\/$/,"",$i);print $i;exit}}' /etc/apt/sources.list)

# An apt of its own: other suites' lists never touch this machine's.
apt() { # SUITE COMMAND...
	local a=$cache/apt-$1
	mkdir -p "$a"/{lists/partial,archives/partial,debs}
	{
		echo "deb $mirror $1 main"
		case $1 in bullseye | bookworm | trixie) echo "deb ${mirror}-security $1-security main" ;; esac
	} >"$a/sources.list"
	local cmd=$2 s=$1
	shift 2
	"$cmd" -o Dir::Etc::sourcelist="$cache/apt-$s/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$cache/apt-$s/lists" -o Dir::Cache="$cache/apt-$s" \
		-o Dir::State::status=/dev/null -o APT::Get::List-Cleanup=0 \
		-o APT::Sandbox::User=root -qq "$@"
}

# a name as a regular expression: versions have dots and pluses
exact() { sed 's/[.+]/\\&/g' <<<"$1"; }

# unpack SUITE DEST REGEX...: the newest package that matches each
unpack() {
	local s=$1 dest=$2 re p debs=$cache/apt-$1/debs
	shift 2
	mkdir -p "$dest"
	for re in "$@"; do
		p=$(apt "$s" apt-cache pkgnames | grep -xE "$re" | sort -V | tail -n 1)
		[ -n "$p" ] || { say "no package matches $re in $s"; return 1; }
		say "fetching $p"
		rm -f "$debs/${p}"_*.deb
		# lists age: a package may be gone for a newer one
		(cd "$debs" && { apt "$s" apt-get download "$p" ||
			{ apt "$s" apt-get update && apt "$s" apt-get download "$p"; }; }) &&
			dpkg -x "$debs/${p}"_*.deb "$dest" && rm -f "$debs/${p}"_*.deb || return 1
	done
}
has() { apt "$1" apt-cache pkgnames | grep -xqE "$2"; }
