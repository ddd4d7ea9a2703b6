# SPDX-License-Identifier: GPL-2.0-only
"""SVM hardware emulated by QEMU's TCG."""

import os
import re
import shutil
import subprocess

from . import machine
from .config import Unavailable

FLOOR = (7, 2, 15)
REASON = ('older ones let a guest without paging run on the physical memory of its host, and '
          'walk nested page tables wrongly')


# Before that CMPXCHG16B computed the flags it leaves alone from stale state, and the direction
# flag may come out set. The kernel's allocator uses it in its fast path alone, which red zones
# keep it from; and KVM can still offer it to guests, as it could not if the kernel were told
# that there is none.
GOOD_CMPXCHG = (8, 0, 0)


# Before that a processor could go on with code that another one had just patched, and hang in
# a breakpoint that was no longer there. KVM has code patched at the first and the last guest.
GOOD_PATCHING = (8, 1, 0)


# What the first processor knows of its guest, nested paging above all, is in one word (hflags2).
# Every other processor clears a bit of that (IGNNE#) whenever it restores its FPU, reading and
# writing without a lock: what the first has just changed is undone. It then walks its own tables
# as a guest's, and exits without having been entered, with its own RIP. No version is without.
# So of several processors the first only keeps house.


class Qemu(machine.Machine):
    """QEMU, without any hardware acceleration."""

    name = 'svm'
    seen_as = 'TCG'
    modules = ('kvm_amd',)
    package = 'qemu-system-x86'
    program = 'qemu-system-x86_64'
    # No timer check: on a busy host the emulated timer may come too late for it. Certificates
    # take a third of the boot to check, for modules that carry no signature here. Mitigations
    # take a tenth of everything, and an emulated processor speculates on nothing.
    arguments = ('console=ttyS0 loglevel=5 panic=-1 nokaslr tsc=reliable no_timer_check '
                 'cryptomgr.notests initcall_blacklist=load_system_certificate_list '
                 'mitigations=off')
    # Everything, but for the promise that REP MOVSB is fast: here it goes byte by byte, which
    # the kernel's and libc's copying pays for with a quarter of the time of a run.
    cpu = 'max,-erms,-fsrm'
    spares_first = True
    can_debug = True
    can_count = True
    entries = ('__svm_vcpu_run', 'svm_vcpu_run', 'svm_enter')

    def identify(self):
        path = self.emulator or shutil.which(self.program)
        if not path:
            raise Unavailable(f'there is no {self.program}: make deps installs it, '
                              '--emulator names another')
        try:
            done = subprocess.run([path, '--version'], capture_output=True, text=True)
        except OSError as error:
            raise Unavailable(f'--emulator {path}: {error.strerror}') from None
        match = re.search(r'version (\d+)\.(\d+)\.(\d+)', done.stdout)
        if not match:
            raise Unavailable(f'{path} --version says no version of QEMU: '
                              + (done.stderr or done.stdout).strip()[:200])
        version = tuple(int(number) for number in match.groups())
        name = 'QEMU ' + '.'.join(match.groups())
        if version < FLOOR:
            raise Unavailable(f'{path} is {name}, and the svm lab needs '
                              f'{".".join(map(str, FLOOR))} or newer: {REASON}; --emulator names '
                              'another')
        self.emulator = path
        if version < GOOD_CMPXCHG:
            self.arguments += ' slub_debug=Z'
        self.holds_guests = version < GOOD_PATCHING
        return name

    def start(self, boot):
        channel = machine.SocketChannel()
        console, marks, errors = (os.path.join(boot.scratch, name)
                                  for name in ('console', 'marks', 'errors'))
        for path in (console, marks):
            open(path, 'wb').close()
        initramfs = os.path.join(boot.scratch, 'initramfs')
        with open(initramfs, 'wb') as whole:
            for part in (boot.base, boot.job):
                with open(part, 'rb') as file:
                    shutil.copyfileobj(file, whole)
        # Counted time needs one thread for all processors. While they sleep it leaps ahead.
        accelerator = ['-accel', 'tcg,thread=multi']
        if boot.icount is not None:
            accelerator = ['-accel', 'tcg,thread=single', '-icount',
                           f'shift={boot.icount},sleep=off']
        command = [
            self.emulator, *accelerator, '-cpu', boot.cpu or self.cpu,
            '-smp', str(boot.spare + boot.smp), '-m', str(boot.memory), '-nodefaults',
            '-no-user-config', '-display', 'none', '-no-reboot',
            '-kernel', boot.vmlinux or boot.image, '-initrd', initramfs,
            '-append', boot.arguments,
            '-chardev', f'file,id=console,path={console}', '-serial', 'chardev:console',
            '-chardev', f'socket,id=channel,fd={channel.theirs.fileno()}',
            '-serial', 'chardev:channel',
            '-chardev', f'file,id=marks,path={marks}',
            '-device', 'isa-debugcon,iobase=0xe9,chardev=marks',
        ]
        if boot.gdb:
            command += ['-gdb', f'unix:{boot.gdb},server=on,wait=off']
        process = machine.spawn(command, errors, (channel.theirs.fileno(),))
        channel.theirs.close()
        return machine.Running(process, channel, console, marks, errors)
