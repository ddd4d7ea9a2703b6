# SPDX-License-Identifier: GPL-2.0-only
"""Parts of labs that need no emulator: archives, frames, the console, options, symbols."""

import os
import re
import struct
import subprocess
import zlib

import pytest

from lab_tools import LAB, ROOT, USAGE, lab
from labs import console, cpio, frames, initramfs, modules, session, symbols
from labs.config import UsageError


# ---- archives ------------------------------------------------------------------------------

def archive(order):
    made = cpio.Archive()
    for path in order:
        made.file(path, path.encode() * 3, 0o640)
    made.link('bin/sh', '/bin/busybox')
    made.add('dev/console', cpio.DEVICE, permissions=0o600, device=(5, 1))
    return made.pack()


def test_an_archive_is_the_same_whatever_the_order_it_was_filled_in():
    assert archive(['b/c/d', 'a']) == archive(['a', 'b/c/d'])


def test_an_archive_holds_what_was_put_in_and_the_directories_above():
    entries = {path: (mode, data) for path, mode, data in cpio.unpack(archive(['b/c/d', '/a']))}
    assert entries['b/c/d'] == (0o100640, b'b/c/d' * 3)
    assert entries['a'] == (0o100640, b'/a' * 3)
    assert entries['b/c'] == (0o40755, b'')
    assert entries['bin/sh'] == (0o120777, b'/bin/busybox')
    assert list(entries) == sorted(entries)


def test_another_program_reads_an_archive(tmp_path):
    if subprocess.run(['sh', '-c', 'busybox cpio --help'], capture_output=True).returncode:
        pytest.skip('no busybox with cpio')
    subprocess.run(['busybox', 'cpio', '-idm', 'b/c/d', 'bin/sh'], input=archive(['b/c/d', 'a']),
                   cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / 'b/c/d').read_bytes() == b'b/c/d' * 3
    assert os.readlink(tmp_path / 'bin/sh') == '/bin/busybox'


def test_a_file_put_in_again_replaces_the_first():
    made = cpio.Archive()
    made.file('/x', b'one')
    made.file('x', b'two')
    assert [data for _, _, data in cpio.unpack(made.pack())] == [b'two']


def test_a_record_cannot_hold_what_ends_it():
    assert initramfs.records([('arg', 'a b'), ('arg', '')]) == b'arg=a b\0arg=\0'
    with pytest.raises(UsageError):
        initramfs.records([('arg', 'a\0b')])


# ---- frames --------------------------------------------------------------------------------

def stream(*frames_of_it, sequence=0):
    """Bytes as the agent sends them: (kind, payload) each, bulk deflated."""
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    made = []
    for kind, payload in frames_of_it:
        if kind in frames.DEFLATED:
            payload = deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
        head = struct.pack('<BBHI', 0xa7, kind, sequence & 0xffff, len(payload))
        made.append(head + payload + struct.pack('<I', zlib.crc32(head + payload)))
        sequence += 1
    return made


OUTPUT = [(frames.STARTED, b''), (frames.STDOUT, bytes(range(256)) * 300),
          (frames.STDERR, b'words\n'), (frames.STDOUT, b'more'), (frames.STATUS, b'0')]


@pytest.mark.parametrize('step', [1, 7, 4096, 1 << 20])
def test_frames_arrive_however_the_line_cuts_them(step):
    decoder, seen = frames.Decoder(), []
    data = b''.join(stream(*OUTPUT))
    for at in range(0, len(data), step):
        seen += decoder.feed(data[at:at + step])
    decoder.finish()
    assert seen == OUTPUT


def test_each_frame_is_given_as_soon_as_it_is_whole():
    decoder = frames.Decoder()
    for piece, frame in zip(stream(*OUTPUT), OUTPUT):
        assert list(decoder.feed(piece[:-1])) == []
        assert list(decoder.feed(piece[-1:])) == [frame]


def test_a_changed_byte_is_noticed_wherever_it_is():
    data = b''.join(stream((frames.STDOUT, b'results'), (frames.BEAT, b''), (frames.END, b'')))
    for at in range(len(data)):
        decoder = frames.Decoder()
        with pytest.raises(frames.LostData):
            list(decoder.feed(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]))
            decoder.finish()


