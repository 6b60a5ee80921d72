#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets, each into corpus/TARGET/NAME beside this file: real packets, and what broke others
(README.md says which is what). Each target's first comment says how its input is laid out; hexadecimal here, blanks do not count."""

import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent
SEED_MAX = 2048


def b(*parts):
    """Bytes of hexadecimal text, numbers (one byte) and bytes."""
    return b"".join(p if isinstance(p, bytes) else bytes([p]) if isinstance(p, int) else bytes.fromhex(p) for p in parts)


def control(code, ident, *data):
    """A packet with code, identifier and length: LCP and all that look like it, PAP, CHAP, EAP."""
    body = b(*data)
    return struct.pack(">BBH", code, ident, len(body) + 4) + body


def short(data):
    """Behind its length in one byte."""
    return bytes([len(data)]) + data


def deflated(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    return z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH)


# HDLC framing (RFC 1662).

def fcs(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return struct.pack("<H", value ^ 0xFFFF)


def framed(data, accm=0xFFFFFFFF):
    out = bytearray(b"\x7e")
    for byte in data + fcs(data):
        if byte in (0x7D, 0x7E) or (byte < 32 and accm >> byte & 1):
            out += bytes([0x7D, byte ^ 0x20])
        else:
            out.append(byte)
    return bytes(out + b"\x7e")


LCP_REQUEST = control(1, 1, "0206 00000000 0506 1a2b3c4d 0702 0802")


def frame_seeds():
    def seed(line, accm="00000000", longest=0xFF, cut=3):
        return b(accm, longest, cut, line)

    echo = control(9, 7, "1a2b3c4d")
    lcp = framed(b("ff03 c021", LCP_REQUEST))
    yield "lcp-request", seed(lcp)
    yield "two-frames-one-flag", seed(lcp[:-1] + framed(b("ff03 c021", echo)))
    yield "compressed-header", seed(framed(b("21 45000014 00010000 40010000 0a090909 0a020202"), 0))
    yield "asyncmap-dropped", seed(framed(b("ff03 c021", echo), 0)[:8] + b"\x11\x13" + framed(b("ff03 c021", echo), 0)[8:], "ffffffff")
    yield "xon-within", seed(b"\x11".join(bytes([x]) for x in lcp), "000a0000")
    yield "noise-then-frame", seed(b"\r\nCONNECT 115200\r\n" + lcp)
    yield "abort", seed(lcp[:9] + b"\x7d\x7e" + lcp)
    yield "wrong-fcs", seed(lcp[:-2] + b"\x00\x7e")
    yield "lwIP-a9664395", seed(b"\x7e" * 40 + lcp)
    yield "lwIP-6b734bbb", seed(framed(b"") + framed(b"\xff") + framed(b("ff03")) + framed(b("ff03 c0")))
    yield "lwIP-a39ce0f5", seed(b"\x7e" + b"A" * 900 + lcp, longest=0x40)
    yield "CVE-2022-4603", seed(b"\x7e" + b"\x7d\x5e" * 300 + b"\x7e" + lcp, longest=0x30)


# One link: four bytes of configuration, then steps (kind, length, bytes).

FRAME, TIME, SEND, ANSWER, LIFE, BYTES, ANSWER_AUTH = 5, 1, 2, 3, 4, 0, 7
IPCP, IPV6CP, CCP = 4, 8, 12  # added to the choice of ANSWER: to whose request
ACK, ACK_IPCP, ACK_IPV6CP, ACK_CCP = [bytes([ANSWER | (3 + control) << 3, 0]) for control in (0, IPCP, IPV6CP, CCP)]


def step(kind, data=b"", choice=0):
    return bytes([kind | choice << 3]) + short(data)


def packet(protocol, data):
    return step(FRAME, b(protocol, data))


def ip(protocol, payload, src="0a090909", dst="0a020202"):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0) + b(src, dst) + payload


UDP = ip(17, b("1000 0035 000c 0000 61626364"))
TCP = ip(6, b("0400 0050 00000001 00000002 5010 2000 0000 0000") + b"GET / HTTP/1.0\r\n\r\n")


