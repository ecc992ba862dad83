# SPDX-License-Identifier: GPL-2.0
"""The cases of rules.sh: each test_NAME below starts with the default settings
and no session. `rules.sh NAME...` runs only those."""
import os
import sys
import time

from scapy.layers.inet import in4_chksum
from scapy.layers.inet6 import ICMPv6DestUnreach, in6_chksum
from scapy.packet import bind_layers

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../packets"))
import nat46
from dsl import Dccp
from flow import CLIENTS, MAPPED, SERVER, Flow, clients, server
from nat46 import ok, same, wait
from played import ICMP, IP, TCP, UDP, IPv6, Raw, count, drops, n46, right, sessions

def param(*words):
    n46("param set", *words)


# ---- a segment of no session ---------------------------------------------------

def test_midstream_drop():
    f = Flow()
    was = drops("tcp-midstream")
    for flags in ("A", "PA", "FA", "SA", "R", "RA", "F", ""):
        same(f"midstream drop: {flags or 'no flag'} is not sent on",
             f.c(flags=flags, seq=7, ack=9, wait=0.1), None)
    same("midstream drop: each is counted", drops("tcp-midstream") - was, 8)
    same("midstream drop: the client hears nothing", f.see4(0.2), None)
    same("midstream drop: no session", count(), 0)


def test_midstream_reset():
    param("tcp-midstream reset")
    for flags, data, want in (
            ("A", b"", ("R", 9, 0)), ("PA", b"hello", ("R", 9, 0)), ("FA", b"", ("R", 9, 0)),
            ("SA", b"", ("R", 9, 0)), ("", b"hello", ("RA", 0, 12)), ("F", b"", ("RA", 0, 8)),
            ("F", b"hello", ("RA", 0, 13)), ("FS", b"", None), ("R", b"", None),
            ("RA", b"", None)):
        f = Flow()
        f.client.drain()
        passed = f.c(data, flags=flags, seq=7, ack=9, wait=0.1)
        if flags == "FS":
            ok("midstream reset: a SYN with FIN opens", passed)
            continue
        got = f.see4(0.5 if want else 0.2)
        name = f"midstream reset: {flags or 'no flag'} with {len(data)} bytes"
        same(name, got and (str(got[TCP].flags), got[TCP].seq, got[TCP].ack), want)
        if got:
            ok("... from the mapped address, checksums right",
               got.src == MAPPED and got[TCP].sport == 80 and right(got, TCP) and
               right(got, IP) and got[TCP].window == 0 and not got[TCP].payload, repr(got))
        same("... not sent on", passed, None)
    f = Flow()
    f.client.drain()
    f.client.send(f.packet4(flags="A", seq=7, ack=9, chksum=0x1234))
    same("midstream reset: none for a wrong checksum", f.see4(0.2), None)
    f = Flow(client=1)
    f.addr, f.client = CLIENTS[0], clients[1]
    clients[0].drain()
    clients[1].send(f.packet4(flags="A", seq=7, ack=9))
    same("midstream reset: none for a forged source", Flow.see4(f, 0.2), None)
    same("... nor to whom it names", clients[0].see(lambda p: TCP in p, 0.2), None)
    f = Flow()
    big = 2 ** 32 - 3
    f.client.drain()
    f.client.send(f.packet4(b"hello", flags="F", seq=big))
    got = f.see4(0.5)
    same("midstream reset: the sequence number wraps", got and got[TCP].ack, 3)
    f.client.drain()
    start = int(time.monotonic())
    for _ in range(2500):
        f.client.send(f.packet4(flags="A", seq=7, ack=9))
    n = 0
    while f.see4(0.2):
        n += 1
    seconds = int(time.monotonic()) - start + 1
    ok(f"midstream reset: {n} answers to 2500 segments in {seconds} s are 1000 a second",
       0 < n <= 1000 * (seconds + 1))


