# SPDX-License-Identifier: GPL-2.0
"""IPv4 headers into IPv6: RFC 7915 section 4.1; also RFC 6040, 6437, 6864, 8021."""
from dsl import *

R = "RFC 7915 4.1: "
case("h46-udp", R + "version, lengths, next header, addresses", send4(u4()).to6(u6()))
case("h46-tcp", R + "version, lengths, next header, addresses", tcp_opened())
case("h46-echo", R + "ICMPv4 becomes ICMPv6", send4(e4()).to6(e6()))
case("h46-port-changed", "RFC 6146 3.5.1: the source's port, the sums follow",
     send4(u4(src=C4P)).to6(ip6({"src": SA6P}) / UDP(sport=SP6, dport=DP) / b"question"),
     send6(ipr6({"dst": SA6P}) / UDP(sport=DP, dport=SP6) / b"answer").to4(r4(dst=C4P)))

for tos in (0, 1, 2, 3, 0x10, 0x28, 0xb8, 0xbb, 0xe0, 0xff):
    case(f"h46-tos-{tos:02x}", R + "Traffic Class is TOS, all 8 bits (ECN too: RFC 6040)",
         send4(u4(tos=tos)).to6(u6(tc=tos)))
    case(f"h46-tcp-tos-{tos:02x}", R + "Traffic Class is TOS",
         send4(tcp4(tos=tos)).to6(tcp6(tc=tos)))
for tos in (0, 0x48):
    case(f"h46-tos-set-{tos:02x}", R + "TOS ignored, by setting",
         send4(u4(tos=0xb8)).to6(u6(tc=tos)), conf=f"param set tos {tos}", undo="param reset tos")
for size in (0, 1, 2, 3, 7, 8, 255, 1000, 1231, 1232, 1233, 1451, 1452):
    case(f"h46-udp-payload-{size}", R + "Payload Length",
         send4(u4(b"p" * size)).to6(u6(b"p" * size)))
    case(f"h46-echo-payload-{size}", R + "Payload Length; 4.2: the sum covers it",
         send4(e4(b"e" * size)).to6(e6(b"e" * size)))
for ttl in (2, 3, 32, 63, 64, 65, 128, 254, 255):
    case(f"h46-ttl-{ttl}", R + "Hop Limit is the TTL, decremented",
         send4(u4(ttl=ttl)).to6(u6(hlim=ttl - 1)))
for ttl in (0, 1):
    case(f"h46-ttl-{ttl}", R + "TTL is over: ICMPv4 time exceeded",
         send4(u4(ttl=ttl)).to4(node4(11, 0, u4(ttl=ttl))).drop("hop-limit"))
case("h46-ttl-1-tcp", R + "TTL is over: ICMPv4 time exceeded",
     send4(tcp4(ttl=1)).to4(node4(11, 0, tcp4(ttl=1))).drop("hop-limit"))
case("h46-ttl-1-echo", R + "TTL is over: ICMPv4 time exceeded (traceroute -I)",
     send4(e4(ttl=1)).to4(node4(11, 0, e4(ttl=1))).drop("hop-limit"))
case("h46-ttl-1-session", R + "TTL is over within a session as well",
     opened(), send4(u4(ttl=1)).to4(node4(11, 0, u4(ttl=1))).drop("hop-limit"))
case("h46-ttl-1-big", "RFC 1812 4.3.2.3: the error holds 576 bytes",
     send4(u4(b"x" * 1200, ttl=1)).to4(node4(11, 0, u4(b"x" * 1200, ttl=1))).drop("hop-limit"))

case("h46-df", R + "no Fragment Header for a whole packet", send4(u4(flags="DF")).to6(u6()))
case("h46-id", R + "no Fragment Header for a whole packet (RFC 8021, RFC 6864)",
     send4(u4(id=0x1234)).to6(u6()))
case("h46-df-id", R + "no Fragment Header for a whole packet", send4(u4(id=7, flags="DF")).to6(u6()))
case("h46-reserved-flag", R + "the reserved flag says nothing", send4(u4(flags=4)).to6(u6()))
case("h46-flow-label", R + "Flow Label 0", tcp_opened())

for bad in ("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
            "255.255.255.255", P4, p4(200)):
    case(f"h46-source-{bad}", R + "illegal source: silently discarded",
         send4(u4(src=bad)).drop("src-check"))
case("h46-source-pool", R + "illegal source: silently discarded",
     send4(tcp4(src=P4)).drop("src-check"))
case("h46-unmapped", "RFC 7915 4.4: discarded, the sender is told",
     send4(u4(dst="198.18.200.1")).to4(node4(3, 1, u4(dst="198.18.200.1"))).drop("unmapped"))
case("h46-unmapped-drop", "RFC 7915 4.4: ICMP errors sent or not, by setting",
     send4(u4(dst="198.18.200.1")).drop("unmapped"),
     conf="param set unmapped drop", undo="param reset unmapped")
case("h46-unmapped-tcp", "RFC 7915 4.4: discarded, the sender is told",
     send4(tcp4(dst="198.18.200.1")).to4(node4(3, 1, tcp4(dst="198.18.200.1"))).drop("unmapped"))
