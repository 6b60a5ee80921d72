#!/usr/bin/env python3
"""Fitting in with a PiKVM: scripts/install-pikvm on a root with kvmd's layout, kvmd's override with real YAML, the extra behind a real
nginx, the udev rules and the package. Nothing here touches the machine: commands of the system are mocks that log how they were called.
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree

from harness import PATIENCE, PROGRAM, Skip, free_port, main, need, test, wait_for

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CONTRIB = os.path.join(TOP, "contrib", "pikvm")
INSTALL = os.path.join(TOP, "scripts", "install-pikvm")
SNIPPET = "etc/kvmd/override.d/0900-slirppd.yaml"

# One script for all mocks: they log their words, are told to fail by a file, and know one state, the disk's.
MOCK = """#!/bin/sh
name=${0##*/} folder=${0%/*}
echo "$name $*" >>"$folder/calls"
[ ! -e "$folder/slow-$name" ] || { : >"$folder/reached"; sleep 1; }
[ ! -e "$folder/fail-$name" ] || exit 1
case $name in
rw) rm -f "$folder/read-only" ;;
ro) : >"$folder/read-only" ;;
findmnt) [ -e "$folder/read-only" ] && echo ro,relatime || echo rw,relatime ;;
pacman) case $1 in -Q) [ -e "$folder/packaged" ] ;; -T) [ ! -e "$folder/missing" ] || { cat "$folder/missing"; exit 127; } ;; esac ;;
systemctl) case "$*" in *is-enabled*) [ -e "$folder/login" ] ;; esac ;;
esac
"""

KVMD = {
    "usr/lib/kvmd/main.yaml": "otg:\n    vendor_id: 0x1D6B\n",
    "usr/share/kvmd/extras/webterm/manifest.yaml": "name: Terminal\n",
    "usr/share/kvmd/web/index.html": "<html></html>\n",
    "usr/lib/systemd/system/kvmd-otg.service": "[Unit]\n",
    "usr/bin/kvmd": "",
    "etc/kvmd/meta.yaml": "server:\n    host: localhost\n",
    "etc/kvmd/override.yaml": "# Your settings.\n",
}


def need_yaml():
    try:
        import yaml
    except ImportError:
        raise Skip("python3-yaml is not installed")
    return yaml


class Pikvm:
    """A root folder with kvmd in it, and a folder of mocks."""

    def __init__(self, world, files=None, override_d=True):
        self.root = os.path.join(world.folder, "root")
        self.tools = os.path.join(world.folder, "tools")
        for path, text in {**KVMD, **(files or {})}.items():
            if text is not None:
                self.write(path, text)
        if override_d:
            os.makedirs(self.path("etc/kvmd/override.d"), exist_ok=True)
        os.mkdir(self.tools)
        for name in ("rw", "ro", "findmnt", "pacman", "systemctl"):
            with open(os.path.join(self.tools, name), "w") as f:
                f.write(MOCK)
            os.chmod(f.name, 0o755)
        self.tell("read-only")

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read().decode()

    def tell(self, what, text=""):
        with open(os.path.join(self.tools, what), "w") as f:
            f.write(text)

    def read_only(self):
        return os.path.exists(os.path.join(self.tools, "read-only"))

    def calls(self):
        try:
            with open(os.path.join(self.tools, "calls")) as f:
                return [line.strip() for line in f if not line.startswith("findmnt")]
        except FileNotFoundError:
            return []

    def command(self, *words):
        words = list(words)
        if not {"--uninstall", "--package", "--dry-run"} & set(words):
            words += ["--binary", PROGRAM]
        return [INSTALL, "--root", self.root, "--tools", self.tools, *words]

    def install(self, *words):
        run = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return run.returncode, run.stdout

    def tree(self):
        """Every path with its kind, mode and content."""
        found = {}
        for folder, names, files in os.walk(self.root):
            for name in names + files:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                content = None
                if stat.S_ISREG(st.st_mode):
                    with open(path, "rb") as f:
                        content = f.read()
                found[os.path.relpath(path, self.root)] = (stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), content)
        return found


def gadget_of(yaml, pikvm):
    """otg/devices/serial as kvmd would see it: override.d, sorted, and then override.yaml."""
    folder = pikvm.path("etc/kvmd/override.d")
    names = [f"etc/kvmd/override.d/{n}" for n in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
    serial = {}
    for name in names + ["etc/kvmd/override.yaml"]:
        if os.path.exists(pikvm.path(name)):
            level = yaml.safe_load(pikvm.read(name)) or {}
            for key in ("otg", "devices", "serial"):
                level = (level or {}).get(key) or {}
            serial.update(level)
    return serial


@test
def install_twice_and_uninstall_leave_the_root_as_it_was(world):
    yaml = need_yaml()
    pikvm = Pikvm(world)
    before = pikvm.tree()
    code, text = pikvm.install()
    assert code == 0, text
    once = pikvm.tree()
    assert {"usr/bin/slirppd", "usr/lib/systemd/system/kvmd-slirppd.service", "usr/share/kvmd/extras/slirppd/manifest.yaml",
            "usr/share/kvmd/extras/slirppd/nginx.ctx-server.conf", "usr/share/kvmd/web/extras/slirppd/slirppd.svg",
            "etc/kvmd/slirppd/options", SNIPPET} <= set(once) - set(before), sorted(once)
    assert all(once[path] == before[path] for path in before)
    assert gadget_of(yaml, pikvm) == {"enabled": True, "start": True}
    assert pikvm.read_only()
    code, text = pikvm.install()
    assert code == 0 and pikvm.tree() == once and pikvm.read_only(), text
    code, text = pikvm.install("--uninstall")
    assert code == 0 and pikvm.read_only(), text
    assert pikvm.tree() == before, sorted(set(pikvm.tree()) ^ set(before))


@test
def the_system_is_told_in_the_right_order(world):
    pikvm = Pikvm(world)
    pikvm.tell("login")
    code, text = pikvm.install()
    assert code == 0 and "getty@ttyGS0.service" in text, text
    calls = [c for c in pikvm.calls() if not c.startswith(("pacman", "systemctl --quiet"))]
    assert calls == ["rw", "systemctl daemon-reload", "systemctl disable getty@ttyGS0.service",
                     "systemctl disable serial-getty@ttyGS0.service", "systemctl enable kvmd-slirppd.service",
                     "systemctl restart kvmd-slirppd.service", "systemctl reload kvmd-nginx.service", "ro"], calls


@test
def a_disk_that_is_writable_stays_so(world):
    pikvm = Pikvm(world)
    os.unlink(os.path.join(pikvm.tools, "read-only"))
    code, text = pikvm.install()
    assert code == 0 and not pikvm.read_only() and not {"rw", "ro"} & {c.strip() for c in pikvm.calls()}, text


@test
def without_mocks_no_command_of_the_system_is_run(world):
    """As a package is made; a command of that name on the PATH would log itself."""
    pikvm = Pikvm(world)
    run = subprocess.run([INSTALL, "--root", pikvm.root, "--binary", PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         env=dict(os.environ, PATH=pikvm.tools + ":" + os.environ["PATH"]))
    assert run.returncode == 0 and os.path.exists(pikvm.path("usr/bin/slirppd")), run.stderr
    assert not pikvm.calls(), pikvm.calls()


@test
def a_dry_run_changes_nothing(world):
    pikvm = Pikvm(world)
    before = pikvm.tree()
    for words in ([], ["--uninstall"]):
        code, text = pikvm.install("--dry-run", *words)
        assert code == 0 and "would" in text, text
        assert pikvm.tree() == before and pikvm.read_only()
        assert all(re.match(r"pacman -[QT]|systemctl --quiet is-enabled", c) for c in pikvm.calls()), pikvm.calls()


@test
def what_is_no_pikvm_is_refused(world):
    pikvm = Pikvm(world)
    for sign in ("usr/lib/kvmd/main.yaml", "etc/kvmd"):
        aside = pikvm.path(sign) + ".aside"
        os.rename(pikvm.path(sign), aside)
        before = pikvm.tree()
        code, text = pikvm.install()
        assert code == 1 and "this is no PiKVM" in text and pikvm.tree() == before, text
        os.rename(aside, pikvm.path(sign))
    assert not pikvm.calls(), pikvm.calls()


@test
def missing_packages_are_named_and_not_installed(world):
    pikvm = Pikvm(world)
    before = pikvm.tree()
    pikvm.tell("missing", "libslirp\nlibserialport\n")
    code, text = pikvm.install()
    assert code == 1 and "pacman -S --needed libslirp libserialport" in text, text
    assert pikvm.tree() == before and all(c.startswith(("pacman -T", "pacman -Q")) for c in pikvm.calls())


@test
def a_program_that_does_not_run_here_is_refused(world):
    pikvm = Pikvm(world)
    before = pikvm.tree()
    other = os.path.join(world.folder, "slirppd-of-another-machine")
    with open(other, "wb") as f:
        f.write(b"\x7fELF" + bytes(60))
    os.chmod(other, 0o755)
    for words in (["--binary", other], ["--binary", other + ".not"]):
        run = subprocess.run([INSTALL, "--root", pikvm.root, "--tools", pikvm.tools, *words], capture_output=True, text=True)
        assert run.returncode == 1 and other in run.stderr and pikvm.tree() == before, run.stderr
    assert "rw" not in pikvm.calls()


@test
def a_package_is_not_mixed_with_files(world):
    pikvm = Pikvm(world)
    pikvm.tell("packaged")
    for words in ([], ["--uninstall"]):
        code, text = pikvm.install(*words)
        assert code == 1 and "package" in text and "rw" not in pikvm.calls(), text
    package = os.path.join(world.folder, "slirppd-1-1.pkg.tar.xz")
    with open(package, "w"):
        pass
    code, text = pikvm.install("--package", package)
    assert code == 0 and f"pacman -U --noconfirm {package}" in pikvm.calls() and pikvm.read_only(), text
    assert not os.path.exists(pikvm.path("usr/bin/slirppd")) and os.path.exists(pikvm.path(SNIPPET))


@test
def the_disk_is_read_only_again_after_a_failing_step(world):
    for fails in ("systemctl", "rw"):
        pikvm = Pikvm(world)
        pikvm.tell("fail-" + fails)
        code, text = pikvm.install()
        assert code != 0 and pikvm.read_only() and pikvm.calls()[-1].strip() == "ro", (fails, text)
        shutil.rmtree(pikvm.root)
        shutil.rmtree(pikvm.tools)


@test
def the_disk_is_read_only_again_when_a_file_cannot_be_written(world):
    pikvm = Pikvm(world, {"usr/share/kvmd/web/extras": "a file where a folder has to be\n"})
    code, text = pikvm.install()
    assert code != 0 and pikvm.read_only() and pikvm.calls()[-1].strip() == "ro", text
    assert "systemctl enable kvmd-slirppd.service" not in pikvm.calls()


@test
def the_disk_is_read_only_again_after_a_full_one(world):
    """A root on a file system of 600 kB, which the program does not fit on: it fails there, and no half of it is left."""
    unshare = need("unshare")
    pikvm = Pikvm(world)
    small = os.path.join(pikvm.root, "usr", "bin")
    mine = [unshare, "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user", "--user"])
    script = 'mount -t tmpfs -o size=600k none "$1" && shift && { "$@"; echo "code $?"; ls "$0"; }'
    run = subprocess.run(mine + ["sh", "-c", script, small, small, *pikvm.command()], capture_output=True, text=True)
    if "mount:" in run.stderr or "unshare:" in run.stderr:
        raise Skip("nothing can be mounted here")
    assert "code 1" in run.stdout and pikvm.read_only() and pikvm.calls()[-1].strip() == "ro", run.stdout + run.stderr
    assert run.stdout.endswith("code 1\n"), run.stdout


def heed_signals():
    """Whoever runs the tests may ignore some (nohup, a shell's background), and a shell cannot trap what was ignored when it began."""
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, signal.SIG_DFL)


