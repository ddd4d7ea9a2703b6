# SPDX-License-Identifier: GPL-2.0-only
"""Talks to the assay program for pytest: lists instances, runs many at once, and
turns their results into pytest's outcomes with a failure text to read."""

import json
import subprocess
import tempfile
import warnings

import pytest

CANNOT = 125            # exit status: the environment cannot run it
COLUMN = 26


class ListError(Exception):
    """The instances cannot be listed; the text says why and what to do."""


def parse_instance(line):
    """One line of `assay list`: an object, or just the name PATH/CASE@MODE[.ring3][+VARIANT]."""
    if line.startswith('{'):
        return json.loads(line)
    base, *variants = line.split('+')
    mode = base.partition('@')[2].partition('.')[0]
    path = next((name for name in ('mmio', 'fep') if name in variants), 'native')
    irqchip = next((name for name in ('split', 'kernel') if name in variants), 'user')
    return {'name': line, 'mode': mode, 'path': path, 'irqchip': irqchip}


def list_instances(assay):
    """All instances the program has, as dictionaries with name, mode, path and irqchip."""
    try:
        listed = subprocess.run([assay, 'list', '--format', 'json'], capture_output=True,
                                text=True)
    except OSError as error:
        raise ListError(f'{assay}: {error.strerror}: type make, or name it by --assay') from None
    if listed.returncode:
        raise ListError(f'{assay} list failed (exit status {listed.returncode}):\n'
                        f'{listed.stderr.strip()}')
    return [parse_instance(line) for line in listed.stdout.splitlines()
            if line and not line.startswith('#')]


def failure_text(result):
    """What a person needs of a result that is no pass, in the order of the terminal report."""
    text = [f'{result["name"]}: {result["outcome"]}: {result.get("why") or "no reason given"}']
    if result.get('text'):
        text.append(f'  {result["text"]}')
    if result.get('refs'):
        text.append(f'  see {", ".join(result["refs"])}')
    if result.get('step_text'):
        text.append(f'  step {result["step"]}, {result.get("source")}:{result.get("line")}: '
                    f'{result["step_text"]}')
    if result.get('differences'):
        text.append(f'  {"":<{COLUMN}}{"expected":<{COLUMN}}observed')
        for d in result['differences']:
            text.append(f'  {d["what"]:<{COLUMN}}{d["expected"]:<{COLUMN}}{d["observed"]}')
        if result.get('more_differences'):
            text.append(f'  and {result["more_differences"]} more')
    text += (line.rstrip() for line in result.get('disassembly') or ())
    if result.get('exits'):
        text.append('  last exits:')
        text += (f'  {e["number"]:>4} {e["text"]}' for e in result['exits'])
    if result.get('again'):
        text.append(f'  again: {result["again"]}')
    return '\n'.join(text)


class Batch:
    """One `assay run` of many instances. It starts when the first result is asked for,
    and results are read only as far as they are asked for."""

    def __init__(self, command, names):
        self.command = command
        self.names = names
        self.results = {}
        self.process = None
        self.errors = None

    def start(self):
        names = tempfile.NamedTemporaryFile('w', prefix='assay-names-', suffix='.txt')
        names.write(''.join(name + '\n' for name in self.names))
        names.flush()
        self.names_file = names         # removed when closed
        self.errors = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(self.command + ['--names', names.name],
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.stdout.close()
            self.process.wait()
            self.names_file.close()
            self.errors.close()
            self.process = None

    def read_errors(self):
        self.errors.seek(0)
        return self.errors.read().strip()

    def result(self, name):
        """The result of an instance, or None if the program ended without one."""
        if not self.process:
            self.start()
        while name not in self.results:
            line = self.process.stdout.readline()
            if not line:
                return None
            record = json.loads(line)
            if record.get('type') == 'result':
                self.results[record['name']] = record
        return self.results[name]

    def judge(self, name):
        """Ends the running pytest item as the instance ended."""
        result = self.result(name)
        if result is None:
            self.judge_missing()
        outcome = result['outcome']
        deviation = result.get('deviation') or {}
        if outcome == 'skip':
            pytest.skip(result.get('why') or 'no reason given')
        elif outcome == 'deviation':
            pytest.xfail(f'{deviation.get("reason")} ({deviation.get("ref")})')
        elif outcome != 'pass':
            pytest.fail(failure_text(result), pytrace=False)
        elif deviation.get('gone'):
            warnings.warn(f'{name} passes, but is recorded as a deviation '
                          f'({deviation.get("reason")}): remove it from suites/deviations')

    def judge_missing(self):
        status = self.process.wait()
        errors = self.read_errors()
        if status == CANNOT:
            pytest.skip(errors.splitlines()[-1] if errors else 'the target cannot run anything')
        pytest.fail(f'{" ".join(self.command)} ended with exit status {status} before this '
                    f'instance\n{errors}', pytrace=False)
