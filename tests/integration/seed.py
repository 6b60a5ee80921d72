#!/usr/bin/env python3
"""PyLiRP's document for the PiKVM, walked from top to bottom: what it promises is done here, with its own commands and configuration.

Devices and ports are this machine's: a pty for the cable, free ports for 22, 80, 2222 and 8080. What only a PiKVM's file system can show
(installation, the unit, the gadget in kvmd's override, the tile) is in pikvm.py; running without rights on a read-only disk in rights.py.
"""

import json
import os
import pwd
import re
import socket
import subprocess
import termios
import threading
import tty
import urllib.request

from harness import Skip, data_of, digest, echo, free_port, main, need, receive, receive_all, test, wait_for

HOST = """
serial:
  port: {device}
  baudrate: 115200
network:
  local_ip: 10.0.0.1
  remote_ip: 10.0.0.2
services:
  22:    # SSH access
    enabled: true
    host: "127.0.0.1"
    port: {ssh}
  80:    # Web UI
    enabled: true
    host: "127.0.0.1"
    port: {web}
  443:   # Web UI HTTPS
    enabled: false
    host: "127.0.0.1"
    port: {web}
{more}
"""

CLIENT = """
serial:
  port: {device}
  baudrate: 115200
network:
  local_ip: 10.0.0.2
  remote_ip: 10.0.0.1
port_forwards:
  {local_ssh}: 22
  {local_web}: 80
  {local_closed}: 443
  {local_other}: 8443
"""


class Cable:
    """The cable: a pty whose master and slave are the two ends' devices."""

    def __init__(self, world):
        self.world = world
        self.master, self.path = world.pty()

    def slirppd(self, name, config, mode, *words):
        path = os.path.join(self.world.folder, name + ".yaml")
        with open(path, "w") as f:
            f.write(config)
        if mode == "host":
            return self.world.slirppd("config", path, "mode", mode, "nodetach", "local", *words, name=name)
        return self.world.slirppd("notty", "config", path, "mode", mode, *words, name=name, stdin=self.master, stdout=self.master)


def ports(*names):
    return {name: free_port() for name in names}


def make_link(world, ssh=1, web=1, more="", first="host", host_words=()):
    cable = Cable(world)
    local = ports("local_ssh", "local_web", "local_closed", "local_other")
    host = HOST.format(device=cable.path, ssh=ssh, web=web, more=more)
    client = CLIENT.format(device="/dev/null", **local)
    order = [("host", host, "host", *host_words), ("client", client, "client")]
    ends = {}
    for which in order if first == "host" else reversed(order):
        ends[which[0]] = cable.slirppd(*which)
    for end in ends.values():
        end.wait_up()
    return ends["host"], ends["client"], local


def page_server(world, body):
    def answer(connection):
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(4096)
            if not part:
                return
            request += part
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return world.serve(answer)


