#!/usr/bin/env python3
"""A user with no rights at all, on a machine with no /dev/ppp, no /dev/net/tun and no writable disk."""

import os
import re

from harness import Skip, WRAPPER, echo, free_port, main, need, receive, test, wait_for

NO_RIGHTS = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]


def talks(world, b, port):
    wait_for(lambda: "remote IP address" in b.output(), "the link")
    connection = world.connect(port)
    connection.sendall(b"hello")
    assert receive(connection, 5) == b"hello"


@test
def a_user_with_no_rights(world):
    if os.geteuid() != 0:
        raise Skip("needs root, to become a user with no rights")
    need("setpriv")
    server, port = world.serve(echo), free_port()
    how = {"wrapper": NO_RIGHTS, "log": False, "env": {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": ""}}
    a, b = world.pair(["logfd", "2", "service", f"7:127.0.0.1:{server}"], ["logfd", "2", "forward", f"{port}:7"], how, how)
    talks(world, b, port)
    a.kill()
    assert a.wait() == 5 and b.wait() in (0, 16), a.output() + b.output()


@test
def no_call_fails_for_want_of_a_device_or_a_disk(world):
    """The same under strace, with the whole file system read-only and an empty /dev: no file is asked for that PPP in the kernel, a
    TUN interface or a writable disk would have to bring."""
    if os.geteuid() != 0:
        raise Skip("needs root, for a read-only file system")
    if WRAPPER or "ASAN_OPTIONS" in os.environ:
        raise Skip("a checker makes system calls of its own, and cannot be traced")
    strace = need("strace")
    trace = os.path.join(world.folder, "trace")
    # The trace alone has a place to be written to.
    setup = (f"mount --make-rprivate / && mount --bind {world.folder} {world.folder} && mount -t tmpfs none /dev && "
             "mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 && mount -o remount,bind,ro / && mount -o remount,ro /dev && "
             "exec \"$@\"")
    server, port = world.serve(echo), free_port()
    os.chmod(world.folder, 0o777)
    wrapper = ["unshare", "--mount", "sh", "-c", setup, "sh", strace, "-f", "-o", trace] + NO_RIGHTS
    how = {"wrapper": wrapper, "log": False, "env": {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": ""}}
    a, b = world.pair(["logfd", "2", "service", f"7:127.0.0.1:{server}"], ["logfd", "2", "forward", f"{port}:7"], how, {"log": False})
    talks(world, b, port)
    b.end()
    a.wait()
    with open(trace, errors="replace") as f:
        calls = f.read()
    started = calls[calls.rindex("execve("):]
    assert "/dev/ppp" not in started and "/dev/net/tun" not in started
    failed = [c for c in started.splitlines() if re.search(r"= -1 (EROFS|EACCES|EPERM)", c)]
    assert not failed, "\n".join(failed)


main()
