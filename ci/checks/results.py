# SPDX-License-Identifier: GPL-2.0-only
"""What came of a target's instances: gathered from the JSON lines of one run or several,
completed by what a run that died could not say itself, and written as one report."""

import json
import time

OUTCOMES = ('pass', 'fail', 'error', 'skip', 'deviation')


def unknown_run(node):
    """The line of a run that ended before it could say what it is."""
    host = dict.fromkeys(('cpu', 'vendor', 'microcode', 'kernel', 'machine', 'machine_version',
                          'hypervisor', 'version'), 'unknown')
    return {'type': 'run', 'schema': 1, 'assay': 'unknown',
            'started': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'target': node,
            'host': {**host, 'family': 0, 'model': 0, 'stepping': 0, 'parameters': {}}}


class Results:
    """The results of one target by name, as far as they are known."""

    def __init__(self, instances, node='/dev/kvm'):
        """instances: objects of `assay list --format json`, of all that is to run. node: the
        device node of the hypervisor."""
        self.node = node
        self.instances = {entry['name']: entry for entry in instances}
        self.known = {}
        self.run = None         # the line of type "run" of the first run that had one
        self.ioctls = {}        # (number, errno): how often, as the summaries tell
        self.trouble = []       # what went wrong with the target as a whole, for people

    def line(self, text):
        """Takes one line of a run's JSON; returns its object, or None if it is none."""
        try:
            entry = json.loads(text)
        except ValueError:
            self.trouble.append(f'a line of the report is no JSON: {text[:80]!r}')
            return None
        if entry.get('type') == 'run' and self.run is None:
            self.run = entry
        if entry.get('type') == 'result':
            self.known[entry['name']] = entry
        for number, error, count in entry.get('ioctls', ()):
            self.ioctls[number, error] = self.ioctls.get((number, error), 0) + count
        return entry

    def died(self, name, why):
        """The target's end is the result of an instance that was running."""
        self.known[name] = {'type': 'result', **self.instances[name], 'outcome': 'fail',
                            'why': why, 'unchecked': None, 'ns': 0, 'runs': 0,
                            'step': 0, 'step_text': None,
                            'line': self.instances[name]['case_line'], 'differences': [],
                            'more_differences': 0, 'exits': [], 'state': None,
                            'disassembly': [], 'again': f'assay run {name}'}

    def missing(self):
        """Names of instances that have no result, in the order of the list."""
        return [name for name in self.instances if name not in self.known]

    def count(self, suite=None):
        """How many instances had each outcome, and how many none, of a suite or of all."""
        counts = dict.fromkeys((*OUTCOMES, 'not_run'), 0)
        for name, entry in self.instances.items():
            if suite in (None, entry['suite']):
                result = self.known.get(name)
                counts[result['outcome'] if result else 'not_run'] += 1
        return counts

    def suites(self):
        """Names of the suites, in the order of the list."""
        return list(dict.fromkeys(entry['suite'] for entry in self.instances.values()))

    def gone(self):
        """Recorded deviations that did not happen."""
        return [name for name, result in self.known.items()
                if (result.get('deviation') or {}).get('gone')]

    def status(self):
        """0 all as expected, 1 a failure, 2 an error or something that did not run."""
        counts = self.count()
        if counts['error'] or counts['not_run']:
            return 2
        return 1 if counts['fail'] or self.trouble else 0

    def summary(self, ns):
        """The line that ends the report; ns is the time of it all."""
        counts = self.count()
        suites = {suite: self.count(suite) for suite in self.suites()}
        return {'type': 'summary', **{key: counts[key] for key in OUTCOMES},
                'deviations_gone': len(self.gone()), 'not_run': counts['not_run'],
                'interrupted': False, 'ns': ns,
                'suites': {suite: {**{key: of_suite[key] for key in OUTCOMES},
                                   'ns': sum(result['ns'] for result in self.known.values()
                                             if result['suite'] == suite)}
                           for suite, of_suite in suites.items()},
                'ioctls': [[*key, count] for key, count in sorted(self.ioctls.items())],
                'status': self.status()}

    def write(self, path, ns):
        """Writes run, results in the order of the list, and summary to a file."""
        with open(path, 'w', encoding='utf-8') as out:
            for entry in [{**(self.run or unknown_run(self.node)), 'instances': len(self.instances),
                           'suites': {suite: sum(self.count(suite).values())
                                      for suite in self.suites()}},
                          *(self.known[name] for name in self.instances if name in self.known),
                          self.summary(ns)]:
                out.write(json.dumps(entry, separators=(',', ':')) + '\n')