case("h46-policy", "RFC 7915 4.4: administratively prohibited, type 3 code 13",
     send4(u4(dst=p4(33))).to4(node4(3, 13, u4(dst=p4(33)))).drop("policy"),
     conf=f"policy add deny {t6(33)}/128", undo=f"policy del deny {t6(33)}/128")
case("h46-policy-tcp", "RFC 7915 4.4: administratively prohibited, type 3 code 13",
     send4(tcp4(dst=p4(33))).to4(node4(3, 13, tcp4(dst=p4(33)))).drop("policy"),
     conf=f"policy add deny {t6(33)}/128", undo=f"policy del deny {t6(33)}/128")

case("h46-padding", R + "Payload Length is of the header's, not the frame's",
     send4(Raw(bytes(u4(b"")) + bytes(18))).to6(u6(b"")))
case("h46-udp-short-length", R + "bytes behind a UDP datagram are part of the packet",
     send4(ip4({}) / UDP(sport=SP, dport=DP, len=10) / b"ab" / Raw(b"behind"))
     .to6(ip6({}) / UDP(sport=SP, dport=DP, len=10) / b"ab" / Raw(b"behind")))
case("h46-udp-no-length", "a datagram without a header's length is none",
     send4(ip4({}) / UDP(sport=SP, dport=DP, len=7) / b"ab").drop("malformed"))
case("h46-udp-long-length", "a datagram longer than its packet is none",
     send4(ip4({}) / UDP(sport=SP, dport=DP, len=11) / b"ab").drop("malformed"))
for size in (0, 1, 4, 7):
    case(f"h46-udp-cut-{size}", "a UDP header must be there",
         send4(any4(17, bytes(u4())[20:20 + size])).drop("malformed"))
for size in (0, 4, 8, 19):
    case(f"h46-tcp-cut-{size}", "a TCP header must be there",
         send4(any4(6, bytes(tcp4())[20:20 + size])).drop("malformed"))
for size in (0, 4, 7):
    case(f"h46-icmp-cut-{size}", "an ICMP header must be there",
         send4(any4(1, bytes(e4())[20:20 + size])).drop("malformed"))
for doff in (0, 4, 6, 15):
    case(f"h46-tcp-doff-{doff}", "TCP's data offset is within the segment",
         send4(ip4({}) / TCP(sport=SP, dport=DP, flags="S", dataofs=doff)).drop("malformed"))

OPTIONS = [("NOP", None), ("NOP", None), ("Timestamp", (1, 2))]
case("h46-tcp-options", "RFC 7915 4: the data is left unchanged",
     send4(tcp4(options=[("WScale", 7), ("SAckOK", b"")] + OPTIONS))
     .to6(tcp6(options=[("WScale", 7), ("SAckOK", b"")] + OPTIONS)))
for flags in ("A", "PA", "FA", "UA", "PEA", "CA", "FPUA", "PUECA", "N"):
    case(f"h46-tcp-flags-{flags}", "RFC 7915 4: TCP's flags are left unchanged",
         tcp_opened(), send4(tcp4(flags, b"data", 1001, 5001)).to6(tcp6(flags, b"data", 1001, 5001)))
case("h46-tcp-urgent", "RFC 7915 4: the data is left unchanged", tcp_opened(),
     send4(ip4({}) / TCP(sport=SP, dport=DP, flags="UA", urgptr=3, window=77, reserved=5) / b"abc")
     .to6(ip6({}) / TCP(sport=SP, dport=DP, flags="UA", urgptr=3, window=77, reserved=5) / b"abc"))
case("h46-echo-sequence", "RFC 5508 3.1: the identifier is the port, the sequence is untouched",
     [send4(ip4({}) / Icmp4(type=8, rest=ID << 16 | n) / b"x")
      .to6(ip6({}) / Icmp6(type=128, rest=ID << 16 | n) / b"x") for n in (0, 1, 0x7fff, 0xffff)])
case("h46-echo-id-changed", "RFC 5508 3.1: the identifier is the port, both ways",
     send4(e4(src=C4P)).to6(ip6({"src": SA6P}) / Icmp6(type=128, rest=SP6 << 16 | SEQ) /
                            (b"echo" * 14)),
     send6(ipr6({"dst": SA6P}) / Icmp6(type=129, rest=SP6 << 16 | SEQ) / (b"echo" * 14))
     .to4(er4(dst=C4P)))
case("h46-many-in-order", "RFC 7915 4: a flow's packets leave in their order",
     send4(*[u4(b"%d" % n) for n in range(20)]).to6(*[u6(b"%d" % n) for n in range(20)]))
case("h46-addr-source", "RFC 6146 3.5.1: one of the pool's addresses",
     send4(u4(src=C4A)).to6(u6(src=SA6)), send6(r6(dst=SA6)).to4(r4(dst=C4A)))
case("h46-midstream", "RFC 6146 3.5.2.2: a segment without session opens none",
     send4(tcp4("A", b"x", 1001, 5001)).drop("tcp-midstream"),
     send4(tcp4("R", b"", 1001)).drop("tcp-midstream"),
     send4(tcp4("SA", b"", 1001, 5)).drop("tcp-midstream"))
