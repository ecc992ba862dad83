# SPDX-License-Identifier: GPL-2.0
"""What a session costs the cache: the pure part of the table (tuple.h, and the
session as nf_nat46.h has it) in user space, under valgrind's cachegrind."""
import os
import re
import subprocess

SESSIONS = (1, 1000, 100000, 1000000)
BUCKETS = 524288	# at whose cap a million is
COUNT = 100000		# packets each way, of sessions by chance
# a core's first and second
CACHES = ["--D1=32768,8,64", "--LL=1048576,16,64"]


def per_function(path):
    """{function: {event: count}} of what cachegrind has written"""
    found, events, now = {}, [], None
    with open(path, encoding="utf-8") as f:
        for line in f:
            key, _, value = line.rstrip("\n").partition("=")
            if line.startswith("events:"):
                events = line.split()[1:]
            elif key == "fn":
                now = found.setdefault(value, dict.fromkeys(events, 0))
            elif line[0].isdigit() and now is not None:
                for event, n in zip(events, line.split()[1:]):
                    now[event] += int(n)
    return found


def build(top, to):
    os.makedirs(to, exist_ok=True)
    with open(os.path.join(top, "module/nf_nat46.h"), encoding="utf-8") as f:
        struct = re.search(r"^struct nat46_session \{.*?^\};", f.read(), re.M | re.S)[0]
    with open(os.path.join(to, "session_struct.h"), "w", encoding="utf-8") as f:
        f.write(struct + "\n")
    here = os.path.join(top, "selftests")
    subprocess.run(["gcc", "-O2", "-g", "-std=gnu11", "-I", to, "-I", here + "/unit/include",
                    "-I", os.path.join(top, "include/uapi"), "-o", to + "/cache", here + "/bench/cache.c"], check=True)
    return to + "/cache"


def measure(top, to):
    """Yields findings: reads, and lines that the first, and the second cache did not have, a packet"""
    program = build(top, to)
    for n in SESSIONS:
        out = f"{to}/cachegrind.{n}"
        chains = subprocess.run(["valgrind", "-q", "--tool=cachegrind", "--cache-sim=yes", *CACHES,
                                 "--cachegrind-out-file=" + out, program, str(n), str(BUCKETS), str(COUNT)],
                                check=True, text=True, capture_output=True).stdout.split()
        for way, chain in zip(("up", "down"), chains):
            c = per_function(out)[way]
            yield {"guest": "cache", "work": way, "variant": str(n), "round": 0, "value": round(c["D1mr"] / COUNT, 3),
                   "second": round(c["DLmr"] / COUNT, 3), "reads": round(c["Dr"] / COUNT, 1), "longest": int(chain)}
