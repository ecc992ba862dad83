#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The relay's part of the benchmark: dnsperf asks nsd straight, and the same by
dns46, rounds interleaved. On a loopback of our own; run says where:

  straight  AAAA, asked of nsd
  relayed   the same by dns46
  leased    A of the same names, which have a lease (needs the module: a guest)
  burst     2,000 names as fast as answers come, 100 open: straight, of which nobody
            has asked yet (fresh), and the same again (leased)
  paced     the same, 2,000 a second, or half as many as were made in the burst

The last two need the module as well, whose leases are on the disk /dev/ubda where
there is one; or they are asked of --fake, dns46-fake: all of the relay, the disk
too, but for the kernel, which takes every mapping at once.

With --least the same questions go by bounce.c too: what no relay can do without.

With --peers the upstream is unbound, then BIND, as well, each against itself:
"straight, unbound" and so on. nsd does little more than copy an answer, resolvers
do more.

Findings are lines "@ {JSON}": the rate with many queries open; CPU microseconds a
query that the relay takes (dns-cpu); at half the rate of the slower of the two the
median and the 99th percentile of latency, microseconds; of bursts how many questions
got no good answer (dns-lost)."""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

NSD = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib/nsd.conf")
UPSTREAM, RELAY, FAKE, LEAST = "127.0.0.2", "127.0.0.1", "127.0.0.20", "127.0.0.30"
TICK = 1e6 / os.sysconf("SC_CLK_TCK")
UNBOUND = """server:
  interface: 127.0.0.3
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  module-config: "iterator"
stub-zone:
  name: example
  stub-addr: 127.0.0.2
remote-control:
  control-enable: no
