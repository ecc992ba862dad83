# SPDX-License-Identifier: GPL-2.0
"""Why a session is refused, and who hears of it: RFC 7915 4.4, RFC 6146 3.5. The
other reasons to drop a packet are in the tables of their subjects."""
from dsl import *

R = "RFC 7915 4.4: "
AH = any4(51, bytes(24))


def no(name, what, reason, code, conf, undo, client=C4, dst="198.18.200.9"):
    for kind, sent in (("udp", u4(src=client, dst=dst)), ("tcp", tcp4(src=client, dst=dst)),
                       ("echo", e4(src=client, dst=dst))):
        case(f"no-{name}-{kind}", R + what, send4(sent).to4(node4(3, code, sent)).drop(reason),
             conf=conf, undo=undo)


def mapped(target):
    return {"conf": f"map add 198.18.200.9 to {target}", "undo": "map del 198.18.200.9"}


no("hairpin", "a target that is one of our own sources", "hairpin", 13, **mapped(SA6))
no("hairpin-prefix", "a target in one of our own prefixes", "hairpin", 13,
   **mapped(embed(96, "10.96.0.77")))
no("target-local", "a target that is the node's own address", "target-local", 13,
   client=C4A, **mapped("2001:db8:10ca::1"))
no("route", "a target without a route", "no-route6", 1, client=C4A,
   **mapped("2001:db8:dead::1"))
no("source", "a client that no source serves", "no-source", 1, "source del dev wan force",
   "source add dev wan", dst=P4)
no("room", "more sessions than are allowed", "max-sessions", 1, "param set max-sessions 1",
   "param reset max-sessions", dst=P4)
no("global", "RFC 6052 3.1: the Well-Known Prefix never stands for a private address", "not-global",
   13, "source add prefix 64:ff9b::/96 from 10.97.0.0/16",
   "source del prefix 64:ff9b::/96 from 10.97.0.0/16 force", client="10.97.0.10", dst=P4)
for action, prefix in (("deny", t6(33) + "/128"), ("deny", "2001:db8:9::/64")):
    no("policy-" + prefix.split("/")[1], "the policy says no", "policy", 13,
       f"policy add {action} {prefix}", f"policy del {action} {prefix}", dst=p4(33))
for n, port in ((1, "dport 443"), (2, "dport 80")):
    sent = tcp4(dst=p4(34))
    step = send4(sent)
    case(f"no-policy-port-{n}", "RFC 6146 3.5.1: if policy permits",
         step.to4(node4(3, 13, sent)).drop("policy") if n == 1 else step.to6(tcp6(dst=t6(34))),
         conf=f"policy add deny {t6(34)}/128 proto tcp {port}",
         undo=f"policy del deny {t6(34)}/128 proto tcp {port}")

# what has no mapping goes on to the kernel, if so set: by a route back to the client's side
U = {"src": C4, "dst": "198.18.77.7", "id": 5}
U4 = IP(**U, flags=0) / UDP(sport=SP, dport=DP) / b"x"
LOOSE = U4.copy()
LOOSE.options = [Raw(b"\x83\x07\x04\x0a\0\0\x01\0")]
PASSED = {"udp": U4, "tcp": IP(**U, flags="DF") / TCP(sport=SP, dport=DP, flags="S"),
          "tcp-ack": IP(**U, flags="DF") / TCP(sport=SP, dport=DP, flags="A"),
          "echo": IP(**U) / Icmp4(rest=1), "timestamp": IP(**U) / Icmp4(type=13),
          "ah": IP(**U, proto=51) / Raw(bytes(24)), "igmp": IP(**U, proto=2) / Raw(bytes(8)),
          "gre": IP(**U, proto=47) / Raw(bytes(8)), "udp-cut": IP(**U, proto=17) / Raw(bytes(7)),
          "error": IP(**U) / Icmp4(type=3, code=3) / IP(src=U["dst"], dst=C4) / UDP(sport=1, dport=2)}
PASS = {"conf": "param set unmapped pass", "undo": "param reset unmapped"}
G = "no mapping, by setting: it is not ours: "
for name, sent in PASSED.items():
    sent = IP(bytes(sent))
    passed = sent.copy()
    passed.ttl, passed.chksum = 63, None
    # skbs wants a whole L4 header
    only = ("default", "tx-off", "partial", "frags", "tap", "direct", "forward") if name == "udp-cut" else None
    case(f"pass-{name}", G + "the kernel forwards it", send4(sent).to4(passed), modes=only, **PASS)
case("pass-source-route", G + "the kernel drops it", send4(LOOSE).nothing(), **PASS)
for ttl in (0, 1):
    sent = IP(**U, ttl=ttl) / UDP(sport=SP, dport=DP) / b"x"
    case(f"pass-ttl-{ttl}", G + "the kernel tells that its TTL is over",
         send4(sent).to4(node4(11, 0, sent)), **PASS)
case("pass-mapped", G + "what has one is refused as ever",
     send4(u4(ttl=1)).to4(node4(11, 0, u4(ttl=1))).drop("hop-limit"), send4(AH).to4(node4(3, 2, AH)).drop("ah"),
     send4(e4(dst=P4, src=C4)).to6(e6()), **PASS)
case("no-source-other", R + "another source's client is served as before",
     opened(c=C4A, s=SA6), conf="source del dev wan force", undo="source add dev wan")
M = "RFC 7915 4.1: the lowest IPv6 MTU, by setting: "
big = bytes(i % 251 for i in range(1472))
for mtu in (1280, 1300, 1400, 1500):
    case(f"m46-min-{mtu}", M + f"a Packet Too Big of 1280 is followed down to {mtu}",
         opened(p=p4(110 + mtu // 100), t=t6(110 + mtu // 100)),
         send6(error6(2, 0, u6(dst=t6(110 + mtu // 100), hlim=60), 1280))
         .to4(quoting4(3, 4, u4(dst=p4(110 + mtu // 100), ttl=60), mtu - 20,
                       src=p4(110 + mtu // 100))),
         send4(u4(big, dst=p4(110 + mtu // 100))).to6(u6(big, dst=t6(110 + mtu // 100))).merged(mtu),
         conf=f"param set mtu-min {mtu}", undo="param reset mtu-min")
N = "a packet for which there is no memory is dropped, and the next one passes: "
NO_MEMORY = ("no-memory",)
NEW = N + "a new session of "
case("no-memory-udp", NEW + "UDP", send4(u4()).drop("no-memory"), send4(u4()).to6(u6()),
     modes=NO_MEMORY)
case("no-memory-tcp", NEW + "TCP", send4(tcp4()).drop("no-memory"), send4(tcp4()).to6(tcp6()),
     modes=NO_MEMORY)
case("no-memory-echo", NEW + "ICMP", send4(e4()).drop("no-memory"), send4(e4()).to6(e6()),
     modes=NO_MEMORY)
case("no-memory-46", N + "headroom for a longer header", opened(), send4(u4()).drop("no-memory"),
     send4(u4()).to6(u6()), modes=NO_MEMORY)
case("no-memory-error64", N + "an error's translation", opened(),
     send6(error6(1, 4, u6(hlim=60))).drop("no-memory"),
     send6(error6(1, 4, u6(hlim=60))).to4(quoting4(3, 3, u4(ttl=60))), modes=NO_MEMORY)
