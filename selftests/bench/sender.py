# SPDX-License-Identifier: GPL-2.0
"""Runs send, which makes the packets that are measured (send.c: why not pktgen).
Under icount a nanosecond is an instruction."""
import os
import subprocess
import time

from topo import EXTRA, Inside, mac


def send(path, up, count, src, dst, sport, dport, payload=64, sources=1):
    """(nanoseconds a packet, packets received). @src: the first of @sources;
    @sport and @dport: (lowest, highest)"""
    node, other, dev = (path.c, path.s, "out") if up else (path.s, path.c, "in")
    link, side = (path.first, 2) if up else (path.last, 1)
    before = path.received(other)
    with Inside(node):
        out = subprocess.run([EXTRA + "/send", dev, str(count), mac(link, side), src, dst,
                              f"{sport[0]}-{sport[1]}", f"{dport[0]}-{dport[1]}", str(payload), str(sources)],
                             capture_output=True, text=True, check=True).stdout
    ns = float(out)
    # what is still under way
    for _ in range(100):
        got = path.received(other) - before
        if got >= count:
            break
        time.sleep(0)
    return ns, got
