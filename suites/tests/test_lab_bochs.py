# SPDX-License-Identifier: GPL-2.0-only
"""Labs in Bochs: what is built and laid out for it, and every way in which it can end. Where
there is no Bochs, what needs one is skipped, with the reason."""

import os
import re
import signal
import struct
import subprocess
import types

import pytest

from lab_tools import DIED, children, finish, lab, start
from labs import bochs, bochs_build, bochs_image, kernels, machine, slim
from labs.config import Unavailable, UsageError

TARGETS = ('vmx', 'svm-bochs')


@pytest.fixture(scope='module')
def kernel():
    try:
        return kernels.find(None)
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope='module')
def emulator(kernel):
    """What the labs take by themselves."""
    try:
        return machine.kind('vmx')().identify()
    except Unavailable as error:
        pytest.skip(str(error))


# ---- labs that run ---------------------------------------------------------------------------

COMMAND = '''
cat /data
cat /data >&2
assay run -j1 io/completion/signal_in_loop >/tmp/looped 2>&1 && exit 42
cat /tmp/looped
'''


@pytest.mark.parametrize('target', TARGETS)
def test_output_status_and_a_guest_that_loops(target, emulator, tmp_path):
    """The bytes and the status of a command come out; a guest whose IF is clear is
    interrupted, which only the Bochs that is built here does."""
    if not bochs_build.program():
        pytest.skip('no Bochs could be built here, and the distribution\'s hangs')
    data = os.urandom(40000)
    (tmp_path / 'data').write_bytes(data)
    outcome = lab(target, '--file', str(tmp_path / 'data'), '--quiet', '--', 'sh', '-c', COMMAND,
                  env=os.environ | {'TMPDIR': str(tmp_path)})
    assert outcome.output == data, outcome.errors
    assert outcome.raw_errors == data
    assert outcome.status == 42
    assert [path.name for path in tmp_path.iterdir()] == ['data']


def test_panic_of_the_emulator(emulator, tmp_path):
    """A kernel that restarts its machine meets a Bochs that is told to end then."""
    outcome = lab('vmx', '--', 'sh', '-c', 'echo begun; sleep 1; busybox reboot -f',
                  env=os.environ | {'TMPDIR': str(tmp_path)})
    assert outcome.status == DIED
    assert outcome.output == b'begun\n'
    assert re.search(r'the emulator ended with status 1: .*>>PANIC<< ', outcome.reason())
    assert 'reboot: Restarting system' in outcome.log()


def test_emulator_killed(emulator, tmp_path):
    process = start('vmx', '--', 'sh', '-c', 'echo begun; while :; do :; done',
                    env=os.environ | {'TMPDIR': str(tmp_path)})
    assert process.stdout.read(6) == b'begun\n'
    killed = [pid for pid, name in children(process.pid) if name.startswith('bochs')]
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    outcome = finish(process)
    assert outcome.status == DIED
    assert 'was killed by signal 9' in outcome.reason()
    outcome.log()
    assert not list(tmp_path.iterdir())
    assert not os.path.exists(f'/proc/{killed[0]}')


# ---- memory ----------------------------------------------------------------------------------

def boot(tmp_path, kernel, **changes):
    (tmp_path / 'base').write_bytes(b'base' * 1000)
    (tmp_path / 'job').write_bytes(b'job!' * 50000)
    values = {'image': kernel.image, 'vmlinux': kernel.vmlinux, 'base': str(tmp_path / 'base'),
              'job': str(tmp_path / 'job'), 'arguments': 'quiet panic=-1', 'memory': 512}
    return types.SimpleNamespace(**values | changes)


@pytest.mark.parametrize('unpacked', (True, False))
def test_memory(tmp_path, kernel, unpacked):
    """Each range of memory is in the image, after the spare blocks, where the loader will
    touch it."""
    bochs_image.memory(boot(tmp_path, kernel, **({} if unpacked else {'vmlinux': None})),
                       str(tmp_path / 'image'))
    image = (tmp_path / 'image').read_bytes()
    block = bochs_image.BLOCK
    assert len(image) % block == 0
    assert image[:4] == bochs_image.MAGIC
    entry, first, first_blocks, second, second_blocks, _, end = struct.unpack_from('<7I', image, 4)
    assert end == 0
    assert first == 0x1000000
    assert first <= entry < first + first_blocks * block
    # The loader is done with spare blocks at the first that begins so.
    begins = [at for at in range(0, len(image), block) if image[at:at + 4] == bochs_image.LAST]
    assert begins == [bochs_image.SPARE * block]
    at = begins[0] + block
    assert len(image) == at + (first_blocks + second_blocks) * block
    ramdisk, size = struct.unpack_from('<II', image, bochs_image.PARAMS + 0x218)
    assert ramdisk == second >= first + first_blocks * block
    packed = b'base' * 1000 + b'job!' * 50000
    at += first_blocks * block
    assert size == len(packed)
    assert image[at:at + size] == packed
    pointer, = struct.unpack_from('<I', image, bochs_image.PARAMS + 0x228)
    assert image[pointer - bochs_image.HEADER:].startswith(b'quiet panic=-1\0')
    assert image[bochs_image.PARAMS + 0x202:][:4] == b'HdrS'


