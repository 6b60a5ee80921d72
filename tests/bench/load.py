#!/usr/bin/env python3
"""Many connections at once through slirppd, with slirp4netns beside it: `load.py [--quick] [NAME...]`.

`downloads`: 500 of 100 kB at once through one `forward`, round after round; `hostfwd` is slirp4netns doing the same through
one port that it forwards (where it may), `outward` through its gateway address. `crowd`: 1,000 connections that are all open
at once through one service, and more of them over the limit. `flood`: what typing on the same link feels like while the peer
sends SYNs as fast as the line takes them. Wall time is the client's, memory is the kernel's own peak of each round (VmHWM),
and what is left is looked at until it is back. Environment: SLIRPPD, and LOAD_EXTRA: more words for both slirppd's."""

import argparse
import contextlib
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
INTEGRATION = os.path.join(HERE, "..", "integration")
sys.path[:0] = [HERE, INTEGRATION]
import rawpeer  # noqa: E402
import rigs  # noqa: E402

SWARM = os.path.join(INTEGRATION, "swarm.py")
DOWNLOADS, SIZE, ROUNDS = 500, 100_000, 10
CROWD, BEYOND = 1000, 5
FLOOD_BUFFER = 16 * 1024  # what of the flood stands before a keystroke
FLOOD_TARGETS = [(rawpeer.LOCAL, 80), (rawpeer.LOCAL, 81), (bytes([192, 0, 2, 1]), 80)]
PEAK_MAX, LEFT_MAX = 64.0, 2.0
NAMESPACE_ADDRESS = "10.0.2.100"  # that slirp4netns gives


