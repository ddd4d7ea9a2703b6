# SPDX-License-Identifier: GPL-2.0-only
"""Past bugs of KVM (suites/regressions.json): each is shown by a case that exists, or says why
it cannot be; and what the suite regressions/ has, is there for one of them."""

import json
import os
import re
import subprocess

import pytest

from microguests import ROOT

DATA = os.path.join(ROOT, 'suites', 'regressions.json')
# What a case of the suite cites beside the manuals: the bug.
CITED = re.compile(r'CVE-\d{4}-\d+|(?:Linux|kvm-unit-tests) [0-9a-f]{8,12}\b')
with open(DATA, encoding='utf-8') as file:
    BUGS = json.load(file)


@pytest.fixture(scope='module')
def cases(pytestconfig):
    """References of all cases, by name."""
    done = subprocess.run([pytestconfig.getoption('assay'), 'list', '--format', 'json'], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    instances = [json.loads(line) for line in done.stdout.splitlines()]
    return {instance['case']: instance['refs'] for instance in instances}


def test_every_bug_has_its_number():
    numbers = [bug['id'] for bug in BUGS]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize('bug', BUGS, ids=lambda bug: str(bug['id']))
def test_shown_or_not(bug, cases):
    assert bug['bug'] and bug['ref']
    assert set(bug) in ({'id', 'bug', 'ref', 'cases'}, {'id', 'bug', 'ref', 'reason'})
    assert bug.get('cases') or bug.get('reason')
    missing = [name for name in bug.get('cases', []) if name not in cases]
    assert not missing, f'{DATA}: bug {bug["id"]}: there is no such case'


def test_every_case_of_the_suite_is_for_a_bug(cases):
    named = {name for bug in BUGS for name in bug.get('cases', [])}
    named |= {name for bug in BUGS for name in cases if name in bug.get('reason', '')}
    assert {name for name in cases if name.startswith('regressions/')} - named == set()


def test_every_case_of_the_suite_cites_its_bug(cases):
    for bug in BUGS:
        told = {cited for text in bug['ref'] for cited in CITED.findall(text)}
        for name in bug.get('cases', []):
            if name.startswith('regressions/') and told:
                assert told & set(cases[name]), f'{name} cites none of {sorted(told)}'
