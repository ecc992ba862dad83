# SPDX-License-Identifier: GPL-2.0
"""Fragments: RFC 7915 sections 4, 4.1, 5.1.1; RFC 6146 3.4; RFC 6864, 8021. A NAPT
source puts together and cuts again, so packets are compared when put together;
a prefix source carries the Identification, so its fragments are compared."""
from dsl import *
from wire import csum

R4, R5 = "RFC 7915 4.1: ", "RFC 7915 5.1.1: "
LOAD = bytes(i % 253 for i in range(3000))


def there(name, what, before, after, *sizes, order=None, limit=1500, opening=()):
    parts = frag4(before, *sizes)
    parts = [parts[i] for i in order or range(len(parts))]
    case("f46-" + name, R4 + what, *opening, send4(*parts).to6(after).merged(limit))


def back(name, what, before, after, *sizes, order=None, limit=1500, opening=()):
    parts = frag6(before, *sizes)
    parts = [parts[i] for i in order or range(len(parts))]
    case("f64-" + name, R5 + what, *opening, send6(*parts).to4(after).merged(limit))


UP = [opened()]
for total, sizes in ((808, (400, 408)), (1408, (800, 608)), (2008, (1400, 608)), (3008, (1480, 1480, 48)),
                     (40, (8, 8, 8, 8, 8)), (24, (8, 16)), (1000, (992, 8))):
    load = LOAD[:total - 8]
    there(f"udp-{total}-in-{len(sizes)}", "fragments of UDP", u4(load), u6(load), *sizes)
    back(f"udp-{total}-in-{len(sizes)}", "fragments of UDP", r6(load), r4(load),
         *[min(s, 1448) for s in sizes][:-1], total - sum(min(s, 1448) for s in sizes[:-1]),
         opening=UP)
there("reversed", "the last one first", u4(LOAD[:792]), u6(LOAD[:792]), 400, 400, order=(1, 0))
back("reversed", "the last one first", r6(LOAD[:792]), r4(LOAD[:792]), 400, 400, order=(1, 0),
     opening=UP)
there("shuffled", "in any order", u4(LOAD[:792]), u6(LOAD[:792]), 200, 200, 200, 200,
      order=(2, 0, 3, 1))
back("shuffled", "in any order", r6(LOAD[:792]), r4(LOAD[:792]), 200, 200, 200, 200,
     order=(2, 0, 3, 1), opening=UP)
there("tcp-tiny", "a first fragment without all of TCP's header",
      tcp4("PA", LOAD[:100], 1001, 5001), tcp6("PA", LOAD[:100], 1001, 5001), 8, 112,
      opening=[tcp_opened()])
back("tcp-20", "a first fragment with no more than TCP's header",
     ts6("PA", LOAD[:100], 5001, 1001)[0], ts6("PA", LOAD[:100], 5001, 1001)[1], 24, 96,
     opening=[tcp_opened()])
# as long as IPv4 can say, and longer
for size in (65515, 65516, 65528):
    load = (LOAD * 22)[:size - 8]
    for name, up, kw6, kw4 in (("", opened(), {}, {}), ("-addr", opened(c=C4A, s=SA6), {"dst": SA6}, {"dst": C4A}),
                               ("-prefix", opened(c="10.96.0.10", s=embed(96, "10.96.0.10")),
                                {"dst": embed(96, "10.96.0.10")}, {"dst": "10.96.0.10"})):
        step = send6(*frag6(r6(load, **kw6), *[1448] * 45, size - 45 * 1448))
        case(f"f64-long-{size}{name}", R5 + "Total Length has 16 bits: what is longer can't cross", up,
             step.to4(r4(load, **kw4)).merged(1500) if size == 65515 else step.drop("too-big"))
tiny = frag6(ts6("PA", LOAD[:100], 5001, 1001)[0], 8, 112)
case("f64-tcp-tiny", "RFC 8200 4.5: a first fragment without all headers: the stack refuses it",
     tcp_opened(), send6(tiny[0]).to6(node6(4, 3, tiny[0])), send6(tiny[1]).nothing())
