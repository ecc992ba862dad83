# SPDX-License-Identifier: GPL-2.0
"""IPv6 extension headers: RFC 7915 section 5.1: hop-by-hop, destination options
and routing headers without segments left are skipped."""
import struct

from dsl import *

R = "RFC 7915 5.1: "
A = {"dst": SA6}
OPEN_A = opened(c=C4A, s=SA6)


def chain(proto, body, *headers, **kw):
    """An IPv6 packet with extension headers, as their bytes without the first:
    [(number, bytes)]."""
    out, nh = b"", [n for n, _ in headers] + [proto]
    for (_, data), after in zip(headers, nh[1:]):
        out += struct.pack("!B", after) + data
    return IPv6(**{"src": T6, "dst": S6, "hlim": 64, "nh": nh[0], **kw}) / Raw(out + body)


def udp(dst=S6, load=b"answer"):
    return bytes(r6(load, dst=dst))[40:]


HOP = (0, b"\0\x01\x04\0\0\0\0")
DEST = (60, b"\0\x01\x04\0\0\0\0")
DEST_LONG = (60, b"\x03\x01\x1c" + bytes(28))
ROUTE_DONE = (43, b"\x02\0\0" + bytes(20))
ROUTE2_DONE = (43, b"\x02\x02\0" + bytes(20))
ROUTE4_DONE = (43, b"\x02\x04\0" + bytes(20))
SKIPPED = {"hop": [HOP], "dest": [DEST], "dest-long": [DEST_LONG], "route0-done": [ROUTE_DONE],
           "route2-done": [ROUTE2_DONE], "route4-done": [ROUTE4_DONE], "hop-dest": [HOP, DEST],
           "dest-dest": [DEST, DEST], "dest-route-dest": [DEST, ROUTE_DONE, DEST],
           "hop-dest-route-dest": [HOP, DEST, ROUTE_DONE, DEST_LONG],
           "eight": [DEST] * 8}
for name, headers in SKIPPED.items():
    case("ext-" + name, R + "skipped; Total Length and Protocol say so", opened(),
         send6(chain(17, udp(), *headers)).to4(r4()))
    case(f"ext-{name}-addr", R + "the same in an addr source", OPEN_A,
         send6(chain(17, udp(SA6), *headers, **A)).to4(r4(dst=C4A)))
for name in ("hop", "dest", "hop-dest-route-dest"):
    seg = ts6("PA", b"hello", 5001, 1001)
    case(f"ext-{name}-tcp", R + "skipped before TCP", tcp_opened(),
         send6(chain(6, bytes(seg[0])[40:], *SKIPPED[name])).to4(seg[1]))
    case(f"ext-{name}-echo", R + "skipped before ICMPv6", echo_opened(),
         send6(chain(58, bytes(er6())[40:], *SKIPPED[name])).to4(er4()))
    case(f"ext-{name}-error", R + "skipped before an ICMPv6 error", opened(),
         send6(chain(58, bytes(error6(3, 0, u6(hlim=60), src=T6))[40:], *SKIPPED[name]))
         .to4(quoting4(11, 0, u4(ttl=60))))
EVERY = ("default", "partial", "frags", "tap", "direct", "forward", "cloned", "tight")
for seq in (0x00001389, 0xf0001389):
    for size in (1440, 1432):
        seg = ts6("A", bytes(i % 253 for i in range(3 * size)), seq, 1001, df="DF")
        case(f"ext-dest-gso-{size}-{seq:08x}", R + "skipped before a GSO packet, whatever is where TCP "
             "would be without it", tcp_opened(),
             send6(chain(6, bytes(seg[0])[40:], DEST), gso=size).to4(seg[1], gso=size), modes=EVERY)
for total in (1260, 1261):
    case(f"ext-df-{total}", R + "DF goes by the length of the IPv4 packet", opened(),
         send6(chain(17, udp(load=b"x" * (total - 28)), DEST))
         .to4(r4(b"x" * (total - 28), flags="DF" if total > 1260 else 0)))
case("ext-hlim-1", R + "hop limit over: quoted with its headers", opened(),
     send6(chain(17, udp(), DEST, hlim=1)).to6(node6(3, 0, chain(17, udp(), DEST, hlim=1)))
     .drop("hop-limit"))

for kind in (0, 2, 3, 4, 253):
    route = (43, struct.pack("!BBB", 2, kind, 1) + bytes(20))
    sent = chain(17, udp(SA6), route, **A)
    case(f"ext-route{kind}-left", R + "segments left: parameter problem, pointer to Segments Left",
         OPEN_A, send6(sent).to6(node6(4, 0, sent, 43)).drop("routing-header"))
route = (43, b"\x02\0\xff" + bytes(20))
for name, before in (("hop", [HOP]), ("dest-long", [DEST_LONG]), ("hop-dest", [HOP, DEST])):
    sent = chain(17, udp(SA6), *before, route, **A)
    at = 40 + sum(len(d) + 1 for _, d in before) + 3
    case(f"ext-route-left-after-{name}", R + "segments left: the pointer counts what is before",
         OPEN_A, send6(sent).to6(node6(4, 0, sent, at)).drop("routing-header"))
sent = chain(6, bytes(ts6("SA")[0])[40:], route, **A)
case("ext-route-left-tcp", R + "segments left: parameter problem",
     OPEN_A, send6(sent).to6(node6(4, 0, sent, 43)).drop("routing-header"))

case("ext-ah", R + "AH can't cross", OPEN_A,
     send6(chain(17, udp(SA6), (51, b"\x04\0\0" + bytes(20)), **A)).drop("ah"))
case("ext-none", "RFC 8200 4.7: no next header: nothing to translate", OPEN_A,
     send6(chain(59, b"", **A)).drop("protocol"))
for number, name in ((135, "mobility"), (139, "hip"), (140, "shim6")):
    case(f"ext-{name}", "RFC 7045: an extension header that IPv4 has not", OPEN_A,
         send6(chain(17, udp(SA6), (number, b"\0" + bytes(6)), **A)).drop("protocol"))
for name, headers, body in (("cut", [(60, b"\x09" + bytes(6))], b"12345678"),
                            ("too-long", [(60, b"\xff" + bytes(6))], udp(SA6)),
                            ("nine", [DEST] * 9, udp(SA6))):
    case("ext-malformed-" + name, R + "an extension header must be there", OPEN_A,
         send6(chain(17, body, *headers, **A)).drop("malformed"))
case("ext-malformed-empty", R + "an extension header must be there", OPEN_A,
     send6(IPv6(src=T6, dst=SA6, nh=60) / Raw(b"\x11\0")).drop("malformed"))