@test
def the_disk_is_read_only_again_after_a_signal(world):
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        pikvm = Pikvm(world)
        pikvm.tell("slow-systemctl")
        with subprocess.Popen(pikvm.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=heed_signals) as process:
            wait_for(lambda: os.path.exists(os.path.join(pikvm.tools, "reached")), "the first systemctl")
            process.send_signal(sig)
            assert process.wait(PATIENCE) == 128 + sig, sig
        assert pikvm.read_only() and pikvm.calls()[-1].strip() == "ro", pikvm.calls()
        shutil.rmtree(pikvm.root)
        shutil.rmtree(pikvm.tools)


@test
def the_users_own_options_stay(world):
    pikvm = Pikvm(world)
    pikvm.install()
    pikvm.write("etc/kvmd/slirppd/options", "service 5900\nrestrict\n")
    code, text = pikvm.install()
    assert code == 0 and pikvm.read("etc/kvmd/slirppd/options") == "service 5900\nrestrict\n", text
    assert "service 443" in pikvm.read("etc/kvmd/slirppd/options.pacnew")
    code, text = pikvm.install("--uninstall")
    assert code == 0 and pikvm.read("etc/kvmd/slirppd/options") == "service 5900\nrestrict\n" and "it stays" in text, text
    assert os.listdir(pikvm.path("etc/kvmd/slirppd")) == ["options"]


