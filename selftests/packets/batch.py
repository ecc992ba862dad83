#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Takes modules through packet cases, one after the other, each as far as the
first case that fails, for selftests/mutants.

usage: batch.py SECONDS MODE[,MODE...] KO... [-- CASE...]

Prints "=== KO" and "=== KO ended STATUS" around what run.py prints. Ends early
where a module leaves the kernel in no state for the next.
"""
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import run		# noqa: E402

SKBS = os.path.join(os.path.dirname(os.environ["NAT46_KO"]), "skbs.ko")


def sh(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def complaints():
    return sum(any(w in line for w in ("BUG", "WARNING", "Oops")) for line in sh("dmesg").stdout.splitlines())


def loaded(name):
    with open("/proc/modules", encoding="ascii") as f:
        return any(line.startswith(name + " ") for line in f)


def cases(mode, seconds, names):
    """The status of run.py, which is loaded once for all"""
    if mode in run.CARDS:
        sh("insmod", SKBS, "make=" + mode)
    pid = os.fork()
    if not pid:
        signal.alarm(seconds)
        sys.argv = ["run.py", "--first", mode, *names]
        status = 1
        try:
            run.main()
        except SystemExit as e:
            status = int(e.code or 0)
        except BaseException as e:	# a test that dies has failed
            print(f"not ok {mode}: {e!r}")
        sys.stdout.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for ns in ("pod", "node", "internet6"):
        sh("ip", "netns", "del", ns)
    if mode in run.CARDS:
        sh("rmmod", "skbs")
    return status


def main():
    seconds, modes, *kos = sys.argv[1:]
    names = []
    if "--" in kos:
        at = kos.index("--")
        kos, names = kos[:at], kos[at + 1:]
    for name, value in (("icmp_msgs_per_sec", 1000000), ("icmp_msgs_burst", 1000000)):
        sh("sysctl", "-qw", f"net.ipv4.{name}={value}")
    run.load()
    for ko in kos:
        print("===", ko, flush=True)
        before, status = complaints(), 0
        # few buckets, long chains: a part of a key that nobody compares is noticed
        done = sh("insmod", ko, "hashsize=64")
        if done.returncode:
            print("not ok insmod:", done.stderr.strip())
            status = 1
        for mode in modes.split(","):
            status = status or cases(mode, int(seconds), names)
        bad = complaints() > before
        if bad:
            print("not ok the kernel complains")
        sh("rmmod", "nf_nat46")
        print("===", ko, "ended", status, flush=True)
        if bad or loaded("nf_nat46"):
            sys.exit(1)


main()
