# SPDX-License-Identifier: GPL-2.0-only
"""Runs build/fuzz-kmod in labs, goes on after a lab that has died, keeps what is found as
texts, replays and minimises them."""

import concurrent.futures
import os
import re
import subprocess
import sys
import time

from labs import cli, config, session

PROGRAM = os.path.join(config.ROOT, 'build', 'fuzz-kmod')
FOUND = os.path.join(config.ROOT, 'build', 'fuzz-kmod-found')
CALLS, GUESTS = 200, 100000      # where no time is given
APART = 10 ** 9                 # seeds between labs, if nobody says how many there are
RESTARTS = 10                   # a target that dies more often is not worth more time
SPARE = 120                     # seconds for boot, and for what is left to end
# Seconds that one takes on a machine that is busy with other things, too.
SLOWEST = {'calls': 2.0, 'guest': 0.02}
FOUND_LINE = re.compile(r'^found (calls|guest)/(\d+)$', re.MULTILINE)

# The emulator ends itself, which no processor does whatever it is given: named, and no finding.
CRASHED = re.compile(r'the emulator was killed by signal \d+')


def say(text):
    print(f'ci/fuzz-kmod: {text}', file=sys.stderr, flush=True)


# ---- labs ------------------------------------------------------------------------------------

def configuration(options, smp, timeout, files=()):
    """The Config of a lab as options ask for it."""
    stock = options.on == '/dev/kvm'
    return config.Config(
        target=options.lab, kernel=options.kernel, modules=options.modules,
        hypervisor='kvm' if stock else 'assay', replaced=tuple(options.replaced),
        parameters=tuple(options.param),
        emulator=options.emulator, smp=smp, memory=options.memory, timeout=timeout,
        files=((PROGRAM, 'fuzz-kmod'), *files))


class Output:
    """Passes on what a command says, and keeps it."""

    def __init__(self, quiet=False):
        self.kept = b''
        self.quiet = quiet

    def __call__(self, data):
        """Whole lines: another lab may be saying something, too."""
        before = self.kept.rfind(b'\n') + 1
        self.kept += data
        if not self.quiet:
            cli.writer(1)(self.kept[before:self.kept.rfind(b'\n') + 1])

    def text(self):
        return self.kept.decode(errors='replace')


def in_lab(options, arguments, smp, timeout, files=(), quiet=False):
    """(Result, output) of build/fuzz-kmod in a lab with so many processors."""
    wish = configuration(options, smp, timeout, files)
    output = Output(quiet)
    result = session.run(wish, ['/fuzz-kmod', options.on, *map(str, arguments)], output, output)
    if result.status == session.CANNOT:
        raise config.Unavailable(result.reason or 'the lab cannot be had')
    if not quiet:
        cli.report(options.lab, result, False)
    return result, output.text()


# ---- findings --------------------------------------------------------------------------------

def sequence_of(world, seed):
    """The text of a seed's sequence."""
    return subprocess.run([PROGRAM, 'print', world, str(seed)], capture_output=True, text=True,
                          check=True).stdout


def keep(options, world, seed, why):
    """Writes a finding's text; says how to go on from it."""
    os.makedirs(options.found, exist_ok=True)
    path = os.path.join(options.found, f'{world}-{seed}.txt')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'# {world}/{seed}: {why}\n' + sequence_of(world, seed))
    say(f'found {world}/{seed}: {why}')
    say(f'    ci/fuzz-kmod --replay {path}')
    say(f'    ci/fuzz-kmod --minimise {path}')


def emulators_own(result):
    """Whether the emulator ended by a fault of its own."""
    return bool(CRASHED.search(result.reason or ''))


def last_seeds(result, world):
    """Seeds that the workers were at, as marks say."""
    seeds = []
    for name in result.last_cases:
        match = re.fullmatch(rf'{world}/(\d+)', name)
        if match:
            seeds.append(int(match[1]))
    return seeds


# ---- a campaign ------------------------------------------------------------------------------

