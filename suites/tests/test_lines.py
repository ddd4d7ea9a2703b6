# SPDX-License-Identifier: GPL-2.0-only
"""coverage/lines: what is counted is read, merged and summed up; what is corrupt is named."""

import base64
import gzip
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import types

import pytest

from lab_tools import ROOT
from checks import results
from labs import config, kernels, machine
from labs.config import Unavailable

sys.path.insert(0, os.path.join(ROOT, 'coverage'))

import lines_gcda   # noqa: E402 (the path comes first)
import lines_info   # noqa: E402
import lines_kvm    # noqa: E402
import lines_lab    # noqa: E402

LINES = os.path.join(ROOT, 'coverage', 'lines')
SOURCE = '''
int other(int x);
int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return other(argc);
	return 0;
}
'''
OTHER = '''
int other(int x)
{
	if (x == 2)
		return 0;
	return x > 3;
}
'''


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program of two sources that counts, and is all there is."""
    top = tmp_path / 'tree'
    top.mkdir()
    (top / 'main.c').write_text(SOURCE)
    (top / 'other.c').write_text(OTHER)
    for name in ('main', 'other'):
        subprocess.run(['gcc', '-O0', '--coverage', '-c', name + '.c'], cwd=top, check=True)
    subprocess.run(['gcc', '--coverage', 'main.o', 'other.o', '-o', 'main'], cwd=top, check=True)
    monkeypatch.setattr(lines_info, 'ROOT', str(top))
    monkeypatch.setattr(lines_info, 'KEPT', ('',))
    return top


def run(top, place, *arguments):
    """Runs it with counters below a place."""
    subprocess.run([str(top / 'main'), *arguments], env={
        **os.environ, 'GCOV_PREFIX': str(place), 'GCOV_PREFIX_STRIP': str(str(top).count('/'))})


def counted(top, place):
    """The counters below a place, by name."""
    return lines_gcda.below(str(place), str(top))


def name(top, source):
    return str(top / (source + '.gcda'))


# ---- counters ---------------------------------------------------------------------------------

def test_lines_and_branches_are_counted(program, tmp_path):
    run(program, tmp_path / 'one', 'a')
    files = lines_info.add({}, counted(program, tmp_path / 'one'))
    assert sorted(files) == ['main.c', 'other.c']
    assert dict(files['other.c'].lines) == {2: 1, 4: 1, 5: 1, 6: 0}
    assert sorted(files['other.c'].branches.items()) == [((4, 0), 1), ((4, 1), 0)]
    assert files['other.c'].functions == {'other': [2, 1]}


def cut(data):
    return data[:-4 - 3]


def cut_record(data):
    return data[:16 + 4]


def no_magic(data):
    return b'junk' + data[4:]


def other_build(data):
    return data[:8] + struct.pack('<I', struct.unpack_from('<I', data, 8)[0] ^ 1) + data[12:]


def impossible(data):
    at = data.index(struct.pack('<I', lines_gcda.FIRST_COUNTERS)) + 8
    return data[:at + 7] + b'\x70' + data[at + 8:]


def no_record(data):
    return data + b'\x01\x02\x03\x04\x05\x06\x07\x08'


BROKEN = {cut: 'it ends within counters, at byte', cut_record: 'it ends within a record',
          no_magic: 'the file does not begin as such files do',
          other_build: 'it is of another build of the object',
          impossible: 'a count is impossible', no_record: 'no record where one should be',
          lambda data: b'': 'the file has 0 bytes, and no head'}


@pytest.mark.parametrize('damage', BROKEN, ids=lambda damage: damage.__name__)
def test_a_corrupt_file_is_named_and_the_others_count(damage, program, tmp_path, capfd):
    run(program, tmp_path / 'one', 'a')
    counters = counted(program, tmp_path / 'one')
    bad = name(program, 'other')
    counters[bad] = damage(counters[bad])
    files = lines_info.add({}, counters)
    assert list(files) == ['main.c']
    assert files['main.c'].lines[6] == 1
    said = capfd.readouterr().err
    assert said.startswith(f'coverage/lines: warning: {bad} is skipped: ')
    assert BROKEN[damage] in said
    assert said.count('\n') == 1


def test_a_file_without_notes_is_named(program, tmp_path, capfd):
    run(program, tmp_path / 'one')
    os.remove(program / 'main.gcno')
    assert 'main.c' not in lines_info.add({}, counted(program, tmp_path / 'one'))
    assert 'main.gcno: No such file' in capfd.readouterr().err


def test_what_is_whole_is_not_warned_of(program, tmp_path, capfd):
    run(program, tmp_path / 'one', 'a', 'b')
    lines_info.add({}, counted(program, tmp_path / 'one'))
    assert capfd.readouterr().err == ''


def test_counters_are_read_by_the_gcov_of_their_gcc(monkeypatch):
    made = {b'adcg*22B': 'gcov-12', b'adcg*15B': 'gcov-15', b'adcg*19A': 'gcov-9'}
    monkeypatch.setattr(shutil, 'which', lambda name: '/usr/bin/' + name)
    assert {head: lines_gcda.reader(head) for head in made} == made
    monkeypatch.setattr(shutil, 'which', lambda name: None)
    assert lines_gcda.reader(b'adcg*22B') == 'gcov'


# ---- merging ------------------------------------------------------------------------------------

def same(one, other):
    """Whether two {path: File} say the same."""
    return one.keys() == other.keys() and all(
        +one[path].lines == +other[path].lines
        and one[path].lines.keys() == other[path].lines.keys()
        and +one[path].branches == +other[path].branches for path in one)


def test_two_runs_merge_to_one_of_both(program, tmp_path):
    for place in ('one', 'both'):
        run(program, tmp_path / place, 'a')
    for place in ('two', 'both'):
        run(program, tmp_path / place, 'a', 'b', 'c')
    paths = []
    for place in ('one', 'two', 'both'):
        paths.append(str(tmp_path / (place + '.info')))
        lines_info.write(paths[-1], lines_info.add({}, counted(program, tmp_path / place)), place)
    lines_info.merge(str(tmp_path / 'merged.info'), paths[:2])
    both = lines_info.read(paths[2])
    assert same(lines_info.read(str(tmp_path / 'merged.info')), both)
    assert not same(lines_info.read(paths[0]), both)
    # Nor does it matter whether it is the counters that are added, one after the other.
    files = lines_info.add({}, counted(program, tmp_path / 'one'))
    assert same(lines_info.add(files, counted(program, tmp_path / 'two')), both)


def test_sums_tell_sources_apart(program, tmp_path):
    for place, arguments in (('one', ()), ('two', ('a',))):
        run(program, tmp_path / place, *arguments)
        lines_info.write(str(tmp_path / (place + '.info')),
                         lines_info.add({}, counted(program, tmp_path / place)), place)
    made = lines_info.summary([(place, str(tmp_path / (place + '.info')))
                               for place in ('one', 'two')], {'one': '1st', 'two': '2nd'})
    assert made['sources'] == [{'name': 'one', 'text': '1st', 'info': 'lines/one.info'},
                               {'name': 'two', 'text': '2nd', 'info': 'lines/two.info'}]
    assert made['files']['main.c'] == {'lines': [4, 4], 'branches': [2, 2],
                                       'by': {'one': [3, 4], 'two': [3, 4]}}
    assert made['files']['other.c'] == {'lines': [3, 4], 'branches': [1, 2],
                                        'by': {'one': [0, 4], 'two': [3, 4]}}


# ---- what a module tells ----------------------------------------------------------------------

def record(key, data):
    return lines_gcda.RECORD.pack(lines_gcda.RECORD_MAGIC, len(key), len(data)) + key + data


def test_each_time_that_a_module_was_loaded_counts():
    once = record(b'/a.gcda', b'1') + record(b'/b.gcda', b'23')
    again = record(b'/a.gcda', b'4') + record(b'/b.gcda', b'')
    assert lines_gcda.of_module(once + again) == [{'/a.gcda': b'1', '/b.gcda': b'23'},
                                                  {'/a.gcda': b'4', '/b.gcda': b''}]


@pytest.mark.parametrize('dump', [record(b'/a', b'12')[:-1], record(b'/a', b'')[:7],
                                  b'x' * 12 + record(b'/a', b'')])
def test_broken_records_of_a_module_are_refused(dump):
    with pytest.raises(lines_gcda.Corrupt, match='the counters of a module'):
        lines_gcda.of_module(dump)


def telling(data):
    return b'@lines\n' + base64.encodebytes(gzip.compress(data)) + b'@end\n'


def test_what_a_lab_told_last_counts(capfd):
    said = b'one\n' + telling(b'first') + b'two\n' + telling(b'second') + b'three\n'
    assert lines_lab.told(said) == (b'second', b'one\ntwo\nthree\n')
    assert lines_lab.told(b'nothing\n') == (None, b'nothing\n')
    assert capfd.readouterr().err == ''
    broken = telling(b'second').replace(b'@lines\n', b'@lines\nAAAA')
    assert lines_lab.told(telling(b'first') + broken) == (b'first', b'')
    assert 'counters that a lab told are skipped' in capfd.readouterr().err
    # A lab that died in the middle of a telling has told the one before.
    assert lines_lab.told(telling(b'first') + telling(b'second')[:-8])[0] == b'first'


# ---- the command --------------------------------------------------------------------------------

@pytest.fixture
def tree(tmp_path):
    """A copy of coverage/ in a tree of its own, with a tracefile."""
    shutil.copytree(os.path.join(ROOT, 'coverage'), tmp_path / 'coverage')
    (tmp_path / 'ci').symlink_to(os.path.join(ROOT, 'ci'))
    (tmp_path / 'runner').mkdir()
    (tmp_path / 'runner/main.c').write_text('int x;\n')
    (tmp_path / 'coverage/floors.json').write_text(
        json.dumps({'lines.runner': 75, 'lines.kvm.emulate.c': 60, 'exits.svm': 100}))
    lines = tmp_path / 'build/coverage/lines'
    lines.mkdir(parents=True)
    for name in ('runner-kvm', 'runner-svm'):
        (lines / f'{name}.info').write_text('TN:\nSF:runner/main.c\nDA:1,0\nend_of_record\n')
    (lines / 'unit.info').write_text('TN:\nSF:runner/main.c\nDA:1,1\nDA:2,1\nDA:3,7\nDA:4,0\n'
                                     'LF:4\nLH:3\nend_of_record\n')
    return tmp_path


def sum_up(tree, *arguments):
    return subprocess.run([str(tree / 'coverage/lines'), '--sum', *arguments],
                          capture_output=True, text=True)


def test_a_floor_that_is_undershot_fails(tree):
    done = sum_up(tree, '--floors')
    assert (done.returncode, done.stderr) == (0, '')
    assert 'lines.kvm.emulate.c: not judged: kvm-svm, kvm-vmx: not counted' in done.stdout
    assert 'lines.runner' not in done.stdout
    assert re.search(r'^runner +3 of +4 lines +75.0 %$', done.stdout, re.MULTILINE)
    assert json.load(open(tree / 'build/coverage/lines.json'))['files']['runner/main.c'] == {
        'lines': [3, 4], 'branches': [0, 0], 'by': {
            'runner-kvm': [0, 1], 'runner-svm': [0, 1], 'unit': [3, 4]}}
    info = tree / 'build/coverage/lines/unit.info'
    info.write_text(info.read_text().replace('DA:1,1', 'DA:1,0'))
    assert sum_up(tree).returncode == 0
    done = sum_up(tree, '--floors')
    assert done.returncode == 1
    assert done.stderr == ('lines.runner: 50.0 % of lines are reached, and at least 75 % must be '
                           '(coverage/floors.json)\n')
    os.remove(tree / 'build/coverage/lines/runner-svm.info')
    done = sum_up(tree, '--floors')
    assert done.returncode == 0
    assert 'lines.runner: not judged: runner-svm: not counted' in done.stdout


def test_counts_of_sources_that_have_changed_are_left_out(tree):
    for name in ('runner-kvm', 'runner-svm'):
        os.remove(tree / f'build/coverage/lines/{name}.info')
    os.utime(tree / 'build/coverage/lines/unit.info', (1, 1))
    done = sum_up(tree)
    assert done.returncode == 125
    assert 'unit.info is left out: runner/main.c has changed since' in done.stderr


def test_an_unknown_source_is_refused():
    done = subprocess.run([LINES, 'nonsense'], capture_output=True, text=True)
    assert done.returncode == 2
    assert 'there is no source "nonsense": it is one of unit, fuzz' in done.stderr


def test_every_fuzzer_has_a_corpus():
    """Without one its lines are not counted, and a short run of it finds little."""
    there = os.path.join(ROOT, 'suites/fuzz')
    names = [name[:-2] for name in os.listdir(there) if re.fullmatch(r'fuzz_\w+\.c', name)]
    assert len(names) > 3
    assert [name for name in names if not os.listdir(os.path.join(there, 'corpus', name))] == []


# ---- stock KVM ----------------------------------------------------------------------------------

MAKEFILE = '''ccflags-y += -I $(srctree)/arch/x86/kvm
include $(srctree)/virt/kvm/Makefile.kvm
kvm-y += x86.o
'''


def test_the_makefile_of_kvm_is_made_to_count():
    made = lines_kvm.makefile(MAKEFILE)
    assert made.startswith('ccflags-y += -I $(src) -I$(src)/../../../include/trace\n'
                           'include $(src)/../../../virt/kvm/Makefile.kvm\nkvm-y += x86.o\n')
    assert ('kvm-amd-y := gcov_begin_kvm-amd.o gcov_kvm-amd.o $(kvm-amd-y) '
            'gcov_end_kvm-amd.o\n') in made
    assert 'GCOV := -fprofile-arcs' in made and 'ccflags-y += $(GCOV)' in made
    assert 'CFLAGS_vmx/vmx.o += -Dinit_module=counted_init' in made
    with pytest.raises(Unavailable, match='has no line like'):
        lines_kvm.makefile(MAKEFILE.replace('include', '-include'))


def test_a_source_of_another_version_is_refused(tmp_path, monkeypatch):
    (tmp_path / 'include/generated').mkdir(parents=True)
    (tmp_path / 'include/generated/package.h').write_text(
        '#define LINUX_PACKAGE_ID " Debian 6.1.190-1"\n')
    monkeypatch.setattr(lines_kvm.headers, 'find', lambda kernel: str(tmp_path))
    monkeypatch.setattr(lines_kvm.kernel_source, 'fetch',
                        lambda series: lines_kvm.kernel_source.Source('/none', '6.1.192-2'))
    with pytest.raises(Unavailable, match='is of 6.1.190-1, and the source .* is of 6.1.192-2'):
        lines_kvm.build(kernels.Kernel('image', None, '6.1.0-9-amd64', None))


# ---- what runs in a lab -----------------------------------------------------------------------

TAP = b"""ok 1 - cpu/xcr0 # 0.4 s
# 12 states
ok 2 - state/events # 2.1 s
# 9 states
# state.c:111: wrong
not ok 3 - state/msrs # 1.2 s
1..3
"""


def test_a_test_that_fails_in_a_lab_is_named(monkeypatch, capfd):
    def boot(self, wish, command, on_output):
        on_output(TAP[:60])
        on_output(TAP[60:])
        return types.SimpleNamespace(status=1, reason=None), 'more'

    monkeypatch.setattr(lines_lab.Lines, 'boot', boot)
    monkeypatch.setattr(lines_lab.Lines, 'config', lambda *args: config.Config())
    source = lines_lab.Source('module-x', 'svm', 'assay', None)
    lines_lab.Lines(source, None, None, None, None).program(('/hostile-test',), (), 512)
    said = capfd.readouterr().err
    assert said.endswith('module-x: /hostile-test ended with status 1: # 9 states\n'
                         '# state.c:111: wrong\nnot ok 3 - state/msrs # 1.2 s\n')
    assert 'events' not in said


def test_what_did_not_run_is_said(capfd):
    entries = [{'name': f'io/out/a@{mode}', 'suite': 'io'} for mode in ('long64', 'prot32')]
    found = results.Results(entries, '/dev/assay')
    found.trouble.append('nothing is called that')
    with pytest.raises(lines_lab.Unmeasured, match='no instance ran: nothing is called that'):
        lines_lab.check_ran(found, 'kvm-svm')
    found.line(json.dumps({'type': 'result', 'name': 'io/out/a@long64', 'outcome': 'pass'}))
    lines_lab.check_ran(found, 'kvm-svm')
    assert capfd.readouterr().err.endswith('kvm-svm: 1 instances did not run, and count for '
                                           'nothing\n')


def test_what_runs_in_labs_is_built_before():
    """The Makefile's targets of lines build the program that counts."""
    made = subprocess.run(['make', '-pn', 'coverage-kvm'], cwd=ROOT, capture_output=True, text=True)
    for target in ('coverage-kvm', 'lines-programs'):
        needs, = re.findall(rf'^{target}: (.*)$', made.stdout, re.MULTILINE)
        assert 'build/lines/host/assay' in needs.split()


