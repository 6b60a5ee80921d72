#!/usr/bin/env python3
"""`socks`: programs on this side reach the peer's side, by address and by name, over TCP and UDP."""

import ipaddress
import os
import re
import signal
import socket
import struct
import subprocess
import threading

from harness import (PATIENCE, Skip, WRAPPER, data_of, echo, free_port, main, need, need_namespaces, receive, receive_all, test,
                     udp_echo, wait_for)

CONNECT, BIND, ASSOCIATE = 1, 2, 3
OK, FAILURE, NO_NETWORK, NO_HOST, REFUSED, NOT_IN_TIME, BAD_COMMAND, BAD_ADDRESS = 0, 1, 3, 4, 5, 6, 7, 8


def address_bytes(host, port):
    """DST.ADDR and DST.PORT of RFC 1928."""
    try:
        ip = ipaddress.ip_address(host)
        return bytes([1 if ip.version == 4 else 4]) + ip.packed + struct.pack("!H", port)
    except ValueError:
        return bytes([3, len(host)]) + host.encode() + struct.pack("!H", port)


class Socks:
    """A client of the server at PORT: greeting and password are done with."""

    def __init__(self, world, port, password=None):
        self.connection = world.connect(port)
        self.connection.sendall(b"\5\1\0" if password is None else b"\5\1\2")
        self.method = receive(self.connection, 2)
        if password is not None and self.method == b"\5\2":
            user, word = b"anna", password.encode()
            self.connection.sendall(bytes([1, len(user)]) + user + bytes([len(word)]) + word)
            self.verdict = receive(self.connection, 2)

    def request(self, command, host, port):
        """The reply's code and the address in it."""
        self.connection.sendall(bytes([5, command, 0]) + address_bytes(host, port))
        head = receive(self.connection, 10)
        assert len(head) == 10 and head[0] == 5 and head[3] == 1, head
        return head[1], (socket.inet_ntoa(head[4:8]), struct.unpack("!H", head[8:])[0])


def name_server(world, addresses, truncate=False):
    """Answers questions for A records from a table, by UDP and TCP on one port. With TRUNCATE, it says over UDP that it must be TCP. What
    the table has in bytes is answered so, after the question's number; b"" never."""
    def answer(query, over_tcp):
        end = query.index(b"\0", 12) + 5
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        address = addresses.get(".".join(labels))
        head, question = query[:2], query[12:end]
        if isinstance(address, bytes):
            return address and head + address.replace(b"QUESTION", question)
        if truncate and not over_tcp:
            return head + b"\x83\x80\0\1\0\0\0\0\0\0" + question
        if not address:
            return head + b"\x81\x83\0\1\0\0\0\0\0\0" + question
        return (head + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address))

    def over_udp(server):
        while True:
            query, peer = server.recvfrom(512)
            if reply := answer(query, False):
                server.sendto(reply, peer)

    def over_tcp(connection):
        while size := receive(connection, 2):
            reply = answer(receive(connection, struct.unpack("!H", size)[0]), True)
            connection.sendall(struct.pack("!H", len(reply)) + reply)

    port = world.serve(over_tcp)
    world.serve(over_udp, socket.SOCK_DGRAM, port=port)
    return port


class Net:
    """A SOCKS server (b, at PORT) whose peer (a, at ADDRESS) serves 7 (an echo, TCP and UDP), 53, and more."""

    def __init__(self, world, *words, services=(), names=None, truncate=False, line="socketpair", a_how=None):
        self.names = {} if names is None else names
        tcp, udp = world.serve(echo), world.serve(udp_echo, socket.SOCK_DGRAM)
        dns = name_server(world, self.names, truncate)
        served = [f"7:127.0.0.1:{tcp}", f"udp:7:127.0.0.1:{udp}", f"53:127.0.0.1:{dns}", f"udp:53:127.0.0.1:{dns}", *services]
        self.port, self.address = free_port(), "10.9.9.1"
        self.a, self.b = world.pair(["10.9.9.1:10.9.9.2", "ms-dns", self.address, *[w for s in served for w in ("service", s)]],
                                    ["socks", self.port, *words], line=line, a_how=a_how)
        self.b.wait_up()
        self.names["echo.test"] = self.address