def test_midstream_allow():
    param("tcp-midstream allow")
    f = Flow()
    got = f.c(b"hello", flags="PA", seq=7, ack=9)
    ok("midstream allow: sent on, checksum right", got and right(got, TCP) and
       got[TCP].seq == 7, repr(got))
    same("... the session is established", f.state(), "established")
    got = f.s(b"world", flags="PA", seq=9, ack=12)
    ok("... and works back", got and right(got, TCP) and bytes(got[TCP].payload) == b"world")
    g = Flow()
    g.c(flags="FA", seq=7, ack=9)
    same("midstream allow: a FIN has been seen", g.state(), "v4-fin")
    for flags in ("SA", "R", "RA", "F", ""):
        f = Flow()
        same(f"midstream allow: not {flags or 'no flag'}", f.c(flags=flags, wait=0.1), None)
        same("... no session", f.state(), None)


# ---- the states of a session ---------------------------------------------------

def test_states():
    f = Flow()
    ok("states: a SYN crosses", f.c(flags="S", seq=1))
    same("... INIT", (f.state(), f.session()["expires"] > 235), ("init", True))
    f.c(flags="A")
    same("... INIT until the target's SYN", f.state(), "init")
    ok("... an RST in INIT reaches the client", f.s(flags="RA", ack=2))
    same("... and changes nothing", f.state(), "init")
    f.s(flags="SA", seq=5, ack=2)
    same("... established by a SYN-ACK", (f.state(), f.session()["expires"] > 7400),
         ("established", True))
    f.c(flags="FA")
    same("... the client's FIN", (f.state(), f.session()["expires"] > 7400), ("v4-fin", True))
    f.s(b"more", flags="PA")
    same("... data of the other side", f.state(), "v4-fin")
    f.s(flags="FA")
    same("... both", (f.state(), 200 < f.session()["expires"] <= 240), ("both-fin", True))
    f = Flow().open()
    f.s(flags="FA")
    same("states: the target's FIN first", f.state(), "v6-fin")
    f.c(flags="FA")
    same("... both", f.state(), "both-fin")
    f = Flow()
    f.c(flags="S", seq=1)
    got = f.s(flags="S", seq=9)
    ok("states: simultaneous open: the target's SYN crosses", got and got[TCP].flags == "S")
    same("... established", f.state(), "established")
    f = Flow().open()
    f.c(flags="RA")
    same("states: the client's RST", (f.state(), 200 < f.session()["expires"] <= 240),
         ("trans", True))
    f.s(b"on its way", flags="PA")
    same("... what is no RST returns it", (f.state(), f.session()["expires"] > 7400),
         ("established", True))


def test_timers():
    """Both closed: nothing prolongs; one closed an hour ago: the last FIN does."""
    param("timeout-tcp-est 5 timeout-tcp-trans 2 timeout-tcp-syn 2")
    f = Flow().open()
    f.c(flags="FA")
    time.sleep(3)
    f.s(flags="FA")
    ok("timers: the last ACK crosses after a late FIN", f.c(flags="A"))
    time.sleep(1)
    f.c(flags="A")
    time.sleep(1.5)
    f.s(flags="A", wait=0.1)
    time.sleep(0.6)
    same("timers: nothing prolongs a closed session", f.s(flags="A", wait=0.2), None)
    same("... it is gone", f.state(), None)
    f = Flow()
    f.c(flags="S", seq=1)
    time.sleep(1.5)
    f.s(flags="RA", ack=2)
    time.sleep(2)
    same("timers: an RST prolongs no half-open session", f.s(flags="SA", wait=0.2), None)
    f = Flow().open()
    f.c(flags="RA")
    time.sleep(1.5)
    f.c(flags="RA")
    time.sleep(2)
    same("timers: nor one that an RST has ended", f.s(flags="A", wait=0.2), None)
    f = Flow().open()
    time.sleep(3.5)
    ok("timers: an established one lives on", f.s(flags="A"))
    time.sleep(6)
    ok("... for the transitory time behind its own", f.s(flags="A"))
    param("timeout-tcp-syn 4")
    f = Flow()
    f.c(flags="S", seq=1)
    time.sleep(3.5)
    ok("timers: a half-open one has its own time", f.s(flags="SA"))
    param("timeout-tcp-syn 1")
    f = Flow()
    f.c(flags="S", seq=1)
    time.sleep(2.5)
    same("... also a shorter one", f.s(flags="SA", wait=0.2), None)


