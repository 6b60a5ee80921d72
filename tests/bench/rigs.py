"""What is measured, set up and taken down: each rig is a way from a client to a server on this machine's loopback, through
slirppd or what it is compared with. `bench` asks it for runs, processor time and memory."""

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import tty

LOCAL, REMOTE = "10.0.2.2", "10.0.2.15"
LINK_PATIENCE = 15
# The second process finds the first one waiting.
SETTLED = 0.3
TICK = os.sysconf("SC_CLK_TCK")
# Connections are measured by the thousand, and each leaves its port waiting for a minute.
WIDE_PORTS = "echo 2048 65535 >/proc/sys/net/ipv4/ip_local_port_range"


class Failure(Exception):
    """A rig that cannot be set up, or a run that went wrong."""


class Log(threading.Thread):
    """A process's messages, each with the time at which it came."""

    def __init__(self):
        super().__init__(daemon=True)
        self.reader, self.writer = os.pipe()
        self.lines = []

    def run(self):
        with open(self.reader, "rb", buffering=0) as pipe:
            rest = b""
            while data := pipe.read(4096):
                when = time.monotonic()
                *lines, rest = (rest + data).split(b"\n")
                self.lines += [(when, line.decode(errors="replace")) for line in lines]

    def when(self, text):
        """When TEXT was first logged; None if it was not."""
        return next((when for when, line in list(self.lines) if text in line), None)

    def tail(self):
        return " | ".join(line for _, line in self.lines[-6:] if line.strip()) or "it said nothing"


def stop(process):
    """Ends a process: the end of its input is enough for `flow`, the others get SIGTERM."""
    if process.stdin:
        process.stdin.close()
    elif process.poll() is None:
        process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def start(stack, command, **options):
    """Starts COMMAND; leaving STACK ends it. Returns the process and its log (standard error)."""
    log = Log()
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.DEVNULL)
    try:
        process = subprocess.Popen(command, stderr=log.writer, **options)
    except OSError as error:
        os.close(log.reader)
        raise Failure(f"{command[0]}: {error.strerror}") from error
    finally:
        os.close(log.writer)
    log.start()
    stack.callback(stop, process)
    return process, log


def private(path, flags):
    return os.open(path, flags, 0o600)