def ppp_seeds():
    fresh, lcp, ipcp, ccp = 0, 1, 2, 3

    def seed(start, *steps, network=0, auth=0, rare=0, how=0):
        return b(start | how, network, auth, rare, *steps)

    lcp_all = control(1, 1, "0104 05dc 0206 000a0000 0506 1a2b3c4d 0702 0802 1309 03 020304050607 1104 05dc 1202 0d03 06")
    yield "lcp-all-options", seed(fresh, ACK, packet("c021", lcp_all), packet("c021", LCP_REQUEST))
    yield "lcp-loopback", seed(fresh, *[step(BYTES, framed(b("ff03 c021", LCP_REQUEST))) for _ in range(4)])
    yield "lcp-nak", seed(fresh, step(ANSWER, b("0206 000a0000 0506 11111111"), 1), step(ANSWER, b("0702 0802"), 2), ACK)
    yield "lcp-echo", seed(lcp, packet("c021", control(9, 1, "00000000")), packet("c021", control(11, 1, "00000000", b"x" * 20)), how=8)
    yield "lcp-echo-unanswered", seed(ipcp, *[step(TIME, choice=4)] * 6, how=8)
    yield "lcp-terminate", seed(ipcp, packet("c021", control(5, 3, b"User request")), step(TIME, choice=20), step(LIFE, choice=4), ACK)
    yield "lcp-rejects", seed(ipcp, packet("c021", control(7, 3, "09 01 0004")), packet("c021", control(8, 4, "8057 0101 0004")),
                              packet("c021", control(8, 5, "8021 0101 0004")))
    yield "lcp-identification", seed(lcp, packet("c021", control(12, 1, "00000000", b"MSRASV5.10")),
                                     packet("c021", control(13, 2, "00000000 00000e10")), packet("c021", control(14, 3, "00")))
    yield "lcp-fcs-alternatives", seed(fresh, packet("c021", control(1, 1, "0903 07 0408 c025 00000064 0305 c22305")), ACK)
    yield "protocol-unknown", seed(ipcp, packet("8053", control(1, 1)), packet("c025", b"x" * 40), packet("00cf", b"x"), packet("002b", b"x"))
    yield "ipcp-windows", seed(lcp, packet("8021", control(1, 5, "0306 00000000 8106 00000000 8206 00000000 8306 00000000 8406 00000000")),
                               packet("8021", control(1, 6, "0306 0a02020f 8106 0a020203 8306 0a020203")), ACK_IPCP)
    yield "ipcp-nak", seed(lcp, step(ANSWER, b("0306 0a000001 8106 08080808 8306 08080404"), 1 + IPCP), ACK_IPCP,
                           packet("8021", control(1, 1, "0306 0a000002")), how=0x40)
    yield "ipcp-addresses", seed(lcp, packet("8021", control(1, 1, "010a 0a000001 0a000002")), step(ANSWER, b("0306 00000000"), 2 + IPCP), ACK_IPCP)
    yield "ipcp-vj", seed(ipcp, packet("002f", TCP[:9] + b"\0" + TCP[10:]), packet("002d", b("10 00 1234 00")), step(SEND, TCP), step(SEND, TCP))
    yield "ip-both-ways", seed(ipcp, packet("0021", UDP), step(SEND, UDP), packet("0021", TCP), step(SEND, b("6000 0000 0000 3b40")))
    yield "ipv6cp", seed(lcp, packet("8057", control(1, 1, "010a 0211223344556677")), step(ANSWER, b("010a 0000000000000009"), 1 + IPV6CP), ACK_IPV6CP,
                         packet("0057", b("60000000 0000 3b ff", "fe80" + "00" * 13 + "01", "ff02" + "00" * 13 + "02")))
    yield "ipv6cp-zero", seed(lcp, packet("8057", control(1, 1, "010a 0000000000000000 0204 004f")), network=0x40)
    yield "ccp-all-options", seed(lcp, packet("80fd", control(1, 1, "1206 01000060 1a04 7800 1804 7800 1503 2f 1103 00 0102 0202 1105 000104")),
                                  network=7)
    yield "ccp-deflate", seed(ccp, packet("00fd", b("0000", deflated(b"\x21" + TCP))), packet("80fd", control(15, 2)), packet("80fd", control(14, 3)),
                              step(SEND, TCP), step(SEND, TCP), network=2)
    yield "ccp-bsd", seed(ccp, packet("00fd", b("0000 4500 2110")), packet("80fd", control(15, 2)), step(SEND, b"abc" * 70), network=1)
    yield "ccp-reset", seed(ccp, packet("00fd", b("ffff 00")), packet("00fd", b("0001 00")), packet("80fd", control(15, 1)), network=2)
    yield "ccp-terminate", seed(ccp, packet("80fd", control(5, 1)), step(LIFE, choice=3), ACK_CCP, network=2)
    yield "ccp-refused", seed(lcp, packet("c021", control(8, 1, "80fd 0101 0004")), network=2)
    yield "auth-pap-right", seed(lcp, packet("c023", control(1, 1, short(b"peer"), short(b"sesame"))), ACK_CCP, ACK_IPCP, auth=1)
    yield "auth-pap-wrong", seed(lcp, packet("c023", control(1, 1, short(b"peer"), short(b"open"))), step(TIME, choice=31), auth=1)
    yield "auth-chap-response", seed(lcp, step(ANSWER_AUTH, b(short(b"\x11" * 16), b"peer"), 1), auth=2)
    yield "auth-fallback", seed(fresh, step(ANSWER, b("0305 c22381"), 1), step(ANSWER, b("0304 c023"), 1), step(ANSWER, b("0304 c023"), 2), auth=31)
    yield "auth-none-done-without", seed(fresh, step(ANSWER, b("0304 c023"), 2), ACK, packet("c021", LCP_REQUEST), auth=0x81)
    prove = [("pap", "0304 c023"), ("chap", "0305 c22305"), ("mschap", "0305 c22380"), ("mschapv2", "0305 c22381"), ("eap", "0304 c227")]
    for name, option in prove:
        yield f"prove-{name}", seed(fresh, ACK, packet("c021", control(1, 1, option)), packet("c223", control(1, 9, short(b"\x42" * 16), b"srv")),
                                    packet("c227", control(1, 9, "01")), step(ANSWER_AUTH, b"\x04Fine", 1), packet("c223", control(3, 9, b"S=00")))
    mschap = [ACK, packet("c021", control(1, 1, "0305 c22380")), packet("c223", control(1, 9, short(b"\x42" * 8), b"srv")),
              packet("c223", control(3, 9, b"Welcome"))]
    yield "mppe-after-mschap", seed(fresh, *mschap, packet("80fd", control(1, 1, "1206 01000040")), ACK_CCP, packet("8021", control(1, 1, "0306 0a090909")), ACK_IPCP, packet("00fd", b("9000 1234567890")),
                                    step(SEND, UDP), network=4 + 8)
    yield "mppe-stateful", seed(fresh, *mschap, packet("80fd", control(1, 1, "1206 00000040")), ACK_CCP, packet("00fd", b("9000 123456")),
                                packet("00fd", b("1001 1234")), packet("80fd", control(15, 1)), network=4 + 8 + 16)
    small = [ACK, packet("c021", control(1, 1, "0104 0080 0305 c22380")), *mschap[2:]]
    yield "mppe-smallest-mru", seed(fresh, *small, packet("80fd", control(1, 1, "1206 01000040")), ACK_CCP, packet("8021", control(1, 1, "0306 0a090909")),
                                    ACK_IPCP, step(SEND, UDP), network=4 + 8)
    yield "mppe-refused", seed(fresh, *mschap, step(ANSWER, b("1206 01000040"), 2 + CCP), network=4 + 8)
    callback = [ACK, packet("c021", control(1, 1, "0d03 06"))]
    for name, data in [("number", "020a 00 01 3035353530 00"), ("none", "0102"), ("prespecified", "0303 05"), ("list", "0205 05 01 00 0102 0403 00")]:
        yield f"cbcp-{name}", seed(lcp, packet("c029", control(1, 1, data)), packet("c029", control(3, 1, data)), rare=1)
    yield "cbcp-opened", seed(fresh, *callback, packet("c029", control(1, 1, "020a 00 01 3035353530 00 0102")), step(ANSWER_AUTH, b("0102"), 2), rare=1)
    yield "silent", seed(fresh, step(BYTES, framed(b("ff03 c021", LCP_REQUEST))), ACK, rare=4)
    yield "passive", seed(fresh, step(TIME, choice=31), step(TIME, choice=31), packet("c021", LCP_REQUEST), ACK, how=4)
    yield "line-goes", seed(ipcp, step(LIFE, choice=2), packet("0021", UDP))
    yield "closed", seed(ipcp, step(LIFE, choice=1), packet("c021", control(6, 2)), step(TIME, choice=31))
    # What broke others.
    yield "CVE-2020-8597", seed(lcp, packet("c227", control(1, 1, "04 10", b"A" * 16, b"B" * 220)))
    yield "CVE-2020-8597-agreed", seed(fresh, ACK, packet("c021", control(1, 1, "0304 c227")),
                                       packet("c227", control(1, 1, "04 10", b"A" * 16, b"B" * 220)))
    yield "CVE-2026-55706", seed(lcp, packet("c023", control(1, 1, "00 00")), auth=1)
    yield "CVE-2004-1002", seed(lcp, packet("c029", control(1, 1, "0201")), packet("c029", control(1, 2, "0200 00")),
                                packet("c029", control(1, 3, "02")), packet("c029", control(1, 4, "0203 00 02ff 00 01")), rare=1)
    yield "ppp-c82ddc5-nak", seed(lcp, packet("8021", control(1, 1, "0306 00000000", "6303 00" * 70)))
    yield "ppp-c82ddc5-nak-grows", seed(lcp, packet("8021", control(1, 1, "0206 002d 0f 01" * 30)), packet("8021", control(1, 2, "")))
    yield "ppp-c82ddc5-mru", seed(fresh, packet("c021", control(1, 1, "0104 ffff")), ACK, step(SEND, UDP), packet("c021", control(9, 1, b"x" * 200)))
    yield "ppp-cc8b00c-lcp", seed(fresh, packet("c021", control(1, 1, "0104 0064 0104 05dc 0506 00000000 0506 00000000 0702 0702 0305 c22305 0304 c023")))
    yield "ppp-cc8b00c-ipcp", seed(lcp, packet("8021", control(1, 1, "0306 00000000 0306 0a000001 0306 00000000 0206 002d 0f01 0206 002d ff00")))
    yield "ppp-cc8b00c-ipv6cp", seed(lcp, packet("8057", control(1, 1, "010a 0000000000000000 010a 0000000000000001 010a 0000000000000000")))
    yield "ppp-cc8b00c-ccp", seed(lcp, packet("80fd", control(1, 1, "1a04 7800 1a04 4800 1503 2f 1503 20 1206 01000040 1206 00000000")), network=7)
    for name, protocol, option in [("lcp", "c021", "01"), ("ipcp", "8021", "03"), ("ipv6cp", "8057", "01"), ("ccp", "80fd", "1a")]:
        whose = {"lcp": 0, "ipcp": IPCP, "ipv6cp": IPV6CP, "ccp": CCP}[name]
        yield f"gatchat-{name}", seed(lcp, packet(protocol, control(1, 1, option, "00 0506")), packet(protocol, control(1, 2, option, "01 0506")),
                                      packet(protocol, control(1, 3, option, "ff 0506")), packet(protocol, control(1, 4, option)),
                                      step(ANSWER, b(option, "00"), 1 + whose), step(ANSWER, b(option, "ff"), 2 + whose), network=2)
    yield "lwIP-a9664395", seed(ipcp, step(BYTES, b"\x7e" * 30), step(FRAME, b""), step(FRAME, b"\x21"), step(FRAME, b("c0")), step(FRAME, b("0021")))


