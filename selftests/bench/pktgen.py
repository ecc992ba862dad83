# SPDX-License-Identifier: GPL-2.0
"""The kernel's own packet generator: UDP, a flow a source port, no socket and no
program in the way. Under icount a nanosecond is an instruction."""
import os
import re

from topo import Inside, mac, write

GEN = "/proc/self/net/pktgen/"
HEADERS = {4: 14 + 20 + 8, 6: 14 + 40 + 8}


def send(path, up, count, src, dst, sport, dport, payload=64, sources=1):
    """(nanoseconds a packet, packets received). @src: the first of @sources;
    @sport and @dport: (lowest, behind the highest)"""
    node, other, dev = (path.c, path.s, "out") if up else (path.s, path.c, "in")
    link, side = (path.first, 2) if up else (path.last, 1)
    fam = 6 if ":" in dst else 4
    before = path.received(other)
    lines = [f"count {count}", "clone_skb 0", "delay 0", f"dst_mac {mac(link, side)}",
             f"pkt_size {HEADERS[fam] + payload}", "flag UDPCSUM",
             f"udp_src_min {sport[0]}", f"udp_src_max {sport[1]}",
             f"udp_dst_min {dport[0]}", f"udp_dst_max {dport[1]}"]
    if fam == 6:
        lines += [f"src6 {src}", f"dst6 {dst}"]
    else:
        a = [int(x) for x in src.split(".")]
        n = (a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]) + sources - 1
        last = ".".join(str(n >> s & 255) for s in (24, 16, 8, 0))
        lines += [f"src_min {src}", f"src_max {last}", f"dst {dst}"]
    with Inside(node):
        write(GEN + "kpktgend_0", "rem_device_all\n")
        write(GEN + "kpktgend_0", f"add_device {dev}\n")
        for line in lines:
            write(GEN + dev, line + "\n")
        write(GEN + "pgctrl", "start\n")
        with open(GEN + dev, encoding="ascii") as f:
            m = re.search(r"Result: OK: (\d+)\(", f.read())
    ns = int(m[1]) * 1000 / count
    # what is still under way
    for _ in range(100):
        got = path.received(other) - before
        if got >= count:
            break
        os.sched_yield()
    return ns, got
