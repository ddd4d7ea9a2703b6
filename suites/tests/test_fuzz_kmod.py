# SPDX-License-Identifier: GPL-2.0-only
"""The fuzzer of assay.ko: sequences and their texts, replaying, minimising, what it makes of a
lab that dies; and a short run in the lab, in which nothing may be found."""

import os
import re
import subprocess
import types

import pytest

import lab_tools        # noqa: F401 (ci/ is in the path then)
from checks import fuzz_kmod
from labs import kernels, kmod, machine, session
from labs.config import Unavailable
from microguests import ROOT

PROGRAM = fuzz_kmod.PROGRAM
TOOL = os.path.join(ROOT, 'ci', 'fuzz-kmod')


@pytest.fixture(scope='module', autouse=True)
def program():
    """Has make bring the program up to date."""
    subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT, 'build/fuzz-kmod',
                    'build/lab/agent'], check=True)


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


def text_of(world, seed):
    done = run('print', world, seed)
    assert done.returncode == 0
    return done.stdout


# ---- sequences -------------------------------------------------------------------------------

@pytest.mark.parametrize('world', ['calls', 'guest'])
def test_a_seed_is_one_sequence(world):
    texts = [text_of(world, seed) for seed in range(40)]
    assert texts == [text_of(world, seed) for seed in range(40)]
    assert len(set(texts)) == len(texts)
    assert all(text.splitlines()[0] == world for text in texts)


def test_sequences_have_every_operation():
    """What no seed of many ever makes is not tested by anybody."""
    used = {line.split()[0] for world in ('calls', 'guest') for seed in range(400)
            for line in text_of(world, seed).splitlines()[1:]}
    assert used == {
        'mode', 'vm', 'vcpu', 'map', 'unmap', 'close', 'dup', 'fork', 'file', 'kill', 'slot',
        'dirty_log', 'clear_log', 'advise', 'protect', 'remap', 'touch', 'code', 'regs', 'sregs',
        'sregs2', 'events', 'fpu', 'xsave', 'xcrs', 'debugregs', 'mp_state', 'lapic',
        'guest_debug', 'clock', 'pit', 'irqchip', 'translate', 'tsc_attr', 'sync', 'msr', 'msrs',
        'filter', 'cpuid', 'cap', 'extension', 'eventfd', 'zone', 'irq', 'nmi', 'mask', 'tsc',
        'place', 'any', 'scribble', 'ring', 'run', 'beside', 'gpr', 'flags', 'flip', 'inject',
        'insn'}


def test_guests_are_of_all_modes():
    modes = {line for seed in range(200) for line in text_of('guest', seed).splitlines()
             if line.startswith('mode')}
    assert {line.split('mode=')[1].split()[0] if 'mode=' in line else '0' for line in modes} == {
        str(mode) for mode in range(8)}


@pytest.mark.parametrize('world', ['calls', 'guest'])
def test_a_text_is_the_sequence(world, tmp_path):
    """What is read and written again is the same, and comments are not read."""
    path = tmp_path / 'sequence'
    for seed in range(40):
        text = text_of(world, seed)
        path.write_text('# found\n' + text.replace('\n', '   # so\n'))
        done = run('text', path)
        assert (done.returncode, done.stdout) == (0, text)


@pytest.mark.parametrize('text, message', [
    ('', 'it is empty'),
    ('other\n', ':1: the first line must be'),
    ('calls\nnothing vm=1\n', ':2: no operation has that name'),
    ('calls\nvm what=1\n', ':2: no such argument'),
    ('calls\nvm vm=x\n', ':2: no such argument, or its value is no number'),
    ('guest\ninsn 0f f\n', ':2: insn takes'),
    ('guest\ninsn' + ' 90' * 16 + '\n', ':2: insn takes'),
    ('calls\n' + 'vm\n' * 193, ':194: too many operations'),
])
def test_what_is_no_sequence(text, message, tmp_path):
    path = tmp_path / 'sequence'
    path.write_text(text)
    done = run('fake:vm', 'replay', path)
    assert done.returncode == 2
    assert message in done.stderr


# ---- replaying and minimising -------------------------------------------------------------------

def test_replay_performs_the_file(tmp_path):
    path = tmp_path / 'sequence'
    path.write_text('calls\nvm\nnmi vcpu=1\nvm vm=1\n')
    assert run('fake:nmi', 'replay', path).returncode == 1
    assert run('fake:irq', 'replay', path).returncode == 0


def test_many_seeds_name_the_one_that_fails():
    bad = [seed for seed in range(30) if '\nnmi' in text_of('calls', seed)]
    done = run('fake:nmi', 'calls', 0, 30, 0, 1)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith('found')] == [
        f'found calls/{seed}' for seed in bad]
    assert bad and len(bad) < 30


def test_guests_go_on_after_one_that_fails():
    bad = [seed for seed in range(30) if '\ninject' in text_of('guest', seed)]
    done = run('fake:inject', 'guest', 0, 30, 0, 1)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith('found')] == [
        f'found guest/{seed}' for seed in bad]
    assert 1 < len(bad) < 20


