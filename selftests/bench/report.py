# SPDX-License-Identifier: GPL-2.0
"""Tables and plots of what the benchmark found."""
import os
import statistics
import subprocess

from variants import ALL, BY_NAME

GUESTS = {"6.1": "Instructions, Debian's 6.1", "7.3": "Instructions, Debian's 7.3",
          "native": "Time, user-mode Linux 6.1, native"}
WORKS = {
    "udp-64-up": "UDP, 64 bytes, client to target", "udp-64-down": "UDP, 64 bytes, target to client",
    "udp-512-up": "UDP, 512 bytes, up", "udp-512-down": "UDP, 512 bytes, down",
    "udp-1452-up": "UDP, IPv6 packets of 1500 bytes, up", "udp-1452-down": "UDP, the same, down",
    "tcp-up-gso": "TCP bulk up, a byte", "tcp-down-gso": "TCP bulk down, a byte",
    "tcp-up-segments": "TCP bulk up, GSO and GRO off", "tcp-down-segments": "TCP bulk down, GSO and GRO off",
    "rr": "Request and response (UDP)", "first-packet": "First packet of a flow",
}
LESS_GEN = [w for w in WORKS if w.startswith("udp")]


class Results:
    def __init__(self, found):
        self.v = {}
        for f in found:
            self.v.setdefault((f["guest"], f["work"], f["variant"]), {})[f["round"]] = f

    def rounds(self, guest, work, variant):
        return {r: f["value"] for r, f in self.v.get((guest, work, variant), {}).items() if "lost" not in f}

    def ratio(self, guest, work, variant, less_gen=False):
        """[min, median, max] of the ratio to v6 in the same round, or None"""
        mine, v6 = (self.path(guest, work, v, less_gen) for v in (variant, "v6"))
        out = [mine[r] / v6[r] for r in mine if v6.get(r, 0) > 0]
        return [min(out), statistics.median(out), max(out)] if out else None

    def gen(self, guest, work, variant):
        """Which of the two senders without a router sent that variant's packets?"""
        ip = {f.get("ip", 6) for f in self.v.get((guest, work, variant), {}).values()}
        return "gen4" if 4 in ip else "gen"

    def path(self, guest, work, variant, less_gen):
        """By round; @less_gen: what sending and one veth cost, in the packets' family, taken off"""
        all_ = self.rounds(guest, work, variant)
        if not less_gen:
            return all_
        gen = self.rounds(guest, work, self.gen(guest, work, variant))
        return {r: x - gen[r] for r, x in all_.items() if r in gen}

    def median(self, guest, work, variant):
        v = self.rounds(guest, work, variant).values()
        return statistics.median(v) if v else None


def three(x):
    return "{:.3f} / **{:.3f}** / {:.3f}".format(*x) if x else "-"


def table(res, guest, works, less_gen):
    works = [w for w in works if res.median(guest, w, "v6")]
    if not works:
        return []
    lines = ["| variant | " + " | ".join(WORKS[w] for w in works) + " |", "|---" * (len(works) + 1) + "|"]
    for v in ALL:
        cells = [three(res.ratio(guest, w, v.name, less_gen)) for w in works]
        if v.routers and any(c != "-" for c in cells):
            lines.append(f"| {v.what} | " + " | ".join(cells) + " |")
    return lines + [""]


def absolute(res, guest):
    """Medians; of times also what they mean to a user"""
    works = [w for w in ("udp-64-up", "udp-64-down", "rr", "first-packet", "first-packet-more")
             if any((guest, w, v.name) in res.v for v in ALL) and not (guest == "native" and w.endswith("-more"))]
    names = dict(WORKS, **{"first-packet-more": "above its second"})
    rate = guest == "native" and "first-packet" in works
    lines = ["| variant | " + " | ".join(names[w] for w in works) + (" | New sessions a second |" if rate else " |"),
             "|---" * (len(works) + 1 + rate) + "|"]
    for v in ALL:
        cells = [res.median(guest, w, v.name) for w in works]
        text = ["-" if c is None else f"{c:.0f}" for c in cells]
        if rate:
            first = res.median(guest, "first-packet", v.name)
            text.append(f"{1e9 / first:.0f}" if first and v.name != "v6" else "-")
        if any(c is not None for c in cells):
            lines.append(f"| {v.what} | " + " | ".join(text) + " |")
    return lines + [""]


