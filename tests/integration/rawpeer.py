"""A peer that does what slirppd would not: it negotiates, then sends whatever packets it is told to, on one descriptor and in
one thread. Beside that it can hold a TCP conversation of its own, small and slow, to see how the link feels meanwhile."""

import binascii
import itertools
import os
import re
import select
import struct
import time

ADDRESS, LOCAL = bytes([10, 0, 2, 15]), bytes([10, 0, 2, 2])
IPV4, IPCP, LCP = 0x0021, 0x8021, 0xC021
REQUEST, ACK, NAK, ECHO_REQUEST, ECHO_REPLY = 1, 2, 3, 9, 10
FIN, SYN, RST, PSH, TCP_ACK = 1, 2, 4, 8, 16
REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
SPECIAL = re.compile(rb"[\x00-\x1f\x7d\x7e]")
RETRANSMIT = 0.3
WRITE_MAX = 64 * 1024


def fcs(data):
    """RFC 1662 appendix C, by way of the same polynomial in the other bit order."""
    forward = binascii.crc_hqx(data.translate(REVERSED), 0xFFFF)
    return int(f"{forward:016b}"[::-1], 2) ^ 0xFFFF


def frame(protocol, payload):
    body = struct.pack("!BBH", 0xFF, 3, protocol) + payload
    body += struct.pack("<H", fcs(body))
    return b"\x7e" + SPECIAL.sub(lambda found: bytes([0x7D, found[0][0] ^ 0x20]), body) + b"\x7e"


def unframe(piece):
    """Protocol and payload; None where it is no good frame."""
    body = re.sub(rb"\x7d(.)", lambda found: bytes([found[1][0] ^ 0x20]), piece, flags=re.DOTALL)
    if len(body) < 6 or fcs(body[:-2]) != struct.unpack("<H", body[-2:])[0]:
        return None
    body = body[2:-2] if body.startswith(b"\xff\x03") else body[:-2]
    return int.from_bytes(body[:2], "big"), body[2:]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip(protocol, payload, to=LOCAL, source=ADDRESS):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, to)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def tcp(sport, dport, seq, ack, flags, data=b"", to=LOCAL):
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + data
    pseudo = ADDRESS + to + struct.pack("!BBH", 0, 6, len(segment))
    return ip(6, segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:], to)


class RawPeer:
    """FD is its own from now on."""

    def __init__(self, fd):
        self.fd, self.rest, self.out, self.flood = fd, b"", b"", None
        self.sessions, self.ready, self.refused = {}, set(), 0
        os.set_blocking(fd, False)
        self.request = {LCP: b"", IPCP: b"\x03\x06" + ADDRESS}

    def send(self, protocol, payload):
        self.out += frame(protocol, payload)

    def control(self, protocol, code, number, data):
        self.send(protocol, struct.pack("!BBH", code, number, 4 + len(data)) + data)

    def negotiate(self, patience=20):
        end, again = time.monotonic() + patience, 0.0
        while self.ready != {LCP, IPCP}:
            if time.monotonic() > end:
                raise AssertionError("the raw peer's link does not come up")
            if time.monotonic() > again:
                protocol = IPCP if LCP in self.ready else LCP
                self.control(protocol, REQUEST, 1, self.request[protocol])
                again = time.monotonic() + 0.5
            before = len(self.ready)
            self.step(0.05)
            again = 0.0 if len(self.ready) > before else again

    def take_control(self, protocol, payload):
        code, number, length = struct.unpack("!BBH", payload[:4])
        data = payload[4:length]
        if code == REQUEST:
            self.control(protocol, ACK, number, data)
        elif code == ACK:
            self.ready.add(protocol)
        elif code == NAK:
            self.request[protocol] = data
        elif code == ECHO_REQUEST:
            self.control(protocol, ECHO_REPLY, number, bytes(4) + data[4:])

    def take_packet(self, packet):
        if packet[9] != 6 or len(packet) < 40:
            return
        sport, dport, seq, ack, _, flags = struct.unpack("!HHIIBB", packet[20:34])
        data = packet[20 + (packet[32] >> 4) * 4:]
        session = self.sessions.get((dport, sport))
        if session:
            session.take(seq, ack, flags, data)
        elif flags & RST:
            self.refused += 1

    def read(self):
        data = os.read(self.fd, 1 << 18)
        if not data:
            raise AssertionError("slirppd closed the line")
        *pieces, self.rest = (self.rest + data).split(b"\x7e")
        for piece in pieces:
            protocol, payload = unframe(piece) or (None, None)
            if protocol in (LCP, IPCP):
                self.take_control(protocol, payload)
            elif protocol == IPV4:
                self.take_packet(payload)

    def step(self, timeout):
        """Reads, writes what waits, and a piece of the flood if there is one."""
        if self.flood and not self.out:
            self.out = next(self.flood)
        readable, writable, _ = select.select([self.fd], [self.fd] if self.out else [], [], timeout)
        if readable:
            self.read()
        if writable:
            self.out = self.out[os.write(self.fd, self.out[:WRITE_MAX]):]


class Session:
    """A TCP connection from the peer to PORT; one thing in flight at a time."""

    def __init__(self, peer, sport, port):
        self.peer, self.ports = peer, (sport, port)
        self.seq, self.acked, self.next, self.got, self.open, self.reset = 1000, 1000, 0, b"", False, False
        peer.sessions[self.ports] = self
        self.until(lambda: self.open, lambda: self.send(SYN), "the connection")

    def send(self, flags, data=b""):
        self.peer.send(IPV4, tcp(*self.ports, self.seq, self.next, flags, data))

    def take(self, seq, ack, flags, data):
        self.reset |= bool(flags & RST)
        if flags & SYN and not self.open:
            self.seq, self.next, self.open = ack, seq + 1 & 0xFFFFFFFF, True
            self.send(TCP_ACK)
        elif flags & TCP_ACK:
            self.acked = ack
        if data and self.open:
            if seq == self.next:
                self.next = seq + len(data) & 0xFFFFFFFF
                self.got += data
            self.send(TCP_ACK)

    def until(self, condition, act, what, patience=20):
        end, again = time.monotonic() + patience, 0.0
        while not condition():
            if self.reset:
                raise AssertionError(f"a reset came instead of {what}")
            if time.monotonic() > end:
                raise AssertionError(f"waited too long for {what}")
            if time.monotonic() > again:
                act()
                again = time.monotonic() + RETRANSMIT
            self.peer.step(0.05)

    def round_trip(self, data):
        """Seconds until the echo of DATA was there."""
        self.got, start = b"", time.monotonic()
        self.until(lambda: len(self.got) >= len(data), lambda: self.send(PSH | TCP_ACK, data), "an echo")
        assert self.got == data, (self.got, data)
        self.seq = self.seq + len(data) & 0xFFFFFFFF
        return time.monotonic() - start


def syn_flood(targets, ports=range(1024, 33024), piece=50):
    """SYNs from ever new PORTS to each of TARGETS (address, port) in turn, in short pieces, for ever."""
    pieces = [b"".join(frame(IPV4, tcp(sport, port, sport * 7919, 0, SYN, to=to)) for sport in ports[start:start + piece]
                       for to, port in targets) for start in range(0, len(ports), piece)]
    return itertools.cycle(pieces)


def round_trips(session, seconds):
    """Of single bytes, as somebody types them: sorted, in seconds."""
    end, times = time.monotonic() + seconds, []
    while time.monotonic() < end:
        times.append(session.round_trip(b"%d" % (len(times) % 10)))
    return sorted(times)
