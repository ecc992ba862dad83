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
import pktgen
from topo import Inside, run
from variants import BY_NAME, EXTRA, POOL, PORTS, PORTS_OF_SOURCES, inside, nat46, nft

FLOWS = (PORTS[0], PORTS[1] + 1)
# of payload: the longest whose IPv6 packet fits an Ethernet frame: 1500 bytes
SIZES = (64, 512, 1452)

# seconds: until addresses have settled, routes change, and all are looked up again
SETTLE = 8


def say(work, variant, rnd, value, **more):
    print("@ " + json.dumps({"work": work, "variant": variant, "round": rnd, "value": round(value, 3), **more}),
          flush=True)


def note(text):
    print("# " + text, flush=True)


def udp(v, up, count, size=64, flows=FLOWS):
    if up:
        return pktgen.send(v.path, True, count, *v.to_server(), flows, (9, 9), size)
    return pktgen.send(v.path, False, count, *v.to_client(), (9, 9), flows, size)


def work_udp(variants, o):
    """An established flow's packet"""
    chosen = [v for v in variants if v.udp]
    for v in chosen:		# up first: it opens the sessions
        for up in (True, False):
            udp(v, up, 1000)
    mark = 0
    for size in SIZES[:1] if o.quick else SIZES:
        for rnd in range(o.rounds):
            for v in chosen:
                for up in (True, False):
                    if o.mark and size == 64 and not rnd:
                        mark += 1
                        note(f"mark {mark} {v.name} {'up' if up else 'down'} {o.count}")
                        run(EXTRA + "/mark", str(mark))
                    ns, got = udp(v, up, o.count, size)
                    if o.mark and size == 64 and not rnd:
                        run(EXTRA + "/mark", "0")
                    more = {} if got >= o.count else {"lost": o.count - got}
                    say(f"udp-{size}-{'up' if up else 'down'}", v.name, rnd, ns, **more)


def work_new(variants, o):
    """A flow's first packet, and what it costs above its second"""
    count = 1000
    for rnd in range(o.rounds):
        for v in variants:
            if not v.udp or v.name == "gen":
                continue
            low = 30000 + rnd * count
            first, _ = udp(v, True, count, flows=(low, low + count))
            then, _ = udp(v, True, count, flows=(low, low + count))
            say("first-packet", v.name, rnd, first)
            say("first-packet-more", v.name, rnd, first - then)


def work_sessions(_, o):
    """So many sessions live, each hit as often as any other"""
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
            ns, got = pktgen.send(v.path, True, count, src, POOL, (20000, 20000 + ports), (9, 9), 64, clients)
            return ns, got
        first, got = once(live)
        have = int(inside(r, "nat46", "session", "count").split()[0])
        if have != live or got != live:
            note(f"{have} sessions, {got} packets through, {live} wanted")
        count = max(live, o.count)
        for rnd in range(o.rounds):
            say("sessions", str(live), rnd, once(count)[0], opened=round(first, 1), have=have)
        with open("/proc/slabinfo", encoding="ascii") as f:
            for line in f:
                if line.startswith("nf_nat46_session "):
                    w = line.split()
                    say("memory", str(live), 0, int(w[3]) * int(w[2]) / max(int(w[1]), 1), active=int(w[1]),
                        slab=int(w[14]) * int(w[5]) * 4096)
        for n in v.path.nodes:
            run("ip", "netns", "del", n)


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
        for rnd in range(o.rounds):
            for v in chosen:
                say("other-" + v.name, name, rnd, udp(v, True, o.count)[0])


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
    chosen = [v for v in variants if v.name != "gen"]
    for v in chosen:
        servers.append(subprocess.Popen(["ip", "netns", "exec", v.path.s, "iperf3", "-s"],
                                        stdout=subprocess.DEVNULL))
    time.sleep(1)
    for on in (True, False):
        # long enough that a delayed acknowledgement is nothing
        size = "16M" if on else "32M"
        for v in chosen:
            offloads(v, on)
        for rnd in range(o.rounds + 1):
            for v in chosen:
                for way in ("up", "down"):
                    p = subprocess.run(["ip", "netns", "exec", v.path.c, "timeout", "30", "iperf3", "-J", "-c",
                                        v.to_server()[1], "-n", size] + (["-R"] if way == "down" else []),
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
    chosen = [v for v in variants if v.name != "gen"]
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
    subprocess.run(["modprobe", "-q", "pktgen"], check=False)
    subprocess.run(["modprobe", "-q", "tun"], check=False)
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
