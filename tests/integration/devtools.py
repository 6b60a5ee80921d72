"""A browser without a window: chromium, told what to do by its DevTools protocol over two pipes (JSON, a NUL after each message)."""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time


def find_browser():
    """The path of chromium (or $CHROMIUM), or None."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((path for path in map(shutil.which, names) if path), None)


class Browser:
    """One page. Use it in a with statement: it ends the browser and removes its profile."""

    def __init__(self, path, patience=60):
        self.patience = patience
        self.number = 0
        self.rest = b""
        self.events = []
        self.profile = tempfile.mkdtemp(prefix="slirppd-browser-")
        to_read, self.to = os.pipe()
        self.come, come_write = os.pipe()

        self.process = subprocess.Popen(
            ["bash", "-c", f'exec 3<&{to_read} 4>&{come_write} "$@"', "bash", path, "--headless=new", "--remote-debugging-pipe",
             "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio", "--hide-scrollbars",
             "--disable-background-networking", "--disable-component-update", f"--user-data-dir={self.profile}"],
            pass_fds=(to_read, come_write), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(come_write)
        os.set_blocking(self.come, False)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.to)
        os.close(self.come)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self, end):
        while b"\0" not in self.rest:
            if time.monotonic() > end:
                raise TimeoutError("the browser says nothing")
            try:
                data = os.read(self.come, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            if not data:
                raise EOFError("the browser ended")
            self.rest += data
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def call(self, method, **params):
        """What the browser answers to METHOD; events that come meanwhile are kept in self.events."""
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        end = time.monotonic() + self.patience
        while True:
            message = self.message(end)
            if message.get("id") != self.number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']['message']}")
            else:
                return message["result"]

    def size(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def go(self, url):
        """Loads a page and waits until it is there."""
        self.call("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'", url)

    def run(self, expression):
        """The value of a JavaScript expression (a promise is waited for)."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression, what):
        """Waits until a JavaScript expression is true."""
        end = time.monotonic() + self.patience
        while not self.run(f"!!({expression})"):
            if time.monotonic() > end:
                raise AssertionError(f"waited too long for {what}; the page says: {self.run('document.documentElement.innerText')[:1500]}")
            time.sleep(0.05)

    def complaints(self):
        """What the browser's console held against the page: exceptions, errors, broken rules of its content security policy."""
        bad = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                bad.append(params["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                bad.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        return bad

    def screenshot(self, path, whole=True):
        """A picture of what can be seen, or of the page from top to bottom."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