for total in (40, 1480, 2008, 3008):
    load = LOAD[:total - 8]
    cut1 = min(total // 2 & ~7, 1400)
    sizes = (cut1, total - cut1) if total - cut1 <= 1480 else (cut1, cut1, total - 2 * cut1)
    there(f"echo-{total}", "fragments of ICMP: the sum is of the whole (ping -s)", e4(load), e6(load),
          *sizes)
    back(f"echo-{total}", "fragments of ICMPv6", er6(load), er4(load), *sizes,
         opening=[echo_opened()])
case("f46-df", R4 + "fragments with DF set", send4(*frag4(u4(LOAD[:792]), 400, 400, df=True))
     .to6(u6(LOAD[:792])).merged(1500))
for net, mtu in ((14, 1400), (12, 1280)):
    kw4, kw6 = {"dst": p4(6, net)}, {"dst": t6(6, net)}
    load, fits = LOAD[:2000], mtu - 48		# of the first fragment; with DF set of each
    case(f"f46-df-{mtu}", R4 + "fragments with DF set that need a larger path: what they may be, with "
         "a Fragment Header, is told", send4(*frag4(u4(load, **kw4), fits + 8, 2000 - fits, df=True))
         .to4(node4(3, 4, u4(load, flags="DF", **kw4), mtu - 28)).drop("too-big"),
         send4(*frag4(u4(load, **kw4), fits, 2008 - fits, df=True)).to6(u6(load, **kw6)).merged(mtu))
case("f46-zero-sum", "RFC 6146 3.4: a UDP sum of zero is calculated over all fragments",
     send4(*frag4(ip4({}) / UDP(sport=SP, dport=DP, chksum=0) / LOAD[:792], 400, 400))
     .to6(u6(LOAD[:792])).merged(1500))
case("f46-spoilt", "RFC 7915 4.5: a wrong sum stays as wrong", send4(*frag4(spoil(u4(LOAD[:792])), 400, 400))
     .to6(spoil(u6(LOAD[:792]))).merged(1500))
case("f46-waits", "RFC 791: nothing comes of a part", send4(frag4(u4(LOAD[:792]), 400, 400)[0]).nothing())
case("f64-waits", "RFC 8200 4.5: nothing comes of a part", opened(),
     send6(frag6(r6(LOAD[:792]), 400, 400)[1]).nothing())
a = frag4(u4(LOAD[:792]), 400, 400, ident=0x101)
b = frag4(u4(LOAD[8:800], src=C4A), 400, 400, ident=0x101)
case("f46-two-clients", "RFC 6864 5.2: two clients' equal Identifications never mix",
     send4(a[0], b[0]).nothing(), send4(a[1]).to6(u6(LOAD[:792])).merged(1500),
     send4(b[1]).to6(ip6({"src": SA6}) / UDP(sport=SP, dport=DP) / LOAD[8:800]).merged(1500))
a = frag6(r6(LOAD[:792]), 400, 400, ident=0x102)
b = frag6(r6(LOAD[8:800], src=t6(8)), 400, 400, ident=0x102)
case("f64-two-targets", "RFC 6864: two targets' equal Identifications never mix", opened(),
     opened(p=p4(8), t=t6(8)), send6(a[0], b[0]).nothing(),
     send6(b[1]).to4(r4(LOAD[8:800], src=p4(8))).merged(1500),
     send6(a[1]).to4(r4(LOAD[:792])).merged(1500))
a, b = frag6(r6(LOAD[:792]), 400, 400), frag6(r6(LOAD[8:800]), 400, 400)
case("f64-idents", "RFC 6864 4.3: each packet in fragments has an Identification of its own", opened(),
     send6(*a, *b).to4(r4(LOAD[:792]), r4(LOAD[8:800])).merged(1500))
a, b = frag6(r6(LOAD[:792]), 400, 400, ident=0x103), frag6(r6(LOAD[8:800], src=t6(8)), 400, 400, ident=0x103)
case("f64-napt-idents", "RFC 6864 5.3.1: the kernel's numbers, not the targets'", opened(), opened(p=p4(8), t=t6(8)),
     send6(*a, *b).to4(r4(LOAD[:792]), r4(LOAD[8:800], src=p4(8))).merged(1500))
a, b = frag4(u4(LOAD[:792]), 400, 400), frag4(u4(LOAD[8:800]), 400, 400)
case("f46-interleaved", "RFC 791: two packets of a flow", send4(a[0], b[0]).nothing(),
     send4(b[1]).to6(u6(LOAD[8:800])).merged(1500), send4(a[1]).to6(u6(LOAD[:792])).merged(1500))
case("f46-ttl-1", R4 + "TTL over: one error, about the packet",
     send4(*frag4(u4(LOAD[:32], ttl=1), 16, 24)).to4(node4(11, 0, u4(LOAD[:32], ttl=1)))
     .drop("hop-limit"))
case("f64-atomic", "RFC 6946, RFC 8021: an atomic fragment is a whole packet", opened(),
     send6(frag6(r6(), 14)[0]).to4(r4()).merged(1500))
case("f64-atomic-tcp", "RFC 6946, RFC 8021: an atomic fragment is a whole packet", tcp_opened(),
     send6(frag6(ts6("PA", b"data", 5001, 1001)[0], 24)[0]).to4(ts6("PA", b"data", 5001, 1001)[1])
     .merged(1500))
HOPS = IPv6(src=T6, dst=S6, hlim=64) / IPv6ExtHdrHopByHop()
case("f64-behind-hop-by-hop", R5 + "extension headers before the Fragment Header are skipped", opened(),
     send6(*frag6(HOPS / UDP(sport=DP, dport=SP) / LOAD[:792], 400, 400, ext=8))
     .to4(r4(LOAD[:792])).merged(1500))
case("f64-host", "a dev source: the host's own fragments are put together for it",
     send6(*frag6(ipr6({}) / Icmp6(type=128, rest=1) / LOAD[:792], 400, 400))
     .to6(ip6({"hlim": 64}) / Icmp6(type=129, rest=1) / LOAD[:792]).merged(1500))
case("f64-no-session", "RFC 6146 3.5: fragments of no session", send6(
    *frag6(r6(LOAD[:792], dst=SA6), 400, 400)).drop("no-session"))
overlap = frag4(u4(LOAD[:792]), 400, 400)
late = bytearray(bytes(overlap[1]))
late[7] -= 1		# eight bytes earlier
late[10:12] = b"\0\0"
late[10:12] = (~csum(bytes(late[:20])) & 0xffff).to_bytes(2, "big")
case("f46-overlap", "RFC 1858, RFC 5722: overlapping fragments are refused",
     send4(overlap[0], Raw(bytes(late))).drop("fragment"))
first, second = frag6(r6(LOAD[:792], dst=SA6), 400, 400)
late = bytearray(bytes(second))
late[43] -= 8
case("f64-overlap", "RFC 5722: overlapping fragments are refused", opened(c=C4A, s=SA6),
     send6(first, Raw(bytes(late))).drop("fragment"))
first, second = frag6(r6(LOAD[:792], dst=SA6), 400, 400)
case("f64-odd", "RFC 8200 4.5: a length that is not a multiple of 8: parameter problem by the stack",
     opened(c=C4A, s=SA6),
     send6(Raw(bytes(first)[:4] + (407).to_bytes(2, "big") + bytes(first)[6:-1])).drop("fragment"))

# a prefix source: the Identification is carried
PC, PS = "10.96.0.10", embed(96, "10.96.0.10")
case("f64-prefix-idents", "RFC 6864 4.3: what has none gets one of its own", opened(c=PC, s=PS),
     send6(*(r6(b"%d" % n, dst=PS) for n in range(4))).to4(*(r4(b"%d" % n, dst=PC) for n in range(4))))
for name, sizes in (("two", (400, 408)), ("three", (400, 400, 8)), ("tiny", (8, 800))):
    load = LOAD[:800]
    case(f"f64-prefix-{name}", R5 + "offset, MF and the low half of the Identification are copied",
         opened(c=PC, s=PS),
         send6(*frag6(r6(load, dst=PS), *sizes, ident=0xabcd0000 + len(sizes) + sizes[0]))
         .to4(*frag4(r4(load, dst=PC), *sizes, ident=len(sizes) + sizes[0])).exact())
    case(f"f46-prefix-{name}", R4 + "what fits in one packet may be one",
         send4(*frag4(u4(load, src=PC), *sizes)).to6(u6(load, src=PS)).merged(1500))
for total in (1600, 2500):
    load = LOAD[:total - 8]
    case(f"f46-prefix-{total}", R4 + "the low half of the Identification is copied, the rest 0",
         send4(*frag4(u4(load, src=PC), 1208, total - 1208, ident=total))
         .to6(u6(load, src=PS)).merged(1500).ident(total))
    case(f"f46-prefix-echo-{total}", R4 + "the same, of ICMP",
         send4(*frag4(e4(load, src=PC), 1208, total - 1208, ident=total + 1))
         .to6(e6(load, src=PS)).merged(1500).ident(total + 1))
    case(f"f46-prefix-cut-{total}", R4 + "a whole packet that is cut keeps its Identification",
         send4(u4(LOAD[:1472], src=PC, id=total)).to6(u6(LOAD[:1472], src=PS))
         .merged(1500).ident(total))
