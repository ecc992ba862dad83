#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kill -9 of the relay, and power cuts of the machine that it runs on, at random
# moments under load: no address that a client was given is lost, nor given to
# another name. The guest is user-mode Linux with the real module; for the cuts
# the relay's state is on a disk of the guest's own, whose power ends with the
# guest: what was not synced is lost.
#
# N kills (20), CUTS cuts (3). The whole: N=1000 CUTS=200. DNS46: another binary.
# Runs on the host.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
N=${N:-20} CUTS=${CUTS:-3} SEED=${SEED:-$RANDOM}
tmp=$(mktemp -d)
trap '[ -z "$guest" ] || kill $guest; rm -rf "$tmp"' EXIT
guest=''
mkdir "$tmp/staged" "$tmp/vm"
GIVEN=$tmp/given
note "SEED=$SEED"

kills() {
	"$here/vm/run" --kind uml --staged "$tmp/staged" --timeout $((300 + N * 12)) --mem 1024 -- \
		"SEED=$SEED DNS46=${DNS46:-dns46} exec python3 \$NAT46_SRC/selftests/lib/crash.py kills $N" 2>&1
	echo "status $?"
}
if [ "$N" != 0 ]; then
	while read -r line; do
		case $line in
		"ok - "*) ok "${line#ok - }" ;;
		"not ok - "*) not_ok "${line#not ok - }" ;;
		"status "*) same "the kills' guest ends well" "status 0" "$line" ;;
		*) note "${line#\# }" ;;
		esac
	done < <(kills)
fi

# kernel_log: of the guest that runs now
kernel_log() { echo "$tmp"/vm/nat46-vm.*/kernel.log; }
said() { grep -q "$1" "$(kernel_log)" 2>/dev/null; }
nap() { sleep "$(awk -v r=$RANDOM -v m="$1" 'BEGIN { print r / 32768 * m }')"; }

# power_cut G EARLY: one life of the guest, its power cut under load, or EARLY: while it starts
power_cut() {
	TMPDIR=$tmp/vm "$here/vm/run" --kind uml --staged "$tmp/staged" --disk "$tmp/disk" --out "$tmp/out" --timeout 400 --mem 512 -- \
		"SEED=$SEED DNS46=${DNS46:-dns46} GIVEN=$GIVEN STATE=/run/disk/state exec python3 \$NAT46_SRC/selftests/lib/crash.py generation $1" \
		>"$tmp/run.log" 2>&1 &
	guest=$!
	if [ "$2" = early ]; then
		wait_for 200 said 'nat46-guest: begin'
		nap 1.5
	else
		wait_for 300 said 'crash: load begins' || { cat "$(kernel_log)" >"$tmp/no-load"; }
		nap 1.5
	fi
	kill -USR1 $guest
	wait $guest
	guest=
	sed -n 's/.*crash: given //p' "$tmp/out/kernel.log" | tr ' ' '\n' | sed -n 's/=/ /p' >>"$GIVEN"
	grep -ao 'crash: BAD.*' "$tmp/out/kernel.log" >>"$tmp/bad"
	grep -q 'crash: verified' "$tmp/out/kernel.log"
}

if [ "$CUTS" != 0 ]; then
	truncate -s 64M "$tmp/disk"
	mkfs.ext4 -q "$tmp/disk"
	touch "$tmp/bad"
	verified=0 silent=0
	for g in $(seq "$CUTS"); do
		how=load
		[ $((g % 4)) != 3 ] || how=early
		if power_cut "$g" $how; then
			verified=$((verified + 1))
		elif [ $how = load ]; then
			silent=$((silent + 1))
			tail -n 5 "$tmp/run.log" "$tmp/no-load" 2>/dev/null | sed 's/^/#   /'
		fi
		[ $((g % 20)) != 0 ] || note "$g cuts, $(wc -l <"$GIVEN") answers"
	done
	# once more, not cut before all was looked at
	power_cut $((CUTS + 1)) load && verified=$((verified + 1))
	check "rule 55: after $CUTS power cuts $(cut -d' ' -f1 "$GIVEN" | sort -u | wc -l) names keep their addresses ($verified looks)" \
		eval 'cat "$tmp/bad"; [ ! -s "$tmp/bad" ]'
	same "every guest came up to its load" 0 $silent
	check "names were given in each" test "$(wc -l <"$GIVEN")" -gt $((CUTS * 10))
	same "rule 41: no address was given to two names" \
		"$(sort -u "$GIVEN" | wc -l)" "$(sort -u "$GIVEN" | cut -d' ' -f2 | sort -u | wc -l)"
fi
finish