# Authentication between two of ours: what each demands and knows, then steps.

CARRY = bytes([6 << 1])


def to_end(end, protocol, code, ident, data, identified=True):
    data = b(data)
    return bytes([end | (2 if identified else 0), protocol, code, ident]) + struct.pack(">H", len(data)) + data


def auth_seeds():
    pap, chap, mschap, mschapv2, eap = 1, 2, 3, 4, 5
    wait = bytes([4 << 1, 30])

    def seed(a, c, *steps, knows=(0, 0)):
        return b(a, c, knows[0], knows[1], *steps)

    for name, method in [("pap", pap), ("chap", chap), ("mschap", mschap), ("mschapv2", mschapv2)]:
        yield f"{name}-right", seed(method, 0, CARRY, wait, CARRY)
        yield f"{name}-wrong", seed(method, 0, CARRY, wait, CARRY, knows=(0, 2))
        yield f"{name}-both-ways", seed(method, method, CARRY, CARRY)
        yield f"{name}-unknown", seed(method, 0, CARRY, knows=(1, 0))
        yield f"{name}-no-secret", seed(method, 0, CARRY, wait, knows=(0, 1))
        yield f"{name}-lost-and-again", seed(method, 0, b(3 << 1), b(3 << 1 | 1), wait, CARRY, wait, wait)
    yield "chap-rechallenged", seed(chap, 0, CARRY, wait, wait, wait, CARRY, wait, wait, CARRY, knows=(16, 0))
    yield "chap-changed", seed(mschapv2, 0, b(2 << 1, "0006 01"), CARRY, b(2 << 1 | 1, "0009 80"), CARRY)
    yield "pap-rejected", seed(pap, chap, b(5 << 1 | 1, 0), b(5 << 1, 1))
    yield "mschap-failure-text", seed(0, mschapv2, to_end(0, 1, 1, 5, b(short(b"\x31" * 16), b"srv")),
                                      to_end(0, 1, 4, 5, b"E=691 R=1 C=" + b"4" * 32 + b" V=3 M=Access denied"))
    yield "mschap-change-password", seed(0, mschap, to_end(0, 1, 1, 5, b(short(b"\x31" * 8), b"srv")),
                                         to_end(0, 1, 4, 5, b"E=648 R=0 C=3132333435363738 V=2"))
    yield "mschapv2-success-text", seed(0, mschapv2, to_end(0, 1, 1, 5, b(short(b"\x31" * 16), b"srv")),
                                        to_end(0, 1, 3, 5, b"S=" + b"0" * 40 + b" M=Welcome"))
    yield "CVE-2026-55706", seed(pap, 0, to_end(0, 0, 1, 1, "00 00"), knows=(128, 0))
    yield "CVE-2026-55706-null-login", seed(pap, 0, to_end(0, 0, 1, 1, "00 00"), knows=(64, 0))
    yield "CVE-2026-55706-longer", seed(pap, 0, to_end(0, 0, 1, 1, b(short(b"b"), short(b"sesame" + b"\0" * 249))))
    yield "CVE-2026-55706-over-read", seed(pap, 0, to_end(0, 0, 1, 1, b(short(b"b"), "ff", b"sesame")))
    yield "CVE-2020-8597", seed(0, 0, to_end(0, 2, 1, 1, b("04 10", b"A" * 16, b"B" * 1000)))
    yield "CVE-2020-8597-chap-name", seed(0, chap, to_end(0, 1, 1, 1, b(short(b"A" * 16), b"B" * 1400)))
    yield "ppp-36733a8", seed(0, mschapv2, *[to_end(0, 1, 1, 5, b(short(b"\x31" * 16), b"srv"))] * 8)
    yield "ppp-1371451", seed(chap, pap, to_end(0, 1, 2, 0, "ff 00"), to_end(0, 1, 2, 0, ""), to_end(1, 0, 2, 1, "ff"),
                              to_end(1, 0, 1, 1, "", False), to_end(0, 1, 1, 1, "00", False))
    yield "ppp-7896bc0", seed(pap, 0, to_end(0, 0, 1, 1, b(short(b"b\0evil"), short(b"sesame"))))
    yield "CVE-2018-11574", seed(0, eap, to_end(0, 2, 1, 1, "0d 80 ffffffff"))


