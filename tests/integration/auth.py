#!/usr/bin/env python3
"""Who proves what to whom: two slirppd with secrets files, every method right and wrong, and what a line of such a file allows."""

import os
import re
import socket

from harness import PATIENCE, main, test, wait_for

SECRET, WRONG = "Sesame-0pen", "Simsalabim-7"
PROTOCOLS = {"pap": "PAP", "chap": "CHAP", "mschap": "CHAP", "mschap-v2": "CHAP", "eap": "EAP"}
REFUSE = ["refuse-pap", "refuse-chap", "refuse-mschap", "refuse-mschap-v2", "refuse-eap"]


def write_secrets(world, lines, name="secrets"):
    """A file for PAP and CHAP alike, and the words that name it."""
    path = os.path.join(world.folder, name)
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write("".join(line + "\n" for line in lines))
    os.replace(path + ".new", path)
    return ["pap-secrets", path, "chap-secrets", path]


def asker(world, *words, line=f'alice gate "{SECRET}" *', method="chap"):
    return ["debug", "name", "gate", f"require-{method}", *write_secrets(world, [line]), *words]


def prover(world, *words, user="alice", secret=SECRET):
    return ["debug", "user", user, *write_secrets(world, [f'{user} * "{secret}"'], user), *words]


def caller(world, *words):
    """A slirppd that calls again and again, by TCP, and whom it calls."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    world.stack.callback(listener.close)
    words = ["socket", "127.0.0.1:%d" % listener.getsockname()[1], "nodetach", "persist", "holdoff", "0", *words]
    return world.slirppd(*words, name="a"), listener


def answer(world, listener, name, *words):
    with listener.accept()[0] as line:
        return world.slirppd("notty", *words, name=name, stdin=line, stdout=line)


def assert_in_order(process, *texts):
    log, at = process.log(), 0
    for text in texts:
        found = log.find(text, at)
        assert found >= 0, f"{process.name}: {text!r} is missing or out of order"
        at = found + len(text)


def assert_no_secret(*processes):
    for p in processes:
        for text in (p.log(), p.output()):
            assert SECRET not in text and WRONG not in text, p.name


@test
def every_method_with_the_right_secret(world):
    for method, protocol in PROTOCOLS.items():
        a, b = world.pair(asker(world, method=method), prover(world))
        a.wait_up()
        b.wait_up()
        assert_in_order(a, "Connect: ", f"Peer alice authenticated with {protocol}\n", "local  IP address ")
        assert_in_order(b, "Connect: ", f"{protocol} authentication succeeded\n", "local  IP address ")
        assert a.end() == 5 and b.wait() in (0, 16)
        assert_no_secret(a, b)
        for p in (a, b):
            os.unlink(p.log_path)


@test
def every_method_with_a_wrong_secret(world):
    says = {
        "pap": "PAP peer authentication failed for alice", "chap": "Peer alice failed CHAP authentication",
        "mschap": "Peer alice failed CHAP authentication", "mschap-v2": "Peer alice failed CHAP authentication",
        "eap": "EAP: MD5-Challenge failure for peer alice",
    }
    hears = {
        "pap": "Remote message: Login incorrect\nPAP authentication failed\n",
        "chap": "CHAP authentication failed: Access denied\n", "mschap": "MS-CHAP authentication failed: E=691 Authentication failure\n",
        "mschap-v2": "MS-CHAP authentication failed: Access denied\n", "eap": "EAP: peer reports authentication failure\n",
    }
    for method in PROTOCOLS:
        a, b = world.pair(asker(world, method=method), prover(world, secret=WRONG))
        assert (a.wait(), b.wait()) == (11, 19), method
        assert says[method] in a.log(), method
        assert "Connection terminated.\n" in a.log() and "IP address" not in a.log() + b.log(), method
        lines = re.sub(r"^(sent|rcvd) .*\n", "", b.log(), flags=re.M)
        assert hears[method] in lines, method
        assert_no_secret(a, b)
        for p in (a, b):
            os.unlink(p.log_path)


@test
def nobody_knows_the_user(world):
    for method in PROTOCOLS:
        a, b = world.pair(asker(world, method=method), prover(world, user="mallory"))
        assert (a.wait(), b.wait()) == (11, 19), method
        assert "mallory" in a.log() and "IP address" not in a.log()
        for p in (a, b):
            os.unlink(p.log_path)


@test
def a_peer_that_would_prove_nothing(world):
    a, b = world.pair(asker(world), prover(world, *REFUSE))
    assert a.wait() == 11 and b.wait() in (0, 10, 16), b.process.returncode
    assert "peer refused to authenticate: terminating link" in a.log()
    assert "No auth is possible" in b.log()
    assert "IP address" not in a.log() + b.log()


@test
def both_directions_at_once(world):
    shared = ['alice gate "up" *', 'gate alice "down" *']
    for forth, back in (("pap", "mschap-v2"), ("eap", "chap"), ("chap", "chap"), ("eap", "eap")):
        a, b = world.pair(["name", "gate", f"require-{forth}", *write_secrets(world, shared)],
                          ["name", "alice", f"require-{back}", *write_secrets(world, shared)])
        for p, peer, theirs, ours in ((a, "alice", forth, back), (b, "gate", back, forth)):
            p.wait_up()
            assert f"Peer {peer} authenticated with {PROTOCOLS[theirs]}\n" in p.log()
            assert f"{PROTOCOLS[ours]} authentication succeeded\n" in p.log()
        assert a.end() == 5 and b.wait() in (0, 16)
        for p in (a, b):
            os.unlink(p.log_path)


@test
def one_direction_right_and_the_other_wrong(world):
    a, b = world.pair(["name", "gate", "require-chap", *write_secrets(world, ['alice gate "up" *', 'gate alice "no" *'], "a")],
                      ["name", "alice", "require-chap", *write_secrets(world, ['alice gate "up" *', 'gate alice "down" *'], "b")])
    assert (a.wait(), b.wait()) == (19, 11)
    assert "Peer gate failed CHAP authentication" in b.log()
    assert "IP address" not in a.log() + b.log()


@test
def the_line_gives_the_peer_its_address(world):
    a, b = world.pair(asker(world, line=f'alice gate "{SECRET}" 10.9.8.7'), prover(world))
    b.wait_up()
    assert "local  IP address 10.9.8.7\n" in b.log()
    assert a.end() == 5 and b.wait() in (0, 16)


@test
def another_address_than_the_line_allows(world):
    a, b = world.pair(asker(world, "noipv6", "ipcp-accept-remote", line=f'alice gate "{SECRET}" 10.9.8.0/24'), prover(world, "10.9.9.9:"))
    a.wait_log(r"^Peer is not authorized to use remote address 10\.9\.9\.9$")
    assert "IP address 10.9.9.9" not in a.log()
    assert a.wait() and b.wait() in (0, 16)


@test
def a_peer_that_may_have_no_address(world):
    """Not even IPv6's, which the address column does not name."""
    words = asker(world)
    write_secrets(world, [f'alice gate "{SECRET}" *', f'bob gate "{SECRET}" -'])
    a, b = world.pair(words, prover(world, user="bob"))
    assert a.wait() and b.wait() in (0, 16)
    assert "Peer is not authorized to use remote address" in a.log() and "LL address" not in a.log()


