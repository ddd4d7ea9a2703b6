# SPDX-License-Identifier: GPL-2.0-only
"""Proves that the harness can fail: cases that are wrong in exactly one way, each of
which must be reported as exactly that.

Every source in suites/negative is assembled twice. With GOOD defined all its cases
must pass. Without it each must be reported as the lines before it say, which begin
with ";!" (suites/negative/goodbad.inc has the macros):

    ;! fail step=1 why="REGULAR EXPRESSION" [more=N] [in=MODE,MODE] [unless=VARIANT]
    ;! WHAT EXPECTED OBSERVED [any] [optional] [times=N by=BYTES]

The first line says the outcome, the number of the step (from 1; 0 is before the
first; where targets may differ, a list), what the reason contains, and how many
differences beyond those shown; in the variant it does not hold for, the case passes.
The others are the differences, no more and no fewer. EXPECTED and OBSERVED are patterns
like those of file names, and so is WHAT with `any`, which then stands for one or
more; an `optional` one may be absent; `times` repeats one at addresses that are
`by` bytes apart. ";! pass" is said of a case that is there for the next one's sake.
A source in suites/negative/refused must be refused by the loader, for the reason its
line ";! refused why=..." gives.
"""

import collections
import fnmatch
import json
import os
import re
import shlex
import subprocess

import pytest

from microguests import CANNOT, ROOT, assemble

NEGATIVE = os.path.join(ROOT, 'suites', 'negative')
VARIANTS = {'as it is': (), 'fresh': ('--variant', 'fresh'), 'restore': ('--variant', 'restore')}

Difference = collections.namedtuple('Difference', 'what expected observed any optional')


def sources(folder):
    return sorted(name[:-len('.asm')] for name in os.listdir(folder) if name.endswith('.asm'))


def options_of(words):
    """The KEY=VALUE words as a dictionary, and the other words."""
    pairs = dict(word.split('=', 1) for word in words if re.match(r'[a-z]+=', word))
    return pairs, [word for word in words if not re.match(r'[a-z]+=', word)]


class Report:
    """What must be reported of a case: one block of ";!" lines."""

    def __init__(self, words):
        pairs, (self.outcome,) = options_of(words)
        self.steps = [int(step) for step in pairs.pop('step', '').split(',') if step]
        self.why = pairs.pop('why', '')
        self.unless = pairs.pop('unless', None)
        self.more = int(pairs.pop('more', 0))
        self.modes = pairs.pop('in', '').split(',')
        assert not pairs, f'these mean nothing: {pairs}'
        assert (self.outcome == 'pass') == (not self.steps) == (not self.why), words
        self.differences = []

    def add(self, words):
        pairs, (what, expected, observed, *flags) = options_of(words)
        assert set(flags) <= {'any', 'optional'} and set(pairs) <= {'times', 'by'}, words
        name, _, address = what.rpartition(' ')
        for i in range(int(pairs.get('times', 1))):
            if 'by' in pairs:
                what = f'{name} {int(address, 16) + i * int(pairs["by"]):#x}'
            self.differences.append(Difference(what, expected, observed, 'any' in flags,
                                               'optional' in flags))

    def check(self, result, variant):
        assert result['outcome'] == ('pass' if variant == self.unless else self.outcome), \
            describe(result)
        if result['outcome'] == 'pass':
            return
        assert result['step'] in self.steps, describe(result)
        assert re.search(self.why, result['why']), describe(result)
        assert result['more_differences'] == self.more, describe(result)
        left = list(result['differences'])
        for wanted in self.differences:
            fits = [d for d in left if matches(wanted, d)]
            assert fits or wanted.optional, f'not told: {wanted}\n{describe(result)}'
            assert len(fits) < 2 or wanted.any, f'told twice: {wanted}\n{describe(result)}'
            left = [d for d in left if d not in fits]
        assert not left, f'told beyond what is wrong: {left}\n{describe(result)}'


def matches(wanted, difference):
    same = fnmatch.fnmatchcase if wanted.any else str.__eq__
    return (same(difference['what'], wanted.what) and
            fnmatch.fnmatchcase(difference['expected'], wanted.expected) and
            fnmatch.fnmatchcase(difference['observed'], wanted.observed))


def describe(result):
    lines = [f'{result["name"]}: {result["outcome"]}, step {result.get("step")}: {result["why"]}']
    lines += [f'    {d["what"]}: {d["expected"]} / {d["observed"]}'
              for d in result.get('differences', ())]
    return '\n'.join(lines)


