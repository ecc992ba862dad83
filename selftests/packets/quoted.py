# SPDX-License-Identifier: GPL-2.0
"""The packet that an error quotes: RFC 7915 sections 4.3 and 5.3, RFC 4884, RFC
5508 section 5."""
from dsl import *

S4, S5 = "RFC 7915 4.3: ", "RFC 7915 5.3: "
UP = opened()
A = {"dst": SA6}


def from4(name, what, quoted4, quoted6, *before, rest=(0, 0), **kw):
    case("q46-" + name, S4 + what, *(before or [UP]),
         send4(error4(3, 1, quoted4, rest[0], **kw)).to6(quoting6(1, 0, quoted6, rest[1])))


def from6(name, what, quoted6, quoted4, *before, rest=(0, 0), exact=False):
    step = send6(error6(1, 0, quoted6, rest[0])).to4(quoting4(3, 1, quoted4, rest[1]))
    case("q64-" + name, S5 + what, *(before or [UP]), step.exact() if exact else step)


def bad4(name, what, quoted4, reason="icmp-quoted", code=1, kind=3):
    case("q46-" + name, S4 + what, UP,
         send4(error4(kind, code, quoted4)).drop(reason))


def bad6(name, what, quoted6, reason="icmp-quoted", code=0, kind=1):
    """To an addr source; the same to a dev source is left to the host."""
    case("q64-" + name, S5 + what, opened(c=C4A, s=SA6),
         send6(error6(kind, code, quoted6, dst=SA6)).drop(reason))


# each transport
from4("tcp", "TCP", ts6("PA", b"hello", 5001, 1001)[1],
      ipr6({"hlim": 63}) / TCP(sport=DP, dport=SP, flags="PA", seq=5001, ack=1001) / b"hello",
      tcp_opened())
from6("tcp", "TCP", ip6({"hlim": 60}) / TCP(sport=SP, dport=DP, flags="PA", seq=1001) / b"hello",
      ip4({"ttl": 60}) / TCP(sport=SP, dport=DP, flags="PA", seq=1001) / b"hello", tcp_opened())
from4("echo", "an echo reply, its type translated", er4(ttl=60), er6(hlim=60), echo_opened())
from6("echo", "an echo request, its type translated", e6(hlim=60), e4(ttl=60), echo_opened())
from4("echo-8-bytes", "an echo reply, eight bytes of it: the sum is of all of it",
      cut(er4(ttl=60), 28), cut(er6(hlim=60), 48), echo_opened())
from6("echo-8-bytes", "an echo request, eight bytes of it", cut(e6(hlim=60), 48),
      cut(e4(ttl=60), 28), echo_opened())

# header fields of the quoted packet
for ttl in (0, 1, 2, 63, 255):
    from4(f"ttl-{ttl}", "the quoted TTL is not decremented", r4(ttl=ttl), r6(hlim=ttl))
    from6(f"hlim-{ttl}", "the quoted Hop Limit is not decremented", u6(hlim=ttl), u4(ttl=ttl))
for tos in (1, 0xb8, 0xff):
    from4(f"tos-{tos:02x}", "the quoted TOS", r4(tos=tos, ttl=60), r6(tc=tos, hlim=60))
    from6(f"tc-{tos:02x}", "the quoted Traffic Class", u6(tc=tos, hlim=60), u4(tos=tos, ttl=60))
from6("flow-label", "a quoted flow label goes", u6(fl=0x12345), u4(ttl=63))
from4("df", "DF has no place in IPv6", r4(flags="DF", ttl=60), r6(hlim=60))
from4("id", "no Fragment Header for a whole packet", r4(id=0x4321, ttl=60), r6(hlim=60))
from4("outer-tos", "the error's own TOS", r4(ttl=60), r6(hlim=60))
case("q46-outer-tos-c0", "RFC 7915 4.1: the error's own TOS", UP,
     send4(error4(3, 1, r4(ttl=60), tos=0xc0)).to6(quoting6(1, 0, r6(hlim=60), tc=0xc0)))
for ttl in (0, 1):
    case(f"q46-outer-ttl-{ttl}", "RFC 1122 3.2.2: no error about an error whose TTL is over", UP,
         send4(error4(3, 1, r4(ttl=60), ttl=ttl)).drop("hop-limit"))
