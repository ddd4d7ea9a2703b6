# SPDX-License-Identifier: GPL-2.0-only
"""assay.ko in the hands of guests and tasks that mean it ill, in a lab with two processors: the
kernel must have nothing to report, and nothing of the tasks may be left."""

import os
import re
import subprocess

import pytest

from lab_tools import OK, ROOT, lab
from labs import kernels, kmod, machine
from labs.config import Unavailable

PROGRAM = os.path.join(ROOT, 'build', 'hostile-test')
SECONDS = '20'      # of tasks that are killed
# What a processor or kernel may lack.
MAY_BE_SKIPPED = {'pkru', 'dirty_log_32', 'filter_32'}


@pytest.fixture(scope='module', autouse=True)
def needed():
    """Skips where there is no lab, or no headers of its kernel."""
    try:
        machine.kind('svm')().identify()
        kmod.build(kernels.find(None))
    except Unavailable as error:
        pytest.skip(str(error))
    subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT, 'build/hostile-test',
                    'build/lab/agent'], check=True)


def test_the_host_stays_as_it_was():
    outcome = lab('svm', '--memory', '512', '--smp', '2', '--hypervisor', 'assay',
                  '--file', PROGRAM, '--', '/hostile-test', '/dev/assay', SECONDS)
    lines = outcome.output.decode().splitlines()
    assert outcome.status == OK, outcome.output.decode() + outcome.errors
    passed = [line for line in lines if re.match(r'ok \d+ - \S+$', line)]
    skipped = {match[1] for line in lines
               if (match := re.match(r'ok \d+ - (\S+) # SKIP$', line))}
    assert skipped <= MAY_BE_SKIPPED
    assert lines[0] == f'1..{len(passed) + len(skipped)}'
    assert 'ok 10 - nothing_left' in passed
