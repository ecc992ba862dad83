# SPDX-License-Identifier: GPL-2.0
"""IPv6 headers into IPv4: RFC 7915 sections 5 and 5.1; RFC 6864, RFC 6146 3.5."""
from dsl import *

R = "RFC 7915 5.1: "
A = {"dst": SA6}
OPEN_A = opened(c=C4A, s=SA6)
case("h64-udp", R + "version, lengths, protocol, addresses", opened(), send6(r6()).to4(r4()))
case("h64-echo", R + "ICMPv6 becomes ICMPv4", echo_opened(), send6(er6()).to4(er4()))
case("h64-tcp", R + "version, lengths, protocol, addresses", tcp_opened(),
     send6(ts6("PA", b"hello", 5001, 1001)[0]).to4(ts6("PA", b"hello", 5001, 1001)[1]))

for tc in (0, 1, 2, 3, 0x10, 0x28, 0xb8, 0xbb, 0xe0, 0xff):
    case(f"h64-tc-{tc:02x}", R + "TOS is the Traffic Class, all 8 bits (ECN too)",
         opened(), send6(r6(tc=tc)).to4(r4(tos=tc)))
for tos in (0, 0x48):
    case(f"h64-tc-set-{tos:02x}", R + "Traffic Class ignored, by setting",
         send4(u4()).to6(u6(tc=tos)), send6(r6(tc=0xb8)).to4(r4(tos=tos)),
         conf=f"param set tos {tos}", undo="param reset tos")
for label in (1, 0x12345, 0xfffff):
    case(f"h64-flow-label-{label:x}", "RFC 6437: a flow label has no place in IPv4",
         opened(), send6(r6(fl=label)).to4(r4()))
for size in (0, 1, 2, 7, 8, 255, 1000):
    case(f"h64-udp-payload-{size}", R + "Total Length", opened(),
         send6(r6(b"p" * size)).to4(r4(b"p" * size)))
    case(f"h64-echo-payload-{size}", R + "Total Length", echo_opened(),
         send6(er6(b"p" * size)).to4(er4(b"p" * size)))
for total in (576, 1259, 1260):
    case(f"h64-df-{total}", R + "DF is clear up to 1260 bytes", opened(),
         send6(r6(b"d" * (total - 28))).to4(r4(b"d" * (total - 28), flags=0)))
for total in (1261, 1262, 1400, 1480):
    case(f"h64-df-{total}", R + "DF is set above 1260 bytes", opened(),
         send6(r6(b"d" * (total - 28))).to4(r4(b"d" * (total - 28), flags="DF", id=0)))
case("h64-df-tcp-1261", R + "DF is set above 1260 bytes", tcp_opened(),
     send6(ts6("A", b"x" * 1221, 5001, 1001)[0]).to4(ts6("A", b"x" * 1221, 5001, 1001, df="DF")[1]))
case("h64-df-tcp-1260", R + "DF is clear up to 1260 bytes", tcp_opened(),
     send6(ts6("A", b"x" * 1220, 5001, 1001)[0]).to4(ts6("A", b"x" * 1220, 5001, 1001)[1]))

case("h64-many-idents", R + "each packet that may be cut has an Identification of its own", opened(),
     send6(*(r6(b"%d" % n) for n in range(8))).to4(*(r4(b"%d" % n) for n in range(8))))

three = [ts6("PA", b"x" * 3000, 5001 + 3000 * n, 1001) for n in range(2)]
case("h64-gso-idents", R + "of a packet of three segments each has one", tcp_opened(),
     send6(three[0][0], three[1][0], gso=1000).to4(three[0][1], three[1][1], gso=1000),
     modes=("default", "partial", "frags", "tap", "direct", "forward", "cloned", "tight"))

for hlim in (2, 3, 32, 64, 128, 255):
    case(f"h64-hlim-{hlim}", R + "TTL is the Hop Limit, decremented",
         opened(), send6(r6(hlim=hlim)).to4(r4(ttl=hlim - 1)))
for hlim in (0, 1):
    case(f"h64-hlim-{hlim}", R + "Hop Limit is over: ICMPv6 time exceeded",
         opened(), send6(r6(hlim=hlim)).to6(node6(3, 0, r6(hlim=hlim))).drop("hop-limit"))
case("h64-hlim-1-addr", R + "Hop Limit is over: ICMPv6 time exceeded, from an address of the node",
     OPEN_A, send6(r6(hlim=1, **A)).to6(node6(3, 0, r6(hlim=1, **A))).drop("hop-limit"))
case("h64-hlim-1-big", "RFC 4443 2.4: the error is at most 1280 bytes",
     opened(), send6(r6(b"x" * 1400, hlim=1)).to6(node6(3, 0, r6(b"x" * 1400, hlim=1)))
     .drop("hop-limit"))
case("h64-hlim-1-echo", R + "Hop Limit is over: ICMPv6 time exceeded",
     echo_opened(), send6(er6(hlim=1)).to6(node6(3, 0, er6(hlim=1))).drop("hop-limit"))

for bad in ("::1", "ff02::1", "ff0e::1234"):
    case(f"h64-source-{bad}", R + "illegal source: the stack drops it before us", OPEN_A,
         send6(r6(src=bad, **A)).nothing())
for bad in ("::", "::ffff:10.0.1.10", "fe80::1"):
    case(f"h64-source-{bad}", R + "illegal source: no session has it", OPEN_A,
         send6(r6(src=bad, **A)).drop("no-session"))

F = "RFC 6146 3.5, RFC 4787 REQ-8: filtering by address and port"
case("h64-other-port", F, OPEN_A,
     send6(ipr6(A) / UDP(sport=DP + 1, dport=SP) / b"x").drop("no-session"))
