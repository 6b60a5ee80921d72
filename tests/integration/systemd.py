#!/usr/bin/env python3
"""Under systemd: the units, as systemd itself judges them, and the conversation with the service manager (sd_notify(3))."""

import os
import re
import select
import shutil
import socket
import subprocess
import time

from harness import PATIENCE, WRAPPER, Skip, echo, free_port, main, need, receive, test, wait_for

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
GENERAL = os.path.join(TOP, "contrib", "systemd", "slirppd@.service.in")
PIKVM = os.path.join(TOP, "contrib", "pikvm", "kvmd-slirppd.service")
EXPOSURE = 2.0


def unit_text(path, bindir="/bin"):
    with open(path) as f:
        text = f.read()
    return text.replace("@bindir@", bindir).replace("@serial_group@", "root").replace("/usr/bin/", bindir + "/")


def put_unit(world, path, name, **how):
    place = os.path.join(world.folder, name)
    with open(place, "w") as f:
        f.write(unit_text(path, **how))
    return place


def analyze(*words):
    run = subprocess.run([need("systemd-analyze"), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, env=dict(os.environ, LC_ALL="C"))
    return run.returncode, run.stdout


def exposure(world, path, name):
    code, text = analyze("security", "--offline=true", "--no-pager", put_unit(world, path, name))
    if "unrecognized option" in text:
        raise Skip("this systemd-analyze is too old to look at a unit's file")
    assert code == 0, text
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))


@test
def the_exposure_of_the_general_unit_is_below_two(world):
    level = exposure(world, GENERAL, "slirppd@ttyUSB0.service")
    print(f"# exposure of slirppd@.service: {level}")
    assert level < EXPOSURE


@test
def the_exposure_of_the_pikvm_unit_is_below_two(world):
    level = exposure(world, PIKVM, "kvmd-slirppd.service")
    print(f"# exposure of kvmd-slirppd.service: {level}")
    assert level < EXPOSURE


@test
def systemd_finds_nothing_wrong_with_the_units(world):
    """Manuals need not be installed here, nor PiKVM's user be there; everything else that it says is a defect."""
    programs = os.path.join(world.folder, "bin")
    os.mkdir(programs)
    for name in ("slirppd", "slirpctl"):
        os.symlink(shutil.which("true"), os.path.join(programs, name))
    units = [put_unit(world, GENERAL, "slirppd@.service", bindir=programs), put_unit(world, PIKVM, "kvmd-slirppd.service", bindir=programs)]
    code, text = analyze("verify", "--man=no", *units)
    said = [line for line in text.splitlines() if any(name in line for name in ("slirppd", "Unknown", "Failed"))]
    assert code == 0 and not said, text