case("q46-outer-ttl", "RFC 7915 4.1: the error's own TTL is decremented", UP,
     send4(error4(3, 1, r4(ttl=60), ttl=9)).to6(quoting6(1, 0, r6(hlim=60), hlim=8)))
# the last one is a client of a prefix source, which this session is not of
for src in ("127.0.0.1", "0.0.0.0", "10.255.255.255", "192.0.2.200", "10.96.0.1"):
    case(f"q46-router-{src}", "RFC 7915 4.1: an error's illegal source is translated all the same",
         UP, send4(error4(11, 0, r4(ttl=60), src=src)).to6(quoting6(3, 0, r6(hlim=60))))

# cut
for size in (8, 9, 12, 18, 19, 20, 24):
    from4(f"tcp-{size}", f"{size} bytes of TCP",
          cut(ts6("PA", b"hello", 5001, 1001)[1], 20 + size),
          cut(ipr6({"hlim": 63}) / TCP(sport=DP, dport=SP, flags="PA", seq=5001, ack=1001) /
              b"hello", 40 + size), tcp_opened())
    from6(f"tcp-{size}", f"{size} bytes of TCP",
          cut(ip6({"hlim": 60}) / TCP(sport=SP, dport=DP, flags="PA", seq=1001) / b"hello",
              40 + size),
          cut(ip4({"ttl": 60}) / TCP(sport=SP, dport=DP, flags="PA", seq=1001) / b"hello",
              20 + size), tcp_opened())
T17 = bytes(ip6({"hlim": 60}) / TCP(sport=SP, dport=DP, flags="PA", seq=1001) / b"hello")[:57]
from6("tcp-17", "17 bytes of TCP: half of a sum stays as it is", Raw(T17),
      Raw(bytes(ip4({"ttl": 60, "proto": 6, "len": 45}) / Raw(T17[40:]))), tcp_opened())
for size in (8, 10, 13):
    from4(f"udp-{size}", f"{size} bytes of UDP", cut(r4(ttl=60), 20 + size),
          cut(r6(hlim=60), 40 + size))
    from6(f"udp-{size}", f"{size} bytes of UDP", cut(u6(hlim=60), 40 + size),
          cut(u4(ttl=60), 20 + size))
for size in (0, 2, 4, 7):
    bad4(f"udp-{size}", "less than 8 bytes of the transport header", cut(r4(ttl=60), 20 + size))
    bad6(f"udp-{size}", "less than 8 bytes of the transport header",
         cut(u6(hlim=60, src=SA6), 40 + size))
for size in (0, 10, 19):
    bad4(f"header-{size}", "not even an IPv4 header", cut(r4(ttl=60), size))
for size in (0, 20, 39):
    bad6(f"header-{size}", "not even an IPv6 header", cut(u6(hlim=60, src=SA6), size))
for size in (4, 7):
    bad4(f"udp-length-{size}", "less than 8 bytes of the transport header, says the quoted header",
         ipr4({"ttl": 60, "len": 20 + size}) / UDP(sport=DP, dport=SP) / b"answer")
    bad6(f"udp-length-{size}", "less than 8 bytes of the transport header, says the quoted header",
         ip6({"src": SA6, "plen": size}) / UDP(sport=SP, dport=DP) / b"question")
GRE = [send4(any4(47)).to6(any6(47))]
from4("gre-empty", "nothing in it", ipr4({"proto": 47, "ttl": 60}), ipr6({"nh": 47, "hlim": 60}), GRE)
from6("gre-empty", "nothing in it", ip6({"nh": 47, "hlim": 60}), ip4({"proto": 47, "ttl": 60}), GRE)
from4("gre-0", "no ports, so the header alone will do",
      cut(ipr4({"proto": 47, "ttl": 60}) / Raw(b"back"), 20),
      cut(ipr6({"nh": 47, "hlim": 60}) / Raw(b"back"), 40), GRE)
from6("gre-0", "no ports, so the header alone will do", cut(any6(47, hlim=60), 40),
      cut(any4(47, ttl=60), 20), GRE)
from6("gre-0-fragment", "no ports, so the headers alone will do",
      cut(frag6(any6(47, b"x" * 16, hlim=60), 8, 8, ident=0x12348765)[0], 48),
      cut(frag4(any4(47, b"x" * 16, ttl=60), 8, 8, ident=0x8765)[0], 20), GRE)
