#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's half of the benchmark (run is the host's): does the works it is
told, rounds interleaved over variants, and prints each finding as a line
"@ {JSON}". Times are nanoseconds, under icount instructions."""
import argparse
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sender
from topo import EXTRA, Inside, run, write
from variants import BY_NAME, POOL, PORTS, PORTS_OF_SOURCES, inside, nat46, nft

# of payload: the longest whose IPv6 packet fits an Ethernet frame: 1500 bytes
SIZES = (64, 512, 1452)

# seconds: until addresses have settled, routes change, and all are looked up again
SETTLE = 8


def say(work, variant, rnd, value, **more):
    print("@ " + json.dumps({"work": work, "variant": variant, "round": rnd, "value": round(value, 3), **more}),
          flush=True)


def note(text):
    print("# " + text, flush=True)


class Marks:
    """Tells count.c, the plugin, what it counts, where --mark asks for that"""
    n = 0

    def __init__(self, o, work, variant, rnd, count):
        self.now = o.mark and not rnd
        if self.now:
            Marks.n += 1
            say("mark", f"{work} {variant}", Marks.n, count)

    def __enter__(self):
        if self.now:
            run(EXTRA + "/mark", str(Marks.n))

    def __exit__(self, *_):
        if self.now:
            run(EXTRA + "/mark", "0")


def family(addr):
    return 6 if ":" in addr else 4


def udp(v, up, count, size=64, flows=PORTS):
    """(nanoseconds a packet, what else is to be said of them)"""
    src, dst = v.to_server() if up else v.to_client()
    ns, got = sender.send(v.path, up, count, src, dst, *((flows, (9, 9)) if up else ((9, 9), flows)), size)
    return ns, {"ip": family(dst), **({} if got >= count else {"lost": count - got})}


def head_reallocations(v):
    """(packets that it has translated, of these such whose head was reallocated)"""
    counted = json.loads(inside(v.path.r[0], "nat46", "-j", "stats", "all"))["counters"]
    return counted["packets-46"] + counted["packets-64"], counted["head-reallocated"]


def work_udp(variants, o):
    """An established flow's packet"""
    chosen = [v for v in variants if v.udp]
    for v in chosen:		# up first: it opens the sessions
        for up in (True, False):
            udp(v, up, 1000)
    for size in SIZES[:1] if o.quick else SIZES:
        for rnd in range(o.rounds):
            for v in chosen:
                for up in (True, False):
                    work = f"udp-{size}-{'up' if up else 'down'}"
                    with Marks(o, work, v.name, rnd, o.count):
                        ns, more = udp(v, up, o.count, size)
                    say(work, v.name, rnd, ns, **more)
    for v in chosen:
        if v.what.startswith("nf_nat46"):
            packets, grown = head_reallocations(v)
            say("reallocated", v.name, 0, grown, packets=packets)


def work_new(variants, o):
    """A flow's first packet, and what it costs above its second"""
    count = min(o.count, 1000)	# sources have so many ports
    for rnd in range(o.rounds):
        for v in variants:
            if not v.udp or not v.path.r:
                continue
            low = 30000 + rnd * count
            ports = (low, low + count - 1)
            with Marks(o, "first-packet", v.name, rnd, count):
                first, more = udp(v, True, count, flows=ports)
            with Marks(o, "second-packet", v.name, rnd, count):
                then, _ = udp(v, True, count, flows=ports)
            say("first-packet", v.name, rnd, first, **more)
            say("first-packet-more", v.name, rnd, first - then, **more)


def backlog_drops():
    """Packets that the guest's CPU had no time to take from a veth"""
    with open("/proc/net/softnet_stat", encoding="ascii") as f:
        return sum(int(line.split()[1], 16) for line in f)


def slab():
    """(sessions, bytes of slab that they take), or None where the kernel does not say"""
    try:
        with open("/proc/slabinfo", encoding="ascii") as f:
            for line in f:
                if line.startswith("nf_nat46_session "):
                    w = line.split()
                    return int(w[1]), int(w[14]) * int(w[5]) * 4096
    except FileNotFoundError:
        pass
    return None


