# SPDX-License-Identifier: GPL-2.0-only
"""ci/check without a lab: targets by name, parts, labs that die, the table."""

import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'ci'))

from checks import lab_run, results, summary, targets   # noqa: E402 (the path comes first)
from labs import config, session                        # noqa: E402


def instance(name, source='io/a.asm', mode='long64'):
    """What assay list says of an instance, as far as it matters here."""
    return {'name': name, 'suite': name.partition('/')[0], 'source': source, 'mode': mode,
            'case_line': 7}


def result_line(name, outcome='pass', **more):
    """A line of a run's report, as bytes."""
    entry = {'type': 'result', 'name': name, 'suite': name.partition('/')[0],
             'outcome': outcome, 'ns': 5, **more}
    return json.dumps(entry).encode() + b'\n'


# ---- targets ------------------------------------------------------------------------------

def test_the_targets_file_is_sound():
    known = targets.load(ROOT / 'ci/targets.json')
    assert {'kvm', 'svm', 'vmx'} <= set(known)
    assert all(target.lab in ('', *config.TARGETS) for target in known.values())


def write(tmp_path, entry):
    file = tmp_path / 'targets.json'
    file.write_text(json.dumps({'mine': entry}))
    return file


@pytest.mark.parametrize('entry, message', [
    ({'text': 'x'}, 'must have a "node" or a "lab"'),
    ({'text': 'x', 'node': '/dev/kvm', 'lab': 'svm'}, 'must have a "node" or a "lab"'),
    ({'node': '/dev/kvm'}, 'has no "text"'),
    ({'text': 'x', 'lab': 'svm', 'moon': 1}, '"moon", which means nothing'),
    ({'text': 'x', 'lab': 'svm', 'hypervisor': 'moon'}, 'the "hypervisor" "moon"'),
    ({'text': 'x', 'node': '/dev/assay', 'hypervisor': 'assay'}, 'or "assay" in a lab'),
])
def test_a_malformed_target_is_named(tmp_path, entry, message):
    with pytest.raises(targets.TargetError, match='target mine') as caught:
        targets.load(write(tmp_path, entry))
    assert message in str(caught.value)


def test_a_slow_target_has_its_own_timeout(tmp_path):
    entry = {'text': 'x', 'lab': 'vmx', 'timeout': 20000}
    slow = targets.load(write(tmp_path, entry))['mine']
    assert slow.arguments([]) == ['--timeout', '20000']
    assert slow.arguments(['--timeout', '5']) == ['--timeout', '5']
    assert targets.load(write(tmp_path, {'text': 'x', 'lab': 'vmx'}))['mine'].arguments([]) == []


def test_targets_are_chosen_in_order_and_once(tmp_path):
    known = targets.load(ROOT / 'ci/targets.json')
    assert [t.name for t in targets.choose(known, ['vmx', 'svm', 'vmx'])] == ['vmx', 'svm']
    assert [t.name for t in targets.choose(known, ['all'])] == list(known)
    with pytest.raises(targets.TargetError, match='no target "moon"'):
        targets.choose(known, ['moon'])


# ---- parts --------------------------------------------------------------------------------

def test_parts_are_all_once_and_about_equal():
    entries = [instance(f'io/c{i}', source=f'io/{i % 7}.asm') for i in range(100)]
    split = lab_run.parts(entries, 3)
    assert sorted(name for part in split for name in part) == sorted(e['name'] for e in entries)
    assert max(map(len, split)) - min(map(len, split)) <= 15
    order = [entry['name'] for entry in entries]
    assert all(part == sorted(part, key=order.index) for part in split)
    assert len(lab_run.parts(entries[:1], 3)) == 1


def test_the_suite_smp_has_a_lab_with_several_processors():
    outcome = results.Results([instance('io/a'), instance('smp/b', source='smp/b.asm')])
    for smp, expected in ((1, [({'io/a', 'smp/b'}, 1)]), (2, [({'io/a'}, 1), ({'smp/b'}, 2)])):
        target = targets.Target('svm', 'text', lab='svm', smp=smp)
        run = lab_run.LabRun(target, None, outcome, None)
        assert [(set(names), cpus) for names, cpus in run.all_parts(1)] == expected


# ---- labs that die ------------------------------------------------------------------------

class Shown:
    """Stands in for the progress line."""

    def __init__(self):
        self.said = []

    def result(self, entry):
        """One more result."""

    def say(self, message):
        self.said.append(message)


def lab_that(monkeypatch, script):
    """Puts script(names, number of the lab) -> (lines, Result[, words on standard error]) in
    the place of labs."""
    ran = []

    def run(lab, command, on_stdout, on_stderr, stopped):
        names = pathlib.Path(lab.files[0][0]).read_text().split()
        ran.append(names)
        lines, outcome, *words = script(names, len(ran))
        data = b''.join(lines)
        on_stdout(data[:13])        # lines come in pieces
        on_stdout(data[13:])
        for text in words:
            on_stderr(text)
        return outcome

    monkeypatch.setattr(session, 'run', run)
    return ran


