# SPDX-License-Identifier: GPL-2.0
"""ICMPv6 into ICMPv4: RFC 7915 section 5.2, type by type and code by code; RFC
6791. An error here is about a packet that the client sent; it quotes what the
target was to get, and the client gets quoted what it sent."""
from dsl import *

R = "RFC 7915 5.2: "
ABOUT6, ABOUT4 = u6(hlim=60), u4(ttl=60)


def error(name, what, before, after, rest=(0, 0), src=ROUTER6):
    step = send6(error6(*before, ABOUT6, rest[0], src=src))
    if after:
        step.to4(quoting4(*after, ABOUT4, rest[1]))
    else:
        step.drop("icmp-type")
    case("i64-" + name, R + what, opened(), step)


for code, four in {0: (3, 1), 1: (3, 10), 2: (3, 1), 3: (3, 1), 4: (3, 3), 7: None, 8: None,
                   255: None}.items():
    error(f"unreach-{code}", f"destination unreachable, code {code}", (1, code), four)
    error(f"unreach-{code}-target", f"the same from the target, code {code}", (1, code), four, src=T6)
for code in (0, 1):
    error(f"time-{code}", f"time exceeded, code {code} is unchanged", (3, code), (11, code))
    error(f"time-{code}-target", f"time exceeded, code {code} is unchanged", (3, code), (11, code),
          src=T6)
POINTERS = {0: 0, 1: 1, 2: None, 3: None, 4: 2, 5: 2, 6: 9, 7: 8, 8: 12, 15: 12, 16: 12, 23: 12,
            24: 16, 31: 16, 39: 16, 40: None, 41: None, 255: None, 256: None, 0x10000: None,
            0x1000000: None, 0xffffffff: None}
for six, four in POINTERS.items():
    error(f"param-0-pointer-{six}", f"figure 6: parameter problem, pointer {six}", (4, 0),
          None if four is None else (12, 0), rest=(six, (four or 0) << 24))
error("param-1", "unrecognized next header: protocol unreachable", (4, 1), (3, 2), rest=(6, 0))
error("param-1-pointer-40", "unrecognized next header: protocol unreachable", (4, 1), (3, 2),
      rest=(40, 0))
for code in (2, 3, 10, 255):
    error(f"param-{code}", f"parameter problem, code {code}: silently dropped", (4, code), None)
for kind in (0, 5, 99, 100, 101, 127):
    case(f"i64-type-{kind}", R + "unknown errors: silently dropped", opened(c=C4A, s=SA6),
         send6(error6(kind, 0, u6(hlim=60, src=SA6), dst=SA6)).drop("icmp-type"))
for kind in (138, 139, 140, 144, 148, 152, 160, 200, 254, 255):
    case(f"i64-type-{kind}", R + "unknown informational messages: silently dropped",
         opened(c=C4A, s=SA6),
         send6(ipr6({"dst": SA6}) / Icmp6(type=kind, rest=0x10002) / bytes(24)).drop("icmp-type"))
case("i64-link", R + "single-hop messages, MLD's and neighbours': left to the host", opened(c=C4A, s=SA6),
     send6(*[ipr6({"dst": SA6}) / Icmp6(type=kind) / bytes(24) for kind in (*range(130, 138), 143)]).nothing())
case("i64-echo-reply-code", "RFC 4443 4.2: an echo reply's code is 0", echo_opened(),
     send6(ipr6({}) / Icmp6(type=129, code=1, rest=ID << 16 | SEQ) / b"x").nothing())

P = "RFC 7915 5.2, packet too big: "


def too_big(name, what, mtu, result, c=C4, net=9, n=1, drop=None):
    p, t = p4(n, net if net != 9 else 0), t6(n, net)
    load = b"x" * 600
    q6 = ip6({"dst": t, "hlim": 60}) / UDP(sport=SP, dport=DP) / load
    q4 = ip4({"src": c, "dst": p, "ttl": 60}) / UDP(sport=SP, dport=DP) / load[:576 - 28 - 28]
    q4 = ip4({"src": c, "dst": p, "ttl": 60, "len": 628}) / \
        UDP(sport=SP, dport=DP, len=608, chksum=whole_sum(c, p, load)) / load[:576 - 28 - 28]
    case("i64-too-big-" + name, P + what, opened(p=p, t=t, c=c),
         send6(error6(2, 0, q6, mtu)).to4(quoting4(3, 4, q4, result, src=p, dst=c)),
         jumbo=net == 90)