"""
NAMED = """options {{
  directory "{dir}";
  listen-on {{ 127.0.0.4; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  dnssec-validation no;
}};
controls {{ }};
zone "example" {{ type static-stub; server-addresses {{ 127.0.0.2; }}; }};
"""
# each name has a parent of its own: many of one would be taken for a wildcard, and share an address
NAMES, BURST = 1000, 2000
DISK = "/dev/ubda"
ZONE = """$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns AAAA 2001:db8:9::7
*.v6 AAAA 2001:db8:9::7
"""
CONF = """listen {relay}
upstream {addr}
pool 198.18.0.0/16
store file {state}/{relay}/leases
key-file {state}/{relay}/key
user nobody
max-per-client 0
"""


def say(work, variant, rnd, value):
    print("@ " + json.dumps({"work": work, "variant": variant, "round": rnd, "value": round(value, 3)}), flush=True)


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def completed(out):
    return int(re.search(r"Queries completed:\s+(\d+)", out)[1])


def lost(out):
    """Questions without an answer, or a bad one"""
    good = sum(int(n) for n in re.findall(r"NOERROR (\d+) ", out))
    return int(re.search(r"Queries sent:\s+(\d+)", out)[1]) - good


def dnsperf(server, data, *more):
    p = subprocess.run(["dnsperf", "-s", server, "-d", data, "-c", "4", *more],
                       capture_output=True, text=True, check=True)
    if lost(p.stdout):
        print(f"# {server} {data}: {lost(p.stdout)} of {completed(p.stdout)} lost, or answered badly", flush=True)
    return p.stdout


def rate(out):
    return float(re.search(r"Queries per second:\s+([\d.]+)", out)[1])


def latencies(out):
    """[p50, p99], microseconds; each query is a line that ends so"""
    all_ = sorted(float(m) * 1e6 for m in re.findall(r"^> .* ([\d.]+)$", out, re.M))
    return all_[len(all_) // 2], all_[len(all_) * 99 // 100]


def started(cmd, ready, log):
    """The process, once @ready() is true"""
    with open(log, "w", encoding="ascii") as f:
        p = subprocess.Popen(cmd, stdout=f, stderr=f)
    for _ in range(200):
        if ready():
            return p
        time.sleep(0.05)
    with open(log, encoding="ascii") as f:
        sys.exit(f"{cmd[0]} does not start: {f.read()}")


def cpu(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def answers(server):
    def look():
        return "NOERROR" in subprocess.run(["dig", "@" + server, "n.v6.example", "AAAA", "+time=1", "+tries=1"],
                                           capture_output=True, text=True, check=False).stdout
    return look


def peers(tmp, dns46):
    """[(works)] and processes: unbound and BIND, each with a relay of its own"""
    subprocess.run(["ip", "addr", "add", "127.0.0.4/32", "dev", "lo"], check=True)
    works, running = [], []
    for n, (name, server, text, cmd) in enumerate((
            ("unbound", "127.0.0.3", UNBOUND, ["unbound", "-d", "-c"]),
            ("BIND", "127.0.0.4", NAMED, ["named", "-f", "-n", "1", "-c"]))):
        conf = write(f"{tmp}/{name}.conf", text.format(dir=tmp))
        running.append(started(cmd + [conf], answers(server), f"{tmp}/{name}.log"))
        relay = f"127.0.0.1{n}"
        conf = write(f"{tmp}/conf-{name}", CONF.format(relay=relay, addr=server, state=tmp))
        running.append(started([dns46, "-f", "-c", conf], answers(relay), f"{tmp}/log-{name}"))
        works += [("straight, " + name, server, tmp + "/aaaa", None), ("relayed, " + name, relay, tmp + "/aaaa", running[-1])]
    return works, running


def burst(kind, rnd, relay, tmp, *more):
    """Says what comes of it; the rate of fresh ones"""
    names = write(f"{tmp}/{kind}{rnd}", "".join(f"a.{kind}{rnd}-{i}.v6.example A\n" for i in range(BURST)))
    rates = {}
    for what, server in (("straight", UPSTREAM), ("fresh", relay), ("leased", relay)):
        out = dnsperf(server, names, "-n", "1", "-v", *more)
        p50, p99 = latencies(out)
        rates[what] = rate(out)
        for work, value in (("rate", rates[what]), ("p50", p50), ("p99", p99), ("lost", lost(out))):
            say("dns-" + work, f"{kind}, {what}", rnd, value)
    return rates["fresh"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--dns46", default="dns46")
    parser.add_argument("--module", action="store_true", help="the module is there: leased and fresh as well")
    parser.add_argument("--fake", help="dns46-fake: fresh and leased names without the module")
    parser.add_argument("--least", help="bounce.c, built")
    parser.add_argument("--peers", action="store_true", help="unbound and BIND as upstreams, too")
    o = parser.parse_args()
    tmp = tempfile.mkdtemp()
    os.chmod(tmp, 0o755)

    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # dnsperf takes a host whose only IPv4 address is 127.0.0.1 for one without IPv4
    subprocess.run(["ip", "addr", "add", "192.0.2.1/32", "dev", "lo"], check=True)
    if o.module:
        for cmd in (["insmod", os.environ["NAT46_KO"]], ["nat46", "pool", "add", "198.18.0.0/16"]):
            subprocess.run(cmd, check=True)
    state = tmp + "/state"
    os.mkdir(state)
    if o.module and os.path.exists(DISK):
        subprocess.run(["mount", "-t", "ext4", DISK, state], check=True)
    write(tmp + "/example.zone", ZONE)
    with open(NSD, encoding="ascii") as f:
        nsd = write(tmp + "/nsd.conf", f.read().replace("@DIR@", tmp))
    conf = write(tmp + "/conf", CONF.format(relay=RELAY, addr=UPSTREAM, state=state))
    aaaa = write(tmp + "/aaaa", "".join(f"a.n{i}.v6.example AAAA\n" for i in range(NAMES)))
    a = write(tmp + "/a", "".join(f"a.n{i}.v6.example A\n" for i in range(NAMES)))

    def logged(words):
        def look():
            with open(tmp + "/log", encoding="ascii") as f:
                return words in f.read()
        return look
    running = [started(["nsd", "-d", "-c", nsd], answers(UPSTREAM), tmp + "/nsd.log"),
               started([o.dns46, "-f", "-c", conf], logged("synthesis is up" if o.module else "ready"), tmp + "/log")]

    works = [("straight", UPSTREAM, aaaa, None), ("relayed", RELAY, aaaa, running[1])]
    if o.least:
        running.append(started([o.least, LEAST, UPSTREAM], answers(LEAST), tmp + "/log-least"))
        works.append(("least", LEAST, aaaa, running[-1]))
    if o.peers:
        more, others = peers(tmp, o.dns46)
        works += more
        running += others
    if o.module:
        works.append(("leased", RELAY, a, running[1]))
        dnsperf(RELAY, a, "-n", "1")
    leases = RELAY if o.module else FAKE if o.fake else None
    if o.fake:
        conf = write(tmp + "/conf-fake", CONF.format(relay=FAKE, addr=UPSTREAM, state=state))
        running.append(started([o.fake, "-f", "-c", conf], answers(FAKE), tmp + "/log-fake"))
    seconds = ["-l", str(o.seconds)]
    for rnd in range(o.rounds):
        found = {}
        for name, server, data, process in works:
            before = cpu(process) if process else 0
            out = dnsperf(server, data, *seconds)
            found[name] = rate(out)
            say("dns-rate", name, rnd, found[name])
            if process:
                say("dns-cpu", name, rnd, (cpu(process) - before) / completed(out))
        for name, server, data, _ in works:
            # of the two that are compared
            pair = [v for k, v in found.items() if k.partition(", ")[2] == name.partition(", ")[2]]
            half = str(int(min(pair) / 2))
            p50, p99 = latencies(dnsperf(server, data, *seconds, "-Q", half, "-v"))
            say("dns-p50", name, rnd, p50)
            say("dns-p99", name, rnd, p99)
        if leases:
            pace = min(BURST, int(burst("burst", rnd, leases, tmp) / 2))
            burst("paced", rnd, leases, tmp, "-Q", str(pace))
    for p in running:
        p.send_signal(signal.SIGTERM)
        p.wait()


main()
