# SPDX-License-Identifier: GPL-2.0
"""Other transport protocols: RFC 7915 sections 4.1 and 5.1 (Next Header,
Protocol), 4.5 and 5.5: UDP-Lite, DCCP, SCTP with ports, the rest by addresses."""
from dsl import *

R = "RFC 7915 4.1, 5.1: "
PORTS = {"sport": SP, "dport": DP}
BACK = {"sport": DP, "dport": SP}
CHUNK = b"\x01\0\0\x14" + bytes(range(16))


def both(name, what, make, load=b""):
    """make(**fields): the L4 header; there and back, with each kind of source."""
    case(f"p-{name}", R + what, send4(ip4({}) / make(**PORTS) / load)
         .to6(ip6({}) / make(**PORTS) / load),
         send6(ipr6({}) / make(**BACK) / load).to4(ipr4({}) / make(**BACK) / load))
    case(f"p-{name}-port", R + what + ", another port",
         send4(ip4({"src": C4P}) / make(**PORTS) / load)
         .to6(ip6({"src": SA6P}) / make(sport=SP6, dport=DP) / load),
         send6(ipr6({"dst": SA6P}) / make(sport=DP, dport=SP6) / load)
         .to4(ipr4({"dst": C4P}) / make(**BACK) / load))
    case(f"p-{name}-error", "RFC 7915 5.3: what is quoted of it",
         send4(ip4({}) / make(**PORTS) / load).to6(ip6({}) / make(**PORTS) / load),
         send6(error6(1, 4, ip6({"hlim": 60}) / make(**PORTS) / load, src=T6))
         .to4(quoting4(3, 3, ip4({"ttl": 60}) / make(**PORTS) / load)))
    case(f"p-{name}-no-session", "RFC 6146 3.5: IPv6 opens nothing here",
         send6(ipr6({"dst": SA6}) / make(**BACK) / load).drop("no-session"))


both("udplite", "UDP-Lite, all of it summed", UdpLite, b"payload")
both("udplite-8", "UDP-Lite, its header summed", lambda **kw: UdpLite(cover=8, **kw), b"payload")
both("udplite-10", "UDP-Lite, a part summed", lambda **kw: UdpLite(cover=10, **kw), b"payload")
both("dccp", "DCCP", Dccp, b"payload.")
both("dccp-cover", "DCCP, its header summed", lambda **kw: Dccp(cover=1, **kw), b"payload.")
both("sctp", "SCTP: its checksum has no pseudo header", Sctp, CHUNK)
both("sctp-odd", "SCTP: a chunk and a byte", Sctp, CHUNK + b"\0" * 4 + b"x" * 401)
SPOILT = {"chksum": 0xdeadbeef}
case("p-sctp-spoilt", "RFC 7915 4.5: a wrong SCTP checksum leaves as it is where no port changes",
     send4(ip4({}) / Sctp(**PORTS, **SPOILT) / CHUNK).to6(ip6({}) / Sctp(**PORTS, **SPOILT) / CHUNK))


def sctp_spoilt(header, by=0x01020304):
    """An SCTP packet whose CRC is wrong by those bits."""
    raw = bytearray(bytes(header))
    at = len(raw) - len(CHUNK) - 4
    for i, b in enumerate(by.to_bytes(4, "big")):
        raw[at + i] ^= b
    return Raw(bytes(raw))


case("p-sctp-spoilt-port", "RFC 7915 4.5: a wrong SCTP checksum leaves as wrong",
     send4(sctp_spoilt(ip4({"src": C4P}) / Sctp(**PORTS) / CHUNK))
     .to6(sctp_spoilt(ip6({"src": SA6P}) / Sctp(sport=SP6, dport=DP) / CHUNK)))
for name, make, load in (("udplite", UdpLite, b"payload"), ("dccp", Dccp, b"payload.")):
    case(f"p-{name}-spoilt", "RFC 7915 4.5: a wrong checksum leaves as wrong",
         send4(spoil(ip4({}) / make(**PORTS) / load)).to6(spoil(ip6({}) / make(**PORTS) / load)))
