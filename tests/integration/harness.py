"""What the integration tests share: TAP, slirppd processes, lines to join them, servers to talk to.

A test is a function with the @test decorator; main() runs them all (or those named on the command line) and prints TAP. The program
is $SLIRPPD, run under $SLIRPPD_WRAPPER if that is set (valgrind), which also makes every patience longer. Everything runs on ptys,
socket pairs and loopback with ports that were free a moment ago, and everything is ended by pid.
"""

import contextlib
import hashlib
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback
import tty

WRAPPER = shlex.split(os.environ.get("SLIRPPD_WRAPPER", ""))
PATIENCE = 60 * (3 if WRAPPER else 1)


def find_program():
    given = os.environ.get("SLIRPPD")
    if given:
        return os.path.abspath(given)
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    for place in (".", top, os.path.join(top, "build")):
        path = os.path.join(place, "slirppd")
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.abspath(path)
    return "slirppd"


PROGRAM = find_program()


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


TESTS = []


def test(function):
    TESTS.append(function)
    return function


def main():
    wanted = sys.argv[1:]
    if not shutil.which(PROGRAM):
        print("Bail out! there is no slirppd: set SLIRPPD to its path")
        sys.exit(99)
    tests = [t for t in TESTS if not wanted or t.__name__ in wanted]
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, function in enumerate(tests, 1):
        name = function.__name__.replace("_", " ")
        with contextlib.ExitStack() as stack:
            world = World(stack)
            try:
                function(world)
                print(f"ok {number} - {name}", flush=True)
            except Skip as skip:
                print(f"ok {number} - {name} # SKIP {skip}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {number} - {name}")
                for line in traceback.format_exc().splitlines():
                    print("#", line)
                world.show_logs()
                sys.stdout.flush()
    sys.exit(1 if failed else 0)


def wait_for(condition, what, patience=None):
    """Polls until condition() is true and returns what it gave."""
    end = time.monotonic() + (patience or PATIENCE)
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"waited too long for {what}")


GIVEN = set()


def free_port(kind=socket.SOCK_STREAM):
    """One that nothing uses now, and that was not given to anybody else in this test program."""
    while True:
        with socket.socket(socket.AF_INET, kind) as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port not in GIVEN:
            GIVEN.add(port)
            return port


class Process:
    """A slirppd with its log in a file and what it printed in another."""

    def __init__(self, world, words, name, wrapper=None, program=None, **how):
        self.name = name
        self.log_path = os.path.join(world.folder, name + ".log")
        self.output_path = os.path.join(world.folder, name + ".out")
        how.setdefault("stdin", subprocess.DEVNULL)
        env = dict(os.environ, HOME=world.folder, XDG_CONFIG_HOME=world.folder, XDG_RUNTIME_DIR=world.folder)
        env.update(how.pop("env", {}))
        how.setdefault("start_new_session", True)
        # A checker's log file is named by the process; numbers come again, and the file may then be another user's.
        checker = [w.replace("%p", f"%p-{time.monotonic_ns()}") for w in WRAPPER]
        command = (wrapper or []) + checker + [program or PROGRAM] + [str(w) for w in words]
        with open(self.output_path, "ab") as output:
            how.setdefault("stdout", output)
            how.setdefault("stderr", output)
            self.process = subprocess.Popen(command, env=env, **how)
        self.pid = self.process.pid

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def output(self):
        with open(self.output_path, errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, count=1, patience=None):
        return wait_for(lambda: len(re.findall(pattern, self.log(), re.M)) >= count,
                        f"{count} x {pattern!r} in the log of {self.name}", patience)

    def wait_up(self, count=1, patience=None):
        self.wait_log(r"^remote IP address ", count, patience)

    def kill(self, sig=signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, sig)

    def wait(self, patience=None):
        return self.process.wait(patience or PATIENCE)

    def end(self):
        """The exit code after a SIGTERM."""
        self.kill()
        return self.wait()

    def stop(self):
        if self.process.poll() is None:
            self.kill(signal.SIGKILL)
            self.process.wait()


