# SPDX-License-Identifier: GPL-2.0
"""Prefix sources: RFC 6052 section 2.2, each length; ports untouched."""
from dsl import *

for plen in (32, 40, 48, 56, 64, 96):
    c = f"10.{plen}.201.34"
    s = embed(plen, c)
    R = f"RFC 6052 2.2, /{plen}: "
    case(f"prefix-{plen}-udp", R + "the client's address embedded, port kept",
         send4(u4(src=c)).to6(u6(src=s)), send6(r6(dst=s)).to4(r4(dst=c)))
    case(f"prefix-{plen}-low-port", R + "any port is kept",
         send4(ip4({"src": c}) / UDP(sport=68, dport=67) / b"x")
         .to6(ip6({"src": s}) / UDP(sport=68, dport=67) / b"x"))
    case(f"prefix-{plen}-echo", R + "the identifier is kept", send4(e4(src=c)).to6(e6(src=s)),
         send6(er6(dst=s)).to4(er4(dst=c)))
    case(f"prefix-{plen}-tcp", R + "the checksum follows", send4(tcp4(src=c)).to6(tcp6(src=s)))
    case(f"prefix-{plen}-gre", R + "other protocols", send4(any4(47, src=c)).to6(any6(47, src=s)),
         send6(ipr6({"dst": s, "nh": 47}) / Raw(b"back")).to4(ipr4({"dst": c, "proto": 47}) /
                                                               Raw(b"back")))
    case(f"prefix-{plen}-error", R + "in what an error quotes", opened(c=c, s=s),
         send6(error6(1, 3, u6(src=s, hlim=60), dst=s)).to4(quoting4(3, 1, u4(src=c, ttl=60), dst=c)))
    case(f"prefix-{plen}-no-session", R + "nothing else lives there",
         send6(r6(dst=s)).drop("no-session"))