LONG6 = bytes(u6(hlim=60))
from6("length-65515", "no longer than an IPv4 packet can be", Raw(LONG6[:4] + b"\xff\xeb" + LONG6[6:]),
      ip4({"ttl": 60, "len": 0xffff, "proto": 17}) / Raw(bytes(u4())[20:]))
LONG6 = bytes(u6(hlim=60, src=SA6))
bad6("length-65516", "longer than an IPv4 packet can be", Raw(LONG6[:4] + b"\xff\xec" + LONG6[6:]))
BIG = b"0123456789abcdef" * 85		# 1360
from6("576", "RFC 1812 4.3.2.3: an ICMPv4 error is at most 576 bytes", cut(u6(BIG, hlim=60), 1232),
      cut(u4(BIG, ttl=60), 548))
from6("549", "RFC 1812 4.3.2.3: an ICMPv4 error is at most 576 bytes",
      u6(BIG[:521], hlim=60), cut(u4(BIG[:521], ttl=60), 548))
from6("548", "RFC 1812 4.3.2.3: one of 576 bytes is whole", u6(BIG[:520], hlim=60),
      u4(BIG[:520], ttl=60))
from4("1280", "RFC 4443 2.4: an ICMPv6 error is at most 1280 bytes", cut(r4(BIG, ttl=60), 1300),
      cut(r6(BIG, hlim=60), 1232))
from4("1233", "RFC 4443 2.4: an ICMPv6 error is at most 1280 bytes", r4(BIG[:1185], ttl=60),
      cut(r6(BIG[:1185], hlim=60), 1232))
from4("1232", "RFC 4443 2.4: one of 1280 bytes is whole", r4(BIG[:1184], ttl=60),
      r6(BIG[:1184], hlim=60))

# checksums of what is quoted are carried by difference
from4("spoilt-udp", "a wrong quoted checksum stays as wrong", spoil(r4(ttl=60)),
      spoil(r6(hlim=60)))
from6("spoilt-udp", "a wrong quoted checksum stays as wrong", spoil(u6(hlim=60)),
      spoil(u4(ttl=60)))
from4("spoilt-echo", "a wrong quoted checksum stays as wrong", spoil(er4(ttl=60)),
      spoil(er6(hlim=60)), echo_opened())
from6("spoilt-echo", "a wrong quoted checksum stays as wrong", spoil(e6(hlim=60)),
      spoil(e4(ttl=60)), echo_opened())
from4("udp-zero", "a quoted UDP checksum of zero is none",
      ipr4({"ttl": 60}) / UDP(sport=DP, dport=SP, chksum=0) / b"x",
      ipr6({"hlim": 60}) / UDP(sport=DP, dport=SP, chksum=0) / b"x")
BROKEN = "RFC 5508 REQ-3: an error whose checksum is wrong is dropped"
case("q46-outer-sum", BROKEN, UP, send4(spoil(error4(3, 1, r4(ttl=60)))).drop("malformed"))
case("q64-outer-sum", BROKEN, UP, send6(spoil(error6(1, 0, u6(hlim=60)))).drop("malformed"))

# port and identifier changed by the session
CP = [send4(u4(src=C4P)).to6(ip6({"src": SA6P}) / UDP(sport=SP6, dport=DP) / b"question")]
case("q64-port", S5 + "the client's own port in what is quoted", CP,
     send6(error6(1, 4, ip6({"src": SA6P}) / UDP(sport=SP6, dport=DP) / b"question", src=T6,
                  dst=SA6P))
     .to4(quoting4(3, 3, u4(src=C4P, ttl=63), dst=C4P)))
case("q46-port", S4 + "the session's port in what is quoted", CP,
     send4(error4(3, 3, r4(dst=C4P), src=C4P))
     .to6(quoting6(1, 4, ipr6({"dst": SA6P, "hlim": 63}) / UDP(sport=DP, dport=SP6) / b"answer",
                   src=SA6P)))
# SCTP's sum has to be there, all of it; where it isn't, the port alone changes
SC4, SC6 = (bytes(h / Sctp(sport=n, dport=DP) / b"12 and more") for h, n in
            ((ip4({"src": C4P, "ttl": 60}), SP), (ip6({"src": SA6P, "hlim": 60}), SP6)))
