# SPDX-License-Identifier: GPL-2.0
"""Asks DNS servers by bytes, and plays bad ones, for selftests/dns.sh; messages and
their parts, for the others here.

  ask    [--tcp] [--noedns] [--timeout S] [--rcode N] [--ede N] [--expect-tc]
         [--answers N] [--a ADDR] SERVER NAME TYPE
  same   ... SERVER OTHER NAME TYPE     answers are equal but for ID and OPT
  pipeline SERVER N NAME TYPE           N queries on one connection
  both   SERVER NAME                    A and AAAA from one port at once
  flood  SERVER N NAME TYPE             N connections, then a question
  fuzz   SERVER N NAME TYPE             N mutated queries, then a question
  burst  [--equal] [--servfail N] SERVER N NAME TYPE
  serve  ADDR silent|forger|slow [FILE]
"""
import argparse
import random
import socket
import struct
import sys
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
         "AXFR": 252, "ANY": 255}


def addr(text):
    host, _, port = text.partition("@")
    return host, int(port or 53)


def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.rstrip(".").split(".")) + b"\0"


def query(qname, qtype, edns=True, qid=None):
    n = TYPES.get(qtype) or int(qtype[4:])
    qid = random.randrange(65536) if qid is None else qid
    head = struct.pack(">6H", qid, 0x0100, 1, 0, 0, 1 if edns else 0)
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0) if edns else b""
    return head + name(qname) + struct.pack(">HH", n, 1) + opt


