# SPDX-License-Identifier: GPL-2.0-only
"""assay forms: what cases execute, as far as the target of the tests can tell."""

import json
import subprocess

import pytest

from microguests import CANNOT, ROOT


@pytest.fixture
def forms(pytestconfig):
    """Runs the command: the lines it wrote. Skips where the target cannot be used."""

    def run(*arguments):
        done = subprocess.run([pytestconfig.getoption('assay'), 'forms', *arguments], cwd=ROOT,
                              capture_output=True, text=True)
        if done.returncode == CANNOT:
            pytest.skip(done.stderr.strip())
        assert (done.returncode, done.stderr) == (0, '')
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def executed(forms, pytestconfig):
    """Runs cases in steps: {instance: its line}."""

    def run(*patterns):
        target = pytestconfig.getoption('target')
        return {line['instance']: line for line in forms('--on', target, *patterns)}

    return run


def test_list(forms):
    known = forms('--list')
    by_form = {line['form']: line for line in known}
    assert len(by_form) == len(known) > 4000
    assert by_form['d7 1 @16']['paths'] == ['mmio', 'fep']
    assert by_form['0f:a2 @64']['paths'] == ['fep']
    assert by_form['a5 f3 2 @32']['paths'] == ['mmio', 'fep']


def test_an_operand_in_mmio_space_is_told_apart(executed):
    seen = executed('emulation/mov/xlat@vm86', 'emulation/mov/xlat@vm86+mmio')
    assert 'd7 1 @16' in seen['emulation/mov/xlat@vm86']['native']
    assert seen['emulation/mov/xlat@vm86']['mmio'] == []
    assert 'd7 1 @16' not in seen['emulation/mov/xlat@vm86+mmio']['native']
    assert seen['emulation/mov/xlat@vm86+mmio']['mmio'] == ['d7 1 @16']


def test_what_cannot_run_says_why(executed):
    seen = executed('interrupts', 'paging/smap')
    skipped = [line for line in seen.values() if line['outcome'] == 'skip']
    assert all(line['why'] and 'native' not in line for line in skipped)
    assert len(skipped) < len(seen)
