#!/usr/bin/env python3
"""The control socket and the metrics port: every page of doc/control.md, who may ask, and what changes do."""

import http.client
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys

from harness import PATIENCE, PROGRAM, WRAPPER, Skip, echo, free_port, main, need, receive, talks, test, wait_for

JSON = "application/json"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def ask(where, method, path, body=None, **headers):
    """WHERE is a socket's path or a port of 127.0.0.1. A change has its Content-Type, unless headers say otherwise."""
    connection = UnixConnection(where) if isinstance(where, str) else http.client.HTTPConnection("127.0.0.1", where, timeout=PATIENCE)
    headers = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    if method in ("POST", "DELETE"):
        headers.setdefault("Content-Type", JSON)
    try:
        connection.request(method, path, None if body is None else body if isinstance(body, bytes) else json.dumps(body), headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def state(where):
    answer = ask(where, "GET", "/state")
    assert answer.status == 200, answer.body
    return answer.json()


def change(where, method, path, spec=None):
    answer = ask(where, method, path, None if spec is None else {"spec": spec})
    assert answer.status == 200 and answer.json()["ok"] is True, answer.body
    return answer.json()


def wait_state(where, wanted):
    return wait_for(lambda: (s := state(where))["link"]["state"] == wanted and s, f"the state {wanted}")


def specs(where, kind):
    return [door["spec"] for door in state(where)[kind]]


def controlled_pair(world, a_words=(), b_words=()):
    """Two slirppd's, the first with a control socket and a metrics port: those, and the processes."""
    path, port = os.path.join(world.folder, "control"), free_port()
    a, b = world.pair(["control", path, "metrics", port, *a_words], list(b_words))
    b.wait_up()
    wait_state(path, "up")
    return path, port, a, b


def redialling(world, *words):
    """One slirppd whose line is a program that it can start anew."""
    path = os.path.join(world.folder, "control")
    far = shlex.join([PROGRAM, "notty", "nodetach", "nolog"])
    process = world.slirppd("nodetach", "persist", "holdoff", 1, "connect-delay", 100, "control", path, *words, "pty", "exec " + far)
    wait_for(lambda: os.path.exists(path) or process.process.poll() is not None, "the control socket")
    wait_state(path, "up")
    return path, process


@test
def pages_that_tell(world):
    path, port, a, b = controlled_pair(world, ["service", "22,name=SSH"])
    for where in (path, port):
        page = ask(where, "GET", "/?a=b")
        assert page.status == 200 and page.headers["Content-Type"].startswith("text/html"), page.headers
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Cache-Control"] == "no-store"
        s = state(where)
        assert s["control"] is (where == path) and s["pid"] == a.pid or "SLIRPPD_WRAPPER" in os.environ
        assert {s["link"]["local"], s["link"]["remote"]} == {"10.0.2.2", "10.0.2.15"}, s["link"]
        assert s["link"]["negotiated"]["ours"]["mru"] == 1500
        assert [h["state"] for h in s["history"]][-1] == "up" and s["log"]
        assert s["services"][0]["spec"].startswith("22") and s["services"][0]["name"] == "SSH"
        health = ask(where, "GET", "/health")
        assert (health.status, health.json()) == (200, {"state": "up"})
        head = ask(where, "HEAD", "/state")
        assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 100
        metrics = ask(where, "GET", "/metrics")
        assert metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"\nslirppd_up 1\n" in metrics.body


@test
def the_documented_table_is_the_truth(world):
    """Each row is asked for on both; the names in the example of /state are all there, and no others."""
    path, port, a, b = controlled_pair(world, ["persist"])
    text = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "control.md")).read()
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) >= 9, rows
    for request, where in rows:
        method, page = request.split("`")[1].split()
        if page in ("/hangup", "/redial", "/reload"):
            continue
        answers = {who: ask(who, method, page.replace("ID", "4711"), {"spec": "?"} if method == "POST" else None) for who in (path, port)}
        both = where.strip() == "both"
        assert answers[path].status == (200 if both else 404 if "ID" in page else 400), (request, answers[path].body)
        assert answers[port].status == (200 if both else 403), (request, answers[port].body)
    documented = json.loads(text.split("```json")[1].split("```")[0].replace('"…": "as above"', '"x": 0'))
    told = state(path)
    assert set(documented) == set(told), set(documented) ^ set(told)
    for part in ("line", "link", "traffic", "rates", "refused", "dropped"):
        assert set(documented[part]) == set(told[part]), set(documented[part]) ^ set(told[part])