def freed():
    """Until the sessions of a namespace that was deleted are gone: it takes the CPU for as long"""
    for _ in range(60):
        time.sleep(1)
        if (slab() or (0, 0))[0] < 100:
            break


def work_sessions(_, o):
    """So many sessions live, no session hit before the others were"""
    v = BY_NAME["addr"]
    for live, ports, clients in ((1, 1, 1), (1000, 1000, 1), (100172, 317, 316), (1001000, 1000, 1001)):
        if live > o.live:
            break
        v.path = None
        v.name = f"n{live}"
        v.prepare = nat46("addr")
        v.build()
        time.sleep(SETTLE)
        r = v.path.r[0]
        inside(r, "nat46", "source", "add", "addr", "2001:db8:46:1::-2001:db8:46:1::ffff",
               "from", "10.128.0.0/9")
        src = "10.128.0.1"

        def once(count):
            """(instructions a packet, packets through, packets that the guest's own backlog had no room for)"""
            before = backlog_drops()
            ns, got = sender.send(v.path, True, count, src, POOL, (20000, 19999 + ports), (9, 9), 64, clients)
            return ns, got, backlog_drops() - before
        first, got, full = once(live)
        have = int(inside(r, "nat46", "session", "count").split()[0])
        say("opened", str(live), 0, first, have=have, through=got, backlog_full=full)
        if have != live or got != live:
            note(f"{have} sessions, {got} packets through, {live} wanted; the backlog was full {full} times; dropped: "
                 + ", ".join(x for x in inside(r, "nat46", "stats", "drops").split("\n") if x and not x.endswith(" 0")))
        # of a million, a part: what they cost varies with the chains of the table alone
        count = min(max(live, o.count), 100000)
        for rnd in range(o.rounds):
            ns, got, full = once(count)
            say("sessions", str(live), rnd, ns, have=have, through=got, backlog_full=full)
        if slab():
            with open("/sys/module/nf_nat46/parameters/hashsize", encoding="ascii") as f:
                table = 2 * 8 * int(f.read())
            say("memory", str(live), 0, slab()[1] / max(have, 1), active=slab()[0], slab=slab()[1], table=table)
        for n in v.path.nodes:
            run("ip", "netns", "del", n)
        freed()


def work_other(_, o):
    """Packets that are not ours: the module absent, there, and configured"""
    chosen = [BY_NAME["v6"], BY_NAME["v4"]]
    # for comparison: what it costs to be called at all
    chain = "table {0} t {{ chain c {{ type filter hook prerouting priority -250; }}; }}\n"

    def empty_chains():
        for v in chosen:
            for family in ("ip", "ip6"):
                nft(v.path.r[0], chain.format(family))

    def no_chains():
        for v in chosen:
            nft(v.path.r[0], "flush ruleset\n")
    steps = [("warm", lambda: None), ("absent", lambda: None),
             ("absent, empty nft chains", empty_chains), ("gone", no_chains),
             ("loaded", lambda: run("insmod", os.environ["NAT46_KO"])),
             ("configured", lambda: [nat46("dev")(v.path) for v in chosen])]
    for v in chosen:
        udp(v, True, 1000)
    for name, step in steps:
        step()
        for rnd in range(o.rounds if name not in ("warm", "gone") else 0):
            for v in chosen:
                with Marks(o, "other-" + v.name, name, rnd, o.count):
                    ns, more = udp(v, True, o.count)
                say("other-" + v.name, name, rnd, ns, **more)


def offloads(v, on):
    for n in v.path.nodes:
        for dev in ("in", "out"):
            with Inside(n):
                if not os.path.exists(f"/sys/class/net/{dev}") and f" {dev}:" not in open("/proc/self/net/dev").read():
                    continue
            subprocess.run(["ip", "netns", "exec", n, "ethtool", "-K", dev] +
                           [x for f in ("tso", "gso", "gro") for x in (f, "on" if on else "off")],
                           capture_output=True, check=False)