# Two links of ours: compression, what each demands, rare things; then steps.

def link_seeds():
    carry, packet_a, packet_b, wait = b(0), bytes([4 << 1]), bytes([4 << 1 | 1]), b(6 << 1, 8)

    def seed(*steps, network=0x80, demands=(0, 0), rare=0):
        return b(network, demands[0], demands[1], rare, carry, *steps)

    traffic = [packet_a + short(TCP), carry, packet_b + short(UDP), carry, packet_a + short(TCP), packet_a + short(b"x" * 251), carry, packet_b + short(TCP), carry]
    for name, method in [("pap", 1), ("chap", 2), ("mschap", 4), ("mschapv2", 8), ("eap", 16)]:
        yield f"{name}-both", seed(*traffic, demands=(method, method))
        yield f"{name}-one", seed(*traffic, demands=(method, 0))
        yield f"{name}-wrong", seed(wait, carry, wait, carry, demands=(method, 32))
    for name, network in [("vj", 0x80), ("plain", 0xA0), ("deflate", 2), ("bsd", 1), ("both", 3)]:
        yield name, seed(*traffic, network=network)
        yield f"{name}-broken", seed(*traffic[:4], packet_a + short(TCP), b(1 << 1, "0009 ff"), *traffic, carry, wait, carry, *traffic, network=network)
        yield f"{name}-lost", seed(*traffic[:4], packet_a + short(TCP), b(2 << 1), *traffic, wait, carry, *traffic, network=network)
    for name, network in [("mppe", 4), ("mppe-required", 12), ("mppe-stateful", 20), ("mppe-and-deflate", 6)]:
        yield name, seed(*traffic, network=network, demands=(8, 0))
        yield f"{name}-lost", seed(*traffic[:4], packet_a + short(TCP), b(2 << 1), *traffic, wait, carry, *traffic, network=network, demands=(8, 0))
    yield "mppe-no-keys", seed(*traffic, network=12, demands=(2, 0))
    yield "mppe-eap", seed(*traffic, network=12, demands=(16, 0))
    yield "rechallenge", seed(b(6 << 1, 50), carry, *traffic, b(6 << 1, 50), carry, demands=(8, 2), rare=4)
    yield "echo-and-silence", seed(b(6 << 1, 30), b(6 << 1, 60), rare=2)
    yield "closed-and-again", seed(*traffic, b(7 << 1, 0), carry, b(7 << 1, 3), b(7 << 1 | 1, 3), carry, *traffic)
    yield "ccp-again", seed(*traffic, b(7 << 1, 2), carry, *traffic, network=2)
    yield "line-down-while-up", seed(*traffic, b(7 << 1, 1), wait, carry)
    yield "small-mru-escapes", seed(*traffic, rare=9)
    yield "CVE-2020-8597", seed(b(5 << 1), short(b("c227", control(1, 1, "04 10", b"A" * 16, b"B" * 220))), carry, *traffic, demands=(8, 0))
    yield "ppp-36733a8", seed(b(3 << 1), b(3 << 1 | 1), b(3 << 1), carry, wait, demands=(8, 8))


# EAP between two of ours: what they know, who begins; then packets of the input's own, or time.

def eap_seeds():
    both, server, client = 3, 2, 1
    run = b"\x04"

    def seed(how, who, *steps):
        return b(how, who, *steps)

    def give(end, code, ident, *data):
        whole = control(code, ident, *data)
        return bytes([0 if end == server else 1]) + struct.pack(">H", len(whole)) + whole

    yield "md5-right", seed(1, both, run, run)
    yield "md5-wrong", seed(17, both, run, b(5, 30))
    yield "mschapv2-right", seed(65, both, run, b(5, 30), run)
    yield "mschapv2-wrong", seed(65 + 16, both, run, b(5, 30), run)
    yield "tls-verified", seed(2 | 4 | 128, both, run, run)
    yield "tls-1.2", seed(2 | 4, both, run, run)
    yield "tls-1.3", seed(2 | 4 | 8, both, run, run)
    yield "tls-no-client-files", seed(0, both, run, b(5, 60))
    yield "rechallenge", seed(33, both, run, b(5, 61), b(5, 61))
    yield "lost", seed(1, both, b(0x84), b(5, 20), b(5, 20))
    yield "changed", seed(2 | 4, both, b(2, "0006 01"), run, b(3, "0010 80"), run)
    yield "identity-notification", seed(1, client, give(client, 1, 1, "01", b"Who?"), give(client, 1, 2, "02", b"Hello"), give(client, 1, 3, "06"))
    yield "nak-legacy", seed(3, server, give(server, 2, 0, "01", b"bob"), give(server, 2, 1, "03 04 1a 0d"))
    yield "md5-challenge", seed(1, client, give(client, 1, 1, "04 10", b"A" * 16, b"srv"), give(client, 3, 1))
    yield "mschapv2-challenge", seed(1, client, give(client, 1, 1, "1a 01 01 001a 10", b"A" * 16, b"srv"), give(client, 1, 2, "1a 03 01 002e", b"S=" + b"0" * 40),
                                     give(client, 3, 2))
    yield "mschapv2-failure", seed(1, client, give(client, 1, 1, "1a 01 01 001a 10", b"A" * 16, b"srv"), give(client, 1, 2, "1a 04 01 0010", b"E=691 R=0 M"))
    yield "tls-start", seed(2, client, give(client, 1, 1, "0d 20"), give(client, 1, 2, "0d 00 16030300"))
    yield "tls-client-hello-in-pieces", seed(2, server, give(server, 2, 0, "01", b"bob"), give(server, 2, 1, "0d c0 00000040 16030100 3b"), give(server, 2, 2, "0d 00", b"x" * 59))
    yield "success-too-early", seed(1, client, give(client, 3, 1), give(client, 4, 2))
    yield "CVE-2020-8597", seed(1, client, give(client, 1, 1, "04 10", b"A" * 16, b"B" * 1400))
    yield "CVE-2020-8597-response", seed(1, server, give(server, 2, 0, "01", b"B" * 900), give(server, 2, 1, "04 10", b"A" * 16, b"B" * 900))
    yield "CVE-2026-75883", seed(2, client, give(client, 1, 1, "19 20"), give(client, 1, 2, "0d a0", "00000400", b"x" * 1024), run)
    yield "ppp-1371451", seed(1, both, give(client, 1, 1, "04"), give(client, 1, 1, "04 ff"), give(client, 1, 1, "1a 01"), give(client, 1, 1, "1a 01 01 0005 ff"),
                              give(server, 2, 0, ""), give(server, 2, 0, "04 20 00"), give(client, 1, 1, "0d"), give(client, 1, 1, "0d 80 0000"))
    yield "ppp-36733a8", seed(1, client, *[give(client, 1, 1, "1a 01 01 001a 10", b"A" * 16, b"srv")] * 6)
    yield "CVE-2018-11574", seed(2, client, give(client, 1, 1, "0d 20"), give(client, 1, 2, "0d c0 ffffffff", b"x" * 20), give(client, 1, 3, "0d 00", b"x" * 20))
    yield "CVE-2018-11574-shrinks", seed(2, client, give(client, 1, 1, "0d 20"), give(client, 1, 2, "0d c0 00000008", b"x" * 20), give(client, 1, 3, "0d c0 00000001", b"x" * 9))
    yield "ppp-7896bc0", seed(1, server, give(server, 2, 0, "01", b"bob\0evil"))


