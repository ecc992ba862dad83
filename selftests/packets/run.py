#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the tables of packet cases in a guest: one "ok" or "not ok" a case.

usage: run.py [--pending | --all] [--part K/N] [MODE] [NAME...]
MODE: default; tx-off (checksums by software on all links), partial (what is sent
has only a seed for a checksum), frags (payload in pages shared with the sender,
who finds them unchanged), tap (a second look at what is sent: unchanged), direct
(filter-hooks off), forward (filter-hooks forward in both families); complete,
unnecessary, cloned, tight, nonlinear (packets as cards make them, by the module
skbs, which also checks what comes out); nic-virtio, nic-e1000e (cables between
cards as wires, in a guest of nic/run's); no-memory (only the cases for it, where
allocations fail: a debug kernel). NAME: a glob of cases. The names in the file `pending` are left out, or alone run; a mode
behind one: in that mode.
"""
import argparse
import contextlib
import fnmatch
import importlib
import os
import random
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../lib"))
DUMP_MAX = 256
MODES = ("default", "tx-off", "partial", "frags", "tap", "direct", "forward", "complete", "unnecessary", "cloned",
         "tight", "nonlinear", "no-memory", "nic-virtio", "nic-e1000e")
# settings that change no packet
SETTINGS = {"direct": "filter-hooks off", "forward": "filter-hooks forward filter-hooks4 forward"}
# by the module selftests/vm/testmod/skbs.c
CARDS = ("complete", "unnecessary", "cloned", "tight", "nonlinear", "no-memory")
SKBS = "/sys/module/skbs/parameters/"
TABLES = ("headers46", "headers64", "icmp46", "icmp64", "quoted", "options", "exthdr", "fragments",
          "checksum", "mtu", "protocols", "prefix", "inbound", "hairpin", "refused")


def pending(mode):
    """The names left out in that mode, and all names there."""
    with open(os.path.join(HERE, "pending"), encoding="ascii") as f:
        lines = [line.split("#")[0].split() for line in f]
    names = {words[0] for words in lines if words}
    return {w[0] for w in lines if w and mode in (w[1:] or [mode])}, names


def load():
    """All cases, in the order of the tables."""
    import dsl
    for name in TABLES:
        if os.path.exists(os.path.join(HERE, name + ".py")):
            importlib.import_module(name)
    return dsl.CASES


# ---- comparison ----------------------------------------------------------------

def checksum(head):
    """An IPv4 header with the right checksum."""
    from wire import csum
    if len(head) >= 20:
        struct.pack_into("!H", head, 10, 0)
        struct.pack_into("!H", head, 10, ~csum(bytes(head)) & 0xffff)
    return head


def copy_chosen(raw, got, layer, step, idents):
    """What the kernel chooses is taken over from what came."""
    if len(got) != len(raw):
        return
    if raw[0] >> 4 == 4:
        at = (raw[0] & 15) * 4
        fragment = struct.unpack_from("!H", raw, 6)[0] & 0x3fff
        if "id" not in layer.fields and not (fragment and step.whole):
            raw[4:6] = got[4:6]
            raw[:at] = checksum(raw[:at])
            if fragment:
                idents.add(bytes(got[4:6]))
        if raw[9] == 1 and len(raw) >= at + 28 and raw[at] in (3, 4, 5, 11, 12) and \
           not step.whole:
            inner = at + 8
            raw[inner + 4:inner + 6] = got[inner + 4:inner + 6]
            raw[inner + 6] = raw[inner + 6] & 0xbf | got[inner + 6] & 0x40
            end = inner + (raw[inner] & 15) * 4
            raw[inner:end] = checksum(raw[inner:end])
    elif raw[6] == 44 and not step.whole:
        idents.add(bytes(got[44:48]))
        raw[44:48] = got[44:48]


FIELDS4 = [(0, 1, "version, header length"), (1, 2, "tos"), (2, 4, "total length"), (4, 6, "id"),
           (6, 8, "flags, offset"), (8, 9, "ttl"), (9, 10, "protocol"), (10, 12, "header checksum"),
           (12, 16, "source"), (16, 20, "destination")]
FIELDS6 = [(0, 4, "version, class, flow label"), (4, 6, "payload length"), (6, 7, "next header"),
           (7, 8, "hop limit"), (8, 24, "source"), (24, 40, "destination")]
L4 = {1: [(0, 1, "type"), (1, 2, "code"), (2, 4, "checksum"), (4, 8, "rest")],
      6: [(0, 2, "source port"), (2, 4, "destination port"), (4, 8, "seq"), (8, 12, "ack"),
          (12, 14, "flags"), (14, 16, "window"), (16, 18, "checksum"), (18, 20, "urgent")],
      17: [(0, 2, "source port"), (2, 4, "destination port"), (4, 6, "length"),
           (6, 8, "checksum")],
      44: [(0, 1, "next header"), (2, 4, "offset, more"), (4, 8, "identification")]}


def fields(raw, base=0, prefix=""):
    v4 = raw[base] >> 4 == 4
    out = [(base + a, base + b, prefix + name) for a, b, name in (FIELDS4 if v4 else FIELDS6)]
    at = base + ((raw[base] & 15) * 4 if v4 else 40)
    if len(raw) < base + (20 if v4 else 40):
        return out
    proto = raw[base + (9 if v4 else 6)]
    proto = 1 if proto == 58 else proto
    out += [(at + a, at + b, prefix + "L4 " + name) for a, b, name in L4.get(proto, [])]
    errors = (3, 4, 5, 11, 12) if v4 else (1, 2, 3, 4)
    if proto == 1 and not prefix and len(raw) > at + 8 and raw[at] in errors:
        out += fields(raw, at + 8, "quoted ")
    return out


def differences(want, got):
    out = [f"{name}: wanted {want[a:b].hex()}, got {got[a:b].hex()}" for a, b, name in fields(want)
           if want[a:b] != got[a:b]]
    if len(want) != len(got):
        out.append(f"length: wanted {len(want)}, got {len(got)}")
    return out or ["payload: from byte %d on" %
                   next(i for i, (x, y) in enumerate(zip(want, got)) if x != y)]


def dump(title, raw):
    lines = [title + f" ({len(raw)} bytes)"]
    lines += ["  %04x  %s" % (at, raw[at:at + 16].hex(" "))
              for at in range(0, min(len(raw), DUMP_MAX), 16)]
    return lines + ["  ..."] * (len(raw) > DUMP_MAX)


def merge(gots, limit, number, find):
    """Fragments put together, as their receiver does. Each is at most limit, and
    has that Identification."""
    out, parts = [], {}
    for raw, gso in gots:
        if len(raw) > limit:
            find.append(f"a packet of {len(raw)} bytes, {limit} is the limit")
        v4 = raw[0] >> 4 == 4
        if not (struct.unpack_from("!H", raw, 6)[0] & 0x3fff if v4 else raw[6] == 44):
            out.append((raw, gso))
            continue
        hlen = (raw[0] & 15) * 4 if v4 else 48
        off = struct.unpack_from("!H", raw, 6 if v4 else 42)[0]
        more, at = (off & 0x2000, (off & 0x1fff) * 8) if v4 else (off & 1, off & 0xfff8)
        ident = raw[4:6] if v4 else raw[44:48]
        if number is not None and int.from_bytes(ident, "big") != number:
            find.append(f"Identification: wanted {number:x}, got {ident.hex()}")
        load = parts.setdefault(ident, {})
        load[at] = (raw[hlen:], raw[:hlen], more)
        whole, end = b"", 0
        while end in load:
            whole += load[end][0]
            if not load[end][2]:
                break
            end = len(whole)
        else:
            continue
        head = bytearray(load[0][1][:20 if v4 else 40])
        if v4:
            struct.pack_into("!HHH", head, 2, 20 + len(whole), int.from_bytes(ident, "big"), 0)
            checksum(head)
        else:
            struct.pack_into("!H", head, 4, len(whole))
            head[6] = load[0][1][40]
        out.append((bytes(head) + whole, 0))
    return out


def segments(raw, gso):
    """How many packets the wire will see of it"""
    at = (raw[0] & 15) * 4
    return -(-(len(raw) - at - ((raw[at + 12] >> 4) * 4 if raw[9] == 6 else 8)) // gso) if gso else 1


def check_ident(raw, gso, seen, find):
    """Of an IPv4 packet that may be cut: no other one's (RFC 6864 4.3), and a
    flow's count up"""
    number, addrs = int.from_bytes(raw[4:6], "big"), raw[9:10] + raw[12:20]
    if (number, addrs) in seen:
        find.append("IPv4: two packets with one Identification (RFC 6864 4.3)")
    seen[number, addrs] = True
    flow = addrs + raw[20:24]
    if raw[9] in (6, 17) and seen.get(flow, number) != number:
        find.append(f"IPv4: Identification {number:x}, wanted {seen[flow]:x}")
    seen[flow] = number + segments(raw, gso) & 0xffff


