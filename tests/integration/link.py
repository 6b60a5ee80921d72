#!/usr/bin/env python3
"""Two slirppd's, and what passes between them: the main job, end to end."""

import os
import socket
import struct
import threading

from harness import (PATIENCE, WRAPPER, data_of, digest, echo, free_port, main, receive, receive_all, test, udp_echo, wait_for)

MEGABYTES = 1 if WRAPPER else 10


def both_ways(world, line):
    """10 MB from each end to the other, right to the byte: one server that sends, one that takes."""
    blob = data_of(MEGABYTES << 20)
    taken = {}

    def send(connection):
        connection.sendall(blob)

    def take(connection):
        data = receive(connection, len(blob))
        taken["digest"] = digest(data)
        connection.sendall(b"done")

    sender, taker = world.serve(send), world.serve(take)
    down, up = free_port(), free_port()
    a, b = world.pair(["service", f"80:127.0.0.1:{sender}", "service", f"81:127.0.0.1:{taker}"],
                      ["forward", f"{down}:80", "forward", f"{up}:81"], line=line)
    a.wait_up()
    b.wait_up()
    assert digest(receive_all(world.connect(down))) == digest(blob), "down"
    connection = world.connect(up)
    connection.sendall(blob)
    assert receive(connection, 4) == b"done"
    assert taken["digest"] == digest(blob), "up"
    assert a.end() == 5 and b.wait() in (0, 16)


@test
def ten_megabytes_each_way_over_a_socket_pair(world):
    both_ways(world, "socketpair")


@test
def ten_megabytes_each_way_over_a_pty(world):
    both_ways(world, "pty")


@test
def both_ways_at_once_on_one_connection(world):
    blob = data_of(MEGABYTES << 19)
    port = free_port()
    echo_port = world.serve(echo)
    a, b = world.pair(["service", f"7:127.0.0.1:{echo_port}"], ["forward", f"{port}:7"])
    b.wait_up()
    connection = world.connect(port)
    sender = threading.Thread(target=connection.sendall, args=(blob,))
    sender.start()
    assert digest(receive(connection, len(blob))) == digest(blob)
    sender.join()


@test
def a_hundred_connections_at_once(world):
    count, size = 100, 20_000
    echo_port, port = world.serve(echo), free_port()
    a, b = world.pair(["service", f"7:127.0.0.1:{echo_port}"], ["forward", f"{port}:7"])
    b.wait_up()
    right = []

    def one(seed):
        blob = data_of(size, seed)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as s:
            s.settimeout(PATIENCE * 3)
            s.sendall(blob)
            right.append(receive(s, size) == blob)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert right == [True] * count, f"{sum(right)} of {len(right)} answers were right, {count} asked for"


@test
def udp_through_forward_and_service(world):
    echo_port, port = world.serve(udp_echo, socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    a, b = world.pair(["service", f"udp:7:127.0.0.1:{echo_port}"], ["forward", f"udp:{port}:7"])
    a.wait_up()
    b.wait_up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE)
        for size in (1, 100, 1400, 1472):
            blob = data_of(size, size)
            s.sendto(blob, ("127.0.0.1", port))
            assert s.recv(65536) == blob, f"{size} bytes"


@test
def half_closed_connections_stay_open_the_other_way(world):
    def answer_after_end(connection):
        connection.sendall(digest(receive_all(connection)).encode())

    server, port = world.serve(answer_after_end), free_port()
    a, b = world.pair(["service", f"7:127.0.0.1:{server}"], ["forward", f"{port}:7"])
    b.wait_up()
    connection = world.connect(port)
    connection.sendall(b"question")
    connection.shutdown(socket.SHUT_WR)
    assert receive_all(connection).decode() == digest(b"question")


@test
def a_service_on_its_own_port_number(world):
    server, port = world.serve(echo), free_port()
    a, b = world.pair(["service", server], ["forward", f"{port}:{server}"])
    b.wait_up()
    connection = world.connect(port)
    connection.sendall(b"hello")
    assert receive(connection, 5) == b"hello"


