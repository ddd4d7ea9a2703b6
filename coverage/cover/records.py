# SPDX-License-Identifier: GPL-2.0-only
"""Counters: what runs of `assay run --coverage --format json` reached, read and added up.

Everything is counted by target (the name of the file, as `ci/check` gives it), so that sums of
several files are sums of their numbers, in whatever order they are read."""

import collections
import json
import pathlib

SCHEMA = 1
CASE = 'example'


def damaged(path, number, what):
    """The warning about a line that is left out."""
    return f'{path}:{number}: {what}: left out'


def parsed(path, text, warnings):
    """Yields (number, object) of each line of a file's text that is an object of JSON; others but
    empty ones are named in warnings."""
    for number, line in enumerate(text.split(b'\n'), 1):
        if not line.strip():
            continue
        try:
            yield number, dict(json.loads(line))
        except (ValueError, TypeError) as error:
            warnings.append(damaged(path, number, f'no record ({error})'))


def lines(path, warnings):
    """The (number, object) of each line of a file of records; None, and a warning, if it cannot
    be opened."""
    try:
        text = pathlib.Path(path).read_bytes()
    except OSError as error:
        warnings.append(f'{path}: {error.strerror}: left out')
        return None
    return parsed(path, text, warnings)


class Counts:
    """What was reached, by whom, how often."""

    def __init__(self):
        self.hw = collections.Counter()      # (target, isa, reason, detail, mode): exits
        self.exits = collections.Counter()   # (target, reason, mode): exits of KVM_RUN
        self.ioctls = collections.Counter()  # (target, number, errno): calls
        self.examples = {}                   # (isa, reason, detail), (reason,): an instance
        self.instances = {}                  # name: what it says of itself (refs, case ...)
        self.sources = {}                    # target: Source
        self.warnings = []

    def example(self, key, name):
        """Keeps the first name in the order of the alphabet, whoever comes first."""
        self.examples[key] = min(name, self.examples.get(key, name))

    def result(self, target, entry):
        """Adds one instance's record. KeyError, TypeError, ValueError: it is none."""
        name, mode, source = entry['name'], entry['mode'], self.sources[target]
        coverage = entry.get('coverage')
        hw = [tuple(map(int, row)) for row in (coverage or {}).get('hw') or ()]
        exits = [tuple(map(int, row)) for row in coverage['exits']] if coverage else []
        if any(len(row) != 4 for row in hw) or any(len(row) != 2 for row in exits):
            raise ValueError('numbers are missing')
        missed = int(coverage['missed']) if coverage else 0
        source.outcomes[entry['outcome']] += 1
        self.instances.setdefault(name, {key: entry.get(key) for key in (
            'case', 'suite', 'mode', 'refs', 'path', 'text')})
        source.counted += coverage is not None
        source.blind += coverage is not None and coverage['hw'] is None
        source.missed += missed
        for isa, reason, detail, count in hw:
            self.hw[target, isa, reason, detail, mode] += count
            self.example((isa, reason, detail), name)
        for reason, count in exits:
            self.exits[target, reason, mode] += count
            self.example((reason,), name)

    def line(self, target, entry):
        """Adds one line of a report."""
        kind = entry['type']
        if kind == 'run':
            self.sources[target].run(entry)
        elif kind == 'result':
            self.result(target, entry)
        elif kind == 'summary':
            for number, error, count in entry.get('ioctls') or ():
                self.ioctls[target, int(number), int(error)] += int(count)
            self.sources[target].whole = True
        else:
            raise ValueError(f'no line of a report: type {kind!r}')

    def read(self, path):
        """Adds a file; its name is the target's. What cannot be read is named in warnings."""
        path = pathlib.Path(path)
        target = path.stem
        entries = lines(path, self.warnings)
        if entries is None:
            return
        source = self.sources.setdefault(target, Source(target))
        source.whole = False
        for number, entry in entries:
            try:
                self.line(target, entry)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.warnings.append(damaged(path, number, f'no record ({error})'))
        if not source.whole:
            self.warnings.append(f'{path}: cut off: there is no summary, so no ioctls of it')
        if not source.counted:
            self.warnings.append(f'{path}: nothing was counted: it ran without --coverage')


class Source:
    """One target's runs."""

    def __init__(self, target):
        self.target = target
        self.host = {}
        self.version = 'unknown'
        self.outcomes = collections.Counter()
        self.counted = 0        # instances that have a record
        self.blind = 0          # of them, without the processor's exits
        self.missed = 0         # exits that nobody saw
        self.whole = False      # the last file read ended in a summary

    def run(self, entry):
        """Who ran it, from the line of type "run"."""
        self.host = entry.get('host') or {}
        self.version = entry.get('assay', 'unknown')

    def ours(self):
        """Whether the hypervisor is Assay's own module."""
        return self.host.get('hypervisor') == 'assay'

    def as_json(self):
        """For coverage.json."""
        keys = ('hypervisor', 'version', 'kernel', 'machine', 'machine_version', 'cpu')
        return {'target': self.target, 'assay': self.version,
                **{key: self.host.get(key, 'unknown') for key in keys},
                'outcomes': dict(sorted(self.outcomes.items())), 'counted': self.counted,
                'without_hw': self.blind, 'missed': self.missed}


def read(paths):
    """The Counts of all files."""
    counts = Counts()
    for path in paths:
        counts.read(path)
    return counts
