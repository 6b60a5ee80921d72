#!/usr/bin/env python3
"""Hook scripts: which runs when, with what arguments, what environment, and that none of them can stop the link."""

import json
import os
import sys
import time

from harness import main, need, test, wait_for

NOBODY = 65534

HOOKS = ("net-init", "net-pre-up", "net-down", "auth-up", "auth-down", "ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down")
REPORT = """#!{python} -IS
import json, os, sys, time
def is_open(fd):
    try: return os.fstat(fd) is not None
    except OSError: return False
open_now = [fd for fd in range(256) if is_open(fd)]
umask = os.umask(0)
with open("{file}", "a") as f:
    f.write(json.dumps({"args": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "umask": umask, "fds": open_now,
                        "leader": os.getsid(0) == os.getpid()}) + "\\n")
{more}
"""


def write_hook(world, name, more=""):
    """A script that says how it was run; the option that names it."""
    path = os.path.join(world.folder, name)
    with open(path, "w") as f:
        f.write(REPORT.replace("{python}", sys.executable).replace("{file}", path + ".report").replace("{more}", more))
    os.chmod(path, 0o755)
    return [f"{name}-script", path]


def all_hooks(world, **more):
    return [word for name in HOOKS for word in write_hook(world, name, more.get(name.replace("-", "_"), ""))]


def reports(world, name):
    """What each run of a hook saw, in order."""
    path = os.path.join(world.folder, name + ".report")
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def one_report(world, name):
    return wait_for(lambda: reports(world, name), f"{name} to run")[0]


LL = ["fe80::0000:0000:0000:0001", "fe80::0000:0000:0000:0002"]


@test
def each_hook_with_its_arguments(world):
    secrets = os.path.join(world.folder, "secrets")
    with open(secrets, "w") as f:
        f.write("alice gate word *\n")
    os.chmod(secrets, 0o600)
    a, b = world.pair(["10.8.0.1:10.8.0.2", "name", "gate", "require-chap", "chap-secrets", secrets, "ipparam", "the param", "+ipv6",
                       "ipv6", "::1,::2", "linkname", "out", "set", "MINE=a b", *all_hooks(world)],
                      ["user", "alice", "password", "word", "+ipv6"])
    a.wait_up()
    one_report(world, "ip-up")
    one_report(world, "ipv6-up")
    name = a.log().split("Using interface ")[1].split()[0]
    assert a.end() == 5
    line = [name, "", "38400"]
    login = one_report(world, "auth-up")["args"][2]
    expected = {"net-init": [*line, "the param"], "net-pre-up": [*line, "the param"], "net-down": [*line, "the param"],
                "auth-up": [name, "alice", login, "", "38400", "the param"], "auth-down": [name, "alice", login, "", "38400", "the param"],
                "ipv6-up": [*line, *LL, "the param"], "ipv6-down": [*line, *LL, "the param"]}
    for hook in ("ip-pre-up", "ip-up", "ip-down"):
        expected[hook] = [*line, "10.8.0.1", "10.8.0.2", "the param"]
    for hook, words in expected.items():
        assert [r["args"] for r in reports(world, hook)] == [words], (hook, reports(world, hook))
    up, down = one_report(world, "ip-up"), one_report(world, "ip-down")
    assert up["env"]["MINE"] == "a b" and up["env"]["LINKNAME"] == "out" and up["env"]["PPPD_PID"] == str(a.pid)
    assert set(up["env"]) - {"LC_CTYPE"} == {"IFNAME", "UNIT", "IPLOCAL", "IPREMOTE", "LLLOCAL", "LLREMOTE", "PEERNAME", "SPEED", "LINKNAME",
                                          "MINE", "ORIG_UID", "PPPD_PID", "PPPLOGNAME"}, up["env"]
    assert set(down["env"]) >= {"CONNECT_TIME", "BYTES_SENT", "BYTES_RCVD"}
    assert (up["cwd"], up["umask"], up["leader"]) == ("/", 0o077, True)
    assert [fd for fd in up["fds"] if fd > 2] in ([], [3]), up["fds"]  # 3: the script itself, where it is run by its descriptor


@test
def no_ipparam_is_no_argument(world):
    a, b = world.pair(["10.8.0.1:10.8.0.2", *write_hook(world, "ip-up")], [])
    a.wait_up()
    assert one_report(world, "ip-up")["args"][1:] == ["", "38400", "10.8.0.1", "10.8.0.2"]
    a.end()


