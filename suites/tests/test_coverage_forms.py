# SPDX-License-Identifier: GPL-2.0-only
"""Instruction forms in the coverage report: what `assay forms` wrote is set against its list."""

import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'coverage'))

from cover import floors, instructions, page      # noqa: E402

ADD, XADD, WAIT = '01 mem 4 @32', '0f:c1 lock mem 4 @32', '9b @64'
KNOWN = [{'form': ADD, 'mnemonic': 'add', 'paths': ['mmio', 'fep']},
         {'form': XADD, 'mnemonic': 'xadd', 'paths': ['mmio', 'fep']},
         {'form': WAIT, 'mnemonic': 'fwait', 'paths': ['fep']}]


def instance(name, native=(), mmio=(), fep=()):
    """A line of `assay forms`."""
    return {'instance': name, 'outcome': 'pass', 'native': list(native), 'mmio': list(mmio),
            'fep': list(fep), 'steps': 1, 'more': False}


@pytest.fixture
def section(tmp_path, monkeypatch):
    """The section of files: section(target=[lines]); its warnings are in it."""
    monkeypatch.setattr(instructions.data, 'load', lambda name: [
        {'forms': ['9b *'], 'paths': ['fep'], 'reason': 'no one waits', 'ref': 'SDM 2 FWAIT'}])

    def make(**files):
        for name, lines in files.items():
            (tmp_path / f'{name}.json').write_text(''.join(
                (line if isinstance(line, str) else json.dumps(line)) + '\n' for line in lines))
        warnings = []
        made = instructions.Section(tmp_path, warnings)
        made.warnings = warnings
        return made

    return make


def test_a_case_removed_is_a_hole(section):
    cases = [instance('a/b/c@prot32+mmio', ['90 4 @32'], [ADD]),
             instance('a/b/d@prot32+mmio', ['90 4 @32'], [XADD])]
    whole = section(known=KNOWN, target=cases)
    assert whole.sums()['instructions.mmio'] == (2, 2)
    assert not [what for what, _ in whole.holes() if 'MMIO' in what]
    less = section(known=KNOWN, target=cases[:1])
    assert less.sums()['instructions.mmio'] == (1, 2)
    assert [what for what, _ in less.holes() if 'MMIO' in what] == [
        '0f:c1 xadd, operand in MMIO space: lock mem 4 @32']


def test_what_cannot_be_says_why_and_is_no_hole(section):
    made = section(known=KNOWN, target=[instance('a/b/c@prot32+fep', fep=[ADD, XADD])])
    assert made.sums()['instructions.fep'] == (2, 2)
    rows = {row['form']: row for row in made.as_json()['paths']['fep']}
    assert (rows[WAIT]['state'], rows[WAIT]['reason']) == ('cannot', 'no one waits')
    assert rows[ADD] == {'form': ADD, 'mnemonic': 'add', 'state': 'seen',
                         'example': 'a/b/c@prot32+fep'}
    assert 'no one waits' in made.html(set())


def test_natively_is_not_emulated(section):
    made = section(known=KNOWN, target=[instance('a/b/c@prot32', native=[ADD])])
    assert made.sums()['instructions.mmio'] == (0, 2)
    assert made.as_json()['native'] == [ADD]


def test_targets_add_up(section):
    one, other = instance('a/b/c@prot32+mmio', mmio=[ADD]), instance('a/b/d@prot32+mmio',
                                                                     mmio=[XADD])
    apart = section(known=KNOWN, first=[one], second=[other])
    assert apart.instances == {'first': 1, 'second': 1}
    assert apart.sums()['instructions.mmio'] == (2, 2)


def test_a_corrupt_line_is_named_and_the_rest_is_used(section):
    made = section(known=KNOWN, target=[instance('a/b/c@prot32+mmio', mmio=[ADD]), '{"instance":',
                                        {'instance': 'a/b/e@prot32'}])
    assert made.sums()['instructions.mmio'] == (1, 2)
    assert [warning.partition(': ')[0].rpartition('/')[2] for warning in made.warnings] == [
        'target.json:2', 'target.json:3']


def test_what_did_not_run(section, tmp_path):
    made = section(known=KNOWN, target=[{'instance': 'x', 'outcome': 'skip', 'why': 'no'}])
    assert (made.sums(), made.holes()) == ({}, [])
    assert 'not run' in made.html(set())
    absent = instructions.Section(tmp_path / 'none', [])
    assert (absent.sums(), 'not run' in absent.html(set())) == ({}, True)
    assert floors.judge({'instructions.mmio': 99}, {}, []) == ([], [])


def test_floors_of_forms_are_numbers():
    """The list grows with the decoder: that undershoots nothing."""
    for reached, known, under in ((9, 10, 0), (9, 99, 0), (8, 8, 1)):
        found, _ = floors.judge({'instructions.mmio': 9}, {'instructions.mmio': (reached, known)},
                                [])
        assert len(found) == under
    assert found == ['instructions.mmio: 8 of 8 are reached, that is 100.0 %: at least 9 must be '
                     '(coverage/floors.json)']


def test_the_map_has_a_square_for_each_opcode(section):
    made = section(known=KNOWN, target=[instance('a/b/c@prot32+mmio', mmio=[ADD])])
    shown = made.html(set())
    assert '<rect class="seen" x="30" y="15"' in shown      # 01, in the map of MMIO
    assert '<title>01 add: 1 of 1 forms</title>' in shown
    assert '<title>c1 xadd: 0 of 1 forms</title>' in shown
    assert '<i class="some">' in shown and 'i.some {' in page.CSS and '\n.some {' in page.CSS


def test_the_reasons_are_sound():
    for entry in json.loads((ROOT / 'coverage/instructions.json').read_text()):
        assert set(entry) == {'forms', 'paths', 'reason', 'ref'}
        assert entry['forms'] and set(entry['paths']) <= set(instructions.PATHS)
        assert entry['reason'] and entry['ref']