for size in (8, 11, 12, 13):
    short = SC4[:20] + SC4[20:28] + SC6[48:52][:size - 8] if size < 12 else SC4[:20 + size]
    case(f"q64-sctp-{size}", S5 + f"{size} bytes of SCTP",
         send4(Raw(SC4)).to6(ip6({"src": SA6P, "hlim": 59, "nh": 132}) / Raw(SC6[40:])),
         send6(error6(1, 4, Raw(SC6[:40 + size]), src=T6, dst=SA6P))
         .to4(quoting4(3, 3, Raw(short), dst=C4P)))
SB4, SB6 = (bytes(h / Sctp(sport=DP, dport=n) / b"12 and more") for h, n in
            ((ipr4({"dst": C4P, "ttl": 60}), SP), (ipr6({"dst": SA6P, "hlim": 60}), SP6)))
for size in (12, len(SB4) - 20):
    case(f"q46-sctp-{size}", S4 + f"{size} bytes of SCTP",
         send4(Raw(SC4)).to6(ip6({"src": SA6P, "hlim": 59, "nh": 132}) / Raw(SC6[40:])),
         send4(error4(3, 3, Raw(SB4[:20 + size]), src=C4P))
         .to6(quoting6(1, 4, Raw(SB6[:40 + size]), src=SA6P)))
EP6 = ip6({"src": SA6P, "hlim": 63}) / Icmp6(type=128, rest=SP6 << 16 | SEQ) / b"ping"
EP4 = ip4({"src": C4P, "ttl": 63}) / Icmp4(type=8, rest=ID << 16 | SEQ) / b"ping"
case("q64-echo-id", S5 + "the client's own identifier in what is quoted",
     send4(ip4({"src": C4P}) / Icmp4(type=8, rest=ID << 16 | SEQ) / b"ping").to6(EP6),
     send6(error6(3, 0, EP6, dst=SA6P)).to4(quoting4(11, 0, EP4, dst=C4P)))
case("q46-echo-id", S4 + "the session's identifier in what is quoted",
     send4(ip4({"src": C4P}) / Icmp4(type=8, rest=ID << 16 | SEQ) / b"ping").to6(EP6),
     send4(error4(11, 0, ipr4({"dst": C4P}) / Icmp4(type=0, rest=ID << 16 | SEQ) / b"ping"))
     .to6(quoting6(3, 0, ipr6({"dst": SA6P, "hlim": 63}) /
                   Icmp6(type=129, rest=SP6 << 16 | SEQ) / b"ping", src=SA6P)))

# options, extension headers, fragments in what is quoted
RR = Raw(b"\x07\x07\x08\0\0\0\0")
from4("options", "quoted options go", r4(ttl=60, options=[RR]), r6(hlim=60))
HBH, DST = IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt()
q = ip6({"hlim": 60})
udp = UDP(sport=SP, dport=DP) / b"question"
from6("hop-by-hop", "a quoted hop-by-hop header goes", q / HBH / udp, u4(ttl=60))
from6("destination", "a quoted destination options header goes", q / DST / udp, u4(ttl=60))
from6("two-headers", "quoted extension headers go", q / HBH / DST / udp, u4(ttl=60))
FIRST4 = frag4(r4(b"answer" * 4, ttl=60), 24, 8, ident=0x4321)
from4("first-fragment", "a quoted first fragment has a Fragment Header",
      FIRST4[0], frag6(r6(b"answer" * 4, hlim=60), 24, 8, ident=0x4321)[0])
FIRST6 = frag6(u6(b"question" * 2, hlim=60), 16, 8, ident=0x12348765)
from6("first-fragment", "a quoted first fragment: MF, and the low half of the Identification",
      FIRST6[0], frag4(u4(b"question" * 2, ttl=60), 16, 8, ident=0x8765)[0], exact=True)
from6("atomic-fragment", "a quoted atomic fragment is a whole packet",
      frag6(u6(hlim=60), 16, ident=0x12348765)[0], u4(ttl=60, id=0x8765, flags="DF"), exact=True)
from4("first-fragment-1280", "RFC 4443 2.4: at most 1280 bytes, the Fragment Header counted",
      frag4(r4(BIG, ttl=60), 1344, 24, ident=7)[0], cut(frag6(r6(BIG, hlim=60), 1344, 24, ident=7)[0], 1232))
