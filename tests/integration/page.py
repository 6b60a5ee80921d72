#!/usr/bin/env python3
"""The status page in a real browser: a link that comes up, traffic, a forward that is added. Pictures go to $SLIRPPD_SCREENSHOTS."""

import os
import socket
import subprocess

from devtools import Browser, find_browser
from harness import PATIENCE, PROGRAM, Skip, data_of, echo, free_port, main, receive, test

SLIRPCTL = os.environ.get("SLIRPCTL", os.path.join(os.path.dirname(PROGRAM), "slirpctl"))
PICTURES = os.environ.get("SLIRPPD_SCREENSHOTS")
SIZES = [("desktop", 1280, 900), ("phone", 390, 844)]


def browser(world):
    path = find_browser()
    if not path:
        raise Skip("chromium is not installed")
    return world.stack.enter_context(Browser(path, PATIENCE * 2))


def pictures(page, name):
    for where, width, height in SIZES if PICTURES else []:
        os.makedirs(PICTURES, exist_ok=True)
        for dark in (False, True):
            page.size(width, height, dark)
            page.run("new Promise(done => setTimeout(done, 300))")
            page.screenshot(os.path.join(PICTURES, f"{name}-{where}{'-dark' if dark else ''}.png"))
    page.size(1280, 900)


def text_is(id, text):
    return f"document.getElementById('{id}').textContent === '{text}'"


def transfer(port, size):
    data = data_of(size)
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as s:
        for at in range(0, size, 16384):
            s.sendall(data[at:at + 16384])
            assert receive(s, len(data[at:at + 16384])) == data[at:at + 16384]


@test
def the_page_shows_a_link_coming_up_and_what_passes(world):
    page, port, back = browser(world), free_port(), free_port()
    server, path = world.serve(echo), os.path.join(world.folder, "control.sock")
    left, right = world.socketpair()
    a = world.slirppd("notty", "service", f"7:127.0.0.1:{server}", "metrics", port, "control", path, "lcp-max-configure", "100",
                      name="a", stdin=left, stdout=left)
    left.close()
    a.wait_log("(?i)connect: ")
    page.size(1280, 900)
    page.go(f"http://127.0.0.1:{port}/")
    page.wait(text_is("state", "Negotiating"), "the page to show that PPP is spoken")
    pictures(page, "negotiating")

    b = world.slirppd("notty", "forward", f"{back}:7", name="b", stdin=right, stdout=right)
    right.close()
    b.wait_up()
    page.wait(text_is("state", "The link is up"), "the page to show the link as up")
    assert page.run("document.getElementById('facts').textContent.includes('10.0.2.')")
    assert page.run("document.getElementById('does').hidden"), "the TCP port offers what it may not do"

    with world.connect(back) as held:
        held.sendall(b"hello")
        assert receive(held, 5) == b"hello"
        transfer(back, 1 << 20)
        page.wait("document.querySelectorAll('#flows tbody tr').length > 0", "a flow in the table")
        page.wait("Math.max(...plot.into) > 100000 && Math.max(...plot.out) > 100000", "a megabyte in the plot")
        page.wait("document.querySelector('#services tbody').textContent.includes('MB')", "a megabyte at the service")
        pictures(page, "up")

    if os.access(SLIRPCTL, os.X_OK):
        spec = f"{free_port()}:22"
        assert not page.run(f"document.getElementById('forwards').textContent.includes('{spec}')")
        subprocess.run([SLIRPCTL, "-s", path, "forward", "add", spec], check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
        page.wait(f"document.getElementById('forwards').textContent.includes('{spec}')", "the new forward")
        pictures(page, "forward-added")

    b.end()
    page.wait("!document.getElementById('state').textContent.includes('is up')", "the page to show the end of the link")
    a.end()
    page.wait(text_is("state", "slirppd does not answer"), "the page to say that nobody answers")
    pictures(page, "gone")
    bad = [text for text in page.complaints() if "ERR_CONNECTION" not in text and "ERR_EMPTY" not in text]
    assert not bad, bad
    assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


main()