for number, make, sizes in ((136, UdpLite, (0, 7)), (33, Dccp, (0, 8, 11)), (132, Sctp, (0, 8, 11))):
    for size in sizes:
        body = bytes(ip4({}) / make(**PORTS))[20:20 + size]
        case(f"p-{number}-cut-{size}", "a transport header must be there",
             send4(any4(number, body)).drop("malformed"))
case("p-udplite-zero", "RFC 3828 3.1: UDP-Lite has a checksum always",
     send4(ip4({}) / UdpLite(chksum=0, **PORTS) / b"x").drop("malformed"))
case("p-udplite-cover-15", "RFC 3828 3.1: as much as is there", send4(ip4({}) / UdpLite(cover=15, **PORTS) / b"payload")
     .to6(ip6({}) / UdpLite(cover=15, **PORTS) / b"payload"))
for cover in (1, 7, 50):
    case(f"p-udplite-cover-{cover}", "RFC 3828 3.1: the header at least, no more than is there",
         send4(ip4({}) / UdpLite(cover=cover, chksum=1, **PORTS) / b"x").drop("malformed"))

for number, name in ((4, "ipip"), (8, "egp"), (41, "6in4"), (46, "rsvp"), (47, "gre"), (50, "esp"),
                     (88, "eigrp"), (89, "ospf"), (97, "etherip"), (103, "pim"), (108, "ipcomp"),
                     (112, "vrrp"), (115, "l2tp"), (137, "mpls"), (200, "200"), (252, "252")):
    case(f"p-{name}", R + "any other protocol, by addresses; its number copied",
         send4(any4(number)).to6(any6(number)),
         send6(IPv6(src=T6, dst=S6, nh=number, hlim=64) / Raw(b"back")).to4(
             ipr4({"proto": number}) / Raw(b"back")))
case("p-gre-empty", R + "any other protocol: nothing in it", send4(any4(47, b"")).to6(any6(47, b"")))
D12 = b"\x4e\x21\x01\xbb\x03\0%b\x04\0\0\x4d"	# ports SP and DP, its length 3 words
case("p-dccp-12", R + "DCCP's shortest header", send4(ip4({"proto": 33}) / Raw(D12 % b"\x12\x34"))
     .to6(ip6({"nh": 33}) / Raw(D12 % moved(0x1234, C4, P4, S6, T6).to_bytes(2, "big"))))
case("p-gre-no-session", "RFC 6146 3.5: IPv6 opens nothing here",
     send6(IPv6(src=T6, dst=SA6, nh=47) / Raw(b"x")).drop("no-session"))
case("p-gre-error", "RFC 7915 5.3: what is quoted of it", send4(any4(47)).to6(any6(47)),
     send6(error6(1, 3, any6(47, hlim=60))).to4(quoting4(3, 1, any4(47, ttl=60))))
case("p-gre-error46", "RFC 7915 4.3: what is quoted of it", send4(any4(47)).to6(any6(47)),
     send4(error4(3, 2, ipr4({"proto": 47, "ttl": 60}) / Raw(b"back"), src=C4))
     .to6(quoting6(4, 1, ipr6({"nh": 47, "hlim": 60}) / Raw(b"back"), 6)))
case("p-gre-two-clients", "one client of a source's address and a target, by addresses alone",
     send4(any4(47)).to6(any6(47)),
     send4(any4(47, src="10.0.1.11")).to4(node4(3, 1, any4(47, src="10.0.1.11"))).drop("no-port"))
AH4 = any4(51, b"\x11\x04\0\0" + bytes(20))
case("p-ah", "RFC 7915 5.1: AH fails at the receiver: refused by name",
     send4(AH4).to4(node4(3, 2, AH4)).drop("ah"))
for number in (0, 43, 44, 58, 59, 60, 135, 139, 140, 253, 254, 255):
    case(f"p-not-{number}", "a number that means something else in IPv6: refused",
         send4(any4(number)).to4(node4(3, 2, any4(number))).drop("protocol"))
for number in (1, 2, 255):
    case(f"p-not6-{number}", "a number that means something else in IPv4: refused",
         send6(IPv6(src=T6, dst=SA6, nh=number) / Raw(bytes(16))).drop("protocol"))
