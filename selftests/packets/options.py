# SPDX-License-Identifier: GPL-2.0
"""IPv4 options: RFC 7915 section 4.1: ignored, but a source route still to go."""
from dsl import *

R = "RFC 7915 4.1: "


def raw(data):
    """Options as their bytes, padded to whole words."""
    return {"options": [Raw(data + bytes(-len(data) % 4))]}


IGNORED = {
    "nop": b"\x01\x01\x01\x01", "end": b"\0\0\0\0", "end-then-rubbish": b"\0\xff\xff\x07",
    "nop-end": b"\x01\0", "record-route": b"\x07\x0b\x04" + bytes(8),
    "record-route-full": b"\x07\x0b\x0c\x0a\0\0\1\x0a\0\0\2", "timestamp": b"\x44\x0c\x05\0" + bytes(8),
    "timestamp-addresses": b"\x44\x0c\x05\x01" + bytes(8), "router-alert": b"\x94\x04\0\0",
    "security": b"\x82\x0b" + bytes(9), "cipso": b"\x86\x0a\0\0\0\1\5\4\0\1", "stream": b"\x88\x04\0\1",
    "unknown": b"\x5e\x04\xab\xcd", "two-bytes-last": b"\1\1\x5e\2", "unknown-copied": b"\xde\x06\1\2\3\4",
    "quick-start": b"\x19\x08\x02\0\0\0\0\0", "several": b"\x94\x04\0\0\x01\x07\x07\x04" + bytes(4),
    "longest": b"\x07\x27\x04" + bytes(36) + b"\x01",
    "loose-route-done": b"\x83\x07\x08\x0a\0\0\1", "strict-route-done": b"\x89\x07\x08\x0a\0\0\1",
    "loose-route-of-two-done": b"\x83\x0b\x0c\x0a\0\0\1\x0a\0\0\2", "empty-route": b"\x83\x03\x04\x01",
    "nop-loose-route-done": b"\x01\x83\x07\x08\x0a\0\0\1",
}
SYN = TCP(sport=SP, dport=DP, flags="S", seq=1000)
for name, data in IGNORED.items():
    case("opt-" + name, R + "options are ignored, the packet goes without",
         send4(u4(**raw(data))).to6(u6()))
case("opt-tcp", R + "options are ignored: TCP", send4(ip4(raw(b"\x94\x04\0\0")) / SYN).to6(tcp6()))
case("opt-echo", R + "options are ignored: echo", send4(e4(**raw(b"\x94\x04\0\0"))).to6(e6()))
case("opt-session", R + "options within a session", opened(),
     send4(u4(b"more", **raw(b"\x94\x04\0\0"))).to6(u6(b"more")), send6(r6()).to4(r4()))
case("opt-ttl", R + "options and the time exceeded error",
     send4(u4(ttl=1, **raw(b"\x01\x01\x01\0"))).to4(node4(11, 0, u4(ttl=1, **raw(b"\x01\x01\x01\0"))))
     .drop("hop-limit"))
case("opt-too-big", "RFC 7915 4.1: the options' length is not the IPv6 packet's", opened(),
     send4(u4(b"x" * 1452, flags="DF", **raw(b"\x01" * 4))).to6(u6(b"x" * 1452)))

ROUTES = {
    "loose": b"\x83\x07\x04\x0a\0\0\1", "strict": b"\x89\x07\x04\x0a\0\0\1",
    "loose-second": b"\x83\x0b\x08\x0a\0\0\1\x0a\0\0\2", "nop-loose": b"\x01\x83\x07\x04\x0a\0\0\1",
    "after-other": b"\x94\x04\0\0\x89\x07\x04\x0a\0\0\1",
    "loose-long": b"\x83\x27\x04" + bytes(36),
}
for name, data in ROUTES.items():
    sent = u4(**raw(data))
    case("opt-route-" + name, R + "an unexpired source route: discarded, type 3 code 5",
         send4(sent).to4(node4(3, 5, sent)).drop("source-route"))
sent = ip4(raw(ROUTES["loose"])) / SYN
case("opt-route-tcp", R + "an unexpired source route: discarded, type 3 code 5",
     send4(sent).to4(node4(3, 5, sent)).drop("source-route"))
sent = error4(3, 1, r4(ttl=60), **raw(ROUTES["loose"]))
case("opt-route-error", "RFC 1122 3.2.2: no error about an error", opened(),
     send4(sent).drop("source-route"))
case("opt-route-session", R + "an unexpired source route within a session", opened(),
     send4(u4(**raw(ROUTES["strict"]))).to4(node4(3, 5, u4(**raw(ROUTES["strict"]))))
     .drop("source-route"))
case("opt-error", R + "an error with options: they are ignored", opened(),
     send4(error4(3, 1, r4(ttl=60), **raw(b"\x94\x04\0\0"))).to6(quoting6(1, 0, r6(hlim=60))))
MALFORMED = {"length-0": b"\x07\0\0\0", "length-1": b"\x07\1\0\0", "too-long": b"\x07\x05\x04\0",
             "no-length": b"\x01\x01\x01\x07", "route-too-long": b"\x83\x0b\x0c\0\0\0\0\0",
             "route-short": b"\x83\x02\0\0"}
for name, data in MALFORMED.items():
    case("opt-malformed-" + name, "RFC 1122 3.2.1.8: an option is within the header",
         send4(u4(**raw(data))).drop("malformed"))
