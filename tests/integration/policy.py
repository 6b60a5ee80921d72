#!/usr/bin/env python3
"""What the peer may reach: services, the world by NAT, and nothing else of this machine."""

import os
import socket
import subprocess

from harness import PATIENCE, Skip, echo, free_port, main, need, receive, talks, test, udp_echo, wait_for


def own_address():
    """An address of this machine beside loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            raise Skip("this machine has no address but loopback")
        return s.getsockname()[0]


@test
def a_port_that_no_service_names_is_refused_at_once(world):
    server = world.serve(echo)
    port, other = free_port(), free_port()
    a, b = world.pair(["service", f"7:127.0.0.1:{server}"], ["forward", f"{port}:{server}", "forward", f"{other}:7"])
    b.wait_up()
    assert not talks(port)
    assert talks(other)


@test
def this_machines_own_addresses_are_refused(world):
    address = own_address()
    server = world.serve(echo, address=address)
    port = free_port()
    a, b = world.pair([], ["forward", f"{port}:{address}:{server}"])
    b.wait_up()
    assert not talks(port)


@test
def host_loopback_opens_every_port(world):
    server = world.serve(echo)
    port = free_port()
    a, b = world.pair(["host-loopback"], ["forward", f"{port}:{server}"])
    b.wait_up()
    assert talks(port)


@test
def a_service_may_lead_to_another_address(world):
    server = world.serve(echo, address="127.0.0.77")
    port = free_port()
    a, b = world.pair(["service", f"7:127.0.0.77:{server}"], ["forward", f"{port}:7"])
    b.wait_up()
    assert talks(port)


@test
def udp_that_no_service_names_goes_nowhere(world):
    server = world.serve(udp_echo, socket.SOCK_DGRAM)
    port, other = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    a, b = world.pair(["service", f"udp:7:127.0.0.1:{server}"], ["forward", f"udp:{port}:{server}", "forward", f"udp:{other}:7"])
    b.wait_up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.sendto(b"hello", ("127.0.0.1", port))
        try:
            assert s.recv(100) != b"hello"
        except (TimeoutError, ConnectionError):
            pass
        s.settimeout(PATIENCE)
        s.sendto(b"hello", ("127.0.0.1", other))
        assert s.recv(100) == b"hello"


SERVER = """
import socket, sys, threading
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("198.51.100.2", 7)); s.listen(); print("ready", flush=True)
while True:
    c, who = s.accept()
    while data := c.recv(65536): c.sendall(data)
    c.close()
"""


def another_machine(world):
    """A network namespace with a cable to another one, in which 198.51.100.2 echoes on port 7. Words that enter the first."""
    if os.geteuid() != 0:
        raise Skip("needs root, for two network namespaces and a cable between them")
    need("ip")
    pids = []
    for _ in range(2):
        p = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        world.stack.callback(p.wait)
        world.stack.callback(p.kill)
        pids.append(str(p.pid))
        wait_for(lambda: os.readlink(f"/proc/{p.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a namespace")
    subprocess.run(["ip", "link", "add", "cable0", "netns", pids[0], "type", "veth", "peer", "name", "cable1", "netns", pids[1]],
                   check=True)
    for n in range(2):
        enter = ["nsenter", "--net", "--target", pids[n]]
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"198.51.100.{n + 1}/24", "dev", f"cable{n}"],
                      ["link", "set", f"cable{n}", "up"]):
            subprocess.run(enter + ["ip"] + words, check=True)
    server = subprocess.Popen(["nsenter", "--net", "--target", pids[1], "python3", "-c", SERVER], stdout=subprocess.PIPE)
    world.stack.callback(server.wait)
    world.stack.callback(server.kill)
    assert server.stdout.readline() == b"ready\n"
    server.stdout.close()
    return ["nsenter", "--net", "--target", pids[0]]


@test
def the_world_by_nat(world):
    enter = another_machine(world)
    port = free_port()
    a, b = world.pair([], ["forward", f"{port}:198.51.100.2:7"], a_how={"wrapper": enter})
    b.wait_up()
    assert talks(port)


@test
def restrict_leaves_nothing_but_services(world):
    enter = another_machine(world)
    ports = [free_port(), free_port()]
    a, b = world.pair(["restrict", "service", "7:198.51.100.2:7"],
                      ["forward", f"{ports[0]}:198.51.100.2:7", "forward", f"{ports[1]}:7"], a_how={"wrapper": enter})
    b.wait_up()
    assert not talks(ports[0])
    assert talks(ports[1])


def namespace(world):
    """A network namespace with nothing in it. Words that enter it."""
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        raise Skip("needs root and /dev/net/tun")
    need("ip")
    holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    world.stack.callback(holder.wait)
    world.stack.callback(holder.kill)
    wait_for(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a namespace")
    return ["nsenter", "--net", "--target", str(holder.pid)]


@test
def tun_and_slirp(world):
    """A kernel's TCP at the peer's end: an interface in a namespace of its own, its addresses, its MTU, ping, and a page."""
    enter = namespace(world)
    blob = os.urandom(3_000_000)
    server = world.serve(lambda c: c.sendall(blob))
    a, b = world.pair(["mru", "1000", "service", f"80:127.0.0.1:{server}"], ["net", "tun", "mtu", "1200"], b_how={"wrapper": enter})
    b.wait_up()
    name = b.log().split("Using interface ")[1].split()[0]
    shown = subprocess.run(enter + ["ip", "addr", "show", name], capture_output=True, text=True).stdout
    assert "mtu 1000" in shown and "10.0.2." in shown and "peer 10.0.2." in shown, shown
    local = shown.split("peer ")[1].split("/")[0]
    client = f"import socket,sys\ns=socket.create_connection(('{local}',80))\nwhile d:=s.recv(65536): sys.stdout.buffer.write(d)"
    got = subprocess.run(enter + ["python3", "-c", client], capture_output=True, timeout=PATIENCE * 2).stdout
    assert got == blob, f"{len(got)} bytes"
    need("ping")
    ping = subprocess.run(enter + ["ping", "-c", "3", "-i", "0.2", local], capture_output=True, text=True).stdout
    assert " 0% packet loss" in ping, ping
    assert b.end() == 5
    gone = subprocess.run(enter + ["ip", "link", "show", name], capture_output=True).returncode
    assert gone != 0, "the interface is still there"


REFUSED = """
import socket, sys
for host in sys.argv[2:]:
    s = socket.socket(); s.settimeout(float(sys.argv[1]))
    try: s.connect((host, int(host.rpartition(":")[2]) if ":" in host else PORT)); print("connected to", host)
    except ConnectionError: pass
    except OSError as e: print(host, e) if e.errno not in (111, 113, 101) else None
"""


@test
def loopback_addresses_are_refused(world):
    """The peer's kernel is told that the link leads to 127.0.0.0/8: what it sends there comes to nothing."""
    enter = namespace(world)
    server = world.serve(echo)
    a, b = world.pair([], ["net", "tun"], b_how={"wrapper": enter})
    b.wait_up()
    name = b.log().split("Using interface ")[1].split()[0]
    for words in (["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet"], ["ip", "route", "add", "127.0.0.0/8", "dev", name]):
        subprocess.run(enter + words, check=True)
    client = REFUSED.replace("PORT", str(server))
    told = subprocess.run(enter + ["python3", "-c", client, str(PATIENCE), "127.0.0.1", "127.1.2.3"], capture_output=True, text=True)
    assert told.stdout == "" and told.returncode == 0, told.stdout + told.stderr


main()
