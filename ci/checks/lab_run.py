# SPDX-License-Identifier: GPL-2.0-only
"""Runs a target in labs: the instances in as many parts as there are labs at once. A lab
that dies fails the instance it was running; the rest of its part goes on in another."""

import tempfile
import threading

from labs import config, session

RESTARTS = 8            # of one part: a target that dies more often is not worth more time
SMP_SUITE = 'smp'       # what runs on a lab with several processors, if the target has one


def parts(instances, count):
    """The names of instances in count parts of about the same cost: a microguest's instances
    stay together, since a VM serves all of one shape, and microguests go round."""
    instances = list(instances)
    split = [[] for _ in range(count)]
    images = {}
    for entry in instances:
        images.setdefault((entry['source'], entry['mode']), []).append(entry['name'])
    for names in sorted(images.values(), key=len, reverse=True):
        min(split, key=len).extend(names)
    order = {entry['name']: i for i, entry in enumerate(instances)}
    return [sorted(names, key=order.get) for names in split if names]


class LabRun:
    """One target's run: what its labs share."""

    def __init__(self, target, options, results, progress):
        """options: kernel, module (paths), arguments (for assay run)."""
        self.target, self.options = target, options
        self.results, self.progress = results, progress
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.labs = []          # what session.run() returned, for the times
        self.cannot = None

    def config(self, names, cpus):
        """The lab for one part; names: a file with the names of its instances."""
        target, options = self.target, self.options
        return config.Config(target=target.lab, kernel=options.kernel or target.kernel or None,
                             hypervisor=target.hypervisor,
                             replaced=tuple(options.module), parameters=target.params,
                             smp=cpus, timeout=target.seconds, files=((names, '/names'),))

    def line(self, text):
        """One line of a lab's report."""
        with self.lock:
            entry = self.results.line(text)
            if entry and entry.get('type') == 'result':
                self.progress.result(entry)

    def once(self, names, cpus):
        """Boots one lab and runs names in it. Returns what came of it."""
        with tempfile.NamedTemporaryFile('w', suffix='.names') as file:
            file.write(''.join(name + '\n' for name in names))
            file.flush()
            pending, said = [b''], []

            def collect(data):
                lines = (pending[0] + data).split(b'\n')
                pending[0] = lines.pop()
                for line in lines:
                    self.line(line)

            outcome = session.run(self.config(file.name, cpus),
                                  ['assay', 'run', '--on', self.results.node, '--jobs', '1',
                                   '--format', 'json', '--coverage', '--names', '/names',
                                   *self.target.arguments(self.options.arguments)],
                                  collect, said.append, self.stop.is_set)
        with self.lock:
            self.labs.append(outcome)
            left = [name for name in names if name not in self.results.known]
            if said and (left or outcome.status not in (0, 1)):     # a run may stop itself
                self.results.trouble.append(b''.join(said).decode(errors='replace').strip())
        return outcome

    def blame(self, names, outcome):
        """A lab died: what it was running failed. Returns the names that are left to run."""
        with self.lock:
            culprits = [name for name in outcome.last_cases
                        if name in names and name not in self.results.known]
            for name in culprits:
                self.results.died(name, f'the lab died: {outcome.reason}')
                self.progress.result(self.results.known[name])
            if not culprits:
                self.results.trouble.append(f'a lab died between two cases: {outcome.reason}')
            return [name for name in names if name not in self.results.known]

    def part(self, names, cpus):
        """Runs one part to its end, in as many labs as that takes."""
        for _ in range(1 + RESTARTS):
            outcome = self.once(names, cpus)
            if self.stop.is_set() or not outcome.reason:
                return
            if outcome.status == session.CANNOT:
                self.cannot = outcome.reason
                return
            if outcome.boot_seconds is None:    # the module under test was not taken
                with self.lock:
                    self.results.trouble.append(outcome.reason)
                return
            left = self.blame(names, outcome)
            self.progress.say(f'the lab died: {outcome.reason}; it was running '
                              f'{", ".join(outcome.last_cases) or "no case"}; console log: '
                              f'{outcome.console_path}; {len(left)} of its {len(names)} '
                              'instances are left')
            names = left
            if not names:
                return
        with self.lock:
            self.results.trouble.append(f'labs died {1 + RESTARTS} times: {len(names)} '
                                        'instances were not run')

    def guarded(self, names, cpus):
        """part(), in a thread of its own: what it raises is kept for the caller."""
        try:
            self.part(names, cpus)
        except (config.UsageError, config.Unavailable) as error:
            self.cannot = str(error)
            self.stop.set()
        except config.BuildFailed as error:
            with self.lock:
                if str(error) not in self.results.trouble:
                    self.results.trouble.append(str(error))
            self.stop.set()

    def all_parts(self, jobs):
        """(names, processors) of each lab."""
        several, rest = [], []
        for entry in self.results.instances.values():
            own = self.target.smp > 1 and entry['suite'] == SMP_SUITE
            (several if own else rest).append(entry)
        return [*((names, 1) for names in parts(rest, jobs)),
                *((names, self.target.smp) for names in parts(several, 1))]

    def run(self, jobs):
        """Runs all instances. Returns None, or why the target cannot be used here."""
        threads = [threading.Thread(target=self.guarded, args=part)
                   for part in self.all_parts(jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self.stop.set()
            for thread in threads:
                thread.join()
            raise
        return self.cannot
