"""What compression does on a slow serial line: throughput of what people send, how long a keystroke takes, memory. `bench` calls it.

Each row is a cable of its own (`flow wire`, as fast as its speed and no faster) between two slirppd's, which take their ends for serial
ports (uart.c) and know their speed; all cables are measured at once, since they hardly use the processor. Text is English prose (this
program's comments), HTML the status page, noise is random."""

import concurrent.futures
import contextlib
import glob
import itertools
import os
import random
import re
import socket
import statistics
import struct
import subprocess
import threading
import time

import rigs

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
BITS_A_BYTE = 10
PIECE = 2048
NOISE_SIZE = 1 << 20
LONGEST_WAIT = 60
ASKED_LEN = 10
AHEAD_MIN = 6 * 1024
AHEAD_SECONDS = 2  # of the line: enough for a round trip, and the rest would stand in sockets and be carried after the measurement
SMALL_BUFFER = 16 * 1024  # a connection's: what waits in the kernel's sockets is not what is measured

# name, options of both ends
MODES = (
    ("none", "novj noccp"),
    ("vj", "noccp"),
    ("bsd12", "novj nodeflate bsdcomp 12,12"),
    ("bsd15", "novj nodeflate bsdcomp 15,15"),
    ("deflate9", "novj nobsdcomp deflate 9,9"),
    ("deflate15", "novj nobsdcomp deflate 15,15"),
    ("default", ""),
)

# bit/s, seconds of a stream, of typing
SPEEDS = ((115200, 4, 4), (9600, 10, 8))
QUICK = ((115200, 1, 1),)
QUICK_MODES = ("none", "default")


def prose():
    """The sentences of the comments in this program's sources."""
    found = []
    for path in sorted(glob.glob(os.path.join(TOP, "src", "**", "*.[ch]"), recursive=True)):
        with open(path, encoding="utf-8") as source:
            for comment in re.findall(r"/\*(.*?)\*/", source.read(), re.DOTALL):
                words = re.sub(r"\s+\*?\s*", " ", comment).strip()
                found += [words] if len(words) > 60 else []
    return "\n".join(found).encode()


def contents():
    with open(os.path.join(TOP, "src", "control", "page.html"), "rb") as page:
        html = page.read()
    return {"text": prose(), "html": html, "noise": random.Random(1).randbytes(NOISE_SIZE)}


class Server:
    """Serves what the first byte of a connection asks for: echo, or a stream (down or up) of the content that the second byte names; the
    others tell one connection from another. Its clock counts what comes up."""

    def __init__(self, stack, content):
        self.content = {name[0]: data + data[:PIECE] for name, data in content.items()}
        self.samples, self.open, self.wrong = {}, set(), set()
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            asked = connection.recv(ASKED_LEN, socket.MSG_WAITALL).decode()
            self.open.add(asked)
            try:
                self.answer(connection, asked)
            except rigs.Failure:
                self.wrong.add(asked)
            finally:
                self.open.discard(asked)

    def answer(self, connection, asked):
        if asked[0] == "E":
            while data := connection.recv(64):
                connection.sendall(data)
        elif asked[0] == "D":
            self.send(connection, asked[1])
        else:
            self.receive(connection, asked[1], self.samples.setdefault(asked, []))

    def send(self, connection, which, samples=None, ahead=0):
        """Until the other end has enough; with SAMPLES of what arrived no more than AHEAD before them."""
        data, total = self.content[which], 0
        with contextlib.suppress(OSError):
            while True:
                while samples is not None and total - (samples[-1][1] if samples else 0) > ahead and connection.fileno() >= 0:
                    time.sleep(0.005)
                at = total % (len(data) - PIECE)
                total += connection.send(data[at : at + PIECE])

    def receive(self, connection, which, samples, enough=lambda samples: False):
        """Samples are (when, how much by then)."""
        data, total = self.content[which], 0
        while not enough(samples) and (piece := connection.recv(PIECE)):
            at = total % (len(data) - PIECE)
            if data[at : at + len(piece)] != piece:
                raise rigs.Failure("the stream has a wrong byte")
            total += len(piece)
            samples.append((time.monotonic(), total))


def rate(samples):
    """kB/s between the first arrival of the second half and the last one: a stream has to get going."""
    begun = (samples[0][0] + samples[-1][0]) / 2
    first = next(sample for sample in samples if sample[0] >= begun)
    if samples[-1][0] <= first[0]:
        raise rigs.Failure("too little came to measure a stream by")
    return (samples[-1][1] - first[1]) / (samples[-1][0] - first[0]) / 1000