bad6("hop-by-hop-behind-fragment", "a hop-by-hop header is no transport protocol's",
     ip6({"src": SA6}) / IPv6ExtHdrFragment(nh=0, m=1) / Raw(bytes(16)), "no-session")
bad6("shorter-than-headers", "a quoted length that its own extension headers exceed",
     ip6({"src": SA6, "plen": 4}) / DST / udp)
bad4("later-fragment", "a later fragment has no ports", FIRST4[1])
bad6("later-fragment", "a later fragment has no ports",
     frag6(u6(b"question" * 2, src=SA6), 16, 8)[1])

# who sent it, and to whom
from4("bad-header-sum", "a quoted header's sum isn't copied but made: routers that lower the TTL "
      "and leave the sum are heard (against RFC 5508 REQ-3a, a SHOULD)",
      r4(ttl=60, chksum=0x1111), r6(hlim=60))
bad4("not-from-pool", "the quoted packet was not sent from where the error goes",
     r4(src=p4(8), ttl=60))
bad4("reversed", "the quoted packet is the client's own", u4(ttl=60))
bad4("version-6", "an IPv6 packet in an ICMPv4 error", r6(hlim=60))
bad4("ihl-4", "a quoted header of 16 bytes", Raw(b"\x44" + bytes(r4(ttl=60))[1:]))
bad4("ihl-15", "a quoted header longer than what is there",
     Raw(b"\x4f" + bytes(r4(ttl=60))[1:]))
bad4("ihl-15-gre", "the same of a protocol without ports",
     Raw(b"\x4f\0\0\x64" + bytes(ipr4({"proto": 47, "ttl": 60}) / Raw(b"back" * 4))[4:]))
bad4("ihl-6-gre", "a quoted header of 24 bytes, of which 20 are there",
     Raw(b"\x46\0\0\x64" + bytes(ipr4({"proto": 47, "ttl": 60}))[4:]))
bad4("length-19", "a quoted length below a header's",
     Raw(bytes(r4(ttl=60))[:2] + b"\0\x13" + bytes(r4(ttl=60))[4:]))
bad4("no-session", "nothing was sent to that port", ipr4({}) / UDP(sport=DP, dport=SP + 1) / b"x",
     "no-session")
bad4("no-session-tcp", "nothing was sent over that protocol",
     ipr4({}) / TCP(sport=DP, dport=SP), "no-session")
bad6("not-ours", "the quoted packet was not sent from where the error goes", u6(hlim=60))
bad6("reversed", "the quoted packet is the target's own", r6(**A))
bad6("version-4", "an IPv4 packet in an ICMPv6 error", cut(u4(b"x" * 40), 60))
bad6("no-session", "nothing was sent from that port",
     ip6({"src": SA6}) / UDP(sport=SP + 1, dport=DP) / b"x", "no-session")
bad6("no-session-tcp", "nothing was sent over that protocol",
     ip6({"src": SA6}) / TCP(sport=SP, dport=DP), "no-session")
bad6("other-target", "nothing was sent to that target",
     ip6({"src": SA6, "dst": t6(8)}) / UDP(sport=SP, dport=DP) / b"x", "no-session")
case("q64-host", S5 + "in a dev source an error of no session is the host's own",
     send6(error6(1, 0, u6(hlim=60))).nothing())
case("q64-host-echo", S5 + "the host's own ping",
     send6(error6(3, 0, e6(hlim=60))).nothing())
for kind in (3, 4, 5, 11, 12):
    bad4(f"about-error-{kind}", "errors about errors stop at the first embedded header",
         IP(src=P4, dst=C4) / Icmp4(type=kind, code=1) / u4(), "icmp-about-icmp")
bad4("about-query", "of ICMP only an echo is quoted of us",
     IP(src=P4, dst=C4) / Icmp4(type=13) / bytes(12))
for kind in (1, 2, 3, 4, 100):
    bad6(f"about-error-{kind}", "errors about errors stop at the first embedded header",
         ip6({"src": SA6}) / Icmp6(type=kind, rest=1400) / r6(**A), "icmp-about-icmp")

# RFC 4884
X = extension()
E = "RFC 4884 4: "


LONG_X = extension(b"\0\x6c\1\1" + bytes(range(104)))


