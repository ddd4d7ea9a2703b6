# SPDX-License-Identifier: GPL-2.0-only
"""Cases one after the other on one VM: nothing that one leaves is found by the next,
and nothing that one does to the harness keeps the next from running."""

import json
import os
import subprocess

import pytest

from microguests import CANNOT, ROOT, assemble


@pytest.fixture
def run(pytestconfig, tmp_path):
    """Outcomes by case name, in the order they ran."""

    def runner(name, *options):
        source = os.path.join('suites', 'negative', 'sequence', name + '.asm')
        images = assemble(source, tmp_path, True)
        done = subprocess.run(
            [pytestconfig.getoption('assay'), 'run', '--format', 'json', '--jobs', '1',
             '--deviations', 'none', '--on', pytestconfig.getoption('target'), *options, *images],
            cwd=ROOT, capture_output=True, text=True, timeout=120)
        if done.returncode == CANNOT:
            pytest.skip(done.stderr.strip())
        results = [json.loads(line) for line in done.stdout.splitlines()]
        return {result['name']: result for result in results if result['type'] == 'result'}

    return runner


@pytest.mark.parametrize('options', [(), ('--variant', 'restore'), ('--variant', 'fresh')])
def test_nothing_is_left(run, options):
    results = run('reset', *options)
    assert sum('_gone@' in name for name in results) == 11
    wrong = {name: result['why'] for name, result in results.items()
             if result['outcome'] not in ('pass', 'skip')}
    assert wrong == {}


def test_registers_that_actions_leave(run):
    results = run('msr_action')
    assert {result['outcome'] for result in results.values()} == {'pass'}
    assert len(results) == 4


def test_hostile_cases(run):
    results = run('hostile', '--timeout', '300')
    outcomes = {name.split('/')[-1]: result['outcome'] for name, result in results.items()}
    assert outcomes == {
        'table_at_the_top@long64': 'error',
        'huge_table@long64': 'pass',
        'deaf@long64': 'fail',
        'after@long64': 'pass',
        'frame_at_the_top@real16': 'pass',
        'after@real16': 'pass',
    }
