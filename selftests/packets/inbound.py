# SPDX-License-Identifier: GPL-2.0
"""Sessions that the IPv6 side opens, to a server behind a source's address, by
an inbound mapping of whoever asks (R, which the server knows as V)."""
from dsl import *

C = "10.96.201.34"		# the server, and what it is published as
S = embed(96, C)
R, V = "2001:db8:200::9", "198.18.200.9"
RP, LP = 5555, 80		# ports: the asker's, the server's
MAP = "map add 198.18.200.0/24 to 2001:db8:200::/120"
ON = {"conf": MAP + " inbound", "undo": "map del 198.18.200.0/24"}
I = "RFC 7757 3.3.2, inbound: "
B = "RFC 6146 3.5.1, inbound: "
T = "RFC 6146 3.5.2.2, V6 INIT: "
E = "RFC 5508 3.1, inbound: "


def on(*more, undo=()):
    return {"conf": [ON["conf"], *more], "undo": [*undo, ON["undo"]]}


def q6(r=R, s=S, **kw):
    """The question: as it is sent, as the server gets it, and the answer."""
    return IPv6(**{"src": r, "dst": s, "hlim": 64, **kw})


def q4(v=V, c=C, **kw):
    return IP(**{"src": v, "dst": c, "ttl": 63, "flags": 0, **kw})


def a4(v=V, c=C, **kw):
    return IP(**{"src": c, "dst": v, "ttl": 64, "flags": 0, **kw})


def a6(r=R, s=S, **kw):
    return IPv6(**{"src": s, "dst": r, "hlim": 63, **kw})


ASK, ANSWER = UDP(sport=RP, dport=LP) / b"question", UDP(sport=LP, dport=RP) / b"answer"


def udp(r=R, v=V, s=S, c=C):
    return [send6(q6(r, s) / ASK).to4(q4(v, c) / ASK), send4(a4(v, c) / ANSWER).to6(a6(r, s) / ANSWER)]


def seg(side, flags, seq=1000, ack=0):
    ports = {"sport": RP, "dport": LP} if side == 6 else {"sport": LP, "dport": RP}
    tcp = TCP(flags=flags, seq=seq, ack=ack, **ports)
    return send6(q6() / tcp).to4(q4() / tcp) if side == 6 else send4(a4() / tcp).to6(a6() / tcp)


def echo(to, ident=ID, load=b"ping"):
    """One that goes to 4 or 6: asked, and answered."""
    word = ident << 16 | SEQ
    ask4, ask6 = Icmp4(type=8, rest=word) / load, Icmp6(type=128, rest=word) / load
    re4, re6 = Icmp4(type=0, rest=word) / load, Icmp6(type=129, rest=word) / load
    if to == 4:
        return [send6(q6() / ask6).to4(q4() / ask4), send4(a4() / re4).to6(a6() / re6)]
    return [send4(a4() / ask4).to6(a6() / ask6), send6(q6() / re6).to4(q4() / re4)]


SYN, OPEN = seg(6, "S"), [seg(6, "S"), seg(4, "SA", 5000, 1001), seg(6, "A", 1001, 5001)]

case("in-udp", I + "what the server could have opened itself", udp(), **ON)
case("in-udp-first-address", I + "the suffix is the target's", udp("2001:db8:200::", "198.18.200.0"),
     udp("2001:db8:200::ff", "198.18.200.255"), **ON)
case("in-udp-outside", I + "an address that no inbound mapping has",
     send6(q6("2001:db8:200::100") / ASK).drop("no-session"), **ON)
case("in-off", I + "off unless asked for", send6(q6() / ASK).drop("no-session"),
     conf=MAP, undo=ON["undo"])
case("in-on-again", I + "a replacement with the flag", udp(),
     conf=[MAP, ON["conf"].replace("add", "replace")], undo=ON["undo"])
case("in-off-again", I + "a replacement without the flag", send6(q6() / ASK).drop("no-session"),
     conf=[ON["conf"], MAP.replace("add", "replace")], undo=ON["undo"])
case("in-longest", I + "the longest IPv6 prefix wins", udp(v="198.18.201.1"),
     udp("2001:db8:200::a", "198.18.200.10"), **on(f"map add 198.18.201.1 to {R} inbound",
                                                   undo=["map del 198.18.201.1"]))
