#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# probe.sh DIR OUT FLAGS...: compiles each DIR/NAME.c with kbuild's flags and
# writes OUT, in which NAT46_HAVE_<NAME> stands for each that compiles.
set -eu
dir=$1 out=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

compiles() { # FILE FLAGS...
	f=$1
	shift
	# what is not declared is not there, whatever these flags make of it
	$CC "$@" -Wno-error -Werror=implicit-function-declaration \
		-c -o "$tmp/o" "$f" 2>"$tmp/err"
}

# A probe that can't compile at all would make every answer "no".
if ! compiles "$dir/always.c" "$@"; then
	echo "nf_nat46: the compiler can't use these kernel headers:" >&2
	cat "$tmp/err" >&2
	exit 1
fi

echo "/* made by probe.sh */" >"$tmp/h"
for f in "$dir"/*.c; do
	name=$(basename "$f" .c | tr '[:lower:]' '[:upper:]')
	if compiles "$f" "$@"; then
		echo "#define NAT46_HAVE_$name 1" >>"$tmp/h"
	fi
done
mkdir -p "$(dirname "$out")"
mv "$tmp/h" "$out"
