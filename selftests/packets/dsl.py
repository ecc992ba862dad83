# SPDX-License-Identifier: GPL-2.0
"""What the tables of cases are written in. A case is a name, the clause that it
tests, and steps; a step sends one packet (or several) and says what comes of
it, all of it:

    case("headers46-tos", "RFC 7915 4.1",
         send4(IP(src=C4, dst=P4, tos=0xb8) / UDP(sport=SP, dport=DP) / b"x")
         .to6(IPv6(src=S6, dst=T6, tc=0xb8, hlim=63) / UDP(sport=SP, dport=DP) / b"x"))

Lengths and checksums that a packet leaves out are the right ones. Of what is
expected, the kernel chooses an IPv4 Identification and one of a fragment header
that is left out, and in a packet quoted by an ICMPv4 error Identification and
DF, unless the step says .exact(). All other bits are compared.
"""
import ipaddress
import itertools
import struct

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting)
from scapy.packet import Packet, Raw
from scapy.fields import ByteField, IntField, ShortField, XIntField, XShortField

from wire import FENCE_SOURCE, NODE4, NODE6, csum

__all__ = """IP IPv6 TCP UDP Raw IPv6ExtHdrDestOpt IPv6ExtHdrFragment IPv6ExtHdrHopByHop
IPv6ExtHdrRouting Icmp4 Icmp6 C4 P4 S6 T6 SP DP NODE4 NODE6 ROUTER4 ROUTER6 SA6 C4A C4P SP6 SA6P C4SMALL p4 t6
UdpLite Dccp Sctp node4 node6 ID SEQ ip4 ip6 ipr6 ipr4 zeroing moved any4 any6 tcp4 tcp6
case send4 send6 spoil cut frag4 frag6 opened echo_opened tcp_opened u4 u6 r4 r6 e4 e6 er4 er6
t4 ts6 error4 error6 quoting4 quoting6 extension embed""".split()

C4 = "10.0.1.10"		# the client; it leaves by the address of the device
P4 = "198.18.0.7"		# what it is told that the target is
S6 = NODE6
T6 = "2001:db8:9::7"
C4A = "10.2.0.10"		# this one has an addr source
SA6 = "2001:db8:64::1"
C4P, SP6 = "10.6.0.10", 40000	# likewise, and always gets this port or echo id
SA6P = "2001:db8:65::1"
C4SMALL = "10.4.0.10"		# behind a path whose MTU is 1000
SP, DP = 20001, 443
ROUTER4, ROUTER6 = "10.77.0.1", "2001:db8:aaaa::1"	# on the way


def p4(n, net=0):
    """The pool's address of the nth target; of another net (14: the path's MTU
    is 1400, 12: 1280, 90: the link's)."""
    return f"198.18.{net}.{n}"


def t6(n, net=9):
    return f"2001:db8:{net}::{n:x}"


def addr4(text):
    return ipaddress.IPv4Address(text).packed


def addr6(text):
    return ipaddress.IPv6Address(text).packed


PREFIX = {32: "3fff:32::", 40: "3fff:40:4000::", 48: "3fff:48:48::", 56: "3fff:56:56:5600::",
          64: "3fff:64:64:64::", 96: "3fff:96::"}


