#!/usr/bin/env python3
"""`slirppd check`: each trouble is made for real, on ptys, and the sentence that names it is looked for."""

import fcntl
import os
import select
import signal
import subprocess
import termios
import threading
import time
import tty

from harness import Skip, WRAPPER, main, need, test

# How long the program listens, in seconds; enough for one round of questions.
SHORT = "0.6" if not WRAPPER else "4"


class Port:
    """A pty that only the program opens: the master is ours, and so is what is said on it."""

    def __init__(self, world):
        self.master, self.slave = os.openpty()
        world.stack.callback(self.close)
        tty.setraw(self.slave, termios.TCSANOW)
        self.path = os.ttyname(self.slave)
        os.set_blocking(self.master, False)

    def close(self):
        self.let_go()
        os.close(self.master)

    def let_go(self):
        """The program is the only one that has the port."""
        if self.slave is not None:
            os.close(self.slave)
            self.slave = None

    def serve(self, world, answer):
        """Calls ANSWER(port, bytes) for whatever is sent to us, until the test ends."""
        end = threading.Event()
        thread = threading.Thread(target=self.loop, args=(answer, end), daemon=True)
        thread.start()
        world.stack.callback(thread.join)
        world.stack.callback(end.set)
        self.let_go()

    def loop(self, answer, end):
        while not end.is_set():
            select.select([self.master], [], [], 0.02)
            try:
                data = os.read(self.master, 4096)
            except OSError:  # nothing there, or nobody has the slave open
                time.sleep(0.005)
                continue
            answer(self, data)

    def say(self, data):
        os.write(self.master, data)

    def speed(self):
        return termios.tcgetattr(self.master)[5]


def check(world, *words, **how):
    return world.run("check", *words, **how)


def expect(world, status, text, *words, **how):
    code, said = check(world, *words, **how)
    assert text in said, said
    assert code == status, (code, said)
    return said


def expect_heard(world, status, text, answer, *words):
    """On a port whose other end answers so."""
    port = Port(world)
    port.serve(world, answer)
    said = expect(world, status, text, port.path, *words, "seconds", SHORT)
    return said


# A peer's Configure-Request with no options, in LCP's full framing.
REQUEST = bytes.fromhex("7eff7d23c0217d217d217d207d24d1b57e")


@test
def a_device_that_is_not_there(world):
    expect(world, 7, "/dev/ttyUSB77 is not there: the adapter", "/dev/ttyUSB77")
    expect(world, 7, "is not there", "ttyACM77")
    expect(world, 7, "is not there: check the name", os.path.join(world.folder, "nothing"))


@test
def a_gadget_port_that_is_not_there(world):
    expect(world, 7, "modprobe g_serial", "/dev/ttyGS77", "root", world.folder)
    os.makedirs(os.path.join(world.folder, "etc/kvmd"))
    expect(world, 7, "override.yaml", "/dev/ttyGS77", "root", world.folder)


@test
def what_is_no_port(world):
    link = os.path.join(world.folder, "link")
    os.symlink("gone", link)
    expect(world, 7, f"{link} is a link to gone, which is not there", link)
    expect(world, 7, "is a folder", world.folder)
    path = os.path.join(world.folder, "file")
    with open(path, "w"):
        pass
    fifo = os.path.join(world.folder, "fifo")
    os.mkfifo(fifo)
    # Nobody is told to delete what may be precious.
    for precious in (path, fifo, "/etc/passwd", "../etc/passwd"):
        said = expect(world, 7, "is a file, not a device", precious)
        assert "rm" not in said, said
    for device in filter(os.path.exists, ("/dev/null", "/dev/net/tun", "/dev/ptmx")):
        expect(world, 7, "no serial port", device)


@test
def words_that_make_no_sense(world):
    for words in ((), ("/dev/null", "fast"), ("/dev/null", "9600", "9600"), ("/dev/null", "seconds", "-1"), ("/dev/null", "-5"), ("--help",)):
        code, said = check(world, *words)
        assert code == 2 and "usage: slirppd check" in said, (words, code, said)


@test
def no_permission(world):
    if os.geteuid() != 0:
        raise Skip("needs root, to become a user with no rights")
    port = Port(world)
    os.chown(port.path, 0, 20)
    os.chmod(port.path, 0o620 | 0o060)
    nobody = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    said = expect(world, 7, "usermod -aG", port.path, wrapper=nobody)
    assert "dialout" in said, said


@test
def somebody_has_it_open(world):
    port = Port(world)
    expect(world, 6, f"pid {os.getpid()}, user ", port.path)