# Compression.

def comp_seeds():
    text = b"In the beginning was the line. " * 6
    for name, choice in [("deflate", 6 << 1), ("bsd", 3 << 1 | 1)]:
        yield f"{name}-text-both-ways", b(choice, 0xBC, *[b(2, short(text))] * 4)
        yield f"{name}-noise-and-text", b(choice, 0xBC, 2, short(bytes(i * 167 % 256 for i in range(200))), 2, short(text), 2, short(text))
        yield f"{name}-reset", b(choice, 0xBC, 2, short(text), b("00 00"), 2, short(text), b("00 00"))
        yield f"{name}-small-mru", b(choice, 1, 2, short(text), 1, short(text))
        yield f"{name}-smallest-window", b(choice & 1, 0xBC, *[b(2, short(text[:150]))] * 6)
    yield "deflate-from-line", b(12, 0xBC, 1, short(deflated(b"\x21" + text)[:250]), 1, short(deflated(b"\x21" + text)[:250]))
    yield "deflate-grows-beyond-mru", b(12, 4, 1, short(deflated(b"\x21" + b"A" * 9000)))
    yield "deflate-stored", b(12, 0xBC, 1, short(b("00 0500 faff 21 45000000")))
    yield "deflate-bad-block", b(12, 0xBC, 1, short(b("07 ffff")), 1, short(b("05 e081")))
    yield "deflate-cut", b(12, 0xBC, 1, short(deflated(b"\x21" + text)[:9]), 2, short(text))
    yield "bsd-clear-and-codes", b(7, 0xBC, 1, short(b("10a0 ff80 2211")), 1, short(b("ffff ffff")))
    yield "bsd-code-not-yet-known", b(7, 0xBC, 1, short(b("10ff f100")), 1, short(b("8000")))


def mppe_seeds():
    plain = b(short(b("9000")), short(b("9000 41")))
    for name, option in [("stateless", "01000040"), ("stateful", "00000040")]:
        yield f"{name}-first", b(option, plain)
        yield f"{name}-in-order", b(option, *[short(b(0x90, n, b"0123456789")) for n in range(12)])
        yield f"{name}-gap", b(option, short(b("9000", b"x" * 20)), short(b("9040", b"x" * 20)), short(b("8fff", b"x" * 20)))
        yield f"{name}-not-flushed", b(option, short(b("1000 41424344")), short(b("1001 41424344")), "00", short(b("9002 41424344")))
        yield f"{name}-not-encrypted", b(option, short(b("8000 002145")), short(b("0000")))
        yield f"{name}-wraps", b(option, short(b("9fff 4142")), short(b("9000 4142")), short(b("90ff 41")))
    yield "ppp-1371451", b("01000040", short(b("90")), short(b("")), short(b("9000")))


def vj_seeds():
    def tcp(seq, ack, window=0x2000, flags=0x10, ident=1, data=b""):
        return b(ident, 0, struct.pack(">HHIIBBHHH", 0x400, 0x50, seq, ack, 0x50, flags, window, 0, 0)[4:], data)

    repaired = lambda data: b(4, short(data))
    raw = b("4500 0028 0001 4000 40 06 0000 0a000001 0a000002 0400 0050 00000001 00000002 5010 2000 0000 0000")
    for name, opts in [("ids", 0x0F), ("compressed-ids", 0x1F), ("one-slot", 0x10)]:
        yield f"{name}-flow", b(opts, *[repaired(bytes([n]) + bytes(20) + bytes([n])) for n in range(6)])
        yield f"{name}-several-flows", b(opts, *[repaired(b(n, bytes([0, 0, n % 3]) + bytes(18))) for n in range(8)])
        yield f"{name}-from-line", b(opts, 1, short(raw[:9] + b"\0" + raw[10:]), 0, short(b("10 00 1234 00")), 0, short(b("00 1234")), 2, short(b""), 0, short(b("00 1234")),
                                     0, short(b("40 00 1234")))
    yield "all-changes", b(0x1F, 1, short(raw[:9] + b"\0" + raw[10:]), 0, short(b("7f 00 1234 00 1234 05 000005 06 01")), 0, short(b("0f 1234")), 0, short(b("0b 1234")))
    yield "CVE-2020-29129", b(0x1F, 1, short(raw[:9]), 1, short(b("4f", raw[1:9], "00", raw[10:])), 1, short(raw[:9] + b"\0" + raw[10:32] + b"\xf0" + raw[33:]), 1, short(b""))
    yield "not-tcp", b(0x1F, 3, short(UDP), 3, short(TCP), 3, short(b("45")), 3, short(b""))


# Packets for the network.

