#!/usr/bin/env python3
"""slirpctl against a slirppd: what it shows, what it changes, and what it says when it cannot."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import time

from harness import PATIENCE, PROGRAM, WRAPPER, Skip, echo, free_port, main, receive, test, wait_for

SLIRPCTL = os.environ.get("SLIRPCTL", os.path.join(os.path.dirname(PROGRAM), "slirpctl"))


def ctl(*words, **env):
    """Exit code, standard output and standard error of one slirpctl."""
    if not os.access(SLIRPCTL, os.X_OK):
        raise Skip("there is no slirpctl beside slirppd: set SLIRPCTL to its path")
    done = subprocess.run(WRAPPER + [SLIRPCTL, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, **env))
    return done.returncode, done.stdout, done.stderr


def linked(world, *words, other=()):
    """Two slirppd's with a link that is up; the path of the first one's control socket."""
    path = os.path.join(world.folder, "control.sock")
    a, b = world.pair(["control", path, *words], list(other))
    a.wait_up()
    b.wait_up()
    return path


def state_of(path):
    code, out, err = ctl("-s", path, "--json", "status")
    assert code == 0, err
    return json.loads(out)


@test
def status_says_that_the_link_is_up(world):
    path = linked(world)
    code, out, err = ctl("-s", path, "status")
    assert code == 0 and out.startswith("up "), (out, err)
    assert "10.0.2." in out and "\033" not in out, out
    assert ctl("-s", path, "health")[:2] == (0, "up\n")
    state = state_of(path)
    assert state["link"]["state"] == "up" and state["control"] is True, state
    code, out, err = ctl("-s", path, "metrics")
    assert code == 0 and "slirppd_up 1" in out, (out, err)
    assert " up " in ctl("-s", path, "history")[1]
    code, out, err = ctl("-s", path, "log", "-n", "1")
    assert code == 0 and out.count("\n") == 1, (out, err)


@test
def a_forward_is_added_and_removed(world):
    server, port = world.serve(echo), free_port()
    path = linked(world, other=["service", f"7:127.0.0.1:{server}"])
    spec = f"{port}:7"
    assert ctl("-s", path, "forward", "add", spec) == (0, "added\n", "")
    assert spec in ctl("-s", path, "forwards")[1]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as s:
        s.sendall(b"hello")
        assert receive(s, 5) == b"hello"
        flows = json.loads(ctl("-s", path, "flows", "--json")[1])
        mine = [f for f in flows if f["kind"] == "forward"]
        assert len(mine) == 1, flows
        assert ctl("-s", path, "drop", mine[0]["id"])[0] == 0
        with contextlib.suppress(ConnectionError):
            assert s.recv(1) == b""
    code, _, err = ctl("-s", path, "drop", mine[0]["id"])
    assert code == 1 and err.startswith("slirpctl: "), err
    assert ctl("-s", path, "forward", "remove", spec)[0] == 0
    assert spec not in ctl("-s", path, "forwards")[1]
    code, _, err = ctl("-s", path, "forward", "remove", spec)
    assert code == 1 and err.count("\n") == 1, err
    code, _, err = ctl("-s", path, "forward", "add", "nonsense")
    assert code == 1 and err.count("\n") == 1, err


@test
def a_service_is_added(world):
    server, port = world.serve(echo), free_port()
    path = linked(world, other=["forward", f"{port}:7"])
    assert ctl("-s", path, "service", "add", f"7:127.0.0.1:{server}")[0] == 0
    with world.connect(port) as s:
        s.sendall(b"hello")
        assert receive(s, 5) == b"hello"
    assert f":{server}" in ctl("-s", path, "services")[1]


@test
def hanging_up_and_redialling(world):
    path = os.path.join(world.folder, "control.sock")
    master, device = world.pty()
    a = world.slirppd(device, "nodetach", "local", "persist", "maxfail", "0", "holdoff", "0", "control", path, name="a")
    b = world.slirppd("notty", "persist", "maxfail", "0", "holdoff", "0", name="b", stdin=master, stdout=master)
    a.wait_up()
    assert ctl("-s", path, "hangup") == (0, "hung up\n", "")
    wait_for(lambda: state_of(path)["link"]["state"] == "idle", "the link to be down")
    assert ctl("-s", path, "health")[:2] == (1, "idle\n")
    if b.process.poll() is not None:
        world.slirppd("notty", "persist", "maxfail", "0", "holdoff", "0", name="c", stdin=master, stdout=master)
    assert ctl("-s", path, "redial") == (0, "redialling\n", "")
    wait_for(lambda: state_of(path)["link"]["state"] == "up", "the link to be up again")


@test
def over_tcp_one_may_look_and_change_nothing(world):
    port = free_port()
    linked(world, "metrics", port)
    url = f"http://127.0.0.1:{port}"
    assert ctl("--url", url, "health")[:2] == (0, "up\n")
    code, _, err = ctl("--url", url, "hangup")
    assert code == 1 and err.count("\n") == 1, err


@test
def what_is_wrong_is_said_in_a_line(world):
    where = os.path.join(world.folder, "slirppd")
    os.mkdir(where)
    for words, code, part in ((["status"], 3, "control PATH"), (["-s", "/nowhere/x.sock", "status"], 3, "control /nowhere/x.sock"),
                              (["frobnicate"], 2, "help"), (["drop"], 2, "drop ID"), (["-s", "/nowhere", "drop", "x"], 2, "flows"), ([], 2, "help")):
        if words == ["status"] and os.path.isdir("/run/slirppd"):
            continue
        done, _, err = ctl(*words, XDG_RUNTIME_DIR=world.folder, SLIRPPD_CONTROL="")
        assert done == code and part in err and err.count("\n") == 1, (words, done, err)


@test
def the_only_socket_is_found(world):
    if os.path.isdir("/run/slirppd"):
        raise Skip("there is a /run/slirppd here")
    where = os.path.join(world.folder, "slirppd")
    os.mkdir(where)
    paths = [os.path.join(where, name + ".sock") for name in ("one", "two")]
    _, two = [world.slirppd(world.pty()[1], "nodetach", "local", "passive", "control", path) for path in paths]
    wait_for(lambda: all(map(os.path.exists, paths)), "two sockets")
    code, _, err = ctl("status", XDG_RUNTIME_DIR=world.folder, SLIRPPD_CONTROL="")
    assert code == 3 and "one.sock" in err and "two.sock" in err, err
    two.end()
    wait_for(lambda: not os.path.exists(paths[1]), "a socket to go")
    assert ctl("status", XDG_RUNTIME_DIR=world.folder, SLIRPPD_CONTROL="")[0] == 0


@test
def watch_draws_in_place_and_leaves_cleanly(world):
    path = linked(world)
    ctl("--version")
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(SLIRPCTL, [SLIRPCTL, "-s", path, "watch"])
    world.stack.callback(os.close, fd)
    seen = b""
    while seen.count(b"\033[H") < 2:
        seen += os.read(fd, 65536)
    os.write(fd, b"\003")
    with contextlib.suppress(OSError):
        while data := os.read(fd, 65536):
            seen += data
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert seen.endswith(b"\033[?25h\033[?1049l") and b"10.0.2." in seen, seen[-200:]


@test
def the_log_as_json(world):
    """What stays is an entry a line; what ends is a list."""
    path = linked(world)
    code, out, err = ctl("-s", path, "log", "-n", "2", "--json")
    assert code == 0 and len(json.loads(out)) == 2, (out, err)
    process = subprocess.Popen([SLIRPCTL, "-s", path, "log", "-n", "2", "-f", "--json"], stdout=subprocess.PIPE, text=True)
    world.stack.callback(process.stdout.close)
    world.stack.callback(process.wait)
    world.stack.callback(process.kill)
    entries = [json.loads(process.stdout.readline()) for _ in range(2)]
    ctl("-s", path, "redial")
    entries.append(json.loads(process.stdout.readline()))
    assert all(set(entry) == {"time", "level", "text"} for entry in entries), entries


@test
def a_server_that_trickles_is_left(world):
    """A byte now and then is no answer."""
    def trickle(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: y\r\n")
            time.sleep(0.2)

    code, _, err = ctl("--url", f"http://127.0.0.1:{world.serve(trickle)}", "status")
    assert code == 3 and "ten seconds" in err, (code, err)


@test
def figures_of_a_strange_server_are_bounded(world):
    evil = "\033[2J\033]0;evil\007\u202eabc\n"
    state = {"interface": evil, "uptime": -1e308, "pid": 1e308, "link": {"state": evil, "since": 1e308, "mtu": 1e308, "status_text": evil},
             "line": {"name": evil, "rate": 1e308}, "history": [{"time": 1e308, "state": evil, "text": evil}], "rates": {"in": [1e308]},
             "flows": [{"id": 1e308, "kind": evil}, None, 5], "flows_total": 1e308, "log": [{"time": -1e308, "level": evil, "text": evil}, 3]}
    body = json.dumps(state).encode()

    def answer(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    url = f"http://127.0.0.1:{world.serve(answer)}"
    for command in ("status", "flows", "services", "forwards", "log", "history"):
        code, out, err = ctl("--url", url, command)
        assert code == 0 and "\033" not in out and "\u202e" not in out and max(map(len, out.splitlines())) < 300, (command, out, err)


@test
def following_the_log_goes_on(world):
    path = linked(world)
    ctl("--version")
    process = subprocess.Popen([SLIRPCTL, "-s", path, "log", "-n", "1", "-f"], stdout=subprocess.PIPE, text=True)
    world.stack.callback(process.stdout.close)
    world.stack.callback(process.wait)
    world.stack.callback(process.kill)
    process.stdout.readline()
    ctl("-s", path, "redial")
    lines = [process.stdout.readline().strip() for _ in range(4)]
    assert len(set(lines)) == 4, lines
    process.send_signal(signal.SIGTERM)


main()
