# SPDX-License-Identifier: GPL-2.0-only
"""The coverage report: what a run reached is shown, what no case reaches is a hole, counters add
up, damage is named, floors are judged; and its data files are sound."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPORT, DIFF = ROOT / 'coverage/report', ROOT / 'coverage/diff'
sys.path.insert(0, str(ROOT / 'coverage'))

from cover import data, floors, page, reach, records, requirements      # noqa: E402

SVM, VMX = 2, 1
RUN = {'type': 'run', 'schema': 1, 'assay': 'v1',
       'host': {'hypervisor': 'kvm_amd', 'kernel': '6.1', 'machine': 'TCG'}}
CPUID, HLT = 0x72, 0x78


def result(name, hw=(), exits=((2, 1),), refs=('SDM 3 4.7',)):
    """An instance's record."""
    case, _, mode = name.partition('@')
    return {'type': 'result', 'name': name, 'case': case, 'suite': case.partition('/')[0],
            'mode': mode, 'refs': list(refs), 'outcome': 'pass', 'path': 'native', 'text': 'x',
            'coverage': {'hw': [list(row) for row in hw], 'exits': [list(row) for row in exits],
                         'missed': 0}}


def summary(*ioctls):
    """The line that ends a run."""
    return {'type': 'summary', 'ioctls': [list(row) for row in ioctls]}


def write(path, *entries):
    """A counter file."""
    path.write_text(''.join(json.dumps(entry) + '\n' for entry in entries))
    return path


def report(tmp_path, *files, arguments=()):
    """Runs coverage/report; (process, coverage.json or None)."""
    made = subprocess.run([REPORT, *files, '--output', tmp_path / 'out', *arguments],
                          capture_output=True, text=True)
    path = tmp_path / 'out/coverage.json'
    return made, json.loads(path.read_text()) if path.exists() else None


def state(made, section, name):
    """The state of a row by its name."""
    return next(row['state'] for row in made[section]['rows'] if row['name'] == name)


IO = result('io/out/imm8@long64', hw=[(SVM, 0x7b, 0, 3)])
LEAF = result('emulation/a/cpuid@long64', hw=[(SVM, CPUID, 0, 1), (SVM, 0x7b, 0, 1)])
WAIT = result('emulation/a/hlt@prot32', hw=[(SVM, HLT, 0, 2)], exits=[(5, 1)])
KVM_RUN = 0xae80


# ---- holes and sums ------------------------------------------------------------------------

def test_a_case_removed_is_a_hole(tmp_path):
    whole = write(tmp_path / 'svm.json', RUN, IO, LEAF, WAIT, summary((KVM_RUN, 0, 9)))
    _, made = report(tmp_path, whole)
    assert state(made, 'exits-svm', 'cpuid') == 'seen'
    assert not any('cpuid' in work for work in made['work']['exits-svm'])
    without = write(tmp_path / 'svm.json', RUN, IO, WAIT, summary((KVM_RUN, 0, 9)))
    ran, made = report(tmp_path, without, arguments=['--work'])
    assert state(made, 'exits-svm', 'cpuid') == 'hole'
    assert '0x72 cpuid: CPUID APM 2 15.9' in made['work']['exits-svm']
    assert '  0x72 cpuid: CPUID\n' in ran.stdout
    work = (tmp_path / 'out/index.html').read_text().partition('What no case reaches')[2]
    assert '0x72 cpuid' in work and '0x7b ioio' not in work


def test_two_runs_merge_to_the_same_as_one_of_both(tmp_path):
    (tmp_path / 'parts').mkdir()
    calls = [(KVM_RUN, 0, 9), (KVM_RUN, 4, 2)], [(KVM_RUN, 0, 1)]
    one = write(tmp_path / 'svm.json', RUN, IO, LEAF, WAIT,
                summary((KVM_RUN, 0, 10), (KVM_RUN, 4, 2)))
    first = write(tmp_path / 'parts/svm.json', RUN, LEAF, summary(*calls[0]))
    (tmp_path / 'more').mkdir()
    second = write(tmp_path / 'more/svm.json', RUN, WAIT, IO, summary(*calls[1]))
    _, whole = report(tmp_path, one)
    for files in ((first, second), (second, first)):
        _, merged = report(tmp_path, *files)
        assert merged == whole
    assert whole['ioctls']['rows'] and whole['sources'][0]['counted'] == 3