def test_reopen():
    for name, close in (("closed", lambda f: (f.c(flags="FA"), f.s(flags="FA"))),
                        ("reset", lambda f: f.c(flags="RA")),
                        ("half-closed", lambda f: f.s(flags="FA"))):
        f = Flow().open()
        close(f)
        opened = drops_opened()
        got = f.c(flags="S", seq=77777)
        ok(f"reopen: a SYN on a {name} tuple crosses, by the same port",
           got and got[TCP].seq == 77777)
        same("... by a new session", (drops_opened() - opened, f.state(), count()),
             (1, "init", 1))
        f.s(flags="SA")
        same("... which is established", f.state(), "established")
        n46("session flush all")
    f = Flow().open()
    f.c(flags="FA"), f.s(flags="FA")
    n46("map replace", MAPPED, "to 2001:db8:9::72")
    f.target, f.port6 = "2001:db8:9::72", None
    ok("reopen: it goes where the mapping points by now", f.c(flags="S", seq=1))
    n46("map replace", MAPPED, "to", SERVER)
    f = Flow().open()
    f.c(flags="S", seq=1)
    same("reopen: a SYN ends no established session", f.state(), "established")
    f = Flow().open()
    f.c(flags="FA"), f.s(flags="FA")
    was = drops("src-check")
    clients[1].send(f.packet4(flags="S", seq=1))
    time.sleep(0.1)
    same("reopen: not by another device", (drops("src-check") - was, f.state()), (1, "both-fin"))


TARGETS = [f"2001:db8:9::{n}" for n in (71, 72, 73)]


class Tries(Flow):
    """A flow to a mapping of three targets; follows where its SYNs go."""

    def __init__(self, **words):
        super().__init__(dst="198.18.0.8", **words)
        self.seen = {}

    def send(self, wait=1.0, **fields):
        """The target that it went to, as its place in the mapping's list"""
        fields = fields or {"flags": "S", "seq": 1}
        server.drain()
        self.client.send(self.packet4(**fields))
        got = server.see(lambda p: self.layer in p and p.dst in TARGETS and
                         p[self.layer].dport == self.dport, wait)
        if not got:
            return None
        self.seen[got.dst] = (got.src, got[self.layer].sport)
        return TARGETS.index(got.dst)

    def again(self):
        time.sleep(1.05)
        return self.send()

    def answer(self, target, flags="SA", wait=0.5):
        """A target answers what it had got. Does it reach the client?"""
        self.target = TARGETS[target]
        self.addr6, self.port6 = self.seen[self.target]
        return bool(self.s(flags=flags, seq=5000, ack=2, wait=wait))