@test
def a_program_that_people_use_has_it_open(world):
    port = Port(world)
    path = os.path.join(world.folder, "minicom")
    with open(path, "wb") as f, open(need("sleep"), "rb") as sleep:
        f.write(sleep.read())
    os.chmod(path, 0o755)
    other = subprocess.Popen([path, "60"], stdin=port.slave, stdout=port.slave)
    world.stack.callback(other.wait)
    world.stack.callback(other.kill)
    port.let_go()
    expect(world, 6, f"minicom (pid {other.pid}, user ", port.path)


@test
def a_lock_file(world):
    port = Port(world)
    port.let_go()
    root = os.path.join(world.folder, "root")
    os.makedirs(os.path.join(root, "var/lock"))
    os.makedirs(os.path.join(root, "proc/999999"))
    with open(os.path.join(root, "var/lock", "LCK.." + port.path[len("/dev/"):].replace("/", "_")), "w") as f:
        f.write("    999999\n")
    with open(os.path.join(root, "proc/999999/comm"), "w") as f:
        f.write("seyon\n")
    expect(world, 6, "Process 999999 has locked", port.path, "root", root)


@test
def a_claim_of_a_process_that_cannot_be_seen(world):
    port = Port(world)
    fcntl.flock(port.slave, fcntl.LOCK_EX)
    expect(world, 6, "for itself alone", port.path, "root", world.folder)


@test
def nobody_at_the_other_end(world):
    expect_heard(world, 10, "nobody speaks at the other end", lambda port, data: None)


@test
def a_loop(world):
    expect_heard(world, 17, "looped back", lambda port, data: port.say(data))


@test
def a_login_prompt(world):
    said = expect_heard(world, 10, "A login prompt comes from the other end", lambda port, data: port.say(b"\r\nbox login: "))
    assert '"\\r\\nbox login: ' in said, said


@test
def a_login_prompt_that_echoes(world):
    expect_heard(world, 10, "A login prompt", lambda port, data: port.say(data + b"\r\nPassword: "))


@test
def a_shell(world):
    expect_heard(world, 10, "A command line", lambda port, data: port.say(data + b"\r\nroot@box:~# "))


@test
def a_modem(world):
    expect_heard(world, 10, "A modem", lambda port, data: port.say(b"\r\nOK\r\n"))


@test
def a_console(world):
    expect_heard(world, 10, "Text comes", lambda port, data: port.say(b"[    1.234567] usb 1-1: new device\r\n"))


@test
def noise(world):
    said = expect_heard(world, 10, "neither PPP nor text", lambda port, data: port.say(b"\x00\x80\xff\xf8\x00" * 4))
    assert "\\x00\\x80\\xff" in said, said


@test
def damaged_frames(world):
    expect_heard(world, 10, "every frame is damaged", lambda port, data: port.say(REQUEST[:-3] + b"\x00\x00\x7e"))


@test
def another_speed(world):
    def answer(port, data):
        port.say(REQUEST if port.speed() == termios.B19200 else b"\x00\x80\xfe" * 5)

    said = expect_heard(world, 10, "PPP comes at 19200", answer, "9600")
    assert "19200\n" in said, said


@test
def no_speed_is_right(world):
    expect_heard(world, 10, "115200, 57600", lambda port, data: port.say(b"\x00\x80\xfe" * 5), "9600")


@test
def ppp(world):
    said = expect_heard(world, 0, "Nothing wrong found", lambda port, data: port.say(REQUEST))
    assert "run: slirppd /dev/pts/" in said, said


@test
def a_real_peer_is_left_as_it_was(world):
    master, slave = os.openpty()
    tty.setraw(slave, termios.TCSANOW)
    path = os.ttyname(slave)
    peer = world.slirppd("notty", "nodetach", name="peer", stdin=master, stdout=master)
    os.close(master)
    world.stack.callback(os.close, slave)
    # That we hold it, too, is not to be seen: without anybody the peer would hang up.
    expect(world, 0, "Nothing wrong found", path, "38400", "root", world.folder)
    assert peer.process.poll() is None, peer.log()
    # And then the port may be used.
    other = world.slirppd(path, "nodetach", "local", name="other")
    other.wait_up()
    assert other.end() == 5


@test
def the_settings_are_put_back(world):
    port = Port(world)
    port.serve(world, lambda port, data: None)
    before = termios.tcgetattr(port.master)
    expect(world, 10, "nobody speaks", port.path, "38400", "seconds", "0.2")
    assert termios.tcgetattr(port.master) == before


@test
def a_signal_stops_it(world):
    port = Port(world)
    asked = threading.Event()
    port.serve(world, lambda port, data: asked.set())
    before = termios.tcgetattr(port.master)
    process = world.slirppd("check", port.path, "38400", "seconds", "600", log=False)
    assert asked.wait(30)
    process.kill(signal.SIGINT)
    assert process.wait() == 5, process.output()
    assert "Stopped" in process.output() and termios.tcgetattr(port.master) == before


main()