def test_modes_and_targets_are_told_apart(tmp_path):
    ours = {**RUN, 'host': {**RUN['host'], 'hypervisor': 'assay'}}
    _, made = report(tmp_path, write(tmp_path / 'svm.json', RUN, IO, summary()),
                     write(tmp_path / 'assay-svm.json', ours, IO, WAIT, summary()))
    rows = {row['name']: row for row in made['exits-svm']['rows']}
    assert rows['ioio']['seen'] == {'long64': {'assay-svm': 3, 'svm': 3}}
    assert rows['hlt']['seen'] == {'prot32': {'assay-svm': 2}}
    assert rows['hlt']['example'] == 'emulation/a/hlt@prot32'
    text = (tmp_path / 'out/index.html').read_text()
    assert '"c both" title="ioio, long64: assay-svm 3, svm 3"' in text
    assert '"c ours" title="hlt, prot32: assay-svm 2"' in text


def test_a_reason_in_no_list_is_shown(tmp_path):
    odd = result('io/odd@long64', hw=[(SVM, 0x123, 0, 1)])
    _, made = report(tmp_path, write(tmp_path / 'svm.json', RUN, odd, summary()))
    assert made['exits-svm']['unknown'] == [{'number': 0x123, 'example': 'io/odd@long64'}]
    assert 'reason 0x123, in io/odd@long64' in (tmp_path / 'out/index.html').read_text()


def test_details_are_rows_of_their_own(tmp_path):
    fault = result('io/pf@long64', hw=[(VMX, 0, 14, 2)])
    _, made = report(tmp_path, write(tmp_path / 'vmx.json', RUN, fault, summary()))
    rows = {(row['detail'], row['text']): row['state'] for row in made['exits-vmx']['rows']
            if row['number'] == '0'}
    assert rows[14, '#PF'] == 'seen' and rows[6, '#UD'] == 'hole'
    assert rows[None, 'exception, or NMI of the machine'] == 'seen'


def test_ioctls_by_their_end(tmp_path):
    _, made = report(tmp_path, write(tmp_path / 'svm.json', RUN, IO, summary(
        (KVM_RUN, 0, 5), (KVM_RUN, 4, 1))))
    run = next(row for row in made['ioctls']['rows'] if row['name'] == 'KVM_RUN')
    assert run['seen'] == {'ok': {'svm': 5}, 'EINTR': {'svm': 1}}
    assert state(made, 'ioctls', 'KVM_CREATE_VM') == 'hole'
    assert state(made, 'ioctls', 'KVM_SMI') == 'cannot'


# ---- damage --------------------------------------------------------------------------------------

def test_a_corrupt_file_is_named_and_its_rest_is_used(tmp_path):
    good = write(tmp_path / 'vmx.json', RUN, result('io/a@long64', hw=[(VMX, 10, 0, 1)]), summary())
    broken = tmp_path / 'svm.json'
    broken.write_bytes(json.dumps(RUN).encode() + b'\n{"type":"result","na\xff\x00\n' +
                       json.dumps(LEAF).encode() + b'\n' +
                       json.dumps({**IO, 'coverage': {'hw': [[2, 'x']], 'exits': []}}).encode())
    ran, made = report(tmp_path, broken, good)
    assert ran.returncode == 0
    for number in (2, 4):
        assert f'warning: {broken}:{number}: no record' in ran.stderr
    assert f'{broken}: cut off' in ran.stderr and str(good) not in ran.stderr
    assert state(made, 'exits-svm', 'cpuid') == 'seen'
    assert state(made, 'exits-vmx', 'cpuid') == 'seen'
    assert made['exits-svm']['unknown'] == []
    assert f'{broken}:2' in ' '.join(made['warnings'])
    assert f'{broken}:2' in (tmp_path / 'out/index.html').read_text()