class World:
    """What one test made, all of it gone when the test ends."""

    def __init__(self, stack):
        self.stack = stack
        self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="slirppd-"))
        os.chmod(self.folder, 0o755)
        self.processes = []

    def slirppd(self, *words, name=None, log=True, **how):
        name = name or "slirppd%d" % len(self.processes)
        words = list(words)
        if log:
            words += ["logfile", os.path.join(self.folder, name + ".log")]
        process = Process(self, words, name, **how)
        self.processes.append(process)
        self.stack.callback(process.stop)
        return process

    def run(self, *words, patience=None, **how):
        """Runs to the end: exit code and everything printed."""
        process = self.slirppd(*words, log=how.pop("log", False), **how)
        return process.wait(patience), process.output()

    def show_logs(self):
        for p in self.processes:
            for title, text in (("log", p.log()), ("output", p.output())):
                if text:
                    print(f"# --- {title} of {p.name} (exit code {p.process.poll()}):")
                    for line in text.splitlines()[-60:]:
                        print("#  ", line)

    def socketpair(self):
        a, b = socket.socketpair()
        self.stack.callback(a.close)
        self.stack.callback(b.close)
        return a, b

    def pty(self):
        """A raw pty: the master's descriptor and the slave's path; both ends are held open."""
        master, slave = os.openpty()
        self.stack.callback(close, master)
        self.stack.callback(close, slave)
        tty.setraw(slave, termios.TCSANOW)
        return master, os.ttyname(slave)

    def pair(self, a_words, b_words, a_how=None, b_how=None, line="socketpair"):
        """Two slirppd's joined by a line. With "pty", a has the slave as its device and b the master on its standard input."""
        if line == "pty":
            master, path = self.pty()
            a = self.slirppd(path, "nodetach", "local", *a_words, name="a", **(a_how or {}))
            b = self.slirppd("notty", *b_words, name="b", stdin=master, stdout=master, **(b_how or {}))
        else:
            left, right = self.socketpair()
            a = self.slirppd("notty", *a_words, name="a", stdin=left, stdout=left, **(a_how or {}))
            b = self.slirppd("notty", *b_words, name="b", stdin=right, stdout=right, **(b_how or {}))
            left.close()
            right.close()
        return a, b

    def serve(self, handler, kind=socket.SOCK_STREAM, address="127.0.0.1", port=0):
        """A server on loopback: handler(connection) in a thread per connection, or handler(socket) once for UDP. Returns its port."""
        server = socket.socket(socket.AF_INET, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        self.stack.callback(server.close)
        if kind == socket.SOCK_STREAM:
            server.listen(600)
            thread = threading.Thread(target=accept_loop, args=(server, handler), daemon=True)
            self.stack.callback(thread.join, PATIENCE)
            self.stack.callback(shut_down, server)
        else:
            thread = threading.Thread(target=quiet, args=(handler, server), daemon=True)
        thread.start()
        return server.getsockname()[1]

    def connect(self, port, address="127.0.0.1"):
        s = socket.create_connection((address, port), PATIENCE)
        self.stack.callback(s.close)
        return s


def close(fd):
    with contextlib.suppress(OSError):
        os.close(fd)


def shut_down(listener):
    """Wakes the thread that waits in accept(): when the descriptor's number is used again, it would take the next server's connections."""
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)


def quiet(function, *args):
    """What goes wrong in a server's thread when the test closes its sockets is not the test's business."""
    with contextlib.suppress(OSError):
        function(*args)


def accept_loop(server, handler):
    def serve_one(connection):
        with connection:
            quiet(handler, connection)

    def loop():
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    quiet(loop)


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def udp_echo(server):
    while True:
        data, peer = server.recvfrom(65536)
        server.sendto(data, peer)


def data_of(size, seed=1):
    return random.Random(seed).randbytes(size)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def receive(connection, size):
    parts = []
    while size > 0:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive_all(connection):
    return receive(connection, 1 << 40)


def talks(port):
    """True when an echo server answers through the forward, False when the connection is refused or cut."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as s:
        try:
            s.sendall(b"hello")
            return receive(s, 5) == b"hello"
        except ConnectionError:
            return False


def need(program):
    path = shutil.which(program)
    if not path:
        raise Skip(f"{program} is not installed")
    return path


def need_namespaces():
    """Words that start a program in network and mount namespaces of its own, as root or in a user namespace."""
    words = [need("unshare"), "--net", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user", "--user"])
    if subprocess.run(words + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("namespaces cannot be made here")
    return words
