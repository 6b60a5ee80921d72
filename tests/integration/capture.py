#!/usr/bin/env python3
"""`capture FILE`: what went over the line, read back by tshark down to HTTP."""

import os
import stat
import subprocess

from harness import data_of, free_port, main, need, receive, receive_all, test, wait_for

PAGE = b"<title>captured</title>"


def web_server(connection):
    request = connection.makefile("rb")
    while request.readline().strip():
        pass
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))


def tshark(path, *words):
    """Its lines of fields; anything that it complains about is an error."""
    done = subprocess.run([need("tshark"), "-r", path, *words], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("Running as user")]
    assert done.returncode == 0 and not complaints, done.stderr
    return done.stdout.splitlines()


def fields(path, which, *names):
    words = [word for name in names for word in ("-e", name)]
    return [tuple(line.split("\t")) for line in tshark(path, "-Y", which, "-T", "fields", *words)]


def assert_clean(path):
    bad = tshark(path, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-Y",
                 "_ws.malformed || _ws.short || ip.checksum.status == 0 || tcp.checksum.status == 0")
    assert not bad, bad[:5]


def page_through_the_link(world, path, *words):
    """The link with a web page through it, and orderly ended."""
    server, port = world.serve(web_server), free_port()
    a, b = world.pair(["service", f"80:127.0.0.1:{server}", "capture", path, *words], ["forward", f"{port}:80"], line="pty")
    a.wait_up()
    b.wait_up()
    connection = world.connect(port)
    connection.sendall(b"GET /captured HTTP/1.1\r\nHost: pikvm\r\nConnection: close\r\n\r\n")
    assert receive_all(connection).endswith(PAGE)
    assert a.end() == 5
    return a


@test
def tshark_reads_it_down_to_http(world):
    need("tshark")
    path = os.path.join(world.folder, "link.pcapng")
    page_through_the_link(world, path)
    assert_clean(path)
    # Direction 1 is inbound, 2 outbound.
    asked = fields(path, "http.request", "http.request.uri", "frame.packet_flags_direction")
    answered = fields(path, "http.response", "http.response.code", "frame.packet_flags_direction")
    assert [(uri, int(way, 16)) for uri, way in asked] == [("/captured", 1)], asked
    assert [(code, int(way, 16)) for code, way in answered] == [("200", 2)], answered


@test
def the_negotiation_is_in_it_both_ways(world):
    need("tshark")
    path = os.path.join(world.folder, "link.pcapng")
    page_through_the_link(world, path)
    for protocol in ("lcp", "ipcp"):
        seen = {(int(code), int(way, 16)) for code, way in fields(path, protocol, "ppp.code", "frame.packet_flags_direction")}
        # Configure-Request and Configure-Ack, from either side.
        assert {(1, 1), (1, 2), (2, 1), (2, 2)} <= seen, (protocol, seen)
    # Terminate-Request.
    assert any(int(way, 16) == 2 for (way,) in fields(path, "lcp && ppp.code == 5", "frame.packet_flags_direction"))


@test
def the_file_is_private_and_says_what_it_is(world):
    need("tshark")
    path = os.path.join(world.folder, "link.pcapng")
    a = page_through_the_link(world, path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    name = a.log().split("Connect: ")[1].split()[0]
    assert set(fields(path, "frame", "frame.interface_name")) == {(name,)}
    comments = [text for (text,) in fields(path, "frame.comment", "frame.comment")]
    assert comments, "no remark is in it"


@test
def what_was_there_is_emptied(world):
    need("tshark")
    path = os.path.join(world.folder, "link.pcapng")
    with open(path, "wb") as f:
        f.write(b"x" * 1_000_000)
    page_through_the_link(world, path)
    assert_clean(path)


@test
def it_is_rotated_at_its_size(world):
    need("tshark")
    path = os.path.join(world.folder, "link.pcapng")
    blob = data_of(400_000)
    server, port = world.serve(lambda c: c.sendall(blob)), free_port()
    a, b = world.pair(["service", f"80:127.0.0.1:{server}", "capture", path, "capture-size", "100k"], ["forward", f"{port}:80"])
    b.wait_up()
    assert receive_all(world.connect(port)) == blob
    assert a.end() == 5
    for name in (path, path + ".1"):
        assert 0 < os.path.getsize(name) <= 102_400, (name, os.path.getsize(name))
        assert_clean(name)
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
    last, first = fields(path + ".1", "frame", "frame.time_epoch")[-1], fields(path, "frame", "frame.time_epoch")[0]
    assert float(last[0]) <= float(first[0])


@test
def a_fifo_that_nobody_reads_stops_neither_the_link_nor_the_end(world):
    path = os.path.join(world.folder, "fifo")
    os.mkfifo(path)
    blob = data_of(6_000_000)
    server, port = world.serve(lambda c: c.sendall(blob)), free_port()
    a, b = world.pair(["service", f"80:127.0.0.1:{server}", "capture", path], ["forward", f"{port}:80"])
    b.wait_up()
    assert receive_all(world.connect(port)) == blob
    assert a.end() == 5


@test
def a_fifo_can_be_read_while_it_goes_on(world):
    path = os.path.join(world.folder, "fifo")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    world.stack.callback(os.close, reader)
    a, b = world.pair(["capture", path], [])
    a.wait_up()

    def read():
        try:
            return os.read(reader, 4)
        except BlockingIOError:
            return b""

    assert wait_for(read, "the first block") == b"\x0a\x0d\x0d\x0a"


@test
def a_full_disk_is_said_and_stops_nothing(world):
    server, port = world.serve(lambda c: c.sendall(PAGE)), free_port()
    a, b = world.pair(["service", f"80:127.0.0.1:{server}", "capture", "/dev/full"], ["forward", f"{port}:80"])
    b.wait_up()
    assert receive(world.connect(port), len(PAGE)) == PAGE
    a.wait_log("capture: /dev/full: No space left on device")
    assert a.end() == 5


@test
def a_file_that_cannot_be_made_is_an_error(world):
    path = os.path.join(world.folder, "missing", "x")
    a = world.slirppd("notty", "capture", path)
    assert a.wait() == 1
    assert f"Can't capture to {path}: No such file or directory" in a.log()


main()
