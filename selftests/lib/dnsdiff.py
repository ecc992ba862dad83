# SPDX-License-Identifier: GPL-2.0
"""dns46 against asking its upstream straight: generated queries, and wherever the
rules of dns46.md say "relayed" both must say the same.

  dnsdiff.py [-n N] [--seed S] [--canonical] RELAY UPSTREAM NAME...

NAMEs are those that exist (and *.NAME: any name below). The upstream is asked as
the relay asks it: the same question and flags, our EDNS payload size, the client's
DO. Then all but ID and OPT is compared byte by byte; with --canonical, for an
upstream with a cache, as sorted sets of records, their TTLs within 2 seconds (--ttl).
Where rules say otherwise, what they say is looked at: never an address of the pool
where no synthesis may be; BADVERS, NOTIMP, REFUSED, FORMERR where due."""
import argparse
import random
import re
import select
import socket
import struct
import sys
import time

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from dnsq import bare, read_tcp, records

A, AAAA, PTR, IXFR, AXFR, ANY = 1, 28, 12, 251, 252, 255
TYPES = [A] * 6 + [AAAA] * 3 + [2, 5, 6, 15, 16, 33, 35, 39, 43, 46, 47, 48, 50, 52, 64, 65, 65, 99, 257, PTR, ANY,
                                IXFR, AXFR, 253, 10, 65400]
POOL = bytes([198, 18])
OUR_SIZE = 1232
RELAYED_FLAGS = dns.flags.RD | dns.flags.AD | dns.flags.CD


class Query:
    """One question: as the client asks it, and as the upstream is to be asked"""

    def __init__(self, rnd, qid, names, classes):
        self.id = qid
        self.name = self.some_name(rnd, names)
        self.type = rnd.choice(TYPES)
        self.cls = rnd.choice(classes)
        self.flags = rnd.choice([0x100] * 5 + [0, 0x110, 0x120, 0x130, 0x10, 0x20])
        self.opcode = rnd.choice([0] * 60 + [2, 4, 5])
        # bits that a query has no use for
        self.odd = rnd.choice([0] * 8 + [0x0400, 0x0200, 0x0080, 0x0040])
        self.tcp = rnd.random() < 0.05
        self.edns = rnd.random() < 0.7
        self.do = self.edns and rnd.random() < 0.4
        self.size = rnd.choice([0, 512, 700, 1232, 1232, 1400, 4096, 65535])
        self.version = rnd.choice([0] * 30 + [1, 255])
        self.options = [dns.edns.GenericOption(rnd.choice([3, 8, 9, 10, 10, 11, 12, 65001]),
                                               rnd.randbytes(rnd.choice([0, 4, 8, 24])))
                        for _ in range(rnd.choice([0, 0, 0, 1, 2]))]

    @staticmethod
    def some_name(rnd, names):
        text = rnd.choice(names)
        if text.startswith("*."):
            text = f"w{rnd.randrange(50)}{text[1:]}"
        kind = rnd.random()
        if kind < 0.25:
            text = f"no{rnd.randrange(1000)}.{text}"
        elif kind < 0.28:
            text = rnd.choice([".", "invalid", "a.b.c.invalid", "1.2.0.192.in-addr.arpa", "7.4.18.198.in-addr.arpa",
                               "18.198.in-addr.arpa", "256.4.18.198.in-addr.arpa", "x" * 63 + ".example"])
        name = dns.name.from_text(text)
        if kind > 0.97:   # any bytes
            name = dns.name.Name((rnd.randbytes(rnd.randrange(1, 20)),) + name.labels)
        return dns.name.Name([bytes(c ^ 0x20 if chr(c).isalpha() and c < 128 and rnd.random() < 0.2 else c for c in x)
                              for x in name.labels])

    def question(self):
        return self.name.to_wire() + struct.pack(">HH", self.type, self.cls)

    def head(self, flags, additional):
        return struct.pack(">6H", self.id, flags, 1, 0, 0, additional)

    def to_relay(self):
        flags = self.opcode << 11 | self.flags | self.odd
        if not self.edns:
            return self.head(flags, 0) + self.question()
        m = dns.message.Message(id=0)
        m.use_edns(self.version, 0x8000 if self.do else 0, self.size, options=self.options)
        opt = m.to_wire()[12:]
        return self.head(flags, 1) + self.question() + opt

    def to_upstream(self):
        opt = b"\0" + struct.pack(">HHIH", 41, OUR_SIZE, 0x8000 if self.do else 0, 0)
        return self.head(self.flags & RELAYED_FLAGS, 1) + self.question() + opt

    def limit(self):
        if self.tcp:
            return 65535
        return min(max(self.size, 512), 4096) if self.edns else 512

    def special(self):
        """What the relay says itself, without asking: a code, or None"""
        if self.opcode:
            return dns.rcode.NOTIMP
        if self.edns and self.version:
            return dns.rcode.BADVERS
        if self.type in (AXFR, IXFR):
            return dns.rcode.REFUSED
        return None

    def of_pool(self):
        return self.cls == 1 and self.name.is_subdomain(dns.name.from_text("18.198.in-addr.arpa"))

    def __str__(self):
        return f"{self.name} {self.type} class {self.cls} {self.to_relay().hex()}{' tcp' if self.tcp else ''}"


