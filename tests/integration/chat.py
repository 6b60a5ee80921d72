#!/usr/bin/env python3
"""chat: what it sends, says and ends with, beside Debian's where that is installed; and as a connect script, through to a link."""

import os
import re
import select
import shlex
import subprocess
import sys
import time
import tty

from harness import PATIENCE, Skip, echo, free_port, main, receive, test

CHAT = os.path.join(os.path.dirname(os.path.abspath(os.environ.get("SLIRPPD", "slirppd"))), "chat")
DEBIANS = "/usr/sbin/chat"

MODEM = {"ATZ": "\r\nOK\r\n", "ATDT5551212": "\r\nCONNECT 57600\r\n", "ATDT5550000": "\r\nBUSY\r\n", "ATDTNONE": "\r\nNO CARRIER\r\n",
         "ATDTDEAF": "", "ATI": "\r\nISP modem 1.0\r\nOK\r\n", "": "\r\nogin:", "alice": "\r\nssword:", "word": "\r\nWelcome\r\n$ ", "\x04": "bye\r\n"}

# A script, as words of a shell; what is in `files` is there. The modem answers each line that it gets (MODEM), after its greeting.
# (words, greeting, files)
CASES = [
    ("'' ATZ OK ATDT5551212 CONNECT ''", ""),
    ("ABORT BUSY ABORT 'NO CARRIER' '' ATZ OK ATDT5551212 CONNECT '\\d\\c'", ""),
    ("ABORT BUSY ABORT 'NO CARRIER' '' ATZ OK ATDT5550000 CONNECT ''", ""),
    ("ABORT BUSY ABORT 'NO CARRIER' '' ATZ OK ATDTNONE CONNECT ''", ""),
    ("ABORT 'NO CARRIER' ABORT BUSY TIMEOUT 1 '' ATDTDEAF CONNECT ''", ""),
    ("TIMEOUT 1 ogin:--ogin: alice ssword: word", ""),
    ("ogin: alice ssword: word '$' ''", "ogin:"),
    ("TIMEOUT 1 ogin:-BREAK-ogin:", ""),
    ("TIMEOUT 1 nothing-ATZ-OK 'x\\c'", ""),
    ("TIMEOUT 1 nothing-ATZ-neither-ATZ-OK 'x\\c'", ""),
    ("TIMEOUT 1 nothing-ATZ", ""),
    ("TIMEOUT 1 nothing-", ""),
    ("TIMEOUT 1 one\\-two-ATZ-OK 'x\\c'", "one-two"),
    ("TIMEOUT 1 one\\-two 'x\\c'", "one-two"),
    ("ABORT BUSY CLR_ABORT BUSY TIMEOUT 1 '' ATDT5550000 CONNECT ''", ""),
    ("ABORT A ABORT B CLR_ABORT A ABORT C TIMEOUT 1 x y", "zzC"),
    ("ABORT BUS ABORT BUSY TIMEOUT 1 '' ATDT5550000 CONNECT ''", ""),
    ("ABORT Y ABORT BUSY TIMEOUT 1 '' ATDT5550000 CONNECT ''", ""),
    ("ABORT OK '' ATZ OK 'done\\c'", ""),
    ("'' '\\101\\102\\c' '' 'a\\sb\\tc\\c'", ""),
    ("'' '^C^A^@x\\c'", ""),
    ("'' '\\N\\001\\c'", ""),
    ("'' '\\\\\\x\\y\\c'", ""),
    ("'' 'a\\cb'", ""),
    ("'' 'a\\qb'", ""),
    ("'' 'trailing\\'", ""),
    ("'' '\\r\\n\\b\\c'", ""),
    ("'' 'x\\p\\py\\c'", ""),
    ("'' '\\T,\\U'", ""),
    ("-T 5551212 -U 42 '' 'ATDT\\T' CONNECT 'U\\U'", ""),
    ("-E '' 'A$CHATVAR-$NOSUCH.\\$x'", ""),
    ("'' 'A$CHATVAR'", ""),
    ("-E TIMEOUT 1 '$CHATVAR' 'x'", "value"),
    ("'' EOT 'bye' ''", ""),
    ("'' BREAK '' 'x\\c'", ""),
    ("'' @send '' x", "", {"send": "from a file\n"}),
    ("'' '@ send' '' x", "", {"send": "two\nlines"}),
    ("'' @nosuch", ""),
    ("'' @", ""),
    ("-f script", "", {"script": "# a comment\nABORT BUSY\n'' ATZ\nOK 'ATDT5551212'\n CONNECT \"\\d\\c\"\n"}),
    ("-f script", "", {"script": "'' 'no end\n"}),
    ("-f script", "", {"script": "TIMEOUT 1 '' \"a \\\"quoted\\\" word\"\n'' a\\ b\n"}),
    ("-f script", "", {"script": "TIMEOUT 1\n ogin:--ogin: alice\n # no comment\n"}),
    ("-f nosuch", ""),
    ("-f script ''", "", {"script": "'' x"}),
    ("-t 1 nothing ''", ""),
    ("-t1 nothing", ""),
    ("-Q", ""),
    ("", ""),
    ("''", ""),
    ("SAY 'hello\\n' '' 'x\\c'", ""),
    ("SAY 'hello\\c' '' 'x\\c'", ""),
    ("ECHO ON '' ATZ OK 'x\\c'", ""),
    ("-e '' ATZ OK 'x\\c'", ""),
    ("-V '' ATZ OK 'x\\c'", ""),
    ("ECHO ON '' ATZ OK '\\c' ECHO OFF '' ATI 'OK\\r' ''", ""),
    ("REPORT CONNECT '' ATZ OK ATDT5551212 CONNECT ''", ""),
    ("REPORT ISP '' ATI OK 'x\\c'", ""),
    ("REPORT ISP CLR_REPORT ISP '' ATI OK 'x\\c'", ""),
    ("HANGUP OFF '' ATZ OK 'x\\c'", ""),
    ("-v -s '' ATZ OK ATDT5551212 CONNECT '\\d\\c'", ""),
    ("-v -s TIMEOUT 1 ABORT BUSY '' ATDT5550000 CONNECT ''", ""),
    ("-v -s TIMEOUT 1 ogin:--ogin: '\\qsecret\\c'", ""),
    ("-v -s ABORT 'A^Bc' CLR_ABORT 'A^Bc' REPORT x '' 'a\\001b\\c'", ""),
    ("TIMEOUT 1 '%s' x" % ("y" * 1200), ""),
    ("ABORT '%s' '' x" % ("y" * 60), ""),
    (" ".join(f"ABORT A{n}" for n in range(51)) + " '' x", ""),
    ("TIMEOUT 1 aab x", "aaab"),
    ("TIMEOUT 1 nothing x", "z" * 3000),
    ("TIMEOUT 1 END x", "z" * 3000 + "END"),
    ("TIMEOUT 3600 CLIENT 'CLIENTSERVER\\c'", "CLIENT"),
    ("TIMEOUT 2147483647 '' ATZ OK x", ""),
    ("-t 0 '' ATZ OK x", ""),
    ("-v -s -V TIMEOUT 1 END 'a\\tb'", "hidden\0from\tthe log\r\nEND"),
    ("-e -V TIMEOUT 1 END x", "a\0b\tc\r\nEND"),
    ("-v -s '' '\\T\\U' SAY '\\T'", ""),
    ("REPORT '\\001' TIMEOUT 1 END x", "a\001b c\r\nEND"),
    ("CLR_ABORT '%s' '' x" % ("y" * 60), ""),
    ("-v -r /dev/stderr REPORT CONNECT '' ATDT5551212 CONNECT ''", ""),
]