def compare(side, wants, gots, step, find):
    idents, seen = set(), {}
    if step.limit:
        gots = merge(gots, step.limit, step.number, find)
    for i, layer in enumerate(wants):
        want = bytearray(bytes(layer))
        if i >= len(gots):
            find.append(f"IPv{side}: packet {i + 1} of {len(wants)} did not come")
            find += dump("wanted", bytes(want))
            continue
        got, gso = gots[i]
        copy_chosen(want, got, layer, step, idents)
        if got[0] >> 4 == 4 and not struct.unpack_from("!H", got, 6)[0] & 0x7fff:
            check_ident(got, 0 if step.limit else gso, seen, find)
        if bytes(want) != got:
            find += [f"IPv{side}, packet {i + 1}: " + d for d in differences(bytes(want), got)]
            find += dump("wanted", bytes(want)) + dump("got", got)
        elif gso != step.out_gso:
            find.append(f"IPv{side}: segments of {gso} bytes, wanted {step.out_gso}")
    for got, _ in gots[len(wants):]:
        find += dump(f"IPv{side}: a packet that was not expected", got)
    if len(idents) > 1:
        find.append(f"IPv{side}: fragments with different Identifications")


# ---- a case ---------------------------------------------------------------------

class NoMemory:
    """As long as it lasts no allocation succeeds that may not sleep: a sender
    gets its buffer, what handles the packet gets none."""
    DIR = "/sys/kernel/debug/failslab/"

    def __init__(self):
        subprocess.run("mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug",
                       shell=True, check=True)
        for name, value in (("ignore-gfp-wait", "Y"), ("interval", 1), ("space", 0),
                            ("times", -1), ("verbose", 0)):
            self.put(name, value)

    def put(self, name, value):
        with open(self.DIR + name, "w", encoding="ascii") as f:
            f.write(str(value))

    def __enter__(self):
        self.put("probability", 100)

    def __exit__(self, *_):
        time.sleep(0.2)		# the packet may be on its way still
        self.put("probability", 0)