def memory(pid, field):
    """VmRSS or VmHWM, 10^6 bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return next((int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith(field)), 0.0)


def forget_peak(pid):
    """VmHWM counts from now."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def swarm(inside, *words):
    """What a client printed."""
    done = subprocess.run(inside + [sys.executable, SWARM, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise rigs.Failure("a client failed")
    return json.loads(done.stdout)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Way:
    """From clients to a server; a subclass sets up `processes`, `address`, `port` and `inside` (of the clients)."""

    rounds = ROUNDS
    patience = 1  # with its memory, seconds

    def __init__(self, stack):
        self.stack, self.processes, self.inside = stack, {}, []
        self.address, self.port = "127.0.0.1", None
        self.set_up()
        time.sleep(rigs.SETTLED)
        answer = swarm(self.inside, "download", self.address, self.port, 1, 100)
        if answer["outcomes"] != {"right": 1}:
            raise rigs.Failure(f"{self.name}: {answer['outcomes']}")
        self.idle = self.memory("VmRSS")

    def serve(self, inside=(), address="127.0.0.1"):
        process, _ = rigs.start(self.stack, [*inside, sys.executable, SWARM, "serve", address], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        return int(process.stdout.readline())

    def memory(self, field):
        return {label: memory(process.pid, field) for label, process in self.processes.items()}

    def forget_peaks(self):
        for process in self.processes.values():
            forget_peak(process.pid)

    def cpu(self):
        return sum(rigs.cpu_seconds(process.pid) for process in self.processes.values())

    def await_rest(self):
        """Seconds until each process is back to what it had, and by how much the one that kept most is above it then."""
        start = time.monotonic()
        while True:
            left = max(now - self.idle[label] for label, now in self.memory("VmRSS").items())
            took = time.monotonic() - start
            if left <= LEFT_MAX or took > self.patience:
                return took, left
            time.sleep(0.05)


class Slirppd(Way):
    name = "slirppd"
    patience = 30
    limits = ()

    def set_up(self):
        program = os.environ.get("SLIRPPD")
        if not program:
            raise rigs.Failure("SLIRPPD names no program")
        server = self.serve()
        self.port = free_port()
        peer_end, own_end = rigs.pair_line(self.stack)
        extra = shlex.split(os.environ.get("LOAD_EXTRA", ""))
        common = [program, "notty", "nodetach", "logfd", "2", "asyncmap", "0", "net", "slirp", *extra]
        for label, end, words in (("forward", peer_end, ["forward", f"{self.port}:{server}"]),
                                  ("service", own_end, ["service", str(server), *self.limits])):
            self.processes[label], _ = rigs.start(self.stack, common + words, stdin=end, stdout=end)
            time.sleep(rigs.SETTLED)


class Limited(Slirppd):
    name = "slirppd with a limit"
    limits = ("max-flows-per-service", str(CROWD))


class Hostfwd(Way):
    """slirp4netns with one forwarded port: the server is in the namespace. Its listener's backlog is 1: most connections hang until
    the client gives up."""

    name = "hostfwd"
    rounds = 1

    def set_up(self):
        namespace = rigs.Namespace(self.stack, SWARM)
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="load-"))
        api = os.path.join(folder, "api")
        command = ["slirp4netns", "--configure", "--mtu=1500", "--api-socket", api, namespace.pid, "tap0"]
        self.processes[self.name], _ = rigs.start(self.stack, command)
        time.sleep(1)
        self.lead(namespace, api)

    def lead(self, namespace, api):
        self.port = free_port()
        arguments = {"proto": "tcp", "host_addr": "127.0.0.1", "host_port": self.port, "guest_addr": NAMESPACE_ADDRESS,
                     "guest_port": self.serve(namespace.inside, "0.0.0.0")}
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(api)
            connection.sendall(json.dumps({"execute": "add_hostfwd", "arguments": arguments}).encode())
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        if b"error" in answer:
            raise rigs.Failure(f"slirp4netns: {answer.decode(errors='replace')}")


class Outward(Hostfwd):
    """slirp4netns the other way: the clients are in the namespace."""

    name = "outward"
    rounds = Way.rounds

    def lead(self, namespace, api):
        self.inside, self.address, self.port = namespace.inside, rigs.LOCAL, self.serve()


def downloads(way, count, size):
    """One round: a dictionary of figures."""
    way.forget_peaks()
    cpu = way.cpu()
    answer = swarm(way.inside, "download", way.address, way.port, count, size)
    peaks = way.memory("VmHWM")
    used = way.cpu() - cpu
    back, left = way.await_rest()
    return {"lost": count - answer["outcomes"].get("right", 0), "seconds": answer["seconds"], "cpu": used,
            "peak": max(peaks.values()), "back": back, "left": left}


def print_table(rows):
    print(f"# {'':22}{'rounds':>7}{'lost':>6}{'median s':>10}{'worst s':>9}{'CPU s':>8}{'peak MB':>9}{'back s':>8}{'left MB':>9}")
    for name, rounds in rows.items():
        column = {key: [each[key] for each in rounds] for key in rounds[0]}
        print(f"# {name:22}{len(rounds):7}{sum(column['lost']):6}{statistics.median(column['seconds']):10.3f}{max(column['seconds']):9.3f}"
              f"{statistics.median(column['cpu']):8.2f}{max(column['peak']):9.1f}{max(column['back']):8.2f}{max(column['left']):9.2f}")


def judge(what, met):
    print(f"# {what}: {'met' if met else 'MISSED'}")


def measure_downloads(rounds, size):
    rows = {}
    with contextlib.ExitStack() as stack:
        ways = []
        for kind in (Slirppd, Hostfwd, Outward):
            try:
                ways.append(kind(stack))
            except (rigs.Failure, OSError) as error:
                print(f"# skipped {kind.name}: {error}", flush=True)
        # They take turns, so that a noisy minute is shared by all.
        for number in range(rounds):
            for way in (way for way in ways if number < way.rounds):
                rows.setdefault(way.name, []).append(downloads(way, DOWNLOADS, size))
                print("#", way.name, json.dumps(rows[way.name][-1]), flush=True)
    print_table(rows)
    medians = {name: statistics.median(each["seconds"] for each in got) for name, got in rows.items()}
    for name, seconds in medians.items():
        print(f"load_downloads_{name} {seconds:.4g} s")
    for name in medians.keys() - {Slirppd.name}:
        ratio = medians[Slirppd.name] / medians[name]
        print(f"ratio_load_{name} {ratio:.3g} ratio")
        judge(f"less than half the time of slirp4netns ({name})", ratio < 0.5)
    own = rows[Slirppd.name]
    judge("every byte right", not any(each["lost"] for each in own))
    judge(f"peak of each slirppd below {PEAK_MAX:g} MB", max(each["peak"] for each in own) < PEAK_MAX)
    judge(f"back to within {LEFT_MAX:g} MB in the end", max(each["left"] for each in own) <= LEFT_MAX)


def measure_crowd(*_):
    with contextlib.ExitStack() as stack:
        try:
            way = Limited(stack)
        except rigs.Failure as error:
            print(f"# no limit can be set ({error}); without one", flush=True)
            way = Slirppd(stack)
        way.forget_peaks()
        answer = swarm(way.inside, "crowd", way.address, way.port, CROWD, BEYOND)
        peaks = way.memory("VmHWM")
        back, left = way.await_rest()
    print(f"# {CROWD} at once, first question: {answer['first']}; second: {answer['outcomes']}; {BEYOND} beyond: {answer['late']}")
    print(f"# slowest answer {answer['slowest']:.3f} s, slowest refusal {answer['late_slowest']:.3f} s; "
          f"peaks {', '.join(f'{label} {value:.1f} MB' for label, value in peaks.items())}; back in {back:.2f} s, {left:.2f} MB left")
    print(f"load_crowd {answer['seconds']:.4g} s")
    judge(f"{CROWD} served right", answer["first"] == answer["outcomes"] == {"right": CROWD})
    judge("those beyond refused", "right" not in answer["late"] and "hangs" not in answer["late"])


def echo_port(stack):
    """A server that answers each byte with itself, for one connection after the other."""
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    while data := connection.recv(4096):
                        connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def measure_flood(*_):
    """The flooded service accepts nothing; the other targets are a port that is not served, and the world."""
    with contextlib.ExitStack() as stack:
        typed, flooded = echo_port(stack), stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        peer_end, own_end = socket.socketpair()
        stack.enter_context(peer_end)
        peer_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, FLOOD_BUFFER)
        command = [os.environ.get("SLIRPPD", "slirppd"), "notty", "nodetach", "logfd", "2", "net", "slirp", "service",
                   f"22:127.0.0.1:{typed}", "service", f"80:127.0.0.1:{flooded.getsockname()[1]}"]
        process, _ = rigs.start(stack, command, stdin=own_end, stdout=own_end)
        own_end.close()
        peer = rawpeer.RawPeer(peer_end.fileno())
        peer.negotiate()
        session = rawpeer.Session(peer, 50001, 22)
        for name, flood, seconds in (("calm", None, 1), ("flood", rawpeer.syn_flood(FLOOD_TARGETS), 10), ("after", None, 1)):
            peer.flood = flood
            times = rawpeer.round_trips(session, seconds)
            print(f"load_typing_{name} {statistics.median(times) * 1000:.4g} ms")
            print(f"#   {len(times)} round trips, worst {times[-1] * 1000:.4g} ms")
        print(f"load_flood_peak {memory(process.pid, 'VmHWM'):.4g} MB")


MEASURES = {"downloads": measure_downloads, "crowd": measure_crowd, "flood": measure_flood}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], epilog=f"Names: {' '.join(MEASURES)}")
    parser.add_argument("--quick", action="store_true", help="two rounds: to see that everything works")
    parser.add_argument("names", nargs="*", metavar="NAME", help="measure only these")
    arguments = parser.parse_args()
    rigs.unwind_on_signals()
    for name in arguments.names or MEASURES:
        try:
            MEASURES[name](2 if arguments.quick else ROUNDS, SIZE)
        except (rigs.Failure, AssertionError) as error:
            print(f"# FAILED {name}: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