def answer(master, line, pending):
    """Sends what the modem says to LINE, a bit later so that no two runs differ in what came first."""
    text = MODEM.get(line)
    if text:
        pending.append((time.monotonic() + 0.02, text.encode()))


def converse(world, program, words, greeting, checked=True):
    """Runs a chat at a modem: what was sent to it, the exit code, and what it said."""
    master, slave = os.openpty()
    tty.setraw(slave)
    env = {"CHATVAR": "value", "PATH": os.environ["PATH"], "TZ": "UTC"}
    process = subprocess.Popen([program, "-S", *words], stdin=slave, stdout=slave, stderr=subprocess.PIPE, cwd=world.folder, env=env)
    os.close(slave)
    pending, sent, line = [(time.monotonic() + 0.05, greeting.encode())], b"", b""
    while process.poll() is None or select.select([master], [], [], 0)[0]:
        if pending and time.monotonic() >= pending[0][0]:
            os.write(master, pending.pop(0)[1])
        if not select.select([master], [], [], 0.005)[0]:
            continue
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        sent += data
        for byte in data:
            if byte in b"\r\x04":
                answer(master, (line + (b"\x04" if byte == 4 else b"")).decode(errors="replace"), pending)
                line = b""
            else:
                line += bytes([byte])
    os.close(master)
    return sent, process.wait(PATIENCE), process.stderr.read()