def check(names):
    """A LabRun over those names, and its results."""
    outcome = results.Results([instance(name) for name in names])
    target = targets.Target('svm', 'text', lab='svm')
    options = types.SimpleNamespace(kernel=None, module=[], arguments=[])
    shown = Shown()
    return lab_run.LabRun(target, options, outcome, shown), outcome, shown


NAMES = [f'io/c{i}' for i in range(6)]
FINE = session.Result(0, boot_seconds=2.0)


def test_a_lab_that_dies_fails_its_case_and_the_rest_goes_on(monkeypatch):
    def script(names, number):
        if number == 1:
            return [result_line(name) for name in names[:2]], session.Result(
                session.DIED, 'kernel panic', last_cases=('io/c2',), boot_seconds=2.0)
        return [result_line(name) for name in names], FINE

    ran = lab_that(monkeypatch, script)
    run, outcome, shown = check(NAMES)
    assert run.run(1) is None
    assert ran == [NAMES, NAMES[3:]]
    assert outcome.count() == {'pass': 5, 'fail': 1, 'error': 0, 'skip': 0, 'deviation': 0,
                               'not_run': 0}
    assert outcome.known['io/c2']['why'] == 'the lab died: kernel panic'
    assert outcome.status() == 1
    assert 'kernel panic' in shown.said[0] and 'io/c2' in shown.said[0]


def test_a_lab_that_dies_between_cases_is_a_failure_too(monkeypatch):
    def script(names, number):
        died = number == 1
        return [result_line(name) for name in names[:3] if died] + [
            result_line(name) for name in names if not died], session.Result(
                session.DIED, 'WARNING: at x.c', boot_seconds=2.0) if died else FINE

    lab_that(monkeypatch, script)
    run, outcome, _ = check(NAMES)
    run.run(1)
    assert outcome.count()['pass'] == 6
    assert outcome.status() == 1
    assert 'between two cases: WARNING' in outcome.trouble[0]


def test_a_lab_that_reports_after_all_was_run_is_a_failure(monkeypatch):
    lab_that(monkeypatch, lambda names, number: ([result_line(name) for name in names],
                                                 session.Result(session.DIED, 'BUG: x',
                                                                boot_seconds=2.0)))
    run, outcome, _ = check(NAMES)
    run.run(1)
    assert not outcome.missing() and outcome.status() == 1


def test_labs_are_not_started_for_ever(monkeypatch):
    ran = lab_that(monkeypatch, lambda names, number: ([b''], session.Result(
        session.DIED, 'stall', boot_seconds=2.0)))
    run, outcome, _ = check(NAMES)
    run.run(1)
    assert len(ran) == 1 + lab_run.RESTARTS
    assert outcome.count()['not_run'] == len(NAMES) and outcome.status() == 2


def test_a_lab_that_never_starts_is_not_tried_again(monkeypatch):
    ran = lab_that(monkeypatch, lambda names, number: ([b''], session.Result(
        session.DIED, 'the kernel does not take the module assay')))
    run, outcome, _ = check(NAMES)
    assert run.run(1) is None
    assert len(ran) == 1 and outcome.status() == 2
    assert outcome.trouble == ['the kernel does not take the module assay']


def test_a_module_that_does_not_build_is_a_failure(monkeypatch):
    def script(names, number):
        raise config.BuildFailed('vm.c:1: error: x')

    lab_that(monkeypatch, script)
    run, outcome, _ = check(NAMES)
    assert run.run(2) is None
    assert outcome.trouble == ['vm.c:1: error: x'] and outcome.status() == 2


def test_a_lab_s_own_module_has_its_own_node(monkeypatch):
    commands = []

    def run(lab, command, *_):
        commands.append((lab.hypervisor, command[command.index('--on') + 1]))
        return FINE

    monkeypatch.setattr(session, 'run', run)
    for hypervisor, node in (('kvm', '/dev/kvm'), ('assay', '/dev/assay')):
        target = targets.Target('svm', 'text', lab='svm', hypervisor=hypervisor)
        outcome = results.Results([instance('io/a')], target.device())
        options = types.SimpleNamespace(kernel=None, module=[], arguments=[])
        lab_run.LabRun(target, options, outcome, Shown()).run(1)
        assert commands.pop() == (hypervisor, node)
        assert results.unknown_run(outcome.node)['target'] == node


def test_a_lab_that_cannot_be_had_is_no_failure(monkeypatch):
    def script(names, number):
        raise config.Unavailable('no qemu here')

    lab_that(monkeypatch, script)
    run, outcome, _ = check(NAMES)
    assert run.run(2) == 'no qemu here'
    assert not outcome.known


def test_a_run_that_stops_itself_says_why(monkeypatch):
    """Its status is that of failed cases, 1."""
    lab_that(monkeypatch, lambda names, number: (
        [result_line(name, 'fail') for name in names[:2]], session.Result(1),
        b'assay: stopped: too many time-outs\n'))
    run, outcome, _ = check(NAMES)
    assert run.run(1) is None
    assert outcome.trouble == ['assay: stopped: too many time-outs']
    assert outcome.count()['not_run'] == 4 and outcome.status() == 2