def test_next_target():
    n46("map add 198.18.0.8 to", ",".join(TARGETS))
    f = Tries()
    first = f.send()
    same("next target: a SYN repeated at once stays", f.send(), first)
    same("... so does another one, a second later",
         (time.sleep(1.05), f.send(flags="S", seq=2))[1], first)
    same("... one sent again goes to the next",
         (time.sleep(1.05), f.send(flags="S", seq=2))[1], (first + 1) % 3)
    same("... two sessions", count(), 2)
    same("... an RST of the first does not reach the client", f.answer(first, "RA", 0.2), False)
    same("... its SYN-ACK does", f.answer(first), True)
    same("... and has the connection", (f.send(flags="A", seq=3, ack=5001), f.state(), count()),
         (first, "established", 1))
    same("... for good", f.send(flags="PA", seq=3, ack=5001), first)
    same("... the second's is too late", f.answer((first + 1) % 3, wait=0.2), False)
    f.target, (f.addr6, f.port6) = TARGETS[first], f.seen[TARGETS[first]]
    ok("... what the first sends goes on to cross", f.s(b"data", flags="PA", seq=5001, ack=3))

    f = Tries()
    first = f.send()
    second = f.again()
    n46("session flush target", TARGETS[second], "port4", str(f.sport))
    same("next target: one whose place has been left again", len(sessions(f"port4 {f.sport}")), 1)
    same("... has the connection by its answer",
         (f.answer(first), f.send(flags="A", seq=3, ack=5001), f.state()), (True, first, "established"))

    f = Tries()
    way = [f.send(), f.again(), f.again(), f.again()]
    same("next target: once round the list", way,
         [way[0], (way[0] + 1) % 3, (way[0] + 2) % 3, (way[0] + 2) % 3])
    same("... the last one's answer", f.answer(way[2]), True)
    same("... has the connection", f.send(flags="A", seq=2, ack=5001), way[2])
    same("... the others are too late", [f.answer(t, wait=0.2) for t in way[:2]], [False, False])
    same("... and change nothing", f.send(flags="A", seq=2, ack=5001), way[2])
    n46("session flush from 10.0.1.101 port4", str(f.sport))
    same("... all three can be flushed", len(sessions(f"port4 {f.sport}")), 0)

    param("timeout-tcp-syn 2")
    f = Tries()
    f.send(), f.again()
    time.sleep(21)  # the sweeper has come by every bucket
    same("next target: those left behind expire", len(sessions(f"port4 {f.sport}")), 0)
    n46("param reset timeout-tcp-syn")

    f = Tries()
    first = f.send()
    f.answer(first)
    same("next target: an answered one stays", f.again(), first)
    f = Tries()
    first = f.send()
    param("max-per-client", str(count("from 10.0.1.101")))
    same("next target: without room it asks the same", f.again(), first)
    n46("param reset max-per-client")
    n46("map replace 198.18.0.8 to", ",".join(t for t in TARGETS if t != TARGETS[first]))
    same("next target: a re-pointed mapping leaves it alone", f.again(), first)
    n46("map replace 198.18.0.8 to", ",".join(TARGETS))
    f = Tries(layer=UDP)
    first = f.send(len=None)
    same("next target: never for UDP", (time.sleep(1.05), f.send(len=None))[1], first)
    n46("map del 198.18.0.8")


def drops_opened():
    import json
    return json.loads(n46("-j stats"))["counters"]["sessions-opened"]


def test_rst_blind():
    """A stranger who guesses the ports, but no sequence number, shortens nothing;
    played by a client that answers as RFC 9293 says."""
    f = Flow().open()
    was = f.session()["expires"]
    got = f.s(flags="R", seq=123456)
    ok("blind RST: it reaches the client", got and got[TCP].flags == "R")
    got = f.see4()
    ok("... and a probe behind it, as RFC 6146 makes one", got and got[TCP].flags == "A" and
       got[TCP].seq == 0 and got[TCP].ack == 0 and not got[TCP].payload and
       right(got, TCP) and right(got, IP), repr(got))
    same("... the time is short", f.state(), "trans")
    f.c(flags="A", seq=1001, ack=5001)
    same("... and long again once the client has answered", f.state(), "established")
    ok("... as long as before", f.session()["expires"] >= was - 2)
    f.s(flags="R", seq=5001)
    f.see4()
    f.c(flags="R", seq=0)
    same("an RST that the client believes: the time stays short", f.state(), "trans")
    f.s(flags="R", seq=5001)
    same("... and no second probe", f.see4(0.2), None)
    f = Flow().open()
    f.c(flags="R", seq=1001)
    same("the client's own RST: no probe", f.see4(0.2), None)


def test_rst_half_closed():
    for who, fin, rst in (("client", "s", "c"), ("target", "c", "s")):
        f = Flow().open()
        getattr(f, fin)(flags="FA")
        getattr(f, rst)(flags="RA")
        same(f"the {who}'s RST behind the other's FIN: four minutes",
             (f.state(), 200 < f.session()["expires"] <= 240), ("trans", True))


def test_rst_syn_blind():
    """The same stranger, with a SYN behind it, where the mapping is an inbound one: what
    no FIN has closed is not opened anew."""
    n46("map replace", MAPPED, "to", SERVER, "inbound")
    for kind, range_ in (("kept", "20000-60000"), ("translated", "61000-61999")):
        n46("source add addr 2001:db8:100::77 from 10.0.1.101/32 ports", range_)
        f = Flow().open()
        same(f"blind RST and SYN: the port is {kind}", f.port6 == f.sport, kind == "kept")
        was = f.session()["expires"]
        f.s(flags="R", seq=123456)
        f.s(flags="S", seq=777)
        got = f.c(flags="A", seq=1001, ack=5001)
        ok("... the client's answer crosses", got and got[TCP].flags == "A")
        same("... the session is established", (f.state(), count()), ("established", 1))
        ok("... as long as before", f.session().get("expires", 0) >= was - 2)
        n46("source del addr 2001:db8:100::77 from 10.0.1.101/32 force")
    n46("map replace", MAPPED, "to", SERVER)


