# SPDX-License-Identifier: GPL-2.0-only
"""What is counted in labs: by modules (kmod/gcov.c), which the kernel there need not know how to
count, and by the program that runs the cases.

A lab tells what its modules have counted every while and at its end, as text among what it has
to say. So of a lab that dies there is what it told last, and of the others everything."""

import base64
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib

import lines_gcda
import lines_info
from lines_gcda import ROOT
from lines_local import ASSAY, Unmeasured

sys.path.insert(0, os.path.join(ROOT, 'ci'))
from checks import lab_run, progress, results                   # noqa: E402 (path first)
from labs import config, kernels, kmod, session                 # noqa: E402

WHILE = 30          # seconds of the lab's time between two tellings
COUNTING = '/assay-lines'       # the program, in the lab
TOLD = re.compile(rb'^@lines\n(.*?)^@end\n', re.MULTILINE | re.DOTALL)

# Of TAP, a test that failed and what it said before.
FAILED = re.compile(r'^(?:#.*\n)*not ok .*\n', re.MULTILINE)

# $@ is the command. Modules go before the last telling: their ends are counted, too (but for KVM's
# where the agent holds guests of it). They are
# unloaded in the order in which nothing needs them, and a telling that goes on holds them.
SCRIPT = '''
tell() {
	text=$(cat /sys/kernel/debug/assay-lines/* | gzip -c | base64)
	printf '@lines\\n%s\\n@end\\n' "$text" >&2
}
mkdir -p /tmp/gcda
( while sleep WHILE; do tell; done ) </dev/null &
teller=$!
GCOV_PREFIX=/tmp/gcda "$@"
status=$?
kill $teller
wait $teller 2>/dev/null
for again in 1 2 3 4 5 6 7 8 9; do
	rmmod assay kvm_amd kvm_intel kvm 2>/dev/null
	ls /sys/kernel/debug/assay-lines | grep -qv '[.]' || break
	sleep 1
done
tell
exit $status
'''.replace('WHILE', str(WHILE))


@dataclasses.dataclass
class Source:
    """A lab whose modules count.

    modules     a function: paths of the modules for a Kernel, built if need be
    programs    (command, files to have in the lab, MiB) each: what runs there beside the cases
    seconds     that a lab may take
    timeout     milliseconds that a KVM_RUN may take; 0: as the program has it
    """
    name: str
    lab: str
    hypervisor: str
    modules: callable
    programs: tuple = ()
    params: tuple = ()
    seconds: int = 1200
    timeout: int = 0


def own_module(kernel):
    """[assay.ko] of this tree that counts, built for a Kernel."""
    out = os.path.join(ROOT, 'build/lines/kmod', kernel.release)
    kmod.make(kernel, out, 'ASSAY_COVERAGE=1')
    return [os.path.join(out, 'assay.ko')]


def told(errors):
    """(what modules had counted when a lab told it last, the rest of what it said). Counters are
    None if it never told, or nothing that is whole; a telling that is broken is named."""
    counters = None
    for match in TOLD.finditer(errors):
        try:
            counters = zlib.decompress(base64.b64decode(match[1]), 31)
        except (ValueError, zlib.error) as error:
            lines_gcda.warn(f'counters that a lab told are skipped: they came broken ({error})')
    return counters, TOLD.sub(b'', errors)


