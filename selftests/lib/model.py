# SPDX-License-Identifier: GPL-2.0
"""Random walks of flows against a model of a session's life: what is sent, from
either side, crosses just where the model has a session. For a guest with time
travel, where an hour of waiting takes no time.

usage: model.py STEPS [SEED]      (after rules.sh has made the network)
"""
import ipaddress
import random
import struct
import sys
import time

from nat46 import ok
from played import TCP, UDP, count, n46
from rules import MAPPED, SERVER, Flow, server

TIMES = {"udp": 300, "trans": 240, "est": 7440}
SYN, FIN, RST, ACK = "S", "F", "R", "A"
SEGMENTS = ["S", "S", "SA", "A", "A", "A", "PA", "PA", "FA", "FA", "R", "RA", ""]
JUMPS = [1, 5, 30, 61, 120, 180, 235, 250, 290, 310, 500, 1000, 3600, 7400, 7500]


class Life:
    """RFC 6146 section 3.5.2.2 read for sessions that the client opens, in the
    words of the RFC rather than the module's."""

    def __init__(self, tcp):
        self.tcp = tcp
        self.state = None
        self.last = 0

    def limit(self):
        if not self.tcp:
            return TIMES["udp"]
        return TIMES["est" if self.state in ("ESTABLISHED", "V4 FIN", "V6 FIN") else "trans"]

    def pass_by(self, now):
        """the time of an idle established session is over: the other begins"""
        if self.state == "ESTABLISHED" and now - self.last > TIMES["est"]:
            self.state, self.last = "TRANS", self.last + TIMES["est"]

    def alive(self, now):
        self.pass_by(now)
        return self.state is not None and now - self.last <= self.limit()

    def margin(self, now):
        """seconds between now and the moment that decides"""
        if self.state is None:
            return 99
        over = now - self.last - self.limit()
        if self.state == "ESTABLISHED" and over > 0:
            if over <= 20:  # the sweeper comes by in 16 seconds
                return 0
            self.pass_by(now)
            over = now - self.last - self.limit()
        return abs(over)

    def client(self, flags, now):
        """does it cross? (crosses, the session is a new one)"""
        alive = self.alive(now)
        if not self.tcp:
            self.state, self.last = "UDP", now
            return True, not alive
        opens = SYN in flags and ACK not in flags and RST not in flags
        closed = self.state in ("V4 FIN", "V6 FIN", "V4 FIN + V6 FIN", "TRANS")
        if opens and (not alive or closed):
            self.state, self.last = "INIT", now
            return True, True
        if not alive:
            return False, False
        self.step("V4", flags, now)
        return True, False

    def target(self, flags, now):
        if not self.alive(now):
            return False
        if self.tcp:
            self.step("V6", flags, now)
        return True

    def step(self, side, flags, now):
        was, other = self.state, "V6" if side == "V4" else "V4"
        if was == "INIT" and side == "V6" and SYN in flags:
            self.state = "ESTABLISHED"
        elif was in ("ESTABLISHED", "V4 FIN", "V6 FIN") and RST in flags:
            self.state = "TRANS"
        elif was == "ESTABLISHED" and FIN in flags:
            self.state = side + " FIN"
        elif was == other + " FIN" and FIN in flags:
            self.state = "V4 FIN + V6 FIN"
        elif was == "TRANS" and RST not in flags:
            self.state = "ESTABLISHED"
        # nothing prolongs what is closed, and an RST nothing at all
        if was != self.state or (self.state != "V4 FIN + V6 FIN" and RST not in flags):
            self.last = now


