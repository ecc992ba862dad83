#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""restart.py N COMMAND...: plays the service manager that holds the relay's sockets
(UDP and TCP of 127.0.0.1 port 53), and restarts it N times under load. No query may
be lost: each is sent once, and is answered (rule 58)."""
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from dnsq import query, read_tcp

AT = ("127.0.0.1", 53)
QUERY = query("both.example", "A", False)
over = threading.Event()
lost, answered = [], {"udp": 0, "tcp": 0, "connections": 0}


def start(fds, command):
    def give():
        # above those that they go to
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
            os.close(fd)
    return subprocess.Popen(
        ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=2; exec "$@"', "sh", *command],
        preexec_fn=give, pass_fds=(3, 4), stderr=subprocess.DEVNULL)


def udp_client():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(AT)
    while not over.is_set():
        try:
            s.send(QUERY)
            s.recv(4096)
            answered["udp"] += 1
        except OSError as e:
            lost.append(f"udp: {e}")


def tcp_client(per_connection):
    while not over.is_set():
        try:
            with socket.create_connection(AT, 5) as s:
                answered["connections"] += 1
                for _ in range(per_connection):
                    s.sendall(struct.pack(">H", len(QUERY)) + QUERY)
                    read_tcp(s)
                    answered["tcp"] += 1
        except (OSError, EOFError) as e:
            lost.append(f"tcp: {e}")


def main():
    n, command = int(sys.argv[1]), sys.argv[2:]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    udp.bind(AT)
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(AT)
    tcp.listen(1024)
    fds = [udp.fileno(), tcp.fileno()]
    relay = start(fds, command)
    clients = [threading.Thread(target=udp_client) for _ in range(4)] + \
        [threading.Thread(target=tcp_client, args=(k,)) for k in (1, 5, 20)]
    for c in clients:
        c.start()
    for _ in range(n):
        time.sleep(0.5)
        relay.send_signal(signal.SIGTERM)
        if relay.wait(10):
            lost.append(f"status {relay.returncode}")
        relay = start(fds, command)
    time.sleep(0.5)
    over.set()
    for c in clients:
        c.join()
    relay.send_signal(signal.SIGTERM)
    relay.wait(10)
    print(f"{n} restarts, {answered}, lost: {len(lost)}", *lost[:5], sep="\n")
    sys.exit(bool(lost) or min(answered.values()) < 10 * n)


main()