def read(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise EOFError("the connection ended")
        data += part
    return data


def read_tcp(sock):
    return read(sock, struct.unpack(">H", read(sock, 2))[0])


def exchange(server, msg, tcp=False, timeout=2.0):
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(timeout)
        s.connect(addr(server))
        if tcp:
            s.sendall(struct.pack(">H", len(msg)) + msg)
            return read_tcp(s)
        s.send(msg)
        return s.recv(65535)


def skip_name(m, p):
    while m[p] and m[p] < 0xC0:
        p += 1 + m[p]
    return p + (2 if m[p] else 1)


def records(m):
    """(section, type, class, offset, rdata offset, end) of each record"""
    _, _, qd, *counts = struct.unpack(">6H", m[:12])
    p = 12
    for _ in range(qd):
        p = skip_name(m, p) + 4
    for section, n in enumerate(counts):
        for _ in range(n):
            start = p
            p = skip_name(m, p)
            rtype, cls, _, rdlen = struct.unpack(">HHIH", m[p:p + 10])
            yield section, rtype, cls, start, p + 10, p + 10 + rdlen
            p += 10 + rdlen


def bare(m):
    """Without ID and OPT, the last record; and the code's high bits, None: no OPT"""
    for _, rtype, _, start, rdata, end in records(m):
        if rtype == 41:
            if end != len(m):
                raise ValueError("OPT isn't the last record")
            return m[2:10] + struct.pack(">H", struct.unpack(">H", m[10:12])[0] - 1) + m[12:start], m[rdata - 6]
    return m[2:], None


def rcode(m):
    return m[3] & 15


def want(cond, text):
    if not cond:
        sys.exit(text)


def ask(o):
    m = exchange(o.server, query(o.name, o.type, not o.noedns), o.tcp, o.timeout)
    want(rcode(m) == o.rcode, f"the code is {rcode(m)}")
    want(bool(m[2] & 2) == o.expect_tc, f"TC is {bool(m[2] & 2)}")
    answers = struct.unpack(">H", m[6:8])[0]
    want(o.answers is None or answers == o.answers, f"{answers} answers")
    if o.ede is not None:
        opt = [m[r:e] for _, t, _, _, r, e in records(m) if t == 41]
        want(opt and opt[0][:2] == b"\0\x0f", "no extended error")
        want(struct.unpack(">H", opt[0][4:6])[0] == o.ede, "another extended error")
    if o.a:
        got = [socket.inet_ntoa(m[r:e]) for _, t, _, _, r, e in records(m) if t == 1]
        want(got == [o.a], f"the address is {got}")


def same(o):
    q = query(o.name, o.type, not o.noedns)
    a = exchange(o.server, q, o.tcp, o.timeout)
    b = exchange(o.other, q, o.tcp, o.timeout)
    want(a[:2] == q[:2], "another ID")
    want(bare(a)[0] == bare(b)[0], f"they differ:\n{a.hex()}\n{b.hex()}")
    has = any(t == 41 for _, t, *_ in records(a))
    want(has != o.noedns, "OPT")


def pipeline(o):
    host = addr(o.server)
    with socket.create_connection(host, 5) as s:
        ids = list(range(o.n))
        for i in ids:
            q = query(o.name, o.type, qid=i)
            s.sendall(struct.pack(">H", len(q)) + q)
        s.shutdown(socket.SHUT_WR)
        got = set()
        while len(got) < o.n:
            m = read_tcp(s)
            want(rcode(m) == 0, f"code {rcode(m)}")
            got.add(struct.unpack(">H", m[:2])[0])
        want(got == set(ids), "IDs")


def both(o):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.connect(addr(o.server))
        s.send(query(o.name, "A", qid=1))
        s.send(query(o.name, "AAAA", qid=2))
        got = {s.recv(4096)[1], s.recv(4096)[1]}
        want(got == {1, 2}, f"{got}")


def flood(o):
    held = []
    for _ in range(o.n):
        s = socket.socket()
        s.settimeout(5)
        s.connect(addr(o.server))
        held.append(s)
    time.sleep(0.3)
    closed = 0
    for s in held:
        s.setblocking(False)
        try:
            closed += s.recv(1) == b""
        except BlockingIOError:
            pass
        except ConnectionError:
            closed += 1
    want(0 < closed < o.n, f"{closed} of {o.n} connections were closed")
    want(rcode(exchange(o.server, query(o.name, o.type))) == 0, "no answer by UDP")
    q = query(o.name, o.type)
    held = [s for s in held if s.fileno() >= 0]
    for s in held:
        s.close()
    time.sleep(0.2)
    want(rcode(exchange(o.server, q, True)) == 0, "no answer by TCP")


def fuzz(o):
    random.seed(46)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(addr(o.server))
        s.setblocking(False)
        for i in range(o.n):
            m = bytearray(query(o.name, o.type))
            for _ in range(random.randrange(1, 8)):
                m[random.randrange(len(m))] = random.choice([0, 1, 0x3F, 0xC0, 0xFF, random.randrange(256)])
            s.send(bytes(m[:random.randrange(1, len(m) + 1)]))
            if i % 50 == 0:
                time.sleep(0.005)
            try:
                s.recv(65535)
            except (BlockingIOError, ConnectionError):
                pass
    want(rcode(exchange(o.server, query(o.name, o.type))) == 0, "no answer after that")


def burst(o):
    socks, fails = [], 0
    for i in range(o.n):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(5)
        s.connect(addr(o.server))
        s.send(query(o.name if o.equal else f"n{i}.{o.name}", o.type))
        socks.append(s)
    for s in socks:
        fails += rcode(s.recv(4096)) == 2
    want(fails == o.servfail, f"{fails} of {o.n} failed")


def serve(o):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(addr(o.server))
        while True:
            q, peer = s.recvfrom(4096)
            if o.how == "silent":
                continue
            if o.file:
                with open(o.file, "a", encoding="ascii") as f:
                    f.write(q[12:20].hex() + "\n")
            if o.how == "slow":
                time.sleep(0.3)
            end = skip_name(q, 12) + 4
            head, body = q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0", q[12:end]

            def a(ip):
                return b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(ip)
            if o.how == "forger":
                wrong = bytes([q[0] ^ 1, q[1]])
                s.sendto(wrong + head[2:] + body + a("192.0.2.66"), peer)
                other = name("evil.example") + b"\0\1\0\1"
                s.sendto(head + other + a("192.0.2.67"), peer)
                s.sendto(head + body[:5], peer)
                s2 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s2.sendto(head + body + a("192.0.2.68"), peer)
                time.sleep(0.1)
            s.sendto(head + body + a("192.0.2.1"), peer)


def main():
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(dest="what", required=True)
    for f, words in ((ask, "server name type"), (same, "server other name type"),
                     (pipeline, "server n name type"), (both, "server name"),
                     (flood, "server n name type"), (fuzz, "server n name type"),
                     (burst, "server n name type"), (serve, "server how")):
        x = sub.add_parser(f.__name__)
        x.set_defaults(run=f)
        x.add_argument("--tcp", action="store_true")
        x.add_argument("--noedns", action="store_true")
        x.add_argument("--timeout", type=float, default=2.0)
        x.add_argument("--rcode", type=int, default=0)
        x.add_argument("--ede", type=int)
        x.add_argument("--expect-tc", action="store_true")
        x.add_argument("--answers", type=int)
        x.add_argument("--a")
        x.add_argument("--equal", action="store_true")
        x.add_argument("--servfail", type=int, default=0)
        for w in words.split():
            x.add_argument(w, type=int if w == "n" else str)
        if f is serve:
            x.add_argument("file", nargs="?")
    o = p.parse_args()
    o.run(o)


if __name__ == "__main__":
    main()
