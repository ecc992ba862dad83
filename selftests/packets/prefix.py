# SPDX-License-Identifier: GPL-2.0
"""Prefix sources: RFC 6052 section 2.2, each length; ports untouched. Mapped
prefixes: RFC 7757."""
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
    r = f"10.{plen}.9.9"
    case(f"prefix-{plen}-router", "RFC 7915 4.1: a router's error comes from its own address, embedded",
         opened(c=c, s=s), send4(error4(3, 1, r4(dst=c, ttl=60), src=r))
         .to6(quoting6(1, 0, r6(dst=s, hlim=60), src=embed(plen, r))))
    case(f"prefix-{plen}-client-error", "RFC 7915 4.1: so does the client's",
         opened(c=c, s=s), send4(error4(3, 3, r4(dst=c, ttl=60), src=c))
         .to6(quoting6(1, 4, r6(dst=s, hlim=60), src=s)))
    case(f"prefix-{plen}-other-router", "RFC 7915 4.1: a router that the prefix doesn't serve",
         opened(c=c, s=s), send4(error4(11, 0, r4(dst=c, ttl=60)))
         .to6(quoting6(3, 0, r6(dst=s, hlim=60), src=s)))

E = "RFC 7757 3.3: "
for four, six, p, t in (
        ("198.18.128.0/24", "2001:db8:128::/120", "198.18.128.201", "2001:db8:128::c9"),
        ("198.18.129.0/24", "2001:db8:129:a::/120", "198.18.129.0", "2001:db8:129:a::"),
        ("198.18.130.0/28", "2001:db8:130::40/124", "198.18.130.15", "2001:db8:130::4f"),
        ("198.18.131.7/32", "2001:db8:131::9/128", "198.18.131.7", "2001:db8:131::9")):
    name = four.replace("/", "-")
    conf = {"conf": f"map add {four} to {six}", "undo": f"map del {four}"}
    case(f"map-{name}", E + "the suffix behind the IPv4 prefix goes behind the IPv6 prefix",
         send4(u4(dst=p)).to6(u6(dst=t)), send6(r6(src=t)).to4(r4(src=p)), **conf)
case("map-host-wins", E + "the longest IPv4 prefix wins",
     send4(u4(dst="198.18.128.5")).to6(u6(dst="2001:db8:99::5")),
     send4(u4(dst="198.18.128.6")).to6(u6(dst="2001:db8:128::6")),
     conf=["map add 198.18.128.0/24 to 2001:db8:128::/120", "map add 198.18.128.5 to 2001:db8:99::5"],
     undo=["map del 198.18.128.5", "map del 198.18.128.0/24"])
case("map-outside", E + "an address that no prefix holds", send4(u4(dst="198.18.129.1"))
     .to4(node4(3, 1, u4(dst="198.18.129.1"))).drop("unmapped"),
     conf="map add 198.18.128.0/24 to 2001:db8:128::/120", undo="map del 198.18.128.0/24")