def test_files_that_hold_nothing(tmp_path):
    empty, missing = tmp_path / 'svm.json', tmp_path / 'vmx.json'
    empty.write_text('')
    ran, made = report(tmp_path, empty, missing)
    assert ran.returncode == 2 and made is None
    assert f'{missing}: No such file' in ran.stderr and 'nothing was counted' in ran.stderr
    plain = {key: value for key, value in IO.items() if key != 'coverage'}
    ran, _ = report(tmp_path, write(tmp_path / 'kvm.json', RUN, plain, summary()))
    assert ran.returncode == 2 and 'ran without --coverage' in ran.stderr


def test_lines_of_a_file_are_its_objects(tmp_path):
    file, warnings = tmp_path / 'x.json', []
    file.write_bytes(b'{"a": 1}\n\n[1]\n"text"\n{"b":\n\xff\n{"c": 2}')
    assert list(records.lines(file, warnings)) == [(1, {'a': 1}), (7, {'c': 2})]
    assert [warning.partition(': no record')[0] for warning in warnings] == [
        f'{file}:{number}' for number in (3, 4, 5, 6)]
    assert records.lines(tmp_path / 'none.json', warnings) is None
    assert warnings[-1] == f'{tmp_path / "none.json"}: No such file or directory: left out'


# ---- floors --------------------------------------------------------------------------------------

def every_svm_target(tmp_path):
    """A counter file of each target that the floor of SVM is about."""
    return [write(tmp_path / f'{name}.json', RUN, IO, summary())
            for name in data.load('runs.json') if 'svm' in name]


def test_a_floor_undershot_fails(tmp_path):
    ran, made = report(tmp_path, *every_svm_target(tmp_path), arguments=['--floors'])
    assert ran.returncode == 1
    assert re.search(r'floor undershot: exits-svm: 1 of \d+ are reached.*100 % must be', ran.stderr)
    assert made['undershot'] and 'class="card bad"' in (tmp_path / 'out/index.html').read_text()
    ran, _ = report(tmp_path, *every_svm_target(tmp_path))
    assert ran.returncode == 0      # nobody asked


def test_what_did_not_run_undershoots_nothing(tmp_path):
    ran, _ = report(tmp_path, *every_svm_target(tmp_path)[1:], arguments=['--floors'])
    assert ran.returncode == 0
    assert 'exits-svm: the floor is not judged, these did not run: svm' in ran.stderr


def test_floors_are_judged_to_the_last_one():
    counted = [name for name in data.load('runs.json')]
    least = {'exits-svm': 99, 'lines.core': 90}
    assert floors.judge(least, {'exits-svm': (99, 100)}, counted) == ([], [])
    assert 'that is 98.0 %' in floors.judge(least, {'exits-svm': (98, 100)}, counted)[0][0]
    assert 'nothing was counted' in floors.judge(least, {}, counted)[0][0]
    assert page.percent(999, 1000) == '99 %' and page.percent(5, 5) == '100 %'


# ---- requirements, differences ------------------------------------------------------------------

@pytest.mark.parametrize('ref, expected', [
    ('SDM 3 6.15 #DF', ('SDM 3', '6.15')), ('SDM 3 7.3 table 7-1', ('SDM 3', '7.3')),
    ('SDM 2 OUT', ('SDM 2', 'OUT')), ('SDM 3 table 6-5', ('SDM 3', 'table 6-5')),
    ('APM 2 13.1.1.2', ('APM 2', '13.1.1.2')), ('kvm api KVM_RUN', ('KVM API', '4.10')),
    ('Linux Documentation/virt/kvm/api.rst KVM_GET_DIRTY_LOG', ('KVM API', '4.8')),
    ('KVM API 5', ('KVM API', '5')), ('82093AA 3.2.4', ('others', '82093AA 3.2.4')),
])
def test_citations_are_taken_apart(ref, expected):
    by_name = {'KVM_RUN': '4.10', 'KVM_GET_DIRTY_LOG': '4.8'}
    assert requirements.split(ref, by_name) == expected


