"""Headless Chromium, driven over its DevTools pipe: a page is opened, asked, and used by the mouse."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

#: Debian's name and others' of the browser.
NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_S = 60


class Browser:
    """A browser with one page of 1240 x 900 pixels.

    Attributes
    ----------
    requests : list of str
        Addresses that the page asked for.
    errors : list of str
        What its scripts raised.
    """

    def __init__(self, folder):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        assert program, "there is no Chromium; install it with: apt install chromium"
        ours, theirs = os.pipe(), os.pipe()
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1240,900",
                   f"--user-data-dir={folder}", "--remote-debugging-pipe", "about:blank"]
        # Chromium reads commands from file 3 and answers in file 4; sh knows no files above 9.
        script = f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}'
        self._process = subprocess.Popen(["bash", "-c", script, "bash", *command], pass_fds=(ours[0], theirs[1]), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self._to, self._from, self._numbers, self._left = ours[1], theirs[0], itertools.count(1), b""
        self.requests, self.errors, self._loaded, self._session = [], [], False, None
        target = self.call("Target.getTargets")["targetInfos"][0]["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(30)
        os.close(self._to)
        os.close(self._from)

    def _message(self):
        while b"\0" not in self._left:
            part = os.read(self._from, 1 << 20)
            assert part, "Chromium has ended"
            self._left += part
        message, _, self._left = self._left.partition(b"\0")
        message = json.loads(message)
        kind, params = message.get("method"), message.get("params", {})
        if kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        self._loaded |= kind == "Page.loadEventFired"
        return message

    def call(self, method, **params):
        """A command of the DevTools protocol: its result."""
        number = next(self._numbers)
        said = {"id": number, "method": method, "params": params, **({"sessionId": self._session} if self._session else {})}
        os.write(self._to, json.dumps(said).encode() + b"\0")
        while (message := self._message()).get("id") != number:
            pass
        assert "error" not in message, message
        return message["result"]

    def open(self, path, ready="true"):
        """Open a file; the seconds until it is loaded and an expression is true."""
        self.requests.clear()
        self.errors.clear()
        began, self._loaded = time.monotonic(), False
        self.call("Page.navigate", url=Path(path).as_uri())
        while not self._loaded:
            self._message()
        while not self.ask(ready):
            assert time.monotonic() - began < WAIT_S, (ready, self.errors)
            time.sleep(0.02)
        return time.monotonic() - began

    def ask(self, expression):
        """The value of an expression in JavaScript, awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def mouse(self, *places):
        """Press the left button at the first place, go to the others, and release it at the last."""
        for kind, (x, y), buttons in (("mouseMoved", places[0], 0), ("mousePressed", places[0], 1),
                                      *(("mouseMoved", place, 1) for place in places[1:]), ("mouseReleased", places[-1], 0)):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)

    def picture(self, path):
        """What is seen, as a PNG."""
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
