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
  loris ADDR                a question that dribbles: hung up on within 15 s
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


def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.split(".")) + b"\0"


def query(text, qtype=1, qid=None):
    qid = random.randrange(65536) if qid is None else qid
    return struct.pack(">6H", qid, 0x100, 1, 0, 0, 0) + name(text) + struct.pack(">HH", qtype, 1)


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


def recv_tcp(s):
    def read(n):
        data = b""
        while len(data) < n:
            part = s.recv(n - len(data))
            if not part:
                raise EOFError
            data += part
        return data
    return read(struct.unpack(">H", read(2))[0])


def tcp(addr, text, wait=8.0):
    with socket.create_connection((addr, 53), wait) as s:
        q = query(text)
        s.sendall(struct.pack(">H", len(q)) + q)
        return recv_tcp(s)


def idle(addr, n):
    held = []
    for i in range(int(n)):
        s = socket.socket()
        s.bind((f"127.1.{i % 8}.1", 0))
        s.connect((addr, 53))
        held.append(s)
    start = time.monotonic()
    for i in range(20):
        if not good(udp(addr, f"u{i}.example", 3)) or not good(tcp(addr, f"t{i}.example", 3)):
            sys.exit("no good answer beside them")
    spent = time.monotonic() - start
    open_ = 0
    for s in held:
        s.setblocking(False)
        try:
            open_ += s.recv(1) != b""
        except BlockingIOError:
            open_ += 1
        except ConnectionError:
            pass
    print(f"{open_} of {n} open; 40 questions beside them in {spent:.2f} s")
    if open_ < int(n) * 0.99:
        sys.exit(f"only {open_} are open")
    deadline = time.monotonic() + 25
    while held and time.monotonic() < deadline:
        held = [s for s in held if still(s)]
        time.sleep(0.5)
    if held:
        sys.exit(f"{len(held)} idle connections are open still")


def still(s):
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def loris(addr):
    with socket.create_connection((addr, 53)) as s:
        q = query("slow.example")
        start = time.monotonic()
        s.settimeout(1)
        for b in struct.pack(">H", len(q)) + q:
            try:
                s.send(bytes([b]))
                if s.recv(1) == b"":
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
            if time.monotonic() - start > 15:
                sys.exit("it is still connected")
        if time.monotonic() - start < 8:
            sys.exit("hung up on too early")


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(next(x for x in f if x.startswith("VmRSS")).split()[1])


def greedy(addr, pid):
    before = rss(pid)
    held = []
    q = query("big.example", 16)
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
        s.send(query("1.0.18.198.in-addr.arpa", 12))
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