@test
def a_connection_made_before_the_link_is_up_waits_for_it(world):
    server, port = world.serve(echo), free_port()
    left, right = world.socketpair()
    b = world.slirppd("notty", "forward", f"{port}:7", name="b", stdin=right, stdout=right)
    wait_for(lambda: "Connect:" in b.log(), "the line to open")
    connection = world.connect(port)
    connection.sendall(b"early")
    world.slirppd("notty", "service", f"7:127.0.0.1:{server}", name="a", stdin=left, stdout=left)
    assert receive(connection, 5) == b"early"


@test
def a_small_mru_holds_for_every_packet(world):
    blob = data_of(300_000)

    def exchange(connection):
        connection.sendall(receive(connection, len(blob)))

    server, port = world.serve(exchange), free_port()
    a, b = world.pair(["mru", "296", "service", f"7:127.0.0.1:{server}", "debug"], ["mtu", "400", "forward", f"{port}:7"])
    b.wait_up()
    connection = world.connect(port)
    threading.Thread(target=connection.sendall, args=(blob,), daemon=True).start()
    assert digest(receive(connection, len(blob))) == digest(blob)
    assert "<mru 296>" in a.log()


def addresses(process):
    lines = [line.split() for line in process.log().splitlines() if "IP address" in line]
    return {line[0]: line[3] for line in lines}


@test
def defaults_agree_whichever_starts_first(world):
    for first in ("a", "b"):
        left, right = world.socketpair()
        one = world.slirppd("notty", name=f"{first}-first", stdin=left, stdout=left)
        one.wait_log("Connect:")
        two = world.slirppd("notty", name=f"{first}-second", stdin=right, stdout=right)
        one.wait_up()
        two.wait_up()
        here, there = addresses(one), addresses(two)
        assert here["local"] == there["remote"] and here["remote"] == there["local"], (here, there)
        assert sorted(here.values()) == ["10.0.2.15", "10.0.2.2"], here
        one.end()
        two.wait()


@test
def an_explicit_address_wins_over_a_default(world):
    a, b = world.pair(["192.168.7.1:192.168.7.2"], [])
    a.wait_up()
    b.wait_up()
    assert addresses(a) == {"local": "192.168.7.1", "remote": "192.168.7.2"}, addresses(a)
    assert addresses(b) == {"local": "192.168.7.2", "remote": "192.168.7.1"}, addresses(b)


@test
def a_default_address_given_explicitly_wins_too(world):
    a, b = world.pair([], ["10.0.2.2:"])
    a.wait_up()
    b.wait_up()
    assert addresses(b)["local"] == "10.0.2.2", addresses(b)
    assert addresses(a)["local"] == addresses(b)["remote"] != "10.0.2.2", addresses(a)


@test
def renegotiated_addresses_still_reach_services_and_forwards(world):
    server, port, back, back_port = world.serve(echo), free_port(), world.serve(echo), free_port()
    a, b = world.pair(["192.168.7.1:192.168.7.2", "service", f"7:127.0.0.1:{server}", "forward", f"{back_port}:7"],
                      ["forward", f"{port}:7", "service", f"7:127.0.0.1:{back}"])
    a.wait_up()
    b.wait_up()
    for p in (port, back_port):
        connection = world.connect(p)
        connection.sendall(b"hello")
        assert receive(connection, 5) == b"hello"


def dns_query(name):
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + question + struct.pack(">HH", 1, 1)


@test
def the_peer_is_told_a_resolver_and_asks_the_hosts(world):
    """In namespaces of its own, where the host's resolver can be made to be ours: 127.0.0.1:53 there."""
    from harness import need_namespaces
    here = os.path.dirname(os.path.abspath(__file__))
    wrapper = need_namespaces() + ["python3", os.path.join(here, "resolver.py"), world.folder]
    left, right = world.socketpair()
    a = world.slirppd("notty", name="a", stdin=left, stdout=left, wrapper=wrapper)
    port = free_port(socket.SOCK_DGRAM)
    b = world.slirppd("notty", "usepeerdns", "forward", f"udp:{port}:10.0.2.3:53", name="b", stdin=right, stdout=right)
    b.wait_log(r"primary   DNS address 10\.0\.2\.3")
    b.wait_up()
    a.wait_up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE)
        s.sendto(dns_query("pikvm.example"), ("127.0.0.1", port))
        answer = s.recv(512)
    assert answer[:2] == b"\x12\x34" and answer.endswith(socket.inet_aton("192.0.2.7")), answer


main()