def others(res):
    lines = ["| kernel | packet | module | instructions | to absent |", "|---" * 5 + "|"]
    for guest, work in ((g, w) for g in ("6.1", "7.3") for w in ("other-v6", "other-v4")):
        base = res.median(guest, work, "absent")
        for step in ("absent", "absent, empty nft chains", "loaded", "configured"):
            m = res.median(guest, work, step)
            if m:
                lines.append(f"| {guest} | {BY_NAME[work[6:]].what} | {step} | {m:.0f} | {m / base:.4f} |")
    return lines + [""] if len(lines) > 2 else []


def reallocated(res):
    """What our variants' packets of established sessions had"""
    lines = ["| kernel | variant | packets of established sessions | pskb_expand_head |", "|---" * 4 + "|"]
    for guest in ("6.1", "7.3"):
        for v in ALL:
            f = res.v.get((guest, "reallocated", v.name), {}).get(0)
            if f:
                lines.append(f"| {guest} | {v.what} | {f['packets']} | {f['value']:.0f} |")
    return lines + [""] if len(lines) > 2 else []


def cache_lines(res):
    lines = ["| sessions | longest chain, by IPv4 / by IPv6 | client to target: reads | not in 32 KiB | not in 1 MiB "
             "| target to client: reads | not in 32 KiB | not in 1 MiB |", "|---" * 8 + "|"]
    for n in sorted(int(k[2]) for k in res.v if k[:2] == ("cache", "up")):
        up, down = (res.v[("cache", way, str(n))][0] for way in ("up", "down"))
        lines.append(f"| {n} | {up['longest']} / {down['longest']} | "
                     + " | ".join(f"{f['reads']:.1f} | {f['value']:.2f} | {f['second']:.2f}" for f in (up, down)) + " |")
    return lines + [""] if len(lines) > 2 else []


def sessions(res):
    live = sorted((int(k[2]) for k in res.v if k[:2] == ("6.1", "sessions")))
    if not live:
        return []
    lines = ["| sessions | first packets that came through | an established packet | a first packet | "
             "slab, bytes a session | table, bytes a session |", "|---|---|---|---|---|---|"]
    for n in live:
        opened = res.v[("6.1", "opened", str(n))][0]
        mem = res.v.get(("6.1", "memory", str(n)), {}).get(0)
        lines.append(f"| {opened['have']} | {opened['through']} | {res.median('6.1', 'sessions', str(n)):.0f} "
                     f"| {opened['value']:.0f} | "
                     + (f"{mem['value']:.0f} | {mem['table'] / n:.0f} |" if mem and n > 1000 else "- | - |"))
    return lines + [""]


DNS = ["straight", "least", "relayed", "straight, unbound", "relayed, unbound", "straight, BIND", "relayed, BIND", "leased",
       "burst, straight", "burst, fresh", "burst, leased", "paced, straight", "paced, fresh", "paced, leased"]


def difference(res, guest, work, variant, base):
    a, b = res.rounds(guest, work, variant), res.rounds(guest, work, base)
    out = [a[r] - b[r] for r in a if r in b]
    return "{:.0f} / **{:.0f}** / {:.0f}".format(min(out), statistics.median(out), max(out))


def relay(res, guest):
    """The relay's table: rates and what it adds, to the same asked straight in the same round"""
    lines = ["| queries | a second | to straight | added median, us | added 99th percentile, us | 99th percentile, us "
             "| CPU of the relay, us | lost |",
             "|---" * 8 + "|"]
    for v in DNS:
        what, _, whose = v.partition(", ")
        base = what + ", straight" if what in ("burst", "paced") else "straight, " + whose if whose else "straight"
        mine, straight = (res.rounds(guest, "dns-rate", n) for n in (v, base))
        if mine:
            ratio = [mine[r] / straight[r] for r in mine]
            cpu = res.median(guest, "dns-cpu", v)
            gone = res.rounds(guest, "dns-lost", v)
            lines.append(f"| {v} | {statistics.median(mine.values()):.0f} | "
                         + three([min(ratio), statistics.median(ratio), max(ratio)]) + " | "
                         + " | ".join(difference(res, guest, w, v, base) for w in ("dns-p50", "dns-p99"))
                         + f" | {res.median(guest, 'dns-p99', v):.0f} | {f'{cpu:.1f}' if cpu else '-'}"
                         + f" | {f'{max(gone.values()):.0f}' if gone else '-'} |")
    return lines + [""]


DEFAULT, OFF = ("dev", "addr", "prefix"), ("dev-off", "addr-off", "prefix-off")


