#!/usr/bin/env python3
"""What happens around a link: pauses, logs that take nothing, signals from outside, children that do not end, callers that wait."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import termios
import time

from harness import PATIENCE, PROGRAM, Process, main, test, wait_for


def end_in_background(world, name):
    """Ends, when the test ends, a slirppd that has detached; its pid is in its folder's pid file."""
    path = os.path.join("/run" if os.geteuid() == 0 else world.folder, f"ppp-{name}.pid")

    def end():
        with contextlib.suppress(OSError, ValueError), open(path) as f:
            os.kill(int(f.readline()), signal.SIGTERM)

    world.stack.callback(end)


def make_full(fd):
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(fd, b"x" * 4096)
    fcntl.fcntl(fd, fcntl.F_SETFL, 0)


def ignore_children():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(child) for child in f.read().split()]


@test
def a_pause_does_not_end_a_link(world):
    a, b = world.pair(["lcp-echo-interval", "1", "lcp-echo-failure", "2"], [])
    a.wait_up()
    b.wait_up()
    a.kill(signal.SIGSTOP)
    time.sleep(4.5)
    a.kill(signal.SIGCONT)
    time.sleep(2.5)  # echoes that are missed, or answered, after it
    assert a.end() == 5, a.log()
    b.wait()


@test
def a_pause_does_not_use_up_the_tries(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "debug", "lcp-restart", "1", "lcp-max-configure", "4", stdin=left, stdout=left, name="a")
    left.close()
    a.wait_log(r"^sent \[LCP ConfReq")
    a.kill(signal.SIGSTOP)
    time.sleep(5.5)
    a.kill(signal.SIGCONT)
    b = world.slirppd("notty", stdin=right, stdout=right, name="b")
    right.close()
    a.wait_up()
    a.end()
    b.wait()


@test
def a_log_that_takes_nothing_does_not_stop_a_link(world):
    left, right = world.socketpair()
    read, write = os.pipe()
    make_full(write)
    a = world.slirppd("notty", "debug", "logfd", write, log=False, stdin=left, stdout=left, pass_fds=[write], name="a")
    os.close(write)
    b = world.slirppd("notty", stdin=right, stdout=right, name="b")
    b.wait_up()
    with open(read, "rb") as f:
        f.read(65536)  # a pipe's usual size: now there is room
        assert a.end() == 5
        text = f.read()
    assert re.match(rb"x*\d+ log lines were lost\n", text), text[:400]
    assert b"\nTerminating on signal 15\n" in text, text[:400]
    b.end()


@test
def a_log_on_a_terminal_that_is_stopped(world):
    left, right = world.socketpair()
    master, slave = os.openpty()
    a = Process(world, ["notty", "debug", "logfd", "2"], "a", stdin=left, stdout=left, stderr=slave)
    world.stack.callback(a.stop)
    termios.tcflow(slave, termios.TCOOFF)
    b = world.slirppd("notty", stdin=right, stdout=right, name="b")
    b.wait_up()
    assert a.end() == 5
    b.end()
    os.close(slave)
    os.close(master)


@test
def a_log_in_a_fifo_that_nobody_reads(world):
    fifo = os.path.join(world.folder, "fifo")
    os.mkfifo(fifo)
    left, right = world.socketpair()
    a = world.slirppd("notty", "logfile", fifo, log=False, stdin=left, stdout=left, name="a")
    b = world.slirppd("notty", stdin=right, stdout=right, name="b")
    b.wait_up()
    assert a.end() == 5
    b.end()


@test
def a_script_fails_though_children_are_ignored(world):
    master, path = world.pty()
    a = world.slirppd(path, "nodetach", "local", "connect", "exit 1", preexec_fn=ignore_children)
    assert a.wait() == 8, a.log()
    assert "Connect script failed" in a.log()


