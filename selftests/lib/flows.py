#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""flows.py SRC DST[,DST...] COUNT [SECONDS]: sends COUNT small UDP packets, each
a flow of its own (source ports 1024..65535 towards each DST in turn), as root by
a raw socket. With SECONDS it goes round again until the time is over."""
import socket
import struct
import sys
import time


def packet(src, dst, sport):
    payload = b"nat46"
    length = 8 + len(payload)
    # a checksum of zero: the kernel fills in the IPv4 header's, not UDP's
    udp = struct.pack("!HHHH", sport, 9, length, 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0x4000, 64, 17, 0,
                     socket.inet_aton(src), socket.inet_aton(dst))
    return ip + udp


def main():
    src, targets, count = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
    end = time.monotonic() + float(sys.argv[4]) if len(sys.argv) > 4 else 0
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ports = range(1024, 65536)
    sent = 0
    while sent < count or time.monotonic() < end:
        dst = targets[(sent // len(ports)) % len(targets)]
        try:
            s.sendto(packet(src, dst, ports[sent % len(ports)]), (dst, 0))
        except OSError:  # the way is gone for a moment: that is the test
            time.sleep(0.001)
        sent += 1
        if end and time.monotonic() > end:
            break
    print(sent)


main()