@test
def the_peers_name_servers_are_told(world):
    a, b = world.pair(["10.8.0.1:10.8.0.2", "ms-dns", "192.0.2.53"], ["usepeerdns", "noresolvconf", *write_hook(world, "ip-up")])
    b.wait_up()
    environment = one_report(world, "ip-up")["env"]
    assert (environment["DNS1"], environment["DNS2"], environment["USEPEERDNS"]) == ("192.0.2.53", "192.0.2.53", "1")
    a.end()


@test
def each_session_has_its_own(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "persist", "maxfail", "0", "10.8.0.1:10.8.0.2", *all_hooks(world), "lcp-restart", "1", name="a", stdin=left,
                      stdout=left)
    for number in (1, 2):
        b = world.slirppd("notty", name=f"b{number}", stdin=right, stdout=right)
        wait_for(lambda: len(reports(world, "ip-up")) == number, f"ip-up number {number}")
        b.end()
        wait_for(lambda: len(reports(world, "ip-down")) == number, f"ip-down number {number}")
    a.end()
    assert reports(world, "auth-up") == []


@test
def a_hook_that_hangs_stops_nothing(world):
    words = write_hook(world, "ip-up", "time.sleep(100)")
    a, b = world.pair(["10.8.0.1:10.8.0.2", "child-timeout", "1", "debug", *words], [])
    a.wait_up()
    b.wait_up()
    begin = time.monotonic()
    assert a.end() == 5
    assert "sending SIGTERM to process" in a.log() and time.monotonic() - begin < 30
    b.wait()


@test
def ip_up_waits_for_ip_pre_up(world):
    words = all_hooks(world, ip_pre_up="time.sleep(0.5)")
    a, b = world.pair(["10.8.0.1:10.8.0.2", "debug", *words], [])
    a.wait_log("^Script .*/ip-up finished")
    order = [line.split("/")[-1] for line in a.log().splitlines() if line.startswith("Script")]
    names = [line.split(" (")[0] for line in order]
    assert names.index("ip-pre-up finished") < names.index("ip-up started"), names
    a.end()


@test
def ip_down_waits_for_ip_up_and_knows_what_was(world):
    words = all_hooks(world, ip_up="time.sleep(1)")
    a, b = world.pair(["10.8.0.1:10.8.0.2", *words], [])
    one_report(world, "ip-up")
    name = a.log().split("Using interface ")[1].split()[0]
    assert a.end() == 5
    down = one_report(world, "ip-down")
    assert down["args"] == [name, "", "38400", "10.8.0.1", "10.8.0.2"] and down["env"]["IFNAME"] == name, down


@test
def what_may_not_be_run_is_said(world):
    words = write_hook(world, "ip-up")
    os.chmod(words[1], 0o777)
    a, b = world.pair(["10.8.0.1:10.8.0.2", *words], [])
    a.wait_up()
    a.wait_log("writable")
    a.end()
    assert reports(world, "ip-up") == []


@test
def a_missing_hook_is_silent(world):
    a, b = world.pair(["10.8.0.1:10.8.0.2", "ip-up-script", "/nowhere/ip-up"], [])
    a.wait_up()
    a.end()
    assert "nowhere" not in a.log()


@test
def a_users_own_folder(world):
    wrapper = []
    if os.geteuid() == 0:
        wrapper = [need("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    folder = os.path.join(world.folder, "slirppd")
    os.mkdir(folder)
    os.chmod(world.folder, 0o777)
    path, mark = os.path.join(folder, "ip-up"), os.path.join(world.folder, "ran")
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\necho "$4" >"{mark}"\n')  # the user may have no Python
    os.chmod(path, 0o755)
    if wrapper:
        os.chown(path, NOBODY, NOBODY)
    a, b = world.pair(["10.8.0.1:10.8.0.2"], [], a_how={"wrapper": wrapper}, b_how={"env": {"XDG_CONFIG_HOME": "/nowhere"}})
    a.wait_up()
    wait_for(lambda: os.path.exists(mark) and open(mark).read() == "10.8.0.1\n", "ip-up to run")
    a.end()


@test
def a_link_that_is_not_up_has_no_ip_down(world):
    left, right = world.socketpair()
    a = world.slirppd("notty", "lcp-restart", "1", "lcp-max-configure", "2", *all_hooks(world), name="a", stdin=left, stdout=left)
    assert a.wait() == 10
    assert reports(world, "ip-up") == [] and reports(world, "ip-down") == [] and len(reports(world, "net-down")) == 1


main()