def run_step(world, step, find):
    from wire import partial, seeded
    side = world.side[step.family]
    sent = [bytes(p) for p in step.packets]
    # a kernel that answers to the sender quotes what it got: seeds as well
    plain = bool(step.expect[step.family])
    with world.no_memory if "no-memory" in step.reasons else contextlib.nullcontext():
        for packet in sent:
            trouble = side.send(packet, step.gso, plain, step.seed)
            if trouble:
                find.append(trouble)
    got = world.fence(step.family)
    for family in (4, 6):
        compare(family, step.expect[family], got[family], step, find)
    if side.tap:
        seen = side.tapped()[:-1]	# the last one is the fence
        sent = [seeded(raw, *step.seed)[0] if step.seed else
                partial(raw, step.gso)[0] if step.gso else raw for raw in sent]
        if seen != sent:
            find.append(f"IPv{step.family}: a tap did not see what was sent")
            for raw in seen:
                find += dump("tap", raw)


def configure(commands, find):
    if not commands:
        return
    done = subprocess.run(["nat46", "-b", "-"], input="\n".join(commands) + "\n", text=True,
                          capture_output=True, check=False)
    if done.returncode:
        find.append(done.stderr.strip())


def skbs(name):
    """What the test module says, as text."""
    with open(SKBS + name, encoding="ascii") as f:
        return f.read().strip()