@pytest.mark.parametrize('missing', [0, 1, 2, 3])
def test_a_missing_frame_is_noticed(missing):
    pieces = stream(*OUTPUT)
    del pieces[missing]
    with pytest.raises(frames.LostData, match=f'came where frame {missing} should have'):
        list(frames.Decoder().feed(b''.join(pieces)))


def test_half_a_frame_at_the_end_is_noticed():
    decoder = frames.Decoder()
    list(decoder.feed(b''.join(stream(*OUTPUT))[:-1]))
    with pytest.raises(frames.LostData, match='in the middle of frame 4'):
        decoder.finish()


def test_numbers_of_frames_begin_anew_after_the_last():
    decoder = frames.Decoder()
    decoder.sequence = 0xffff
    pieces = stream((frames.BEAT, b''), (frames.BEAT, b''), sequence=0xffff)
    assert len(list(decoder.feed(b''.join(pieces)))) == 2


def test_both_sides_of_the_line_have_the_same_numbers():
    with open(os.path.join(ROOT, 'ci', 'labs', 'agent', 'agent.h'), encoding='utf-8') as file:
        text = file.read()
    numbers = {name: int(value) for name, value in re.findall(r'FRAME_(\w+) = (\d+)', text)}
    assert len(numbers) == len(frames.FROM_LAB) + 3
    assert numbers == {name: getattr(frames, name) for name in numbers}


def test_what_goes_to_the_lab_is_framed_alike():
    encoder = frames.Encoder()
    assert [encoder.encode(frames.GO), encoder.encode(frames.INPUT, b'ls\n')] == stream(
        (frames.GO, b''), (frames.INPUT, b'ls\n'))


# ---- the console ---------------------------------------------------------------------------

@pytest.mark.parametrize('line, name, fatal', [
    ('[    9.1] Kernel panic - not syncing: sysrq triggered crash', 'kernel panic', True),
    ('[    9.1] BUG: kernel NULL pointer dereference, address: 0000000000000000', 'oops', True),
    ('[    9.1] BUG: unable to handle page fault for address: ffffffffc0', 'oops', True),
    ('[    9.1] kernel BUG at arch/x86/kvm/svm/svm.c:99!', 'kernel BUG', True),
    ('[    9.1] BUG: sleeping function called from invalid context at mm/x.c:1',
     'sleep in atomic context', False),
    ('[    9.1] BUG: scheduling while atomic: assay/99/0x2', 'sleep in atomic context', False),
    ('[    9.1] BUG: using smp_processor_id() in preemptible [00000000] code: assay/99',
     'sleep in atomic context', False),
    ('[    9.1] BUG: Bad page state in process assay  pfn:01234', 'kernel BUG', True),
    ('[    9.1] BUG kmalloc-64 (Not tainted): Right Redzone overwritten', 'slab report', False),
    ('[    9.1] pagealloc: memory corruption', 'write to a free page', False),
    ('[    9.1] kmemleak: unreferenced object 0xffff888003a4b3c0 (size 64):', 'memory leak', False),
    ('[    9.1] lab: left behind: the module assay is in use, and nobody is there: x',
     'left behind', False),
    ('[    9.1] Oops: 0002 [#1] PREEMPT SMP NOPTI', 'oops', True),
    ('[    9.1] general protection fault, probably for non-canonical address 0xdead: 0000 [#1] '
     'SMP', 'oops', True),
    ('[    9.1] invalid opcode: 0000 [#1] PREEMPT SMP', 'oops', True),
    ('[    9.1] WARNING: CPU: 0 PID: 77 at arch/x86/kvm/x86.c:1 kvm_x()', 'kernel warning', False),
    ('[    9.1] WARNING: possible circular locking dependency detected', 'lockdep report', False),
    ('[    9.1] WARNING: possible recursive locking detected', 'lockdep report', False),
    ('[    9.1] WARNING: suspicious RCU usage', 'lockdep report', False),
    ('[    9.1] WARNING: bad unlock balance detected!', 'lockdep report', False),
    ('[    9.1] WARNING: lock held when returning to user space!', 'lockdep report', False),
    ('[    9.1] WARNING: held lock freed!', 'lockdep report', False),
    ('[    9.1] WARNING: inconsistent lock state', 'lockdep report', False),
    ('[    9.1] INFO: possible irq lock inversion dependency / possible deadlock',
     'lockdep report', False),
    ('[    9.1] BUG: KASAN: slab-out-of-bounds in kvm_x+0x1/0x2 [kvm]', 'sanitizer report', False),
    ('[    9.1] BUG: KFENCE: use-after-free read in kvm_x', 'sanitizer report', False),
    ('[    9.1] BUG: KCSAN: data-race in kvm_x / kvm_y', 'sanitizer report', False),
    ('[    9.1] UBSAN: shift-out-of-bounds in x.c:1:2', 'sanitizer report', False),
    ('[    9.1] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:', 'RCU stall', False),
    ('[    9.1] rcu: INFO: rcu_preempt self-detected stall on CPU', 'RCU stall', False),
    ('[    9.1] INFO: task assay:99 blocked for more than 120 seconds.', 'hung task', False),
    ('[    9.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [assay:99]', 'soft lockup', True),
    ('[    9.1] watchdog: Watchdog detected hard LOCKUP on cpu 0', 'hard lockup', True),
    ('[    9.1] list_add corruption. prev->next should be next', 'corrupt list', True),
    ('[    9.1] refcount_t: underflow; use-after-free.', 'reference count error', False),
])
def test_a_report_of_the_kernel_is_recognised(line, name, fatal):
    report = console.examine(line)
    assert (report.name, report.fatal) == (name, fatal)
    assert report.line == line[len('[    9.1] '):]