def members(group):
    """The system calls of one of systemd's groups."""
    code, text = analyze("syscall-filter", group)
    assert code == 0, text
    found = set()
    for word in (line.strip() for line in text.splitlines()[1:]):
        if word.startswith("@"):
            found |= members(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed_calls(path):
    calls = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", unit_text(path), re.M):
        for group in words.lstrip("~").split():
            calls = calls - members(group) if words.startswith("~") else calls | members(group)
    return calls


@test
def every_system_call_of_a_link_is_allowed_by_the_units(world):
    """With a connect script, a service, the control socket, the status page, and a name to resolve."""
    if WRAPPER or "ASAN_OPTIONS" in os.environ:
        raise Skip("a checker makes system calls of its own, and cannot be traced")
    strace, trace = need("strace"), os.path.join(world.folder, "trace")
    server, port, metrics = world.serve(echo), free_port(), free_port()
    device = {"wrapper": [strace, "-f", "-qq", "-o", trace]}
    a, b = world.pair(["connect", "echo ready >/dev/null; test -e / && ls / >/dev/null", "service", f"7:localhost:{server}",
                       "control", os.path.join(world.folder, "a.sock"), "metrics", str(metrics)],
                      ["forward", f"{port}:7"], a_how=device, line="pty")
    b.wait_up()
    connection = world.connect(port)
    connection.sendall(b"hello")
    assert receive(connection, 5) == b"hello"
    page = world.connect(metrics)
    page.sendall(b"GET /state HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert b" 200 " in receive(page, 20)
    b.end()
    a.end()
    with open(trace) as f:
        calls = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", f.read(), re.M))
    assert {"execve", "socket", "ioctl"} <= calls, calls
    for path in (GENERAL, PIKVM):
        refused = calls - allowed_calls(path)
        assert not refused, f"{os.path.basename(path)} refuses {sorted(refused)}"


class Manager:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, world):
        self.path = os.path.join(world.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        world.stack.callback(self.socket.close)
        self.socket.bind(self.path)
        self.heard = []

    def env(self, **more):
        return {"env": {"NOTIFY_SOCKET": self.path, **more}}

    def listen(self, seconds):
        """What comes within so many seconds, with its time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([self.socket], [], [], left)[0]:
            self.heard.append((time.monotonic(), self.socket.recv(4096).decode()))

    def wait(self, pattern):
        def there():
            self.listen(0.05)
            return [m for _, m in self.heard if re.fullmatch(pattern, m)]

        return wait_for(there, f"{pattern!r}, heard was {[m for _, m in self.heard]}")

    def times(self, message):
        return [when for when, what in self.heard if what == message]


@test
def ready_is_said_at_once_without_a_peer(world):
    manager = Manager(world)
    _, path = world.pty()
    world.slirppd(path, "nodetach", "local", "persist", "maxfail", "0", **manager.env())
    manager.wait("READY=1")


@test
def ready_is_said_without_a_device(world):
    manager = Manager(world)
    world.slirppd("/dev/ttyNOSUCH0", "nodetach", "persist", "maxfail", "0", **manager.env())
    manager.wait("READY=1")


@test
def with_up_sdnotify_ready_waits_for_the_link(world):
    manager = Manager(world)
    _, path = world.pty()
    world.slirppd(path, "up_sdnotify", "local", "persist", "maxfail", "0", **manager.env())
    manager.listen(1)
    assert not manager.times("READY=1"), manager.heard


@test
def each_state_is_told_and_the_end(world):
    manager = Manager(world)
    a, b = world.pair(["nodetach", "10.0.2.2:10.0.2.15"], [], a_how=manager.env())
    manager.wait(r"STATUS=up: 10\.0\.2\.2 <-> 10\.0\.2\.15 on .*")
    manager.wait("STATUS=negotiating: .*")
    a.end()
    manager.wait("STOPPING=1")


@test
def an_abstract_socket_does_as_well(world):
    name = f"slirppd-test-{os.getpid()}-{free_port()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("\0" + name)
        s.settimeout(PATIENCE)
        world.pair(["nodetach"], [], a_how={"env": {"NOTIFY_SOCKET": "@" + name}})
        assert s.recv(100) == b"READY=1"


@test
def the_watchdog_is_fed_twice_in_its_time(world):
    manager = Manager(world)
    limit = 0.4 * (10 if WRAPPER else 1)
    world.pair(["nodetach"], [], a_how={**manager.env(WATCHDOG_USEC=str(int(limit * 1e6))),
                                        "wrapper": ["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"]})
    wait_for(lambda: manager.listen(0.05) or len(manager.times("WATCHDOG=1")) >= 6, "six times WATCHDOG=1")
    times = manager.times("WATCHDOG=1")
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert max(gaps) < limit and sum(gaps) / len(gaps) > limit / 2 * 0.8, gaps


@test
def the_watchdog_of_another_process_is_left_alone(world):
    for env in ({"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "never"}, {"WATCHDOG_USEC": "0"}):
        manager = Manager(world)
        a, b = world.pair(["nodetach"], [], a_how=manager.env(**env))
        manager.wait("STATUS=up: .*")
        manager.listen(0.3)
        assert not manager.times("WATCHDOG=1"), manager.heard
        a.end()
        os.unlink(manager.path)


@test
def scripts_are_not_to_speak_for_us(world):
    manager = Manager(world)
    _, path = world.pty()
    seen = os.path.join(world.folder, "environment")
    world.slirppd(path, "nodetach", "local", "connect", f"env >{seen}.new; mv {seen}.new {seen}", **manager.env(WATCHDOG_USEC="60000000"))
    wait_for(lambda: os.path.exists(seen), "the script")
    with open(seen) as f:
        text = f.read()
    assert "PATH=" in text and "NOTIFY_SOCKET" not in text and "WATCHDOG" not in text, text


if __name__ == "__main__":
    main()
