#!/usr/bin/env python3
"""Every kind of line, and the scripts that run on one."""

import os
import socket
import subprocess
import threading
import time

from harness import PROGRAM, WRAPPER, echo, free_port, main, receive, test, wait_for


def talks(world, port):
    connection = world.connect(port)
    connection.sendall(b"hello")
    assert receive(connection, 5) == b"hello"
    connection.close()


@test
def a_program_on_a_pty(world):
    server, port = world.serve(echo), free_port()
    inner = " ".join(WRAPPER + [PROGRAM, "notty", "nolog", "service", f"7:127.0.0.1:{server}"])
    a = world.slirppd("pty", f"exec {inner}", "nodetach", "forward", f"{port}:7", name="a")
    a.wait_up()
    assert "/dev/pts/" in a.log().split("Connect:")[1].splitlines()[0], a.log()
    talks(world, port)
    assert a.end() in (5, 16)


@test
def a_socket(world):
    server, port = world.serve(echo), free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        a = world.slirppd("socket", "127.0.0.1:%d" % listener.getsockname()[1], "nodetach", "forward", f"{port}:7", name="a")
        connection, _ = listener.accept()
    with connection:
        b = world.slirppd("notty", "service", f"7:127.0.0.1:{server}", name="b", stdin=connection, stdout=connection)
    a.wait_up()
    talks(world, port)
    b.end()
    assert a.wait() in (0, 16)


@test
def two_pipes(world):
    server, port = world.serve(echo), free_port()
    to_a, from_b = os.pipe()
    to_b, from_a = os.pipe()
    a = world.slirppd("notty", "forward", f"{port}:7", name="a", stdin=to_a, stdout=from_a)
    b = world.slirppd("notty", "service", f"7:127.0.0.1:{server}", name="b", stdin=to_b, stdout=from_b)
    for fd in (to_a, from_b, to_b, from_a):
        os.close(fd)
    a.wait_up()
    b.wait_up()
    talks(world, port)
    assert a.end() == 5 and b.wait() in (0, 16)


@test
def the_terminal_on_standard_input(world):
    server, port = world.serve(echo), free_port()
    master, path = world.pty()
    slave = os.open(path, os.O_RDWR | os.O_NOCTTY)
    a = world.slirppd("local", "forward", f"{port}:7", name="a", stdin=slave, stdout=slave)
    os.close(slave)
    b = world.slirppd("notty", "service", f"7:127.0.0.1:{server}", name="b", stdin=master, stdout=master)
    a.wait_up()
    assert f"<--> {path}" in a.log(), a.log()
    talks(world, port)
    assert a.end() == 5


@test
def a_symlink_and_any_speed(world):
    link = os.path.join(world.folder, "usb-device-by-id")
    for speed in ("115200", "250000", "921600", "3000000"):
        master, path = world.pty()
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(path, link)
        a = world.slirppd(link, speed, "nodetach", "crtscts", "name", "x", name=f"a{speed}")
        b = world.slirppd("notty", name=f"b{speed}", stdin=master, stdout=master)
        a.wait_up()
        assert f"<--> {link}" in a.log() or f"<--> {path}" in a.log(), a.log()
        assert a.end() == 5


@test
def scripts_in_pppds_order(world):
    master, path = world.pty()
    notes = os.path.join(world.folder, "notes")
    words = []
    for script in ("init", "connect", "welcome", "disconnect"):
        words += [script, f"echo {script} >> {notes}; printf {script}-bytes"]
    a = world.slirppd(path, "local", "nodetach", *words, name="a")
    seen = b""
    while b"welcome-bytes" not in seen:
        seen += os.read(master, 4096)
    b = world.slirppd("notty", name="b", stdin=master, stdout=master)
    a.wait_up()
    b.end()
    assert a.wait() == 0, a.log()
    with open(notes) as f:
        assert f.read().split() == ["init", "connect", "welcome", "disconnect"]
    log = a.log()
    order = ["Serial port initialized.", "Serial connection established.", "Connect: ", "Connection terminated.",
             "Serial link disconnected."]
    places = [log.index(line) for line in order]
    assert places == sorted(places), log