def test_what_a_complete_run_says_is_no_trouble(monkeypatch):
    lab_that(monkeypatch, lambda names, number: (
        [result_line(name) for name in names], FINE, b'assay: a remark\n'))
    run, outcome, _ = check(NAMES)
    run.run(1)
    assert not outcome.trouble and outcome.status() == 0


def ci_check_module():
    """The script ci/check as a module."""
    loader = importlib.machinery.SourceFileLoader('ci_check', str(ROOT / 'ci/check'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('ci_check', loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize('ran', [0, 3])
def test_a_part_without_a_lab_is_told(monkeypatch, tmp_path, ran):
    """Where other parts had one it is trouble of the target; else the target did not run."""
    script = ci_check_module()
    monkeypatch.setattr(script, 'instances', lambda *_: [instance(name) for name in NAMES])
    monkeypatch.setattr(script, 'report', lambda *_: '')

    def labs(names, number):
        if ran:
            return ([result_line(name) for name in names[:ran]],
                    session.Result(session.CANNOT, 'no qemu here'))
        raise config.Unavailable('no qemu here')

    lab_that(monkeypatch, labs)
    made = script.Check(script.parse(['svm', '-j1', '--output', str(tmp_path)]))
    why = made.run(targets.Target('svm', 'text', lab='svm'))
    assert (why, len(made.columns)) == ((None, 1) if ran else ('no qemu here', 0))
    if ran:
        assert made.columns[0][1].trouble == ['no qemu here']
        assert 'svm: no qemu here' in made.lines


def test_a_bad_line_is_trouble(monkeypatch):
    lab_that(monkeypatch, lambda names, number: (
        [b'{"type": "resu\n', *(result_line(name) for name in names)], FINE))
    run, outcome, _ = check(NAMES)
    run.run(1)
    assert outcome.status() == 1 and 'no JSON' in outcome.trouble[0]


# ---- what is written ----------------------------------------------------------------------

def test_report_and_table(tmp_path):
    outcome = results.Results([instance('io/a'), instance('paging/b'), instance('io/c')])
    outcome.line('{"type":"run","schema":1,"assay":"x","instances":1}')
    outcome.line(result_line('io/a').decode())
    outcome.line(result_line('paging/b', 'deviation', deviation={'gone': False}).decode())
    path = tmp_path / 'r.json'
    outcome.write(path, 9)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line['type'] for line in lines] == ['run', 'result', 'result', 'summary']
    assert lines[0]['instances'] == 3
    assert (lines[-1]['not_run'], lines[-1]['status'], lines[-1]['ns']) == (1, 2, 9)
    assert summary.table([('svm', outcome)]) == [
        'each cell: pass/fail/deviation/skip',
        'suite                   svm',
        'io      1/0/0/0 (1 not run)',
        'paging              0/0/1/0',
        'total   1/0/1/0 (1 not run)']


def test_what_stock_kvm_passes_and_our_module_does_not_is_named():
    names = [f'io/c{i}' for i in range(9)]
    stock, ours, plain = (results.Results([instance(name) for name in names]) for _ in range(3))
    for name in names:
        stock.line(result_line(name, 'deviation' if name == 'io/c8' else 'pass').decode())
        plain.line(result_line(name).decode())
        ours.line(result_line(name, 'skip' if name == 'io/c0' else 'deviation').decode())
    known = {name: targets.Target(name, 'text', lab=lab, hypervisor=whose, params=params)
             for name, lab, whose, params in (
                 ('svm', 'svm', 'kvm', ()), ('svm-npt0', 'svm', 'kvm', ('kvm_amd.npt=0',)),
                 ('vmx', 'vmx', 'kvm', ()), ('assay-svm', 'svm', 'assay', ()))}
    columns = [('svm', stock), ('svm-npt0', plain), ('vmx', plain), ('assay-svm', ours)]
    assert summary.worse(columns, known) == [
        'assay-svm: 7 not passed that svm passes: io/c1, io/c2, io/c3, io/c4, io/c5, ...']
    assert not summary.worse([('svm', stock), ('assay-svm', plain)], known)


# ---- as it is typed -----------------------------------------------------------------------

def ci_check(*arguments):
    return subprocess.run([ROOT / 'ci/check', *arguments], capture_output=True, text=True,
                          cwd=ROOT)


def test_list_names_targets():
    assert ci_check('--list').stdout.startswith('kvm ')


@pytest.mark.parametrize('arguments, message', [
    ([], 'name a target'),
    (['moon'], 'no target "moon"'),
    (['svm', '--jobs', '0'], '--jobs takes a number from 1'),
    (['svm', '--pattern', 'io/moon'], 'io/moon'),
])
def test_bad_usage(arguments, message, tmp_path):
    ran = ci_check('--output', tmp_path, *arguments)
    assert ran.returncode == 2 and message in ran.stderr