case("h64-other-address", F, OPEN_A, send6(r6(src=t6(8), **A)).drop("no-session"))
case("h64-other-of-ours", F, OPEN_A,
     send6(ipr6(A) / UDP(sport=DP, dport=SP + 1) / b"x").drop("no-session"))
case("h64-other-protocol", F, OPEN_A,
     send6(ipr6(A) / TCP(sport=DP, dport=SP, flags="SA")).drop("no-session"))
case("h64-no-session-syn", "RFC 6146 3.5.2.2: IPv6 opens nothing here",
     send6(ipr6(A) / TCP(sport=DP, dport=SP, flags="S")).drop("no-session"))
case("h64-no-session-udp", "RFC 6146 3.5.1: IPv6 opens nothing here",
     send6(r6(**A)).drop("no-session"))
case("h64-no-session-echo-reply", "RFC 5508 3.1: IPv6 opens nothing here",
     send6(er6(**A)).drop("no-session"))
case("h64-echo-request", "RFC 5508 3.1: a ping of an address that is sessions' alone",
     send6(ipr6(A) / Icmp6(type=128, rest=1)).drop("icmp-type"))
case("h64-host-udp", "a dev source: what is no session's is the host's own",
     send6(r6()).to6(node6(1, 4, r6())))
case("h64-host-ping", "a dev source: the host's own ping",
     send6(ipr6({}) / Icmp6(type=128, rest=0x10001) / b"ping")
     .to6(ip6({"hlim": 64}) / Icmp6(type=129, rest=0x10001) / b"ping"))
case("h64-host-port-below", "a dev source: other ports are the host's own", opened(),
     send6(ipr6({}) / UDP(sport=DP, dport=53) / b"x")
     .to6(node6(1, 4, ipr6({}) / UDP(sport=DP, dport=53) / b"x")))

case("h64-padding", R + "Total Length is the header's, not the frame's", opened(),
     send6(Raw(bytes(r6(b"")) + bytes(11))).to4(r4(b"")))
case("h64-udp-short-length", R + "bytes behind a UDP datagram are part of the packet", opened(),
     send6(ipr6({}) / UDP(sport=DP, dport=SP, len=10) / b"ab" / Raw(b"behind"))
     .to4(ipr4({}) / UDP(sport=DP, dport=SP, len=10) / b"ab" / Raw(b"behind")))
for size in (0, 4, 7):
    case(f"h64-udp-cut-{size}", "a UDP header must be there", OPEN_A,
         send6(IPv6(src=T6, dst=SA6, nh=17) / Raw(bytes(r6())[40:40 + size])).drop("malformed"))
for size in (0, 4, 19):
    case(f"h64-tcp-cut-{size}", "a TCP header must be there", OPEN_A,
         send6(IPv6(src=T6, dst=SA6, nh=6) / Raw(bytes(ts6()[0])[40:40 + size])).drop("malformed"))
case("h64-udp-long-length", "a datagram longer than its packet is none", OPEN_A,
     send6(ipr6(A) / UDP(sport=DP, dport=SP, len=11) / b"ab").drop("malformed"))
for doff in (0, 4, 6):
    case(f"h64-tcp-doff-{doff}", "TCP's data offset is within the segment", OPEN_A,
         send6(ipr6(A) / TCP(sport=DP, dport=SP, flags="A", dataofs=doff)).drop("malformed"))

case("h64-many-in-order", "RFC 7915 5: a flow's packets leave in their order", opened(),
     send6(*[r6(b"%d" % n) for n in range(20)]).to4(*[r4(b"%d" % n) for n in range(20)]))
for flags in ("A", "PA", "FA", "UA", "PEA", "FPUA", "PUECA"):
    case(f"h64-tcp-flags-{flags}", "RFC 7915 5: TCP's flags are left unchanged", tcp_opened(),
         send6(ts6(flags, b"data", 5001, 1001)[0]).to4(ts6(flags, b"data", 5001, 1001)[1]))
case("h64-tcp-rst", "RFC 7915 5: a reset crosses", tcp_opened(),
     send6(ts6("RA", b"", 5001, 1001)[0])
     .to4(ts6("RA", b"", 5001, 1001)[1],	# RFC 6146 3.5.2.2: and a probe behind it
          ipr4({"flags": 2, "ttl": 64}) / TCP(sport=DP, dport=SP, flags="A", window=0)))
case("h64-tcp-refused", "RFC 7915 5: a reset crosses", send4(tcp4()).to6(tcp6()),
     send6(ts6("RA", b"", 0, 1001)[0]).to4(ts6("RA", b"", 0, 1001)[1]))
case("h64-two-clients-one-port", "RFC 4787 REQ-1: each client has its own port",
     send4(u4(src=C4P)).to6(ip6({"src": SA6P}) / UDP(sport=SP6, dport=DP) / b"question"),
     send4(ip4({"src": "10.6.0.11"}) / UDP(sport=SP, dport=DP))
     .to4(node4(3, 1, ip4({"src": "10.6.0.11"}) / UDP(sport=SP, dport=DP))).drop("no-port"))
case("h64-port-shared", "architecture.md: sessions to different targets share a port",
     send4(u4(src=C4P)).to6(ip6({"src": SA6P}) / UDP(sport=SP6, dport=DP) / b"question"),
     send4(u4(src=C4P, dst=p4(8)))
     .to6(ip6({"src": SA6P, "dst": t6(8)}) / UDP(sport=SP6, dport=DP) / b"question"),
     send6(ipr6({"dst": SA6P, "src": t6(8)}) / UDP(sport=DP, dport=SP6) / b"answer")
     .to4(r4(src=p4(8), dst=C4P)))