case("in-deleted", I + "without it, the shorter one", udp(),
     **on(f"map add 198.18.201.1 to {R} inbound", "map del 198.18.201.1"))
case("in-shadowed", I + "an address that a longer IPv4 prefix gives to another target",
     send6(q6() / ASK).drop("no-session"), udp("2001:db8:200::a", "198.18.200.10"),
     **on(f"map add {V} to 2001:db8:9::99", undo=[f"map del {V}"]))
for plen in (32, 40, 48, 56, 64):
    c = f"10.{plen}.201.34"
    case(f"in-prefix-{plen}", f"RFC 6052 2.2, /{plen}: the server's address extracted",
         udp(s=embed(plen, c), c=c), **ON)
case("in-not-from", I + "an IPv4 address that the source doesn't serve",
     send6(q6(s=embed(96, "10.95.0.1")) / ASK).drop("no-session"), **ON)
case("in-no-client", B + "the server's address is none of a host",
     send6(q6(s="3fff:97::" + "7f00:1") / ASK).drop("src-check"),
     **on("source add prefix 3fff:97::/96 from 127.0.0.0/8",
          undo=["source del prefix 3fff:97::/96 from 127.0.0.0/8"]))

A6, AC = "2001:db8:67::1", "10.6.0.77"
ADDR = f"source add addr {A6} from {AC}/32"
UNADDR = f"source del addr {A6} from {AC}/32"
case("in-addr", B + "an addr source that has one client", udp(s=A6, c=AC),
     **on(ADDR + " ports 1-65535", undo=[UNADDR + " force"]))
case("in-addr-port", B + "the port must be one of the source's",
     send6(q6(s=A6) / ASK).drop("no-session"), **on(ADDR, undo=[UNADDR]))
case("in-addr-shared", B + "an address of two clients is nobody's",
     send6(q6(s=A6) / ASK).drop("no-session"),
     **on(ADDR + " ports 1-65535", f"source add addr {A6} from 10.6.0.78/32",
          undo=[UNADDR, f"source del addr {A6} from 10.6.0.78/32"]))
case("in-addr-many", B + "nor is one of a source for many", send6(q6(s=SA6) / ASK)
     .drop("no-session"), **ON)
case("in-dev", B + "what is sent to the host's own address is the host's",
     send6(q6(s=S6) / ASK).to6(node6(1, 4, q6(s=S6) / ASK)), **ON)

case("in-tcp", T + "a SYN, answered", OPEN, seg(4, "PA", 5001, 1001), **ON)
case("in-tcp-simultaneous", T + "a SYN from both", SYN, seg(4, "S", 5000), seg(6, "SA", 1000, 5001),
     **ON)
case("in-tcp-repeated", T + "the same SYN again", SYN, SYN, OPEN[1], **ON)
case("in-tcp-midstream", T + "any other segment opens nothing",
     *[send6(q6() / TCP(sport=RP, dport=LP, flags=f)).drop("tcp-midstream")
       for f in ("A", "SA", "R", "FA")], **ON)
case("in-tcp-midstream-allow", "RFC 5382 REQ-10, inbound: by setting, from the middle on",
     seg(6, "PA", 1001, 5001), seg(4, "A", 5001, 1001),
     **on("param set tcp-midstream allow", undo=["param reset tcp-midstream"]))
case("in-tcp-again", T + "a SYN on a closed tuple is another connection", OPEN,
     seg(6, "FA", 1001, 5001), seg(4, "FA", 5001, 1002), seg(6, "A", 1002, 5002), seg(6, "S", 9000),
     seg(4, "SA", 7000, 9001), **ON)

case("in-echo", E + "asked from outside", echo(4), echo(4, 0), **ON)
case("in-echo-both-ways", E + "with equal identifiers", echo(4), echo(6), echo(4), echo(4, 0),
     echo(6, 0), echo(4, 0), **ON)
case("in-echo-off", E + "off unless asked for",
     send6(q6() / Icmp6(type=128, rest=ID << 16)).drop("icmp-type"))