class Aims:
    """Rows of a table: an aim of the issue, what was measured, and whether that is it"""
    def __init__(self, res):
        self.res = res
        self.rows = ["| aim | guest | measured (medians) | |", "|---" * 4 + "|"]

    def row(self, aim, guest, values, met, form="{:.3f}"):
        """@values: [number]; @met: of one of them"""
        values = [x for x in values if x is not None]
        if values:
            lo, hi = (form.format(f(values)) for f in (min, max))
            missed = sum(not met(x) for x in values)
            self.rows.append(f"| {aim} | {guest} | {lo if lo == hi else lo + ' to ' + hi} | "
                             + (f"missed by {missed} of {len(values)}" if missed else "met") + " |")

    def ratios(self, guest, works, variants, less_gen):
        return [r[1] for w in works for v in variants if (r := self.res.ratio(guest, w, v, less_gen))]

    def of(self, guest, work, variants, base):
        """Medians to the median of another variant"""
        than = self.res.median(guest, work, base)
        return [m / than for v in variants if than and (m := self.res.median(guest, work, v))]

    def established(self, guest):
        udp = [w for w in WORKS if w in LESS_GEN]
        v4 = min(self.ratios(guest, udp, ["v4"], True), default=0)
        self.row("default path: at most plain IPv6 forwarding, 1.00", guest,
                 self.ratios(guest, udp, DEFAULT, True), lambda x: x <= 1)
        self.row(f"filter-hooks off: at most 0.91, and plain IPv4 forwarding ({v4:.3f})", guest,
                 self.ratios(guest, udp, OFF, True), lambda x: x <= min(v4, 0.91))
        sandwich = {w: r[1] for w in udp if (r := self.res.ratio(guest, w, "sandwich", True))}
        self.row("default path: less than 0.34 of SIIT and two conntracks", guest,
                 [x / sandwich[w] for w in sandwich for x in self.ratios(guest, [w], DEFAULT, True)], lambda x: x < 0.34)
        self.row("TCP bulk: at most 1.00", guest,
                 self.ratios(guest, [w for w in WORKS if w.startswith("tcp")], DEFAULT + OFF, False), lambda x: x <= 1)

    def first(self, guest):
        """By source: what a first packet costs above an established one, to nft's masquerade; and all of it"""
        for v in DEFAULT:
            self.row(f"a new session, above an established packet: at most masquerade's, 1.00; {v} source", guest,
                     self.of(guest, "first-packet-more", [v], "v4-masq"), lambda x: x <= 1)
        self.row("... the whole first packet", guest, self.of(guest, "first-packet", DEFAULT, "v4-masq"), lambda x: x <= 1)

    def sessions(self, guest):
        m = {int(k[2]): self.res.median(*k) for k in self.res.v if k[:2] == (guest, "sessions")}
        if m:
            self.row("from 1 to 1,000,000 sessions, to the cheapest: within 5 %", guest,
                     [x / min(m.values()) for x in m.values()], lambda x: x <= 1.05)
        mem = self.res.v.get((guest, "memory", "1001000"), {}).get(0)
        if mem:
            self.row("at most 320 bytes a session, of slab and table", guest,
                     [mem["value"] + mem["table"] / 1001000], lambda x: x <= 320, "{:.0f}")

    def others(self, guest):
        for step, aim, limit in (("configured", "packets not ours, a pool configured: less than 1 %", 1.01),
                                 ("loaded", "... no pool: nothing measurable (0.2 %)", 1.002)):
            self.row(aim, guest, [x for w in ("other-v6", "other-v4") for x in self.of(guest, w, [step], "absent")],
                     lambda x, limit=limit: x < limit, "{:.4f}")

    def over(self, guest, work, variant, base, how):
        """[the median of how(variant's, base's) of each round]"""
        a, b = (self.res.rounds(guest, work, v) for v in (variant, base))
        return [statistics.median(how(a[r], b[r]) for r in a)] if a and a.keys() <= b.keys() else []

    def relay(self):
        whose = ["", ", unbound", ", BIND"]

        def each(work, how):
            return [x for w in whose for x in self.over("dns", work, "relayed" + w, "straight" + w, how)]
        self.row("dns46: at least 0.8 of the upstream's own rate (nsd, unbound, BIND)", "dns",
                 each("dns-rate", lambda x, y: x / y), lambda x: x >= 0.8)
        self.row("... added to the median, at half load: less than 100 us", "dns",
                 each("dns-p50", lambda x, y: x - y), lambda x: x < 100, "{:.0f}")
        self.row("... the 99th percentile at half load: less than 1000 us", "dns",
                 each("dns-p99", lambda x, y: x), lambda x: x < 1000, "{:.0f}")
        for guest, kind, base in ((g, k, b) for g in ("dns", "dns-guest") for k in ("burst", "paced") for b in ("straight", "leased")):
            self.row(f"... 2,000 fresh names ({kind}), 99th percentile over {base} ones: less than 5000 us", guest,
                     self.over(guest, "dns-p99", f"{kind}, fresh", f"{kind}, {base}", lambda x, y: x - y),
                     lambda x: x < 5000, "{:.0f}")
        self.row("... none of them lost", "dns, dns-guest",
                 [x for g in ("dns", "dns-guest") for k in ("burst", "paced")
                  for x in self.res.rounds(g, "dns-lost", k + ", fresh").values()], lambda x: x == 0, "{:.0f}")

    def table(self):
        for guest in ("6.1", "7.3"):
            self.established(guest)
            self.first(guest)
            self.sessions(guest)
            self.others(guest)
        self.row("no pskb_expand_head for established packets: heads reallocated of all packets", "6.1, 7.3",
                 [f[0]["value"] / f[0]["packets"] for k, f in self.res.v.items() if k[1] == "reallocated"],
                 lambda x: x < 0.001, "{:.5f}")
        self.relay()
        return self.rows + [""]


