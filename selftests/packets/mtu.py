# SPDX-License-Identifier: GPL-2.0
"""Path MTU: RFC 7915 sections 4, 4.1, 5 and 5.1; MSS clamping."""
from dsl import *
from wire import partial

R = "RFC 7915 4.1: "
LOAD = bytes(i % 253 for i in range(9000))


def total4(size, net=0, n=1, **kw):
    """An IPv4 packet of that size to a target of that net, and as it arrives."""
    kw4 = {"dst": p4(n, net), **kw}
    return (u4(LOAD[:size - 28], **kw4), u6(LOAD[:size - 28], dst=t6(n, net or 9)))


for net, mtu in ((0, 1500), (14, 1400), (12, 1280)):
    for size in (mtu - 20, mtu - 21):
        a, b = total4(size, net, 5, flags="DF")
        case(f"m46-df-{mtu}-{size}-fits", R + "DF is set, and it fits", send4(a).to6(b))
        a, b = total4(size, net, 5)
        case(f"m46-{mtu}-{size}-fits", "RFC 7915 4: it fits the path: no Fragment Header",
             send4(a).to6(b))
    for size in (mtu - 19, mtu - 1, mtu):
        a, b = total4(size, net, 6, flags="DF")
        case(f"m46-df-{mtu}-{size}", R + "DF is set: ICMPv4 fragmentation needed, MTU - 20",
             send4(a).to4(node4(3, 4, a, mtu - 20)).drop("too-big"))
        a, b = total4(size, net, 6)
        case(f"m46-{mtu}-{size}", R + "DF is clear: cut to fit the IPv6 path",
             send4(a).to6(b).merged(mtu))
case("m46-jumbo", R + "a path of 9000", send4(u4(LOAD[:2972], src="10.9.0.10", dst=p4(7, 90)))
     .to6(u6(LOAD[:2972], dst=t6(7, 90))), jumbo=True)
case("m46-df-echo", R + "ping -M do -s", send4(e4(LOAD[:1472], flags="DF"))
     .to4(node4(3, 4, e4(LOAD[:1472], flags="DF"), 1480)).drop("too-big"))
case("m46-df-tcp", R + "DF is set: ICMPv4 fragmentation needed", tcp_opened(),
     send4(ip4({"flags": "DF"}) / TCP(sport=SP, dport=DP, flags="A", seq=1001) / LOAD[:1460])
     .to4(node4(3, 4, ip4({"flags": "DF"}) / TCP(sport=SP, dport=DP, flags="A", seq=1001) /
                LOAD[:1460], 1480)).drop("too-big"))
EVERY = ("default", "partial", "frags", "tap", "direct", "forward", "cloned", "tight")
for net, mtu in ((14, 1400), (12, 1280)):
    p, t = p4(8, net), t6(8, net)
    answer = TCP(sport=DP, dport=SP, flags="SA", seq=5000, ack=1001)
    up = [send4(tcp4(dst=p)).to6(tcp6(dst=t)),
          send6(ipr6({"src": t}) / answer).to4(ipr4({"src": p}) / answer)]
    size = mtu - 40		# 20 bytes too much
    sent = tcp4("PA", LOAD[:3 * size - 7], 1001, 5001, dst=p)
    case(f"m46-gso-{mtu}", R + "DF is clear: a GSO packet's segments are cut to fit the IPv6 path", up,
         send4(sent, gso=size)
         .to6(*[tcp6("PA" if n == 2 else "A", LOAD[n * size:min((n + 1) * size, 3 * size - 7)],
                     1001 + n * size, 5001, dst=t) for n in range(3)]).merged(mtu), modes=EVERY)
    sent = ip4({"dst": p, "flags": "DF"}) / sent[TCP]
    case(f"m46-gso-df-{mtu}", R + "DF is set: ICMPv4 fragmentation needed, of a GSO packet once", up,
         send4(sent, gso=size).to4(node4(3, 4, Raw(partial(bytes(sent), size)[0]), mtu - 20))
         .drop("too-big"), modes=EVERY)
    size -= 20
    sent = LOAD[:3 * size - 7]
    case(f"m46-gso-{mtu}-fits", R + "DF is clear: a GSO packet stays one where its segments fit", up,
         send4(tcp4("PA", sent, 1001, 5001, dst=p), gso=size)
         .to6(tcp6("PA", sent, 1001, 5001, dst=t), gso=size), modes=EVERY)