case("in-echo-no-answer", E + "an answer opens nothing, from either side",
     send6(q6() / Icmp6(type=129, rest=ID << 16)).drop("no-session"),
     send4(a4() / Icmp4(type=0, rest=ID << 16)).drop("icmp-type"), **ON)
case("in-gre", B + "other protocols by addresses",
     send6(q6(nh=47) / Raw(b"over")).to4(q4(proto=47) / Raw(b"over")),
     send4(a4(proto=47) / Raw(b"back")).to6(a6(nh=47) / Raw(b"back")), **ON)
sctp = Sctp(sport=RP, dport=LP)
case("in-sctp", B + "SCTP", send6(q6() / sctp / b"init").to4(q4() / sctp / b"init"), **ON)
case("in-fragments", B + "put together first",
     send6(*frag6(q6() / UDP(sport=RP, dport=LP) / bytes(600), 304, 304)).merged(1500)
     .to4(q4() / UDP(sport=RP, dport=LP) / bytes(600)), **ON)

Q = UDP(sport=RP, dport=LP) / b"question"
case("in-error46", B + "the server's error", send6(q6() / ASK).to4(q4() / ASK),
     send4(error4(3, 3, q4(ttl=60) / Q, src=C, dst=V)).to6(quoting6(1, 4, q6(hlim=60) / Q, src=S,
                                                                    dst=R)), **ON)
case("in-error64", B + "the asker's error", udp(),
     send6(error6(1, 4, a6(hlim=60) / ANSWER, src=R, dst=S))
     .to4(quoting4(3, 3, a4(ttl=60) / ANSWER, src=V, dst=C)), **ON)
case("in-error-echo46", E + "what an error quotes of the question", echo(4)[0],
     send4(error4(3, 1, q4(ttl=60) / Icmp4(type=8, rest=ID << 16 | SEQ) / b"ping", dst=V, src=C))
     .to6(quoting6(1, 0, q6(hlim=60) / Icmp6(type=128, rest=ID << 16 | SEQ) / b"ping", src=S, dst=R)),
     **ON)
case("in-error-echo64", E + "and of the answer", echo(4),
     send6(error6(1, 0, a6(hlim=60) / Icmp6(type=129, rest=ID << 16 | SEQ) / b"ping", src=R, dst=S))
     .to4(quoting4(3, 1, a4(ttl=60) / Icmp4(type=0, rest=ID << 16 | SEQ) / b"ping", src=V, dst=C)),
     **ON)
case("in-error-opens-nothing", B + "an error without a session",
     send6(error6(1, 4, a6(hlim=60) / ANSWER, src=R, dst=S)).drop("no-session"), **ON)

case("in-hop-limit", B + "hop limit 1 opens nothing", send6(q6(hlim=1) / ASK)
     .to6(node6(3, 0, q6(hlim=1) / ASK)).drop("hop-limit"), **ON)
case("in-udp-zero", "RFC 7915 5.5, inbound: a UDP checksum of zero",
     send6(q6() / UDP(sport=RP, dport=LP, chksum=0) / b"x").drop("udp-zero-csum"), **ON)
case("in-policy", B + "the policy speaks of the asker", send6(q6() / ASK).drop("policy"),
     **on(f"policy add deny {R}/128", undo=[f"policy del deny {R}/128"]))
case("in-policy-from", B + "and of the server", send6(q6() / ASK).drop("policy"),
     **on(f"policy add deny 2001:db8:200::/64 from {C}/32",
          undo=[f"policy del deny 2001:db8:200::/64 from {C}/32"]))
case("in-max-per-client", B + "as many as the server may have", udp(),
     send6(q6("2001:db8:200::a") / ASK).drop("max-per-client"),
     **on("param set max-per-client 1", undo=["param reset max-per-client"]))
case("in-spoofed", "RFC 6146 3.5: an asker with an address of ours",
     send6(q6(embed(64, "10.64.0.9")) / ASK).drop("hairpin"),
     conf=f"map add 198.18.201.1 to {embed(64, '10.64.0.9')} inbound", undo="map del 198.18.201.1")
case("in-own-first", B + "the tuple of a session that the server has opened serves",
     send4(a4() / ANSWER).to6(a6() / ANSWER), send6(q6() / ASK).to4(q4() / ASK), **ON)
