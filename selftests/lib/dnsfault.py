# SPDX-License-Identifier: GPL-2.0
"""Bad upstreams and bad clients, for selftests/dns-faults.sh.

  serve ADDR HOW [FILE]     an upstream; FILE gets a line "PORT ID" a question
      good      answers 192.0.2.1 and, for AAAA, nothing
      late      the same, after 0.4 s
      reorder   answers what came in 50 ms in reverse order
      lossy     forgets every second question
      spoof     60 forged answers before each: other IDs, names, from another port
      cut       says TC by UDP; its TCP hangs up in the middle of the answer
      dribble   says TC; its TCP sends a byte every 20 ms
      silent    nothing
      big       good; of TXT it says TC by UDP, and 40000 bytes by TCP
      junk      random bytes with the right ID, then the answer
  burst ADDR N [WINDOW]     N names, WINDOW (100) open: all are answered well
  idle ADDR N               N connections from several addresses; asks beside them
  loris ADDR READY          a question, then one that dribbles, which is hung up on
                            in due time; makes the file READY between them
  hoard ADDR PORT N [PID]   N idle connections to the metrics: questions are answered
                            beside them, or, with PID, no time is spent on them
  greedy ADDR PID           reads no answers: the relay's memory stays
  flood ADDR N PID          N names at once, to a silent upstream: so it does then
  ports FILE                are ports and IDs of FILE random?
"""
import asyncio
import os
import random
import socket
import struct
import sys
import time

import dnsq
from dnsq import name, read_tcp

IDLE_SECONDS = 9.9      # the relay says 10, by a clock of 10 ms
PATIENCE = 90

def query(text, qtype="A", qid=None):
    return dnsq.query(text, qtype, False, qid)


def question_of(q):
    p = 12
    while q[p]:
        p += 1 + q[p]
    return q[12:p + 5]


def answer(q, ip="192.0.2.1", flags=0x8180, text=None):
    body = question_of(q) if text is None else name(text) + question_of(q)[-4:]
    rr = b"" if body[-4:-2] != b"\0\1" else b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(ip)
    return q[:2] + struct.pack(">5H", flags, 1, bool(rr), 0, 0) + body + rr


class Upstream(asyncio.DatagramProtocol):
    def __init__(self, how, file):
        self.how, self.file, self.n, self.held = how, file, 0, []

    def connection_made(self, transport):
        self.t = transport
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def datagram_received(self, q, peer):
        loop = asyncio.get_running_loop()
        self.n += 1
        if self.file:
            with open(self.file, "a", encoding="ascii") as f:
                f.write(f"{peer[1]} {struct.unpack('>H', q[:2])[0]}\n")
        if self.how == "late":
            loop.call_later(0.4, self.t.sendto, answer(q), peer)
        elif self.how == "reorder":
            if not self.held:
                loop.call_later(0.05, self.release)
            self.held.append((q, peer))
        elif self.how == "lossy":
            if self.n % 2:
                self.t.sendto(answer(q), peer)
        elif self.how == "silent":
            pass
        elif self.how in ("cut", "dribble") or (self.how == "big" and question_of(q)[-4:-2] == b"\0\x10"):
            self.t.sendto(answer(q, flags=0x8380), peer)
        else:
            if self.how == "spoof":
                for _ in range(20):
                    wrong = struct.pack(">H", struct.unpack(">H", q[:2])[0] ^ random.randrange(1, 65536))
                    self.t.sendto(answer(wrong + q[2:], "192.0.2.66"), peer)
                    self.t.sendto(answer(q, "192.0.2.66", text="evil.example"), peer)
                    self.other.sendto(answer(q, "192.0.2.66"), peer)
                self.t.sendto(answer(q, "192.0.2.66", flags=0x0180), peer)  # no answer at all
            if self.how == "junk":
                for n in (0, 1, 11, 12, 30, 500):
                    self.t.sendto((q[:2] + b"\x81\x80" + os.urandom(n))[:max(n, 1)], peer)
            self.t.sendto(answer(q), peer)

    def release(self):
        for q, peer in reversed(self.held):
            self.t.sendto(answer(q), peer)
        self.held = []