def test_a_section_is_cited_by_its_parts_alone(tmp_path):
    part = result('paging/a@long64', refs=['SDM 3 6.4.2', 'SDM 3 4.70'])
    _, made = report(tmp_path, write(tmp_path / 'svm.json', RUN, part, summary()))
    cited = {(row['manual'], row['section']): row['cases']
             for row in made['requirements']['wanted']}
    assert cited['SDM 3', '6.4'] == 1 and cited['SDM 3', '4.7'] == 0
    assert made['requirements']['cases'] == {'paging/a': ['SDM 3 4.70', 'SDM 3 6.4.2']}
    assert made['requirements']['sections']['SDM 3 6.4.2'] == ['paging/a']
    assert 'SDM 3 4.7 Page-fault exceptions' in made['work']['requirements']


def test_what_no_case_can_check_says_why_and_is_no_hole(monkeypatch):
    monkeypatch.setattr(data, 'load', lambda name: {
        'why': {'x': 'nobody sees it'}, 'SDM 3': {'edition': 'the third', 'sections': [
            ['4.7', 'Faults'], ['11.3', 'Caches', 'x'], ['26.2', 'Controls', 'x']]}}
                        if name == 'sections.json' else {'exits': [], 'ioctls': []})
    made = requirements.Section({'a@long64': {'case': 'a', 'refs': ['SDM 3 11.3']}})
    assert [row['state'] for row in made.as_json()['wanted']] == ['hole', 'seen', 'cannot']
    assert made.sums() == {'requirements': (1, 2)}
    assert made.holes() == [('SDM 3 4.7 Faults', '')]
    shown = made.html(set())
    assert '<span class="cannot" title="26.2 Controls: nobody sees it">' in shown
    assert 'the third' in shown and '<td>nobody sees it</td>' in shown
    assert '.tiles span.cannot' in page.CSS


def test_a_reason_that_there_is_not_is_refused(monkeypatch):
    monkeypatch.setattr(data, 'load', lambda name: {
        'why': {'x': 'y'}, 'SDM 3': {'edition': 'z', 'sections': [['4.7', 'Faults', 'u']]}})
    with pytest.raises(data.DataError, match='SDM 3 4.7: "why" must be one of x'):
        data.sections()


def test_a_diff_shows_what_came_and_went(tmp_path):
    old, new = tmp_path / 'old', tmp_path / 'new'
    for name, entries in ((old, (IO, LEAF)), (new, (IO, WAIT))):
        name.mkdir()
        report(name, write(name / 'svm.json', RUN, *entries, summary()))
    files = [name / 'out/coverage.json' for name in (old, new)]
    made = subprocess.run([DIFF, *files], capture_output=True, text=True)
    assert made.returncode == 1
    assert '- exits-svm 0x72 cpuid CPUID: long64\n' in made.stdout
    assert '+ exits-svm 0x78 hlt HLT: prot32\n' in made.stdout
    assert 'ioio' not in made.stdout
    same = subprocess.run([DIFF, files[0], files[0]], capture_output=True, text=True)
    assert same.returncode == 0 and 'the same' in same.stdout
    bad = subprocess.run([DIFF, files[0], __file__], capture_output=True, text=True)
    assert bad.returncode == 2 and __file__ in bad.stderr


def test_a_diff_shows_lines_and_citations(tmp_path):
    counted = write(tmp_path / 'svm.json', RUN, IO, summary((KVM_RUN, 0, 1)))
    more = write(tmp_path / 'vmx.json', RUN, {**LEAF, 'refs': ['APM 2 8.2.2']},
                 summary((KVM_RUN, 4, 1)))
    (tmp_path / 'out').mkdir()
    for lines, files, keep in ((8, [counted], 'old'), (9, [counted, more], 'new')):
        write(tmp_path / 'out/lines.json', {
            'sources': [{'name': 'unit'}], 'files': {'runner/text.c': {
                'lines': [lines, 10], 'branches': [3, 6], 'by': {'unit': [lines, 10]}}}})
        report(tmp_path, *files)
        (tmp_path / 'out/coverage.json').rename(tmp_path / keep)
    made = subprocess.run([DIFF, tmp_path / 'old', tmp_path / 'new'], capture_output=True,
                          text=True)
    assert made.stdout.splitlines() == [
        '+ exits-svm 0x72 cpuid CPUID: long64', '+ ioctls 0xae80 KVM_RUN vCPU: EINTR',
        '- lines runner/text.c: 8 of 10', '+ lines runner/text.c: 9 of 10',
        '+ requirements APM 2 8.2.2: 1 cases']