@test
def foreign_files_stay(world):
    foreign = {"usr/share/kvmd/extras/slirppd/notes": "mine\n", "usr/share/kvmd/web/extras/other/x.svg": "<svg/>\n",
               "etc/kvmd/override.d/0500-mine.yaml": "vnc:\n    server:\n        port: 5901\n"}
    pikvm = Pikvm(world, foreign)
    before = pikvm.tree()
    assert pikvm.install()[0] == 0
    assert pikvm.install("--uninstall")[0] == 0
    assert pikvm.tree() == before


# override.yaml before, and after where there is no override.d: None where it has to be left as it was. What stands after "add" in the
# second column is put where "@" is in the first.
LINES = "            enabled: true\n            start: true\n"
WHOLE = "otg:\n    devices:\n        serial:\n" + LINES
OVERRIDES = {
    "none": (None, WHOLE),
    "empty": ("", WHOLE),
    "comments alone": ("# nothing yet\n@", WHOLE),
    "no line end": ("# nothing yet", "# nothing yet\n" + WHOLE),
    "other keys": ("kvmd:\n    auth:\n        enabled: true  # keep\n\n# The end.\n@", WHOLE),
    "document start": ("---\nvnc:\n  x: 1\n@", WHOLE),
    "otg with other keys": ("otg:  # the cable\n@    # more of it\n    manufacturer: Me\n    devices_old: 1\nvnc: {}\n",
                            "    devices:\n        serial:\n" + LINES),
    "otg with nothing": ("otg:\n@vnc:\n    a: 1\n", "    devices:\n        serial:\n" + LINES),
    "devices, two columns": ("otg:\n  devices:\n@    # drives\n    drives:\n      enabled: true\n",
                             "    serial:\n        enabled: true\n        start: true\n"),
    "serial with nothing": ("otg:\n    devices:\n        serial:\n@        drives:\n            enabled: true\n", LINES),
    "serial, start only": ("otg:\n    devices:\n        serial:\n@            start: true\n", "            enabled: true\n"),
    "disabled": ("otg:\n    devices:\n        serial:  # no\n            enabled: false  # for now\n            start: true\n",
                 "otg:\n    devices:\n        serial:  # no\n            enabled: true  # for now\n            start: true\n"),
    "disabled with no": ("otg: {devices: {serial: {enabled: 'no'}}}\n", "otg: {devices: {serial: {enabled: true}}}\n"),
    "not started": ("otg:\n    devices:\n        serial: {enabled: true, start: false}\n",
                    "otg:\n    devices:\n        serial: {enabled: true, start: true}\n"),
    "CRLF": ("kvmd:\r\n    a: 1\r\n@", WHOLE.replace("\n", "\r\n")),
    "tags of kvmd": ("kvmd: !include x.yaml\n@", WHOLE),
    "not only ASCII": ("# für später: Kabel\nkvmd:\n    name: ПиКВМ\n@", WHOLE),
    "quoted keys": ("'otg':\n@    \"manufacturer\": a\n", "    devices:\n        serial:\n" + LINES),
    "on already": (WHOLE, WHOLE),
    "on with yes": ("otg: {devices: {serial: {enabled: \"yes\"}}}\n", "otg: {devices: {serial: {enabled: \"yes\"}}}\n"),
    "flow": ("{}\n", None),
    "otg in flow": ("otg: {}\n", None),
    "devices in flow": ("otg:\n    devices: {drives: {enabled: true}}\n", None),
    "a tilde": ("otg: ~\n", None),
    "tabs": ("otg:\n\tdevices:\n\t\tserial:\n", None),
    "broken": ("otg: [\n", None),
    "a list": ("- otg\n", None),
    "two documents": ("a: 1\n---\nb: 2\n", None),
    "document end": ("a: 1\n...\n", None),
    "an anchor": ("x: &s\n    enabled: false\notg:\n    devices:\n        serial: *s\n", None),
    "neither true nor false": ("otg:\n    devices:\n        serial:\n            enabled: maybe\n", None),
    "Latin-1": (b"# f\xfcr\notg:\n    a: 1\n", None),
    "NUL": ("a: \0\n", None),
}