def embed(plen, addr):
    """RFC 6052 section 2.2: behind the prefix, around bits 64 to 71, which are 0."""
    raw = list(addr6(PREFIX[plen])[:plen // 8] + addr4(addr) + bytes(12))
    if plen < 96:
        raw.insert(8, 0)
    return str(ipaddress.IPv6Address(bytes(raw[:16])))


CONFIG = "\n".join(
    ["pool add 198.18.0.0/16", "source add dev wan", f"source add addr {SA6} from 10.2.0.0/16",
     f"source add addr {SA6P} ports {SP6}-{SP6} from 10.6.0.0/16",
     *(f"source add prefix {PREFIX[n]}/{n} from 10.{n}.0.0/16" for n in PREFIX),
     f"source add addr {FENCE_SOURCE} from 10.255.0.0/16",
     "map add 198.18.255.254 to 2001:db8:ffff::1"] +
    [f"map add {p4(n)} to {t6(n)}" for n in range(1, 251)] +
    [f"map add {p4(n, net)} to {t6(n, net)}" for net in (12, 14, 90) for n in range(1, 30)]) + "\n"


def pseudo(under, proto, length):
    while not isinstance(under, (IP, IPv6)):
        under = under.underlayer
    pack = addr6 if isinstance(under, IPv6) else addr4
    return pack(under.src) + pack(under.dst) + struct.pack("!II", length, proto)


class Icmp4(Packet):
    """Any ICMPv4 message: its third word is a number."""
    name = "ICMPv4"
    fields_desc = [ByteField("type", 8), ByteField("code", 0), XShortField("chksum", None),
                   XIntField("rest", 0)]
    overload_fields = {IP: {"proto": 1}}

    def post_build(self, pkt, pay):
        pkt += pay
        if self.chksum is None:
            pkt = pkt[:2] + struct.pack("!H", ~csum(pkt) & 0xffff) + pkt[4:]
        return pkt


class Icmp6(Packet):
    """Any ICMPv6 message."""
    name = "ICMPv6"
    fields_desc = [ByteField("type", 128), ByteField("code", 0), XShortField("chksum", None),
                   XIntField("rest", 0)]
    overload_fields = {IPv6: {"nh": 58}, IPv6ExtHdrFragment: {"nh": 58},
                       IPv6ExtHdrDestOpt: {"nh": 58}, IPv6ExtHdrHopByHop: {"nh": 58},
                       IPv6ExtHdrRouting: {"nh": 58}}

    def post_build(self, pkt, pay):
        pkt += pay
        if self.chksum is None:
            total = csum(pseudo(self.underlayer, 58, len(pkt)) + pkt)
            pkt = pkt[:2] + struct.pack("!H", ~total & 0xffff) + pkt[4:]
        return pkt


class UdpLite(Packet):
    name = "UDP-Lite"
    fields_desc = [ShortField("sport", 0), ShortField("dport", 0), ShortField("cover", 0),
                   XShortField("chksum", None)]
    overload_fields = {IP: {"proto": 136}, IPv6: {"nh": 136}}

    def post_build(self, pkt, pay):
        pkt += pay
        if self.chksum is None:
            total = csum(pseudo(self.underlayer, 136, len(pkt)) + pkt[:self.cover or len(pkt)])
            pkt = pkt[:6] + struct.pack("!H", ~total & 0xffff or 0xffff) + pkt[8:]
        return pkt


class Dccp(Packet):
    """A DCCP-Request (or what type says), sequence number of 48 bits."""
    name = "DCCP"
    fields_desc = [ShortField("sport", 0), ShortField("dport", 0), ByteField("doff", 5),
                   ByteField("cover", 0), XShortField("chksum", None), ByteField("type", 1),
                   ByteField("reserved", 0), ShortField("seq_high", 0), IntField("seq", 77),
                   IntField("service", 42)]
    overload_fields = {IP: {"proto": 33}, IPv6: {"nh": 33}}

    def post_build(self, pkt, pay):
        pkt += pay
        if self.chksum is None:
            cover = len(pkt) if not self.cover else self.doff * 4 + (self.cover - 1) * 4
            total = csum(pseudo(self.underlayer, 33, len(pkt)) + pkt[:cover])
            pkt = pkt[:6] + struct.pack("!H", ~total & 0xffff) + pkt[8:]
        return pkt


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Sctp(Packet):
    name = "SCTP"
    fields_desc = [ShortField("sport", 0), ShortField("dport", 0), XIntField("tag", 0x1234567),
                   XIntField("chksum", None)]
    overload_fields = {IP: {"proto": 132}, IPv6: {"nh": 132}}

    def post_build(self, pkt, pay):
        pkt += pay
        if self.chksum is None:
            pkt = pkt[:8] + struct.pack("<I", crc32c(pkt[:8] + bytes(4) + pkt[12:])) + pkt[12:]
        return pkt




# ---- cases -------------------------------------------------------------------

CASES = []


class Case:
    def __init__(self, name, clause, steps, conf, undo, modes, jumbo):
        self.name, self.clause, self.steps = name, clause, steps
        self.conf, self.undo, self.modes, self.jumbo = conf, undo, modes, jumbo


def case(name, clause, *steps, conf=(), undo=(), modes=None, jumbo=False):
    """conf, undo: commands of nat46, before and after. modes: of the runner, for
    which the case makes sense; all unless said. jumbo: links of 9000, not 1500."""
    if any(c.name == name for c in CASES):
        raise ValueError(f"two cases named {name}")
    flat = []
    for s in steps:
        flat += s if isinstance(s, (list, tuple)) else [s]
    CASES.append(Case(name, clause, flat, [conf] if isinstance(conf, str) else conf,
                      [undo] if isinstance(undo, str) else undo, modes, jumbo))


class Step:
    """Packets sent on one side; what comes out on both; what is counted."""

    def __init__(self, family, packets, gso=0):
        self.family, self.packets, self.gso = family, packets, gso
        self.expect = {4: [], 6: []}
        self.out_gso = 0
        self.seed = None
        self.reasons = {}
        self.whole = False
        self.limit = 0
        self.number = None

    def to4(self, *packets, gso=0):
        self.expect[4] += packets
        self.out_gso = gso
        return self

    def to6(self, *packets, gso=0):
        self.expect[6] += packets
        self.out_gso = gso
        return self

    def drop(self, reason, n=1):
        """Counted as that; nothing else is to be expected unless said."""
        self.reasons[reason] = n
        return self

    def nothing(self):
        """Nothing comes out and nothing is counted."""
        return self

    def summing(self, at, offset):
        """Sent with a sum that is still to be made, of the packet from byte `at`
        on; it is to be `offset` bytes behind that."""
        self.seed = at, offset
        return self

    def merged(self, limit):
        """What comes out may be in fragments, none longer than that: it is
        compared when put together."""
        self.limit = limit
        return self

    def ident(self, number):
        """The Identification of all those fragments."""
        self.number = number
        return self

    def exact(self):
        self.whole = True
        return self


def send4(*packets, gso=0):
    return Step(4, packets, gso)


def send6(*packets, gso=0):
    return Step(6, packets, gso)


# ---- pieces ------------------------------------------------------------------

def cut(packet, size):
    return Raw(bytes(packet)[:size])


CSUM_AT = {6: 16, 17: 6, 1: 2, 58: 2, 136: 6, 33: 6}


def spoil(packet, by=0x1234):
    """The same with an L4 checksum that is wrong by that much (in one's
    complement arithmetic): by difference, both sides' are wrong by as much."""
    raw = bytearray(bytes(packet))
    at, proto = ((raw[0] & 15) * 4, raw[9]) if raw[0] >> 4 == 4 else (40, raw[6])
    at += CSUM_AT[proto]
    old = struct.unpack_from("!H", raw, at)[0]
    struct.pack_into("!H", raw, at, csum(struct.pack("!HH", old, by)))
    return Raw(bytes(raw))


def moved(total, *addrs):
    """A checksum of a packet between the first two addresses, when it goes
    between the last two: carried by difference."""
    a = b"".join(ipaddress.ip_address(x).packed for x in addrs[:2])
    b = b"".join(ipaddress.ip_address(x).packed for x in addrs[2:])
    words = struct.pack("!HHH", ~total & 0xffff, ~csum(a) & 0xffff, csum(b))
    return ~csum(words) & 0xffff


IDENT = itertools.count(0x1000)		# of its own for each packet: parts may stay behind


def frag4(packet, *sizes, ident=None, df=False):
    """IPv4 fragments whose payloads have those sizes (of all but the last, a
    multiple of 8)."""
    ident = ident or next(IDENT)
    raw = bytes(packet)
    hlen = (raw[0] & 15) * 4
    load, out, at = raw[hlen:], [], 0
    assert sum(sizes) == len(load), (sizes, len(load))
    for size in sizes:
        head = bytearray(raw[:hlen])
        more = at + size < len(load)
        struct.pack_into("!HHH", head, 2, hlen + size, ident,
                         at >> 3 | (0x2000 if more else 0) | (0x4000 if df else 0))
        struct.pack_into("!H", head, 10, 0)
        struct.pack_into("!H", head, 10, ~csum(head) & 0xffff)
        out.append(Raw(bytes(head) + load[at:at + size]))
        at += size
    return out


def frag6(packet, *sizes, ident=None, ext=0):
    """IPv6 fragments of it; ext: bytes of extension headers that stay in each."""
    ident = ident or next(IDENT) << 16 | 0xabc
    raw = bytes(packet)
    head, load = raw[:40 + ext], raw[40 + ext:]
    out, at = [], 0
    assert sum(sizes) == len(load), (sizes, len(load))
    for size in sizes:
        more = at + size < len(load)
        h = bytearray(head)
        nh_at = 6 if not ext else 40
        nh = h[nh_at]
        h[nh_at] = 44
        struct.pack_into("!H", h, 4, ext + 8 + size)
        out.append(Raw(bytes(h) + struct.pack("!BBHI", nh, 0, at | more, ident) +
                       load[at:at + size]))
        at += size
    return out


# Packets of the flow that most cases use. 4: sent by the client, 6: what the
# target gets; r6: its answer, r4: what the client gets. u: UDP, t: TCP, e: echo
def ip4(kw):
    return IP(**{"src": C4, "dst": P4, "ttl": 64, "flags": 0, **kw})


def ip6(kw):
    return IPv6(**{"src": S6, "dst": T6, "hlim": 63, **kw})


def ipr6(kw):
    return IPv6(**{"src": T6, "dst": S6, "hlim": 64, **kw})


def ipr4(kw):
    return IP(**{"src": P4, "dst": C4, "ttl": 63, "flags": 0, **kw})


def u4(load=b"question", **kw):
    return ip4(kw) / UDP(sport=SP, dport=DP) / load


def u6(load=b"question", **kw):
    return ip6(kw) / UDP(sport=SP, dport=DP) / load


def r6(load=b"answer", **kw):
    return ipr6(kw) / UDP(sport=DP, dport=SP) / load


def r4(load=b"answer", **kw):
    return ipr4(kw) / UDP(sport=DP, dport=SP) / load


def tcp4(flags="S", load=b"", seq=1000, ack=0, options=(), sport=SP, **kw):
    """A segment of the client, as it sends it."""
    return ip4(kw) / TCP(sport=sport, dport=DP, flags=flags, seq=seq, ack=ack,
                         options=list(options)) / load


def tcp6(flags="S", load=b"", seq=1000, ack=0, options=(), sport=SP, **kw):
    """The same as the target gets it."""
    return ip6(kw) / TCP(sport=sport, dport=DP, flags=flags, seq=seq, ack=ack,
                         options=list(options)) / load


def t4(*args, **kw):
    """Both: (as sent, as the target gets it)."""
    return tcp4(*args, **kw), tcp6(*args, **kw)


def ts6(flags="SA", load=b"", seq=5000, ack=1001, options=(), df=0):
    """A segment of the target: (as sent, as the client gets it)"""
    seg = TCP(sport=DP, dport=SP, flags=flags, seq=seq, ack=ack, options=list(options)) / load
    return ipr6({}) / seg, ipr4({"flags": df}) / seg


ID, SEQ = 20002, 7


def e4(load=b"echo" * 14, **kw):
    return ip4(kw) / Icmp4(type=8, rest=ID << 16 | SEQ) / load


def e6(load=b"echo" * 14, **kw):
    return ip6(kw) / Icmp6(type=128, rest=ID << 16 | SEQ) / load


def er6(load=b"echo" * 14, **kw):
    return ipr6(kw) / Icmp6(type=129, rest=ID << 16 | SEQ) / load


def er4(load=b"echo" * 14, **kw):
    return ipr4(kw) / Icmp4(type=0, rest=ID << 16 | SEQ) / load


def opened(load=b"question", p=P4, t=T6, c=C4, s=S6):
    """A UDP session, opened by its first packet."""
    return [send4(u4(load, src=c, dst=p)).to6(u6(load, src=s, dst=t))]


def echo_opened(p=P4, t=T6):
    return [send4(e4(dst=p)).to6(e6(dst=t))]


def tcp_opened():
    """SYN, SYN-ACK, ACK."""
    syn, synack, ack = t4(), ts6(), t4("A", seq=1001, ack=5001)
    return [send4(syn[0]).to6(syn[1]), send6(synack[0]).to4(synack[1]), send4(ack[0]).to6(ack[1])]


def node4(type, code, sent, rest=0):
    """The error that the node itself sends to an IPv4 sender (RFC 1812: as much
    of the packet as 576 bytes hold; precedence 6)."""
    raw = bytes(sent)
    src = str(ipaddress.IPv4Address(raw[12:16]))
    return IP(src=NODE4, dst=src, ttl=64, flags=0, tos=raw[1] & 0x1e | 0xc0) / \
        Icmp4(type=type, code=code, rest=rest) / Raw(raw[:548])


def node6(type, code, sent, rest=0, src=NODE6):
    """The same to an IPv6 sender (RFC 4443 2.4: as much as 1280 bytes hold)."""
    raw = bytes(sent)
    dst = str(ipaddress.IPv6Address(raw[8:24]))
    return IPv6(src=src, dst=dst, hlim=64) / Icmp6(type=type, code=code, rest=rest) / \
        Raw(raw[:1232])


def any4(proto, load=b"whatever it is", **kw):
    """A packet of a protocol without ports, sent by the client."""
    return ip4({"proto": proto, **kw}) / Raw(load)


def any6(proto, load=b"whatever it is", **kw):
    return ip6({"nh": proto, **kw}) / Raw(load)


def zeroing(make):
    """A load of two bytes with which the UDP packet that make(load) returns has
    a sum of zero, which UDP sends as ffff."""
    return bytes(make(b"\0\0"))[-4:-2]	# the sum without it


def error4(type, code, quoted, rest=0, src=ROUTER4, dst=P4, **kw):
    """An ICMPv4 error as a router, or (src=C4) the client, sends it."""
    return IP(src=src, dst=dst, flags=0, **kw) / Icmp4(type=type, code=code, rest=rest) / quoted


def error6(type, code, quoted, rest=0, src=ROUTER6, dst=S6, **kw):
    return IPv6(src=src, dst=dst, **kw) / Icmp6(type=type, code=code, rest=rest) / quoted


def quoting4(type, code, quoted, rest=0, src=P4, dst=C4, ttl=63, **kw):
    """The ICMPv4 error that a client gets for an ICMPv6 one."""
    return IP(src=src, dst=dst, ttl=ttl, flags=0, **kw) / \
        Icmp4(type=type, code=code, rest=rest) / quoted


def quoting6(type, code, quoted, rest=0, src=S6, dst=T6, hlim=63, **kw):
    return IPv6(src=src, dst=dst, hlim=hlim, **kw) / \
        Icmp6(type=type, code=code, rest=rest) / quoted


def extension(objects=b"\x00\x08\x01\x01\x00\x01\x21\x40"):
    """An RFC 4884 extension structure: header, checksum, objects (an MPLS label
    unless said)."""
    raw = b"\x20\0\0\0" + objects
    return raw[:2] + struct.pack("!H", ~csum(raw) & 0xffff) + raw[4:]
