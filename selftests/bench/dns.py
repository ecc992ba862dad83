#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The relay's part of the benchmark: dnsperf asks nsd straight, and the same by
dns46, rounds interleaved. On a loopback of our own; run says where:

  straight  AAAA, asked of nsd
  relayed   the same by dns46
  leased    A of the same names, which have a lease   (these two need the
  fresh     A of names that nobody has asked for yet   module: a guest)

Findings are lines "@ {JSON}": the rate with many queries open; at half the
relay's rate the median and the 99th percentile of latency, microseconds."""
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
UPSTREAM, RELAY = "127.0.0.2", "127.0.0.1"
NAMES, BURST = 1000, 2000
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
store file {dir}/state/leases
key-file {dir}/state/key
user nobody
"""


def say(work, variant, rnd, value):
    print("@ " + json.dumps({"work": work, "variant": variant, "round": rnd, "value": round(value, 3)}), flush=True)


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def dnsperf(server, data, *more):
    p = subprocess.run(["dnsperf", "-s", server, "-d", data, "-c", "4", *more],
                       capture_output=True, text=True, check=True)
    done = int(re.search(r"Queries completed:\s+(\d+)", p.stdout)[1])
    sent = int(re.search(r"Queries sent:\s+(\d+)", p.stdout)[1])
    good = sum(int(n) for n in re.findall(r"NOERROR (\d+) ", p.stdout))
    if done != sent or good != done:
        print(f"# {server} {data}: {sent} sent, {done} answered, {good} of them well", flush=True)
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--dns46", default="dns46")
    parser.add_argument("--module", action="store_true", help="the module is there: leased and fresh as well")
    o = parser.parse_args()
    tmp = tempfile.mkdtemp()
    os.chmod(tmp, 0o755)

    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # dnsperf takes a host whose only IPv4 address is 127.0.0.1 for one without IPv4
    subprocess.run(["ip", "addr", "add", "192.0.2.1/32", "dev", "lo"], check=True)
    if o.module:
        for cmd in (["insmod", os.environ["NAT46_KO"]], ["nat46", "pool", "add", "198.18.0.0/16"]):
            subprocess.run(cmd, check=True)
    write(tmp + "/example.zone", ZONE)
    with open(NSD, encoding="ascii") as f:
        nsd = write(tmp + "/nsd.conf", f.read().replace("@DIR@", tmp))
    conf = write(tmp + "/conf", CONF.format(relay=RELAY, addr=UPSTREAM, dir=tmp))
    aaaa = write(tmp + "/aaaa", "".join(f"n{i}.v6.example AAAA\n" for i in range(NAMES)))
    a = write(tmp + "/a", "".join(f"n{i}.v6.example A\n" for i in range(NAMES)))

    def answers():
        return "NOERROR" in subprocess.run(["dig", "@" + UPSTREAM, "n.v6.example", "AAAA", "+time=1", "+tries=1"],
                                           capture_output=True, text=True, check=False).stdout

    def logged(words):
        def look():
            with open(tmp + "/log", encoding="ascii") as f:
                return words in f.read()
        return look
    running = [started(["nsd", "-d", "-c", nsd], answers, tmp + "/nsd.log"),
               started([o.dns46, "-f", "-c", conf], logged("synthesis is up" if o.module else "ready"), tmp + "/log")]

    works = [("straight", UPSTREAM, aaaa), ("relayed", RELAY, aaaa)]
    if o.module:
        works.append(("leased", RELAY, a))
        dnsperf(RELAY, a, "-n", "1")
    seconds = ["-l", str(o.seconds)]
    for rnd in range(o.rounds):
        found = {}
        for name, server, data in works:
            found[name] = rate(dnsperf(server, data, *seconds))
            say("dns-rate", name, rnd, found[name])
        half = str(int(min(found.values()) / 2))
        for name, server, data in works:
            p50, p99 = latencies(dnsperf(server, data, *seconds, "-Q", half, "-v"))
            say("dns-p50", name, rnd, p50)
            say("dns-p99", name, rnd, p99)
        if not o.module:
            continue
        # the upstream's own part in a burst, and the relay's
        fresh = write(f"{tmp}/fresh{rnd}", "".join(f"f{rnd}-{i}.v6.example A\n" for i in range(BURST)))
        for name, server in (("burst, straight", UPSTREAM), ("burst, fresh", RELAY)):
            out = dnsperf(server, fresh, "-n", "1", "-v")
            p50, p99 = latencies(out)
            say("dns-rate", name, rnd, rate(out))
            say("dns-p50", name, rnd, p50)
            say("dns-p99", name, rnd, p99)
    for p in running:
        p.send_signal(signal.SIGTERM)
        p.wait()


main()
