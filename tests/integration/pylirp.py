#!/usr/bin/env python3
"""PyLiRP's configurations and its command line: both ends from YAML, over a pty; pyslirp's arguments and exit codes."""

import os
import signal
import subprocess

from harness import PATIENCE, PROGRAM, WRAPPER, data_of, echo, free_port, main, receive, test, wait_for

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "pylirp")
PYSLIRP = os.environ.get("PYSLIRP") or os.path.join(os.path.dirname(PROGRAM), "pyslirp")

UNIFIED = """
host:
  serial: {{port: {device}, baudrate: 115200}}
  network: {{local_ip: 10.0.0.1, remote_ip: 10.0.0.2}}
  services:
    22: {{host: 127.0.0.1, port: {server}, name: "Echo", enabled: true}}
    80: {{host: 127.0.0.1, port: {server}, enabled: false}}
client:
  serial: {{port: {device}, baudrate: 115200}}
  network: {{local_ip: 10.0.0.2, remote_ip: 10.0.0.1}}
  port_forwards:
    {open}: 22
    {closed}: 80
common:
  ppp: {{echo_interval: 20}}
"""


def write(world, text, name="config.yaml"):
    path = os.path.join(world.folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def pyslirp(world, *words, name="pyslirp", **how):
    return world.slirppd(*words, name=name, program=PYSLIRP, log=False, **how)


def ends(world, program_of_host):
    """Both ends of a pty, from one file; the ports that are open and closed."""
    master, device = world.pty()
    opened, closed = free_port(), free_port()
    path = write(world, UNIFIED.format(device=device, server=world.serve(echo), open=opened, closed=closed))
    host = program_of_host(path)
    client = world.slirppd("notty", "config", path, "mode", "client", name="client", stdin=master, stdout=master)
    client.wait_up()
    return host, client, opened, closed


def check_ports(world, opened, closed):
    data = data_of(50000)
    with world.connect(opened) as connection:
        connection.sendall(data)
        assert receive(connection, len(data)) == data
    with world.connect(closed) as connection:
        try:
            assert connection.recv(1) == b""
        except ConnectionError:
            pass


@test
def host_and_client_talk_to_each_other(world):
    _, _, opened, closed = ends(world, lambda path: world.slirppd("config", path, "mode", "host", "nodetach", name="host"))
    check_ports(world, opened, closed)


@test
def the_command_is_the_host(world):
    host, _, opened, closed = ends(world, lambda path: pyslirp(world, "--config", path, "--mode", "host"))
    check_ports(world, opened, closed)
    host.kill()
    host.wait()


@test
def it_ends_when_the_peer_has_gone(world):
    host, client, _, _ = ends(world, lambda path: pyslirp(world, "-c", path, "--exit-on-peer-disconnect"))
    client.kill()
    assert host.wait() == 0


@test
def it_ends_after_so_many_seconds(world):
    _, device = world.pty()
    path = write(world, f"serial: {{port: {device}}}\n")
    process = pyslirp(world, "--config", path, "--testfor", "1")
    assert process.wait() == 0


@test
def a_signal_reaches_slirppd(world):
    _, device = world.pty()
    path = write(world, f"serial: {{port: {device}}}\n")
    process = pyslirp(world, "--config", path, "--testfor", "600")
    wait_for(lambda: "Connect:" in process.output(), "the line to be opened")
    process.kill(signal.SIGTERM)
    assert process.wait() == 5


@test
def all_our_configurations_are_valid(world):
    for name in sorted(os.listdir(DATA)):
        for mode in ("host", "client"):
            process = pyslirp(world, "--validate-config", "--config", os.path.join(DATA, name), "--mode", mode, name=f"{name}-{mode}",
                              env={"PYSLIRP_SERIAL_PORT": "/dev/ttyUSB0"})
            assert process.wait() == 0, (name, mode)
            assert "The configuration is valid." in process.output()


@test
def a_bad_configuration_is_not(world):
    path = write(world, "serial:\n  baudrate: fast\n")
    process = pyslirp(world, "--validate-config", "--config", path)
    assert process.wait() == 1
    assert f"In file {path}: serial.baudrate: expected a whole number, not 'fast' (line 2)" in process.output()


@test
def an_environments_file_overrides(world):
    path = write(world, "serial: {port: /dev/ttyUSB0, baudrate: 9600}\n")
    write(world, "serial: {baudrate: 57600}\n", "config.test.yaml")
    process = pyslirp(world, "--validate-config", "-c", path, "-e", "test")
    assert process.wait() == 0
    assert "\n57600\t" in process.output() and "\n9600\t" not in process.output()


@test
def arguments_that_are_wrong_are_usage_errors(world):
    path = write(world, "serial: {port: /dev/ttyUSB0}\n")
    for words in (["--nonsense"], ["--mode", "both"], ["--testfor", "x"], ["a", "b"], ["--daemon", "--testfor", "1"], ["-c"]):
        done = subprocess.run(WRAPPER + [PYSLIRP, *words], capture_output=True, text=True, timeout=PATIENCE, cwd=world.folder)
        assert done.returncode == 2, (words, done)
    for word, text in (("--help", "Usage: pyslirp"), ("--version", "pyslirp (slirppd ")):
        done = subprocess.run(WRAPPER + [PYSLIRP, word], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0 and done.stdout.startswith(text), done
    done = subprocess.run(WRAPPER + [PYSLIRP, "--validate-config"], capture_output=True, text=True, timeout=PATIENCE,
                          cwd=os.path.dirname(path))
    assert done.returncode == 0, done


@test
def two_on_one_machine_may_name_the_same_metrics_port(world):
    """Both ends from one file with PyLiRP's port: who comes second goes on without it. On a command line it is meant."""
    master, device = world.pty()
    taken = world.serve(echo)
    text = UNIFIED.format(device=device, server=1, open=free_port(), closed=free_port())
    path = write(world, text + f"  monitoring: {{metrics: {{enabled: true, port: {taken}}}}}\n")
    host = world.slirppd("config", path, "mode", "host", "nodetach", "local", name="host")
    client = world.slirppd("notty", "config", path, "mode", "client", name="client", stdin=master, stdout=master)
    host.wait_up()
    client.wait_up()
    host.wait_log(f"port {taken} for metrics: .*; going on without it")
    code, output = world.run("config", path, "mode", "host", "nodetach", "local", "metrics", taken)
    assert code == 1 and f"port {taken} for metrics" in output, (code, output)


@test
def the_command_line_stands_against_a_file(world):
    """A door that both name is the command line's; the file's is left out with a warning."""
    opened, server = free_port(), world.serve(echo)
    path = write(world, UNIFIED.format(device="/dev/null", server=1, open=opened, closed=free_port()))
    code, output = world.run("notty", "config", path, "mode", "host", "dryrun", "service", f"22:127.0.0.1:{server}")
    assert code == 0 and f"service 22:127.0.0.1:{server}\t" in output and "service 22:127.0.0.1:1\t" not in output, output
    assert f"In file {path}: host.services.22: service 22 is given already" in output, output
    code, output = world.run("notty", "config", path, "mode", "client", "dryrun", "forward", f"{opened}:2222")
    assert code == 0 and f"forward {opened}:2222\t" in output and f"forward {opened}:22\t" not in output, output


if __name__ == "__main__":
    main()