def echoes(connection, data=b"hello"):
    connection.sendall(data)
    return receive(connection, len(data)) == data


@test
def connect_by_address(world):
    net = Net(world, line="pty")
    client = Socks(world, net.port)
    assert client.method == b"\5\0"
    assert client.request(CONNECT, net.address, 7)[0] == OK
    blob = data_of(300_000)
    sender = threading.Thread(target=lambda: (client.connection.sendall(blob), client.connection.shutdown(socket.SHUT_WR)))
    sender.start()
    assert receive_all(client.connection) == blob, "the echo after a half-close"
    sender.join()


@test
def what_is_said_early_arrives(world):
    """A client may send everything at once, without waiting for any answer."""
    net = Net(world)
    connection = world.connect(net.port)
    connection.sendall(b"\5\1\0\5\1\0" + address_bytes(net.address, 7) + b"early")
    connection.shutdown(socket.SHUT_WR)
    assert receive_all(connection)[12:] == b"early"


@test
def connect_by_name(world):
    net = Net(world)
    for name in ("echo.test", net.address):
        client = Socks(world, net.port)
        client.connection.sendall(b"\5\1\0\3" + bytes([len(name)]) + name.encode() + b"\0\7")
        assert receive(client.connection, 10)[1] == OK and echoes(client.connection), name


@test
def names_are_the_peers(world):
    """Neither this machine's own names nor its resolver's count."""
    net = Net(world)
    for name in ("localhost", "localhost.", "a.localhost", socket.gethostname(), "nobody.test"):
        assert Socks(world, net.port).request(CONNECT, name, 7)[0] == NO_HOST, name


@test
def a_long_answer_comes_over_tcp(world):
    net = Net(world, truncate=True)
    client = Socks(world, net.port)
    assert client.request(CONNECT, "echo.test", 7)[0] == OK and echoes(client.connection)


ANSWER = b"\x81\x80\0\1\0%c\0\0\0\0QUESTION"
A_RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"


@test
def answers_that_are_lies(world):
    """Whatever the name server says: the client is told in time, and others are served meanwhile."""
    net = Net(world)
    net.names.update({
        "self.lie": ANSWER % 1 + A_RECORD + bytes([127, 0, 0, 1]),
        "many.lie": ANSWER % 2 + (A_RECORD + bytes([224, 0, 0, 1])) * 2,
        "none.lie": ANSWER % 0,
        "failure.lie": b"\x81\x82\0\1\0\0\0\0\0\0QUESTION",
        "loop.lie": ANSWER % 1 + b"\xc0\x1a" + A_RECORD[2:] + bytes(4),
        "short.lie": ANSWER % 1 + A_RECORD,
        "count.lie": ANSWER % 255 + A_RECORD + bytes(4),
        "wrong.lie": ANSWER.replace(b"QUESTION", b"\4evil\0\0\1\0\1") % 1 + A_RECORD + socket.inet_aton(net.address),
        "silent.lie": b"",
    })
    slow = [Socks(world, net.port) for name in ("wrong.lie", "silent.lie")]
    for client, name in zip(slow, ("wrong.lie", "silent.lie")):
        client.connection.sendall(bytes([5, CONNECT, 0]) + address_bytes(name, 7))
    for name in ("self.lie", "many.lie", "none.lie", "failure.lie", "loop.lie", "short.lie", "count.lie"):
        code = Socks(world, net.port).request(CONNECT, name, 7)[0]
        assert code in (FAILURE, NO_HOST), (name, code)
        good = Socks(world, net.port)
        assert good.request(CONNECT, "echo.test", 7)[0] == OK and echoes(good.connection), name
    for client in slow:
        client.connection.settimeout(0.01)
        try:
            assert client.connection.recv(1) == b"", "a lie was believed"
        except TimeoutError:
            pass