# learned from Packet Too Big
for n, mtu in ((100, 1400), (101, 1300), (102, 1280), (103, 1000)):
    eff = max(mtu, 1280)
    p, t = p4(n), t6(n)
    big = u4(LOAD[:1452], dst=p, flags="DF")
    hurt = u6(LOAD[:200], dst=t, hlim=60)
    case(f"m46-learned-{mtu}", "RFC 7915 4: what a Packet Too Big said is remembered",
         send4(big).to6(u6(LOAD[:1452], dst=t)),
         send6(error6(2, 0, hurt, mtu)).to4(quoting4(3, 4, u4(LOAD[:200], dst=p, ttl=60), eff - 20,
                                                     src=p)),
         send4(big).to4(node4(3, 4, big, eff - 20)).drop("too-big"),
         send4(u4(LOAD[:1452], dst=p)).to6(u6(LOAD[:1452], dst=t)).merged(eff))
case("m46-learned-addr", "RFC 7915 4: the same for another source's address",
     opened(p=p4(105), t=t6(105), c=C4A, s=SA6),
     send6(error6(2, 0, u6(src=SA6, dst=t6(105), hlim=60), 1300, dst=SA6))
     .to4(quoting4(3, 4, u4(src=C4A, dst=p4(105), ttl=60), 1280, src=p4(105), dst=C4A)),
     send4(u4(LOAD[:1400], src=C4A, dst=p4(105), flags="DF"))
     .to4(node4(3, 4, u4(LOAD[:1400], src=C4A, dst=p4(105), flags="DF"), 1280)).drop("too-big"))
case("m46-not-learned", "RFC 8201 4: from a packet that we never sent nothing is learned",
     opened(p=p4(104), t=t6(104), c=C4A, s=SA6),
     send6(error6(2, 0, ip6({"src": SA6, "dst": t6(104)}) / UDP(sport=SP + 1, dport=DP) / b"x", 1280,
                  dst=SA6)).drop("no-session"),
     send4(u4(LOAD[:1452], dst=p4(104), src=C4A, flags="DF"))
     .to6(u6(LOAD[:1452], dst=t6(104), src=SA6)))

# IPv6 to a client behind a small MTU
R5 = "RFC 7915 5.1: "
UP = opened(c=C4SMALL)
for total in (1000, 999):
    case(f"m64-1000-{total}-fits", R5 + "it fits the IPv4 path", UP,
         send6(r6(LOAD[:total - 28])).to4(r4(LOAD[:total - 28], dst=C4SMALL)))
for total in (1001, 1100, 1259, 1260):
    case(f"m64-1000-{total}", "RFC 7915 5.1.1: not above 1280 in IPv6: cut to fit the IPv4 path", UP,
         send6(r6(LOAD[:total - 28])).to4(r4(LOAD[:total - 28], dst=C4SMALL)).merged(1000))
for total in (1261, 1400, 1480):
    sent = r6(LOAD[:total - 28])
    case(f"m64-1000-{total}", R5 + "DF is set above 1260: packet too big, never below 1280; the "
         "error is born in IPv4, behind the rewrite", UP,
         send6(sent).to6(quoting6(2, 0, cut(r6(LOAD[:total - 28], hlim=63), 568), 1280, hlim=64,
                                  tc=0xc0)))
for size in (1400, 1200):
    seg = [TCP(sport=DP, dport=SP, flags="A", seq=5001 + at, ack=1001) / LOAD[at:at + size]
           for at in range(0, 3 * size, size)]
    parts = [ipr4({"dst": C4SMALL}) / s for s in seg]
    step = send6(ipr6({}) / (seg[0] / LOAD[size:3 * size]), gso=size)
    if size == 1200:
        step.to4(*parts).merged(1000)
        seg = []
    for s, part in zip(seg, parts):		# what is quoted has its seed still
        seed = int.from_bytes(partial(bytes(part), 0)[0][36:38], "big")
        s.chksum = moved(seed, P4, C4SMALL, T6, S6)
        step.to6(quoting6(2, 0, cut(ipr6({"hlim": 63}) / s, 568), 1280, hlim=64, tc=0xc0))
    case(f"m64-1000-gso-{size}", R5 + "each segment of a GSO packet is as one alone: an error if its DF is "
         "set, else cut to fit the IPv4 path", send4(tcp4(src=C4SMALL)).to6(tcp6()), step, modes=EVERY)
