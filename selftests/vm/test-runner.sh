#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test of the runner itself: what it promises, and that planted faults
# turn a run red. Prints TAP. QUICK=1: without those that wait, or that a slower
# kind of guest shows once more.
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"
run=$here/run
export TESTMOD=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# status WANTED NAME ARGUMENTS...
status() {
	local wanted=$1 name=$2 rc
	shift 2
	"$run" "$@" >"$tmp/log" 2>&1 </dev/null
	rc=$?
	same "$name" "$wanted" "$rc" || sed 's/^/#   /' "$tmp/log" | tail -n 15
}

"$run" --kind qemu --out "$tmp/out" - >"$tmp/log" 2>&1 <<'END'
for p in bash python3 ip nft curl tcpdump ping openssl nat46; do
	command -v $p >/dev/null || echo "missing: $p"
done
[ -s "$NAT46_KO" ] && [ -r "$NAT46_SRC/README.md" ] && echo "there"
modprobe nf_nat46 && grep -c "^nf_nat46 " /proc/modules
rmmod nf_nat46
# the family's alias loads the module
python3 $NAT46_SRC/selftests/vm/autoload.py && grep -c "^nf_nat46 " /proc/modules
dd if=/dev/zero of=$OUT/file bs=1M count=3 2>/dev/null
sleep 2
printf 'no newline at the end'
sleep 1000 & # holds nothing up
exit 3
END
same "qemu: the command's status comes through, whatever it leaves behind" 3 $?
same "qemu: all programs, module and tree are there, modprobe and autoload work" \
	"there 1 1 no newline at the end" "$(grep -v '^vm:\|^installing' "$tmp/log" | tr '\n' ' ' | sed 's/ $//')"
same "qemu: what is left in \$OUT comes out" 3145728 "$(stat -c %s "$tmp/out/file" 2>/dev/null)"
check "qemu: the kernel's log is saved" grep -q "Linux version" "$tmp/out/kernel.log"

# several megabytes of script; output as it is written
{ echo 'echo first; sleep 3'; yes '# filler filler filler filler filler' | head -c 4000000; echo; echo 'echo last'; } |
	"$run" --debug - 2>"$tmp/err" | while IFS= read -r line; do echo "$SECONDS $line"; done >"$tmp/live"
first=$(awk '/first/{print $1}' "$tmp/live") last=$(awk '/last/{print $1}' "$tmp/live")
check "uml: a script of 4 MB, and its output is live" test $((${last:-0} - ${first:-99})) -ge 2

status 0 "uml: a clean run is green" --debug -- 'insmod /run/nat46/testmod.ko; rmmod testmod'
status 5 "uml: a daemon left behind holds nothing up" --kind uml --timeout 30 -- 'sleep 1000 & exit 5'
status 0 "--time-travel: an hour passes in no time" --time-travel --timeout 30 -- \
	's=$SECONDS; sleep 3600; [ $((SECONDS - s)) -ge 3600 ]'
[ -n "${QUICK-}" ] || status 0 "--icount: the same work takes the same time" --icount -- 'python3 -c "
import time
def work():
    start = time.monotonic_ns()
    sum(i * i for i in range(200000))
    return time.monotonic_ns() - start
work()
t = [work() for _ in range(3)]
exit(max(t) > min(t) * 1.002)"'

# a signal to the runner alone ends it, and its guest
"$run" --timeout 100 -- 'echo up; sleep 90' >"$tmp/log" 2>&1 </dev/null &
runner=$!
wait_for 60 grep -q up "$tmp/log"
guest=$(pgrep -P $runner qemu)
kill -TERM $runner
start=$SECONDS
wait $runner
same "a signal ends the runner" 130 $?
check "at once" test $((SECONDS - start)) -le 5
check "and its guest" wait_for 5 sh -c "[ -n '$guest' ] && [ ! -e /proc/$guest/exe ]"

[ -n "${QUICK-}" ] || status 124 "qemu: time runs out" --timeout 15 -- 'sleep 60'
status 124 "uml: time runs out" --debug --timeout 5 -- 'sleep 60'
status 125 "--icount with uml can't be had" --icount --kind uml -- true
status 125 "--icount with two CPUs can't be had" --icount --smp 2 -- true
status 125 "--time-travel with qemu can't be had" --time-travel --kind qemu -- true
status 125 "no command" --kind uml
status 125 "a kernel that is no version" --kernel ../x -- true
status 125 "there is no user-mode 5.10" --kind uml --kernel 5.10 -- true
status 125 "an unknown option" --frobnicate -- true
[ -n "${QUICK-}" ] || status 1 "qemu: a WARN_ON turns it red" -- 'insmod /nat46/testmod.ko fault=warn; true'
status 1 "uml: a report is seen however much is logged after it" --kind uml -- \
	'insmod /run/nat46/testmod.ko fault=warn
	for i in $(seq 3000); do echo "<4>$i: a line that fills the log buffer, and another ....." >/dev/kmsg; done'
status 125 "qemu: an Oops ends the guest" -- 'insmod /nat46/testmod.ko fault=oops; true'
for f in warn lockdep kasan atomic; do
	status 1 "uml --debug: $f turns it red" --debug -- "insmod /run/nat46/testmod.ko fault=$f; true"
done
NAT46_KMEMLEAK=1 status 1 "uml --debug: a leak turns it red" --debug -- \
	'insmod /run/nat46/testmod.ko fault=leak; rmmod testmod'
finish