def canonical(m, hints=True):
    """Sorted; without @hints as if no HTTPS or SVCB record had ipv6hint (rules 37, 38)"""
    def text(rdata):
        out = rdata.to_text().lower()
        return out if hints else re.sub(r' (ipv6hint|mandatory)="[^"]*"', "", out)
    m = dns.message.from_wire(m, ignore_trailing=False)
    out = [m.flags & ~(dns.flags.TC | dns.flags.AA | (0 if hints else dns.flags.AD)), m.opcode(), m.rcode(), m.question]
    for section in (m.answer, m.authority, m.additional):
        out.append(sorted((r.name.to_text().lower(), r.rdclass, r.rdtype, sorted(map(text, r)), r.ttl) for r in section))
    return out


def alike(a, b, ttl):
    """Two canonical forms: the same but for TTLs"""
    if a[:4] != b[:4]:
        return False
    for x, y in zip(a[4:], b[4:]):
        if len(x) != len(y) or any(r[:4] != s[:4] or abs(r[4] - s[4]) > ttl for r, s in zip(x, y)):
            return False
    return True


def by_tcp(addr, msg):
    with socket.create_connection(addr, 5) as s:
        s.settimeout(8)
        s.sendall(struct.pack(">H", len(msg)) + msg)
        return read_tcp(s)


def by_udp(addr, msgs, tries=4, wait=2.5):
    """{id: answer}; what is lost is asked again, as clients do"""
    got = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(addr)
        for _ in range(tries):
            left = [m for i, m in msgs.items() if i not in got]
            for m in left:
                s.send(m)
            while len(got) < len(msgs) and select.select([s], [], [], wait)[0]:
                m = s.recv(65535)
                i = struct.unpack(">H", m[:2])[0]
                if i in msgs:
                    got.setdefault(i, m)
            if len(got) == len(msgs):
                break
    return got


def synthetic(q, up):
    """May the relay have another opinion than the upstream? (rules 2 to 6)"""
    code = up[3] & 15
    has_a = any(s == 0 and t == A for s, t, *_ in records(up))
    return q.cls == 1 and q.type == A and not q.flags & dns.flags.CD and not has_a and code != dns.rcode.NXDOMAIN


