# SPDX-License-Identifier: GPL-2.0-only
"""Labs that run: every way in which a command or a lab can end, on SVM hardware emulated
by QEMU. Where there is no lab to be had all is skipped, with the reason."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from lab_tools import DIED, OK, TIME, children, finish, lab, start
from labs import kernels, machine, modules
from labs.config import Unavailable

SMALL = ('--memory', '384')


@pytest.fixture(scope='module', autouse=True)
def needed():
    """Skips where a lab cannot be had, which is no fault of the lab's."""
    try:
        machine.kind('svm')().identify()
        kernels.find(None)
    except Unavailable as error:
        pytest.skip(str(error))


# ---- a command that ends ---------------------------------------------------------------------

EVERYTHING = '''
cat /data
cat /data >&2
cp /data /tmp/left
mkdir /tmp/some; echo 1 >/tmp/some/file
echo "assay $(command -v assay)" >/tmp/some/facts
echo "marks $ASSAY_MARK_PORT" >>/tmp/some/facts
echo "processors $(nproc)" >>/tmp/some/facts
echo "fep $(cat /sys/module/kvm/parameters/force_emulation_prefix)" >>/tmp/some/facts
echo "npt $(cat /sys/module/kvm_amd/parameters/npt)" >>/tmp/some/facts
echo "argument $1" >>/tmp/some/facts
echo "more $(grep -c is_there=1 /proc/cmdline)" >>/tmp/some/facts
echo "events $(ls /sys/kernel/tracing/events/kvm | grep -c '^kvm_exit$')" >>/tmp/some/facts
sleep 100 &
exit 42
'''
FACTS = '''assay /usr/bin/assay
marks 0xe9
processors 2
fep 1
npt N
argument a  b
more 1
events 1
'''


@pytest.fixture(scope='module')
def everything(tmp_path_factory):
    """One run that uses most options."""
    top = tmp_path_factory.mktemp('everything')
    data = os.urandom(200000) + bytes(range(256)) * 200 + b'\r\n\x00\xa7\x04 no newline'
    (top / 'data').write_bytes(data)
    outcome = lab('svm', *SMALL, '--smp', '2', '--param', 'kvm_amd.npt=0', '--append',
                  'is_there=1', '--file', f'{top}/data', '--fetch', f'/tmp/left={top}/left',
                  '--fetch', f'tmp/some={top}/some', '--log', f'{top}/log', '--',
                  'sh', '-c', EVERYTHING, 'sh', 'a  b')
    return outcome, top, data


def test_the_status_is_the_command_s(everything):
    assert everything[0].status == 42


def test_output_is_the_same_to_the_byte(everything):
    outcome, _, data = everything
    assert outcome.output == data


def test_errors_are_the_same_to_the_byte(everything):
    outcome, _, data = everything
    assert outcome.raw_errors.startswith(data)


def test_a_signal_is_a_status_and_quiet_is_quiet():
    outcome = lab('svm', *SMALL, '--quiet', '--', 'sh', '-c', 'kill -TERM $$')
    assert (outcome.status, outcome.output, outcome.raw_errors) == (143, b'', b'')


def test_times_are_told_apart(everything):
    said = everything[0].errors
    assert re.search(r'lab svm: Linux \S+, QEMU \d+\.\d+\.\d+, boot \d+\.\d s, '
                        r'command \d+\.\d s, status 42\n$', said), said[-200:]


def test_what_is_asked_for_is_what_the_command_sees(everything):
    _, top, data = everything
    assert (top / 'some' / 'facts').read_text() == FACTS
    assert (top / 'some' / 'file').read_text() == '1\n'
    assert (top / 'left').read_bytes() == data


def test_the_console_is_kept_where_asked(everything):
    _, top, _ = everything
    assert re.search(r'^\[ +\d+\.\d+\] ', (top / 'log').read_text(), re.MULTILINE)


# ---- a command that there is no end to -----------------------------------------------------------

