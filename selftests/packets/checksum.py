# SPDX-License-Identifier: GPL-2.0
"""Checksums: RFC 7915 sections 4.5 and 5.5. Wrong ones stay as wrong."""
from dsl import *

R4, R5 = "RFC 7915 4.5: ", "RFC 7915 5.5: "
for by in (1, 0x100, 0x1234, 0x8000, 0xfffe):
    case(f"c46-spoilt-udp-{by:x}", R4 + "a wrong UDP checksum leaves as wrong",
         send4(spoil(u4(), by)).to6(spoil(u6(), by)))
    case(f"c46-spoilt-tcp-{by:x}", R4 + "a wrong TCP checksum leaves as wrong",
         send4(spoil(tcp4(), by)).to6(spoil(tcp6(), by)))
    case(f"c46-spoilt-echo-{by:x}", R4 + "a wrong ICMP checksum leaves as wrong",
         send4(spoil(e4(), by)).to6(spoil(e6(), by)))
    case(f"c64-spoilt-udp-{by:x}", R5 + "a wrong UDP checksum leaves as wrong", opened(),
         send6(spoil(r6(), by)).to4(spoil(r4(), by)))
    case(f"c64-spoilt-tcp-{by:x}", R5 + "a wrong TCP checksum leaves as wrong", tcp_opened(),
         send6(spoil(ts6("PA", b"x", 5001, 1001)[0], by))
         .to4(spoil(ts6("PA", b"x", 5001, 1001)[1], by)))
    case(f"c64-spoilt-echo-{by:x}", R5 + "a wrong ICMPv6 checksum leaves as wrong", echo_opened(),
         send6(spoil(er6(), by)).to4(spoil(er4(), by)))
for size in range(1, 12):
    load = bytes(range(0x81, 0x81 + size))
    case(f"c46-tcp-odd-{size}", R4 + "every length", tcp_opened(),
         send4(tcp4("PA", load, 1001, 5001)).to6(tcp6("PA", load, 1001, 5001)))
    case(f"c46-echo-odd-{size}", R4 + "the pseudo header has the length",
         send4(e4(load)).to6(e6(load)))

case("c46-becomes-zero", R4 + "a UDP sum that becomes 0 is sent as ffff",
     send4(u4(zeroing(u6))).to6(u6(zeroing(u6))))
case("c46-was-ffff", R4 + "a UDP sum that was ffff", send4(u4(zeroing(u4))).to6(u6(zeroing(u4))))
case("c64-becomes-zero", R5 + "a UDP sum that becomes 0 is sent as ffff: 0 says there is none",
     opened(), send6(r6(zeroing(r4))).to4(r4(zeroing(r4))))
case("c64-was-ffff", R5 + "a UDP sum that was ffff", opened(),
     send6(r6(zeroing(r6))).to4(r4(zeroing(r6))))


def lite(head, sport, dport):
    return lambda load: head / UdpLite(sport=sport, dport=dport) / load


L4, L6 = lite(ip4({}), SP, DP), lite(ip6({}), SP, DP)
LR6, LR4 = lite(ipr6({}), DP, SP), lite(ipr4({}), DP, SP)
LITE = "RFC 3828 3.1: a UDP-Lite sum that becomes 0 is sent as ffff"
case("c46-udplite-becomes-zero", LITE, send4(L4(zeroing(L6))).to6(L6(zeroing(L6))))
case("c64-udplite-becomes-zero", LITE, send4(L4(b"x")).to6(L6(b"x")),
     send6(LR6(zeroing(LR4))).to4(LR4(zeroing(LR4))))


def zero4(load=b"question", **kw):
    return ip4(kw) / UDP(sport=SP, dport=DP, chksum=0) / load


Z = R4 + "UDP without a checksum: "
for size in (0, 1, 7, 8, 999, 1200):
    case(f"c46-zero-computed-{size}", Z + "calculated", send4(zero4(b"z" * size)).to6(u6(b"z" * size)))
short = IPv6(bytes(u6()))[UDP].chksum
case("c46-zero-short", Z + "calculated over the datagram, which ends before its packet",
     send4(ip4({}) / UDP(sport=SP, dport=DP, len=16, chksum=0) / b"questiontail")
     .to6(ip6({}) / UDP(sport=SP, dport=DP, len=16, chksum=short) / b"questiontail"))
case("c46-short", R4 + "a datagram that ends before its packet",
     send4(ip4({}) / UDP(sport=SP, dport=DP, len=16, chksum=IP(bytes(u4()))[UDP].chksum) / b"questiontail")
     .to6(ip6({}) / UDP(sport=SP, dport=DP, len=16, chksum=short) / b"questiontail"))
case("c46-zero-set-compute", Z + "calculated, by setting", send4(zero4()).to6(u6()),
     conf="param set udp-zero-csum compute", undo="param reset udp-zero-csum")
case("c46-zero-becomes-zero", Z + "calculated, and it is 0: ffff",
     send4(zero4(zeroing(u6))).to6(u6(zeroing(u6))))
case("c46-zero-drop", Z + "dropped, by setting", send4(zero4()).drop("udp-zero-csum"),
     conf="param set udp-zero-csum drop", undo="param reset udp-zero-csum")