def gnuplot(path, title, ylabel, body):
    subprocess.run(["gnuplot"], check=True, text=True, input=f"""set terminal svg size 900,420 font 'sans,12' background '#ffffff'
set output '{path}'
set title "{title}"
set ylabel '{ylabel}'
set grid ytics lc '#cccccc'
set style fill solid 0.8
{body}""")


def plot_relay(path, res):
    rows = [(v, [res.median(g, w, v) or 0 for g, w in (("dns-guest", "dns-p50"), ("dns-guest", "dns-p99"))])
            for v in DNS if res.rounds("dns-guest", "dns-p50", v)]
    if not rows:
        return
    data = "\n".join(f'"{label}" {a:.0f} {b:.0f}' for label, (a, b) in rows)
    gnuplot(path, "Latency of names, user-mode Linux with one CPU", "microseconds", f"""set logscale y
set style data histogram
$d << EOD
{data}
EOD
plot $d using 2:xtic(1) title 'median' lc '#2060b0', $d using 3 title '99th percentile' lc '#d08030'
""")


def plot(path, title, rows, ylabel):
    """Bars [(label, [min, median, max])] beside the line of plain IPv6 forwarding"""
    data = "\n".join(f'"{label}" {x[1]:.4f} {x[0]:.4f} {x[2]:.4f}' for label, x in rows)
    gnuplot(path, title, ylabel, f"""set yrange [0:*]
set boxwidth 0.7
set xtics rotate by -35
unset key
$d << EOD
{data}
EOD
colour(s) = s[1:2] eq 'v4' || s[1:2] eq 'v6' ? 0x7f7f7f : s[1:2] eq 'si' || s[1:2] eq 'sa' || s[1:2] eq 'ta' ? 0xd08030 : 0x2060b0
plot $d using 0:2:(colour(strcol(1))):xtic(1) with boxes lc rgb variable, \\
     $d using 0:2:3:4 with yerrorbars lc '#000000' pt 0, 1 lc '#c00000' dt 2
""")


def measured(when):
    """Which run found what; works of one run in one line"""
    runs = {}
    for guest, works in when.items():
        for work, w in works.items():
            if not work.endswith(("-p50", "-p99", "-more")):
                runs.setdefault((guest, w["command"], w["date"], w["commit"]), []).append((work, w))
    return [f"- {guest}: `{command}`, {date}, commit {commit}"
            + (f" ({', '.join(w for w, _ in works)})" if sum(k[0] == guest for k in runs) > 1 else "")
            + (f"; load of the machine (2 CPUs) {min(x for _, x in works)} to {max(x for _, x in works)}"
               if not guest[0].isdigit() and all(x is not None for _, x in works) else "")
            + (f"; {(seconds + 59) // 60} minutes" if seconds else "")
            for (guest, command, date, commit), runs_ in runs.items()
            for works, seconds in [([(w, x.get("load")) for w, x in runs_], sum(x.get("seconds", 0) for _, x in runs_))]]