def caller_waits(world, name, *words):
    """How x=$(slirppd …) sees it: the exit code and everything printed, once nobody has our output open any more."""
    end_in_background(world, name)
    env = dict(os.environ, HOME=world.folder, XDG_RUNTIME_DIR=world.folder)
    done = subprocess.run([PROGRAM, *words, "linkname", name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PATIENCE, env=env, check=False)
    return done.returncode, done.stdout.decode()


@test
def who_waits_for_our_output_does_not_wait_for_a_pty_command(world):
    start = time.monotonic()
    code, _ = caller_waits(world, f"pty{os.getpid()}", "pty", "exec sleep 60", "silent")
    assert code == 0 and time.monotonic() - start < 30


@test
def who_waits_for_our_output_does_not_wait_for_a_script(world):
    master, path = world.pty()
    start = time.monotonic()
    code, _ = caller_waits(world, f"script{os.getpid()}", path, "local", "connect", "sleep 60")
    assert code == 0 and time.monotonic() - start < 30


@test
def a_failure_of_the_first_second_reaches_the_caller(world):
    master, path = world.pty()
    code, text = caller_waits(world, "none", path, "local", "connect", "echo NO DIALTONE >&2; exit 1")
    assert code == 8, text
    assert "NO DIALTONE" in text and "Connect script failed" in text, text


@test
def a_fatal_signal_puts_the_line_back(world):
    master, path = world.pty()
    slave = os.open(path, os.O_RDWR | os.O_NOCTTY)
    settings = termios.tcgetattr(slave)
    settings[3] |= termios.ECHO | termios.ICANON
    for sig in (signal.SIGQUIT, signal.SIGALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGIO):
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        before = termios.tcgetattr(slave)
        name = f"a{sig}"
        a = world.slirppd(path, "nodetach", "local", "persist", "lock", "linkname", f"quit{os.getpid()}", name=name)
        a.wait_log(r"^Connect: ")
        assert termios.tcgetattr(slave) != before
        a.kill(sig)
        assert a.wait() == 127, (sig, a.log())
        assert f"Fatal signal {int(sig)}" in a.log()
        assert termios.tcgetattr(slave) == before, sig
        for folder in ("/run", "/var/lock", world.folder):
            for name in os.listdir(folder):
                assert f"quit{os.getpid()}" not in name and path.rsplit("/", 1)[1] != name.rsplit("_", 1)[-1], (folder, name)
    os.close(slave)


def pid_file(world, name):
    path = os.path.join("/run" if os.geteuid() == 0 else world.folder, name + ".pid")
    try:
        with open(path) as f:
            return int(f.readline())
    except FileNotFoundError:
        return None


@test
def a_unit_that_is_in_use_stays_its_owners(world):
    lines = [world.socketpair() for _ in range(2)]
    unit = str(20000 + os.getpid() % 10000)
    a, b = (world.slirppd("notty", "unit", unit, "silent", stdin=line[0], stdout=line[0], name=name)
            for line, name in zip(lines, "ab"))
    for p in (a, b):
        p.wait_log(r"^Connect: ")
    owner = pid_file(world, "ppp" + unit)
    assert owner in (a.pid, b.pid)
    owning, other = (a, b) if owner == a.pid else (b, a)
    assert f"Couldn't allocate PPP unit {unit} as it is already in use" in other.log()
    assert "Couldn't allocate" not in owning.log()
    other.end()
    assert pid_file(world, "ppp" + unit) == owner
    owning.stop()
    c = world.slirppd("notty", "unit", unit, "silent", stdin=lines[0][1], stdout=lines[0][1], name="c")
    c.wait_log(r"^Connect: ")
    assert pid_file(world, "ppp" + unit) == c.pid, "a dead process's pid file stays"
    c.end()
    assert pid_file(world, "ppp" + unit) is None


@test
def those_that_start_together_get_a_unit_each(world):
    lines = [world.socketpair() for _ in range(6)]
    started = [world.slirppd("notty", "silent", stdin=line[0], stdout=line[0]) for line in lines]
    for p in started:
        p.wait_log(r"^Connect: ")
    names = [re.search(r"^Connect: (\S+)", p.log(), re.M).group(1) for p in started]
    assert len(set(names)) == len(names), names
    for p, name in zip(started, names):
        assert pid_file(world, name) == p.pid
        p.kill()
    for p, name in zip(started, names):
        p.wait()
        assert pid_file(world, name) is None


@test
def a_pty_command_that_will_not_end_is_killed(world):
    a = world.slirppd("nodetach", "persist", "maxfail", "0", "pty", "trap '' TERM HUP; exec <&- >&-; sleep 60")
    wait_for(lambda: children(a.pid), "the command")
    first = children(a.pid)[0]
    a.wait_log(r"^Modem hangup")
    wait_for(lambda: first not in children(a.pid), "the first command's end")
    a.wait_log(r"^Connect: ", 2)
    assert len(children(a.pid)) <= 1, children(a.pid)
    a.kill()
    a.wait()


@test
def a_script_finds_the_same_folder_each_time(world):
    master, path = world.pty()
    folders = os.path.join(world.folder, "folders")
    name = f"folder{os.getpid()}"
    end_in_background(world, name)
    a = world.slirppd(path, "local", "persist", "holdoff", "1", "connect", f"pwd >>{folders}; exit 1", "linkname", name,
                      cwd=world.folder)
    assert a.wait() == 0, a.log()
    text = wait_for(lambda: os.path.exists(folders) and open(folders).read().count("\n") >= 2 and open(folders).read(), "two tries")
    assert set(text.split()) == {"/"}, text


main()
