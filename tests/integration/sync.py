#!/usr/bin/env python3
"""Synchronous lines, recordings of lines, and lines that are held back: options sync, record and datarate."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import Skip, data_of, digest, free_port, main, quiet, receive_all, test

SIZE = 500_000

# Between its standard input and output and a socket that keeps packets apart: a packet a read, a packet a write.
PUMP = """
import os, select, socket, sys
peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
peer.connect(sys.argv[1])
while True:
    for ready in select.select([0, peer], [], [])[0]:
        packet = peer.recv(4096) if ready is peer else os.read(0, 4096)
        if not packet:
            sys.exit()
        if ready is peer:
            os.write(1, packet)
        else:
            peer.send(packet)
"""


def pump_words(world):
    """Two commands for `pty` that are joined through the test."""
    path, program = os.path.join(world.folder, "wire"), os.path.join(world.folder, "pump")
    with open(program, "w") as f:
        f.write(PUMP)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    world.stack.callback(server.close)
    server.bind(path)
    server.listen()
    threading.Thread(target=quiet, args=(join_two, server), daemon=True).start()
    return f"exec {sys.executable} {program} {path}"


def carry(source, sink):
    while packet := source.recv(4096):
        sink.send(packet)
    sink.shutdown(socket.SHUT_WR)


def join_two(server):
    ends = [server.accept()[0] for _ in range(2)]
    threading.Thread(target=quiet, args=(carry, *ends), daemon=True).start()
    carry(*reversed(ends))


def pair_on(world, left, right, *words, rest=()):
    """Two slirppd's, each with one end of a line on its standard input; what the second one's forward fetches from the first."""
    blob = data_of(SIZE)
    port = free_port()
    server = world.serve(lambda connection: connection.sendall(blob))
    a = world.slirppd("notty", *words, "service", f"80:127.0.0.1:{server}", name="a", stdin=left, stdout=left)
    b = world.slirppd("notty", *words, *rest, "forward", f"{port}:80", name="b", stdin=right, stdout=right)
    left.close()
    right.close()
    a.wait_up()
    b.wait_up()
    begin = time.monotonic()
    assert digest(receive_all(world.connect(port))) == digest(blob)
    return a, b, time.monotonic() - begin


@test
def packets_each_in_a_datagram(world):
    """What a program such as openconnect gives: the line keeps packets apart."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    a, b, _ = pair_on(world, left, right, "sync", "debug")
    assert "rcvd [LCP ConfReq" in a.log() and a.end() == 5 and b.wait() in (0, 16)


@test
def packets_in_a_stream(world):
    """TCP joins and cuts them: they are found all the same, compressed ones (nobody says how long those are) excepted."""
    left, right = world.socketpair()
    a, b, _ = pair_on(world, left, right, "sync", "noccp", "novj")
    assert a.end() == 5 and b.wait() in (0, 16)


@test
def what_is_written_is_one_packet_without_flags(world):
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = world.slirppd("notty", "sync", stdin=left, stdout=left)
    right.settimeout(60)
    packet = right.recv(2000)
    length = struct.unpack(">H", packet[6:8])[0]
    assert packet[:5] == b"\xff\x03\xc0\x21\x01" and len(packet) == length + 4, packet
    process.kill()
    right.close()
    assert process.wait() in (5, 16)


@test
def a_program_on_a_pty(world):
    """pppoe -s and its like: the command has the master of a pty as its line, which joins packets, too."""
    try:
        os.close(os.open("/dev/ptmx", os.O_RDWR))
    except OSError as error:
        raise Skip(f"/dev/ptmx: {error}")
    port, blob = free_port(), data_of(SIZE)
    server = world.serve(lambda connection: connection.sendall(blob))
    pump = pump_words(world)
    a = world.slirppd("nodetach", "sync", "noccp", "novj", "pty", pump, "service", f"80:127.0.0.1:{server}", name="a")
    b = world.slirppd("nodetach", "sync", "noccp", "novj", "pty", pump, "forward", f"{port}:80", name="b")
    a.wait_up()
    b.wait_up()
    assert digest(receive_all(world.connect(port))) == digest(blob)
    assert a.end() in (5, 16) and b.wait() in (0, 16)


@test
def a_serial_port_is_no_synchronous_line(world):
    if not os.path.exists("/dev/ttyS0"):
        raise Skip("there is no serial port")
    code, output = world.run("/dev/ttyS0", "nodetach", "sync")
    assert code == 2 and "sync is for pty, notty, socket" in output, (code, output)


def records(path):
    """The records of a recording: (tag, bytes or number)."""
    data, at, found = open(path, "rb").read(), 0, []
    while at < len(data):
        tag = data[at]
        if tag in (1, 2):
            size = struct.unpack(">H", data[at + 1:at + 3])[0]
            found.append((tag, data[at + 3:at + 3 + size]))
            at += 3 + size
        elif tag in (5, 7):
            found.append((tag, struct.unpack(">I", data[at + 1:at + 5])[0]))
            at += 5
        elif tag == 6:
            found.append((tag, data[at + 1]))
            at += 2
        else:
            found.append((tag, None))
            at += 1
    return found


@test
def a_recording_has_every_byte(world):
    left, right = world.socketpair()
    ours, theirs = (os.path.join(world.folder, name) for name in ("ours", "theirs"))
    before = int(time.time())
    a, b, _ = pair_on(world, left, right, "record", ours, rest=["record", theirs])
    assert a.end() == 5 and b.wait() in (0, 16)
    ours, theirs = records(ours), records(theirs)
    assert ours[0][0] == 7 and before <= ours[0][1] <= time.time()
    assert [r[0] for r in ours[-2:]] == [3, 4] and sorted(r[0] for r in theirs[-2:]) == [3, 4]
    sent, received = (b"".join(r[1] for r in rows if r[0] == tag) for rows, tag in ((ours, 1), (theirs, 2)))
    assert len(sent) > SIZE and sent == received
    assert os.stat(os.path.join(world.folder, "ours")).st_mode & 0o777 == 0o600


@test
def pppdump_reads_a_recording(world):
    pppdump = shutil.which("pppdump") or shutil.which("pppdump", path="/usr/sbin")
    if not pppdump:
        raise Skip("pppdump is not installed")
    left, right = world.socketpair()
    path = os.path.join(world.folder, "record")
    a, b, _ = pair_on(world, left, right, rest=["record", path])
    a.end()
    b.wait()
    text = subprocess.run([pppdump, "-p", path], capture_output=True).stdout
    assert text.startswith(b"start") and b"sent  ff 03 c0 21 01" in text and b"BAD FCS" not in text, text[:500]


@test
def a_recording_that_cannot_be_made_stops_nothing(world):
    left, right = world.socketpair()
    a, b, _ = pair_on(world, left, right, "record", "/nowhere/at/all")
    assert "Couldn't create record file /nowhere/at/all" in a.log()
    assert a.end() == 5


@test
def a_line_is_held_back(world):
    """Half a megabyte at 400 kB a second: more than a second, however fast the machine."""
    left, right = world.socketpair()
    a, b, seconds = pair_on(world, left, right, "datarate", "400000", "noccp")
    assert seconds > 1, seconds
    assert a.end() == 5 and b.wait() in (0, 16)


main()