def test_sources_wait_as_long_as_the_targets_they_are_like():
    loader = importlib.machinery.SourceFileLoader('coverage_lines', LINES)
    program = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(program)
    with open(os.path.join(ROOT, 'ci/targets.json'), encoding='utf-8') as file:
        targets = json.load(file).values()
    alike = [(source, target) for source in program.LABS.values() for target in targets
             if 'lab' in target and source.lab == target['lab'] and
             source.hypervisor == target.get('hypervisor', 'kvm') and
             set(source.params) == set(target.get('params', ())) and 'timeout' in target]
    assert [source.name for source, _ in alike] == ['module-vmx-poor']
    for source, target in alike:
        found = results.Results([], '/dev/assay')
        command = lines_lab.Lines(source, None, None, found, None).command()
        assert command[command.index('--timeout') + 1] == str(target['timeout'])


# ---- labs ---------------------------------------------------------------------------------------

@pytest.fixture
def counting(monkeypatch):
    """A run of one lab whose module counts; skips where there is none."""
    monkeypatch.setattr(lines_lab, 'SCRIPT', lines_lab.SCRIPT.replace('sleep 30', 'sleep 1'))
    try:
        machine.kind('svm')().identify()
        modules = lines_lab.own_module(kernels.find(None))
    except Unavailable as error:
        pytest.skip(str(error))
    source = lines_lab.Source('test', 'svm', 'assay', None)
    made = lines_lab.Lines(source, None, None, None, None)
    wish = config.Config(hypervisor='assay', replaced=tuple(modules), memory=384)
    return lambda *command: (made, *made.boot(wish, command, lambda data: None))


