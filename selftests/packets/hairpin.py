# SPDX-License-Identifier: GPL-2.0
"""Hairpins: from one client to another, by way of IPv6. B is published as V1,
and knows A as V2, which an inbound mapping says."""
from dsl import *

A, B = "10.96.201.35", "10.96.201.34"
XA, XB = embed(96, A), embed(96, B)
V1, V2 = "198.18.201.1", "198.18.201.2"
ON = {"conf": ["param set hairpin allow", f"map add {V1} to {XB}", f"map add {V2} to {XA} inbound"],
      "undo": [f"map del {V1}", f"map del {V2}", "param reset hairpin"]}
R = "RFC 6146 3.8: "


def there(load, ttl=64, **kw):
    """A says it, B hears it; twice translated, two hops."""
    return send4(IP(src=A, dst=V1, ttl=ttl, **kw) / load).to4(
        IP(src=V2, dst=B, ttl=ttl - 2, **{"flags": 0, **kw}) / load)


def back(load, **kw):
    return send4(IP(src=B, dst=V2, ttl=64, **kw) / load).to4(
        IP(src=V1, dst=A, ttl=62, **{"flags": 0, **kw}) / load)


def seg(flags, seq, ack=0, to=80):
    return TCP(sport=5555 if to == 80 else 80, dport=to, flags=flags, seq=seq, ack=ack)


ASK, ANSWER = UDP(sport=5555, dport=80) / b"question", UDP(sport=80, dport=5555) / b"answer"
OPEN = [there(seg("S", 1000)), back(seg("SA", 5000, 1001, 5555)), there(seg("A", 1001, 5001))]

case("hp-udp", R + "the other's inbound mapping opens", there(ASK), back(ANSWER), there(ASK), **ON)
case("hp-tcp", R + "a connection", OPEN, there(seg("PA", 1001, 5001) / b"hello"),
     back(seg("FA", 5001, 1006, 5555)), **ON)
case("hp-echo", R + "RFC 5508 REQ-7: a query",
     there(Icmp4(type=8, rest=ID << 16 | SEQ) / b"ping"),
     back(Icmp4(type=0, rest=ID << 16 | SEQ) / b"ping"), **ON)
case("hp-1500", R + "no path in IPv6 makes it too long",
     there(UDP(sport=5555, dport=80) / bytes(1472), flags="DF"), **ON)
case("hp-fragments", R + "in fragments",
     send4(*frag4(IP(src=A, dst=V1) / UDP(sport=5555, dport=80) / bytes(2992), 1480, 1480, 40))
     .merged(1500).to4(IP(src=V2, dst=B, ttl=62, flags=0) / UDP(sport=5555, dport=80) / bytes(2992)),
     **ON)
case("hp-error", R + "RFC 5508 REQ-7: an error about it", there(ASK),
     send4(error4(3, 3, IP(src=V2, dst=B, ttl=60, flags=0) / ASK, src=B, dst=V2))
     .to4(quoting4(3, 3, IP(src=A, dst=V1, ttl=60) / ASK, src=V1, dst=A, ttl=62)), **ON)
case("hp-hop-limit", R + "it counts both translations",
     send4(IP(src=A, dst=V1, ttl=2) / ASK).drop("hop-limit")
     .to4(quoting4(11, 0, IP(src=A, dst=V1, ttl=1) / ASK, src=V1, dst=A, ttl=63)), **ON)
case("hp-nobody", R + "an address that no client answers for",
     send4(IP(src=B, dst=V1, ttl=64) / ASK).drop("no-session"), **ON)
case("hp-spoofed", "RFC 6146 3.5: from outside, nobody has an address of ours",
     send6(IPv6(src=XA, dst=XB) / ASK).drop("hairpin"), there(ASK),
     send6(IPv6(src=XA, dst=XB) / ASK).drop("hairpin"), back(ANSWER), **ON)

P1, P2, S = "10.2.0.5", "10.2.0.6", "198.18.201.3"


def punch(src, sport, dst, dport):
    step = send4(IP(src=src, dst=S, ttl=64) / UDP(sport=sport, dport=dport) / b"hello")
    return step.to4(IP(src=S, dst=dst, ttl=62, flags=0) / UDP(sport=sport, dport=dport) / b"hello")


case("hp-napt", "RFC 4787 REQ-9: two clients behind one address, once both have sent",
     send4(IP(src=P1, dst=S, ttl=64) / UDP(sport=20001, dport=20002) / b"hello").drop("no-session"),
     punch(P2, 20002, P1, 20001), punch(P1, 20001, P2, 20002), punch(P2, 20002, P1, 20001),
     conf=["param set hairpin allow", f"map add {S} to {SA6}"],
     undo=[f"map del {S}", "param reset hairpin"])
