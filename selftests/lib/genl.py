# SPDX-License-Identifier: GPL-2.0
"""A bare generic netlink client, so that tests can send what no tool would."""
import errno
import ipaddress
import os
import re
import socket
import struct

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../include/uapi/linux/nf_nat46.h")

NETLINK_GENERIC, SOL_NETLINK = 16, 270
ADD_MEMBERSHIP, CAP_ACK, EXT_ACK, GET_STRICT_CHK = 1, 10, 11, 12
REQUEST, MULTI, ACK, DUMP_INTR = 1, 2, 4, 16
DUMP, REPLACE, EXCL, CREATE = 0x300, 0x100, 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3
NEW = CREATE | EXCL
NESTED = 0x8000


def constants(path=HEADER):
    """The enumerators of the contract, by name without NAT46_."""
    text = re.sub(r"/\*.*?\*/", "", open(path, encoding="ascii").read(), flags=re.S)
    out = {}
    for body in re.findall(r"enum \w+ \{(.*?)\}", text, flags=re.S):
        value = 0
        for item in body.split(","):
            name, _, given = item.strip().partition("=")
            name = name.strip()
            if not name or given.strip().startswith("__"):
                continue
            value = int(given, 0) if given.strip() else value
            out[name.replace("NAT46_", "", 1)] = value
            value += 1
    return out


C = constants()


class NlError(OSError):
    """What the kernel said: errno, its message, and the attribute at fault."""

    def __init__(self, num, msg, attr):
        super().__init__(num, msg)
        self.msg, self.attr = msg, attr

    def __str__(self):
        return f"{errno.errorcode[self.errno]} '{self.msg}' attr {self.attr}"


def attr(kind, data=b""):
    if isinstance(data, str):
        data = data.encode() + b"\0"
    elif isinstance(data, list):
        kind, data = kind | NESTED, b"".join(data)
    elif isinstance(data, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        data = data.packed
    raw = struct.pack("HH", 4 + len(data), kind) + data
    return raw + b"\0" * (-len(raw) % 4)


def u8(v):
    return struct.pack("B", v)


def u16(v):
    return struct.pack("H", v)


def u32(v):
    return struct.pack("I", v)


def be16(v):
    return struct.pack("!H", v)


def ip(text):
    return ipaddress.ip_address(text)


def parse(data):
    """[(type, bytes)], in order."""
    out, at = [], 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("HH", data, at)
        if size < 4:
            break
        out.append((kind & 0x3fff, data[at + 4:at + size]))
        at += (size + 3) & ~3
    return out


class Genl:
    """A socket of the network namespace that the process is in now."""

    def __init__(self, group=None, rcvbuf=8 << 20):
        self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.s.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        try:
            self.s.setsockopt(socket.SOL_SOCKET, 33, rcvbuf)	# SO_RCVBUFFORCE
        except PermissionError:
            pass
        self.s.bind((0, 0))
        self.seq = 0
        self.family = 16
        reply = dict(self.do(3, attr(2, "nat46"), version=2))
        self.family = struct.unpack("H", reply[1])[0]
        if group:
            for _, g in parse(reply[7]):
                g = dict(parse(g))
                if g[1] == group.encode() + b"\0":
                    self.s.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP,
                                      struct.unpack("I", g[2])[0])

    def send(self, cmd, data, flags, version=1):
        self.seq += 1
        raw = struct.pack("=IHHIIBBH", 20 + len(data), self.family, flags, self.seq, 0,
                          cmd, version, 0) + data
        self.s.send(raw)
        return raw

    def messages(self):
        data = self.s.recv(1 << 18)
        while data:
            size, kind, flags, seq, _ = struct.unpack_from("=IHHII", data)
            yield kind, flags, seq, data[16:size]
            data = data[(size + 3) & ~3:]

    def error(self, flags, body, sent):
        num = -struct.unpack_from("i", body)[0]
        if not num:
            return
        # the request is quoted behind the number, the attributes behind it
        size = 16 if flags & 0x100 else struct.unpack_from("I", body, 4)[0]
        tlv = dict(parse(body[4 + ((size + 3) & ~3):])) if flags & 0x200 else {}
        msg = tlv.get(1, b"\0")[:-1].decode()
        at = None
        if 2 in tlv:
            offset = struct.unpack("I", tlv[2])[0]
            at = struct.unpack_from("H", sent, offset + 2)[0] & 0x3fff
        raise NlError(num, msg, at)

    def do(self, cmd, data=b"", flags=0, version=1):
        """One request; returns the attributes of its reply, or []."""
        sent = self.send(cmd, data, REQUEST | ACK | flags, version)
        out = []
        while True:
            for kind, fl, seq, body in self.messages():
                if seq != self.seq:
                    continue
                if kind == NLMSG_ERROR:
                    self.error(fl, body, sent)
                    return out
                out = parse(body[4:])

    def dump(self, cmd, data=b"", slowly=None):
        """Returns ([attributes of each message], was it interrupted?)."""
        return self.dumped(self.send(cmd, data, REQUEST | DUMP), slowly)

    def dumped(self, sent, slowly=None):
        """What the kernel answers to a dump that has been sent, as dump() returns it."""
        out, intr = [], False
        while True:
            for kind, fl, seq, body in self.messages():
                if seq != self.seq:
                    continue
                intr = intr or bool(fl & DUMP_INTR)
                if kind == NLMSG_ERROR:
                    self.error(fl, body, sent)
                if kind == NLMSG_DONE:
                    num = struct.unpack_from("i", body)[0]
                    if num < 0:
                        self.error(fl, body, sent)
                    return out, intr
                out.append(parse(body[4:]))
            if slowly:
                slowly()

    def close(self):
        self.s.close()
