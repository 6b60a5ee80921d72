#!/usr/bin/env python3
"""The backend tun: real interfaces, in network namespaces of their own. What was there before is there afterwards, whatever the end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

from harness import PATIENCE, PROGRAM, Skip, data_of, digest, main, need, need_namespaces, quiet, test, wait_for

NOBODY = 65534
# The machine's own scripts and pid files are not the test's business.
PREPARE = "ip link set lo up; mount -t tmpfs none /run; [ ! -d /etc/ppp ] || mount -t tmpfs none /etc/ppp; echo; exec sleep 1000"
SERVE = "import socket,sys\ns=socket.create_server(('',int(sys.argv[1])))\nprint(flush=True)\nc=s.accept()[0]\n"
SEND = SERVE + "d=sys.stdin.buffer.read()\nc.sendall(d)\nc.close()"
TAKE = SERVE + "a=b''\nwhile d:=c.recv(65536): a+=d\nsys.stdout.buffer.write(a)"
FETCH = "import socket,sys\ns=socket.create_connection((sys.argv[2],int(sys.argv[1])),60)\n"
GET = FETCH + "while d:=s.recv(65536): sys.stdout.buffer.write(d)"
PUT = FETCH + "s.sendall(sys.stdin.buffer.read())"


class Host:
    """A network namespace, and a mount namespace, that live as long as the test."""

    def __init__(self, world):
        if not os.path.exists("/dev/net/tun"):
            raise Skip("there is no /dev/net/tun")
        need("ip")
        words = need_namespaces()
        if os.geteuid() != 0:
            raise Skip("needs root")
        self.holder = subprocess.Popen(words + ["--propagation", "private", "sh", "-c", PREPARE],
                                       stdout=subprocess.PIPE)
        world.stack.callback(self.end)
        self.holder.stdout.readline()
        self.enter = ["nsenter", "--net", "--mount", "--target", str(self.holder.pid)]

    def end(self):
        self.holder.kill()
        self.holder.wait()

    def run(self, command, check=True):
        done = subprocess.run(self.enter + ["sh", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def start(self, program, *words, **how):
        return subprocess.Popen(self.enter + [sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE, **how)

    def routes(self):
        return self.run("ip route show table all; ip -6 route show default; ip neigh show proxy")

    def interface(self, name="ppp0"):
        """What `ip` knows of an interface; None where there is none."""
        shown = self.run(f"ip -j addr show dev {name}", check=False)
        return json.loads(shown)[0] if shown.strip() else None


def hosts(world):
    return Host(world), Host(world)


def pair(world, a_host, b_host, a_words, b_words, **how):
    return world.pair(["net", "tun", *a_words], ["net", "tun", *b_words], a_how={"wrapper": a_host.enter},
                      b_how={"wrapper": b_host.enter}, **how)


def addresses(interface, family="inet"):
    return [(a["local"], a.get("address")) for a in interface["addr_info"] if a["family"] == family]


def both_up(a, b):
    a.wait_up()
    b.wait_up()


def carry(world, here, there, address, size=2 << 20):
    """SIZE bytes from HERE to THERE and back, right to the byte."""
    blob = data_of(size)
    for server, client, feed in ((SEND, GET, True), (TAKE, PUT, False)):
        serving = there.start(server, 7000, stdin=subprocess.PIPE)
        serving.stdout.readline()
        writer = threading.Thread(target=quiet, args=(feed_all, serving, blob if feed else b""), daemon=True)
        writer.start()
        fetching = here.start(client, 7000, address, stdin=subprocess.PIPE)
        got = fetching.communicate(b"" if feed else blob, PATIENCE)[0]
        writer.join()
        rest = serving.stdout.read()
        assert digest(got if feed else rest) == digest(blob), (len(got), len(rest))
        assert serving.wait(PATIENCE) == 0 and fetching.returncode == 0


def feed_all(process, blob):
    process.stdin.write(blob)
    process.stdin.close()


def traffic(world, *words):
    one, two = hosts(world)
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "mru", "1400", *words], ["mtu", "1300", *words])
    both_up(a, b)
    assert addresses(one.interface()) == [("10.9.0.1", "10.9.0.2")] and addresses(two.interface()) == [("10.9.0.2", "10.9.0.1")]
    assert one.interface()["mtu"] == 1400 and two.interface()["mtu"] == 1300
    carry(world, one, two, "10.9.0.2")
    assert a.end() == 5 and b.wait() in (0, 16)
    assert one.interface() is None and two.interface() is None


@test
def two_megabytes_each_way(world):
    traffic(world)


@test
def two_megabytes_each_way_with_every_control_character_escaped(world):
    traffic(world, "asyncmap", "ffffffff")


def end_by(world, sig, ours, theirs):
    """Exit codes of both ends, and no interface is left."""
    one, two = hosts(world)
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2"], [])
    both_up(a, b)
    a.kill(sig)
    assert (a.wait(), b.wait() in theirs) == (ours, True), (a.process.returncode, b.process.returncode)
    wait_for(lambda: one.interface() is None and two.interface() is None, "the interfaces to go")


@test
def sigterm_ends_a_link(world):
    end_by(world, signal.SIGTERM, 5, (0, 16))


@test
def sighup_ends_a_link(world):
    end_by(world, signal.SIGHUP, 5, (0, 16))


@test
def a_peer_that_is_killed(world):
    end_by(world, signal.SIGKILL, -9, (16,))


@test
def a_wrong_password(world):
    one, two = hosts(world)
    secrets = os.path.join(world.folder, "secrets")
    with open(secrets, "w") as f:
        f.write("alice gate right *\n")
    os.chmod(secrets, 0o600)
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "name", "gate", "require-chap", "chap-secrets", secrets],
                ["user", "alice", "password", "wrong", "noauth"])
    assert (a.wait(), b.wait()) == (11, 19)
    assert one.interface() is None and two.interface() is None


@test
def the_default_route_is_ours_while_the_link_is_up(world):
    one, two = hosts(world)
    before = one.routes()
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "defaultroute", "defaultroute-metric", "42"], [])
    both_up(a, b)
    shown = wait_for(lambda: one.run("ip route show default"), "the route")
    assert "dev ppp0" in shown and "metric 42" in shown, shown
    a.end()
    assert one.routes() == before


def with_a_way_out(host):
    host.run("ip link add eth0 type veth peer name eth1 && ip addr add 192.0.2.1/24 dev eth0 && ip link set eth0 up && "
             "ip link set eth1 up && ip route add default via 192.0.2.254")


@test
def a_default_route_that_is_there_stays(world):
    one, two = hosts(world)
    with_a_way_out(one)
    before = one.routes()
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "defaultroute"], [])
    both_up(a, b)
    a.wait_log(r"^not replacing default route to eth0 \[192\.0\.2\.254\]")
    assert one.run("ip route get 198.51.100.1").split()[2] == "192.0.2.254"
    a.end()
    assert one.routes() == before


def replace_route(world, sig):
    one, two = hosts(world)
    with_a_way_out(one)
    before = one.routes()
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "defaultroute", "replacedefaultroute"], [])
    both_up(a, b)
    wait_for(lambda: "dev ppp0" in one.run("ip route get 198.51.100.1"), "the route through the link")
    a.kill(sig)
    a.wait()
    b.wait()
    wait_for(lambda: one.routes() == before, "the routes of before")


@test
def it_is_replaced_on_request_and_back_afterwards(world):
    replace_route(world, signal.SIGTERM)


@test
def it_is_back_when_we_are_killed(world):
    replace_route(world, signal.SIGKILL)


@test
def ipv6_and_its_default_route(world):
    one, two = hosts(world)
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "+ipv6", "ipv6", "::1,::2", "defaultroute6"], ["+ipv6"])
    both_up(a, b)
    a.wait_log("remote LL address fe80::")
    assert ("fe80::1", "fe80::2") in addresses(one.interface(), "inet6") or ("fe80::1", None) in addresses(one.interface(), "inet6"), \
        one.interface()
    assert "dev ppp0" in wait_for(lambda: one.run("ip -6 route show default"), "the route")
    need("ping")
    assert " 0% packet loss" in one.run("ping -6 -c 2 -i 0.2 fe80::2%ppp0")
    assert a.end() == 5
    assert "ppp0" not in one.run("ip -6 route show default")


@test
def arp_is_answered_for_the_peer(world):
    one, two = hosts(world)
    with_a_way_out(one)
    a, b = pair(world, one, two, ["192.0.2.1:192.0.2.77", "proxyarp"], [])
    both_up(a, b)
    assert "192.0.2.77 dev eth0" in wait_for(lambda: one.run("ip neigh show proxy"), "the entry")
    assert re.search("found interface eth0 for proxy arp", a.log())
    a.end()
    assert one.run("ip neigh show proxy") == ""


@test
def the_peers_name_servers(world):
    one, two = hosts(world)
    if not os.path.isdir("/etc/ppp"):
        raise Skip("there is no /etc/ppp")
    pppd = os.path.join(world.folder, "pppd")
    os.symlink(PROGRAM, pppd)
    left, right = world.socketpair()
    a = world.slirppd("notty", "net", "tun", "10.9.0.1:10.9.0.2", "ms-dns", "192.0.2.53", "ms-dns", "192.0.2.54", name="a",
                      wrapper=one.enter, stdin=left, stdout=left)
    b = world.slirppd("notty", "net", "tun", "usepeerdns", name="b", wrapper=two.enter, program=pppd, stdin=right, stdout=right)
    both_up(a, b)
    assert two.run("cat /etc/ppp/resolv.conf") == "nameserver 192.0.2.53\nnameserver 192.0.2.54\n"
    b.end()


@test
def the_interface_stays_with_persist_and_is_up_with_the_link_alone(world):
    one, two = hosts(world)
    left, right = world.socketpair()
    a = world.slirppd("notty", "net", "tun", "10.9.0.1:10.9.0.2", "persist", "maxfail", "0", "lcp-restart", "1", name="a",
                      wrapper=one.enter, stdin=left, stdout=left)
    b = world.slirppd("notty", "net", "tun", name="b", wrapper=two.enter, stdin=right, stdout=right)
    both_up(a, b)
    index = one.interface()["ifindex"]
    b.end()
    wait_for(lambda: "UP" not in one.interface()["flags"], "the interface to go down")
    c = world.slirppd("notty", "net", "tun", name="c", wrapper=two.enter, stdin=right, stdout=right)
    c.wait_up()
    wait_for(lambda: "UP" in one.interface()["flags"], "the interface to come up")
    assert one.interface()["ifindex"] == index and addresses(one.interface()) == [("10.9.0.1", "10.9.0.2")]
    a.end()
    assert one.interface() is None


@test
def names_of_interfaces(world):
    one, two = hosts(world)
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "unit", "7"], ["ifname", "modem0"])
    both_up(a, b)
    assert one.interface("ppp7") and two.interface("modem0")
    assert "Using interface ppp7" in a.log() and "Using interface modem0" in b.log()
    a.end()


@test
def an_interface_that_was_made_for_its_user_needs_no_right_at_all(world):
    one, two = hosts(world)
    need("setpriv")
    two.run(f"ip tuntap add dev ppp3 mode tun user {NOBODY} && ip addr add 10.9.0.2 peer 10.9.0.1 dev ppp3 && ip link set ppp3 mtu 1500 up")
    before = two.interface("ppp3")
    unprivileged = two.enter + ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all",
                                "--inh-caps=-all"]
    left, right = world.socketpair()
    a = world.slirppd("notty", "net", "tun", "10.9.0.1:10.9.0.2", name="a", wrapper=one.enter, stdin=left, stdout=left)
    os.chmod(world.folder, 0o777)
    b = world.slirppd("notty", "net", "auto", "ifname", "ppp3", "10.9.0.2:", "debug", name="b", wrapper=unprivileged, stdin=right,
                      stdout=right)
    both_up(a, b)
    assert "net auto: using tun" in b.log()
    carry(world, one, two, "10.9.0.2", 100_000)
    a.end()
    b.wait()
    after = two.interface("ppp3")
    assert addresses(after) == addresses(before) and after["mtu"] == before["mtu"]


@test
def a_users_own_namespace_will_do(world):
    one = Host(world)
    need("setpriv")
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run(words + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no user namespaces here")
    os.chmod(world.folder, 0o777)
    left, right = world.socketpair()
    a = world.slirppd("notty", "net", "tun", "10.9.0.1:10.9.0.2", name="a", wrapper=one.enter, stdin=left, stdout=left)
    b = world.slirppd("notty", "net", "tun", name="b", wrapper=words, stdin=right, stdout=right)
    both_up(a, b)
    need("ping")
    assert " 0% packet loss" in one.run("ping -c 2 -i 0.2 10.9.0.2")
    a.end()


@test
def filters_decide_what_passes_and_what_counts(world):
    one, two = hosts(world)
    need("ping")
    a, b = pair(world, one, two, ["10.9.0.1:10.9.0.2", "pass-filter", "not icmp", "noipv6"], ["idle", "2", "active-filter", "tcp", "noipv6"])
    both_up(a, b)
    assert " 100% packet loss" in one.run("ping -c 1 -W 1 10.9.0.2", check=False)
    carry(world, one, two, "10.9.0.2", 100_000)
    assert b.wait() == 12 and a.wait() in (0, 16)
    assert "Terminating connection due to lack of activity." in b.log()


CALLED = """
import os, select, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
while True:
    for ready in select.select([0, peer], [], [])[0]:
        try:
            data = peer.recv(4096) if ready is peer else os.read(0, 4096)
        except OSError:
            data = b""
        if not data:
            sys.exit()
        os.write(1, data) if ready is peer else peer.sendall(data)