class Cable:
    """One row's: the wire, two slirppd's and what goes between them."""

    numbers = itertools.count()

    def __init__(self, stack, bench, server, shim, speed, mode, options):
        self.server, self.name = server, f"slow_{speed}_{mode}"
        self.ahead = max(AHEAD_MIN, AHEAD_SECONDS * speed // BITS_A_BYTE)
        self.stack = stack.enter_context(contextlib.ExitStack())
        wire, _ = rigs.start(self.stack, [bench.flow, "wire", str(speed // BITS_A_BYTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ends = [wire.stdout.readline().decode().strip() for _ in range(2)]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        common = [bench.slirppd, "nodetach", "logfd", "2", "local", "asyncmap", "0", str(speed), *options.split()]
        self.ends = {}
        for label, end, words in (("service", ends[0], ["service", str(server.port)]),
                                  ("forward", ends[1], ["forward", f"{self.port}:{server.port}"])):
            self.ends[label] = rigs.start(self.stack, common + [end, *words], env={**os.environ, "LD_PRELOAD": shim})

    def await_link(self):
        deadline = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < deadline:
            if all(log.when("remote IP address") for _, log in self.ends.values()):
                return
            time.sleep(0.05)
        raise rigs.Failure("; ".join(f"{label}: {log.tail()}" for label, (_, log) in self.ends.items()))

    @contextlib.contextmanager
    def connect(self, kind, content=" "):
        """A connection, and what it is known by. It ends with a reset, and what was under way with it; then the line is free again."""
        asked = f"{kind}{content[0]}{next(self.numbers):0{ASKED_LEN - 2}}"
        connection = socket.socket()
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(LONGEST_WAIT)
            connection.connect(("127.0.0.1", self.port))
            connection.sendall(asked.encode())
            yield connection, asked
        deadline = time.monotonic() + LONGEST_WAIT
        while asked in self.server.open:
            time.sleep(0.01)
            if time.monotonic() > deadline:
                raise rigs.Failure(f"{asked} does not end")

    def down(self, content, seconds):
        samples = []
        with self.connect("D", content) as (connection, _):
            # The time is that of the stream, not of what had to get out of its way.
            self.server.receive(connection, content[0], samples, lambda got: got and time.monotonic() > got[0][0] + seconds)
        return rate(samples)

    def up(self, content, seconds):
        with self.connect("U", content) as (connection, asked):
            samples = self.server.samples.setdefault(asked, [])
            threading.Thread(target=self.server.send, args=(connection, content[0], samples, self.ahead), daemon=True).start()
            deadline = time.monotonic() + LONGEST_WAIT
            while not samples and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(seconds)
            arrived = list(samples)
        if asked in self.server.wrong or not arrived:
            raise rigs.Failure("the stream has a wrong byte" if arrived else "nothing came up")
        return rate(arrived)

    def type(self, seconds):
        """Median milliseconds from a keystroke to its echo; the pauses are no multiple of anything."""
        times, end = [], time.monotonic() + seconds
        with self.connect("E") as (connection, _):
            while len(times) < 3 or time.monotonic() < end:
                time.sleep(random.uniform(0.03, 0.15))
                pressed = time.monotonic()
                connection.sendall(b"x")
                connection.recv(1)
                times.append(time.monotonic() - pressed)
        return statistics.median(times[1:]) * 1000

    def type_under_bulk(self, content, seconds):
        enough = threading.Event()

        def bulk():
            with contextlib.suppress(rigs.Failure, OSError), self.connect("D", content) as (connection, _):
                self.server.receive(connection, content[0], [], lambda _: enough.is_set())

        thread = threading.Thread(target=bulk, daemon=True)
        thread.start()
        try:
            time.sleep(seconds / 2)  # the queues fill
            return self.type(seconds)
        finally:
            enough.set()
            thread.join()

    def measure(self, runs, stream, typing):
        """Figures by name: (unit, values)."""
        figures = {}

        def record(what, unit, value):
            figures.setdefault(f"{self.name}_{what}", (unit, []))[1].append(value)

        self.await_link()
        for _ in range(runs):
            record("key", "ms", self.type(typing / 2))
            for content in ("text", "noise"):
                record(f"key_{content}", "ms", self.type_under_bulk(content, typing))
            # What a stream up leaves behind would delay the acknowledgements of one down.
            for way in (self.down, self.up):
                for content in ("text", "html", "noise"):
                    record(f"{content}_{way.__name__}", "kB/s", way(content, stream))
        for process, _ in self.ends.values():
            record("rss", "MB", rigs.rss_megabytes(process.pid))
        return figures


def build_shim(folder):
    shim = os.path.join(folder, "uart.so")
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-o", shim, os.path.join(HERE, "uart.c"), "-ldl"]
    subprocess.run(command, check=True)
    return shim


def measure(bench, folder, quick, failed):
    """All figures, by name; FAILED is told of the rows that could not be measured."""
    figures = {}
    runs = 1 if quick else int(os.environ.get("BENCH_SLOW_RUNS", "1"))
    wanted = os.environ.get("BENCH_SLOW", "").split()  # rows, by the end of their names; all of them
    with contextlib.ExitStack() as stack:
        server, shim = Server(stack, contents()), build_shim(folder)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(MODES) * len(SPEEDS)))
        begun = []
        for speed, stream, typing in QUICK if quick else SPEEDS:
            for mode, options in MODES:
                if (quick and mode not in QUICK_MODES) or (wanted and not any(f"{speed}_{mode}".endswith(each) for each in wanted)):
                    continue
                cable = Cable(stack, bench, server, shim, speed, mode, options)
                begun.append((cable, pool.submit(cable.measure, runs, stream, typing)))
        for cable, future in begun:
            try:
                figures.update(future.result())
            except (rigs.Failure, OSError) as error:
                failed(cable.name, error)
    return figures