def whole_sum(c, p, load):
    return IP(bytes(ip4({"src": c, "dst": p}) / UDP(sport=SP, dport=DP) / load))[UDP].chksum


for n, (mtu, result) in enumerate(((1280, 1260), (1281, 1261), (1300, 1280), (1400, 1380),
                                   (1499, 1479), (1500, 1480))):
    too_big(f"{mtu}", "MTU - 20", mtu, result, n=60 + n)
for n, (mtu, result) in enumerate(((1501, 1480), (9000, 1480), (70000, 1480), (0xffffffff, 1480))):
    too_big(f"{mtu}", "not above the next hops' (IPv6: 1500)", mtu, result, n=70 + n)
for n, (mtu, result) in enumerate(((1501, 1481), (4000, 3980), (9000, 8980), (65535, 8980),
                                   (70000, 8980))):
    too_big(f"jumbo-{mtu}", "MTU - 20, not above the next hops'", mtu, result, c="10.9.0.99",
            net=90, n=1 + n)
too_big("client-1000", "not above the IPv4 next hop's", 1280, 1000, c=C4SMALL, n=81)
for n, mtu in enumerate((0, 68, 576, 1279)):
    too_big(f"{mtu}", "below 1280 (RFC 8200 5, RFC 8021): counts as 1280", mtu, 1260, n=85 + n)
case("i64-too-big-code", "RFC 4443 3.2: the code of packet too big is ignored",
     opened(p=p4(90), t=t6(90)),
     send6(error6(2, 7, u6(dst=t6(90), hlim=60), 1400))
     .to4(quoting4(3, 4, u4(dst=p4(90), ttl=60), 1380, src=p4(90))))

S = "RFC 6791 4: "
case("i64-source-router", S + "a router has the address that stands for the target", opened(),
     send6(error6(3, 0, ABOUT6)).to4(quoting4(11, 0, ABOUT4)))
case("i64-source-two-routers", S + "all routers of a path look alike unless set", opened(),
     send6(error6(3, 0, ABOUT6, src="2001:db8:bb::1")).to4(quoting4(11, 0, ABOUT4)),
     send6(error6(3, 0, ABOUT6, src="fd00::1")).to4(quoting4(11, 0, ABOUT4)))
case("i64-source-set", S + "or the address set for them",
     opened(), send6(error6(3, 0, ABOUT6)).to4(quoting4(11, 0, ABOUT4, src="192.0.2.33")),
     conf="param set icmp-source 192.0.2.33", undo="param reset icmp-source")
case("i64-source-set-too-big", S + "or the address set for them", opened(p=p4(91), t=t6(91)),
     send6(error6(2, 0, u6(dst=t6(91), hlim=60), 1400))
     .to4(quoting4(3, 4, u4(dst=p4(91), ttl=60), 1380, src="192.0.2.33")),
     conf="param set icmp-source 192.0.2.33", undo="param reset icmp-source")
case("i64-source-set-target", S + "the target itself keeps the address that stands for it",
     opened(), send6(error6(1, 4, ABOUT6, src=T6)).to4(quoting4(3, 3, ABOUT4)),
     conf="param set icmp-source 192.0.2.33", undo="param reset icmp-source")
for tc in (0, 0xb8, 0xff):
    case(f"i64-outer-tc-{tc:02x}", "RFC 7915 5.1: the error's own TOS", opened(),
         send6(error6(3, 0, ABOUT6, tc=tc)).to4(quoting4(11, 0, ABOUT4, tos=tc)))
for hlim in (2, 255):
    case(f"i64-outer-hlim-{hlim}", "RFC 7915 5.1: the error's own TTL is decremented", opened(),
         send6(error6(3, 0, ABOUT6, hlim=hlim)).to4(quoting4(11, 0, ABOUT4, ttl=hlim - 1)))
case("i64-outer-hlim-1", "RFC 4443 2.4: no error about an error", opened(),
     send6(error6(3, 0, ABOUT6, hlim=1)).drop("hop-limit"))
