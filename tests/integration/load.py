#!/usr/bin/env python3
"""Many connections at once, over limits, and in a flood: what must still be right then. ../bench/load.py measures the same."""

import json
import os
import re
import socket
import subprocess
import sys

from harness import PATIENCE, WRAPPER, echo, free_port, main, test
from rawpeer import LOCAL, RawPeer, Session, round_trips, syn_flood

SWARM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "swarm.py")
MANY = 500 if not WRAPPER else 30
CROWD = 1000 if not WRAPPER else 50
PEAK_MAX = 64 * 1000  # kB
LINE_BUFFER = 16 * 1024  # what of the flood is before a keystroke
CHECKED = bool(WRAPPER) or "ASAN_OPTIONS" in os.environ


def swarm_server(world):
    server = subprocess.Popen([sys.executable, SWARM, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    world.stack.callback(server.wait)
    world.stack.callback(server.stdin.close)
    world.stack.callback(server.stdout.close)
    return int(server.stdout.readline())


def swarm(*words):
    done = subprocess.run([sys.executable, SWARM, *map(str, words)], stdout=subprocess.PIPE, check=True, timeout=PATIENCE * 10)
    return json.loads(done.stdout)


def peak(process):
    """VmHWM in kB."""
    with open(f"/proc/{process.pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


def link(world, *limits):
    """A service that leads to a swarm server, and a forward to it: its port, and both slirppd's."""
    server, port = swarm_server(world), free_port()
    a, b = world.pair(["service", f"7:127.0.0.1:{server}", *limits], ["forward", f"{port}:7"])
    a.wait_up()
    b.wait_up()
    return port, a, b


def small(*processes):
    for process in processes:
        assert CHECKED or peak(process) < PEAK_MAX, f"{process.name}: {peak(process)} kB"


@test
def many_downloads_at_once(world):
    port, a, b = link(world)
    for _ in range(2):
        answer = swarm("download", "127.0.0.1", port, MANY, 100_000)
        assert answer["outcomes"] == {"right": MANY}, answer
    small(a, b)


@test
def a_crowd_at_once_and_one_too_many(world):
    port, a, b = link(world, "max-flows-per-service", CROWD)
    answer = swarm("crowd", "127.0.0.1", port, CROWD, 3)
    assert answer["first"] == answer["outcomes"] == {"right": CROWD}, answer
    assert not {"right", "hangs"} & set(answer["late"]), answer
    small(a, b)


def raw_link(world, *words):
    """A slirppd with a raw peer."""
    left, right = world.socketpair()
    a = world.slirppd("notty", *words, name="a", stdin=left, stdout=left)
    left.close()
    right.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LINE_BUFFER)
    peer = RawPeer(right.fileno())
    peer.negotiate()
    return a, peer


@test
def a_session_in_a_flood_of_syns(world):
    typed, flooded = world.serve(echo), world.serve(echo)
    a, peer = raw_link(world, "service", f"22:127.0.0.1:{typed}", "service", f"80:127.0.0.1:{flooded}")
    session = Session(peer, 50001, 22)
    calm = round_trips(session, 0.5)
    peer.flood = syn_flood([(LOCAL, 80), (LOCAL, 81), (bytes([192, 0, 2, 1]), 80)])
    busy = round_trips(session, 3)
    peer.flood = None
    after = round_trips(session, 0.5)
    for name, times in (("before", calm), ("during", busy), ("after", after)):
        print(f"# {name} the flood: {len(times)} round trips, median {times[len(times) // 2] * 1000:.1f} ms, "
              f"worst {times[-1] * 1000:.1f} ms")
    print(f"# peak {peak(a)} kB, {peer.refused} resets came")
    assert CHECKED or busy[len(busy) // 2] < 0.2, "typing is too slow in the flood"
    small(a)
    assert a.end() == 5


main()
