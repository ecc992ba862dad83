#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The same random packets by both ways out, with hooks and straight to the
neighbour (filter-hooks off): what comes out must be the same, byte for byte, but
for the numbers that the kernel and the session count on.

usage: differ.py PACKETS [SEED]    in a guest, by run.sh's side
"""
import os
import random
import struct
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../lib"))
import dsl		# noqa: E402
import wire		# noqa: E402
from genl import C, attr, ip, u8		# noqa: E402

BATCH = 48
CLIENTS = [ip(f"10.{net}.0.{host}").packed for net in (0, 2, 4, 6, 7, 32, 40, 48, 56, 64, 96) for host in (9, 10, 11)]
POOL = [ip(dsl.p4(n, net)).packed for net, top in ((0, 12), (12, 8), (14, 8), (90, 8)) for n in range(1, top)]
POOL.append(ip("198.18.0.251").packed)		# not mapped
PORTS = (1, 53, 443, 1024, 5060, 20001, 20002, 33000, 65535)
PROTOS = (6,) * 8 + (17,) * 8 + (1,) * 4 + (33, 132, 136, 47, 4, 50, 51, 41, 58, 0, 253)


def put16(raw, at, value):
    struct.pack_into("!H", raw, at, value)


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def chance(self, p):
        return self.r.random() < p

    def payload(self):
        r = self.r
        size = r.choice((0, 1, 2, 7, 8, 64, r.randrange(1400), r.randrange(1180, 1300), 1400))
        return r.randbytes(size)

    def ports(self, proto, sport, dport):
        """An L4 header and payload, its sum still zero: (bytes, its offset)"""
        r, load = self.r, self.payload()
        if proto == 6:
            flags = r.choice((2, 2, 16, 16, 24, 17, 4, 20, 18, r.randrange(256)))
            opts = b"\2\4" + struct.pack("!H", r.choice((536, 1460, 9000))) if flags & 2 else b""
            return struct.pack("!HHIIBBHHH", sport, dport, r.getrandbits(32), r.getrandbits(32),
                               (20 + len(opts)) // 4 << 4, flags, r.getrandbits(16), 0, 0) + opts + load, 16
        if proto == 17:
            return struct.pack("!HHHH", sport, dport, 8 + len(load) + (self.chance(0.02) and r.randrange(9)), 0) + load, 6
        if proto == 136:
            return struct.pack("!HHHH", sport, dport, r.choice((0, 8, 8 + len(load))), 0) + load, 6
        if proto == 33:
            return struct.pack("!HHBBHI", sport, dport, 4, 0, 0, r.getrandbits(32)) + r.randbytes(4) + load, 6
        if proto == 132:
            return struct.pack("!HHII", sport, dport, r.getrandbits(32), r.getrandbits(32)) + load, None
        return load, None

    def summed(self, raw, at, pseudo):
        """Right, most of the time; else wrong, or zero"""
        raw = bytearray(raw)
        if at is not None and len(raw) >= at + 2:
            kind = self.r.random()
            if kind < 0.9:
                put16(raw, at, (~wire.csum(pseudo + bytes(raw)) & 0xffff) or 0xffff)
            elif kind < 0.97:
                put16(raw, at, self.r.getrandbits(16))
        return bytes(raw)

    def echo(self, kind, ident):
        return struct.pack("!BBHHH", kind, 0, 0, ident, self.r.getrandbits(16)) + self.payload()

    def ip4(self, src, dst, proto, l4):
        """Whole, or in two fragments"""
        r = self.r
        options = r.choice((b"",) * 20 + (b"\1" * 4, b"\x94\4\0\0", b"\x83\7\4\1\2\3\4\0", r.randbytes(8)))
        df, ident, ttl = r.choice((0, 0x4000)), r.getrandbits(16), r.choice((1, 2, 64, 64, 64, 255))
        tos, out = r.getrandbits(8), []
        parts = [(0, l4)]
        cut = len(l4) // 2 // 8 * 8
        if cut and self.chance(0.05):
            parts = [(0, l4[:cut]), (cut, l4[cut:])]
            self.chance(0.3) and parts.reverse()
        for at, part in parts:
            more = 0x2000 if len(parts) > 1 and not at else 0
            head = bytearray(struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options) + len(part), ident,
                                         df | more | at // 8, ttl, proto, 0) + src + dst + options)
            put16(head, 10, ~wire.csum(bytes(head)) & 0xffff)
            out.append(bytes(head) + part)
        return out

    def client(self):
        """What a client sends"""
        r = self.r
        src, dst, proto = r.choice(CLIENTS), r.choice(POOL), r.choice(PROTOS)
        if proto == 1:
            l4 = self.summed(self.echo(r.choice((8, 8, 8, 8, 0, 13, 3)), r.choice(PORTS)), 2, b"")
        else:
            raw, at = self.ports(proto, r.choice(PORTS), r.choice(PORTS))
            l4 = self.summed(raw, at, src + dst + struct.pack("!HH", proto, len(raw)))
        return self.ip4(src, dst, proto, l4)

    def ip6(self, src, dst, proto, l4):
        r = self.r
        ext, first = b"", proto
        if self.chance(0.05):
            first = r.choice((0, 60, 43))
            ext = struct.pack("!BBBB4x", proto, 0, 1 if first != 43 else 0, 4 if first != 43 else self.chance(0.2))
        head = struct.pack("!IHBB", 6 << 28 | r.getrandbits(28), len(ext) + len(l4), first,
                           r.choice((1, 2, 64, 64, 64, 255))) + src + dst
        cut = len(l4) // 2 // 8 * 8
        if cut and not ext and self.chance(0.05):
            ident, out = r.getrandbits(32), []
            for at, part in ((0, l4[:cut]), (cut, l4[cut:])):
                out.append(head[:4] + struct.pack("!HB", 8 + len(part), 44) + head[7:] +
                           struct.pack("!BBHI", proto, 0, at | (not at), ident) + part)
            return out
        return [head + ext + l4]

    def reply(self, sent):
        """What may come back of a packet that went out into IPv6: an answer,
        or an error of a router"""
        r = self.r
        src, dst, proto = sent[24:40], sent[8:24], sent[6]
        if self.chance(0.2):
            kind, code = r.choice(((1, r.randrange(7)), (2, 0), (3, r.randrange(2)), (4, r.randrange(3)), (5, 0)))
            info = r.choice((0, 1280, 1300, 1400, 1500, 40)) if kind == 2 else r.choice((0, 6, 8, 40, r.getrandbits(32)))
            raw = struct.pack("!BBHI", kind, code, 0, info) + sent[:r.choice((1232, 48, 60, r.randrange(8, 1232)))]
            router = src if self.chance(0.3) else ip("2001:db8:aaaa::1").packed
            l4 = self.summed(raw, 2, router + dst + struct.pack("!II", len(raw), 58))
            return self.ip6(router, dst, 58, l4)
        if proto == 58 and sent[40] in (128, 129):
            raw = self.echo(129 if sent[40] == 128 else 128, struct.unpack_from("!H", sent, 44)[0])
            at = 2
        elif proto in (6, 17, 33, 132, 136) and len(sent) >= 44:
            sport, dport = struct.unpack_from("!HH", sent, 40)
            if self.chance(0.03):
                dport ^= 1 << r.randrange(16)
            raw, at = self.ports(proto, dport, sport)
        else:
            raw, at = self.payload(), None
        return self.ip6(src, dst, proto, self.summed(raw, at, src + dst + struct.pack("!II", len(raw), proto)))


def plain(packet):
    """Without the numbers that count on"""
    raw = bytearray(packet)
    if raw[0] >> 4 == 4:
        raw[4:6] = raw[10:12] = bytes(2)
        # an error's quoted packet has one as well
        at = (raw[0] & 15) * 4
        if raw[9] == 1 and len(raw) >= at + 28 and raw[at] in (3, 4, 5, 11, 12):
            raw[at + 2:at + 4] = raw[at + 12:at + 14] = raw[at + 18:at + 20] = bytes(2)
    elif raw[6] == 44:
        raw[44:48] = bytes(4)
    return bytes(raw)


class Ways:
    def __init__(self):
        self.world = wire.World("default", dsl.CONFIG)
        # newer kernels limit errors in each network namespace
        for name in ("icmp_msgs_per_sec", "icmp_msgs_burst"):
            wire.put("net/ipv4/" + name, 1000000)

    def set(self, hooks):
        self.world.n.req("PARAM_SET", attr(C["PARAM_A_FILTER_HOOKS"], u8(hooks)))

    def send(self, family, packets):
        side = self.world.side[family]
        for p in packets:
            side.send(p)
        got = self.world.fence(family)
        return {f: [(plain(p), gso) for p, gso in got[f]] for f in (4, 6)}, got


    def both(self, hooks, four, six):
        """What comes of packets from both sides, and what was dropped"""
        self.set(hooks)
        self.world.forget()
        before = self.world.drops()
        got = self.send(4, four)[0], self.send(6, six)[0]
        after = self.world.drops()
        return *got, {r: after[r] - before[r] for r in after if after[r] != before[r]}


def main():
    total = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print(f"# seed {seed}", flush=True)
    ways, make, sent, batch, came, bad, twice = Ways(), Maker(seed), 0, 0, 0, 0, 0
    start = time.monotonic()
    output, off = C["FILTER_HOOKS_OUTPUT"], C["FILTER_HOOKS_OFF"]
    while sent < total:
        four = [p for _ in range(BATCH) for p in make.client()]
        # once to see what could be answered, and to have path MTUs learned
        ways.set(output)
        ways.world.forget()
        _, raw = ways.send(4, four)
        six = [p for q, _ in raw[6] if len(q) > 40 and q[6] != 44 for p in make.reply(q)]
        ways.send(6, six)
        # a path MTU that the kernel forgets in between makes a difference once
        for _ in range(3):
            both = [ways.both(hooks, four, six) for hooks in (output, off)]
            if both[0] == both[1]:
                break
            twice += 1
        (a4, a6, a), (b4, b6, b) = both
        if a != b:
            bad += 1
            print(f"not ok {batch + 1} - batch {batch}: dropped {a} with hooks, {b} straight")
        for name, x, y in (("from the client", a4, b4), ("from the target", a6, b6)):
            for f in (4, 6):
                came += len(x[f])
                if x[f] != y[f]:
                    bad += 1
                    only = [p for p in x[f] if p not in y[f]][:1], [p for p in y[f] if p not in x[f]][:1]
                    print(f"not ok {batch + 1} - batch {batch}, {name}: {len(x[f])} and {len(y[f])} in IPv{f}")
                    for what, p in zip(("with hooks", "straight"), only):
                        print(f"#   only {what}: {p[0][0].hex() if p else 'nothing'}", flush=True)
        sent += len(four) + len(six)
        batch += 1
        if bad > 5:
            break
    print(f"# {sent} packets by each way, {came} came out of it, in {time.monotonic() - start:.0f} s; "
          f"{twice} looks were repeated")
    print(f"{'not ' if bad or came < sent // 3 else ''}ok {batch + 1} - straight to the neighbour is the same, {total} packets")
    print(f"1..{batch + 1}")
    sys.exit(bad > 0)


main()