case("c46-zero-drop-others", Z + "others pass by that setting", send4(u4()).to6(u6()),
     conf="param set udp-zero-csum drop", undo="param reset udp-zero-csum")
case("c46-zero-keep", Z + "kept, by setting (RFC 6935: for tunnels)",
     send4(zero4()).to6(ip6({}) / UDP(sport=SP, dport=DP, chksum=0) / b"question"),
     conf="param set udp-zero-csum keep", undo="param reset udp-zero-csum")
case("c64-zero", "RFC 8200 8.1: UDP over IPv6 without a checksum is discarded", opened(),
     send6(ipr6({}) / UDP(sport=DP, dport=SP, chksum=0) / b"x").drop("udp-zero-csum"))
case("c64-zero-keep", "RFC 6935: UDP over IPv6 without a checksum, by setting", opened(),
     send6(ipr6({}) / UDP(sport=DP, dport=SP, chksum=0) / b"x")
     .to4(ipr4({}) / UDP(sport=DP, dport=SP, chksum=0) / b"x"),
     conf="param set udp-zero-csum keep", undo="param reset udp-zero-csum")
case("c46-zero-port", Z + "with another port",
     send4(zero4(src=C4P)).to6(ip6({"src": SA6P}) / UDP(sport=SP6, dport=DP) / b"question"))

CP6 = ip6({"src": SA6P})
case("c46-spoilt-port", R4 + "a wrong one, with another port",
     send4(spoil(u4(src=C4P))).to6(spoil(CP6 / UDP(sport=SP6, dport=DP) / b"question")))
case("c46-spoilt-id", R4 + "a wrong one, with another identifier",
     send4(spoil(e4(src=C4P)))
     .to6(spoil(CP6 / Icmp6(type=128, rest=SP6 << 16 | SEQ) / (b"echo" * 14))))
EVERY = ("default", "partial", "frags", "tap", "direct", "forward", "cloned", "tight")
for size in (1000, 1220, 1221, 1400):
    load = bytes(i % 251 for i in range(size * 5 - 3))
    for port in (0, 1):
        kw, sport = ({"src": C4P}, SP6) if port else ({}, SP)
        case(f"c46-gso-tcp-{size}-{port}", "a GSO packet stays one: its seed is right",
             send4(tcp4(src=kw.get("src", C4)))
             .to6(tcp6(src=SA6P if port else S6, sport=sport)),
             send4(tcp4("PA", load, 1001, 5001, **kw), gso=size)
             .to6(tcp6("PA", load, 1001, 5001, src=SA6P if port else S6, sport=sport), gso=size),
             modes=EVERY)
    seg = ts6("PA", load, 5001, 1001, df="DF" if size > 1220 else 0)
    case(f"c64-gso-tcp-{size}", "a GSO packet stays one; DF goes by its segments", tcp_opened(),
         send6(seg[0], gso=size).to4(seg[1], gso=size), modes=EVERY)

# a sum that the sender left to its card, and which is not that of our UDP or TCP
HANDED = "a sum that is still to be made: "
INNER = IP(src="192.168.1.1", dst="192.168.1.2", id=1) / TCP(sport=1, dport=2, flags="A") / b"inner data"
VXLAN = bytes(Raw(b"\x08\0\0\0\0\0\1\0" b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0") / INNER)
TUNNEL = {"sport": SP, "dport": 4789, "len": 8 + len(VXLAN)}
AT = 20 + 8 + 22 + 20		# of the inner TCP
SUM4, SUM6 = (type(p)(bytes(p))[UDP].chksum for p in (ip4({}) / UDP(**TUNNEL) / VXLAN,
                                                     ip6({}) / UDP(**TUNNEL) / VXLAN))
for tail in (b"", b"behind"):
    name = "-short" * bool(tail)
    for kind, what, before, after in (("zero", "the UDP sum is calculated with it", 0, SUM6),
                                      ("sum", "the UDP sum has it", SUM4, SUM6), ("keep", "no UDP sum", 0, 0)):
        case(f"c46-inner-{kind}{name}", HANDED + f"TCP's in a tunnel; {what}",
             send4(ip4({}) / UDP(**TUNNEL, chksum=before) / VXLAN / Raw(tail)).summing(AT, 16)
             .to6(ip6({}) / UDP(**TUNNEL, chksum=after) / VXLAN / Raw(tail)),
             modes=EVERY if kind == "zero" else EVERY[:6],	# skbs wants no sum but of the outer L4
             **({"conf": "param set udp-zero-csum keep", "undo": "param reset udp-zero-csum"}
                if kind == "keep" else {}))
case("c46-echo-to-sum", HANDED + "ICMP's", send4(e4()).summing(20, 2).to6(e6()), modes=EVERY)
case("c46-echo-id-to-sum", HANDED + "ICMP's, with another identifier",
     send4(e4(src=C4P)).summing(20, 2)
     .to6(CP6 / Icmp6(type=128, rest=SP6 << 16 | SEQ) / (b"echo" * 14)), modes=EVERY)
