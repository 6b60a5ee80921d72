#!/usr/bin/env python3
"""As in a container: no /dev/ppp, CAP_NET_ADMIN alone, a root file system that cannot be written, a fresh /run."""

import os
import signal
import subprocess

from harness import Skip, WRAPPER, main, need, need_namespaces, test, wait_for

# What openfortivpn passes to pppd, but for the terminal, which it has on standard input.
OPENFORTIVPN = ("230400 :169.254.2.1 noipdefault ipcp-accept-local noaccomp noauth default-asyncmap nopcomp receive-all nodefaultroute "
                "nodetach lcp-max-configure 40 mru 1354 usepeerdns logfd 2").split()
GATEWAY = "10.11.12.1:10.11.12.13 nosendip ipcp-accept-local ms-dns 192.0.2.53 noipv6 noccp novj nodetach".split()
ONLY_NET_ADMIN = ["setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all,+net_admin"]
# /dev is a folder of its own, with single files of the machine's in it; nothing is ever removed from it.
BOX = ("ip link set lo up && mount -t tmpfs none /run && mount -t tmpfs none /mnt && mkdir /mnt/net && "
       "for f in null urandom net/tun; do : >/mnt/$f && mount --bind /dev/$f /mnt/$f; done && mkdir /mnt/pts && mount --bind /dev/pts /mnt/pts && "
       "mount --move /mnt /dev && {more} mount -o remount,bind,ro / && exec \"$@\"")


def box(more=""):
    """Words that start a program in such a container."""
    words = need_namespaces()
    if os.geteuid() != 0:
        raise Skip("needs root")
    if not os.path.exists("/dev/net/tun"):
        raise Skip("there is no /dev/net/tun")
    need("setpriv")
    return words + ["--propagation", "private", "sh", "-c", BOX.replace("{more}", more), "sh"] + ONLY_NET_ADMIN


def inside(process, command):
    """The command's output in the process's namespaces."""
    words = ["nsenter", "--net", "--mount", "--target", str(process.pid), "sh", "-c", command]
    return subprocess.run(words, capture_output=True, text=True).stdout


def connect(world, more="", words=OPENFORTIVPN):
    """What openfortivpn does: a pty, its slave on pppd's standard input and output. The gateway is a slirppd at the master."""
    master, slave = os.openpty()
    pppd = os.path.join(world.folder, "pppd")
    if not os.path.exists(pppd):
        os.symlink(os.path.abspath(os.environ.get("SLIRPPD", "slirppd")), pppd)
    gateway = world.slirppd("notty", *GATEWAY, name="gateway", stdin=master, stdout=master)
    process = world.slirppd(*words, name="pppd", log=False, wrapper=box(more), program=pppd, stdin=slave, stdout=slave)
    os.close(master)
    os.close(slave)
    gateway.wait_up()
    wait_for(lambda: "remote IP address" in process.output(), "the link")
    return gateway, process


def hang_up(gateway, pppd):
    """The pty's master is closed, as openfortivpn does at its end: pppd must end by itself."""
    gateway.kill(signal.SIGKILL)
    assert pppd.wait() == 16, pppd.output()
    assert "Modem hangup" in pppd.output()


@test
def openfortivpns_command_line(world):
    gateway, pppd = connect(world)
    shown = wait_for(lambda: inside(pppd, "ip -4 addr show ppp0"), "the interface")
    assert "10.11.12.13 peer" in shown and "UP" in shown and "mtu 1354" in shown, shown
    text = pppd.output()
    assert "Using interface ppp0" in text and "net auto: using tun" in text, text
    hang_up(gateway, pppd)


@test
def no_place_for_files_is_said_once(world):
    """/var, /run and /etc/ppp cannot be written: the link comes up all the same."""
    gateway, pppd = connect(world, "mount -o remount,ro /run && ")
    text = pppd.output()
    assert text.count("pid file") == 1, text
    assert text.count("resolv.conf") <= 1, text
    hang_up(gateway, pppd)


@test
def no_etc_at_all(world):
    if WRAPPER:
        raise Skip("the checker needs files of its own")
    gateway, pppd = connect(world, "mount -t tmpfs none /etc && mount -t tmpfs none /var && ")
    hang_up(gateway, pppd)


@test
def without_a_tun_it_says_so_and_uses_slirp(world):
    gateway, pppd = connect(world, "umount /dev/net/tun && rm /dev/net/tun && ")
    assert "net auto: using slirp" in pppd.output()
    hang_up(gateway, pppd)


main()
