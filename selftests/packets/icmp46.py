# SPDX-License-Identifier: GPL-2.0
"""ICMPv4 into ICMPv6: RFC 7915 section 4.2, type by type and code by code. An
error here is about an answer that the client got; it quotes it as it was sent
to the client, and the target gets it quoted as the target sent it."""
from dsl import *

R = "RFC 7915 4.2: "
ABOUT4, ABOUT6 = r4(ttl=60), r6(hlim=60)


def error(name, what, before, after, src=ROUTER4, rest=(0, 0)):
    """before, after: (type, code); after None: silently dropped."""
    step = send4(error4(*before, ABOUT4, rest[0], src=src))
    if after:
        step.to6(quoting6(*after, ABOUT6, rest[1]))
    else:
        step.drop("icmp-type")
    case("i46-" + name, R + what, opened(), step)


for code, six in {0: (1, 0), 1: (1, 0), 2: (4, 1), 3: (1, 4), 5: (1, 0), 6: (1, 0), 7: (1, 0),
                  8: (1, 0), 9: (1, 1), 10: (1, 1), 11: (1, 0), 12: (1, 0), 13: (1, 1), 14: None,
                  15: (1, 1), 16: None, 255: None}.items():
    error(f"unreach-{code}", f"destination unreachable, code {code}", (3, code), six,
          rest=(0, 6 if code == 2 else 0))
    error(f"unreach-{code}-host", f"the same from the client itself, code {code}", (3, code), six,
          src=C4, rest=(0, 6 if code == 2 else 0))
for code in (0, 1):
    error(f"time-{code}", f"time exceeded, code {code} is unchanged", (11, code), (3, code))
POINTERS = {0: 0, 1: 1, 2: 4, 3: 4, 4: None, 5: None, 6: None, 7: None, 8: 7, 9: 6, 10: None,
            11: None, 12: 8, 13: 8, 14: 8, 15: 8, 16: 24, 17: 24, 18: 24, 19: 24, 20: None,
            21: None, 255: None}
for code in (0, 2):
    for four, six in POINTERS.items():
        error(f"param-{code}-pointer-{four}", f"figure 3: parameter problem, pointer {four}",
              (12, code), None if six is None else (4, 0), rest=(four << 24, six or 0))
for code in (1, 3, 255):
    error(f"param-{code}", f"parameter problem, code {code}: silently dropped", (12, code), None)
for kind, name in {4: "source quench", 5: "redirect", 6: "alternative host address"}.items():
    for code in (0, 1):
        error(f"type-{kind}-{code}", name + ": silently dropped", (kind, code), None)
for kind in (0, 1, 2, 7, 9, 10, 13, 14, 15, 16, 17, 18, 19, 30, 37, 40, 42, 43, 128, 129, 200, 253,
             255):
    case(f"i46-type-{kind}", R + "queries but echo, and unknown types: silently dropped", opened(),
         send4(ip4({}) / Icmp4(type=kind, rest=0x10002) / bytes(28)).drop("icmp-type"))
for code in (1, 255):
    case(f"i46-echo-code-{code}", "RFC 792: an echo's code is 0",
         send4(ip4({}) / Icmp4(type=8, code=code, rest=ID << 16) / b"x").drop("icmp-type"))
case("i46-igmp", R + "IGMP: silently dropped",
     send4(ip4({"proto": 2}) / Raw(b"\x16\0\x09\xff\xe0\0\0\xfa")).drop("protocol"))

P = "RFC 7915 4.2, code 4: "


def too_big(name, what, mtu, result, length=None, net=9, n=1):
    c, p, t = f"10.9.0.{n}", p4(n, net if net != 9 else 0), t6(n, net)
    load = b"x" * 800
    q4 = ipr4({"src": p, "dst": c, "ttl": 60, "flags": "DF"}) / UDP(sport=DP, dport=SP) / load
    q6 = ipr6({"src": t, "hlim": 60}) / UDP(sport=DP, dport=SP) / load
    if length:	# what was quoted was longer than what is there
        q4 = ipr4({"src": p, "dst": c, "ttl": 60, "flags": "DF", "len": length}) / \
            UDP(sport=DP, dport=SP, len=length - 20, chksum=0x1234) / load
        q6 = ipr6({"src": t, "hlim": 60, "plen": length - 20}) / \
            UDP(sport=DP, dport=SP, len=length - 20, chksum=moved(0x1234, p, c, t, S6)) / load
    case("i46-too-big-" + name, P + what, opened(c=c, p=p, t=t),
         send4(error4(3, 4, q4, mtu, dst=p)).to6(quoting6(2, 0, q6, result, dst=t)),
         jumbo=net == 90)


for n, (mtu, result) in enumerate(((68, 1280), (576, 1280), (1259, 1280), (1260, 1280),
                                   (1261, 1281), (1300, 1320), (1479, 1499), (1480, 1500),
                                   (1481, 1500), (1500, 1500), (9000, 1500), (65535, 1500))):
    too_big(f"{mtu}", "MTU + 20, not below 1280, not above the IPv6 next hop's", mtu, result,
            n=30 + n)
for n, (mtu, result) in enumerate(((1500, 1520), (4000, 4020), (8980, 9000), (8981, 9000))):
    too_big(f"jumbo-{mtu}", "MTU + 20, not above the next hops'", mtu, result, net=90, n=1 + n)
for n, (length, result) in enumerate(((828, 1280), (1400, 1280), (1492, 1280), (1493, 1512),
                                      (1500, 1512), (2002, 1512), (2003, 2022), (4353, 4372),
                                      (8166, 4372), (8167, 8186), (9000, 8186))):
    too_big(f"plateau-{length}", "MTU 0: the plateau below the quoted length (RFC 1191)", 0, result,
            length=length, net=90, n=10 + n)
