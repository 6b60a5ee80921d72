#!/usr/bin/env python3
"""Bad input ends in pppd's exit code and one clear line."""

import os
import pwd
import shutil
import socket
import stat
import subprocess

from harness import Skip, free_port, main, test, need


def ends(world, code, text, *words, lines=1, **how):
    """Runs to the end: that exit code, TEXT in what was printed, and no more than LINES of it."""
    status, output = world.run("nodetach", *words, **how)
    assert status == code, f"exit code {status}, not {code}: {output}"
    assert text in output, output
    assert len(output.splitlines()) <= lines, output


@test
def an_unknown_option_is_named(world):
    ends(world, 2, "unrecognized option 'mangle'", "notty", "mangle", lines=2)


@test
def an_unknown_option_in_a_file_is_named_with_file_and_line(world):
    path = os.path.join(world.folder, "options.test")
    with open(path, "w") as f:
        f.write("debug\n# a comment\nmangle 7\n")
    status, output = world.run("nodetach", "notty", "file", path)
    assert status == 2, status
    assert path in output and "'mangle'" in output and "3" in output.split(path)[1], output
    assert len(output.splitlines()) == 1, output


@test
def a_number_out_of_range(world):
    ends(world, 2, "mru", "notty", "mru", "100000")
    ends(world, 2, "mru", "notty", "mru", "many")
    ends(world, 2, "mru", "notty", "mru")


@test
def services_and_forwards_that_make_no_sense(world):
    for word, value in (("service", "0"), ("service", "70000"), ("service", "22:"), ("service", "tcp:x"), ("service", ""),
                        ("forward", "2222"), ("forward", "2222:0"), ("forward", ":22"), ("forward", "1:2:3:4:5"),
                        ("forward", "300.1.1.1:80:80")):
        ends(world, 2, word, "notty", word, value)


@test
def no_device_and_no_terminal(world):
    ends(world, 2, "no device specified and stdin is not a tty")


@test
def a_device_that_is_not_there(world):
    ends(world, 2, "/dev/ttyNOWHERE", "/dev/ttyNOWHERE", lines=2)


@test
def something_that_is_not_a_device(world):
    path = os.path.join(world.folder, "file")
    open(path, "w").close()
    ends(world, 2, path, path, lines=2)


@test
def a_device_without_permission_names_the_group(world):
    if os.geteuid() != 0:
        raise Skip("needs root, to make a device that another user may not open")
    need("setpriv")
    master, path = world.pty()
    os.chown(path, 0, 20)
    os.chmod(path, 0o660)
    group = subprocess.run(["getent", "group", "20"], capture_output=True, text=True).stdout.split(":")[0] or "20"
    status, output = world.run("nodetach", path, wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    assert status == 7, (status, output)
    assert "Permission denied" in output and path in output and group in output, output
    assert len(output.splitlines()) == 1, output


@test
def the_same_without_nodetach(world):
    """A failure that shows at once reaches whoever started the program, although it was to go to the background."""
    if os.geteuid() != 0:
        raise Skip("needs root, to make a device that another user may not open")
    master, path = world.pty()
    os.chmod(path, 0o600)
    status, output = world.run(path, wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    assert status == 7 and "Permission denied" in output, (status, output)


@test
def a_connect_script_that_fails(world):
    master, path = world.pty()
    ends(world, 8, "Connect script failed", path, "local", "connect", "exit 3")


@test
def an_init_script_that_fails(world):
    master, path = world.pty()
    ends(world, 18, "Initializer script failed", path, "local", "init", "exit 3")


@test
def a_pty_command_that_ends_at_once(world):
    status, output = world.run("nodetach", "pty", "exit 0")
    assert status == 16 and "Modem hangup" in output, (status, output)


@test
def a_socket_that_nobody_listens_on(world):
    port = free_port()
    ends(world, 9, f"127.0.0.1:{port}", "socket", f"127.0.0.1:{port}")


@test
def a_peer_that_never_answers(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "lcp-restart", "1", "lcp-max-configure", "2", stdin=left, stdout=left)
    assert a.wait() == 10, a.log()
    assert "LCP: timeout sending Config-Requests" in a.log() and "Connection terminated." in a.log()


@test
def a_line_that_is_looped_back(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", stdin=left, stdout=left)
    right.settimeout(30)
    try:
        while data := right.recv(4096):
            right.sendall(data)
    except OSError:
        pass
    assert a.wait() == 17, a.log()
    assert "Serial line is looped back." in a.log()


@test
def a_forward_on_a_port_that_is_taken(world):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, output = world.run("notty", "forward", f"{port}:80", "logfd", "2")
    assert status == 1 and f"127.0.0.1:{port}" in output and "in use" in output, (status, output)
    assert len(output.splitlines()) == 1, output


@test
def a_locked_device(world):
    if not os.access("/var/lock", os.W_OK):
        raise Skip("/var/lock cannot be written here")
    master, path = world.pty()
    lock = "/var/lock/LCK.." + path.removeprefix("/dev/").replace("/", "_")
    with open(lock, "w") as f:
        f.write("%10d\n" % os.getpid())
    try:
        ends(world, 6, f"is locked by pid {os.getpid()}", path, "local", "lock")
    finally:
        os.unlink(lock)


@test
def options_that_contradict_each_other(world):
    master, path = world.pty()
    ends(world, 2, "notty", "notty", path)
    ends(world, 2, "pty", "notty", "pty", "true")
    ends(world, 2, "forward", "notty", "net", "tun", "forward", "2222:22")


@test
def a_program_that_is_setuid_refuses(world):
    if os.geteuid() != 0:
        raise Skip("needs root, to make a setuid program")
    copy = "/tmp/slirppd-setuid-%d" % os.getpid()
    from harness import PROGRAM, WRAPPER
    if WRAPPER:
        raise Skip("a wrapper takes no notice of set-user-ID bits")
    shutil.copy(PROGRAM, copy)
    try:
        os.chmod(copy, 0o4755)
        if os.statvfs(copy).f_flag & os.ST_NOSUID:
            raise Skip("/tmp takes no notice of set-user-ID bits")
        status, output = world.run("--version", program=copy, wrapper=["setpriv", "--reuid=65534", "--clear-groups"])
        assert status == 3 and "setuid" in output, (status, output)
    finally:
        os.unlink(copy)


@test
def help_and_version(world):
    status, output = world.run("--version")
    assert status == 0 and output.startswith("slirppd version ") and len(output.splitlines()) == 1, output
    status, output = world.run("--help")
    assert status == 0 and "forward" in output and "service" in output, output
    assert max(len(line) for line in output.splitlines()) <= 80, output
    status, output = world.run("show-options")
    assert status == 0 and "lcp-echo-interval" in output, output


@test
def dryrun_prints_the_options_in_effect(world):
    status, output = world.run("notty", "dryrun", "logfd", "2", "mru", "1000", "service", "22")
    assert status == 0, output
    assert "options in effect:" in output and "mru 1000\t\t# (from command line)" in output, output


main()
