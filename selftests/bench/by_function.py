# SPDX-License-Identifier: GPL-2.0
"""Instructions by function of an established packet: a TCG plugin counts how
often each block of the kernel runs between marks (count.c, mark.c)."""
import bisect
import collections
import os
import subprocess

VARIANTS = "gen v6 v4 v4-masq dev dev-off"
COUNT = 4000


def symbols(path):
    syms = []
    with open(path, encoding="ascii") as f:
        for line in f:
            at, kind, name, *module = line.split()
            if kind in "tTwW":
                syms.append((int(at, 16), name + (" " + module[0] if module else "")))
    return sorted(syms)


def measure(top, out, extra, guest, options):
    here = os.path.join(top, "selftests/bench")
    build, counts = os.path.join(top, "build/bench-profile"), os.path.join(top, "build/bench-profile/counts")
    os.makedirs(build, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", f"{build}/count.so", f"{here}/count.c"], check=True)
    os.environ["QEMU_OPTS"] = f"-plugin {build}/count.so,out={counts}"
    guest("6.1", [*options, "--out", build], "udp", VARIANTS, ["--quick", "--rounds", "1", "--mark"], extra)
    syms = symbols(f"{build}/kallsyms")
    at = [a for a, _ in syms]
    per = collections.defaultdict(collections.Counter)
    with open(counts, encoding="ascii") as f:
        for line in f:
            mark, addr, insns, times = line.split()
            name = syms[bisect.bisect(at, int(addr, 16)) - 1][1]
            per[int(mark)][name] += int(insns) * int(times) / COUNT
    names = VARIANTS.split()
    text = ["<!-- SPDX-License-Identifier: GPL-2.0 -->", "# Where an established packet's instructions go", "",
            "`make bench ARGS=--profile`: by function, 64 byte UDP, Debian's 6.1, the generator and one veth taken off;",
            "functions of 10 and more. A string instruction counts once for each byte or word.", ""]
    for way, shift in (("up", 1), ("down", 2)):
        less = {n: per[2 * i + shift] - per[shift] for i, n in enumerate(names)}
        rows = {f for n in names[1:] for f, x in less[n].items() if x >= 10}
        text += [f"## {'Client to target' if way == 'up' else 'Target to client'}", "",
                 "| function | " + " | ".join(names[1:]) + " |", "|---" * len(names) + "|"]
        total = {n: sum(per[2 * i + shift].values()) - sum(per[shift].values()) for i, n in enumerate(names)}
        text.append("| **all** | " + " | ".join(f"**{total[n]:.0f}**" for n in names[1:]) + " |")
        for f in sorted(rows, key=lambda f: -max(less[n][f] for n in names[1:])):
            text.append(f"| `{f}` | " + " | ".join(f"{less[n][f]:.0f}" if less[n][f] >= 1 else "" for n in names[1:])
                        + " |")
        text.append("")
    with open(os.path.join(out, "profile.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(text))
    print("\n".join(text))
