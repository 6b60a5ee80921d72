#!/usr/bin/env python3
"""`proxy URL`: the peer's TCP to the world leaves through a SOCKS5 or HTTP CONNECT proxy, here one that leads every address to a server
of the test: no network is needed, and none is reached."""

import base64
import http.client
import socket
import threading

from harness import PATIENCE, Skip, accept_loop, data_of, digest, echo, free_port, main, receive, receive_all, test

WORLD = "198.51.100.7"
PAGE = b"<title>the world</title>"


def web_server(connection):
    """One request, one page."""
    request = connection.makefile("rb")
    while request.readline().strip():
        pass
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))


def join(one, other):
    """Bytes both ways until both have ended."""
    def pass_on(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    thread = threading.Thread(target=pass_on, args=(one, other), daemon=True)
    thread.start()
    pass_on(other, one)
    thread.join()


class Upstream:
    """A proxy: where its clients wanted to go is in `asked`, how they showed who they are in `shown`."""

    def __init__(self, world, server, credentials=None, refuse=False, address="127.0.0.1"):
        self.server, self.credentials, self.refuse = server, credentials, refuse
        self.asked, self.shown = [], []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, 0), family=family, backlog=200)
        world.stack.callback(listener.close)
        threading.Thread(target=accept_loop, args=(listener, self.serve), daemon=True).start()
        self.port = listener.getsockname()[1]

    def serve(self, connection):
        if self.greet(connection):
            with socket.create_connection(("127.0.0.1", self.server), PATIENCE) as s:
                join(connection, s)


class Socks5(Upstream):
    scheme = "socks5"

    def log_in(self, connection):
        """RFC 1929"""
        name = receive(connection, receive(connection, 2)[1]).decode()
        password = receive(connection, receive(connection, 1)[0]).decode()
        self.shown.append((name, password))
        right = (name, password) == self.credentials
        connection.sendall(bytes([1, 0 if right else 1]))
        return right

    def greet(self, connection):
        """RFC 1928"""
        methods = receive(connection, receive(connection, 2)[1])
        method = 2 if self.credentials else 0
        if method not in methods:
            connection.sendall(b"\5\xff")
            return False
        connection.sendall(bytes([5, method]))
        if self.credentials and not self.log_in(connection):
            return False
        assert receive(connection, 4) == b"\5\1\0\1"
        self.asked.append((socket.inet_ntoa(receive(connection, 4)), int.from_bytes(receive(connection, 2), "big")))
        connection.sendall(bytes([5, 2 if self.refuse else 0, 0, 1]) + bytes(6))
        return not self.refuse


class Connect(Upstream):
    scheme = "http"

    def request(self, connection):
        """The request line's words, and the headers. Byte by byte: what follows is not ours."""
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            text += connection.recv(1) or b"\r\n\r\n"
        first, *lines = text.decode().strip().splitlines()
        return first.split(), {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}

    def log_in(self, headers):
        """RFC 7617"""
        kind, _, word = headers.get("proxy-authorization", "").partition(" ")
        self.shown.append(tuple(base64.b64decode(word).decode().split(":", 1)))
        return kind == "Basic" and self.shown[-1] == self.credentials

    def greet(self, connection):
        """RFC 9110 §9.3.6"""
        words, headers = self.request(connection)
        assert words[0] == "CONNECT"
        if self.credentials and not self.log_in(headers):
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
            return False
        host, _, port = words[1].rpartition(":")
        self.asked.append((host, int(port)))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n" if self.refuse else b"HTTP/1.1 200 Connection established\r\n\r\n")
        return not self.refuse


def with_each_kind(function):
    """A test for each kind of proxy."""
    for kind in (Socks5, Connect):
        def run(world, kind=kind):
            function(world, kind)

        run.__name__ = f"{kind.scheme}_{function.__name__}"
        test(run)


def link(world, url, *words, to="80"):
    """A slirppd with this proxy, its peer at the other end of a pty, and the peer's port that leads to the world."""
    port = free_port()
    a, b = world.pair(["proxy", url, *words], ["forward", f"{port}:{WORLD}:{to}"], line="pty")
    a.wait_up()
    b.wait_up()
    return a, port