@test
def a_line_that_allows_no_address(world):
    for rest in ("", " -", " !10.0.0.1"):
        code, output = world.run("notty", "nodetach", *asker(world, line=f'alice gate "{SECRET}"' + rest))
        assert code == 1 and "couldn't find any suitable secret" in output, (code, output)
        assert "None of the available passwords would let it use an IP address" in output, output


@test
def options_of_the_line(world):
    """They hold for this peer, and not for the next one."""
    words = asker(world)
    write_secrets(world, [f'alice gate "{SECRET}" * -- maxconnect 1', f'bob gate "{SECRET}" *'])
    a, listener = caller(world, *words)
    b = answer(world, listener, "b", *prover(world))
    assert b.wait() in (0, 16)
    assert "LCP terminated by peer (Connect time expired)" in b.log()
    c = answer(world, listener, "c", *prover(world, "maxconnect", "3", user="bob"))
    assert c.wait() == 13
    assert len(re.findall(r"^Connect time expired$", a.log(), re.M)) == 1, a.log()
    assert a.end() == 5


@test
def a_bad_option_in_the_line(world):
    a, b = world.pair(asker(world, line=f'alice gate "{SECRET}" * -- maxconnect soon'), prover(world))
    a.wait_up()
    assert re.search(r"^In the secrets file's line for alice: .*maxconnect", a.log(), re.M), a.log()


@test
def a_secret_that_changes_while_it_runs(world):
    """Each try reads the files anew."""
    a, listener = caller(world, *asker(world))
    b = answer(world, listener, "b", *prover(world))
    a.wait_up()
    write_secrets(world, ['alice gate "another" *'])
    assert b.end() == 5
    assert answer(world, listener, "c", *prover(world)).wait() == 19
    d = answer(world, listener, "d", *prover(world, secret="another"))
    a.wait_up(count=2)
    d.wait_up()
    assert a.end() == 5


@test
def challenged_again(world):
    """chap-interval: right again and again; then the secret has changed, and the link ends."""
    a, b = world.pair(asker(world, "chap-interval", "1"), prover(world))
    a.wait_up()
    wait_for(lambda: len(re.findall(r"^sent \[CHAP Success ", a.log(), re.M)) >= 3, "two more challenges")
    assert a.process.poll() is None and a.log().count("Peer alice authenticated") == 1
    write_secrets(world, ['alice gate "another" *'])
    assert a.wait() == 11 and b.wait() in (0, 16, 19)
    assert "Peer alice failed CHAP authentication" in a.log()
    assert_no_secret(a, b)


main()
