#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What a program of the node sees of its own sockets: one finding a call.

sockets.py serve ADDR6 PORT              sends each datagram back, from that address
sockets.py unconnected [--port N] ADDR ADDR PORT   answers come from who was asked
sockets.py refused ADDR PORT             a datagram to a closed port: ECONNREFUSED
sockets.py unreachable tcp|udp ADDR PORT   EHOSTUNREACH, in time
sockets.py stray ADDR PORT               an ACK of no connection is answered by an RST
sockets.py reset [--device DEV] ADDR PORT COMMAND...   of a connection that COMMAND breaks
sockets.py toobig ADDR PORT MTU          EMSGSIZE, at once or soon, and the MTU in the error queue
"""
import errno
import socket
import struct
import subprocess
import sys
import time

IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_RECVERR = 10, 2, 11


def serve(args):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((args[0], int(args[1])))
    while True:
        data, peer = s.recvfrom(65535)
        s.sendto(data, peer)


def unconnected(args):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    if args[0] == "--port":
        s.bind(("", int(args[1])))
        args = args[2:]
    *addrs, port = args
    for size in 1, 900, 1400:
        for addr in addrs:
            data = bytes([len(addr)]) * size
            s.sendto(data, (addr, int(port)))
            got, who = s.recvfrom(9000)
            assert who == (addr, int(port)), who
            assert got == data, len(got)


def expect(error, call, *args):
    try:
        call(*args)
    except OSError as e:
        assert e.errno == error, f"{errno.errorcode.get(e.errno, e)} and not {errno.errorcode[error]}"
        return
    raise AssertionError("no error")


def refused(args):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.connect((args[0], int(args[1])))
    s.send(b"x")
    expect(errno.ECONNREFUSED, s.recv, 1)


def unreachable(args):
    kind, addr, port = args
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(4)
    if kind == "tcp":
        expect(errno.EHOSTUNREACH, s.connect, (addr, int(port)))
        return
    s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)

    def ask():
        s.connect((addr, int(port)))
        s.send(b"x")        # refused at once, or
        s.recv(1)           # told later
    expect(errno.EHOSTUNREACH, ask)


def stray(args):
    addr, port = args
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    s.settimeout(3)
    s.connect((addr, 0))
    ends = (socket.inet_aton(s.getsockname()[0]) + socket.inet_aton(addr) +
            struct.pack("!HH", socket.IPPROTO_TCP, 20))
    ack = struct.pack("!HHIIHHHH", 33333, int(port), 1000, 5000, 5 << 12 | 0x10, 8192, 0, 0)
    total = sum(struct.unpack(f"!{len(ends + ack) // 2}H", ends + ack))
    total = 0xffff - total % 0xffff
    try:
        s.send(ack[:16] + struct.pack("!H", total) + ack[18:])
    except OSError as e:		# said at once that it does not leave
        assert e.errno == errno.EHOSTUNREACH, e
    raw = s.recv(99)[20:]
    got = struct.unpack("!HHIIHH", raw[:16])
    assert got == (int(port), 33333, 5000, 0, 5 << 12 | 4, 0), got


def reset(args):
    s = socket.socket()
    s.settimeout(4)
    if args[0] == "--device":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, args[1].encode())
        args = args[2:]
    addr, port, *command = args
    s.connect((addr, int(port)))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    s.send(b"GET / HTTP/1.0\r\n\r\n")
    expect(errno.ECONNRESET, s.recv, 1)


def toobig(args):
    addr, port, mtu = args
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    s.connect((addr, int(port)))
    end = time.monotonic() + 4
    while time.monotonic() < end:
        try:
            s.send(bytes(1450))
        except OSError as e:
            assert e.errno == errno.EMSGSIZE, errno.errorcode.get(e.errno, e)
            break
        time.sleep(0.1)
    else:
        raise AssertionError("no error")
    s.settimeout(1)
    _, told, _, _ = s.recvmsg(2000, 512, socket.MSG_ERRQUEUE)
    number, _, _, _, _, info, _ = struct.unpack_from("IBBBBII", told[0][2])
    assert (number, info) == (errno.EMSGSIZE, int(mtu)), (number, info)


if __name__ == "__main__":
    CALLS = {"serve": serve, "unconnected": unconnected, "refused": refused,
             "unreachable": unreachable, "stray": stray, "reset": reset, "toobig": toobig}
    CALLS[sys.argv[1]](sys.argv[2:])