@pytest.mark.parametrize('line', [
    '[    0.6] acpi PNP0A03:00: fail to add MMCONFIG information, can\'t access extended PCI',
    '[    0.0] tsc: Unable to calibrate against PIT',
    '[    2.1] irqbypass: module verification failed: signature and/or required key missing',
    '[    9.1] kvm [91]: vcpu0, guest rIP: 0x8000 unhandled wrmsr: 0x199 data 0x0',
    '[    9.1] user requested TSC rate below hardware speed',
    '[    9.1] KVM: debugfs: duplicate directory 84-11',
    '[    9.1] SVM: kvm: Nested Paging enabled',
    '[    9.1] kmemleak: Kernel memory leak detector initialized (mem pool available: 15688)',
    '[    9.1] kmemleak:   comm "assay", pid 99, jiffies 4294937300 (age 5.310s)',
    '[    9.1] FAULT_INJECTION: forcing a failure.',
    '[    9.1] assay: page allocation failure: order:0, mode:0x400cc0(GFP_KERNEL_ACCOUNT)',
    '[    9.1] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.',
])
def test_what_a_sound_kernel_prints_is_no_report(line):
    assert console.examine(line) is None


def test_a_console_is_read_as_it_grows(tmp_path):
    path = tmp_path / 'console'
    path.write_bytes(b'[ 1.0] fine\r\n[ 2.0] WARN')
    watcher = console.Watcher(path)
    assert watcher.look() and watcher.worst() is None
    assert not watcher.look()
    with path.open('ab') as file:
        file.write(b'ING: CPU: 0\r\n[ 3.0] Kernel panic - not syncing: x')
    watcher.look()
    assert watcher.worst().line == 'WARNING: CPU: 0'
    watcher.finish()
    assert watcher.worst().name == 'kernel panic'


def test_a_report_is_told_with_what_comes_after_it(tmp_path):
    path = tmp_path / 'console'
    path.write_bytes(b'[ 1.0] fine\r\n[ 2.0] UBSAN: a\r\n[ 2.1] \r\n[ 2.1] Call Trace:\r\n\r\n'
                     + b'[ 2.2]  frame\r\n' * 200)
    watcher = console.Watcher(path)
    assert watcher.text() == []
    watcher.finish()
    assert watcher.text()[:4] == ['[ 2.0] UBSAN: a', '[ 2.1]', '[ 2.1] Call Trace:',
                                  '[ 2.2]  frame']
    assert len(watcher.text()) == console.REPORT_LINES - 1