def read_reports(name):
    """The blocks of a source by its cases' names."""
    cases, block = {}, []
    with open(os.path.join(NEGATIVE, name + '.asm')) as source:
        for number, line in enumerate(source, 1):
            declared = re.match(r'case\s+(\w+),', line)
            if line.startswith(';!'):
                words = shlex.split(line[2:])
                if words[0] in ('pass', 'fail', 'error'):
                    block.append(Report(words))
                else:
                    block[-1].add(words)
            elif declared:
                assert block, f'{name}.asm:{number}: no line ";! ..." says what must be reported'
                cases[declared[1]] = block
                block = []
    return cases


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """By assembly (True: GOOD) all images."""
    made = {}
    for good in (True, False):
        directory = tmp_path_factory.mktemp('good' if good else 'bad')
        made[good] = [path for name in sources(NEGATIVE) for path in
                      assemble(os.path.join('suites', 'negative', name + '.asm'), directory, good)]
    return made


@pytest.fixture(scope='module')
def run(images, pytestconfig):
    """Runs an assembly in a variant, once; results by (source, case)."""
    done = {}

    def runner(good, variant):
        if (good, variant) not in done:
            options = VARIANTS[variant]
            runaway = [] if good else [path for path in images[good] if '/time@' in path]
            rest = [path for path in images[good] if path not in runaway]
            results, stop = run_images(pytestconfig, rest, options)
            if runaway and not stop:
                more, stop = run_images(pytestconfig, runaway, ('--timeout', '100', *options))
                results.update(more or {})
            done[good, variant] = results, stop
        results, stop = done[good, variant]
        if stop:
            stop()
        return results

    return runner


def run_images(config, paths, options):
    """The results, or what to do with every test because there are none."""
    # One worker, so that a case comes after the one before it in its source.
    command = [config.getoption('assay'), 'run', '--on', config.getoption('target'), '-j', '1',
               '--format', 'json', '--deviations', 'none', *options, *paths]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode == CANNOT:
        return None, lambda: pytest.skip(ended.stderr.strip())
    results = collections.defaultdict(list)
    for line in ended.stdout.splitlines():
        record = json.loads(line)
        if record['type'] == 'result':
            results[tuple(record['case'].split('/'))].append(record)
    if not results:
        return None, lambda: pytest.fail(ended.stderr.strip(), pytrace=False)
    return results, None


CASES = [pytest.param(name, case, reports, id=f'{name}/{case}')
         for name in sources(NEGATIVE) for case, reports in read_reports(name).items()]


def instances(results, name, case):
    """The results of a case that could be run and wholly judged; skips the test if there
    is none."""
    ran = [r for r in results[name, case] if r['outcome'] != 'skip' and not r['unchecked']]
    if results[name, case] and not ran:
        pytest.skip(results[name, case][0]['why'] or results[name, case][0]['unchecked'])
    assert ran, f'{name}/{case} was not run'
    return ran


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('name, case, reports', CASES)
def test_fault_is_reported(run, name, case, reports, variant):
    for result in instances(run(False, variant), name, case):
        report = next(r for r in reports if r.modes == [''] or result['mode'] in r.modes)
        report.check(result, variant)


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('name, case', [c.values[:2] for c in CASES], ids=[c.id for c in CASES])
def test_passes_without_the_fault(run, name, case, variant):
    for result in instances(run(True, variant), name, case):
        assert result['outcome'] == 'pass', describe(result)


def read_refusal(name):
    with open(os.path.join(NEGATIVE, 'refused', name + '.asm')) as source:
        blocks = [shlex.split(line[2:]) for line in source if line.startswith(';!')]
    (pairs, words), = map(options_of, blocks)
    assert words == ['refused'] and list(pairs) == ['why']
    return pairs['why']


@pytest.mark.parametrize('name', sources(os.path.join(NEGATIVE, 'refused')))
def test_loader_refuses(pytestconfig, tmp_path, name):
    for good in (True, False):
        image, = assemble(os.path.join('suites', 'negative', 'refused', name + '.asm'),
                          tmp_path, good)
        done = subprocess.run([pytestconfig.getoption('assay'), 'list', image],
                              capture_output=True, text=True)
        if good:
            assert (done.returncode, done.stderr) == (0, '')
        else:
            assert done.returncode == 2
            assert re.match(rf'assay: {re.escape(image)}: .*{read_refusal(name)}', done.stderr)