def test_the_time_limit_ends_all():
    outcome = lab('svm', *SMALL, '--timeout', '4', '--', 'sleep', '1000')
    assert outcome.status == TIME
    assert outcome.reason() == 'time limit: not done after 4 s'
    outcome.log()


# ---- a lab that dies -----------------------------------------------------------------------------

def test_a_panic_is_noticed_at_once_and_the_last_case_named():
    outcome = lab('svm', *SMALL, '--', 'sh', '-c', 'echo output; assay run -j1 --format json io | '
                  '{ head -n 20 >/dev/null; echo c >/proc/sysrq-trigger; sleep 1000; }')
    assert outcome.status == DIED
    assert outcome.output == b'output\n'
    assert outcome.reason() == 'kernel panic: Kernel panic - not syncing: sysrq triggered crash'
    assert re.search(r'^lab svm: the last case was io/\S+@\S+$', outcome.errors, re.MULTILINE)
    assert '  | ' in outcome.errors
    assert 'sysrq triggered crash' in outcome.log()


def test_a_warning_of_the_kernel_fails_the_run_though_the_command_succeeds():
    outcome = lab('svm', *SMALL, '--quiet', '--', 'sh', '-c',
                  'echo "<4>WARNING: CPU: 0 PID: 1 at a/b.c:1" >/dev/kmsg; echo whole; exit 0')
    assert outcome.status == DIED
    assert outcome.output == b'whole\n'
    assert outcome.reason() == 'kernel warning: WARNING: CPU: 0 PID: 1 at a/b.c:1'
    assert 'status 3' in outcome.errors
    outcome.log()


def test_what_does_not_belong_on_the_line_is_noticed():
    outcome = lab('svm', *SMALL, '--', 'sh', '-c', 'echo junk >/dev/ttyS1; sleep 1000')
    assert outcome.status == DIED
    assert outcome.reason().startswith('lost data: ')
    outcome.log()


def begun(*arguments):
    """A lab whose command has begun, and its emulator's process."""
    process = start('svm', *SMALL, *arguments, '--', 'sh', '-c', 'echo begun; sleep 1000')
    assert process.stdout.readline() == b'begun\n'
    emulators = [pid for pid, name in children(process.pid) if name.startswith('qemu')]
    assert len(emulators) == 1
    return process, emulators[0]


def gone(pid):
    """Whether a process ends soon."""
    for _ in range(50):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                if file.read().rpartition(')')[2].split()[0] == 'Z':
                    return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_an_emulator_that_dies_is_noticed():
    process, emulator = begun()
    os.kill(emulator, signal.SIGKILL)
    outcome = finish(process)
    assert outcome.status == DIED
    assert outcome.reason() == 'the emulator was killed by signal 9'
    outcome.log()


def test_a_hang_is_noticed():
    process, emulator = begun('--stall', '3')
    os.kill(emulator, signal.SIGSTOP)
    outcome = finish(process)
    assert outcome.status == DIED
    assert outcome.reason() == 'stall: no sign of life for 3 s'
    assert gone(emulator)
    outcome.log()