async def serve(addr, how, file=None):
    async def tcp(reader, writer):
        try:
            q = await reader.readexactly(struct.unpack(">H", await reader.readexactly(2))[0])
            m = answer(q)
            if how == "big":
                rr = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\xc9\xc8" + b"x" * 200
                m = m[:6] + struct.pack(">H", 185) + m[8:] + rr * 185
            m = struct.pack(">H", len(m)) + m
            if how == "cut":
                writer.write(m[:20])
            if how == "big":
                writer.write(m)
            for b in m if how == "dribble" else b"":
                writer.write(bytes([b]))
                await writer.drain()
                await asyncio.sleep(0.02)
            await writer.drain()
        except (ConnectionError, EOFError):
            pass
        writer.close()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Upstream(how, file), local_addr=(addr, 53))
    await asyncio.start_server(tcp, addr, 53)
    await asyncio.Event().wait()


def udp(addr, text, wait=8.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(wait)
        s.connect((addr, 53))
        s.send(query(text))
        return s.recv(4096)


def good(m):
    return m[3] & 15 == 0 and m.endswith(socket.inet_aton("192.0.2.1"))


def burst(addr, n, window=100):
    n, window = int(n), int(window)
    lost = wrong = 0
    for start in range(0, n, window):
        socks = []
        for i in range(start, min(n, start + window), 100):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(10)
            s.connect((addr, 53))
            left = set(range(i, min(n, i + 100)))
            for k in left:
                s.send(query(f"b{k}-{os.getpid()}.example", qid=k))
            socks.append((s, left))
        for s, left in socks:
            while left:
                try:
                    m = s.recv(4096)
                except TimeoutError:
                    lost += len(left)
                    break
                left.discard(struct.unpack(">H", m[:2])[0])
                wrong += not good(m)
            s.close()
    if lost or wrong:
        sys.exit(f"of {n} questions {lost} were not answered, {wrong} wrongly")


def tcp(addr, text, wait=8.0):
    with socket.create_connection((addr, 53), wait) as s:
        q = query(text)
        s.sendall(struct.pack(">H", len(q)) + q)
        return read_tcp(s)


def idle(addr, n):
    held = []
    for i in range(int(n)):
        s = socket.socket()
        s.bind((f"127.1.{i % 8}.1", 0))
        held.append((s, time.monotonic()))
        s.connect((addr, 53))
        s.setblocking(False)
    start = time.monotonic()
    for i in range(20):
        if not good(udp(addr, f"u{i}.example")) or not good(tcp(addr, f"t{i}.example")):
            sys.exit("no good answer beside them")
    spent = time.monotonic() - start
    live = [x for x in held if is_open(x[0])]
    now = time.monotonic()
    early = sum(now - begun < IDLE_SECONDS for _, begun in set(held) - set(live))
    print(f"{len(live)} of {n} open; 40 questions beside them in {spent:.2f} s")
    if early:
        sys.exit(f"{early} were closed within {IDLE_SECONDS} seconds")
    deadline = now + PATIENCE
    while live and time.monotonic() < deadline:
        live = [x for x in live if is_open(x[0])]
        time.sleep(0.5)
    if live:
        sys.exit(f"{len(live)} idle connections are open still")


def spent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return sum(map(int, f.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def hoard(addr, port, n, pid=None):
    held = []
    for _ in range(int(n)):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((addr, int(port)))
        held.append(s)
    time.sleep(0.3)
    if pid:
        begin = spent(pid)
        time.sleep(1.5)
        print(f"{spent(pid) - begin:.2f} s of CPU in 1.5 s")
        if spent(pid) - begin > 0.3:
            sys.exit("it is busy with them")
    else:
        for i in range(10):
            if not good(udp(addr, f"h{i}.example")) or not good(tcp(addr, f"h{i}.example")):
                sys.exit("no good answer beside them")
    for s in held:
        s.close()
    with socket.create_connection((addr, int(port)), timeout=5) as s:
        s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        said = s.recv(4096)
        if b" 200 " not in said:
            sys.exit(f"no metrics after that: {said}")


def is_open(s):
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def loris(addr, ready):
    with socket.create_connection((addr, 53), PATIENCE) as s:
        # the relay counts from this answer on, which comes later than we begin to count
        start = time.monotonic()
        q = query("fast.example")
        s.sendall(struct.pack(">H", len(q)) + q)
        if not good(read_tcp(s)):
            sys.exit("no good answer to a whole question")
        with open(ready, "w", encoding="ascii"):
            pass
        # at this pace it would not be whole before the end of our patience
        q = query(".".join(["x" * 60] * 4))
        s.settimeout(PATIENCE / len(q))
        why = "the end"
        for b in struct.pack(">H", len(q)) + q:
            try:
                s.send(bytes([b]))
                if s.recv(1) == b"":
                    break
                sys.exit("an answer to a part of a question")
            except TimeoutError:
                pass
            except ConnectionError as e:
                why = e
                break
        else:
            sys.exit(f"connected still, {time.monotonic() - start:.1f} s after the last answer")
        spent = time.monotonic() - start
        if spent < IDLE_SECONDS:
            sys.exit(f"hung up on after {spent:.1f} s: {why}")


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(next(x for x in f if x.startswith("VmRSS")).split()[1])


def greedy(addr, pid):
    before = rss(pid)
    held = []
    q = query("big.example", "TXT")
    for _ in range(60):
        s = socket.create_connection((addr, 53))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        held.append(s)
    top = 0
    for _ in range(60):
        for s in held:
            try:
                s.send((struct.pack(">H", len(q)) + q) * 200)
            except (BlockingIOError, ConnectionError):
                pass
        time.sleep(0.05)
        top = max(top, rss(pid) - before)
    print(f"memory grew by {top} KiB")
    if top > 80 * 1024:
        sys.exit("more than 80 MiB")
    if udp(addr, "both.example")[3] & 15:
        sys.exit("no answer beside them")


def flood(addr, n, pid):
    before = rss(pid)
    socks = []
    for i in range(0, int(n), 500):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((addr, 53))
        for k in range(i, i + 500):
            s.send(query(f"f{k}.example"))
        socks.append(s)
        time.sleep(0.01)
    grown = rss(pid) - before
    print(f"memory grew by {grown} KiB")
    if grown > 40 * 1024:
        sys.exit("more than 40 MiB")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:   # what it answers itself
        s.settimeout(3)
        s.connect((addr, 53))
        s.send(query("1.0.18.198.in-addr.arpa", "PTR"))
        s.recv(4096)


def ports(file):
    with open(file, encoding="ascii") as f:
        seen = [tuple(map(int, x.split())) for x in f]
    used, ids = [p for p, _ in seen], [i for _, i in seen]
    n = len(seen)
    kinds = [p for i, p in enumerate(used) if not i or p != used[i - 1]]
    steps = {b - a for a, b in zip(kinds, kinds[1:])}
    spread = max(kinds) - min(kinds)
    print(f"{n} questions, {len(set(ids))} IDs, {len(set(used))} ports over {spread}")
    if len(set(ids)) < n * (1 - n / 65536) - 5 * n ** 0.5 / 4 or len(set(used)) < n / 64:
        sys.exit("too few of them")
    if len(kinds) > 20 and (spread < 10000 or len(steps) < len(kinds) * 0.8):
        sys.exit("ports that one can guess")
    by_port = {}
    for p, i in seen:
        by_port.setdefault(p, []).append(i)
    if any(len(v) > 64 for v in by_port.values()) and len(seen) < 5000:
        sys.exit("more than 64 questions from one port")


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == "serve":
        asyncio.run(serve(*args))
    elif what == "ask":
        sys.exit(not good(udp(*args)))
    else:
        globals()[what](*args)


main()