def test_memory_is_refused(tmp_path, kernel):
    image = str(tmp_path / 'image')
    with pytest.raises(UsageError, match='--memory 64: the kernel and the files need [0-9]+ MiB'):
        bochs_image.memory(boot(tmp_path, kernel, memory=64), image)
    bochs_image.memory(boot(tmp_path, kernel, arguments='x' * 2047), image)
    with pytest.raises(UsageError, match='kernel arguments of 2048 bytes; 2047 are the most'):
        bochs_image.memory(boot(tmp_path, kernel, arguments='x' * 2048), image)


def test_rom(tmp_path):
    bochs_image.rom(str(tmp_path / 'rom'))
    rom = (tmp_path / 'rom').read_bytes()
    assert rom[:2] == b'\x55\xaa'
    assert rom[2] * 512 == len(rom)
    assert sum(rom) % 256 == 0


# ---- modules -----------------------------------------------------------------------------------

SOURCE = '''
	.text
	.globl f
f:	call __fentry__
	ret
	.globl g
g:	call __fentry__
	call other
	ret
	.section __mcount_loc, "a"
	.quad f, g
	.section .BTF, "a"
	.ascii "types"
	.data
	.quad f
'''


def sections(path):
    """{name: size in hexadecimal} of the sections of an object."""
    text = subprocess.run(['readelf', '-SW', path], capture_output=True, text=True).stdout
    return dict(re.findall(r'\] (\S+) +\S+ +\S+ \S+ (\S+)', text))


def test_slim(tmp_path):
    """Calls of the function tracer are NOPs, and only they; its list and the types are gone."""
    plain, slimmed = str(tmp_path / 'plain.o'), str(tmp_path / 'slim.o')
    subprocess.run(['as', '-o', plain, '-'], input=SOURCE, text=True, check=True)
    with open(plain, 'rb') as file:
        before = file.read()
    with open(slimmed, 'wb') as file:
        file.write(slim.slim(before))
    old, new = sections(plain), sections(slimmed)
    gone = {'__mcount_loc', '.rela__mcount_loc', '.BTF'}
    assert all(int(old[name], 16) for name in gone)
    assert {name for name in old if old[name] != new[name]} == gone
    assert not any(int(new[name], 16) for name in gone)
    relocations = subprocess.run(['readelf', '-rW', slimmed], capture_output=True,
                                 text=True).stdout
    assert '__fentry__' not in relocations
    assert relocations.count('R_X86_64_NONE') == 2
    assert len(re.findall('R_X86_64_PL.*other', relocations)) == 1
    code = subprocess.run(['objdump', '-d', slimmed], capture_output=True, text=True).stdout
    assert code.count('0f 1f 44 00 00') == 2
    assert code.count('\te8 ') == 1


def test_slim_leaves_what_it_does_not_know():
    assert slim.slim(b'#!/bin/sh\n') == b'#!/bin/sh\n'


# ---- the build -----------------------------------------------------------------------------------

def tree(tmp_path):
    """A source with no more than what is mended."""
    (tmp_path / 'cpu').mkdir()
    for name, line, _ in bochs_build.CHANGES:
        with open(tmp_path / name, 'a', encoding='utf-8') as file:
            file.write(f'before\n{line}\nafter\n')


def test_changes(tmp_path):
    tree(tmp_path)
    bochs_build.change(str(tmp_path))
    for name, line, added in bochs_build.CHANGES:
        assert (tmp_path / name).read_text().count(f'before\n{line}\n{added}\nafter\n') == 1


def test_another_source_is_refused(tmp_path):
    tree(tmp_path)
    name, line, _ = bochs_build.CHANGES[-1]
    with open(tmp_path / name, 'a', encoding='utf-8') as file:
        file.write(line + '\n')
    with pytest.raises(Unavailable, match=f'{name} of this Bochs is not that of'):
        bochs_build.change(str(tmp_path))


def test_a_build_that_fails_is_not_tried_at_once_again(tmp_path, monkeypatch):
    """The labs then take the distribution's Bochs."""
    tries = []

    def build():
        tries.append(1)
        raise Unavailable('there is no compiler')

    monkeypatch.setenv('ASSAY_LAB_CACHE', str(tmp_path))
    monkeypatch.setattr(bochs_build, 'build', build)
    assert bochs_build.ensure() is None
    assert bochs_build.ensure() is None
    assert len(tries) == 1
    os.utime(bochs_build.directory() + '.failed', (0, 0))
    assert bochs_build.ensure() is None
    assert len(tries) == 2


@pytest.mark.parametrize('kind, words, refused', (
    (bochs.Vmx, 'Bochs x86 Emulator 2.6', 'is Bochs 2.6, and this lab needs 2.7 or newer'),
    (bochs.Vmx, 'Bochs x86 Emulator 2.10', None),
    (bochs.Svm, 'Bochs x86 Emulator 2.10', 'is Bochs 2.10, and this lab needs 3.0 or newer'),
    (bochs.Svm, 'Bochs x86 Emulator 3.0', None),
    (bochs.Vmx, 'no emulator', 'says no version of Bochs: no emulator')))
def test_version(tmp_path, kind, words, refused):
    script = tmp_path / 'bochs'
    script.write_text(f'#!/bin/sh\necho "{words}"\n')
    script.chmod(0o755)
    lab_machine = kind(str(script))
    if refused:
        with pytest.raises(Unavailable, match=refused):
            lab_machine.identify()
    else:
        assert lab_machine.identify() == words.replace('x86 Emulator ', '')