def normal(said):
    """Without what must differ: the time of a report, the usage's wording."""
    said = re.sub(rb"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d", b"TIME", said)
    return re.sub(rb"Usage: .*", b"Usage", said, flags=re.S)


def run_case(world, program, case):
    words, greeting, files = case if len(case) == 3 else (*case, {})
    for name, text in files.items():
        with open(os.path.join(world.folder, name), "w") as f:
            f.write(text)
    sent, code, said = converse(world, program, shlex.split(words), greeting)
    return sent, code, normal(said)


@test
def each_script_as_debians_chat_does(world):
    if not os.path.exists(DEBIANS):
        raise Skip("needs Debian's chat, from the package ppp")
    from concurrent.futures import ThreadPoolExecutor
    wrong = []

    def compare(case):
        ours, theirs = run_case(world, CHAT, case), run_case(world, DEBIANS, case)
        if ours != theirs:
            wrong.append((case[0][:100], "ours", ours, "theirs", theirs))

    with_files = [case for case in CASES if len(case) == 3]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(compare, [case for case in CASES if len(case) == 2]))
    for case in with_files:
        compare(case)
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


@test
def what_is_sent_and_the_exit_codes(world):
    """The same without another chat: the first of the cases."""
    expected = [(b"ATZ\rATDT5551212\r\r", 0), (b"ATZ\rATDT5551212\r", 0), (b"ATZ\rATDT5550000\r", 4), (b"ATZ\rATDTNONE\r", 5), (b"ATDTDEAF\r", 3)]
    for case, (sent, code) in zip(CASES, expected):
        assert run_case(world, CHAT, case)[:2] == (sent, code), case


@test
def a_socket_will_do(world):
    """Where the line is no terminal, Debian's gives up; ours need not."""
    ours, far = world.socketpair()
    process = subprocess.Popen([CHAT, "-S", "TIMEOUT", "20", "ready", "go"], stdin=ours, stdout=ours)
    far.sendall(b"are you ready")
    assert receive(far, 3) == b"go\r" and process.wait(PATIENCE) == 0


@test
def signals_end_it_and_the_terminal_is_as_before(world):
    import signal
    import termios
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen([CHAT, "-S", "-s", "x", "y"], stdin=slave, stdout=slave, stderr=subprocess.PIPE)
    while termios.tcgetattr(slave) == before:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 2 and process.stderr.read() == b"SIGTERM\n"
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


@test
def a_line_that_takes_nothing_is_not_waited_for_longer_than_asked(world):
    """Nor does it keep a signal waiting."""
    for asked, code, said in ((1, 1, b"alarm\n -- write timed out\nFailed\n"), (PATIENCE * 4, 2, b"SIGTERM\n")):
        ours, far = world.socketpair()
        ours.setblocking(False)
        try:
            while ours.send(b"x" * 4096):
                pass
        except BlockingIOError:
            ours.setblocking(True)
        process = subprocess.Popen([CHAT, "-S", "-s", "-v", "-t", str(asked), "", "ATZ"], stdin=ours, stdout=ours, stderr=subprocess.PIPE)
        assert process.stderr.readline() == b"send (ATZ^M)\n"
        if code == 2:
            time.sleep(0.1)
            process.terminate()
        assert process.wait(PATIENCE) == code and process.stderr.read() == said


@test
def a_connect_script_brings_the_link_up(world):
    """A greeting and an answer, as Windows' direct cable connection has it, before PPP begins."""
    server, port = world.serve(echo), free_port()
    a, b = world.pair(["connect", f"{CHAT} -S TIMEOUT 30 CLIENT 'CLIENTSERVER\\c'", "service", f"7:127.0.0.1:{server}"],
                      ["connect", f"{CHAT} -S TIMEOUT 30 '' 'CLIENT\\c' CLIENTSERVER ''", "forward", f"{port}:7"])
    b.wait_up()
    connection = world.connect(port)
    connection.sendall(b"hello")
    assert receive(connection, 5) == b"hello"
    assert a.end() == 5


if __name__ == "__main__":
    main()