class Campaign:
    """Seeds of one world from first on, in as many labs as it takes, one after the other."""

    def __init__(self, options, world, smp, first, count, seconds):
        self.options = options
        self.world = world
        self.smp = smp
        self.next = first
        self.last = first + count
        self.deadline = time.monotonic() + seconds if seconds else None
        self.found = 0

    def left(self):
        """(count, seconds) for the next lab; None when there is nothing more to do."""
        if self.deadline is None:
            return (self.last - self.next, 0) if self.next < self.last else None
        seconds = int(self.deadline - time.monotonic())
        return (0, seconds) if seconds > 0 else None

    def run(self):
        """The number of findings."""
        for _ in range(RESTARTS):
            todo = self.left()
            if not todo:
                break
            timeout = SPARE + (todo[1] or todo[0] * SLOWEST[self.world])
            result, output = in_lab(self.options, [self.world, self.next, *todo, 1], self.smp,
                                    timeout)
            for world, seed in FOUND_LINE.findall(output):
                keep(self.options, world, int(seed), 'see above')
                self.found += 1
            if not result.reason:
                if result.status and not FOUND_LINE.search(output):
                    say(f'{self.world}: exit status {result.status}, see above')
                    self.found += 1
                break
            self.died(result)
        else:
            say(f'{self.world}: given up after {RESTARTS} labs')
            self.found += 1
        return self.found

    def died(self, result):
        """The lab has: over a seed that is named, and the rest goes on after it."""
        seeds = last_seeds(result, self.world)
        own = emulators_own(result)
        if own:
            say(f'a fault of the emulator, no finding: {result.reason}')
        if not seeds:
            say(f'{self.world}: the lab died at no seed: {result.reason}')
        for seed in seeds:
            keep(self.options, self.world, seed, result.reason)
        self.found += 0 if own and seeds else 1
        self.next = max(seeds, default=self.next) + 1


def campaigns(options, world, count, seconds):
    """Those that go on at once. Calls have threads, for which a lab has several processors; a
    guest is one thread, and as many labs as this machine has processors share the seeds."""
    if world == 'calls':
        return [Campaign(options, world, options.smp, options.seed, count, seconds)]
    each = -(-count // options.jobs)
    return [Campaign(options, world, 1, options.seed + i * (each or APART),
                     max(0, min(each, count - i * each)), seconds) for i in range(options.jobs)]


def fuzz(options):
    """Both worlds; the exit status."""
    half = options.seconds // 2
    found = 0
    for world, count in (('calls', options.calls), ('guest', options.guests)):
        if not count and not half:
            continue
        if half:
            count = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            found += sum(pool.map(Campaign.run, campaigns(options, world, count, half)))
    say(f'{found} found' if found else 'nothing found')
    return session.FAILED if found else 0


# ---- replaying and minimising ------------------------------------------------------------------

def replay(options, path, quiet=False):
    """Exit status: 0 if that sequence does no harm."""
    if not os.path.exists(path):
        raise config.UsageError(f'{path}: no such file')
    if options.on.startswith('fake:'):
        done = subprocess.run([PROGRAM, options.on, 'replay', path], capture_output=quiet)
        return done.returncode
    result, _ = in_lab(options, ['replay', '/sequence'], options.smp, SPARE + 60,
                       ((path, 'sequence'),), quiet)
    if result.reason and emulators_own(result):
        return 0
    return session.FAILED if result.reason or result.status else 0


def minimise(lines, fails):
    """The fewest of those lines, in their order, with which fails(lines) is still true: takes
    away ever smaller parts (delta debugging), until none of one line can be spared."""
    size = max(1, len(lines) // 2)
    while True:
        at, less = 0, False
        while at < len(lines):
            rest = lines[:at] + lines[at + size:]
            if rest and fails(rest):
                lines, less = rest, True
            else:
                at += size
        if size == 1 and not less:
            return lines
        size = max(1, size // 2)


def minimise_file(options, path):
    """Writes FILE.min; 2 if the whole does not fail."""
    if not os.path.exists(path):
        raise config.UsageError(f'{path}: no such file')
    with open(path, encoding='utf-8') as file:
        lines = [line for line in file.read().splitlines() if line.split('#')[0].strip()]
    world, operations = lines[0], lines[1:]
    shorter = path + '.min'

    def write(some):
        with open(shorter, 'w', encoding='utf-8') as out:
            out.write('\n'.join([world, *some]) + '\n')

    def fails(some):
        write(some)
        bad = replay(options, shorter, quiet=True) == session.FAILED
        say(f'{len(some)} operations: {"still fails" if bad else "passes"}')
        return bad

    if not fails(operations):
        say(f'{path}: it does not fail, so there is nothing to minimise')
        os.remove(shorter)
        return session.USAGE
    write(minimise(operations, fails))
    say(f'written to {shorter}')
    return 0