def write(out, data):
    res, m = Results(data["found"]), data["machine"]
    text = ["<!-- SPDX-License-Identifier: GPL-2.0 -->", "# Benchmark", "",
            f"{m['cpu']}, {m['qemu']}, guests {m['kernels']['6.1']} and {m['kernels']['7.3']}. All of it: results.json.", "",
            *measured(data["when"]), "",
            "Client, router (what is measured) and server are network namespaces joined by veth; datagrams come from a program",
            "that sends whole frames (send.c: buffers of their own, as a pod's socket makes them), 256 flows, and are counted",
            "where they arrive. Each figure is min / **median** / max over rounds that were interleaved, of the ratio to plain",
            "IPv6 forwarding in the same round. Instructions are counted by qemu (`-icount`), one CPU: they say nothing of",
            "caches. [profile.md](profile.md) goes by function; [notes.md](notes.md) says which aims are met, and counts what no",
            "program does. Not measured: Jool on 7.3 (Debian has its module for 6.1's sources), TAYGA but by requests (its",
            "process gets no CPU between the sender's packets: most would be lost), times of TCP (iperf3 and its two stacks are",
            "nearly all of it), nf_nat46 on Debian's 5.10 and 6.12 (built and tested, not timed).", ""]
    text += ["## Aims", "", "Of each aim the least and the greatest median of all works and variants that it is about.", ""]
    text += Aims(res).table()
    for guest, title in GUESTS.items():
        if not any(k[0] == guest for k in res.v):
            continue
        text += [f"## {title}", ""]
        if guest == "native":
            text += ["Rounds of 1,600 packets, 200 requests, or 320 first packets, interleaved: 31 (first packets: 40; rounds that lost packets are left out). Of each variant the",
                     "ratio to plain IPv6 forwarding in the same round, the mean of each: the least, **the median** and the greatest of all",
                     "rounds. Of what is timed a tenth is the router's: nothing is taken off here, since the difference of two times that",
                     "are nearly alike strays more than it says.", ""]
        counted = guest != "native"
        t = table(res, guest, LESS_GEN, counted)
        if t:
            text += [f"An established packet, the sender and {'one veth taken off' if counted else 'all'}:", ""] + t
        t = table(res, guest, [w for w in WORKS if w not in LESS_GEN], False)
        if t:
            text += ["Whole paths:", ""] + t
        text += [f"{'Nanoseconds' if guest == 'native' else 'Instructions'}, medians, the sender and all:", ""] + absolute(res, guest)
        for work in ("udp-64-up", "udp-64-down", "tcp-up-gso", "tcp-down-gso", "rr", "first-packet"):
            less = counted and work in LESS_GEN
            rows = [(v.name, x) for v in ALL if v.routers and (x := res.ratio(guest, work, v.name, less))]
            if rows:
                name = f"{guest}-{work}.svg"
                plot(os.path.join(out, name), f"{WORKS[work]}: {title}", rows, "plain IPv6 forwarding = 1")
                text += [f"![{WORKS[work]}]({name})"]
        text += [""]
    text += ["## Packets that are not ours", ""] + others(res) if others(res) else []
    if reallocated(res):
        text += ["## Heads reallocated", "", "By the module's own counter, over all sizes both ways. The one at the beginning tells it how much room to ask for:", ""]
        text += reallocated(res)
    text += ["## Sessions", ""] + sessions(res) if sessions(res) else []
    if cache_lines(res):
        text += ["## Cache lines of the session table", "",
                 "By valgrind's cachegrind, of the table in user space (cache.c: the module's own tuples, hashes and struct; 524,288",
                 "buckets, at whose cap a million sessions is): what finding a packet's session and reading what it needs costs, sessions",
                 "hit by chance. Reads, and lines that a first cache of 32 KiB, and a second of 1 MiB, did not have. What all packets",
                 "share, and is in the cache, is not in it: [notes.md](notes.md).", ""] + cache_lines(res)
    if ("dns", "dns-rate", "straight") in res.v:
        text += ["## dns46", "", "dnsperf (4 clients, 100 queries open at most) asks nsd (or a resolver) straight, and the same by dns46; latency at half",
                 "the slower one's rate. *least*: by bounce.c, which changes IDs and passes on, as no relay on sockets can do without.",
                 "*leased*: the A of IPv6-only names that have their address; *fresh*: of 2,000 names",
                 "never asked for, each of which is written to disk (ext4) and mapped in the kernel before it is answered. A *burst*",
                 "is as fast as answers come, 100 open at most; *paced* is 2,000 a second, or half as many as there were in the burst.",
                 "Added: to the same asked straight in the same round. (A name asked for straight costs nsd one question, a fresh one two.)",
                 "", "On this machine, where dnsperf, nsd and dns46 share two CPUs (bursts: a kernel that takes every mapping at once):", ""] + relay(res, "dns")
        text += ["In user-mode Linux, where they share one:", ""] + relay(res, "dns-guest")
        plot_relay(os.path.join(out, "dns46.svg"), res)
        text += ["![Latency of names](dns46.svg)", ""]
    with open(os.path.join(out, "README.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(text).rstrip() + "\n")
    print("\n".join(text))