# ---- marks, parameters -----------------------------------------------------------------------

def test_the_last_cases_are_those_that_no_mark_ends(tmp_path):
    path = tmp_path / 'marks'
    path.write_bytes(b'0 io/a@real16\n1 io/b@long64\n0 io/c@long64\n1\n2 io/d@long64\n0 io/e@lon')
    assert session.last_cases(path) == ('io/c@long64', 'io/d@long64')
    assert session.last_cases(tmp_path / 'none') == ()


def with_parameters(monkeypatch, **names):
    """Stands in for loaded modules: their names, and those of their parameters."""
    monkeypatch.setattr(modules, 'parameter_names', lambda data: data)
    return names


def test_parameters_go_to_modules_or_to_the_kernel(monkeypatch):
    loaded = with_parameters(monkeypatch, kvm=['x', 'y'], kvm_amd=['npt'])
    assert session.parameters(['kvm-amd.npt=0', 'kvm.y=1', 'kvm.x=a', 'kvm.x=a,b'], loaded,
                              set()) == ({'kvm': ['y=1', 'x=a,b'], 'kvm_amd': ['npt=0']}, '')
    assert session.parameters(['kvm.x=0'], {}, None) == ({}, 'kvm.x=0')
    assert session.parameters(['kvm_amd.npt=0', 'kvm.x=1'], {'kvm_amd': ['npt']}, {'kvm'}) == (
        {'kvm_amd': ['npt=0']}, 'kvm.x=1')


@pytest.mark.parametrize('item, says', [
    ('kvm.moon=1', 'kvm.moon=1: the module kvm has no such parameter, but x, y'),
    ('none.x=1', 'the module none has no such parameter, but none at all'),
    ('vfio.x=1', 'the lab loads no module vfio, but kvm, none'),
])
def test_a_parameter_that_there_is_not_is_told(monkeypatch, item, says):
    loaded = with_parameters(monkeypatch, kvm=['x', 'y'], none=[])
    with pytest.raises(UsageError, match=says):
        session.parameters([item], loaded, set())


def test_the_prefix_is_forced_in_what_is_loaded():
    assert session.defaults('kvm') == ['kvm.force_emulation_prefix=1']
    assert session.defaults('assay') == ['assay.force_emulation_prefix=1']
    assert session.defaults('both') == [*session.defaults('kvm'), *session.defaults('assay')]


# ---- what is typed wrong -----------------------------------------------------------------------

@pytest.mark.parametrize('arguments, says', [
    ((), None),
    (('swm', '--', 'true'), 'there is no lab "swm": it is one of svm, vmx, svm-bochs'),
    (('svm',), 'what to run is missing: ci/lab svm [OPTIONS] -- COMMAND...'),
    (('svm', '--'), 'what to run is missing: ci/lab svm [OPTIONS] -- COMMAND...'),
    (('svm', 'true'), 'unrecognized arguments: true'),
    (('svm', '--hypervisor', 'xen', '--', 'true'), "invalid choice: 'xen'"),
    (('svm', '--smp', '0', '--', 'true'), 'takes a number from 1 to 64, not "0"'),
    (('svm', '--memory', '64k', '--', 'true'), 'takes a number from 128 to 65536, not "64k"'),
    (('svm', '--timeout', '-1', '--', 'true'), 'takes a number from 1 to 86400, not "-1"'),
    (('svm', '--kernel', '/nonexistent', '--', 'true'), '--kernel /nonexistent: no such file'),
    (('svm', '--kernel', __file__, '--', 'true'), 'no bzImage'),
    (('svm', '--modules', '/nonexistent', '--', 'true'), '--modules /nonexistent: no such'),
    (('svm', '--emulator', '/nonexistent', '--', 'true'), '--emulator /nonexistent: no such'),
    (('svm', '--param', 'npt=0', '--', 'true'), '--param takes MODULE.NAME=VALUE, not "npt=0"'),
    (('svm', '--module', '/nonexistent.ko', '--', 'true'), '--module /nonexistent.ko: no such'),
    (('svm', '--file', '/nonexistent', '--', 'true'), '--file /nonexistent: no such file'),
    (('svm', '--fetch', '/tmp/x', '--', 'true'), '--fetch takes PATH=DEST, not "/tmp/x"'),
    (('svm', '--log', '/nonexistent/log', '--', 'true'), '--log /nonexistent/log: '),
    (('svm', '--frobnicate', '--', 'true'), 'unrecognized arguments: --frobnicate'),
    (('shell',), 'which lab is missing: ci/lab shell svm'),
    (('gdb', 'svm'), 'which case is missing: ci/lab gdb svm CASE'),
    (('gdb', 'svm', 'no/such/case'), 'no/such/case'),
    (('gdb', 'vmx', 'io/out/imm8_al@long64'), 'the emulator of the vmx lab serves no debugger'),
])
def test_bad_usage_is_told_and_starts_nothing(arguments, says):
    outcome = lab(*arguments)
    assert outcome.status == USAGE
    assert outcome.output == b'' or says is None
    if says:
        assert outcome.errors.startswith('lab: ') and says in outcome.errors
        assert outcome.errors.count('\n') == 1