"""


@test
def traffic_dials_on_demand(world):
    """The interface is there before the line; the first packet opens it, and is not lost."""
    one, two = hosts(world)
    need("ping")
    if not os.access("/dev/ptmx", os.W_OK):
        raise Skip("/dev/ptmx")
    program, path = (os.path.join(world.folder, name) for name in ("caller", "wire"))
    with open(program, "w") as f:
        f.write(CALLED)
    listener = socket.socket(socket.AF_UNIX)
    world.stack.callback(listener.close)
    listener.bind(path)
    listener.listen()
    listener.settimeout(PATIENCE)
    a = world.slirppd("nodetach", "net", "tun", "demand", "10.9.0.1:10.9.0.2", "noipv6", "idle", "2", "holdoff", "0", "connect-delay", "10",
                      "pty", f"exec {sys.executable} {program} {path}", name="a", wrapper=one.enter)
    a.wait_log("^remote IP address 10.9.0.2")
    assert addresses(one.interface()) == [("10.9.0.1", "10.9.0.2")] and "UP" in one.interface()["flags"]
    for number in (1, 2):
        ping = subprocess.Popen(one.enter + ["ping", "-c", "1", "-W", "20", "10.9.0.2"], stdout=subprocess.PIPE, text=True)
        line = listener.accept()[0]
        b = world.slirppd("notty", "net", "tun", "noipv6", name=f"b{number}", wrapper=two.enter, stdin=line, stdout=line)
        line.close()
        assert " 0% packet loss" in ping.communicate(timeout=PATIENCE)[0], number
        a.wait_log("^Starting link", number)
        a.wait_log("Terminating connection due to lack of activity", number)
        b.wait()
    assert one.interface() is not None
    assert a.end() == 5
    assert one.interface() is None


if __name__ == "__main__":
    main()