def words(packet, unit, field, size=128, ext=X):
    """What is quoted, padded, with an extension behind it; its length field."""
    raw = bytes(packet)
    size = max(size, -(-len(raw) // unit) * unit)
    return Raw(raw + bytes(size - len(raw)) + ext), size // unit << field


for name, load in (("short", b"answer"), ("128", b"a" * 100), ("130", b"a" * 102),
                   ("300", b"a" * 272)):
    for kind, six in ((3, 1), (11, 3)):
        four, rest4 = words(r4(load, ttl=60), 4, 16)
        new, rest6 = words(r6(load, hlim=60), 8, 24)
        case(f"q46-extension-{kind}-{name}", E + "carried, the length field in units of 8", UP,
             send4(error4(kind, 1, four, rest4))
             .to6(quoting6(six, 1 if kind == 11 else 0, new, rest6)))
        six6, rest6 = words(u6(load, hlim=60), 8, 24)
        four4, rest4 = words(u4(load, ttl=60), 4, 16)
        case(f"q64-extension-{kind}-{name}", E + "carried, the length field in units of 4", UP,
             send6(error6(six, 1 if kind == 11 else 0, six6, rest6))
             .to4(quoting4(kind, 1, four4, rest4)))
case("q64-idents", "RFC 6864 4.3: each error has an Identification of its own", UP,
     send6(*[error6(1, 0, u6(hlim=60))] * 8).to4(*[quoting4(3, 1, u4(ttl=60))] * 8))
six6, rest6 = words(u6(hlim=60), 8, 24, ext=LONG_X)
four4, rest4 = words(u4(ttl=60), 4, 16, ext=LONG_X)
case("q64-extension-long", E + "a short quoted packet and a long extension", UP,
     send6(error6(3, 0, six6, rest6)).to4(quoting4(11, 0, four4, rest4)))
four, rest4 = words(FIRST4[0], 4, 16)
new, rest6 = words(frag6(r6(b"answer" * 4, hlim=60), 24, 8, ident=0x4321)[0], 8, 24)
case("q46-extension-fragment", E + "padded behind the Fragment Header", UP,
     send4(error4(3, 1, four, rest4)).to6(quoting6(1, 0, new, rest6)))
four, rest4 = words(r4(ttl=60), 4, 16)
case("q46-extension-param", E + "ICMPv6 parameter problem has no length field: left out", UP,
     send4(error4(12, 0, four, rest4 | 8 << 24)).to6(quoting6(4, 0, r6(hlim=60), 7)))
case("q46-extension-too-big", E + "packet too big has no length field: left out", UP,
     send4(error4(3, 4, four, rest4 | 1400)).to6(quoting6(2, 0, r6(hlim=60), 1420)))
long6, rest6 = words(cut(u6(b"u" * 1000, hlim=60), 1000), 8, 24)
case("q64-extension-cut", E + "the quoted packet is cut for it to fit 576 bytes", UP,
     send6(error6(3, 0, long6, rest6))
     .to4(quoting4(11, 0, Raw(bytes(cut(u4(b"u" * 1000, ttl=60), 536)) + X), 134 << 16)))
long4, rest4 = words(cut(r4(b"u" * 1000, ttl=60), 1000), 4, 16)
case("q46-extension-long", E + "a long quoted packet and an extension", UP,
     send4(error4(11, 0, long4, rest4))
     .to6(quoting6(3, 0, Raw(bytes(cut(r6(b"u" * 1000, hlim=60), 1020)) + bytes(4) + X),
                   128 << 24)))
case("q46-length-too-long", E + "a length beyond the message", UP,
     send4(error4(3, 1, r4(ttl=60), 200 << 16)).drop("icmp-quoted"))
case("q64-length-too-long", E + "a length beyond the message", opened(c=C4A, s=SA6),
     send6(error6(1, 0, u6(src=SA6), 200 << 24, dst=SA6)).drop("icmp-quoted"))
F4, F6 = (x / UDP(sport=SP, dport=DP) / (b"question" * 2) for x in
          (ip4({"dst": p4(120), "ttl": 60}), ip6({"dst": t6(120), "hlim": 60})))
case("q64-first-fragment-too-big", "RFC 7915 5.2: 28 bytes less where a Fragment Header is quoted",
     opened(p=p4(120), t=t6(120)), send6(error6(2, 0, frag6(F6, 16, 8)[0], 1400))
     .to4(quoting4(3, 4, frag4(F4, 16, 8)[0], 1372, src=p4(120))))
