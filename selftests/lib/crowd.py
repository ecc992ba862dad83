#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""crowd.py SECONDS: two processes open sessions of one bucket as fast as they can,
while this one ends them all, over and over. Prints how many are left that no flush
has found. The module is loaded with hashsize=64 max_sessions=20000."""
import os
import socket
import sys
import time

from genl import C, attr, ip
from nat46 import flow_net

FLOWS = 8000    # 125 in a bucket
ONES = 80       # so these are of one


def bound():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", 0))
    return s


def of_one_bucket(n, socks):
    """Where each socket sends to: a dump goes by the buckets, so it is its beginning."""
    for i in range(FLOWS // len(socks)):
        for s in socks:
            s.sendto(b"x", (f"198.18.0.{i >> 8}", 1 + (i & 255)))
    to = {s.getsockname()[1]: [] for s in socks}
    for x in n.sessions()[:ONES]:
        sport, dport = (int.from_bytes(x[C["SESSION_A_" + k]], "big") for k in ("SPORT4", "DPORT"))
        to[sport].append((str(ip(x[C["SESSION_A_DST4"]])), dport))
    return to.values()


def flood(s, to, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for where in to:
            try:
                s.sendto(b"x", where)
            except OSError:  # max_sessions: those that have ended wait for RCU
                pass


def flush(n):
    n.req("SESSION_FLUSH", attr(C["SESSION_A_ALL"]))


def main():
    n, socks, pids = flow_net(), [bound(), bound()], []
    n.add_map("198.18.0.0/24", ["2001:db8:9::"])
    for s, to in zip(socks, of_one_bucket(n, socks)):
        pids.append(os.fork())
        if not pids[-1]:
            flood(s, to, float(sys.argv[1]))
            os._exit(0)
    while pids:
        flush(n)
        pids = [p for p in pids if not os.waitpid(p, os.WNOHANG)[0]]
    flush(n)
    print(n.info()[C["INFO_A_SESSIONS"]])


main()
