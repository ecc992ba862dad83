# SPDX-License-Identifier: GPL-2.0
"""Neighbour solicitations, one a case, and the advertisements that come of them:
"ok" or "not ok" each.

usage: ndisc.py DEVICE MAC HELD OWN ROUTER [SUBSET]
MAC, OWN: the node's link-layer and IPv6 address. HELD: an address of a source,
"not HELD" of none. ROUTER: 1 where the node is a router. SUBSET: well (those
that are answered), none (the same, but nobody answers).
"""
import socket
import struct
import sys

from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr,
                                IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN, in6_chksum)
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils6 import in6_getnsma, in6_getnsmac
from scapy.pton_ntop import inet_ntop, inet_pton

DEV, MAC, HELD, OWN, ROUTER = sys.argv[1:6]
SUBSET = sys.argv[6] if len(sys.argv) > 6 else "all"
ME, MY_MAC = "fe80::46", "02:46:46:46:46:46"
ASKER = "2001:db8:1::4646"
WAIT = 3


def group(addr):
    return inet_ntop(socket.AF_INET6, in6_getnsma(inet_pton(socket.AF_INET6, addr)))


def frame(ip6, load, mac=None):
    """To the link-layer address that the IPv6 one has, unless said."""
    if mac is None:
        raw = inet_pton(socket.AF_INET6, ip6.dst)
        mac = in6_getnsmac(raw) if raw[0] == 0xff else MAC
    return bytes(Ether(src=MY_MAC, dst=mac) / ip6 / load)


def summed(raw):
    """ICMPv6 from ME to the group, its checksum the right one, whatever it is."""
    head = IPv6(src=ME, dst=group(HELD), hlim=255, nh=58)
    raw = raw[:2] + bytes(2) + raw[4:]
    return raw[:2] + struct.pack("!H", in6_chksum(58, head, raw)) + raw[4:]


SLL = ICMPv6NDOptSrcLLAddr(lladdr=MY_MAC)


def ns(src=ME, dst=None, target=HELD, opts=SLL, hlim=255, mac=None, **kw):
    load = ICMPv6ND_NS(tgt=target, **kw)
    return frame(IPv6(src=src, dst=dst or group(target), hlim=hlim),
                 load / opts if opts is not None else load, mac)


def na(dst=ME, mac=MY_MAC, s=1, target=HELD, o=0):
    """The whole of what may come, but for its source."""
    return (mac, dst, 255, int(ROUTER), s, o, target, MAC)


ALL = ("33:33:00:00:00:01", "ff02::1")
GLOBAL = {"src": ASKER}
GOOD = summed(bytes(ICMPv6ND_NS(tgt=HELD, cksum=1) / SLL))
# name, what is sent, what comes
WELL = [
    ("to the group", ns(), [na()]),
    ("from a global address", ns(**GLOBAL), [na(dst=ASKER)]),
    ("a probe, to the address", ns(dst=HELD), [na()]),
    ("a probe without an option", ns(dst=HELD, opts=None), [na()]),
    ("to the group, without an option", ns(opts=None), [na()]),
    ("an option that nobody knows", ns(opts=Raw(b"\x0e\x01" + bytes(6)) / SLL), [na()]),
    ("to the group, the frame to the node", ns(mac=MAC), [na()]),
    ("duplicate address detection", ns(src="::", opts=None), [na(dst=ALL[1], mac=ALL[0], s=0)]),
    ("... with a nonce", ns(src="::", opts=Raw(b"\x0e\x01" + b"nonce!")),
     [na(dst=ALL[1], mac=ALL[0], s=0)]),
]
ILL = [
    ("hop limit 254", ns(hlim=254)),
    ("code 1", ns(code=1)),
    ("a wrong checksum", ns(cksum=0x4646)),
    ("an option without a length", ns(opts=Raw(b"\x0e\x00" + bytes(6)))),
    ("an option longer than the packet", ns(opts=Raw(b"\x0e\x02" + bytes(6)))),
    ("half an option", ns(opts=Raw(b"\x0e"))),
    ("a link-layer address too long", ns(opts=Raw(b"\x01\x02" + bytes(14)))),
    ("a bad option behind a good one", ns(opts=SLL / Raw(b"\x0e\x00" + bytes(6)))),
    ("duplicate address detection with a link-layer address", ns(src="::")),
    ("duplicate address detection to the address", ns(src="::", dst=HELD, opts=None)),
    ("duplicate address detection to all nodes", ns(src="::", dst="ff02::1", opts=None,
                                                    mac=ALL[0])),
    ("an advertisement", frame(IPv6(src=ME, dst=group(HELD), hlim=255), ICMPv6ND_NA(tgt=HELD))),
    ("behind destination options", frame(IPv6(src=ME, dst=group(HELD), hlim=255),
                                         IPv6ExtHdrDestOpt(nh=58,
                                                           options=[PadN(optdata=bytes(4))]) /
                                         Raw(GOOD))),
    ("a fragment (RFC 6980)", frame(IPv6(src=ME, dst=group(HELD), hlim=255),
                                    IPv6ExtHdrFragment(nh=58) / Raw(GOOD))),
    ("cut short", frame(IPv6(src=ME, dst=group(HELD), hlim=255, nh=58),
                        Raw(summed(GOOD[:20])))),
    ("cut short, the rest behind its end", frame(IPv6(src=ME, dst=group(HELD), hlim=255, nh=58,
                                                      plen=20),
                                                 Raw(summed(GOOD[:20]) + GOOD[20:24]))),
    ("the same as UDP", frame(IPv6(src=ME, dst=group(HELD), hlim=255, nh=17), Raw(GOOD))),
    ("an address of no source", ns(target="2001:db8:1::4747")),
    ("for another host of the link layer", ns(mac="02:99:99:99:99:99")),
]
OTHERS = [
    ("the node's own address, which the kernel answers", ns(target=OWN), [na(target=OWN, o=1)]),
]

sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86dd))
sock.bind((DEV, 0))
sock.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex(DEV), 1, 0, b""))	# promiscuous
sock.settimeout(WAIT)
FENCE = "fe80::4647"


def received(raw):
    """What na() makes, of an advertisement that came with a right checksum; else None."""
    p = Ether(raw)
    if p.src != MAC or ICMPv6ND_NA not in p:
        return None
    adv, want = p[ICMPv6ND_NA], p[IPv6].copy()
    del want[ICMPv6ND_NA].cksum
    if IPv6(bytes(want))[ICMPv6ND_NA].cksum != adv.cksum:
        return ("wrong checksum",)
    opt = adv[ICMPv6NDOptDstLLAddr].lladdr if ICMPv6NDOptDstLLAddr in adv else None
    return (p.dst, p[IPv6].dst, p[IPv6].hlim, adv.R, adv.S, adv.O, adv.tgt, opt)


def run(sent):
    """What comes before the kernel's answer to a question of its own."""
    sock.send(sent)
    sock.send(ns(src=FENCE, target=OWN))
    got = []
    while True:
        try:
            a = received(sock.recv(2048))
        except socket.timeout:
            return got + ["the fence did not come back"]
        if a and a[1] == FENCE:
            return got
        if a:
            got.append(a)


CASES = WELL if SUBSET == "well" else [(n, s, []) for n, s, _ in WELL] if SUBSET == "none" else \
    WELL + [(n, s, []) for n, s in ILL] + OTHERS
for n, (name, sent, want) in enumerate(CASES, 1):
    got = run(sent)
    print("not ok" if got != want else "ok", n, "-", name)
    if got != want:
        print(f"#   wanted: {want}\n#   got:    {got}")