def sshd(world):
    """A real sshd for the user who runs the tests: its port, and the words for a client that knows its key."""
    server, keygen = "/usr/sbin/sshd", need("ssh-keygen")
    need("ssh")
    if not os.access(server, os.X_OK):
        raise Skip("sshd is not installed")
    user = pwd.getpwuid(os.geteuid())
    if user.pw_shell.endswith(("nologin", "false")):
        raise Skip(f"{user.pw_name} has no shell to log in with")
    key, host_key = os.path.join(world.folder, "key"), os.path.join(world.folder, "host_key")
    for path in (key, host_key):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    port = free_port()
    config = os.path.join(world.folder, "sshd_config")
    with open(config, "w") as f:
        f.write(f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nAuthorizedKeysFile {key}.pub\nStrictModes no\n"
                f"UsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n")
    command = [server, "-D", "-e", "-f", config]
    if os.geteuid() == 0:
        # It wants its empty folder in /run, which is there where sshd is a service.
        command = [need("unshare"), "--mount", "sh", "-c", "mount -t tmpfs none /run && mkdir /run/sshd && exec \"$@\"", "sh"] + command
    log = open(os.path.join(world.folder, "sshd.log"), "wb")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    world.stack.callback(log.close)
    world.stack.callback(process.wait)
    world.stack.callback(process.kill)
    wait_for(lambda: process.poll() is not None or listens(port), "sshd")
    assert process.poll() is None, open(log.name).read()
    return port, ["ssh", "-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
                  "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60"], user.pw_name


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def is_refused(port):
    """A forward takes the connection; the refusal at the other end closes it without a byte."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.settimeout(60)
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass


def get(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read()


@test
def ssh_through_port_2222(world):
    """`ssh kvmd@localhost -p 2222`: a session, and 300 kB each way through it."""
    port, ssh, user = sshd(world)
    _, _, local = make_link(world, ssh=port)
    run = ssh + ["-p", str(local["local_ssh"]), f"{user}@localhost"]
    said = subprocess.run(run + ["echo hello; read line; echo you said $line"], input=b"good morning\n", capture_output=True, timeout=120)
    assert said.stdout == b"hello\nyou said good morning\n", said
    data = data_of(300_000)
    back = subprocess.run(run + ["cat"], input=data, capture_output=True, timeout=240)
    assert digest(back.stdout) == digest(data), back.stderr


@test
def web_through_an_ssh_tunnel(world):
    """`ssh -L 8080:localhost:80 kvmd@localhost -p 2222`, then http://localhost:8080."""
    port, ssh, user = sshd(world)
    web = page_server(world, b"the KVM's page")
    _, _, local = make_link(world, ssh=port)
    tunnel = free_port()
    process = subprocess.Popen(ssh + ["-p", str(local["local_ssh"]), "-N", "-L", f"{tunnel}:localhost:{web}", f"{user}@localhost"],
                               stdin=subprocess.DEVNULL)
    world.stack.callback(process.wait)
    world.stack.callback(process.kill)
    wait_for(lambda: listens(tunnel), "the tunnel")
    assert get(tunnel) == b"the KVM's page"


@test
def web_through_port_8080(world):
    """`curl localhost:8080`, with no tunnel."""
    page = data_of(200_000)
    _, _, local = make_link(world, web=page_server(world, page))
    answer = subprocess.run([need("curl"), "-sS", "--max-time", "100", f"http://localhost:{local['local_web']}/"], capture_output=True)
    assert answer.returncode == 0 and digest(answer.stdout) == digest(page), answer.stderr


@test
def only_the_services_that_are_listed(world):
    """`Service Isolation`: neither a service that is not enabled nor a port that nobody listed, though something listens there."""
    hidden = world.serve(echo)
    host, _, local = make_link(world, web=hidden, more="security:\n  allowed_ports: [22, 80]\n")
    for which in ("local_closed", "local_other"):
        is_refused(local[which])
    host.wait_log(r"refused: tcp from 10\.0\.0\.2 port \d+ to 10\.0\.0\.1 port (443|8443) \(no-service\)")


@test
def either_end_may_start_first(world):
    make_link(world, first="client")


@test
def a_dialogue_of_many_messages(world):
    """What stopped at the second message, and uploads over 10 kB that never ended."""
    _, _, local = make_link(world, ssh=world.serve(echo))
    s = world.connect(local["local_ssh"])
    for i in range(200):
        s.sendall(b"message %d" % i)
        assert receive(s, len(b"message %d" % i)) == b"message %d" % i
    data = data_of(500_000)
    threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
    assert digest(receive(s, len(data))) == digest(data)


@test
def the_link_comes_up_again_by_itself(world):
    """`Serial device not ready: Service will retry`: the port appears later; the other end goes away, and another one comes."""
    master, path = world.pty()
    port = os.path.join(world.folder, "ttyGS0")
    recovery = ("error_recovery:\n  auto_reconnect_serial: true\n  serial_reconnect_delay: 0\n  max_serial_reconnect_attempts: 0\n"
                "ppp:\n  lcp_echo_interval: 1\n  lcp_echo_failure: 2\n")
    config = os.path.join(world.folder, "host.yaml")
    with open(config, "w") as f:
        f.write(HOST.format(device=port, ssh=1, web=1, more=recovery))
    host = world.slirppd("config", config, "mode", "host", "nodetach", "local", name="host")
    host.wait_log("Waiting for " + port)
    os.symlink(path, port)
    first = world.slirppd("notty", stdin=master, stdout=master, name="first")
    host.wait_up()
    first.stop()
    host.wait_log("Connection terminated")
    world.slirppd("notty", stdin=master, stdout=master, name="second")
    host.wait_up(2)


