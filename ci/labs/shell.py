# SPDX-License-Identifier: GPL-2.0-only
"""`ci/lab shell`: a terminal of the lab on the one that it was typed at."""

import contextlib
import fcntl
import os
import signal
import struct
import sys
import termios
import tty

from . import frames, session


class Terminal(session.Observer):
    """Carries keys to the lab and what the lab writes back. While it runs the terminal is
    raw: Ctrl-C goes to the lab. Without a terminal it reads a file or pipe to its end."""

    settings = (('shell', '1'), ('env', f'TERM={os.environ.get("TERM", "dumb")}'))

    def __init__(self, source=0, write=None):
        self.source = source
        self.write = write or (lambda data: os.write(1, data))
        self.session = None
        self.ended = False
        self.resized = True
        self.saved = None

    def begin(self, running):
        self.session = running
        if os.isatty(self.source):
            self.saved = termios.tcgetattr(self.source)
            signal.signal(signal.SIGWINCH, self._resize)

    def _resize(self, *_):
        self.resized = True

    def wait_on(self):
        """Before the lab listens, keys stay where they are."""
        return self.source if self.session.listening and not self.ended else None

    def ready(self):
        data = os.read(self.source, 4096)
        if not data:
            self.ended = True
            data = b'\x04'      # what ends the input of a terminal
        self.session.send(frames.INPUT, data)

    def frame(self, kind, payload):
        if kind == frames.TTY:
            self.write(payload)

    def look(self):
        if not self.session.listening:
            return
        if self.saved and self.resized:
            self.resized = False
            tty.setraw(self.source)
            with contextlib.suppress(OSError):
                size = fcntl.ioctl(self.source, termios.TIOCGWINSZ, bytes(8))
                self.session.send(frames.WINDOW, struct.pack('<HH', *struct.unpack('HH', size[:4])))

    def end(self):
        if self.saved:
            termios.tcsetattr(self.source, termios.TCSADRAIN, self.saved)


def command():
    """What runs in the lab."""
    return ['/bin/sh', '-l'] if sys.stdin.isatty() else ['/bin/sh', '-i']