class Server:
    """`flow serve` on this machine's loopback; CONTENT is a file in the place of noise. Its clients need its environment."""

    def __init__(self, stack, flow, content=None):
        self.environment = {**os.environ, "FLOW_CONTENT": content} if content else None
        self.process, self.log = start(stack, [flow, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment)
        self.port = int(self.process.stdout.readline())


class Namespace:
    """A network namespace of the peer's own; INSIDE goes before a command that is to run there."""

    def __init__(self, stack, flow):
        self.process, log = start(stack, ["unshare", "-n", flow, "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            self.process.wait()
            raise Failure(f"no network namespace: {log.tail()}")
        self.pid = str(self.process.pid)
        self.inside = ["nsenter", "-t", self.pid, "-n"]
        subprocess.run(self.inside + ["sh", "-c", WIDE_PORTS], stderr=subprocess.DEVNULL, check=False)


def descendants(pid):
    """PID and all that it has started."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as children:
                    found += [int(child) for child in children.read().split()]
    return found


def cpu_seconds(pid):
    """User and system time; what a descendant that has ended used is not counted."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError), open(f"/proc/{each}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def rss_megabytes(pid):
    """VmRSS, 10^6 bytes."""
    total = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError), open(f"/proc/{each}/status", encoding="ascii", errors="replace") as status:
            found = re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.MULTILINE)
            total += int(found[1]) * 1024 if found else 0
    return total / 1e6


class Rig:
    """One way to the server. A subclass gives `name` and `needs`, and sets up processes, `address`, `port` and `inside`."""

    name = about = ""
    needs = ()
    content = "noise"
    counted = True  # requests and connections, too

    def __init__(self, bench):
        self.bench = bench
        self.server = bench.server_of(self.content)
        self.stack = contextlib.ExitStack()
        self.processes, self.logs = {}, {}
        self.inside = []
        self.address, self.port = LOCAL, self.server.port
        self.waiter = self.started = self.answered = None
        try:
            self.set_up()
            self.await_answer()
            self.rss_idle = self.rss()
        except BaseException:
            self.close()
            raise

    def set_up(self):
        raise NotImplementedError

    def close(self):
        self.stack.close()

    def start(self, label, command, **options):
        self.started = time.monotonic()
        self.processes[label], self.logs[label] = start(self.stack, command, **options)

    def client(self, *words):
        return self.inside + [self.bench.flow, words[0], self.address, str(self.port), *map(str, words[1:])]

    def start_waiter(self):
        """A client that tries until it is answered."""
        self.waiter, _ = start(self.stack, self.client("wait", LINK_PATIENCE), stdout=subprocess.PIPE, env=self.server.environment)

    def await_answer(self):
        if self.waiter is None:
            self.start_waiter()
        answered = self.waiter.stdout.readline()
        if not answered:
            raise Failure("no answer; " + "; ".join(f"{label}: {log.tail()}" for label, log in self.logs.items()))
        self.answered = int(answered) / 1e9

    def first_answer(self):
        """Milliseconds from starting the last process to the first answer through the rig."""
        return (self.answered - self.started) * 1000

    def measure(self, kind, seconds):
        """A run of the client; how much, in how many seconds."""
        said = len(self.server.log.lines)
        try:
            amount, elapsed = self.bench.run(self.client(kind, seconds), self.server.environment).split()
        except Failure as error:
            heard = "; ".join(line for _, line in self.server.log.lines[said:])
            raise Failure(f"{kind}: {error}" + (f"; the server: {heard}" if heard else "")) from error
        return int(amount), float(elapsed)

    def cpu(self):
        return {label: cpu_seconds(process.pid) for label, process in self.processes.items()}

    def rss(self):
        return {label: rss_megabytes(process.pid) for label, process in self.processes.items()}


def pair_line(stack):
    """The two ends of a socket pair, as descriptors."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    stack.enter_context(one)
    stack.enter_context(other)
    return one.fileno(), other.fileno()


def pty_line(stack):
    """The master and the slave of a raw pty."""
    master, slave = pty.openpty()
    stack.callback(os.close, master)
    stack.callback(os.close, slave)
    tty.setraw(slave)
    return master, slave


class Slirppd(Rig):
    """Two slirppd's: the peer on one end of a line, the one with the service on the other."""

    needs = ("slirppd",)
    line = staticmethod(pair_line)
    # The figures of a line are without compression, which pppd's defaults are not.
    compression = ("novj", "noccp")

    def slirppd(self, label, end, addresses, *options, inside=()):
        command = [*inside, self.bench.slirppd, "notty", "nodetach", "logfd", "2", "asyncmap", "0", addresses, *self.compression]
        self.start(label, command + list(options), stdin=end, stdout=end)

    def set_up(self):
        peer_end, own_end = self.line(self.stack)
        self.start_peer(peer_end)
        time.sleep(SETTLED)
        self.start_own(own_end)

    def start_own(self, end):
        self.slirppd("slirp", end, f"{LOCAL}:{REMOTE}", "net", "slirp", "service", str(self.server.port))

    def start_peer(self, end):
        namespace = Namespace(self.stack, self.bench.flow)
        self.inside = namespace.inside
        self.slirppd("tun", end, f"{REMOTE}:{LOCAL}", "noauth", "net", "tun", inside=namespace.inside)
        self.start_waiter()

    def link_up(self):
        """Milliseconds from starting the second process until both have said that the link is up."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            times = [log.when("remote IP address") for log in self.logs.values()]
            if None not in times:
                return (max(times) - self.started) * 1000
            time.sleep(0.01)
        raise Failure("no line `remote IP address` in a log")


class Pair(Slirppd):
    name = "pair"
    about = "slirppd `net slirp` and slirppd `net tun` in a namespace, on a socket pair"
    needs = ("slirppd", "namespace", "tun")


class Pty(Slirppd):
    name = "pty"
    about = "the same on a pty: the slave is slirp's, the master tun's"
    needs = ("slirppd", "namespace", "tun")
    line = staticmethod(pty_line)


class Forward(Slirppd):
    name = "forward"
    about = "slirppd with `forward` and slirppd with `service`, both `net slirp`, on a socket pair"

    def start_peer(self, end):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = "127.0.0.1"
        self.slirppd("forward", end, f"{REMOTE}:{LOCAL}", "net", "slirp", "forward", f"{self.port}:{self.server.port}")


class ForwardPty(Forward):
    name = "forward_pty"
    about = "the same on a pty"
    line = staticmethod(pty_line)


class PairDefault(Pair):
    name = "pair_default"
    about = "pair with what is negotiated unless told otherwise (Deflate 15, VJ); noise"
    compression = ()
    counted = False


class PairDefaultText(PairDefault):
    name = "pair_default_text"
    about = "the same; text"
    content = "text"


class PairBsd(PairDefault):
    name = "pair_bsd_text"
    about = "pair with BSD-Compress 15, without VJ; text"
    compression = ("novj", "nodeflate", "bsdcomp", "15,15")
    content = "text"


class PairMppe(PairDefault):
    name = "pair_mppe128"
    about = "pair with MPPE of 128 bits, stateless, after MS-CHAPv2, without VJ; noise"

    def set_up(self):
        home = tempfile.mkdtemp(prefix="bench-mppe-")
        self.stack.callback(shutil.rmtree, home, ignore_errors=True)
        self.secrets = os.path.join(home, "chap-secrets")
        with open(os.path.join(home, "chap-secrets"), "w", encoding="ascii", opener=private) as file:
            file.write("bench * secret *\n")
        super().set_up()

    def slirppd(self, label, end, addresses, *options, inside=()):
        secret = ("chap-secrets", self.secrets, "user", "bench", "novj", "nodeflate", "nobsdcomp", "require-mppe-128")
        proof = ("require-mschap-v2",) if label == "slirp" else ()
        super().slirppd(label, end, addresses, *options, *secret, *proof, inside=inside)


class Slirp4netns(Rig):
    name = "slirp4netns"
    about = "slirp4netns, MTU 1500, the host's loopback at its gateway address"
    needs = ("slirp4netns", "namespace", "tun")

    def set_up(self):
        namespace = Namespace(self.stack, self.bench.flow)
        self.inside = namespace.inside
        self.start("slirp4netns", ["slirp4netns", "--configure", "--mtu=1500", namespace.pid, "tap0"])


class OldSlirp(Slirppd):
    """SLiRP in the place of the slirppd with the service: same pty, same peer."""

    name = "slirp"
    about = "slirp-fullbolt -P on the slave of a pty, the same slirppd `net tun` on the master"
    needs = ("slirppd", "slirp-fullbolt", "namespace", "tun")
    line = staticmethod(pty_line)

    def start_own(self, end):
        home = tempfile.mkdtemp(prefix="bench-slirp-")
        self.stack.callback(shutil.rmtree, home, ignore_errors=True)
        command = ["slirp-fullbolt", "-P", "mtu 1500", "mru 1500", "asyncmap 0", "host addr 127.0.0.1"]
        # In a session of its own: what it does to the process group of its terminal is not to be done to ours.
        self.start("slirp", command, stdin=end, stdout=end, env={**os.environ, "HOME": home}, start_new_session=True)


RIGS = (Pair, Pty, Forward, ForwardPty, PairDefault, PairDefaultText, PairBsd, PairMppe, Slirp4netns, OldSlirp)


def unwind_on_signals():
    """A signal unwinds the stacks, so that nothing is left behind."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