def test_probe_idle():
    param("timeout-tcp-est 2 timeout-tcp-trans 30")
    f = Flow().open()
    got = f.see4(25)
    ok("idle: an established session's client is asked once its time is over",
       got and got[TCP].flags == "A" and got[TCP].seq == 0 and got[TCP].ack == 0 and
       not got[TCP].payload and right(got, TCP), repr(got))
    same("... the transitory time is left", (f.state(), f.session()["expires"] <= 30),
         ("trans", True))
    ok("... its answer crosses", f.c(flags="A", seq=1001, ack=5001))
    same("... and returns it", f.state(), "established")
    f = Flow().open()
    f.c(flags="FA")
    same("idle: none for one that closes", f.see4(20), None)
    param("timeout-tcp-trans 2")
    f = Flow().open()
    time.sleep(6)
    same("idle: it ends without an answer", f.s(flags="A", wait=0.2), None)


def test_hold_idle():
    """A mapping is held from the last packet on, not from when the silence was noticed."""
    param("timeout-tcp-est 25")
    n46("map add 198.18.0.8 to", TARGETS[1], "expires 3 hold 25")
    f = Flow(dst="198.18.0.8", target=TARGETS[1]).open()
    ok("hold: an established session falls silent", wait(45, lambda: f.state() == "trans"))
    n46("session flush to 198.18.0.8")
    ok("... its mapping's time was over with it",
       wait(2, lambda: "198.18.0.8" not in n46("map show")))


def test_dccp():
    """RFC 5597 REQ-5"""
    bind_layers(IP, Dccp, proto=33)
    bind_layers(IPv6, Dccp, nh=33)
    f = Flow(Dccp)
    ok("DCCP: a request crosses", f.c())
    same("... unanswered, it has four minutes", (f.state(), 235 < f.session()["expires"] <= 240), ("init", True))
    f.c(type=1)
    same("... sent again, it has no more", f.state(), "init")
    ok("... the answer crosses", f.s(type=2))
    same("... it has 124 minutes", (f.state(), 7400 < f.session()["expires"] <= 7440), ("established", True))
    param("timeout-dccp 30 timeout-tcp-est 2")
    time.sleep(20)  # the sweeper has come by every bucket
    same("... by a setting of its own", f.state(), "established")
    param("timeout-dccp 2")
    same("... and is over then", (f.s(type=2, wait=0.2), f.state()), (None, None))


def port_of(flow):
    flow.c(b"x")
    return flow.port6


def test_port_mapping():
    other = "2001:db8:9::72"
    n46("map add 198.18.0.9 to", other)

    def pair(sport, client=0, layer=UDP):
        """the same client's port, to two targets"""
        flows = [Flow(layer, 53, client=client), Flow(layer, 53, "198.18.0.9", other, client)]
        for f in flows:
            f.sport = sport
        return flows

    same_port = [len({port_of(f) for f in pair(40000 + i)}) == 1 for i in range(8)]
    same("port-mapping per-target: chosen for each", all(same_port), False)
    a, b = pair(25001)[0], pair(25001, 1)[1]
    same("... targets share a port", (port_of(a), port_of(b)), (25001, 25001))
    clash = pair(25003, 1)[1]
    same("... (one for later)", port_of(clash), 25003)

    param("port-mapping independent")
    for layer in (UDP, TCP):
        pairs = [pair(40100 + i, layer=layer) for i in range(8)]
        got = [[f.c(**({"flags": "S"} if layer is TCP else {})) and f.port6 for f in p]
               for p in pairs]
        ok(f"port-mapping independent: one for both targets, {layer.__name__}",
           all(x == y and x for x, y in got), got)
        same("... and others for others", len({x for x, _ in got}), 8)
    a, b = pair(25007)[0], pair(25007, 1)[1]
    ports6 = port_of(a), port_of(b)
    same("... no port for two clients, whatever the target", ports6[0], 25007)
    ok("... the other has one of its own", ports6[1] and ports6[1] != 25007, ports6)
    ok("... replies come back to each", a.s(b"y") and b.s(b"y"))
    again = pair(25007, 1)[0]
    same("... and keeps it", port_of(again), ports6[1])

    mine, yours = pair(25003)
    same("port-mapping: what shares a port from before stays", port_of(mine), 25003)
    was = drops("no-port")
    same("... a client that needs it towards the same target gets none", port_of(yours), None)
    same("... counted", drops("no-port") - was, 1)
    n46("session flush all")
    same("port-mapping: free once its last session has ended", port_of(pair(25007, 1)[1]), 25007)
    param("port-mapping per-target")
    fresh = pair(25011, 1)[1]
    same("... (another one from before)", port_of(fresh), 25011)
    param("port-mapping independent")
    got = port_of(pair(25011)[1])
    ok("port-mapping: a new one takes none that is taken towards its target",
       got and got != 25011, got)
    same("... and keeps to that", port_of(pair(25011)[0]), got)
    n46("map del 198.18.0.9")