def run_case(world, case):
    find = []
    faults = world.cards and int(skbs("faults"))
    world.links(9000 if case.jumbo else 1500)
    configure(case.conf, find)
    before = world.drops()
    wanted = {}
    for i, step in enumerate(case.steps):
        had = len(find)
        try:
            run_step(world, step, find)
        except TimeoutError as e:
            find.append(str(e))
            world.stuck = True
        for reason, n in step.reasons.items():
            wanted[reason] = wanted.get(reason, 0) + n
        if len(find) > had:
            find.insert(had, f"step {i + 1} of {len(case.steps)}:")
            break
    after = world.drops()
    counted = {r: after[r] - before[r] for r in after if after[r] != before[r]}
    if counted != wanted:
        find.append(f"drops: wanted {wanted}, got {counted}")
    if world.cards:
        n = int(skbs("faults")) - faults
        if n:
            find.append(f"{n} packets went on wrong; the last: {skbs('fault')}")
    configure(case.undo, find)
    world.forget()
    return find


def choose(args):
    left_out, known = pending(args.mode)
    cases = load()
    unknown = known - {c.name for c in cases}
    if unknown:
        sys.exit(f"pending: no case is named {', '.join(sorted(unknown))}")
    if not args.all:
        cases = [c for c in cases if (c.name in left_out) == args.pending]
    if args.names:
        cases = [c for c in cases if any(fnmatch.fnmatch(c.name, n) for n in args.names)]
    every = args.mode != "no-memory"
    cases = [c for c in cases if args.mode in (c.modes or (every and args.mode,))]
    k, n = (int(number) for number in args.part.split("/"))
    return cases[k - 1::n], len(left_out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pending", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--first", action="store_true",
                        help="in a mixed order, as far as the first that fails")
    parser.add_argument("--part", default="1/1", help="K/N: each Nth case, from the Kth on")
    parser.add_argument("mode", nargs="?", default="default", choices=MODES)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    start = time.monotonic()
    cases, left_out = choose(args)
    if args.first:
        random.Random(46).shuffle(cases)
    import dsl
    import wire
    setting = SETTINGS.get(args.mode)
    world = wire.World(args.mode, dsl.CONFIG + (f"param set {setting}\n" if setting else ""))
    world.no_memory = NoMemory() if args.mode == "no-memory" else None
    world.cards, world.stuck = args.mode in CARDS, False
    bad = 0
    ready = time.monotonic()
    for i, case in enumerate(cases):
        find = run_case(world, case)
        bad += bool(find)
        print(f"{'not ' if find else ''}ok {i + 1} - {args.mode}: {case.name}", flush=True)
        for line in [f"[{case.clause}]"] + find if find else []:
            print("#   " + line)
        if find and (args.first or world.stuck):
            break
    if world.cards:
        made = int(skbs("made"))
        print(f"# {made} packets were made {args.mode}")
        bad += made < len(cases)
    if args.mode == "tap" and not bad:	# one whose data a tap shares gets headers of its own
        n = world.reallocated()
        if n < len(cases):
            print(f"not ok - tap: {n} heads were reallocated")
            bad += 1
    print(f"# {args.mode}: {len(cases)} cases, {bad} bad, in {time.monotonic() - ready:.1f} s "
          f"after {ready - start:.1f} s; {left_out} pending are left out")
    print(f"1..{len(cases)}")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