@test
def the_link_goes_in_the_middle_of_dials(world):
    """A peer that answers nothing any more, and is gone: whoever waits for a connection is told at once, the others when all ends."""
    net = Net(world)
    clients = [Socks(world, net.port) for i in range(40)]
    net.a.kill(signal.SIGSTOP)
    for i, client in enumerate(clients):
        client.connection.sendall(bytes([5, CONNECT, 0]) + address_bytes("echo.test" if i % 2 else net.address, 7))
    late = Socks(world, net.port)
    assert late.method == b"\5\0", "all requests were read"
    net.a.kill(signal.SIGKILL)
    for client in clients[::2]:
        assert receive(client.connection, 2) in (bytes([5, NO_NETWORK]), bytes([5, NOT_IN_TIME]))
    net.b.kill()
    assert all(not receive_all(client.connection).startswith(b"\5\0") for client in clients[1::2])


@test
def curl(world):
    program = need("curl")
    page = b"a page from the other side"
    server = world.serve(lambda c: (c.recv(4096), c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + page)))
    net = Net(world, "socks-user", "anna", "socks-password", "secret", services=[f"80:127.0.0.1:{server}"])
    for proxy, code in ((f"socks5h://anna:secret@127.0.0.1:{net.port}", 0), (f"socks5h://anna:wrong@127.0.0.1:{net.port}", 97),
                        (f"socks5h://127.0.0.1:{net.port}", 97)):
        done = subprocess.run([program, "-s", "--max-time", str(PATIENCE), "-x", proxy, "http://echo.test/"], capture_output=True,
                              env={**os.environ, "no_proxy": "", "NO_PROXY": ""})
        assert done.returncode == code and (done.stdout == page) == (code == 0), (proxy, done)


@test
def user_and_password(world):
    net = Net(world, "socks-user", "anna", "socks-password", "secret")
    for password in ("", "secre", "secret!", "Secret"):
        client = Socks(world, net.port, password)
        assert client.verdict == b"\1\1" and receive_all(client.connection) == b"", password
    client = Socks(world, net.port, "secret")
    assert client.verdict == b"\1\0" and client.request(CONNECT, net.address, 7)[0] == OK and echoes(client.connection)
    assert Socks(world, net.port).method == b"\5\xff"
    assert "wrong user or password from 127.0.0.1" in net.b.log() and "secre" not in net.b.log()


@test
def what_cannot_be_reached(world):
    net = Net(world)
    assert Socks(world, net.port).request(CONNECT, net.address, 9)[0] == REFUSED
    assert Socks(world, net.port).request(CONNECT, "2001:db8::1", 7)[0] in (NO_NETWORK, NO_HOST, REFUSED)
    assert Socks(world, net.port).request(BIND, net.address, 7)[0] == BAD_COMMAND
    for address in ("127.0.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255"):
        assert Socks(world, net.port).request(CONNECT, address, 7)[0] == FAILURE, address


@test
def a_network_that_the_peer_has_no_way_to(world):
    net = Net(world, a_how={"wrapper": need_namespaces()})
    assert Socks(world, net.port).request(CONNECT, "198.51.100.2", 7)[0] in (NO_HOST, REFUSED)


@test
def no_link(world):
    left, right = world.socketpair()
    port = free_port()
    world.slirppd("notty", "socks", port, stdin=right, stdout=right)
    wait_for(lambda: left.recv(1), "the first byte of PPP")
    assert Socks(world, port).request(CONNECT, "10.0.2.2", 7)[0] == NO_NETWORK
    assert Socks(world, port).request(CONNECT, "echo.test", 7)[0] == NO_NETWORK


def packed(host, port, data, fragment=0):
    return b"\0\0" + bytes([fragment]) + address_bytes(host, port) + data


