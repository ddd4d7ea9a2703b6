# SPDX-License-Identifier: GPL-2.0-only
"""The kernel with all checks: it tells of faults, the lab sees that, and assay.ko has none. The
tests take minutes, and the kernel's first build some more: `make check-debug` runs them."""

import os
import re
import shutil
import subprocess

import pytest

from lab_tools import DIED, OK, ROOT, lab
from labs import kernels
from test_memory import MAY_BE_SKIPPED

pytestmark = pytest.mark.skipif(not os.environ.get('ASSAY_DEBUG_KERNEL'),
                                reason='make check-debug runs these tests')
SMALL = ('--kernel', 'debug', '--memory', '512')
OURS = (*SMALL, '--hypervisor', 'assay')
# What tasks do to a host, and what guests do. Left out is what takes minutes there: VMs while
# processors come and go all the time, the module loaded again and again, and the count of what
# tasks leave in the kernel, which kmemleak finds itself.
HOSTILE = ('cpu', 'fpu', 'call', 'file', 'kill', 'signal', 'wait', 'state', 'scribble', 'slot',
           'migrate', 'memory/each', 'memory/cgroup', 'stress', 'power/pinned', 'power/away',
           'power/sleeps', 'module/refused', 'module/raced', 'module/busy', 'module/gone')
# What becomes of guest memory. The kernel does not count pages that are swapped out, which tests
# of swap want to see; others that are left out take long: many children, pages that flicker.
MEMORY = ('slot', 'answer', 'dirty/between', 'dirty/e', 'dirty/began', 'dirty/manual', 'dirty/i',
          'dirty/r', 'dirty/f', 'change/d', 'change/l', 'change/m', 'change/n', 'change/r',
          'change/u', 'file/h', 'file/m', 'file/p', 'file/shared', 'file/t', 'fork/c', 'fork/h',
          'fork/k', 'huge/h', 'huge/transparent_split', 'uffd', 'swap/k', 'swap/locked', 'swap/n',
          'account')
CASES = ('io/out',)


@pytest.fixture(scope='module')
def faulty(tmp_path_factory):
    """faulty.ko for that kernel."""
    place = str(tmp_path_factory.mktemp('faulty'))
    for name in ('Kbuild', 'faulty.c'):
        shutil.copy(os.path.join(ROOT, 'suites/debug', name), place)
    variables = {key: value for key, value in os.environ.items() if not key.startswith('MAKE')}
    subprocess.run(['make', '-s', '-C', kernels.find('debug').modules, f'M={place}', 'modules'],
                   check=True, env=variables)
    return os.path.join(place, 'faulty.ko')


def commit(faulty, *faults):
    """The Outcome of a lab in which these faults are committed, and the console's log."""
    script = '\n'.join(f'echo {fault} >/sys/module/faulty/parameters/fault' for fault in faults)
    outcome = lab('svm', *OURS, '--module', faulty, '--', 'sh', '-c', script)
    return outcome, outcome.log() if outcome.reason() else ''


def test_a_module_without_a_fault_is_fine(faulty):
    outcome, _ = commit(faulty)
    assert outcome.status == OK, outcome.errors


def test_every_fault_is_reported(faulty):
    # A report of KASAN switches lockdep off, and each of both tells of the first fault alone.
    outcome, log = commit(faulty, 'rcu', 'lock_order', 'sleep_in_atomic', 'shift',
                          'out_of_bounds', 'leak')
    assert outcome.status == DIED
    assert outcome.reason() == 'lockdep report: WARNING: suspicious RCU usage'
    for words in ('WARNING: suspicious RCU usage', 'WARNING: possible circular locking dependency',
                  'BUG: sleeping function called from invalid context', 'UBSAN: shift-out-of-boun',
                  'BUG: KASAN: slab-out-of-bounds in out_of_bounds',
                  'kmemleak: unreferenced object'):
        assert words in log, words


@pytest.mark.parametrize('fault, reason, words', [
    ('use_after_free', 'sanitizer report: BUG: KASAN: slab-use-after-free|'
     'sanitizer report: BUG: KASAN: use-after-free', 'Freed by task'),
    ('leak', r'memory leak: kmemleak: unreferenced object 0x\w+ \(size 256\)', 'backtrace'),
])
def test_the_report_is_shown(faulty, fault, reason, words):
    outcome, _ = commit(faulty, fault)
    assert outcome.status == DIED
    assert re.match(reason, outcome.reason())
    shown = [line for line in outcome.errors.splitlines() if line.startswith('  | ')]
    assert any(words in line for line in shown), outcome.errors
    assert any('faulty' in line for line in shown), outcome.errors


def test_the_module_in_bad_hands():
    subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT, 'build/hostile-test'],
                   check=True)
    done = subprocess.run([os.path.join(ROOT, 'ci/hostile'), '--kernel', 'debug', '--seconds', '1',
                           *HOSTILE], capture_output=True, text=True)
    assert done.returncode == OK, done.stdout + done.stderr
    assert 'not ok' not in done.stdout
    # What other kernels cannot do.
    assert re.search(r'^ok \d+ - memory/each_allocation #(?! SKIP)', done.stdout, re.MULTILINE)


def test_memory_of_guests():
    done = subprocess.run([os.path.join(ROOT, 'ci/memory'), '--kernel', 'debug', '--lab', 'svm',
                           '--on', '/dev/assay', *MEMORY], capture_output=True, text=True)
    assert done.returncode == OK, done.stdout + done.stderr
    assert 'not ok' not in done.stdout
    skipped = set(re.findall(r'^ok \d+ - (\S+) # SKIP', done.stdout, re.MULTILINE))
    assert skipped <= MAY_BE_SKIPPED


def test_nothing_is_found_by_fuzzing(tmp_path):
    subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT, 'build/fuzz-kmod'],
                   check=True)
    done = subprocess.run([os.path.join(ROOT, 'ci/fuzz-kmod'), '--kernel', 'debug', '--calls', '8',
                           '--guests', '300', '-j', '1', '--found', tmp_path], capture_output=True,
                          text=True)
    assert done.returncode == OK, done.stdout + done.stderr


def test_cases():
    outcome = lab('svm', *OURS, '--', 'assay', 'run', '--on', '/dev/assay', *CASES)
    assert outcome.status == OK, outcome.output.decode() + outcome.errors