@pytest.mark.parametrize('ending', [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_the_lab_is_ended(ending, tmp_path):
    environment = dict(os.environ, TMPDIR=str(tmp_path))
    process = start('svm', *SMALL, '--', 'sh', '-c', 'echo begun; sleep 1000', env=environment)
    assert process.stdout.readline() == b'begun\n'
    left = children(process.pid)
    process.send_signal(ending)
    outcome = finish(process)
    assert outcome.status == (-ending if ending == signal.SIGKILL else 128 + ending)
    assert left and all(gone(pid) for pid, _ in left)
    if ending != signal.SIGKILL:
        assert os.listdir(tmp_path) == []


# ---- a person at it ------------------------------------------------------------------------------

def test_a_shell_takes_what_is_typed(tmp_path):
    typed = tmp_path / 'typed'
    typed.write_text('echo $((6 * 7)) of $(tty)\nexit 9\n')
    with typed.open() as file:
        outcome = lab('shell', 'svm', *SMALL, stdin=file)
    assert outcome.status == 9
    assert b'42 of /dev/pts/0\r\n' in outcome.output


def test_a_debugger_stops_where_the_guest_is_entered():
    if not shutil.which('gdb'):
        pytest.skip('no gdb')
    process = start('gdb', 'svm', 'io/out/imm8_al@long64', '--no-gdb', *SMALL)
    line = process.stderr.readline().decode()
    script = re.search(r'gdb -x (\S+)', line)[1]
    done = subprocess.run(['gdb', '-batch', '-x', script, '-ex', 'bt 2', '-ex', 'delete', '-ex',
                           'detach'], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    outcome = finish(process)
    assert re.search(r'Breakpoint 1, 0x\w+ in __svm_vcpu_run \(\)', done.stdout), done.stdout
    assert re.search(r'#1 .* in svm_vcpu_enter_exit \(\)', done.stdout), done.stdout
    assert outcome.status == OK
    assert b'all as expected: 1 instance' in outcome.output


# ---- a kernel that is wrong ----------------------------------------------------------------------

def break_module(path, function):
    """Bytes of a module whose function returns at once. Its first five bytes stay: there the
    kernel expects a call for its tracer."""
    data = modules.read(path)
    with tempfile.NamedTemporaryFile(suffix='.ko') as file:
        file.write(data)
        file.flush()
        symbol = subprocess.run(['readelf', '-sW', file.name], capture_output=True, text=True)
        sections = subprocess.run(['readelf', '-SW', file.name], capture_output=True, text=True)
    fields = re.search(rf'^.* {function}$', symbol.stdout, re.MULTILINE)[0].split()
    section = re.search(rf'^ *\[ *{fields[6]}\] \S+ +PROGBITS +\S+ (\S+)', sections.stdout,
                        re.MULTILINE)
    at = int(section[1], 16) + int(fields[1], 16) + 5
    return data[:at] + b'\xc3' + data[at + 1:]


def test_a_broken_module_turns_cases_red_and_the_lab_lives(tmp_path):
    kernel = kernels.find(None)
    broken = tmp_path / 'kvm-amd.ko'
    broken.write_bytes(break_module(modules.index(kernel.modules)['kvm_amd'], 'svm_set_idt'))
    outcome = lab('svm', *SMALL, '--module', str(broken), '--', 'assay', 'run', '-j1',
                  'io/out/imm8_al')
    assert outcome.status == 1, outcome.errors
    assert outcome.reason() is None
    assert re.search(rb'^FAIL ', outcome.output, re.MULTILINE)
    assert re.search(rb'^not as expected: ', outcome.output, re.MULTILINE)


@pytest.mark.parametrize('processors, allowed', [(1, '0'), (2, '1-2'), (3, '1-3')])
def test_no_guest_runs_on_the_first_of_several_processors(processors, allowed):
    """Not in QEMU: the others disturb it."""
    done = lab('svm', '--smp', str(processors), *SMALL, '--', 'sh', '-c',
               'nproc; grep Cpus_allowed_list /proc/self/status')
    assert done.output.decode().split() == [str(processors), 'Cpus_allowed_list:', allowed]


@pytest.mark.parametrize('processors, version, held', [(1, (7, 2, 22), 0), (2, (7, 2, 22), 2),
                                                       (2, (8, 1, 0), 0)])
def test_guests_are_held_where_patches_are_lost(processors, version, held, tmp_path):
    """Each VM has a directory in debugfs."""
    real = shutil.which('qemu-system-x86_64')
    emulator = tmp_path / 'qemu-system-x86_64'
    emulator.write_text(f'''#!/bin/sh
[ "$1" = --version ] && echo "QEMU emulator version {'.'.join(map(str, version))}" && exit
exec {real} "$@"
''')
    emulator.chmod(0o755)
    done = lab('svm', '--emulator', emulator, '--smp', str(processors), *SMALL, '--', 'sh', '-c',
               'ls /sys/kernel/debug/kvm | grep -c "^[0-9]"')
    assert done.output == f'{held}\n'.encode(), done.errors