def net_seeds():
    right = 7
    from_net = 0x80

    def one(what, data):
        return bytes([what]) + struct.pack(">H", len(data)) + data

    def six(header, payload, dst="fe80" + "00" * 13 + "01", src="fe80" + "00" * 13 + "02"):
        return b("60000000", struct.pack(">H", len(payload)), header, "ff", src, dst, payload)

    syn = ip(6, b("4000 4141 00000001 00000000 6002 2000 0000 0000 020405b4"))
    syn_world = ip(6, b("4000 0050 00000001 00000000 5002 2000 0000 0000"), "0a02020f", "c6336401")
    echo = ip(1, b("0800 0000 0001 0001", b"ping"))
    yield "syn-to-service", b(0, one(right | 16, syn), one(right | from_net, ip(6, b("4141 4000 00000001 00000002 5012 2000 0000 0000"))))
    yield "syn-to-world", b(0, one(5 | 16, syn_world), one(5, syn_world))
    yield "udp-dns", b(0, one(5 | 16, ip(17, b("1000 0035 0014 0000 1234 0100 0001 0000 0000 0000"), "0a02020f", "0a020203")))
    yield "echo-to-us", b(0, one(right, echo))
    yield "tcp-merged", b(0, *[one(right, ip(6, b("4000 4141", struct.pack(">I", 1 + 8 * n), "00000001 5010 2000 0000 0000", b"abcdefgh"))) for n in range(6)])
    yield "tcp-cut-small-mtu", b(4, one(right | from_net, ip(6, b("4141 4000 00000001 00000002 5010 2000 0000 0000", b"x" * 900))))
    yield "udp-cut-small-mtu", b(4, one(right | from_net, ip(17, b("4141 4000 03ec 0000", b"x" * 900))))
    yield "restricted", b(1, one(right, syn), one(5, syn_world), one(right, echo))
    yield "limits", b(16 + 32, *[one(right | 16, ip(6, b(0x40, n, "4141 00000001 00000000 5002 2000 0000 0000"))) for n in range(12)])
    yield "changed-while-open", b(0, one(right | 16, syn), one(right | 32, syn), one(right | 8, syn))
    yield "nd-solicitation", b(0, one(right, six("3a", b("8700 0000 00000000 fe80" + "00" * 13 + "01", "0101 020304050607"), "ff02" + "00" * 10 + "01ff000001")))
    yield "nd-router-solicitation", b(0, one(right, six("3a", b("8500 0000 00000000 0101 020304050607"), "ff02" + "00" * 13 + "02")))
    yield "v6-echo", b(0, one(right, six("3a", b("8000 0000 0001 0001", b"ping"))))
    yield "v6-syn", b(0, one(5 | 16, six("06", b("4000 0050 00000001 00000000 5002 2000 0000 0000"), "20010db8" + "00" * 11 + "01")))
    yield "v6-udp-service", b(0, one(right | 16, six("11", b("4000 4141 000c 0000", b"abcd"))))
    yield "v6-extension-headers", b(0, one(right, six("00", b("3a00 0502 0000 0100 8000 0000 0001 0001"))), one(right, six("2c", b("1100 0001 00000001", b"x" * 16))))
    yield "icmp-unreachable", b(0, one(right | from_net, ip(1, b("0301 0000 00000000", syn[:28]))))
    # What broke libslirp: none of it may get there.
    big = ip(17, b"x" * 800)
    first = big[:6] + b("2000") + big[8:]
    later = big[:6] + b("2064") + big[8:]
    yield "CVE-2019-14378", b(0, one(5, first), one(5, later), one(5, big[:6] + b("0065") + big[8:300]))
    yield "CVE-2019-15890", b(0, one(5, later[:300]), one(5 | 8, first), one(5, later[:300]))
    yield "CVE-2020-1983", b(0, one(5, big[:6] + b("2000") + big[8:28]), one(5, big[:6] + b("2001") + big[8:36]), one(5 | 8, big[:6] + b("0001") + big[8:36]))
    yield "CVE-2019-6778", b(0, one(5 | 16, ip(6, b("4000 0071 00000001 00000000 5018 2000 0000 0000", b"1234, 5678\r\n"), "0a02020f", "c6336401")))
    yield "CVE-2020-7039", b(0, one(5 | 16, ip(6, b("4000 1a0b 00000001 00000000 5018 2000 0000 0000", b"PRIVMSG a :\x01DCC SEND f 1 2 3\x01\r\n"), "0a02020f", "c6336401")))
    yield "CVE-2020-10756", b(0, one(0, b("60000000 0400 3a ff", "fe80" + "00" * 13 + "02", "fe80" + "00" * 13 + "01", "8000 0000 0001 0001")))
    yield "CVE-2020-29129", b(0, *[one(0, syn[:n]) for n in (0, 1, 8, 19, 20, 23, 39)])
    yield "CVE-2020-29130", b(0, one(0, b("4500 0028")), one(0, b("4f", syn[1:])), one(0, b("6000")), one(0, b("00" * 28)))
    yield "CVE-2021-3592", b(0, one(5, ip(17, b("0044 0043 0009 0000 01"), "00000000", "ffffffff")), one(right, ip(17, b("0044 0043 012c 0000", b"\1" * 240))))
    yield "CVE-2021-3593", b(0, one(right, six("11", b("0222 0223 0004 0000"))), one(right, six("11", b("0222 0223"))))
    yield "CVE-2021-3594", b(0, one(right, ip(17, b("1000 0007 ffff 0000"))), one(right, ip(17, b("1000 0007 0004"))))
    yield "CVE-2021-3595", b(0, one(right, ip(17, b("1000 0045 000a 0000 0001"))), one(right, six("11", b("1000 0045 000a 0000 0001"))))


# The same with libslirp: configuration, then steps.