class Quick(Flow):
    """A flow whose packets are made once and looked at as bytes: a million of
    them take minutes, not hours."""

    def __init__(self, layer, dport):
        super().__init__(layer, dport)
        self.made = {}
        self.proto = 6 if layer is TCP else 17
        self.target6 = ipaddress.ip_address(self.target).packed
        self.addrs4 = b"".join(ipaddress.ip_address(a).packed for a in (self.dst, self.addr))

    def frame(self, side, port, fields):
        key = side, self.port6, fields.get("flags")
        if key not in self.made:
            make = self.packet4 if side == "client" else self.packet6
            self.made[key] = port.frame(make(**fields))
        return self.made[key]

    def arrives6(self, data):
        if data[12:14] != b"\x86\xdd" or data[20] != self.proto or data[38:54] != self.target6:
            return None
        sport, dport = struct.unpack_from("!HH", data, 54)
        if dport != self.dport or self.port6 not in (None, sport):
            return None
        return str(ipaddress.ip_address(data[22:38])), sport

    def arrives4(self, data):
        return (data[12:14] == b"\x08\0" and data[23] == self.proto and data[26:34] == self.addrs4 and
                data[34:38] == struct.pack("!HH", self.dport, self.sport))

    def c(self, data=b"", wait=1.0, **fields):
        server.drain()
        self.client.sock.send(self.frame("client", self.client, fields))
        got = server.see_frame(self.arrives6, wait)
        if got and self.port6 is None:
            self.addr6, self.port6 = got
        return got

    def s(self, data=b"", wait=1.0, **fields):
        self.client.drain()
        server.sock.send(self.frame("target", server, fields))
        return self.client.see_frame(self.arrives4, wait)


def jump(lives, seconds):
    """Wait so long, and a little longer where the clock's seconds would decide."""
    time.sleep(seconds)
    while any(x.margin(time.monotonic()) < 3 for x in lives):
        time.sleep(4)


def walk(steps, seed):
    rnd = random.Random(seed)
    flows = [Quick(TCP if i % 4 else UDP, 80 + i % 3) for i in range(24)]
    lives = [Life(f.layer is TCP) for f in flows]
    trail, crossed = [], 0
    for n in range(steps):
        now = time.monotonic()
        if rnd.random() < 0.03:
            seconds = rnd.choice(JUMPS)
            trail.append(f"wait {seconds}")
            jump(lives, seconds)
            continue
        if any(x.margin(now) < 3 for x in lives):
            jump(lives, 4)
            now = time.monotonic()
        i = rnd.randrange(len(flows))
        f, life = flows[i], lives[i]
        fields = {"flags": rnd.choice(SEGMENTS), "seq": 1000, "ack": 2000} if life.tcp else {}
        flags = fields.get("flags", "")
        side = "client" if f.port6 is None or rnd.random() < 0.5 else "target"
        trail.append(f"flow {i} {side} {'TCP ' + (flags or 'none') if life.tcp else 'UDP'} ({life.state})")
        if side == "client":
            want, new = life.client(flags, now)
            if new:
                f.port6 = None
            got = f.c(wait=1.0 if want else 0.05, **fields)
            # a port of a session that is over may be another's by now
            for g in flows if new else ():
                if g is not f and (g.layer, g.dport, g.port6) == (f.layer, f.dport, f.port6):
                    g.port6 = None
        else:
            want = life.target(flags, now)
            got = f.s(wait=1.0 if want else 0.05, **fields)
        crossed += bool(got)
        if bool(got) != want:
            print("\n".join(f"#   {t}" for t in trail[-12:]))
            print(f"#   flow {i}: {'crossed' if got else 'did not cross'}, step {n}")
            return False, crossed
    alive = sum(x.alive(time.monotonic()) for x in lives)
    time.sleep(40)  # the sweeper has come by every bucket
    left = sum(x.alive(time.monotonic()) for x in lives)
    if not left <= count() <= alive:
        print(f"#   {count()} sessions, {left} to {alive} in the model")
        return False, crossed
    return True, crossed


def main():
    steps, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    done = 0
    n46("pool add 198.18.0.0/16")
    n46("source add dev wan")
    n46("map add", MAPPED, "to", SERVER)
    while done < steps:
        part = min(2000, steps - done)
        n46("session flush all")
        good, crossed = walk(part, seed)
        ok(f"model: {part} steps, seed {seed}, {crossed} packets crossed", good)
        if not good:
            break
        done += part
        seed += 1


main()
