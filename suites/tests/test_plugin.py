# SPDX-License-Identifier: GPL-2.0-only
"""The pytest plugin, run as a person runs it, on a program that is no Assay but
answers like one."""

import json
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUTCOMES = {
    'io/out/good@long64': 'pass',
    'io/out/bad@real16': 'fail',
    'paging/pf/absent@long64+mmio': 'skip',
    'paging/pf/known@long64': 'deviation',
    'io/out/broken@long64+kernel': 'error',
    'io/out/cured@long64': 'pass',
}
DETAILS = {
    'io/out/bad@real16': {
        'step': 2, 'step_text': 'expect io_out, port=0x10', 'source': 'io/out.asm', 'line': 9,
        'differences': [{'what': 'rax', 'expected': '0x41', 'observed': '0x42'}],
        'disassembly': ['  -> 08002  f4  hlt'], 'exits': [{'number': 1, 'text': 'hlt seen'}],
        'again': 'assay run io/out/bad@real16',
    },
    'paging/pf/known@long64': {'deviation': {'reason': 'old bug', 'ref': 'list/1', 'gone': False}},
    'io/out/cured@long64': {'deviation': {'reason': 'older bug', 'ref': 'list/2', 'gone': True}},
}
PROGRAM = '''#!{python}
import json, sys
outcomes = {outcomes!r}
details = {details!r}
log = {log!r}
if sys.argv[1] == 'list':
    for name in outcomes:
        print(name)
    print('# io 4')
    sys.exit()
with open(log, 'a') as file:
    file.write(json.dumps(sys.argv[1:]) + '\\n')
if '/dev/absent' in sys.argv:
    print('assay: /dev/absent: there is no such device', file=sys.stderr)
    sys.exit(125)
if '/dev/deadly' in sys.argv:
    print('assay: no more', file=sys.stderr)
    sys.exit(2)
print(json.dumps({{'type': 'run'}}))
with open(sys.argv[sys.argv.index('--names') + 1]) as names:
    for name in names.read().split():
        result = {{'type': 'result', 'name': name, 'why': 'why of ' + name,
                   'outcome': outcomes[name.replace('+restore', '')]}}
        result.update(details.get(name, {{}}))
        print(json.dumps(result))
'''


@pytest.fixture
def run(tmp_path):
    """Runs pytest on the cases with further arguments; gives its output and status, and
    the command lines the program was run with."""
    log = tmp_path / 'log'
    program = tmp_path / 'assay'
    program.write_text(PROGRAM.format(python=sys.executable, outcomes=OUTCOMES, details=DETAILS,
                                      log=str(log)))
    program.chmod(0o755)

    def runner(*arguments, assay=program):
        done = subprocess.run([sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '-rA',
                               'suites/test_cases.py', '--assay', str(assay), *arguments],
                              cwd=ROOT, capture_output=True, text=True)
        lines = log.read_text().splitlines() if log.exists() else []
        return done.stdout + done.stderr, done.returncode, [json.loads(line) for line in lines]

    return runner


def item(name):
    return f'suites/test_cases.py::test_case[{name}]'


def test_every_outcome(run):
    output, status, runs = run('--target', '/dev/there')
    assert status == 1
    assert f'PASSED {item("io/out/good@long64")}' in output
    assert f'FAILED {item("io/out/bad@real16")}' in output
    assert f'FAILED {item("io/out/broken@long64+kernel")}' in output
    assert f'XFAIL {item("paging/pf/known@long64")} - reason: old bug (list/1)' in output
    assert 'why of paging/pf/absent@long64+mmio' in output
    assert 'io/out/cured@long64 passes, but is recorded as a deviation (older bug)' in output
    assert '2 failed, 2 passed, 1 skipped, 1 xfailed' in output


def test_one_run_for_all_items(run):
    _, _, runs = run('--target', '/dev/there', '--artifacts', 'kept', '--jobs', '2')
    assert len(runs) == 1
    assert runs[0][:5] == ['run', '--on', '/dev/there', '--format', 'json']
    assert runs[0][5:9] == ['--artifacts', 'kept', '-j', '2']


def test_failure_text(run):
    output, _, _ = run('-k', 'bad')
    for part in ('why of io/out/bad@real16', 'step 2, io/out.asm:9: expect io_out, port=0x10',
                 '-> 08002  f4  hlt', 'hlt seen', 'again: assay run io/out/bad@real16'):
        assert part in output
    assert ['rax', '0x41', '0x42'] in [line.split() for line in output.splitlines()]


@pytest.mark.parametrize('options, names', [
    ((), list(OUTCOMES)),
    (('-k', 'paging'), ['paging/pf/absent@long64+mmio', 'paging/pf/known@long64']),
    (('--mode', 'real16'), ['io/out/bad@real16']),
    (('--irqchip', 'kernel'), ['io/out/broken@long64+kernel']),
    (('--variant', 'mmio'), ['paging/pf/absent@long64+mmio']),
    (('--variant', 'native', '--mode', 'long64', '-k', 'good', '--variant', 'restore'),
     ['io/out/good@long64+restore']),
])
def test_selection(run, options, names):
    output, _, runs = run('--collect-only', '-q', *options)
    assert [line for line in output.splitlines() if '::' in line] == [item(n) for n in names]
    assert runs == []


def test_no_target_skips_all(run):
    output, status, runs = run('--target', '/dev/absent')
    assert status == 0
    assert f'{len(OUTCOMES)} skipped' in output
    assert 'assay: /dev/absent: there is no such device' in output
    assert len(runs) == 1


def test_program_that_dies_fails_all(run):
    output, status, _ = run('--target', '/dev/deadly')
    assert status == 1
    assert f'{len(OUTCOMES)} failed' in output
    assert 'assay: no more' in output


def test_no_program(run):
    output, status, _ = run(assay='/nonexistent/assay')
    assert status != 0
    assert '/nonexistent/assay: No such file or directory: type make' in output
