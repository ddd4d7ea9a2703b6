# SPDX-License-Identifier: GPL-2.0-only
"""What is counted on this machine, without a lab: by programs below build/lines/host, which
`make lines-programs` builds."""

import glob
import os
import shutil
import subprocess

import lines_gcda
import lines_info
from lines_gcda import ROOT

HOST = os.path.join(ROOT, 'build/lines/host')
ASSAY = os.path.join(HOST, 'assay')
CANNOT = 125
LAST = 3000         # characters of what a program said that failed
# Those that run the program; the rest is about labs and scripts.
PYTEST = ('test_cli.py', 'test_negative.py', 'test_report.py', 'test_sequence.py',
          'test_plugin.py', 'test_forms.py')


class Unmeasured(Exception):
    """A source cannot be measured here; the text says why."""


def run(place, command):
    """Runs a program that counts, whose counters go below place: (exit status, what it said)."""
    environment = {**os.environ, 'GCOV_PREFIX': place,
                   'GCOV_PREFIX_STRIP': str(ROOT.count('/'))}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors='replace')
    return done.returncode, done.stdout


def must(place, command, good=(0,)):
    """Runs a program that counts; if it fails says so, and what it said last."""
    status, said = run(place, command)
    if status not in good:
        lines_gcda.warn(f'{" ".join(command[:6])} ended with status {status}: it said\n'
                        + said[-LAST:])


def counted(name, measure):
    """{path: File} of what measure(directory for counters) had run."""
    place = os.path.join(ROOT, 'build/lines/data', name)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    measure(place)
    files = lines_info.add({}, lines_gcda.below(place, ROOT))
    if not files:
        raise Unmeasured('nothing was counted')
    return files


def unit(place):
    """The unit tests."""
    programs = [path for path in glob.glob(HOST + '/unit/**/test_*', recursive=True)
                if os.access(path, os.X_OK) and os.path.isfile(path)]
    must(place, ['ci/unit', *sorted(programs)])


def fuzz(place):
    """The fuzzers' corpora, and what fuzzing here has found."""
    for program in sorted(glob.glob(HOST + '/fuzz/fuzz_*')):
        name = os.path.basename(program)
        corpora = [path for path in ('suites/fuzz/corpus/' + name, 'build/fuzz/corpus/' + name)
                   if os.path.isdir(os.path.join(ROOT, path))]
        if corpora:     # without any the fuzzer begins with nothing
            must(place, [program, *corpora])


def runner(place, node='/dev/kvm'):
    """All cases on this machine's hypervisor, in several forms, and the program's own tests."""
    if run(place, [ASSAY, 'probe'])[0] == CANNOT:
        raise Unmeasured(f'{node} cannot run a guest here')
    for options in ((), ('--variant', 'restore'), ('--format', 'json')):
        must(place, [ASSAY, 'run', '--on', node, *options], (0, 1))
    must(place, [ASSAY, 'bench', '--on', node, 'io/out'])
    must(place, ['ci/python', '-m', 'pytest', '-q', '--assay=' + ASSAY, '--target=' + node,
                 *('suites/tests/' + name for name in PYTEST)])
