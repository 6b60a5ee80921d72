#!/usr/bin/env python3
"""The tools that come with ppp: pppdump, byte for byte as Debian's where that is installed, and poff, which ends what it is to end."""

import os
import shutil
import struct
import subprocess
import time

from harness import Skip, main, test, wait_for

BUILD = os.path.dirname(os.path.abspath(os.environ.get("SLIRPPD", "slirppd")))
SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib/ppp")
LCP = bytes.fromhex("ff03c0210101000a050611223344")


def fcs(data):
    value = 0xffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value ^ 0xffff


def frame(packet):
    sent = bytearray(b"~")
    for byte in packet + struct.pack("<H", fcs(packet)):
        sent += bytes([0x7d, byte ^ 0x20]) if byte < 0x20 or byte in b"}~" else bytes([byte])
    return bytes(sent) + b"~"


def record(kind, data):
    return struct.pack(">BH", kind, len(data)) + data


GOOD = (b"\x07" + struct.pack(">I", 1700000000) + record(1, b'AT"\\\r\n\x80\x1b\x7f') + b"\x06\x05" +
        record(2, b"\r\nOK\r\nCONNECT 115200, and a text that is much too long for one line of the output\r\n") +
        b"\x05" + struct.pack(">I", 700) + record(1, frame(LCP)) + record(2, frame(LCP)[:9]) + record(2, frame(LCP)[9:] + b"~~"))
BROKEN = (record(2, frame(LCP).replace(b"\x11", b"\x12").replace(b"\x22", b"\x23")) + record(2, b"~ab~") + record(2, b"~abcd}~") +
          record(1, frame(b"\xff\x03\x00\x21" + b"x" * 1600)) + record(2, frame(LCP)[:8]) + b"\x06\x03\x03\x04")
RECORDS = {"good": GOOD, "broken": GOOD + BROKEN, "junk": record(1, frame(LCP)) + b"\x09zz", "cut": GOOD + record(1, frame(LCP))[:-3]}
OPTIONS = ["", "-h", "-a", "-h -a", "-h -r -a", "-p", "-p -a", "-p -r", "-p -m 100"]


def dump(program, options, path):
    with open(path, "rb") as file:
        whole = subprocess.run([program, *options.split(), path], capture_output=True, timeout=10)
        stdin = subprocess.run([program, *options.split()], stdin=file, capture_output=True, timeout=10)
    assert whole.returncode == stdin.returncode == 0, whole.stderr + stdin.stderr
    return whole.stdout, stdin.stdout


def records(world):
    for name, data in RECORDS.items():
        path = os.path.join(world.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        yield path


@test
def pppdump_prints_as_debians(world):
    if not os.path.exists("/usr/sbin/pppdump"):
        raise Skip("needs Debian's pppdump, from the package ppp")
    for path in records(world):
        for options in OPTIONS:
            assert dump(f"{BUILD}/pppdump", options, path) == dump("/usr/sbin/pppdump", options, path), (options, path)


@test
def pppdump_says_what_is_wrong(world):
    paths = {os.path.basename(path): path for path in records(world)}
    text = dump(f"{BUILD}/pppdump", "-p", paths["broken"])[0].decode()
    for line in ("BAD FCS", "rcvd short packet [2 bytes]: 61 62", "rcvd aborted packet:", "ERROR: length (1600) > MRU (1500)"):
        assert line in text, text
    assert dump(f"{BUILD}/pppdump", "", paths["cut"])[0].endswith(b"\nEOF\n")
    assert subprocess.run([f"{BUILD}/pppdump", paths["good"] + "-not"], capture_output=True).returncode == 1
    assert subprocess.run([f"{BUILD}/pppdump", "-x"], capture_output=True).returncode == 1


def poff(folder, *words):
    return subprocess.run([f"{SCRIPTS}/poff", *words], env={**os.environ, "POFF_RUN": folder}, capture_output=True, timeout=10).returncode


@test
def poff_ends_what_it_is_to_end(world):
    """Of two links the one that was named; and no process that merely has the number in an old pid file."""
    sleep, children = shutil.which("sleep"), []
    shell = 'while :; do "$0" 0.1; done'
    for number, words in enumerate((["pppd", "-c", shell, sleep, "call", "one"], ["pppd", "-c", shell, sleep, "call", "two"], ["sh", "-c", shell, sleep])):
        children.append(subprocess.Popen(words, executable="/bin/sh"))
        with open(os.path.join(world.folder, f"ppp{number}.pid"), "w") as file:
            file.write(f"{children[-1].pid}\n")
    try:
        time.sleep(0.1)
        assert poff(world.folder) == 1 and poff(world.folder, "three") == 1
        assert all(child.poll() is None for child in children)
        assert poff(world.folder, "two") == 0
        wait_for(lambda: children[1].poll() is not None, "the end of two")
        assert poff(world.folder, "-r") == 0
        wait_for(lambda: children[0].poll() is not None, "the end of one")
        assert (children[0].returncode, children[1].returncode, children[2].poll()) == (-1, -15, None)
        assert poff(world.folder, "-a") == 1
    finally:
        for child in children:
            child.kill()
            child.wait()


main()
