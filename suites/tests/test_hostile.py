# SPDX-License-Identifier: GPL-2.0-only
"""build/hostile-test and ci/hostile as programs: what they say to what is typed. The tests
themselves are run by `make check-hostile`."""

import os
import re
import subprocess

import pytest

from lab_tools import ROOT

PROGRAM = os.path.join(ROOT, 'build', 'hostile-test')


@pytest.fixture(scope='module', autouse=True)
def built():
    subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT, 'build/hostile-test'],
                   check=True)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def test_the_list_has_every_theme_and_no_name_twice():
    names = run(PROGRAM, '--list').stdout.split()
    themes = {name.split('/')[0] for name in names}
    assert len(set(names)) == len(names) > 50
    assert themes == {'cpu', 'fpu', 'call', 'file', 'kill', 'signal', 'wait', 'state', 'scribble',
                      'slot', 'migrate', 'memory', 'stress', 'power', 'module'}


@pytest.mark.parametrize('arguments', (['--nonsense'], ['--on'], ['--seconds'],
                                       ['--seconds', '0', 'cpu'], ['no_such_test']))
def test_bad_usage(arguments):
    assert run(PROGRAM, *arguments).returncode == 2


def test_what_changes_the_machine_is_not_done_unasked():
    done = run(PROGRAM, '--on', '/dev/null', 'power', 'module')
    results = [line for line in done.stdout.splitlines() if re.match('(not )?ok', line)]
    assert len(results) > 8 and all(' # SKIP' in line for line in results)


def test_a_node_that_is_none_fails():
    done = run(PROGRAM, '--on', '/dev/null', 'signal/ports')
    assert done.returncode == 1
    assert re.search('^not ok 1 - signal/ports', done.stdout, re.MULTILINE)


def test_the_program_is_asked_for():
    assert run(os.path.join(ROOT, 'ci', 'hostile'), '--nonsense').returncode == 2
