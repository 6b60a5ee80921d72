#!/usr/bin/env python3
"""Command lines, good and bad, beside Debian's own pppd: the same exit code, and the same first line where one is wrong.

Its parser runs without PPP in the kernel; what it checks behind that (consistency, secrets, dump) does not, and is not compared.
"""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from harness import PATIENCE, PROGRAM, Skip, main, test

DEBIANS = "/usr/sbin/pppd"
NO_KERNEL = 4

# Good ones: nothing that scripts pass is refused.
GOOD = """
nodetach notty
/dev/ttyS0 connect true demand
pty true demand idle 60
socket 127.0.0.1:1
debug -d debug kdebug 7
crtscts nocrtscts cdtrcts -crtscts nocdtrcts
xonxoff modem local lock stop-bits 2
57600 crtscts
0x2580
1.2.3.4:5.6.7.8
10.0.0.1:
:10.0.0.2
asyncmap 0 -as 200a0000 default-asyncmap -am
escape 11,13,ff
mru 1500 mtu 1400 default-mru -mru
-all -ac -mn -pc -p
passive silent receive-all
lcp-echo-interval 30 lcp-echo-failure 4 lcp-echo-adaptive
lcp-restart 1 lcp-max-terminate 1 lcp-max-configure 1 lcp-max-failure 1
holdoff 10x maxfail 0 persist nopersist idle 08
maxconnect 10 maxoctets 1000 mo 5 mo-direction in mo-direction foo mo-timeout 5
ipparam x linkname y ifname z unit 3
set A=b unset C set A=
record /tmp/nothing datarate 100 sync
logfd 2 nolog nologfd
connect-delay 5 child-timeout 5 updetach nodetach -detach
defaultroute replacedefaultroute nodefaultroute
proxyarp usepeerdns noipdefault
netmask 255.255.255.0
netmask 0xffffff00
ms-dns 1.2.3.4 ms-dns 2.3.4.5 ms-wins 1.2.3.4
ipcp-accept-local ipcp-accept-remote ipcp-restart 3 ipcp-max-configure 5
-ip -vj -vjccomp vj-max-slots 16
noip novj novjccomp noccp -ccp
+ipv6 -ipv6 noipv6 ipv6 ::1,::2
ipv6cp-use-ipaddr ipv6cp-accept-local ipv6cp-restart 3
bsdcomp 9,15 deflate 9 nobsdcomp nodeflate nodeflatedraft
deflate 8
predictor1 nopredictor1 -predictor1
require-mppe nomppe mppe-stateful nomppe-stateful
refuse-pap refuse-chap refuse-mschap refuse-mschap-v2 refuse-eap
user alice password secret name here remotename there
user "" hide-password show-password
pap-restart 1 pap-max-authreq 1 pap-timeout 0
chap-restart 1 chap-max-challenge 1 chap-interval 0
eap-restart 1 eap-max-sreq 1 eap-timeout 1 eap-interval 5
papcrypt usehostname domain example.net
allow-ip 1.2.3.4
noendpoint endpoint null endpoint local:0102 mp nomp bundle x
noipx -ipx noecp callback 5551212
ktune noktune master_detach
pass-filter tcp active-filter outbound
ip-up-script /x ip-down-script /y
init x disconnect y welcome z
dump dryrun
""".strip().splitlines()

# Wrong ones, each with the line that both print.
BAD = """
mtu abc
asyncmap zz
asyncmap
escape 7e,zz
escape 5e
noauth nodefaultroute defaultroute
noproxyarp proxyarp
netmask 255.255.255.0 netmask 255.0.0.0
netmask foo
netmask 255.255.256.0
127.0.0.1:
:224.0.0.1
255.0.0.0:
nosuchhost.invalid:
ms-dns foo
ms-wins
call ../x
call /x
call
call nosuchpeer
file /nonexistent
file
plugin
bsdcomp 8
bsdcomp 16
bsdcomp x
deflate x
vj-max-slots 1
vj-max-slots 17
ipv6 foo
ipv6 1::1,
ipv6 ::0,
set A
set =b
unset A=b
unset
linkname
unit x
holdoff x
maxfail
privgroup nosuchgroup
pass-filter (
active-filter foo(
stop-bits 3
stop-bits x
lcp-restart x
endpoint foo
endpoint x:01
mrru x
logfd x
connect
ipparam
password
user
child-timeout x
connect-delay
eap-restart x
/dev/ttyS0 stop-bits 0
""".strip().splitlines()

# Likewise, but 2.5 or we say more of it: only the exit code and the beginning of the line.
SAYS_MORE = ["foo", "10.0.0.1", "nonexistent", "/dev/nonexistent", "1e5", "/etc/passwd/x", "+ua /nonexistent", "mppe", "srp-use-pseudonym", "plugin foo.so"]


def run(program, line, folder):
    words = line.replace('""', "''").split()
    words = ["" if word == "''" else word for word in words]
    if not any(word in ("notty", "pty", "socket") or word.startswith("/dev/") for word in words):
        words = ["notty", *words]
    path = program
    if program != DEBIANS:
        path = os.path.join(folder, "pppd")
        if not os.path.islink(path):
            os.symlink(program, path)
    done = subprocess.run([path, "dryrun", "noauth", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, (done.stderr + done.stdout).replace(path, "pppd").partition("\n")[0]


def compare(world, lines, same):
    """Those lines of which SAME(our outcome, Debian's) does not hold."""
    if not os.path.exists(DEBIANS):
        raise Skip("needs Debian's pppd, from the package ppp")
    if os.geteuid() != 0:
        raise Skip("needs root: /etc/ppp/options is for Debian's pppd alone")
    run(PROGRAM, "nodetach", world.folder)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda line: (line, run(PROGRAM, line, world.folder), run(DEBIANS, line, world.folder)), lines))
    wrong = [outcome for outcome in outcomes if not same(*outcome[1:])]
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


@test
def good_command_lines(world):
    compare(world, GOOD, lambda ours, theirs: ours[0] == 0 and theirs[0] in (0, NO_KERNEL))


@test
def bad_command_lines(world):
    compare(world, BAD, lambda ours, theirs: ours == theirs and ours[0] == 2)


@test
def bad_command_lines_of_which_more_is_said(world):
    compare(world, SAYS_MORE, lambda ours, theirs: (ours[0], ours[1][:6]) == (theirs[0], theirs[1][:6]) == (2, "pppd: "))


if __name__ == "__main__":
    main()
