# SPDX-License-Identifier: GPL-2.0-only
"""Says how far a target is: one status line that moves on a terminal, else a line now and
then, so that a log shows life and not noise."""

import sys
import threading
import time

TTY_SECONDS = 0.2
LOG_SECONDS = 10


class Progress:
    """Counts results of one target. Safe to be called by several threads."""

    def __init__(self, name, total, out=sys.stderr):
        self.name, self.total, self.out = name, total, out
        self.tty = out.isatty()
        self.lock = threading.Lock()
        self.done = self.failed = 0
        self.shown = time.monotonic()

    def text(self):
        """The status in words."""
        failed = f', {self.failed} failed' if self.failed else ''
        return f'{self.name}: {self.done} of {self.total}{failed}'

    def result(self, entry):
        """One more result."""
        with self.lock:
            self.done += 1
            self.failed += entry['outcome'] in ('fail', 'error')
            now = time.monotonic()
            if now - self.shown >= (TTY_SECONDS if self.tty else LOG_SECONDS):
                self.shown = now
                self.out.write(f'\r\x1b[K{self.text()}' if self.tty else self.text() + '\n')
                self.out.flush()

    def say(self, message):
        """A line of its own, for what people should see at once."""
        with self.lock:
            clear = '\r\x1b[K' if self.tty else ''
            self.out.write(f'{clear}{self.name}: {message}\n')
            self.out.flush()

    def clear(self):
        """Takes the status line off the terminal."""
        if self.tty:
            self.out.write('\r\x1b[K')
            self.out.flush()
