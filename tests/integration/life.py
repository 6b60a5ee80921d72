#!/usr/bin/env python3
"""The life of a link: ends and their exit codes, timers, signals, persist, background."""

import os
import signal
import threading
import time

from harness import (PATIENCE, WRAPPER, echo, free_port, main, receive, test, wait_for)


def closing_lines(process):
    return [line for line in process.log().splitlines() if line.startswith(("Connect time", "Sent ", "Connection term"))]


@test
def a_user_who_ends_it(world):
    a, b = world.pair([], [])
    a.wait_up()
    b.wait_up()
    a.kill(signal.SIGTERM)
    assert a.wait() == 5 and b.wait() in (0, 16)
    assert "Terminating on signal 15" in a.log()
    assert 'LCP terminated by peer (User request)' in b.log(), b.log()
    for p in (a, b):
        lines = closing_lines(p)
        assert lines[0].startswith("Connect time 0.") and lines[0].endswith(" minutes."), lines
        assert lines[1].startswith("Sent ") and lines[1].endswith(" bytes.") and "received" in lines[1], lines
        assert lines[2] == "Connection terminated.", lines


@test
def a_hangup_by_signal(world):
    a, b = world.pair([], [])
    a.wait_up()
    a.kill(signal.SIGHUP)
    assert a.wait() == 5 and "Hangup (SIGHUP)" in a.log()
    assert b.wait() in (0, 16)


