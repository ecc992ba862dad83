#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The contract of include/uapi/linux/nf_nat46.h, request by request.

Runs as root in a guest; $NAT46_KO is the module, $KO_PARAMS what it is loaded with,
$N how many mappings the large restore has. With arguments, only those tests.
"""
import os
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import nat46
import netlink_inbound
import netlink_life
import netlink_miss
import netlink_objects
from nat46 import ok, sh


def main():
    ko = os.environ.get("NAT46_KO", "nf_nat46.ko")
    before = len(sh("dmesg", check=False).splitlines())
    if "nf_nat46" not in open("/proc/modules").read():
        sh(f"insmod {ko} {os.environ.get('KO_PARAMS', '')}")
    tests = {k[5:]: v for room in (netlink_objects, netlink_inbound, netlink_miss, netlink_life)
             for k, v in vars(room).items() if k.startswith("test_")}
    names = sys.argv[1:] or list(tests)
    worst = 0
    for name in names:
        sys.stdout.flush()
        pid = os.fork()		# a network namespace of its own, which ends with it
        if not pid:
            nat46.failed = 0
            try:
                tests[name]()
            except BaseException:	# a test that dies has failed
                ok(f"{name} ran to its end", False, traceback.format_exc())
            sys.stdout.flush()
            os._exit(nat46.failed > 0)
        if os.waitpid(pid, 0)[1]:
            print(f"# {name} FAILED")
            worst = 1
    for i in range(50):		# namespaces go a little later than their last process
        if subprocess.run(["rmmod", "nf_nat46"], capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    ok("the module goes", "nf_nat46" not in open("/proc/modules").read())
    log = sh("dmesg", check=False)
    bad = [s for s in log.splitlines()[before:] if any(w in s for w in
           ("BUG:", "WARNING:", "Oops", "suspicious RCU", "unreferenced object", "refcount_t:"))]
    ok("the kernel's log is clean", not bad, "\n".join(bad[:20]))
    return worst or nat46.failed > 0


if __name__ == "__main__":
    sys.exit(main())