@test
def udp(world):
    net = Net(world)
    client = Socks(world, net.port)
    code, relay = client.request(ASSOCIATE, "0.0.0.0", 0)
    assert code == OK and relay[0] == "127.0.0.1", relay
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        s.settimeout(PATIENCE)
        for host in (net.address, "echo.test", "echo.test"):
            s.sendto(packed("192.0.2.1", 7, b"a fragment", fragment=1), relay)
            s.sendto(packed(host, 7, b"datagram to " + host.encode()), relay)
            assert s.recv(2000) == packed(net.address, 7, b"datagram to " + host.encode()), host
        stranger.sendto(packed(net.address, 7, b"stranger"), relay)
        for junk in (b"", b"\0", b"\0\0\0\1\1", packed("::1", 7, b"six"), packed("bad name", 7, b"name"), os.urandom(500)):
            s.sendto(junk, relay)
        s.sendto(packed(net.address, 7, b"x" * 1400), relay)
        assert s.recv(2000)[10:] == b"x" * 1400, "nothing else came back"
        client.connection.close()
        s.connect(relay)
        wait_for(lambda: is_gone(s), "the association's end")


def is_gone(s):
    try:
        s.settimeout(0.01)
        s.send(b"?")
        s.recv(10)
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False


@test
def many_at_once(world):
    net = Net(world)
    clients = [Socks(world, net.port) for _ in range(100)]
    for n, c in enumerate(clients):
        c.connection.sendall(b"\5\1\0" + address_bytes(["echo.test", net.address][n % 2], 7))
    assert [receive(c.connection, 10)[1] for c in clients] == [OK] * len(clients)
    for n, c in enumerate(clients):
        c.connection.sendall(str(n).encode() * 5000)
    for n, c in enumerate(clients):
        data = str(n).encode() * 5000
        assert receive(c.connection, len(data)) == data, n
    assert net.b.end() == 5, "it ends with all of them open"


def resident(process):
    with open(f"/proc/{process.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


@test
def a_client_that_stalls(world):
    """One stops in the midst of its request, one reads nothing of what is sent to it: the others go on, and memory does not grow."""
    net = Net(world, services=["9:127.0.0.1:%d" % world.serve(lambda c: c.sendall(bytes(100_000_000)))])
    with open(f"/proc/{net.b.pid}/maps") as f:
        if WRAPPER or "asan" in f.read():
            raise Skip("a checker takes memory of its own")
    stalled = Socks(world, net.port)
    stalled.connection.sendall(b"\5\1\0\3")
    before = resident(net.b)
    deaf = Socks(world, net.port)
    assert deaf.request(CONNECT, net.address, 9)[0] == OK
    for _ in range(50):
        client = Socks(world, net.port)
        assert client.request(CONNECT, net.address, 7)[0] == OK and echoes(client.connection, b"x" * 10_000)
        client.connection.close()
    assert resident(net.b) - before < 4000, f"{before} kB, then {resident(net.b)}"


@test
def garbage(world):
    net = Net(world)
    for junk in (b"\4\1\0\7\x0a\0\2\2\0", b"GET / HTTP/1.1\r\n\r\n", b"\5\0", b"\5\1\1", b"\5\1\0\4\1\0\1", b"\5\1\0\5\1\0\2",
                 b"\5\1\0\5\1\0\3\0\0\7", b"\5\1\0\5\1\0\3\3a\0b\0\7", b"\5\xff" + b"\1" * 255):
        connection = world.connect(net.port)
        connection.sendall(junk)
        receive_all(connection)
    client = Socks(world, net.port)
    assert client.request(CONNECT, net.address, 7)[0] == OK and echoes(client.connection)


@test
def a_port_that_is_taken(world):
    taken = world.serve(echo)
    code, output = world.run("notty", "socks", taken, "logfd", "2")
    assert code != 0 and re.search("cannot listen.*in use", output), output


main()
