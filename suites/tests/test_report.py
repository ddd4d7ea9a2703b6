# SPDX-License-Identifier: GPL-2.0-only
"""`assay report` as it is typed: what `assay run --format json` wrote, in every format, is
what the run itself would have written. Stored reports need no hypervisor; runs that are
compared with what is told of them are skipped, with the reason, where there is none."""

import itertools
import json
import os
import re
import subprocess
import sys

import pytest

from microguests import CANNOT, ROOT, assemble

sys.path.insert(0, os.path.join(ROOT, 'ci'))

from checks import results      # noqa: E402 (the path comes first)

OK, FAIL, ERROR = 0, 1, 2
STORED = os.path.join(ROOT, 'suites', 'unit', 'expected')
FORMATS = {'pretty': 'pretty.txt', 'tap': 'report.tap', 'ktap': 'report.ktap',
           'junit': 'junit.xml', 'json': 'report.jsonl'}
# What no two runs have in common.
TIMES = ((r'\d+\.\d+ (m?s)\b', r'T \1'), (r' (time|timestamp)="[^"]*"', r' \1="T"'),
         (r'"(started|ns)":("[^"]*"|\d+)', r'"\1":0'), (r' +T', ' T'))


@pytest.fixture
def assay(pytestconfig):
    """Runs the program; gives its status, output and errors."""

    def runner(*arguments, stdin='', stdout=subprocess.PIPE):
        done = subprocess.run([pytestconfig.getoption('assay'), *arguments], cwd=ROOT,
                              input=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stdout, done.stderr

    return runner


def stored(name):
    with open(os.path.join(STORED, name), encoding='utf-8') as file:
        return file.read()


def timeless(text):
    for pattern, instead in TIMES:
        text = re.sub(pattern, instead, text)
    return text


def must_be_same(one, other):
    """Lines are long: what is shown is where the first two differ."""
    for left, right in itertools.zip_longest(one.splitlines(), other.splitlines(), fillvalue=''):
        if left != right:
            at = max(len(os.path.commonprefix((left, right))) - 100, 0)
            shown = (f'{line[:80]}...{line[at:at + 200]}' for line in (left, right))
            pytest.fail('\nand\n'.join(shown))


# ---- stored reports ----------------------------------------------------------------------

@pytest.mark.parametrize('form', FORMATS)
def test_stored_report(assay, form):
    told = assay('report', '-f', form, os.path.join(STORED, 'report.jsonl'))
    assert told == (ERROR, stored(FORMATS[form]), '')


def test_verbose(assay):
    told = assay('report', '--verbose', '--format', 'pretty', os.path.join(STORED, 'report.jsonl'))
    assert told == (ERROR, stored('pretty-verbose.txt'), '')


@pytest.mark.parametrize('arguments', [(), ('-',)])
def test_standard_input(assay, arguments):
    told = assay('report', *arguments, stdin=stored('report.jsonl'))
    assert told == (ERROR, stored('pretty.txt'), '')


def test_interrupted(assay):
    told = assay('report', '-f', 'json', os.path.join(STORED, 'interrupted.jsonl'))
    assert told == (ERROR, stored('interrupted.jsonl'), '')


def test_again(assay):
    status, output, errors = assay('report', '--again', 'ci/lab svm -- assay run',
                                   os.path.join(STORED, 'report.jsonl'))
    assert (status, errors) == (ERROR, '')
    assert output == re.sub(r'build/assay (run \S+) --on /dev/kvm', r'ci/lab svm -- assay \1',
                            stored('pretty.txt'))


# ---- parts -------------------------------------------------------------------------------

@pytest.fixture
def parts(tmp_path):
    """A run that was cut off and the rest of it, as files; their paths."""
    lines = stored('report.jsonl').splitlines(True)
    skips = lines[0].replace('"instances":6,"suites":{"emulation":3,"io":3}',
                             '"instances":1,"suites":{"emulation":1}')
    summary = ('{"type":"summary","pass":0,"fail":0,"error":0,"skip":1,"deviation":0,'
               '"deviations_gone":0,"not_run":0,"interrupted":false,"ns":1,"suites":{},'
               '"status":0}\n')
    cut, rest = tmp_path / 'cut.json', tmp_path / 'rest.json'
    cut.write_text(''.join(lines[:4]) + lines[4][:300])
    rest.write_text(skips + lines[6] + summary)
    return str(cut), str(rest)


def test_cut_off(assay, parts):
    status, output, errors = assay('report', *parts)
    assert status == ERROR
    assert errors == f'assay: {parts[0]}:5: cut off: this line is incomplete\n'
    assert '4 instances in 0.01 s, 3 did not run\n' in output


def test_partial(assay, parts):
    status, output, errors = assay('report', '--partial', *parts)
    assert (status, errors) == (OK, '')
    assert output.startswith('assay @VERSION@: 4 instances on /dev/kvm: ')
    assert 'all as expected: 4 instances in 0.01 s\n' in output


def test_failure_is_the_status(assay):
    lines = stored('report.jsonl').splitlines(True)
    assert assay('report', '-p', stdin=lines[0] + lines[4])[0] == FAIL
    assert assay('report', '-p', stdin=lines[0] + lines[5])[0] == ERROR
    assert assay('report', '-p', stdin=lines[0] + lines[2])[0] == OK


def test_what_ci_check_writes(assay, tmp_path):
    """A lab that died before it said anything of itself: the driver's own lines."""
    status, listed, _ = assay('list', '--format', 'json', 'io/out')
    assert status == OK
    outcome = results.Results([json.loads(line) for line in listed.splitlines() if line[0] == '{'])
    name = next(iter(outcome.instances))
    outcome.died(name, 'the lab died: kernel panic')
    outcome.write(tmp_path / 'svm.json', 5)
    status, output, errors = assay('report', '--again', 'ci/check svm -p',
                                   str(tmp_path / 'svm.json'))
    assert (status, errors) == (ERROR, '')
    assert f'FAIL {name}\n' in output
    assert '\n    the lab died: kernel panic\n' in output
    assert f'\n    again\n        ci/check svm -p {name}\n' in output
    assert f'1 failed, {len(outcome.instances) - 1} did not run\n' in output


# ---- what is wrong -----------------------------------------------------------------------

@pytest.mark.parametrize('arguments, says', [
    (('--frobnicate',), r"assay: report: unrecognized option '--frobnicate'\nusage: "),
    (('--format', 'yaml'), r'assay: there is no format "yaml": it is one of .*json\n$'),
    (('/nonexistent',), r'assay: /nonexistent: No such file or directory\n$'),
    (('.',), r'assay: \.: Is a directory\n$'),
    (('/dev/null',), r'assay: there is no line of type "run": /dev/null:1: cut off: '),
    (('README.md',), r'assay: README.md:1: .*\n$'),
    (('build/assay',), r'assay: build/assay:1: .*\n$'),
    (('--again',), r"assay: report: option '--again' requires an argument\nusage: "),
])
def test_bad_usage(assay, arguments, says):
    status, output, errors = assay('report', *arguments)
    assert (status, output) == (ERROR, '')
    assert re.match(says, errors)


def test_help(assay):
    status, output, errors = assay('report', '--help')
    assert (status, errors) == (OK, '')
    assert output.startswith('usage: assay report')
    assert 'report' in assay('--help')[1]


def test_full_disk(assay):
    with open('/dev/full', 'w', encoding='utf-8') as full:
        status, _, errors = assay('report', os.path.join(STORED, 'report.jsonl'), stdout=full)
    assert status == ERROR
    assert errors == ('assay: cannot write the report: No space left on device; the run is '
                      'incomplete\n')


# ---- runs --------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def failing(tmp_path_factory):
    """Images of cases that fail."""
    directory = tmp_path_factory.mktemp('images')
    return [image for source in ('registers', 'exceptions', 'memory', 'segments')
            for image in assemble(f'suites/negative/{source}.asm', directory, False)]


def test_same_report_however_registers_travel(pytestconfig, assay, failing):
    arguments = ['run', '--on', pytestconfig.getoption('target'), '-j1', '-f', 'json', *failing]
    ways = [assay(*arguments, '--sync-regs', way) for way in ('yes', 'no')]
    if any(status == CANNOT for status, _, _ in ways):
        pytest.skip(' '.join(errors.strip() for _, _, errors in ways))
    texts = [timeless(lines) for _, lines, _ in ways]
    assert '"rip":"0x8' in texts[0]
    must_be_same(*texts)


@pytest.mark.parametrize('form', FORMATS)
@pytest.mark.parametrize('what', [('failing',), ('io/out', 'state/fpu'), ('-v', 'state/dirty_log')])
def test_run_and_report(pytestconfig, assay, failing, form, what):
    arguments = ['--on', pytestconfig.getoption('target'), '-j1']
    arguments += failing if what == ('failing',) else what
    status, lines, errors = assay('run', *arguments, '-f', 'json')
    if status == CANNOT:
        pytest.skip(errors.strip())
    run = assay('run', *arguments, '-f', form)
    told = assay('report', '-f', form, *(['-v'] if '-v' in what else []), stdin=lines)
    assert run[0] == told[0] == status
    assert (status == OK) == (what != ('failing',))
    assert len(told[1].splitlines()) > 20
    if 'slowest' in run[1]:     # ten of them, in an order that is another one each time
        run, told = ((r[0], r[1].partition('\nslowest\n')[0]) for r in (run, told))
    must_be_same(timeless(told[1]), timeless(run[1]))