def slirp_seeds():
    def one(kind, data=b""):
        return bytes([kind]) + struct.pack(">H", len(data)) + data

    def v4(choice, *data):
        return one(0, b(choice, *data))

    def v6(choice, *data):
        return one(1, b(choice, *data))

    def tcp(flags, port="0050", seq=1, ack=0, data=b""):
        return b("4000", port, struct.pack(">II", seq, ack), 0x50, flags, "2000 0000 0000", data)

    go, down_up, hold, let_go = one(2), one(4, b"\0") * 2, one(4, b"\3"), one(4, b"\1")
    query = b("1234 0100 0001 0000 0000 0000 01 61 00 0001 0001")
    us, dns, world, loopback = 0, 4, 8, 12
    yield "syn-to-service", b(0, v4(us, tcp(2, "4141")), go, v4(us, tcp(16, "4141", 2, 1)), go, v4(us, tcp(4, "4141", 2)), go)
    yield "syn-to-host-loopback", b(1, v4(us, tcp(2, "0016")), go, v4(loopback, tcp(2)), go)
    yield "syn-to-world", b(0, v4(world, tcp(2)), go, go, v4(world, tcp(17, seq=2, ack=1)), go)
    yield "restricted", b(2, v4(us, tcp(2)), v4(world, tcp(2)), v4(world + 1, "1000 0035 0018 0000", query), go)
    yield "dns", b(0, v4(dns + 1, "1000 0035 001b 0000", query), go, go)
    yield "udp-to-world", b(0, v4(world + 1, "1000 0007 000c 0000", b"abcd"), go)
    yield "echo", b(0, v4(us + 2, "0800 0000 0001 0001", b"ping"), v4(dns + 2, "0800 0000 0001 0001"), v4(world + 2, "0800 0000 0001 0001"), go)
    yield "v6-router-solicitation", b(0, v6(4 + 2, "8500 0000 00000000"), go)
    yield "v6-neighbour-solicitation", b(0, v6(2, "8700 0000 00000000 fe80" + "00" * 13 + "01", "0101 020304050607"), go)
    yield "v6-echo", b(0, v6(2, "8000 0000 0001 0001", b"ping"), go)
    yield "v6-syn", b(0, v6(8, tcp(2)), go, v6(0, tcp(2, "4141")), go)
    yield "v6-dns", b(0, v6(1, "1000 0035 001b 0000", query), go)
    yield "link-down-and-up", b(0, v4(us, tcp(2, "4141")), down_up, v4(us, tcp(16, "4141", 2, 1)), go)
    yield "held", b(4, hold, v4(us + 2, "0800 0000 0001 0001", b"x" * 600), go, let_go, go)
    yield "no-v6", b(8, v6(2, "8000 0000 0001 0001"), go)
    yield "raw", b(0, one(3, UDP), one(3, TCP), one(3, b("60000000 0000 3b ff")), one(3, b"E"), one(3), go)
    yield "CVE-2021-3592", b(0, v4(us + 1, "0044 0043 0009 0000 01"), v4(us + 1, "0044 0043 00f8 0000", b"\1" * 240), go)
    yield "CVE-2021-3595", b(0, v4(us + 1, "1000 0045 000e 0000 0001", b"abcd"), v6(1, "1000 0045 000a 0000 0001"), go)
    yield "CVE-2020-7039", b(0, v4(world, tcp(2, "1a0b")), go, v4(world, tcp(24, "1a0b", 2, 1, b"PRIVMSG a :\x01DCC SEND f 1 2 3\x01\r\n")), go)


# Text.

OPTION_FILES = {
    "serial": "/dev/ttyS0 115200\ncrtscts\nlock modem\nlocal # or not\nconnect 'chat -v \"\" AT OK ATDT123 CONNECT'\nidle 600 maxconnect 3600\n",
    "addresses": "10.0.0.1:10.0.0.2 netmask 255.255.255.0\nms-dns 8.8.8.8 ms-wins 10.0.0.9\nusepeerdns noipdefault ipcp-accept-local\n",
    "auth": "auth require-mschap-v2 refuse-pap name \"us er\"\nuser me password \"pa\\\"ss\\\\\\x\" remotename them\nallow-ip 10.0.0.0/8 allow-number *\n",
    "eap-tls": "need-peer-eap ca /ca.pem cert /c.pem key /k.pem crl /crl max-tls-version 1.3 tls-verify-method suffix tls-verify-key-usage\n",
    "ccp": "deflate 12,15 bsdcomp 9 nodeflatedraft predictor1 require-mppe-128 mppe-stateful ccp-max-configure 3\nnoccp novj novjccomp vj-max-slots 8\n",
    "ipv6": "+ipv6 ipv6 fe80::1,fe80::2 ipv6cp-accept-local ipv6cp-use-ipaddr\nipv6 ::,::aa noipv6 ipv6cp-use-persistent\n",
    "lcp": "mru 296 mtu 1400 asyncmap a0000 escape 11,13,ff lcp-echo-interval 30 lcp-echo-failure 4 lcp-echo-adaptive default-asyncmap nopcomp noaccomp\n",
    "slirp": "net slirp restrict service 22 service udp:53:127.0.0.1:53,max=3,idle=30,name=dns forward 2222:22 socks 1080\npermit-to 10.0.0.0/8:80 deny-to 0.0.0.0/0\n",
    "limits": "rate-limit 10/20 max-flows 5 max-flows-per-service 2 lockout 20/60 capture x.pcapng capture-size 10M metrics 9100 control /run/x\n",
    "callback": "callback 030555 endpoint MAC:02:03:04:05:06:07 lcp-rtt-file /x xonxoff sync pty 'exec x' socket h:1 record /x\n",
    "quotes": "linkname \"a \\t\\x\" ipparam 'b # no' name a\\ b\\\nc # comment\n\"unclosed",
    "CVE-2014-3158": "user " + "A" * 1500 + "\n",
    "CVE-2014-3158-quoted": "password \"" + "\\\\" * 700 + "\n\\\n",
    "ppp-0bf7647": "mru 4294967296 mtu -1 lcp-restart 99999999999999999999 idle -2147483649 unit 0x7fffffffffff speed 08 vj-max-slots 1000 asyncmap 1ffffffff\n",
}
SECRETS_FILES = {
    "usual": "# client server secret addresses\nb a sesame *\na b \"se same\" 10.0.0.1 10.0.0.2\n* * any\n",
    "addresses": "b a x 10.0.0.0/8 !10.1.0.0/16 host !host2 10.0.0.5/24+ -\nb * x -\n",
    "options": "b a x * -- ms-dns 8.8.8.8 idle 30\n",
    "file": "b a @/etc/secret *\na b @secret *\n* a @\"/x y\" *\n",
    "hashes": "b a $6$salt$abcdefgh *\nb a $1$x$y *\nb a \"\" *\n\"\" a \"\" *\n",
    "tls": "b a /c.pem /ca.pem /k.pem *\na b - /ca.pem - *\n* * /p12 - *\n",
    "best-match": "* a one *\nb * two *\n* * three *\nb a four -\n",
    "continued": "b \\\n a \\\n x\\ty *\n\n#\\\nb a z *",
    "CVE-2014-3158": "b a " + "A" * 1500 + " *\n",
    "CVE-2026-55706": "\"\" a \"\" *\n* * \"\" *\n",
    "ppp-7896bc0": "b\0x a sesame *\nb a ses\0ame *\n",
}
SPECS = [
    "22", "udp:53:127.0.0.1:53,max=3,idle=30,name=dns", "80:[::1]:8080,name=web",
    "2222:22", "udp:0.0.0.0:5353:10.0.0.1:53", "[::]:2222:[fe80::2]:22",
    "10.0.0.0/8:80", "[2001:db8::/32]:443", "fe80::/10",
    "1080", "*:1080", "[::1]:1080",
    "10/20", "64M", "192.0.2.1",
    "socks5://user:p%40ss@proxy.example:1080", "http://[::1]:3128", "http://10.0.0.1",
    "80:example.net:8080", "udp:53:localhost:53", "70000",
    "2222:example.net:22", "*:1:localhost:65535", "1:2:3:4:5",
]
SOCKS = {
    "connect-v4": "05 01 00 05 01 00 01 c0000201 0050",
    "connect-name": "05 02 00 02 05 01 00 03 0b 6578616d706c652e636f6d 01bb",
    "connect-v6": "05 01 00 05 01 00 04 20010db8000000000000000000000001 0050",
    "udp-associate": "05 01 00 05 03 00 01 00000000 0000",
    "bind": "05 01 00 05 02 00 01 c0000201 0050",
    "password": "05 01 02 01 04 75736572 04 70617373 05 01 00 01 c0000201 0050",
    "wrong-password": "05 01 02 01 04 75736572 04 78617373",
    "no-method": "05 01 01", "no-methods": "05 00", "version-4": "04 01 0050 c0000201 00",
    "datagram": "0000 00 01 c0000201 0035 61626364",
    "datagram-name": "0000 00 03 04 68737430 0035 61",
    "name-is-address": "05 01 00 05 01 00 03 07 31302e302e302e31 0050",
    "CVE-2022-0982": "05 ff" + "00" * 255 + "01 ff" + "41" * 255 + "ff" + "41" * 255,
    "empty-name": "05 01 00 05 01 00 03 00 0050",
}
HTTP = {
    "length": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"links\": []}",
    "chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    "until-closed": "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nnothing here",
    "interim": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "not-modified": "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n",
    "two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length-and-chunks": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "huge-chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    "huge-length": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "CVE-2022-0982": "HTTP/1.1 200 " + "A" * 1500 + "\r\n\r\n",
}