@test
def an_address_that_is_not_allowed(world):
    """`Access Control: Configure IP allowlist`."""
    lists = 'security:\n  access_control:\n    allow_ips: ["10.0.0.77"]\n    block_ips: []\n'
    host, _, local = make_link(world, ssh=world.serve(echo), more=lists)
    is_refused(local["local_ssh"])
    host.wait_log(r"refused: tcp from 10\.0\.0\.2 .*\(access-list\)")


@test
def rate_limit_and_lock_out(world):
    """`Rate Limiting`, and PyLiRP's brute-force protection: so many refusals, and nothing new for a while."""
    limits = ("security:\n  rate_limit:\n    enabled: true\n    requests_per_second: 1\n    burst_size: 3\n"
              "  brute_force_protection:\n    enabled: true\n    max_attempts: 5\n    lockout_duration: 300\n")
    host, _, local = make_link(world, ssh=world.serve(echo), more=limits)
    served = 0
    for _ in range(12):
        with socket.create_connection(("127.0.0.1", local["local_ssh"]), 60) as s:
            s.settimeout(60)
            try:
                s.sendall(b"x")
                served += s.recv(1) == b"x"
            except OSError:
                pass
    assert 3 <= served < 8, served
    host.wait_log(r"refused: tcp .*\(rate-limit\)")
    host.wait_log(r"locked out")


@test
def metrics_and_health_answer(world):
    metrics, health = free_port(), free_port()
    monitoring = (f"monitoring:\n  metrics:\n    enabled: true\n    port: {metrics}\n"
                  f"  health:\n    enabled: true\n    port: {health}\n")
    make_link(world, more=monitoring)
    assert b"\nslirppd_up 1" in get(metrics, "/metrics")
    assert json.loads(get(health, "/health"))["state"] == "up"
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/", timeout=60) as page:
        assert page.headers["Content-Type"].startswith("text/html")


@test
def a_capture_is_written(world):
    path = os.path.join(world.folder, "capture.pcap")
    capture = f"monitoring:\n  packet_capture:\n    enabled: true\n    output_file: {path}\n"
    host, _, local = make_link(world, web=page_server(world, b"page"), more=capture)
    assert get(local["local_web"]) == b"page"
    host.end()
    with open(path, "rb") as f:
        assert f.read(4) == b"\x0a\x0d\x0d\x0a"
    assert os.path.getsize(path) > 1000


@test
def mtu_and_what_is_tuned(world):
    """`Performance Tuning`: each of its keys is taken, and the MTU is what it says."""
    tuning = "ppp:\n  mtu: 1400\n  compression: true\nperformance:\n  read_buffer_size: 65536\n  write_buffer_size: 65536\n"
    metrics = free_port()
    make_link(world, more=tuning, host_words=("metrics", metrics))
    assert json.loads(get(metrics, "/state"))["link"]["mtu"] == 1400


@test
def a_port_that_is_missing_is_explained(world):
    """`USB Gadget Not Found`."""
    code, output = world.run("check", "/dev/slirppd-has-no-such-port")
    assert code != 0 and "/dev/slirppd-has-no-such-port" in output, output


@test
def nobody_at_the_other_end_is_explained(world):
    """`Connection Not Establishing`: who asks hears that the other end is silent, or what it says instead of PPP."""
    master, slave = os.openpty()
    world.stack.callback(os.close, master)
    tty.setraw(slave, termios.TCSANOW)
    path = os.ttyname(slave)
    os.close(slave)
    code, output = world.run("check", path, "seconds", 1)
    assert code != 0 and re.search("Nothing came.*other end", output), output


if __name__ == "__main__":
    main()