@test
def errors_are_json_and_say_why(world):
    path, port, a, b = controlled_pair(world)
    for who, method, page, body, headers, status in (
            (path, "GET", "/nothing", None, {}, 404),
            (path, "GET", "/forwards", None, {}, 405),
            (path, "POST", "/state", {}, {}, 405),
            (path, "POST", "/forwards", {"spec": "8080:80"}, {"Content_Type": "text/plain"}, 415),
            (path, "POST", "/hangup", None, {"Content_Type": "application/x-www-form-urlencoded"}, 415),
            (path, "POST", "/forwards", b"{", {}, 400),
            (path, "POST", "/forwards", b'{"spec": "\xff"}', {}, 400),
            (path, "POST", "/forwards", {"spec": "8080:80", "more": 1}, {}, 400),
            (path, "POST", "/forwards", {"spec": "no:forward:at:all:here"}, {}, 400),
            (path, "POST", "/forwards", {"spec": "x" * 5000}, {}, 413),
            (path, "DELETE", "/forwards", {"spec": "8080:80"}, {}, 400),
            (path, "DELETE", "/services", {"spec": "22"}, {}, 400),
            (path, "DELETE", "/flows/x", None, {}, 404),
            (port, "POST", "/hangup", None, {}, 403),
            (port, "GET", "/state", None, {"Host": "evil.example"}, 403),
            (port, "GET", "/", None, {"Host": "evil.example:80"}, 403),
            (port, "GET", "/metrics", None, {"Host": "evil.example"}, 200),
            (port, "GET", "/state", None, {"Host": "localhost:8080"}, 200),
            (port, "GET", "/state", None, {"Host": "[::1]"}, 200)):
        answer = ask(who, method, page, body, **headers)
        assert answer.status == status, (method, page, headers, answer.status, answer.body)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert status == 200 or isinstance(answer.json()["error"], str)
    assert ask(path, "GET", "/forwards").headers["Allow"] == "POST, DELETE"
    assert state(path)["link"]["state"] == "up"


@test
def promtool_likes_the_metrics(world):
    promtool = need("promtool")
    path, port, a, b = controlled_pair(world, ["service", "22,name=S\\\"H", "forward", f"{free_port()}:7", "socks", free_port(),
                                               "capture", os.path.join(world.folder, "capture.pcapng")])
    metrics = ask(port, "GET", "/metrics").body
    assert b"\nslirppd_capture_lost_total 0\n" in metrics
    checked = subprocess.run([promtool, "check", "metrics"], input=metrics, capture_output=True)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


@test
def health_follows_the_link(world):
    path, port = os.path.join(world.folder, "control"), free_port()
    left, right = world.socketpair()
    a = world.slirppd("notty", "control", path, "metrics", port, stdin=left, stdout=left)
    wait_for(lambda: answers(path) == 503, "the first answer")
    health = ask(port, "GET", "/health")
    assert health.status == 503 and health.json()["state"] in ("opening", "negotiating"), health.body
    assert state(path)["link"]["negotiated"] is None
    world.slirppd("notty", stdin=right, stdout=right)
    wait_for(lambda: ask(port, "GET", "/health").status == 200, "health")