def print_seeds():
    """All control packets of the seeds above, one a file: they are short."""
    packets = {
        "lcp-request": (0, LCP_REQUEST), "lcp-all": (0, control(1, 1, "0104 05dc 0206 000a0000 0305 c22381 0408 c025 00000064 0506 12345678 0702 0802 0d03 06 1104 05dc 1202 1309 03 020304050607")),
        "lcp-endpoints": (0, control(1, 1, "1305 01 4142 1307 02 0a000001 1303 00 1309 03 020304050607 1307 04 12345678 1305 05 3132")),
        "lcp-echo": (0, control(9, 1, "12345678", b"data")), "lcp-reject": (0, control(8, 1, "80fd 0101 0004")), "lcp-code-reject": (0, control(7, 1, "0f01 0004")),
        "lcp-terminate": (0, control(5, 1, b"User \"request\"\n")), "lcp-time": (0, control(13, 1, "00000000 00000e10")), "lcp-ident": (0, control(12, 1, "00000000", b"MSRAS")),
        "pap": (1, control(1, 1, short(b"user"), short(b"secret"))), "pap-ack": (1, control(2, 1, short(b"Login ok"))), "pap-cut": (1, control(1, 1, "ff 41")),
        "chap-challenge": (2, control(1, 1, short(b"\x11" * 16), b"srv")), "chap-response": (2, control(2, 1, short(b"\x11" * 49), b"me")), "chap-success": (2, control(3, 1, b"S=00 M=ok")),
        "eap-identity": (3, control(1, 1, "01", b"Name")), "eap-md5": (3, control(1, 1, "04 10", b"A" * 16, b"srv")), "eap-nak": (3, control(2, 1, "03 04 0d 1a")),
        "eap-tls": (3, control(1, 1, "0d c0 00000400", b"x" * 20)), "eap-mschapv2": (3, control(1, 1, "1a 01 01 001a 10", b"A" * 16, b"srv")), "eap-success": (3, control(3, 1)),
        "eap-srp": (3, control(1, 1, "13 01 04", b"name", "02 4142 01 41")), "CVE-2020-8597": (3, control(1, 1, "04 ff", b"A" * 16)),
        "cbcp": (4, control(1, 1, "0102 020a 00 01 3035353530 00 0303 05 0205 05 01 00")), "CVE-2004-1002": (4, control(1, 1, "0201 0200")),
        "ipcp": (5, control(1, 1, "0306 0a000001 0206 002d 0f01 8106 08080808 8206 00000000 8306 08080404 8406 00000000 010a 0a000001 0a000002")),
        "ipv6cp": (6, control(1, 1, "010a 0211223344556677 0204 004f")), "ccp": (7, control(1, 1, "1206 01000060 1a04 7800 1804 7800 1503 2f 0102 0202 1105 000104")),
        "ccp-reset": (7, control(14, 1, "01")), "ecp": (8, control(1, 1, "000a 00 00 0000 000000")), "lqr": (9, b"\0" * 48), "data": (10, b"x" * 40),
        "gatchat": (5, control(1, 1, "0300 0301 03ff")), "ppp-cc8b00c": (0, control(1, 1, "0104 05dc 0104 05dc 0702 0702")), "ppp-1371451": (3, b("0101 00ff 04")),
        "ppp-7896bc0": (1, control(1, 1, short(b"a\0b"), short(b"c\0d"))),
    }
    for name, (number, data) in packets.items():
        yield name, b(0, struct.pack(">H", number), data)
    yield "pap-shown", b(1, "0001", control(1, 1, short(b"user"), short(b"secret")))


def texts(files, first=b""):
    for name, text in files.items():
        yield name, first + text.encode("latin-1")


def pylirp_seeds():
    for path in sorted((HERE.parent / "data" / "pylirp").glob("*.yaml")):
        lines = path.read_bytes().splitlines(keepends=True)
        yield path.stem, b"".join(line for line in lines if line.strip() and not line.strip().startswith(b"#"))[:SEED_MAX - 1]
    yield "aliases", b"a: &a\n  b: *a\nserial: {device: /dev/x, baud: 0x10}\n"
    yield "CVE-2014-3158", b"serial:\n  device: " + b"A" * 1500 + b"\n"


TARGETS = {
    "frame": frame_seeds, "ppp": ppp_seeds, "auth": auth_seeds, "link": link_seeds, "eap": eap_seeds, "comp": comp_seeds, "mppe": mppe_seeds, "vj": vj_seeds, "net": net_seeds, "slirp": slirp_seeds,
    "print": print_seeds, "pylirp": pylirp_seeds,
    "options": lambda: texts(OPTION_FILES), "secrets": lambda: texts(SECRETS_FILES),
    "http": lambda: texts(HTTP, b"\x83"),
    "socks": lambda: ((name, b(1 if "password" in name else 0, data)) for name, data in SOCKS.items()),
    "spec": lambda: ((f"{n // 3}-{n % 3}", bytes([n // 3]) + text.encode()) for n, text in enumerate(SPECS)),
}


def main():
    for target, seeds in TARGETS.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds():
            assert len(data) < SEED_MAX, (target, name, len(data))
            (folder / name).write_bytes(data)


main()