def reached(files, path):
    return sum(count > 0 for count in files[path].lines.values()) if path in files else 0


def test_a_failing_command_and_the_end_of_the_module_count(counting):
    run_, outcome, _ = counting('sh', '-c', 'assay run --on /dev/assay io/out/imm8_al@long64; '
                                'until rmmod assay; do sleep 1; done; '     # told just now
                                'insmod /lab/modules/assay.ko; exit 7')
    assert (outcome.status, outcome.reason) == (7, None)
    assert reached(run_.modules, 'kmod/io.c') > 5
    source = open(os.path.join(ROOT, 'kmod/dev.c')).read().split('\n')
    lines = run_.modules['kmod/dev.c'].lines
    # It was loaded twice, and unloaded as often: once by the command, once at the end.
    for text in ('assay_power_init();', 'misc_deregister(&device);'):
        at, = (i + 1 for i, line in enumerate(source) if line.strip() == text)
        assert lines[at] == 2


def test_a_lab_that_dies_loses_only_what_it_had_not_told(counting, capfd):
    run_, outcome, _ = counting('sh', '-c', 'assay run --on /dev/assay io/out/imm8_al@long64; '
                                'sleep 4; echo c >/proc/sysrq-trigger')
    assert 'panic' in outcome.reason or 'oops' in outcome.reason
    assert reached(run_.modules, 'kmod/io.c') > 5
    run_, outcome, _ = counting('sh', '-c', 'echo c >/proc/sysrq-trigger')
    assert 'has died without having told' in capfd.readouterr().err
    assert run_.modules['kmod/io.c'].lines      # what the first had told is still there