def test_port_mapping_expired():
    """Whoever has expired is in nobody's way, swept or not."""
    n46("map add 198.18.0.9 to", SERVER)
    param("port-mapping independent timeout-udp 2")
    before = [Flow(UDP, 53) for _ in range(8)]
    for f in before:
        f.c(b"x")
    time.sleep(3.1)
    was = drops("no-port")
    for f in before:
        f.dst, f.port6 = "198.18.0.9", None
    same("port-mapping: an expired session's port is its client's, to the same target",
         [bool(f.c(b"x")) for f in before], [True] * 8)
    same("... none dropped", drops("no-port") - was, 0)
    n46("map del 198.18.0.9")


def mss_of(packet):
    return [v for k, v in packet[TCP].options if k == "MSS"] if packet else None


def test_mss():
    for setting, sent, want in (("on", 1460, 1440), ("on", 1440, 1440), ("on", 536, 536),
                                ("on", 65535, 1440), ("off", 65535, 65535), ("1000", 1460, 1000),
                                ("1000", 900, 900), ("9000", 9000, 1440)):
        param("mss-clamp", setting)
        f = Flow()
        for before in ([], [("NOP", None)]):	# at an even offset, and at an odd one
            opts = before + [("MSS", sent), ("WScale", 7)]
            got = f.c(flags="S", seq=1, options=opts)
            same(f"mss: SYN, {setting}: {sent}", mss_of(got), [want])
            ok("... checksum right", got and right(got, TCP))
            got = f.s(flags="SA", options=opts)
            same(f"mss: SYN-ACK, {setting}: {sent}", mss_of(got), [want])
            ok("... checksum right", got and right(got, TCP))
        got = f.c(flags="A", options=[("MSS", 65000)])
        same("mss: none but a SYN's", mss_of(got), [65000])
    param("mss-clamp on")
    f = Flow()
    bad = f.packet4(flags="S", options=[("MSS", 1460)])
    bad = IP(bytes(bad))
    bad[TCP].chksum ^= 0x0101
    server.drain()
    f.client.send(bad)
    got = server.see(lambda p: TCP in p and p.dst == SERVER)
    ok("mss: a wrong checksum leaves as wrong", got and mss_of(got) == [1440] and
       not right(got, TCP))
    for raw in (b"\x02\x04\x05", b"\x02\x00\xff\xff", b"\x02\x04\xff\xff\x02\x04\xff\xff",
                b"\xfe\xff\x02\x04", b"\x01\x01\x01\x02", b"\x02\x03\xff\x00"):
        f = Flow()
        opts = raw.ljust(8, b"\1")
        plain = bytes(f.packet4(flags="S", dataofs=7, chksum=0)[TCP])
        plain += opts
        chksum = in4_chksum(6, IP(src=f.addr, dst=f.dst), plain)
        server.drain()
        f.client.send(IP(src=f.addr, dst=f.dst, proto=6) /
                      Raw(plain[:16] + chksum.to_bytes(2, "big") + plain[18:]))
        got = server.see(lambda p: TCP in p and p.dst == SERVER)
        ok(f"mss: hostile options {raw.hex()} cross, checksum right",
           got and in6_chksum(6, got, bytes(got)[40:]) == 0, repr(got))


