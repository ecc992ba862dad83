# SPDX-License-Identifier: GPL-2.0
"""Instructions by function of an established packet: a TCG plugin counts how
often each block of the kernel runs between marks (count.c, mark.c)."""
import bisect
import collections
import os
import subprocess

COUNT = 3000	# packets
def symbols(path):
    syms = []
    with open(path, encoding="ascii") as f:
        for line in f:
            at, kind, name, *module = line.split()
            if kind in "tTwW":
                syms.append((int(at, 16), name + (" " + module[0] if module else "")))
    return sorted(syms)


NEW = "v4-masq dev addr prefix dev-nat"
# kernel, work, variants
JOBS = [
    ("6.1", "udp", "gen gen4 v6 v4 v4-masq dev dev-off"),
    ("6.1", "new", NEW),
    ("6.1", "other", ""),
    ("7.3", "new", NEW),
]
UP = ["v6", "v4", "v4-masq", "dev", "dev-off"]


def columns(udp, new, other, newest):
    """[(title, [(label, counts)])]: from counts by mark's name"""
    def less(a, b):
        return {f: a.get(f, 0) - b.get(f, 0) for f in {**a, **b}}
    gen = {"v6": {"up": "gen", "down": "gen"}, "v4": {"up": "gen4", "down": "gen4"},
           "v4-masq": {"up": "gen4", "down": "gen4"}, "dev": {"up": "gen4", "down": "gen"},
           "dev-off": {"up": "gen4", "down": "gen"}}
    tables = [(title, [(v, less(udp[f"udp-64-{way} {v}"], udp[f"udp-64-{way} {gen[v][way]}"])) for v in UP])
              for way, title in (("up", "Client to target"), ("down", "Target to client"))]
    tables += [("A first packet, above an established one" + where,
                [(v, less(of["first-packet " + v], of["second-packet " + v])) for v in NEW.split()])
               for where, of in (("", new), (", Debian's 7.3", newest))]
    tables.append(("A packet that is not ours, above one without the module",
                   [(f"{v}, {step}", less(other[f"other-{v} {step}"], other[f"other-{v} absent"]))
                    for v in ("v6", "v4") for step in ("absent, empty nft chains", "loaded", "configured")]))
    return tables


def measure(top, out, commit, guest, options):
    here, build = os.path.join(top, "selftests/bench"), os.path.join(top, "build/bench-profile")
    os.makedirs(build, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", f"{build}/count.so", f"{here}/count.c"], check=True)
    found = [count(build, lambda *job, k=kernel: guest(k, *job), options[kernel], work, variants)
             for kernel, work, variants in JOBS]
    text = ["<!-- SPDX-License-Identifier: GPL-2.0 -->", "# Where a packet's instructions go", "",
            f"`make bench ARGS=--profile`, commit {commit}: by function, 64 byte UDP, Debian's 6.1 where nothing else is",
            "said; in the first two tables the sender and one veth are taken off. Functions of 10 and more. A string instruction counts once for each byte or word.", ""]
    for title, cols in columns(*found):
        rows = {f for _, c in cols for f, x in c.items() if abs(x) >= 10}
        text += [f"## {title}", "", "| function | " + " | ".join(label for label, _ in cols) + " |",
                 "|---" * (len(cols) + 1) + "|",
                 "| **all** | " + " | ".join(f"**{sum(c.values()):.0f}**" for _, c in cols) + " |"]
        for f in sorted(rows, key=lambda f: -max(c.get(f, 0) for _, c in cols)):
            text.append(f"| `{f}` | " + " | ".join(f"{c[f]:.0f}" if abs(c.get(f, 0)) >= 1 else "" for _, c in cols) + " |")
        text.append("")
    with open(os.path.join(out, "profile.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(text))
    print("\n".join(text))


def count(build, guest, options, work, variants):
    """{mark's name: {function: instructions a packet}}"""
    counts = f"{build}/counts-{work}"
    os.environ["QEMU_OPTS"] = f"-plugin {build}/count.so,out={counts}"
    found, status = guest([*options, "--out", build], work, variants,
                          ["--quick", "--rounds", "1", "--mark", "--count", str(COUNT), "--wide"])
    if status:
        raise SystemExit(status)
    marks = {f["round"]: (f["variant"], f["value"]) for f in found if f["work"] == "mark"}
    syms = symbols(f"{build}/kallsyms")
    at = [a for a, _ in syms]
    per = collections.defaultdict(collections.Counter)
    with open(counts, encoding="ascii") as f:
        for line in f:
            mark, addr, insns, times = line.split()
            name = syms[bisect.bisect(at, int(addr, 16)) - 1][1]
            work, packets = marks[int(mark)]
            per[work][name] += int(insns) * int(times) / packets
    return per