def work_tcp(variants, o):
    """Bulk, nanoseconds a byte"""
    servers = []
    chosen = [v for v in variants if v.path.r]
    for v in chosen:
        servers.append(subprocess.Popen(["ip", "netns", "exec", v.path.s, "iperf3", "-s"],
                                        stdout=subprocess.DEVNULL))
    time.sleep(1)
    for on in (True, False):
        # long enough that a delayed acknowledgement is nothing
        size = 16 if on else 24
        for v in chosen:
            offloads(v, on)
        for rnd in range(o.rounds + 1):
            for v in chosen:
                for way in ("up", "down"):
                    p = subprocess.run(["ip", "netns", "exec", v.path.c, "timeout", "30", "iperf3", "-J", "-c",
                                        v.to_server()[1], "-n", f"{size if rnd else 2}M"] + (["-R"] if way == "down" else []),
                                       capture_output=True, text=True, check=False)
                    note(f"{v.name} {way} {'gso' if on else 'segments'} {rnd}")
                    try:
                        e = json.loads(p.stdout)["end"]["sum_received"]
                    except (ValueError, KeyError):
                        note(f"iperf3 {v.name} {way}: {p.stdout[-200:]}")
                        continue
                    if rnd:		# the first warms up
                        say(f"tcp-{way}-{'gso' if on else 'segments'}", v.name, rnd, e["seconds"] * 1e9 / e["bytes"])
    for v in chosen:
        offloads(v, True)
    for p in servers:
        p.terminate()


def work_rr(variants, o):
    """Request and response by UDP sockets, the next when the last is back"""
    chosen = [v for v in variants if v.path.r]
    servers = [subprocess.Popen(["ip", "netns", "exec", v.path.s, EXTRA + "/rr", "serve"]) for v in chosen]
    time.sleep(1)
    for rnd in range(o.rounds + 1):
        for v in chosen:
            value = float(inside(v.path.c, EXTRA + "/rr", "ask", v.to_server()[1], str(o.count)))
            if rnd:		# the first warms up
                say("rr", v.name, rnd, value)
    for p in servers:
        p.terminate()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("works", nargs="+")
    parser.add_argument("--variants", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--live", type=int, default=1001000)
    parser.add_argument("--hashsize", type=int, default=0)
    parser.add_argument("--wide", action="store_true", help="sources with all their ports")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--mark", action="store_true")
    o = parser.parse_args()
    for name in ("af_packet", "tun"):
        subprocess.run(["modprobe", "-q", name], check=False)
    # other work that takes the CPU for a moment shall cost no packets
    write("/proc/sys/net/core/netdev_max_backlog", "100000")
    # nor shall khugepaged come by, which copies pages for a while
    if os.path.exists("/sys/kernel/mm/transparent_hugepage/enabled"):
        write("/sys/kernel/mm/transparent_hugepage/enabled", "never")
    if o.wide:
        PORTS_OF_SOURCES.clear()
    variants = [BY_NAME[n] for n in o.variants.split(",") if n]
    if o.works != ["other"]:
        run("insmod", os.environ["NAT46_KO"], *([f"hashsize={o.hashsize}"] if o.hashsize else []))
    for name in ("jool_common", "jool_siit"):
        if os.path.exists(f"{EXTRA}/{name}.ko"):
            subprocess.run(["modprobe", "-q", "x_tables"], check=False)
            run("insmod", f"{EXTRA}/{name}.ko")
    if o.works == ["other"]:
        variants = [BY_NAME["v6"], BY_NAME["v4"]]
    for v in variants:
        v.build()
    time.sleep(SETTLE)
    for w in o.works:
        globals()["work_" + w](variants, o)
    if o.mark:
        with open("/proc/kallsyms", encoding="ascii") as f, \
             open(os.environ.get("OUT", "/out") + "/kallsyms", "w", encoding="ascii") as out:
            out.write(f.read())


main()