C9 = "10.7.0.10"		# by a route of 1500
UP9 = opened(c=C9, p=p4(9, 90), t=t6(9, 90))
sent = r6(LOAD[:1500 - 27], src=t6(9, 90))
case("m64-1500", R5 + "packet too big says the IPv4 MTU + 20", UP9,
     send6(sent).to6(node6(2, 0, sent, 1520)).drop("too-big"), jumbo=True)
case("m64-1500-fits", R5 + "1520 bytes of IPv6 are 1500 of IPv4", UP9,
     send6(r6(LOAD[:1472], src=t6(9, 90))).to4(r4(LOAD[:1472], src=p4(9, 90), dst=C9, flags="DF")), jumbo=True)
case("m64-learned", "RFC 7915 4.2: fragmentation needed from the IPv4 side is remembered",
     opened(c="10.9.1.1", p=p4(10, 90), t=t6(10, 90)),
     send6(r6(LOAD[:1972], src=t6(10, 90)))
     .to4(r4(LOAD[:1972], src=p4(10, 90), dst="10.9.1.1", flags="DF")),
     send4(error4(3, 4, r4(LOAD[:200], src=p4(10, 90), dst="10.9.1.1", ttl=60), 1400,
                  dst=p4(10, 90)))
     .to6(quoting6(2, 0, r6(LOAD[:200], src=t6(10, 90), hlim=60), 1420, dst=t6(10, 90))),
     send6(r6(LOAD[:1972], src=t6(10, 90)))
     .to6(node6(2, 0, r6(LOAD[:1972], src=t6(10, 90)), 1420)).drop("too-big"), jumbo=True)

# MSS
M = "RFC 7915 4 (path MTU), by setting mss-clamp: "


def mss(value):
    return {"options": [("MSS", value)]}


for net, path in ((0, 1500), (14, 1400), (12, 1280)):
    for value in (536, path - 61, path - 60, path - 59, 1460, 8960, 65535):
        p, t = p4(11, net), t6(11, net or 9)
        case(f"m46-mss-{path}-{value}", M + "not above the IPv6 path's",
             send4(tcp4(dst=p, **mss(value))).to6(tcp6(dst=t, **mss(min(value, path - 60)))))
for value in (536, 1440, 1441, 1460, 8960):
    case(f"m64-mss-{value}", M + "not above the IPv6 path's, for the client's segments",
         send4(tcp4()).to6(tcp6()),
         send6(ts6(options=[("MSS", value)])[0]).to4(ts6(options=[("MSS", min(value, 1440))])[1]))
case("m46-mss-off", M + "off", send4(tcp4(**mss(8960))).to6(tcp6(**mss(8960))),
     conf="param set mss-clamp off", undo="param reset mss-clamp")
case("m46-mss-1200", M + "a number", send4(tcp4(**mss(1460))).to6(tcp6(**mss(1200))),
     conf="param set mss-clamp 1200", undo="param reset mss-clamp")
case("m46-mss-none", M + "an option that is not there is not added", send4(tcp4()).to6(tcp6()))
case("m46-mss-data", M + "only in a SYN", tcp_opened(),
     send4(tcp4("A", b"", 1001, 5001, **mss(8960))).to6(tcp6("A", b"", 1001, 5001, **mss(8960))))
case("m46-mss-later", M + "behind other options",
     send4(tcp4(options=[("NOP", None), ("WScale", 7), ("MSS", 8960), ("SAckOK", b"")]))
     .to6(tcp6(options=[("NOP", None), ("WScale", 7), ("MSS", 1440), ("SAckOK", b"")])))
case("m46-mss-spoilt", M + "a wrong sum stays as wrong",
     send4(spoil(tcp4(**mss(8960)))).to6(spoil(tcp6(**mss(1440)))))
