#!/usr/bin/env python3
"""Many connections at once, at both ends: started as a process by load.py here and in ../bench, so that neither end waits for
the other's interpreter.

    swarm.py serve [ADDRESS]                    prints its port; ends when its standard input does
    swarm.py download ADDRESS PORT COUNT SIZE   COUNT connections at once, SIZE bytes each, every byte compared
    swarm.py crowd ADDRESS PORT COUNT MORE      COUNT connections that all stay open and are all served, twice; then MORE beyond them
    swarm.py hold                               says `ready`, and stays until its standard input ends

A client prints one line of JSON. It asks with one line, "SIZE SEED": SIZE bytes of the pattern from SEED on are the answer,
and the connection stays open for the next question.
"""

import contextlib
import json
import os
import random
import resource
import select
import selectors
import socket
import sys
import time

PATIENCE = float(os.environ.get("SWARM_PATIENCE", "60"))
PERIOD = 1_048_573  # prime, so that a piece lost, doubled or moved does not fit again
PATTERN = random.Random(1).randbytes(PERIOD) * 2
STEP = 4099
QUESTION_MAX = 64
CHUNK = 65536


def answer_to(size, seed):
    """At most PERIOD bytes."""
    start = seed * STEP % PERIOD
    return memoryview(PATTERN)[start:start + min(size, PERIOD)]


def many_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Served:
    """One connection at the server."""

    def __init__(self, connection):
        self.connection = connection
        self.question = b""
        self.left = memoryview(b"")

    def read(self):
        """False at its end."""
        data = self.connection.recv(CHUNK)
        self.question += data
        line, end, rest = self.question.partition(b"\n")
        if end:
            self.question = rest
            self.left = answer_to(*map(int, line.split()))
        return bool(data) and len(self.question) < QUESTION_MAX

    def write(self):
        self.left = self.left[self.connection.send(self.left):]


def serve_one(selector, served):
    try:
        goes_on = served.write() is None if served.left else served.read()
        if goes_on and served.left:
            served.write()
    except BlockingIOError:
        goes_on = True
    except (OSError, ValueError):
        goes_on = False
    if not goes_on:
        selector.unregister(served.connection)
        served.connection.close()
        return
    selector.modify(served.connection, selectors.EVENT_WRITE if served.left else selectors.EVENT_READ, served)


def accept_all(selector, listener):
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, Served(connection))


def serve(address="127.0.0.1"):
    selector = selectors.EpollSelector()
    listener = socket.create_server((address, 0), backlog=4096)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, listener)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                return
            if key.data is listener:
                accept_all(selector, listener)
            else:
                serve_one(selector, key.data)


class Client:
    """One connection of a crowd: connects, asks, compares, and says how that ended in `outcome`."""

    def __init__(self, selector, address, seed, size, stays=False):
        self.selector, self.seed, self.size, self.stays = selector, seed, size, stays
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.outcome, self.started, self.took = None, time.monotonic(), None
        self.socket.connect_ex(address)
        selector.register(self.socket, selectors.EVENT_WRITE, self)

    def ask(self):
        self.expected = answer_to(self.size, self.seed)
        self.got, self.outcome = 0, None
        self.socket.send(b"%d %d\n" % (self.size, self.seed))
        self.selector.modify(self.socket, selectors.EVENT_READ, self)

    def again(self):
        self.selector.register(self.socket, selectors.EVENT_WRITE, self)
        self.outcome, self.started = None, time.monotonic()

    def end(self, outcome):
        self.outcome, self.took = outcome, time.monotonic() - self.started
        self.selector.unregister(self.socket)
        if not self.stays:
            self.socket.close()

    def take(self):
        data = self.socket.recv(CHUNK)
        if not data:
            self.end("closed")
        elif data != self.expected[self.got:self.got + len(data)]:
            self.end("wrong bytes")
        else:
            self.got += len(data)
            if self.got == self.size:
                self.end("right")

    def step(self, events):
        try:
            if events & selectors.EVENT_WRITE:
                self.ask()
            else:
                self.take()
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error.strerror)


def run(selector, clients):
    """Until all of them have an outcome, or patience is at its end."""
    end = time.monotonic() + PATIENCE
    waiting = len(clients)
    while waiting and time.monotonic() < end:
        for key, events in selector.select(1):
            key.data.step(events)
            waiting -= key.data.outcome is not None
    for client in clients:
        if client.outcome is None:
            client.end("hangs")


def outcomes(clients):
    counted = {}
    for client in clients:
        counted[client.outcome] = counted.get(client.outcome, 0) + 1
    return counted


def report(clients, started, **more):
    took = sorted(client.took for client in clients)
    print(json.dumps({"outcomes": outcomes(clients), "seconds": time.monotonic() - started, "median": took[len(took) // 2],
                      "slowest": took[-1], **more}), flush=True)


def download(address, port, count, size):
    selector, started = selectors.EpollSelector(), time.monotonic()
    clients = [Client(selector, (address, int(port)), seed, int(size)) for seed in range(int(count))]
    run(selector, clients)
    report(clients, started)


def crowd(address, port, count, more):
    """The second question is asked when all connections are there; the ones beyond come while all are still open."""
    selector, started = selectors.EpollSelector(), time.monotonic()
    clients = [Client(selector, (address, int(port)), seed, 1000, stays=True) for seed in range(int(count))]
    run(selector, clients)
    first = outcomes(clients)
    for client in clients:
        if client.outcome == "right":
            client.again()
    run(selector, clients)
    late = [Client(selector, (address, int(port)), seed, 1000) for seed in range(int(more))]
    run(selector, late)
    report(clients, started, first=first, late=outcomes(late), late_slowest=max((c.took for c in late), default=0))


def hold():
    print("ready", flush=True)
    select.select([sys.stdin], [], [])


COMMANDS = {"serve": serve, "download": download, "crowd": crowd, "hold": hold}

if __name__ == "__main__":
    many_descriptors()
    COMMANDS[sys.argv[1]](*sys.argv[2:])