def test_help_names_all_statuses():
    done = subprocess.run([LAB, '--help'], capture_output=True, text=True)
    assert done.returncode == 0
    for status in (USAGE, session.DIED, session.TIME, session.CANNOT):
        assert re.search(rf'\b{status}\b', done.stdout)


# ---- the emulator ------------------------------------------------------------------------------

@pytest.mark.parametrize('version, says', [
    ('QEMU emulator version 7.2.14 (Debian 1:7.2+dfsg-7)', 'needs 7.2.15 or newer: older ones let'),
    ('QEMU emulator version 6.2.0', 'needs 7.2.15 or newer: older ones let'),
    ('something else', 'says no version of QEMU: something else'),
])
def test_an_old_emulator_is_refused_with_the_reason(tmp_path, version, says):
    program = tmp_path / 'qemu'
    program.write_text(f'#!/bin/sh\necho "{version}"\n')
    program.chmod(0o755)
    outcome = lab('svm', '--emulator', str(program), '--', 'true')
    assert outcome.status == 125
    assert says in outcome.errors


# ---- symbols -----------------------------------------------------------------------------------

KALLSYMS = '''ffffffff81000000 T _text
0000000000001000 A fixed_percpu_data
ffffffff82000000 D data
ffffffffc0300010 t svm_vcpu_run	[kvm_amd]
ffffffffc0300200 t other	[kvm_amd]
'''


def test_symbols_are_read_by_other_tools(tmp_path):
    known = symbols.parse(KALLSYMS)
    assert symbols.find(known, ('__svm_vcpu_run', 'svm_vcpu_run')) == (
        'svm_vcpu_run', 0xffffffffc0300010)
    assert symbols.find(known, ('no_such',)) is None
    path = tmp_path / 'symbols'
    path.write_bytes(symbols.elf(known))
    done = subprocess.run(['nm', '-n', path], capture_output=True, text=True)
    assert done.stdout.splitlines() == ['ffffffff81000000 T _text',
                                        'ffffffffc0300010 T svm_vcpu_run',
                                        'ffffffffc0300200 T other']
    assert done.stderr == ''


def test_sections_of_a_module_are_found_by_its_symbols(tmp_path):
    source = tmp_path / 'm.s'
    source.write_text('.text\n.skip 16\n.type svm_vcpu_run, @function\nsvm_vcpu_run: ret\n'
                      '.section .other, "ax"\n.type other, @function\nother: ret\n'
                      '.type absent, @function\nabsent: ret\n')
    subprocess.run(['as', '-o', tmp_path / 'm.o', source], check=True)
    data = (tmp_path / 'm.o').read_bytes()
    assert symbols.section_addresses(data, 'kvm_amd', symbols.parse(KALLSYMS)) == {
        '.text': 0xffffffffc0300000, '.other': 0xffffffffc0300200}