def wanted(before, after):
    if after is None or before is None or "@" not in before:
        return after
    return before.replace("@", after)


def given(before):
    return before.replace("@", "") if isinstance(before, str) else before


def configure_gadget(pikvm, what):
    run = subprocess.run([sys.executable, os.path.join(CONTRIB, "gadget-config"), "--root", pikvm.root, what], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def check_change(yaml, pikvm, before, after):
    """On, on again: the same bytes, and kvmd sees the port."""
    for _ in range(2):
        code, text = configure_gadget(pikvm, "on")
        assert code == 0 and pikvm.read("etc/kvmd/override.yaml") == wanted(before, after), text + pikvm.read("etc/kvmd/override.yaml")
    if "!include" not in after + (before or ""):
        assert gadget_of(yaml, pikvm)["enabled"] in (True, "yes")


def check_refusal(pikvm, tree):
    code, text = configure_gadget(pikvm, "on")
    assert code == 3 and "left as it is" in text and LINES.strip() in text and "Traceback" not in text, text
    assert pikvm.tree() == tree


@test
def the_override_is_changed_without_spoiling_it(world):
    yaml = need_yaml()
    for name, (before, after) in OVERRIDES.items():
        print("#", name)
        pikvm = Pikvm(world, {"etc/kvmd/override.yaml": given(before)}, override_d=False)
        tree = pikvm.tree()
        if after is None:
            check_refusal(pikvm, tree)
        else:
            check_change(yaml, pikvm, before, after)
        code, text = configure_gadget(pikvm, "off")
        assert code == 0, text
        left = pikvm.tree()
        left.pop("etc/kvmd/slirppd", None)
        assert left == tree or name == "on already", text
        shutil.rmtree(pikvm.root)
        shutil.rmtree(pikvm.tools)


@test
def what_cannot_be_changed_is_left_to_the_user_and_the_disk_closed(world):
    need_yaml()
    pikvm = Pikvm(world, {"etc/kvmd/override.yaml": "{}\n"}, override_d=False)
    code, text = pikvm.install()
    assert code == 1 and "left as it is" in text and pikvm.read("etc/kvmd/override.yaml") == "{}\n" and pikvm.read_only(), text
    assert os.path.exists(pikvm.path("usr/bin/slirppd"))


@test
def an_override_that_was_changed_since_stays(world):
    need_yaml()
    pikvm = Pikvm(world, override_d=False)
    pikvm.install()
    pikvm.write("etc/kvmd/override.yaml", pikvm.read("etc/kvmd/override.yaml") + "vnc:\n    a: 1\n")
    text = pikvm.read("etc/kvmd/override.yaml")
    code, said = pikvm.install("--uninstall")
    assert code == 0 and "changed since" in said and pikvm.read("etc/kvmd/override.yaml") == text, said


@test
def with_override_d_a_file_of_our_own_is_enough(world):
    yaml = need_yaml()
    for name in ("other keys", "flow", "devices in flow", "otg in flow"):
        pikvm = Pikvm(world, {"etc/kvmd/override.yaml": given(OVERRIDES[name][0])})
        code, text = pikvm.install()
        assert code == 0 and pikvm.read("etc/kvmd/override.yaml") == given(OVERRIDES[name][0]), (name, text)
        assert gadget_of(yaml, pikvm) == {"enabled": True, "start": True}, name
        shutil.rmtree(pikvm.root)
        shutil.rmtree(pikvm.tools)


@test
def an_override_that_says_no_and_would_win_is_changed(world):
    yaml = need_yaml()
    pikvm = Pikvm(world, {"etc/kvmd/override.yaml": OVERRIDES["disabled"][0]})
    before = pikvm.tree()
    code, text = pikvm.install()
    assert code == 0 and pikvm.read("etc/kvmd/override.yaml") == OVERRIDES["disabled"][1] and not os.path.exists(pikvm.path(SNIPPET)), text
    assert gadget_of(yaml, pikvm)["enabled"] is True
    assert pikvm.install("--uninstall")[0] == 0 and pikvm.tree() == before


@test
def another_file_that_says_no_is_left_to_the_user(world):
    need_yaml()
    pikvm = Pikvm(world, {"etc/kvmd/override.d/5000-policy.yaml": "otg: {devices: {serial: {enabled: false}}}\n"})
    code, text = pikvm.install()
    assert code == 1 and "5000-policy.yaml was left as it is" in text and not os.path.exists(pikvm.path(SNIPPET)), text
    assert os.path.exists(pikvm.path("usr/bin/slirppd")) and pikvm.read_only()


@test
def the_vendors_switch_is_enough(world):
    """ENABLE_OTG_SERIAL=1 in /boot/pikvm.txt."""
    need_yaml()
    pikvm = Pikvm(world, {"etc/kvmd/override.d/0000-vendor-otg-serial.yaml": "otg:\n    devices:\n        serial:\n            enabled: true\n"})
    code, text = pikvm.install()
    assert code == 0 and "already" in text and not os.path.exists(pikvm.path(SNIPPET)), text


@test
def kvmds_configuration_may_be_left_alone(world):
    pikvm = Pikvm(world)
    code, text = pikvm.install("--no-gadget")
    assert code == 0 and not os.path.exists(pikvm.path(SNIPPET)), text


@test
def the_manifest_is_one_of_kvmds(world):
    """The keys that kvmd reads, and what it and its page make of them."""
    yaml = need_yaml()
    with open(os.path.join(CONTRIB, "manifest.yaml")) as f:
        manifest = yaml.safe_load(f)
    assert set(manifest) <= {"name", "description", "icon", "path", "daemon", "port", "place"}
    assert all(isinstance(manifest[key], str) for key in ("name", "description", "icon", "path", "daemon"))
    assert isinstance(manifest["place"], int) and manifest["place"] >= 0
    assert re.fullmatch(r"kvmd(-\w+)*", manifest["daemon"]), "the log viewer would not show it"
    assert os.path.exists(os.path.join(CONTRIB, manifest["daemon"] + ".service"))
    assert manifest["icon"] == "extras/slirppd/slirppd.svg" and manifest["path"] == "extras/slirppd"
    icon = xml.etree.ElementTree.parse(os.path.join(CONTRIB, "slirppd.svg")).getroot()
    assert icon.tag == "{http://www.w3.org/2000/svg}svg" and icon.get("viewBox")


@test
def the_default_configuration_opens_three_ports_and_no_more(world):
    code, text = world.run("/dev/ttyGS0", "nodetach", "nolog", "persist", "maxfail", "0", "control", os.path.join(world.folder, "c.sock"),
                           "metrics", "127.0.0.1:9847", "file", os.path.join(CONTRIB, "options"), "dryrun")
    assert code == 0, text
    with open(os.path.join(CONTRIB, "options")) as f:
        words = [line.split() for line in f if line.strip() and not line.startswith("#")]
    assert [w[1] for w in words if w[0] == "service"] == ["22", "80", "443"] and ["restrict"] in words
    assert not [w for w in words if w[0] in ("host-loopback", "forward", "socks", "permit-to")]


@test
def the_unit_fits_in_with_kvmd(world):
    with open(os.path.join(CONTRIB, "kvmd-slirppd.service")) as f:
        unit = [line.strip() for line in f]
    for line in ("User=kvmd", "Restart=always", "RestartSec=3", "ProtectSystem=strict", "WantedBy=multi-user.target"):
        assert line in unit, line
    assert any(line.startswith("Description=PiKVM - ") for line in unit)
    assert any(line.startswith("After=") and "kvmd-otg.service" in line for line in unit)
    assert any(line.startswith("Conflicts=") and "getty@ttyGS0.service" in line for line in unit)
    assert not [line for line in unit if line.startswith(("StateDirectory=", "CacheDirectory=", "LogsDirectory="))], "the disk is read-only"


# kvmd's configuration of nginx in small: the same structure and the same snippets for the same purposes.
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
	access_log off;
	client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
	include {root}/usr/share/kvmd/extras/*/nginx.ctx-http.conf;
	server {{
		listen 127.0.0.1:{port};
		absolute_redirect off;
		auth_request /auth_check;
		location = /auth_check {{ internal; auth_request off; if ($http_cookie !~ "auth_token=good") {{ return 401; }} return 204; }}
		location / {{ root {root}/usr/share/kvmd/web; include {root}/etc/kvmd/nginx/loc-login.conf; }}
		location @login {{ return 302 /login; }}
		location /login {{ return 200 "please log in"; auth_request off; }}
		include {root}/usr/share/kvmd/extras/*/nginx.ctx-server.conf;
	}}
}}
"""
SNIPPETS = {
    "etc/kvmd/nginx/loc-login.conf": "error_page 401 = @login;\nerror_page 403 = @login;\n",
    "etc/kvmd/nginx/loc-proxy.conf": "proxy_set_header Host $host;\nproxy_set_header X-Real-IP $remote_addr;\n",
    "etc/kvmd/nginx/loc-nocache.conf": 'add_header Cache-Control "no-store, no-cache";\nexpires -1;\n',
    "etc/kvmd/nginx/loc-websocket.conf": "proxy_http_version 1.1;\n",
}


def nginx_program():
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if not path:
        raise Skip("nginx is not installed")
    if "http_auth_request_module" not in subprocess.run([path, "-V"], capture_output=True, text=True).stderr:
        raise Skip("this nginx has no auth_request")
    return path


def nginx_folder(world, port, page_port):
    """The extra as it is installed, with its paths and its port led to this test's."""
    pikvm = Pikvm(world, SNIPPETS)
    code, text = pikvm.install("--no-gadget")
    assert code == 0, text
    extra = "usr/share/kvmd/extras/slirppd/"
    pikvm.write(extra + "nginx.ctx-server.conf", pikvm.read(extra + "nginx.ctx-server.conf").replace("/etc/kvmd/", pikvm.root + "/etc/kvmd/"))
    pikvm.write(extra + "nginx.ctx-http.conf", pikvm.read(extra + "nginx.ctx-http.conf").replace(":9847", f":{page_port}"))
    path = os.path.join(world.folder, "nginx.conf")
    with open(path, "w") as f:
        f.write(NGINX.format(folder=world.folder, root=pikvm.root, port=port))
    return path


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def get(port, path, method="GET", cookie=None):
    """Status, Location and text, as a browser would see them that came by the machine's name."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers={"Host": "pikvm.local"})
    if cookie:
        request.add_header("Cookie", "auth_token=" + cookie)
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=PATIENCE) as answer:
            return answer.status, None, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Location"], error.read().decode()


def reachable(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@test
def the_status_page_is_behind_kvmds_login(world):
    """A real nginx before a real slirppd."""
    nginx, port, metrics = nginx_program(), free_port(), free_port()
    conf = nginx_folder(world, port, metrics)
    check = subprocess.run([nginx, "-t", "-q", "-c", conf, "-p", world.folder], capture_output=True, text=True)
    assert check.returncode == 0 and not check.stderr, check.stderr
    _, path = world.pty()
    world.slirppd(path, "nodetach", "local", "persist", "maxfail", "0", "metrics", f"127.0.0.1:{metrics}")
    server = subprocess.Popen([nginx, "-q", "-c", conf, "-p", world.folder], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    world.stack.callback(server.wait)
    world.stack.callback(server.kill)
    wait_for(lambda: reachable(port) and reachable(metrics), "nginx and slirppd")
    for cookie in (None, "bad"):
        for page in ("/extras/slirppd/", "/extras/slirppd/state", "/extras/slirppd/metrics"):
            assert get(port, page, cookie=cookie)[:2] == (302, "/login"), page
    assert get(port, "/extras/slirppd", cookie="good")[:2] == (301, "/extras/slirppd/")
    status, _, text = get(port, "/extras/slirppd/", cookie="good")
    assert status == 200 and "<title>slirppd" in text, text[:200]
    status, _, text = get(port, "/extras/slirppd/state", cookie="good")
    assert status == 200 and '"program"' in text and path in text, text[:200]
    assert get(port, "/extras/slirppd/hangup", method="POST", cookie="good")[0] in (302, 403), "the page is for looking only"
    assert get(port, "/extras/slirppd/../../etc/kvmd/meta.yaml", cookie="good")[0] in (400, 404)


@test
def the_udev_rules_are_well_formed(world):
    """Each line is a list of matches and assignments that udev knows; the port gets its name, and ModemManager keeps off."""
    with open(os.path.join(TOP, "contrib", "udev", "60-slirppd.rules")) as f:
        rules = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    token = r'(?:ACTION|SUBSYSTEMS?|KERNEL|ATTRS\{\w+\}|ENV\{[.\w]+\}|SYMLINK|GOTO|LABEL)(?:==|!=|\+=|=)"[^"]*"'
    for rule in rules:
        assert re.fullmatch(rf"{token}(?:, {token})*", rule), rule
    text = "\n".join(rules)
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in text and 'SYMLINK+="pikvm-serial"' in text and 'ATTRS{idVendor}=="1d6b"' in text
    assert re.findall(r'GOTO="(\w+)"', text) == re.findall(r'LABEL="(\w+)"', text)


@test
def the_package_has_the_same_files(world):
    """package() of the PKGBUILD with `make install` mocked, against what the script installs."""
    pikvm = Pikvm(world)
    before = set(pikvm.tree())
    assert pikvm.install("--no-gadget")[0] == 0
    script = set(pikvm.tree()) - before
    package, build = os.path.join(world.folder, "pkg"), os.path.join(world.folder, "src")
    code = f"""set -eu; . '{CONTRIB}/PKGBUILD'; pkgdir='{package}' srcdir='{build}'
        make() {{ mkdir -p "$pkgdir/usr/bin"; : >"$pkgdir/usr/bin/slirppd"; }}
        mkdir -p "$srcdir"; ln -s '{TOP}' "$srcdir/$pkgname-$pkgver"; package
        printf '%s\\n' "$pkgname" "${{arch[*]}}" "${{backup[*]}}" "$install" """
    run = subprocess.run([need("bash"), "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    name, arch, backup, install = run.stdout.splitlines()
    assert name == "slirppd" and "aarch64" in arch and backup == "etc/kvmd/slirppd/options"
    found = {os.path.relpath(os.path.join(folder, file), package) for folder, _, files in os.walk(package) for file in files}
    assert found == {path for path in script if os.path.isfile(pikvm.path(path))} - {"usr/bin/slirpctl", "usr/bin/pyslirp"}, (found, script)
    assert subprocess.run(["bash", "-n", os.path.join(CONTRIB, install)]).returncode == 0


@test
def the_scripts_are_clean(world):
    shellcheck = shutil.which("shellcheck")
    if not shellcheck:
        raise Skip("shellcheck is not installed")
    run = subprocess.run([shellcheck, INSTALL], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


if __name__ == "__main__":
    main()