def test_udp_zero_csum():
    for setting, to6, to4 in (("compute", True, False), ("drop", False, False),
                              ("keep", True, True)):
        param("udp-zero-csum compute")
        f = Flow(UDP, 53)
        f.c(b"first")
        param("udp-zero-csum", setting)
        was = drops("udp-zero-csum")
        got = f.c(b"hello", chksum=0, wait=0.3)
        same(f"udp-zero-csum {setting}: to IPv6", bool(got), to6)
        if got:
            ok("... the checksum", got[UDP].chksum == 0 if setting == "keep" else
               right(got, UDP), repr(got))
        got = f.s(b"hello", chksum=0, wait=0.3)
        same(f"udp-zero-csum {setting}: to IPv4", bool(got), to4)
        if got:
            same("... the checksum", got[UDP].chksum, 0)
        same("... counted", drops("udp-zero-csum") - was, (not to6) + (not to4))
        got = f.s(b"hello")
        ok("... others cross, right", got and right(got, UDP))


def test_tos():
    for setting, want in (("copy", 0xb9), ("0", 0), ("255", 255)):
        param("tos", setting)
        f = Flow(UDP, 53)
        got = f.c(b"x", ip_tos=0xb9)
        same(f"tos {setting}: traffic class", got and got.tc, want)
        got = f.s(b"x", ip_tc=0xb9)
        same(f"tos {setting}: type of service", got and got.tos, want)
        ok("... header checksum right", got and right(got, IP))


def test_flow_label():
    f = Flow(UDP, 53)
    same("flow-label zero", f.c(b"x", ip_tos=7).fl, 0)
    param("flow-label hash")
    flows = [Flow(UDP, 53) for _ in range(8)]
    labels = [g.c(b"x", ip_tos=255).fl for g in flows]
    ok("flow-label hash: a session has one, and another another",
       all(labels) and len(set(labels)) == 8, labels)
    same("... and keeps it", [g.c(b"y").fl for g in flows], labels)
    same("... as an older session keeps its own", f.c(b"x").fl, 0)


def test_udp_refresh():
    for setting, alive in (("off", False), ("on", True)):
        param("timeout-udp 2 udp-refresh-inbound", setting)
        f = Flow(UDP, 53)
        f.c(b"x")
        for _ in range(4):
            time.sleep(0.9)
            got = f.s(b"y", wait=0.3)
        same(f"udp-refresh-inbound {setting}: alive after 3.6 s", bool(got), alive)


def test_errors_refresh_nothing():
    """RFC 7857 section 7.1"""
    param("timeout-udp 3")
    f = Flow(UDP, 53)
    sent, got = f.c(b"x"), f.s(b"y")
    time.sleep(1.5)
    f.client.drain()
    server.send(IPv6(src=f.target, dst=f.addr6) / ICMPv6DestUnreach(code=4) / bytes(sent))
    ok("errors: a target's crosses", f.client.see(lambda p: ICMP in p and p.dst == f.addr))
    time.sleep(1)
    server.drain()
    f.client.send(IP(src=f.addr, dst=f.dst) / ICMP(type=3, code=3) / bytes(got))
    ok("... and the client's", server.see(lambda p: ICMPv6DestUnreach in p and p.dst == f.target))
    time.sleep(2)
    same("errors: they keep no session alive", f.s(b"z", wait=0.3), None)
    same("... it is gone", f.state(), None)


def main():
    names = sys.argv[1:] or [n[5:] for n in globals() if n.startswith("test_")]
    n46("pool add 198.18.0.0/16")
    n46("source add dev wan")
    n46("map add", MAPPED, "to", SERVER)
    keys = [line.split()[0] for line in n46("param").splitlines()]
    for name in names:
        for key in keys:
            n46("param reset", key)
        n46("session flush all")
        for c in clients:
            c.drain()
        print(f"# {name}", flush=True)
        globals()["test_" + name]()
    print(f"1..{nat46.n}" if hasattr(nat46, "n") else "# end")
    sys.exit(bool(nat46.failed))


if __name__ == "__main__":
    main()