@test
def a_chat_with_a_modem(world):
    """A connect script that reads and writes the line, as chat does."""
    master, path = world.pty()
    script = 'printf "ATD\\r"; read answer; [ "$answer" = CONNECT ]'

    def modem():
        command = b""
        while not command.endswith(b"\r"):
            command += os.read(master, 1)
        os.write(master, b"CONNECT\n")

    threading.Thread(target=modem, daemon=True).start()
    a = world.slirppd(path, "local", "nodetach", "connect", script, name="a")
    a.wait_log("Serial connection established.")
    world.slirppd("notty", name="b", stdin=master, stdout=master)
    a.wait_up()
    assert a.end() == 5


@test
def a_connect_script_that_a_signal_ends(world):
    master, path = world.pty()
    mark = os.path.join(world.folder, "running")
    a = world.slirppd(path, "local", "nodetach", "connect", f"touch {mark}; exec sleep 600", name="a")
    wait_for(lambda: os.path.exists(mark), "the script to run")
    assert a.end() == 8, a.log()
    assert "Connect script failed" in a.log()


@test
def a_welcome_script_that_fails_stops_nothing(world):
    master, path = world.pty()
    a = world.slirppd(path, "local", "nodetach", "welcome", "exit 1", name="a")
    world.slirppd("notty", name="b", stdin=master, stdout=master)
    a.wait_up()
    assert "Welcome script failed" in a.log()
    assert a.end() == 5


@test
def the_lock_is_taken_and_removed(world):
    from harness import Skip
    if not os.access("/var/lock", os.W_OK):
        raise Skip("/var/lock cannot be written here")
    master, path = world.pty()
    lock = "/var/lock/LCK.." + path.removeprefix("/dev/").replace("/", "_")
    a = world.slirppd(path, "local", "nodetach", "lock", "silent", name="a")
    a.wait_log("Connect:")
    with open(lock) as f:
        assert f.read() == "%10d\n" % a.pid
    assert a.end() == 5
    assert not os.path.exists(lock)


@test
def a_line_that_nobody_reads_stops_nobody(world):
    """The pty fills up; signals, timers and the end work all the same."""
    master, path = world.pty()
    a = world.slirppd(path, "local", "nodetach", "persist", "lcp-restart", "1", "lcp-max-configure", "300", name="a")
    a.wait_log("Connect:")
    while True:
        try:
            os.set_blocking(master, False)
            os.write(master, b"login: " * 1000)
            time.sleep(0.01)
        except BlockingIOError:
            break
        if os.fstat(master) and time.monotonic() % 1 > 0.9:
            break
    started = time.monotonic()
    assert a.end() == 5, a.log()
    assert time.monotonic() - started < 15


@test
def noise_on_the_line_is_survived(world):
    """Garbage before and between the frames: the link comes up all the same, and data is right."""
    import random
    rng = random.Random(7)
    server, port = world.serve(echo), free_port()
    (a_line, a_far), (b_line, b_far) = world.socketpair(), world.socketpair()

    def pump(source, sink, chance):
        while data := source.recv(4096):
            data = bytearray(data)
            for i in range(len(data)):
                if rng.random() < chance:
                    data[i] ^= 1 << rng.randrange(8)
            sink.sendall(data)

    a_far.sendall(bytes(rng.randrange(256) for _ in range(5000)))
    # Where one large frame in four is broken, compression, which needs the one before, has no chance.
    words = ["notty", "lcp-restart", "1", "ipcp-restart", "1", "novj", "noccp"]
    a = world.slirppd(*words, "forward", f"{port}:7", name="a", stdin=a_line, stdout=a_line)
    b = world.slirppd(*words, "service", f"7:127.0.0.1:{server}", name="b", stdin=b_line, stdout=b_line)
    from harness import quiet
    for source, sink in ((a_far, b_far), (b_far, a_far)):
        threading.Thread(target=quiet, args=(pump, source, sink, 0.0002), daemon=True).start()
    a.wait_up()
    blob = bytes(rng.randrange(256) for _ in range(50_000))
    connection = world.connect(port)
    threading.Thread(target=connection.sendall, args=(blob,), daemon=True).start()
    connection.settimeout(120)
    assert receive(connection, len(blob)) == blob


main()