@test
def a_line_that_hangs_up(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", name="a", stdin=left, stdout=left)
    b = world.slirppd("notty", name="b", stdin=right, stdout=right)
    left.close()
    right.close()
    a.wait_up()
    b.wait_up()
    b.kill(signal.SIGKILL)
    assert a.wait() == 16, a.log()
    assert "Modem hangup" in a.log() and closing_lines(a)[-1] == "Connection terminated."


@test
def log_lines_in_pppds_order(world):
    a, b = world.pair(["10.9.8.1:10.9.8.2"], ["usepeerdns", "noipv6"])
    b.wait_up()
    b.end()
    wanted = ["Using interface ppp", "Connect: ppp", "Deflate (15) compression enabled", "local  IP address 10.9.8.2", "remote IP address 10.9.8.1",
              "primary   DNS address 10.9.8.3", "Terminating on signal 15", "Connect time 0.0 minutes.", "Sent 0 bytes, received 0 bytes.",
              "Connection terminated."]
    lines = iter(b.log().splitlines())
    for want in wanted:
        assert any(line.startswith(want) for line in lines), f"{want!r} is missing or out of place in\n{b.log()}"


@test
def debug_prints_each_packet_as_pppd_does(world):
    a, b = world.pair(["debug"], [])
    a.wait_up()
    a.end()
    log = a.log()
    for pattern in (r"^sent \[LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0x[0-9a-f]+> <pcomp> <accomp>\]$",
                    r"^rcvd \[LCP ConfAck id=0x1 <asyncmap 0x0> <magic 0x[0-9a-f]+> <pcomp> <accomp>\]$",
                    r"^sent \[CCP ConfReq id=0x1 <deflate 15> <deflate\(old#\) 15> <bsd v1 15>\]$",
                    r"^sent \[IPCP ConfReq id=0x1 <compress VJ 0f 01> <addr 10\.0\.2\.2>\]$",
                    r"^sent \[IPV6CP ConfReq id=0x1 <addr fe80:(:[0-9a-f]{4}){4}>\]$",
                    r'^sent \[LCP TermReq id=0x2 "User request"\]$',
                    r"^rcvd \[LCP TermAck id=0x2\]$"):
        a.wait_log(pattern, patience=1)
    assert log.index("LCP ConfAck") < log.index("IPCP ConfReq")


@test
def idle_ends_a_link_that_nobody_uses(world):
    a, b = world.pair(["idle", "1"], [])
    assert a.wait() == 12, a.log()
    assert "Terminating connection due to lack of activity." in a.log()
    assert "LCP terminated by peer (Link inactive)" in b.log() or b.wait() == 0


@test
def maxconnect_ends_it_in_time(world):
    a, b = world.pair(["maxconnect", "1"], [])
    assert a.wait() == 13 and "Connect time expired" in a.log()


@test
def a_dead_peer_is_noticed_by_echo(world):
    a, b = world.pair(["lcp-echo-interval", "1", "lcp-echo-failure", "2"], [])
    a.wait_up()
    b.kill(signal.SIGSTOP)
    assert a.wait() == 15, a.log()
    assert "No response to 2 echo-requests" in a.log() and "Serial link appears to be disconnected." in a.log()
    b.kill(signal.SIGCONT)


@test
def persist_and_a_peer_that_is_killed_and_started_again(world):
    server, port = world.serve(echo), free_port()
    master, path = world.pty()
    words = [path, "nodetach", "local", "persist", "holdoff", "1", "lcp-echo-interval", "1", "lcp-echo-failure", "2",
             "forward", f"{port}:7"]
    a = world.slirppd(*words, name="a")
    for round_ in range(1, 4):
        b = world.slirppd("notty", "service", f"7:127.0.0.1:{server}", name=f"b{round_}", stdin=master, stdout=master)
        a.wait_up(round_)
        connection = world.connect(port)
        connection.sendall(b"hello")
        assert receive(connection, 5) == b"hello"
        connection.close()
        b.stop()
    assert a.end() == 5


@test
def persist_and_a_cable_that_is_pulled(world):
    """The device goes away under slirppd (a pty whose master closes), and comes back under the same name (a symlink)."""
    link = os.path.join(world.folder, "cable")
    server, port = world.serve(echo), free_port()
    a = None
    for round_ in range(1, 4):
        master, path = world.pty()
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(path, link)
        if not a:
            a = world.slirppd(link, "nodetach", "local", "persist", "holdoff", "1", "forward", f"{port}:7", name="a")
        b = world.slirppd("notty", "service", f"7:127.0.0.1:{server}", name=f"b{round_}", stdin=master, stdout=master)
        a.wait_up(round_)
        connection = world.connect(port)
        connection.sendall(b"hello")
        assert receive(connection, 5) == b"hello"
        connection.close()
        os.unlink(link)
        b.stop()
        os.close(master)
        a.wait_log("Modem hangup", round_)
    assert a.end() == 5


@test
def persist_waits_for_a_device_that_is_not_there_yet(world):
    """Wherever its path is: under /dev, or the link that socat makes."""
    master, path = world.pty()
    number = max(int(n) for n in os.listdir("/dev/pts") if n.isdigit()) + 50
    a = world.slirppd(f"/dev/pts/{number}", "nodetach", "persist", name="a")
    a.wait_log("Waiting for /dev/pts/")
    assert a.end() == 5
    link = os.path.join(world.folder, "ttyV0")
    b = world.slirppd(link, "nodetach", "local", "persist", name="b")
    b.wait_log("Waiting for " + link)
    os.symlink(path, link)
    world.slirppd("notty", stdin=master, stdout=master, name="c")
    b.wait_up()
    assert b.end() == 5


@test
def a_dump_is_an_options_file(world):
    """What it shows gives the same when it is read."""
    words = ["notty", "service", "22,name=My \"box\" 'x' # y\\z", "service", "udp:53:127.0.0.1:5353,name=Ünïcode → ok", "forward", "2222:22",
             "connect", "chat '' \"AT\\rOK\"\t", "permit-to", "1.2.3.4:80", "control", "/tmp/a b", "10.1.1.1:10.1.1.2", "debug", "debug"]

    def options(*words):
        code, output = world.run(*words, "dryrun")
        assert code == 0, output
        return [line.split("\t\t#")[0] for line in output.splitlines() if "\t\t# (from" in line]

    path = os.path.join(world.folder, "dumped")
    first = options(*words)
    with open(path, "w") as f:
        f.write("\n".join(line for line in first if line != "dryrun"))
    assert len(first) > 8 and [line for line in options("file", path) if not line.startswith("file ")] == first


@test
def maxfail_gives_up(world):
    left, right = world.socketpair()
    started = time.monotonic()
    a = world.slirppd("notty", "persist", "maxfail", "2", "holdoff", "1", "lcp-restart", "1", "lcp-max-configure", "1",
                      stdin=left, stdout=left)
    assert a.wait() == 10, a.log()
    assert a.log().count("Connect:") == 2 and time.monotonic() - started > 2


@test
def hangup_redials_with_persist(world):
    a, b = world.pair(["persist", "holdoff", "30"], ["persist", "holdoff", "1"])
    a.wait_up()
    a.kill(signal.SIGHUP)
    a.wait_up(2)
    assert a.end() == 5
    b.kill()


@test
def holdoff_ends_at_once_on_a_signal(world):
    a = world.slirppd("pty", "exit 1", "persist", "holdoff", "60", "connect", "exit 1", "nodetach", name="a")
    a.wait_log("Connect script failed")
    time.sleep(0.2)
    started = time.monotonic()
    assert a.end() == 5 and time.monotonic() - started < 10


@test
def passive_waits_for_the_peer(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "passive", "lcp-restart", "1", "lcp-max-configure", "1", "debug", name="a", stdin=left, stdout=left)
    a.wait_log("timeout sending Config-Requests")
    time.sleep(0.3)
    assert a.process.poll() is None, a.log()
    b = world.slirppd("notty", name="b", stdin=right, stdout=right)
    a.wait_up()
    b.wait_up()


@test
def passive_ends_at_once_when_told(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "passive", "lcp-restart", "1", "lcp-max-configure", "1", stdin=left, stdout=left)
    a.wait_log("timeout sending Config-Requests")
    assert a.end() == 5, a.log()


@test
def silent_says_nothing_first(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "silent", "debug", name="a", stdin=left, stdout=left)
    a.wait_log("Connect:")
    time.sleep(0.3)
    assert "sent [" not in a.log()
    b = world.slirppd("notty", name="b", stdin=right, stdout=right)
    a.wait_up()


@test
def two_silent_ones_wait_for_ever_and_end_when_told(world):
    a, b = world.pair(["silent"], ["silent"])
    a.wait_log("Connect:")
    assert a.end() == 5


@test
def a_second_signal_does_not_wait_for_the_peer(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "lcp-restart", "60", stdin=left, stdout=left)
    a.wait_log("Connect:")
    a.kill()
    time.sleep(0.3)
    assert a.process.poll() is None
    a.kill()
    assert a.wait(10) == 5, a.log()
    assert a.log().rstrip().endswith("Connection terminated.")


@test
def a_signal_is_kept_in_mind_while_a_script_runs_on(world):
    """The welcome script ends of the signal, which only warns; the connect script takes no notice of it."""
    for script in ("welcome", "connect"):
        master, path = world.pty()
        mark = os.path.join(world.folder, script)
        a = world.slirppd(path, "local", "nodetach", script, f"trap '' TERM; touch {mark}; sleep 1", name=script)
        wait_for(lambda: os.path.exists(mark), "the script to run")
        assert a.end() == 5, a.log()
        assert "Connect:" not in a.log(), a.log()


@test
def a_signal_in_the_last_moment_is_what_counts(world):
    a, b = world.pair(["persist", "holdoff", "1"], [])
    a.wait_up()
    b.end()
    a.kill()
    assert a.wait() == 5, a.log()


@test
def a_link_has_a_name_in_a_pid_file(world):
    from harness import Skip
    if os.geteuid() == 0 and not os.access("/run", os.W_OK):
        raise Skip("/run cannot be written here")
    name = f"test{os.getpid()}"
    folder = "/run" if os.geteuid() == 0 else world.folder
    a, b = world.pair(["linkname", name], [])
    a.wait_up()
    with open(f"{folder}/ppp-{name}.pid") as f:
        pid, interface = f.read().split()
    assert int(pid) == a.pid or WRAPPER
    assert f"Using interface {interface}" in a.log()
    a.end()
    assert not os.path.exists(f"{folder}/ppp-{name}.pid")


@test
def systemd_is_told_when_the_link_is_up(world):
    import socket
    path = os.path.join(world.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(PATIENCE)
        a, b = world.pair(["up_sdnotify"], [], a_how={"env": {"NOTIFY_SOCKET": path}})
        said = []
        while b"READY=1" not in said or not any(status.startswith(b"STATUS=up: 10.0.2.") for status in said):
            said.append(s.recv(100))
        a.wait_up()


@test
def usr1_switches_debug_on_and_off(world):
    a, b = world.pair(["lcp-echo-interval", "1"], ["debug"])
    a.wait_up()
    assert "sent [" not in a.log()
    a.kill(signal.SIGUSR1)
    a.kill(signal.SIGUSR2)
    time.sleep(0.1)
    a.kill()
    a.wait()
    assert "sent [LCP TermReq" in a.log(), a.log()


def alive(pid):
    """Running, and not a zombie that nobody has reaped."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def background_pid(process):
    """The process that the one started has left behind: it logs to the same file."""
    return wait_for(lambda: [pid for pid in those_that_name(process.log_path) if pid != process.pid], "the one in the background")[0]


def those_that_name(path):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if path.encode() in f.read().split(b"\0") and alive(pid):
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@test
def detaches_once_the_line_is_open(world):
    master, path = world.pty()
    a = world.slirppd(path, "local", "silent", name="a")
    assert a.wait() == 0
    pid = background_pid(a)
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not alive(pid), "the one in the background to end")


@test
def updetach_detaches_when_the_link_is_up(world):
    master, path = world.pty()
    a = world.slirppd(path, "local", "updetach", name="a")
    time.sleep(0.3)
    assert a.process.poll() is None
    b = world.slirppd("notty", name="b", stdin=master, stdout=master)
    assert a.wait() == 0
    assert "remote " in a.log()  # of IPv4 or IPv6, whichever was first
    os.kill(background_pid(a), signal.SIGTERM)
    assert b.wait() in (0, 16)


@test
def updetach_gives_the_exit_code_of_a_failure(world):
    master, path = world.pty()
    a = world.slirppd(path, "local", "updetach", "lcp-restart", "1", "lcp-max-configure", "1")
    assert a.wait() == 10


@test
def a_log_on_a_descriptor_of_ones_own(world):
    left, right = world.socketpair()
    read, write = os.pipe()
    a = world.slirppd("notty", "logfd", write, log=False, stdin=left, stdout=left, pass_fds=[write])
    os.close(write)
    world.slirppd("notty", name="b", stdin=right, stdout=right)
    text = b""
    while b"remote IP address" not in text:
        text += os.read(read, 4096)
    a.end()
    os.close(read)


@test
def notty_prints_nothing_into_the_line(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "debug", log=False, stdin=left, stdout=left)
    first = right.recv(4096)
    assert first[:1] == b"\x7e" and b"sent" not in first, first
    a.end()


main()