@test
def the_socket_is_its_owners_alone(world):
    path, port, a, b = controlled_pair(world)
    mode = os.lstat(path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
    if os.geteuid() != 0:
        raise Skip("only root can be another user, too")
    code = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            "s.sendall(b'POST /hangup HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\nContent-Length: 0\\r\\n\\r\\n'); "
            "print(s.recv(12).decode())")
    nobody = [need("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c", code, path]
    assert subprocess.run(nobody, capture_output=True).returncode != 0
    os.chmod(path, 0o666)
    answer = subprocess.run(nobody, capture_output=True, text=True)
    assert answer.stdout.strip() == "HTTP/1.1 403", answer
    assert state(path)["link"]["state"] == "up"


@test
def a_dead_processs_socket_is_replaced_and_no_other(world):
    path = os.path.join(world.folder, "control")
    line, far = world.socketpair()
    dead = world.slirppd("notty", "control", path, stdin=line, stdout=line)
    wait_for(lambda: answers(path), "the control socket")
    code, output = world.run("notty", "control", path, "nolog", stdin=far, stdout=far)
    assert code == 1 and ask(path, "GET", "/health").status == 503, (code, output)
    dead.kill(signal.SIGKILL)
    dead.wait()
    assert os.path.exists(path)
    line, far = world.socketpair()
    heir = world.slirppd("notty", "control", path, stdin=line, stdout=line)
    wait_for(lambda: answers(path), "the heir's answer")
    assert os.listdir(world.folder).count("control") == 1 and not [f for f in os.listdir(world.folder) if f.startswith("control.")]
    heir.end()
    assert not os.path.exists(path)


def answers(path):
    try:
        return ask(path, "GET", "/health").status
    except OSError:
        return False


@test
def a_file_that_is_no_socket_is_left_alone(world):
    path = os.path.join(world.folder, "precious")
    with open(path, "w") as f:
        f.write("precious")
    line, far = world.socketpair()
    process = world.slirppd("notty", "control", path, stdin=line, stdout=line)
    assert process.wait() == 1
    assert "Couldn't open the control socket" in process.log() and "no socket" in process.log()
    assert open(path).read() == "precious"


@test
def a_socket_that_is_another_ones_stays_at_the_end(world):
    path = os.path.join(world.folder, "control")
    line, far = world.socketpair()
    process = world.slirppd("notty", "control", path, stdin=line, stdout=line)
    wait_for(lambda: os.path.exists(path), "the control socket")
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        process.end()
        assert os.path.exists(path)


@test
def a_path_that_is_too_long_is_an_error(world):
    line, far = world.socketpair()
    process = world.slirppd("notty", "control", os.path.join(world.folder, "x" * 120), stdin=line, stdout=line)
    assert process.wait() in (1, 2)
    assert "longer than" in process.log() + process.output()


@test
def a_port_that_is_taken_is_an_error(world):
    port = world.serve(echo)
    line, far = world.socketpair()
    process = world.slirppd("notty", "metrics", port, stdin=line, stdout=line)
    assert process.wait() == 1
    assert any("listen" in line and str(port) in line for line in process.log().splitlines()), process.log()


@test
def a_forward_is_added_used_and_removed(world):
    server = world.serve(echo)
    path, port, a, b = controlled_pair(world, b_words=["service", f"7:127.0.0.1:{server}"])
    local = free_port()
    change(path, "POST", "/forwards", f"{local}:7")
    s = world.connect(local)
    s.sendall(b"hello")
    assert receive(s, 5) == b"hello"
    door = state(path)["forwards"][0]
    assert door["spec"].endswith(f"{local}:7") and door["flows"] == 1 and door["opened"] == 1, door
    assert door["bytes_in"] > 5 and door["bytes_out"] > 5
    again = ask(path, "POST", "/forwards", {"spec": f"{local}:7"})
    assert again.status == 400, again.body
    change(path, "DELETE", "/forwards", f"{local}:7")
    assert specs(path, "forwards") == []
    try:
        socket.create_connection(("127.0.0.1", local), PATIENCE).close()
        raise AssertionError("the forward is still there")
    except ConnectionRefusedError:
        pass


@test
def a_forward_that_cannot_be_bound_changes_nothing(world):
    taken = world.serve(echo)
    path, port, a, b = controlled_pair(world)
    answer = ask(path, "POST", "/forwards", {"spec": f"{taken}:7"})
    assert answer.status == 400 and str(taken) in answer.json()["error"], answer.body
    assert specs(path, "forwards") == []


@test
def a_service_is_added_used_and_removed(world):
    server = world.serve(echo)
    local = free_port()
    path, port, a, b = controlled_pair(world, b_words=["forward", f"{local}:7"])
    assert not talks(local)
    change(path, "POST", "/services", f"7:127.0.0.1:{server},name=Echo")
    assert talks(local)
    assert state(path)["services"][0]["name"] == "Echo"
    change(path, "DELETE", "/services", f"7:127.0.0.1:{server},name=Echo")
    assert specs(path, "services") == []
    assert not talks(local)


@test
def a_flow_is_dropped(world):
    server = world.serve(echo)
    local = free_port()
    path, port, a, b = controlled_pair(world, ["service", f"7:127.0.0.1:{server}"], ["forward", f"{local}:7"])
    s = world.connect(local)
    s.sendall(b"hello")
    assert receive(s, 5) == b"hello"
    flow = next(f for f in state(path)["flows"] if f["kind"] == "service")
    assert flow["protocol"] == "tcp" and flow["state"] == "open" and flow["real"] == f"127.0.0.1:{server}", flow
    assert ask(path, "DELETE", f"/flows/{flow['id'] + 1000}").status == 404
    change(path, "DELETE", f"/flows/{flow['id']}")
    try:
        assert s.recv(1) == b""
    except ConnectionResetError:
        pass
    wait_for(lambda: flow["id"] not in [f["id"] for f in state(path)["flows"] if f["state"] == "open"], "the flow's end")


@test
def hangup_stays_down_until_redial(world):
    path, process = redialling(world)
    change(path, "POST", "/hangup")
    down = wait_state(path, "idle")
    assert ask(path, "GET", "/health").status == 503 and down["link"]["local"] is None
    change(path, "POST", "/redial")
    up = wait_state(path, "up")
    assert up["link"]["attempts"] == down["link"]["attempts"] + 1
    states = [h["state"] for h in up["history"]]
    # When IPv6 was first, IPv4's addresses are told as one more `up`.
    changes = [state for state, before in zip(states, [None, *states]) if state != before]
    assert changes.count("up") == 2 and "idle" in changes, states


@test
def hangup_without_persist_is_the_end_and_is_answered(world):
    path, port, a, b = controlled_pair(world)
    change(path, "POST", "/hangup")
    assert a.wait() == 5
    assert not os.path.exists(path)


@test
def redial_tries_anew_at_once(world):
    path, process = redialling(world)
    before = state(path)["link"]["attempts"]
    change(path, "POST", "/redial")
    wait_for(lambda: (s := state(path)["link"])["attempts"] == before + 1 and s["state"] == "up", "the next connection")


@test
def reload_reads_the_options_file_again(world):
    server = world.serve(echo)
    local, options = free_port(), os.path.join(world.folder, "options")
    with open(options, "w") as f:
        f.write("service 9\n")
    path, port, a, b = controlled_pair(world, ["file", options], ["forward", f"{local}:7"])
    assert specs(path, "services") == ["9"] and not talks(local)
    with open(options, "w") as f:
        f.write(f"service 7:127.0.0.1:{server}\nmru 1400\n")
    change(path, "POST", "/reload")
    assert len(specs(path, "services")) == 1 and talks(local)
    with open(options, "w") as f:
        f.write("no-such-option\n")
    answer = ask(path, "POST", "/reload")
    assert answer.status == 400 and "no-such-option" in answer.json()["error"], answer.body
    assert talks(local)


@test
def reload_refuses_what_only_prints_or_waits(world):
    """Standard output may be the line; a FIFO would be waited for."""
    options = os.path.join(world.folder, "options")
    with open(options, "w") as f:
        f.write("service 9\n")
    path, port, a, b = controlled_pair(world, ["file", options])
    for text in ("--help", "--version", "show-options"):
        with open(options, "w") as f:
            f.write(text + "\n")
        answer = ask(path, "POST", "/reload")
        assert answer.status == 400 and text in answer.json()["error"], answer.body
    os.unlink(options)
    os.mkfifo(options)
    answer = ask(path, "POST", "/reload")
    assert answer.status == 400 and "not a regular file" in answer.json()["error"], answer.body
    assert state(path)["link"]["state"] == "up" and specs(path, "services") == ["9"]
    assert a.end() == 5 and a.output() == ""


@test
def in_the_background_all_works_and_reloads_leave_nothing_behind(world):
    """With relative paths, after the fork; a thousand reloads, and configurations that are taken by redialling."""
    with open(os.path.join(world.folder, "options"), "w") as f:
        f.write("service 9\n")
    port, path = free_port(), os.path.join(world.folder, "ctl")
    far = shlex.join([PROGRAM, "notty", "nodetach", "nolog"])
    a = world.slirppd("control", "ctl", "metrics", port, "capture", "all.pcapng", "file", "options", "persist", "holdoff", 1, "connect-delay",
                      100, "pty", "exec " + far, cwd=world.folder)
    assert a.wait() == 0
    pid = wait_state(path, "up")["pid"]
    world.stack.callback(end, pid)
    assert ask(port, "GET", "/health").status == 200
    with open(os.path.join(world.folder, "options"), "w") as f:
        f.write("service 10\n")
    change(path, "POST", "/reload")
    assert specs(path, "services") == ["10"]
    for _ in range(3):
        before = state(path)["link"]["attempts"]
        change(path, "POST", "/redial")
        wait_for(lambda: (s := state(path)["link"])["attempts"] > before and s["state"] == "up", "the next connection")
        change(path, "POST", "/reload")
    for _ in range(200):
        change(path, "POST", "/reload")
    memory, files = resident(pid), len(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(1000):
        change(path, "POST", "/reload")
    assert resident(pid) < memory + 500 or keeps_what_is_freed(pid), (memory, resident(pid))
    wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= files, "the last connection's end")
    assert os.path.getsize(os.path.join(world.folder, "all.pcapng")) > 200


def keeps_what_is_freed(pid):
    """As AddressSanitizer and valgrind do, for a while."""
    with open(f"/proc/{pid}/maps") as f:
        return WRAPPER or "libasan" in f.read()


def resident(pid):
    """Kilobytes."""
    with open(f"/proc/{pid}/status") as f:
        return int(next(line.split()[1] for line in f if line.startswith("VmRSS:")))


def end(pid):
    try:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the end of what went to the background")
    except ProcessLookupError:
        pass


@test
def how_the_last_try_ended_is_told_between_tries(world):
    path, process = redialling(world)
    up = state(path)
    assert up["link"]["status_text"] is None, up["link"]
    change(path, "POST", "/hangup")
    down = wait_state(path, "idle")
    assert down["link"]["status"] == 5 and down["history"][-1]["text"] == down["link"]["status_text"], down["link"]
    assert "peer closed" not in json.dumps([h["text"] for h in down["history"]])


@test
def signals_while_hung_up(world):
    """SIGHUP begins anew, SIGTERM ends."""
    path, process = redialling(world)
    change(path, "POST", "/hangup")
    wait_state(path, "idle")
    change(path, "POST", "/hangup")
    process.kill(signal.SIGHUP)
    wait_state(path, "up")
    change(path, "POST", "/hangup")
    wait_state(path, "idle")
    assert process.end() == 5


@test
def hanging_up_while_a_device_is_waited_for(world):
    path = os.path.join(world.folder, "control")
    process = world.slirppd(os.path.join(world.folder, "tty"), "nodetach", "persist", "control", path)
    process.wait_log("Waiting for ")
    change(path, "POST", "/hangup")
    assert wait_state(path, "idle")["link"]["attempts"] == 1
    change(path, "POST", "/redial")
    assert wait_state(path, "opening")["link"]["attempts"] == 2
    assert process.end() == 5


@test
def slow_and_many_clients_keep_nobody_else_waiting(world):
    path, port, a, b = controlled_pair(world)
    slow = [world.connect(port) for _ in range(32)]
    for s in slow:
        s.sendall(b"GET /state HTT")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as refused:
        refused.settimeout(PATIENCE)
        try:
            assert refused.recv(1) == b""
        except ConnectionResetError:
            pass
    assert state(path)["link"]["state"] == "up"
    for s in slow:
        s.close()
    wait_for(lambda: answers_on(port), "a free place")


def answers_on(port):
    try:
        return ask(port, "GET", "/health").status == 200
    except (OSError, http.client.HTTPException):
        return False


main()