def fetch(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def is_cut(world, port):
    """True when the connection ends before a byte came."""
    try:
        connection = world.connect(port)
        connection.sendall(b"hello")
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@with_each_kind
def a_web_page_through_a_proxy(world, kind):
    server = world.serve(web_server)
    proxy = kind(world, server)
    a, port = link(world, f"{kind.scheme}://127.0.0.1:{proxy.port}")
    assert fetch(port) == PAGE
    assert proxy.asked == [(WORLD, 80)], proxy.asked


@with_each_kind
def with_user_and_password(world, kind):
    server = world.serve(web_server)
    proxy = kind(world, server, credentials=("me", "p@ss:word"))
    a, port = link(world, f"{kind.scheme}://me:p%40ss%3Aword@127.0.0.1:{proxy.port}")
    assert fetch(port) == PAGE
    assert proxy.shown == [("me", "p@ss:word")], proxy.shown


@test
def a_proxy_at_an_ipv6_address(world):
    try:
        proxy = Socks5(world, world.serve(web_server), address="::1")
    except OSError:
        raise Skip("this machine has no ::1")
    a, port = link(world, f"socks5://[::1]:{proxy.port}")
    assert fetch(port) == PAGE
    assert proxy.asked == [(WORLD, 80)]


@with_each_kind
def a_server_that_speaks_first_loses_nothing(world, kind):
    """What it says may come together with the proxy's answer."""
    banner = b"SSH-2.0-test\r\n" + data_of(5000)
    proxy = kind(world, world.serve(lambda c: c.sendall(banner)))
    a, port = link(world, f"{kind.scheme}://127.0.0.1:{proxy.port}", to="22")
    assert receive_all(world.connect(port)) == banner


@with_each_kind
def a_megabyte_both_ways_and_half_closed(world, kind):
    blob = data_of(1 << 20)

    def answer_after_end(connection):
        data = receive_all(connection)
        connection.sendall(digest(data).encode() + data)

    proxy = kind(world, world.serve(answer_after_end))
    a, port = link(world, f"{kind.scheme}://127.0.0.1:{proxy.port}")
    connection = world.connect(port)
    connection.sendall(blob)
    connection.shutdown(socket.SHUT_WR)
    assert receive_all(connection) == digest(blob).encode() + blob


@test
def a_hundred_at_once(world):
    proxy = Socks5(world, world.serve(web_server))
    a, port = link(world, f"socks5://127.0.0.1:{proxy.port}")
    pages = []
    threads = [threading.Thread(target=lambda: pages.append(fetch(port))) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pages == [PAGE] * 100, len(pages)
    assert proxy.asked == [(WORLD, 80)] * 100


@with_each_kind
def wrong_credentials_cut_the_connection_and_are_not_logged(world, kind):
    server = world.serve(echo)
    proxy = kind(world, server, credentials=("me", "right"))
    a, port = link(world, f"{kind.scheme}://me:wr0ngsecret@127.0.0.1:{proxy.port}", "debug", "dump")
    assert is_cut(world, port)
    assert proxy.shown == [("me", "wr0ngsecret")]
    a.wait_log(rf"^Couldn't connect to {WORLD}:80 through proxy 127\.0\.0\.1:{proxy.port}: ")
    assert "wr0ngsecret" not in a.log() + a.output()


@with_each_kind
def a_proxy_that_refuses_cuts_the_connection(world, kind):
    proxy = kind(world, 0, refuse=True)
    a, port = link(world, f"{kind.scheme}://127.0.0.1:{proxy.port}")
    assert is_cut(world, port)
    assert proxy.asked == [(WORLD, 80)]


@test
def a_proxy_that_is_not_there_is_said_once(world):
    a, port = link(world, f"http://127.0.0.1:{free_port()}")
    for _ in range(10):
        assert is_cut(world, port)
    assert a.log().count("through proxy") == 1, a.log()


@test
def services_do_not_go_through_the_proxy(world):
    proxy = Socks5(world, world.serve(web_server))
    server, port = world.serve(echo), free_port()
    a, b = world.pair(["proxy", f"socks5://127.0.0.1:{proxy.port}", "service", f"7:127.0.0.1:{server}"], ["forward", f"{port}:7"])
    b.wait_up()
    connection = world.connect(port)
    connection.sendall(b"hello")
    assert receive(connection, 5) == b"hello"
    assert proxy.asked == []


@test
def the_environment_has_no_say(world):
    proxy, other = Socks5(world, world.serve(web_server)), Connect(world, world.serve(echo))
    elsewhere = f"http://127.0.0.1:{other.port}"
    env = {name: elsewhere for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY")}
    port = free_port()
    a, b = world.pair(["proxy", f"socks5://127.0.0.1:{proxy.port}"], ["forward", f"{port}:{WORLD}:80"], a_how={"env": env})
    b.wait_up()
    assert fetch(port) == PAGE
    assert other.asked == []


@test
def what_is_no_proxy_is_an_option_error(world):
    for url in ("https://127.0.0.1", "127.0.0.1:1080", "socks5://", "http://127.0.0.1/path"):
        code, output = world.run("notty", "proxy", url)
        assert code == 2 and "proxy" in output, (url, code, output)


main()