# ---- lines ---------------------------------------------------------------------------------------

def test_lines_are_shown_or_said_not_to_be_measured(tmp_path):
    counted = write(tmp_path / 'svm.json', RUN, IO, summary())
    report(tmp_path, counted)
    assert 'not run: make coverage measures them' in (tmp_path / 'out/index.html').read_text()
    measured = {'sources': [{'name': 'unit', 'text': 'unit tests', 'info': 'lines/unit.info'}],
                'files': {'runner/text.c': {'lines': [9, 10], 'branches': [3, 6],
                                            'by': {'unit': [9, 10]}}}}
    write(tmp_path / 'out/lines.json', measured)
    _, made = report(tmp_path, counted)
    assert made['sums']['lines.runner'] == [9, 10]
    assert 'runner/text.c</td><td>90 %</td><td>50 %</td>' in \
        (tmp_path / 'out/index.html').read_text()
    (tmp_path / 'out/lines.json').write_text('{"sources": [')
    ran, made = report(tmp_path, counted)
    assert 'lines.json: cannot be read' in ran.stderr and 'lines.runner' not in made['sums']


@pytest.mark.parametrize('sources, low', [(['module-svm'], False), (['fuzz', 'unit'], True)])
def test_lines_are_low_where_all_was_counted(sources, low, tmp_path):
    (tmp_path / 'out').mkdir()
    write(tmp_path / 'out/lines.json', {
        'sources': [{'name': name} for name in sources], 'files': {'kmod/core/walk.c': {
            'lines': [1, 10], 'branches': [0, 0], 'by': {}}}})
    report(tmp_path, write(tmp_path / 'svm.json', RUN, IO, summary()))
    shown = (tmp_path / 'out/index.html').read_text()
    assert ('class="card bad" href="#lines"' in shown) == low
    # Not all that the floor of exits is about has run.
    assert 'class="card bad" href="#exits-svm"' not in shown


def test_cases_cite_one_edition(pytestconfig):
    """A number of a chapter in which nothing matters to a hypervisor is of another edition."""
    listed = subprocess.run([pytestconfig.getoption('assay'), 'list', '--format', 'json'],
                            cwd=ROOT, capture_output=True, text=True)
    chapters = {(each.manual, each.section.partition('.')[0]) for each in data.sections()[1]}
    odd = set()
    for entry in map(json.loads, listed.stdout.splitlines()):
        for ref in entry.get('refs', ()):
            manual, section = requirements.split(ref, {})
            chapter = section.partition('.')[0]
            if manual in ('SDM 3', 'APM 2') and chapter.isdigit():
                odd |= {f'{entry["case"]}: {ref}'} if (manual, chapter) not in chapters else set()
    assert listed.stdout.count('\n') > 10000 and odd == set()


# ---- the data, the page --------------------------------------------------------------------------

def c_names():
    """Names of reasons as the runner has them: {(isa, number): name}."""
    text = (ROOT / 'runner/hwexit_names.c').read_text()
    names = {(VMX, int(n)): name for n, name in re.findall(r'\[(\d+)\] = "(\w+)"', text)}
    symbols = dict(re.findall(r'#define (SVM_\w+) (0x\w+)', text))
    table = text.partition('svm_names[] = {')[2].partition('};')[0]
    for first, last, name, after in re.findall(
            r'\{ ([\w~ -]+), ([\w~ -]+), "(\w+)", (NULL|"\w*") \}', table):
        first, last = (int(symbols.get(x, x), 0) if '~' not in x else
                       0xffffffff - int(x.partition('-')[2] or 0) for x in (first, last))
        for code in range(first, last + 1):
            names[SVM, code] = name if after == 'NULL' else f'{name}{code - first}{after[1:-1]}'
    return names


def test_exit_reasons_are_those_of_the_runner():
    listed = {}
    for _, file in reach.FILES:
        for item in data.reasons(file)[2]:
            listed[item.key[:2]] = item.name
    assert listed == c_names()