class Lines(lab_run.LabRun):
    """A LabRun whose labs tell what they have counted."""

    def __init__(self, source, target, options, found, shown):
        super().__init__(target, options, found, shown)
        self.source = source
        self.modules, self.runner = {}, {}      # {path: File}

    def take(self, errors, place):
        """What a lab has counted, added to what others have. Returns what else it said."""
        counters, rest = told(errors)
        with self.lock:
            if counters is None:
                lines_gcda.warn(f'a lab of {self.source.name} has died without having told what '
                                'was counted in it: that is lost')
            else:
                try:
                    for files in lines_gcda.of_module(counters):
                        lines_info.add(self.modules, files)
                except lines_gcda.Corrupt as error:
                    lines_gcda.warn(f'counters of a lab of {self.source.name} are skipped: {error}')
            lines_info.add(self.runner, lines_gcda.below(place + ROOT, ROOT))
        return rest

    def boot(self, wish, command, on_output):
        """Boots one lab and runs a command in it."""
        said = []
        with tempfile.TemporaryDirectory(prefix='assay-lines-') as place:
            wish.fetch = (*wish.fetch, ('/tmp/gcda', place))
            outcome = session.run(wish, ['sh', '-c', SCRIPT, 'lines', *command], on_output,
                                  said.append, self.stop.is_set)
            rest = self.take(b''.join(said), place)
        return outcome, rest.decode(errors='replace').strip()

    def command(self):
        """What runs instances in a lab: those of the file /names."""
        slow = ('--timeout', str(self.source.timeout)) if self.source.timeout else ()
        return [COUNTING, 'run', '--on', self.results.node, '--jobs', '1', '--format', 'json',
                *slow, '--names', '/names']

    def once(self, names, cpus):
        """As LabRun's: one lab, with these instances."""
        pending = [b'']

        def collect(data):
            lines = (pending[0] + data).split(b'\n')
            pending[0] = lines.pop()
            for line in lines:
                self.line(line)

        with tempfile.NamedTemporaryFile('w', suffix='.names') as file:
            file.write(''.join(name + '\n' for name in names))
            file.flush()
            wish = self.config(file.name, cpus)
            wish.files = (*wish.files, (ASSAY, COUNTING))
            outcome, rest = self.boot(wish, self.command(), collect)
        with self.lock:
            self.labs.append(outcome)
            if rest and outcome.status not in (0, 1):
                self.results.trouble.append(rest)
        return outcome

    def program(self, command, files, memory):
        """Runs what is no case: a test of memory, or of ill will."""
        said = []
        outcome, rest = self.boot(dataclasses.replace(
            self.config('/dev/null', 2), files=files, memory=memory), command, said.append)
        if outcome.status:
            failed = FAILED.findall(b''.join(said).decode(errors='replace'))
            lines_gcda.warn(f'{self.source.name}: {command[0]} ended with status {outcome.status}: '
                            f'{outcome.reason or "".join(failed).rstrip() or rest}')


def listed(patterns):
    """All instances that match, as objects of assay list."""
    done = subprocess.run([os.path.join(ROOT, 'build/assay'), 'list', '--format', 'json',
                           *patterns], capture_output=True, text=True)
    if done.returncode:
        raise Unmeasured(done.stderr.strip())
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]


@dataclasses.dataclass
class Options:
    """What a LabRun wants of ci/check's."""
    kernel: str
    module: list
    arguments: tuple = ()


@dataclasses.dataclass
class Target:
    """What a LabRun wants of a target's entry in ci/targets.json."""
    name: str
    lab: str
    hypervisor: str
    params: tuple
    seconds: int
    kernel: str = ''
    smp: int = 2

    def device(self):
        """The hypervisor's node in the lab."""
        return f'/dev/{self.hypervisor}'


def check_ran(found, name):
    """Warns of instances that did not run; raises Unmeasured if none did."""
    counts = found.count()
    absent = counts['not_run']
    if absent and absent == sum(counts.values()):
        raise Unmeasured(f'no instance ran: {"; ".join(found.trouble) or "nobody knows why"}')
    if absent:
        lines_gcda.warn(f'{name}: {absent} instances did not run, and count for nothing')


def measure(source, patterns, jobs, kernel=None):
    """({path: File} of the modules, {path: File} of the program) after all instances that match,
    and the programs unless there are patterns. Raises Unmeasured."""
    try:
        found = kernels.find(kernel)
        options = Options(kernel, source.modules(found))
    except (config.Unavailable, config.BuildFailed) as error:
        raise Unmeasured(str(error)) from None
    smp = 1 if source.lab != 'svm' else 2
    target = Target(source.name, source.lab, source.hypervisor, source.params, source.seconds,
                    smp=smp)
    entries = listed(patterns)
    shown = progress.Progress(source.name, len(entries))
    run = Lines(source, target, options, results.Results(entries, target.device()), shown)
    cannot = run.run(jobs)
    shown.clear()
    if cannot:
        raise Unmeasured(cannot)
    check_ran(run.results, source.name)
    for command, files, memory in () if patterns else source.programs:
        run.program(command, files, memory)
    for name, result in run.results.known.items():
        if result['outcome'] in ('fail', 'error'):
            lines_gcda.warn(f'{source.name}: {name}: {result["outcome"]}: {result["why"]}')
    for trouble in run.results.trouble:
        lines_gcda.warn(f'{source.name}: {trouble}')
    print(f'{source.name}: Linux {found.release}: {run.results.count()}', flush=True)
    return run.modules, run.runner