@pytest.mark.parametrize('needed', [{3}, {0, 19}, {4, 5, 11}, set(range(20))])
def test_minimise_finds_what_is_needed(needed):
    lines = list(range(20))
    assert fuzz_kmod.minimise(lines, lambda some: needed <= set(some)) == sorted(needed)


def test_minimise_a_file(tmp_path):
    seed = next(seed for seed in range(100) if '\nnmi' in text_of('calls', seed))
    path = tmp_path / 'found.txt'
    path.write_text(text_of('calls', seed))
    done = subprocess.run([TOOL, '--on', 'fake:nmi', '--minimise', path], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / 'found.txt.min').read_text().splitlines()
    assert lines[0] == 'calls'
    assert [line.split()[0] for line in lines[1:]] == ['nmi']


def test_nothing_to_minimise(tmp_path):
    path = tmp_path / 'good.txt'
    path.write_text('calls\nvm\n')
    done = subprocess.run([TOOL, '--on', 'fake:nmi', '--minimise', path], capture_output=True,
                          text=True)
    assert done.returncode == 2
    assert 'it does not fail' in done.stderr
    assert os.listdir(tmp_path) == ['good.txt']


# ---- labs that die ----------------------------------------------------------------------------

def options(tmp_path, **more):
    return types.SimpleNamespace(lab='svm', on='/dev/assay', smp=1, jobs=2, seed=5, calls=10,
                                 guests=0, seconds=0, found=str(tmp_path), **more)


def test_a_lab_that_dies_names_the_seed(tmp_path, monkeypatch, capfd):
    asked = []

    def in_lab(_, arguments, *__):
        asked.append(arguments[:3])
        if len(asked) == 1:
            return session.Result(3, 'oops: BUG: it is broken', ('calls/8',)), ''
        return session.Result(0), 'calls: 6 from seed 9'

    monkeypatch.setattr(fuzz_kmod, 'in_lab', in_lab)
    assert fuzz_kmod.fuzz(options(tmp_path)) == 1
    assert asked == [['calls', 5, 10], ['calls', 9, 6]]
    kept = (tmp_path / 'calls-8.txt').read_text()
    assert kept == '# calls/8: oops: BUG: it is broken\n' + text_of('calls', 8)
    assert 'ci/fuzz-kmod --replay' in capfd.readouterr().err


def test_a_fault_of_the_emulator_is_no_finding(tmp_path, monkeypatch):
    results = [(session.Result(3, 'the emulator was killed by signal 6: tcg fatal error',
                               ('calls/8',)), ''), (session.Result(0), '')]
    monkeypatch.setattr(fuzz_kmod, 'in_lab', lambda *_: results.pop(0))
    assert fuzz_kmod.fuzz(options(tmp_path)) == 0
    assert not results and os.listdir(tmp_path) == ['calls-8.txt']


def test_labs_that_die_at_every_seed(tmp_path, monkeypatch):
    wish = options(tmp_path)
    wish.calls = 100
    seeds = iter(range(5, 100))
    monkeypatch.setattr(fuzz_kmod, 'in_lab', lambda *_: (
        session.Result(3, 'the emulator was killed by signal 6', (f'calls/{next(seeds)}',)), ''))
    assert fuzz_kmod.fuzz(wish) == 1
    assert next(seeds) == 5 + fuzz_kmod.RESTARTS


def test_what_the_program_finds_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_kmod, 'in_lab', lambda *_: (
        session.Result(1), '# wrong: so\nfound calls/6\nfound calls/9\ncalls: 10\n'))
    assert fuzz_kmod.fuzz(options(tmp_path)) == 1
    assert sorted(os.listdir(tmp_path)) == ['calls-6.txt', 'calls-9.txt']


def test_labs_share_the_guests(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(fuzz_kmod, 'in_lab', lambda _, arguments, *__: (
        asked.append(arguments), (session.Result(0), ''))[1])
    wish = options(tmp_path)
    wish.calls, wish.guests, wish.jobs = 0, 10, 3
    assert fuzz_kmod.fuzz(wish) == 0
    assert sorted(asked) == [['guest', 5, 4, 0, 1], ['guest', 9, 4, 0, 1], ['guest', 13, 2, 0, 1]]


def test_what_is_left_is_a_finding(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_kmod, 'in_lab', lambda *_: (
        session.Result(1), '# wrong: left are 1 VMs\ncalls: 10\n'))
    assert fuzz_kmod.fuzz(options(tmp_path)) == 1


# ---- in the lab ---------------------------------------------------------------------------------

def test_nothing_is_found(tmp_path):
    try:
        machine.kind('svm')().identify()
        kmod.build(kernels.find(None))
    except Unavailable as error:
        pytest.skip(str(error))
    done = subprocess.run([TOOL, '--calls', '12', '--guests', '500',
                           '--found', tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'calls: 12 from seed 1' in done.stdout
    assert re.search(r'^guests: \d+ from seed 1 ', done.stdout, re.MULTILINE)