def judge(q, relay, up, exact, ttl=2):
    """What is wrong, or None"""
    flags, qd = struct.unpack(">HH", relay[2:6])
    code = flags & 15
    has_opt = any(t == 41 for _, t, *_ in records(relay))
    if has_opt != (q.edns and not q.opcode):
        return f"OPT: {relay.hex()}"
    if not flags & 0x8000 or (qd and relay[12:12 + len(q.question())] != q.question()):
        return "no answer to that question"
    if not q.tcp and len(relay) > q.limit():
        return f"{len(relay)} bytes"
    pool = any(s == 0 and t == A and relay[r:r + 2] == POOL for s, t, _, _, r, _ in records(relay))
    special = q.special()
    if special is not None:
        return None if code == special & 15 and not pool else f"code {code}, not {special}"
    if q.of_pool():
        return None if code in (0, 3) else f"code {code}"
    if up is None:
        return None if code == 2 else "the upstream is silent"
    if up[4:6] == b"\0\0": # an error without the question: the relay's has it (rule 20)
        return None if code == up[3] & 15 and qd and len(bare(relay)[0]) == 10 + len(q.question()) else f"code {code}"
    if pool and not synthetic(q, up):
        return "an address of the pool"
    if synthetic(q, up) and (pool or code != up[3] & 15):
        return None if code in (0, 2) else f"code {code}"
    if flags & 0x0200:
        return None if len(bare(up)[0]) + 2 + (11 if q.edns else 0) > q.limit() else "cut for no reason"
    a, high = bare(relay)
    b, _ = bare(up)
    if q.edns and high:
        return "an extended code"
    if a != b and q.type in (64, 65) and not q.flags & dns.flags.CD:
        if alike(canonical(relay, False), canonical(up, False), ttl):
            return None
    if exact and a != b:
        return f"other bytes:\n  {a.hex()}\n  {b.hex()}"
    if not exact and a != b and not alike(canonical(relay), canonical(up), ttl):
        return f"other records:\n{dns.message.from_wire(relay)}\n--\n{dns.message.from_wire(up)}"
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=3000)
    p.add_argument("--seed", type=int, default=46)
    p.add_argument("--canonical", action="store_true")
    p.add_argument("--ttl", type=int, default=2, help="by which TTLs may differ")
    p.add_argument("--only-in", action="store_true", help="no class but IN")
    p.add_argument("--show", type=int, default=5)
    p.add_argument("relay")
    p.add_argument("upstream")
    p.add_argument("names", nargs="+")
    o = p.parse_args()
    rnd = random.Random(o.seed)
    relay, upstream = (o.relay, 53), (o.upstream, 53)
    wrong = compared = special = synth = 0
    done = 0
    while done < o.n:
        batch = {i: Query(rnd, i, o.names, [1] if o.only_in else [1] * 30 + [3, 4, 254, 255]) for i in rnd.sample(range(65536), min(100, o.n - done))}
        done += len(batch)
        asked = {i: q for i, q in batch.items() if q.special() is None and not q.of_pool()}
        # a cache's records grow older while we wait for what it doesn't answer
        start = time.monotonic()
        patience = (1, 1) if o.canonical else (4, 2.5)
        ups = by_udp(upstream, {i: q.to_upstream() for i, q in asked.items()}, *patience)
        for i, m in ups.items():
            if m[2] & 2:
                ups[i] = by_tcp(upstream, asked[i].to_upstream())
        got = by_udp(relay, {i: q.to_relay() for i, q in batch.items() if not q.tcp}, wait=7)
        got.update({i: by_tcp(relay, q.to_relay()) for i, q in batch.items() if q.tcp})
        for i, q in batch.items():
            if i not in got:
                what = "no answer"
            else:
                what = judge(q, got[i], ups.get(i), not o.canonical, o.ttl)
            if what and o.canonical and i in asked and i in got:
                # a cache says it otherwise the second time, and dnsmasq refuses what
                # comes too fast: what does each say now?
                up = by_udp(upstream, {i: q.to_upstream()}).get(i)
                again = by_tcp(relay, q.to_relay()) if q.tcp else by_udp(relay, {i: q.to_relay()}, wait=7).get(i)
                what = what if again is None else judge(q, again, up, False, o.ttl + int(time.monotonic() - start))
            if i not in asked:
                special += 1
            elif i in ups and synthetic(q, ups[i]):
                synth += 1
            else:
                compared += 1
            if what:
                wrong += 1
                if wrong <= o.show:
                    print(f"{what}\n  {q}")
    print(f"{done} queries: {compared} relayed and compared, {synth} that may be synthesised, {special} that the relay "
          f"answers itself; {wrong} wrong")
    sys.exit(wrong != 0)


main()