def test_ioctls_have_the_numbers_of_the_header(tmp_path):
    exits, calls = data.abi()
    source = '#include <stdio.h>\n#include <linux/kvm.h>\nint main(void)\n{\n' + ''.join(
        f'#ifdef {each.name}\n\tprintf("{each.name} %lu\\n", (unsigned long){each.name});\n#endif\n'
        for each in exits + calls) + '\treturn 0;\n}\n'
    (tmp_path / 'numbers.c').write_text(source)
    subprocess.run([os.environ.get('CC', 'gcc'), '-w', '-o', tmp_path / 'numbers',
                    tmp_path / 'numbers.c'], check=True)
    there = dict(line.split() for line in subprocess.check_output(
        [tmp_path / 'numbers'], text=True).splitlines())
    ours = {each.name: str(each.key[0]) for each in exits + calls}
    assert len(there) > 100
    assert {name: ours[name] for name in there} == there


def test_every_file_of_data_is_sound():
    for _, file in reach.FILES:
        for item in data.reasons(file)[2]:
            assert re.match(r'(SDM|APM) [1-5] [0-9C]', item.ref), item
            assert not item.nested or item.why
    editions, sections = data.sections()
    assert set(editions) == {'SDM 3', 'APM 2'} and all(editions.values())
    for manual in editions:
        numbers = [each.section for each in sections if each.manual == manual]
        assert len(set(numbers)) == len(numbers) > 100
        assert numbers == sorted(numbers, key=requirements.order)
    assert len(floors.load()) > 10


@pytest.mark.parametrize('floor, said', [
    ({'exits-svm': 101}, 'must be a share in per cent, not 101'),
    ({'exits-svm': '99'}, "must be a number, not '99'"), ({'instructions.fep': -1}, 'not -1')])
def test_floors_that_cannot_be_are_refused(floor, said, monkeypatch):
    monkeypatch.setattr(data, 'load', lambda name: floor)
    with pytest.raises(data.DataError, match=said):
        floors.load()


def test_the_page_needs_nothing_else(tmp_path):
    name = 'io/<script>alert(1)</script>&@long64'
    report(tmp_path, write(tmp_path / 'svm.json', RUN, result(name, refs=['<b>']), summary()))
    text = (tmp_path / 'out/index.html').read_text()
    assert '<script' not in text and '<b>]' not in text
    assert not re.search(r'(src|href)="(?!#)', text) and '@import' not in text
    assert text.index('<svg') < text.index('<table class="plain"') or 'Runs that were' in text
    for section in ('exits-svm', 'exits-vmx', 'kvm-exits', 'ioctls', 'requirements', 'lines',
                    'work'):
        assert f'id="{section}"' in text


# ---- what coverage/run does ----------------------------------------------------------------------

def load_run():
    """coverage/run as a module."""
    loader = importlib.machinery.SourceFileLoader('coverage_run', str(ROOT / 'coverage/run'))
    spec = importlib.util.spec_from_loader('coverage_run', loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_run_takes_what_there_is_and_makes_what_is_small(tmp_path, monkeypatch):
    run, made = load_run(), []
    (tmp_path / 'have').mkdir()
    write(tmp_path / 'have/svm.json', RUN, IO, summary())

    def check(target, patterns, output):
        made.append((target, patterns))
        return write(output / f'{target}.json', RUN, LEAF, summary())

    monkeypatch.setattr(run, 'check', check)
    status = run.main(['--have', str(tmp_path / 'have'), '--output', str(tmp_path / 'out')])
    assert status == 0
    assert all(patterns for _, patterns in made) and len(made) >= 2
    targets = {source['target'] for source in
               json.loads((tmp_path / 'out/coverage.json').read_text())['sources']}
    assert targets == {'svm', *(target for target, _ in made)}


def test_counts_of_records():
    counts = records.Counts()
    counts.sources['svm'] = records.Source('svm')
    for entry in (LEAF, LEAF, IO):
        counts.line('svm', entry)
    assert counts.hw['svm', SVM, CPUID, 0, 'long64'] == 2
    assert counts.examples[SVM, 0x7b, 0] == 'emulation/a/cpuid@long64'
    with pytest.raises(ValueError, match='no line of a report'):
        counts.line('svm', {'type': 'moon'})
