# SPDX-License-Identifier: GPL-2.0-only
"""What tests of labs share: the package ci/labs can be imported, a lab can be started."""

import os
import re
import subprocess
import sys

from microguests import ROOT

sys.path.insert(0, os.path.join(ROOT, 'ci'))

LAB = os.path.join(ROOT, 'ci', 'lab')
OK, USAGE, DIED, TIME = 0, 2, 3, 124


class Outcome:
    """What a run of ci/lab left."""

    def __init__(self, status, output, errors):
        self.status = status
        self.output = output
        self.raw_errors = errors
        self.errors = errors.decode(errors='replace')

    def reason(self):
        """Why the lab failed, None if it says it did not."""
        match = re.search(r'^lab \S+: failed: (.*)$', self.errors, re.MULTILINE)
        return match and match[1]

    def log(self):
        """The console log that was kept."""
        path = re.search(r'^lab \S+: console log: (.*)$', self.errors, re.MULTILINE)[1]
        with open(path, encoding='utf-8', errors='replace') as file:
            text = file.read()
        os.remove(path)
        return text


def start(*arguments, **options):
    """Starts ci/lab; a subprocess.Popen."""
    return subprocess.Popen([LAB, *arguments], stdin=options.pop('stdin', subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def finish(process):
    """The Outcome of a started lab, when it has ended."""
    output, errors = process.communicate()
    return Outcome(process.returncode, output, errors)


def lab(*arguments, **options):
    """Runs ci/lab to its end."""
    return finish(start(*arguments, **options))


def children(pid):
    """Processes that a process has started, and those that they have."""
    text = subprocess.run(['ps', '-e', '-o', 'pid=,ppid=,comm='], capture_output=True,
                          text=True).stdout
    rows = [line.split(None, 2) for line in text.splitlines()]
    below = {str(pid)}
    for _ in range(3):
        below |= {row[0] for row in rows if row[1] in below}
    return [(int(row[0]), row[2]) for row in rows if row[0] in below and row[0] != str(pid)]
