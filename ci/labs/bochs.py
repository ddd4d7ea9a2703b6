# SPDX-License-Identifier: GPL-2.0-only
"""VMX hardware emulated by Bochs, and SVM hardware as a second opinion to QEMU's."""

import os
import pty
import re
import shutil
import subprocess
import tty

from . import bochs_build, bochs_image, machine, slim
from .config import Unavailable

BIOS = ('/usr/share/bochs/BIOS-bochs-latest', '/usr/local/share/bochs/BIOS-bochs-latest')
VGA_BIOS = ('/usr/share/vgabios/vgabios.bin', '/usr/share/bochs/VGABIOS-lgpl-latest',
            '/usr/local/share/bochs/VGABIOS-lgpl-latest')

# Instructions per emulated second. The fewer, the faster are the serial line and all that
# waits for time to pass; but the timer interrupts 250 times in each such second.
INSTRUCTIONS_PER_SECOND = 20000000

# A build for labs alone has neither display nor sound. The distribution's has, and must be
# told to do without: it would wait for who looks at it, and fails where nothing can sound.
NO_DISPLAY = 'display_library: nogui'
DISPLAY = 'display_library: rfb, options="timeout=0"\nsound: waveoutdrv=dummy'

CONFIGURATION = '''\
cpu: model={cpu}, count={smp}, ips={ips}, ignore_bad_msrs=1, reset_on_triple_fault=0
memory: guest={memory}, host={memory}{block_size}
romimage: file={bios}, options=fastboot
vgaromimage: file={vga_bios}
optromimage1: file={rom}, address={rom_address:#x}
optramimage1: file={image}, address={header:#x}
{display}
vga: extension=none, update_freq=1
floppya: type=none
ata0: enabled=0
boot: disk
clock: sync=none
com1: enabled=1, mode=file, dev={console}
com2: enabled=1, mode=term, dev={line}
port_e9_hack: enabled=1
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
'''


class Bochs(machine.Machine):
    """What both kinds have in common."""

    package = program = 'bochs'
    seen_as = 'Bochs'
    cpu = ''                # model, unless asked otherwise
    floor = (2, 7)          # the oldest version that serves
    memory = 512
    timeout = 1200
    stall = 120
    # Work that a kernel does once and only a developer of the kernel needs is left out: an
    # emulated processor takes seconds for it.
    arguments = ('console=ttyS0 loglevel=4 panic=-1 nokaslr tsc=reliable no_timer_check '
                 'mitigations=off cryptomgr.notests clearcpuid=124 initcall_blacklist='
                 'load_system_certificate_list,ftrace_check_for_weak_functions,ftrace_check_sync,'
                 'trace_eval_init,trace_eval_sync')

    def identify(self):
        path = self.emulator or bochs_build.ensure() or shutil.which('bochs')
        if not path:
            raise Unavailable('there is no bochs: make deps installs it, --emulator names another')
        try:
            done = subprocess.run([path, '--help'], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL)
        except OSError as error:
            raise Unavailable(f'{path}: {error.strerror}') from None
        text = done.stdout + done.stderr
        match = re.search(r'Bochs x86 Emulator (\d+)\.(\d+)', text)
        if not match:
            raise Unavailable(f'{path} --help says no version of Bochs: {text.strip()[:200]}')
        name = 'Bochs ' + '.'.join(match.groups())
        version = tuple(map(int, match.groups()))
        if version < self.floor:
            raise Unavailable(f'{path} is {name}, and this lab needs '
                              f'{".".join(map(str, self.floor))} or newer')
        self.emulator = path
        self.has_debugger = '-rc ' in text
        # Blocks had one size before it could be chosen.
        self.block_size = ', block_size=128' if version >= (3, 0) else ''
        with open(path, 'rb') as file:      # which displays are in it, it does not say
            self.display = NO_DISPLAY if b'nogui' in file.read() else DISPLAY
        return name

    def module(self, data):
        return slim.slim(data)

    def start(self, boot):
        names = ('console', 'marks', 'words', 'log', 'bochsrc', 'rom', 'image', 'commands')
        console, marks, words, log, configuration, rom, image, commands = (
            os.path.join(boot.scratch, name) for name in names)
        for path in (console, marks, words, log):
            open(path, 'wb').close()
        bochs_image.rom(rom)
        bochs_image.memory(boot, image)
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(
                cpu=boot.cpu or self.cpu, smp=boot.smp, ips=INSTRUCTIONS_PER_SECOND,
                memory=boot.memory, block_size=self.block_size,
                display=self.display, bios=first(BIOS), vga_bios=first(VGA_BIOS), rom=rom,
                rom_address=bochs_image.ROM_ADDRESS, image=image, header=bochs_image.HEADER,
                console=console, line=os.ttyname(theirs), log=log))
        command = [self.emulator, '-q', '-f', configuration]
        if self.has_debugger:       # it waits to be told to go on
            with open(commands, 'w', encoding='utf-8') as file:
                file.write('c\n')
            command += ['-rc', commands]
        process = machine.spawn(command, words, output=marks)
        return Running(process, machine.Channel(ours, ours), console, marks, log, words, theirs)


class Running(machine.Running):
    """A started Bochs."""

    def __init__(self, process, channel, console, marks, log, words, line):
        super().__init__(process, channel, console, marks, log)
        self.words = words
        self.line = line    # kept open: else the line hangs up before Bochs has opened it

    def explain(self):
        panics = [line for line in machine.last_lines(self.errors, 1000) if '>>PANIC<<' in line]
        return panics[-3:] or machine.last_lines(self.words, 5)

    def stop(self):
        super().stop()
        if self.line is not None:
            os.close(self.line)
            self.line = None


class Vmx(Bochs):
    """A processor with VMX, EPT, VPID and unrestricted guest."""

    name = 'vmx'
    modules = ('kvm_intel',)
    cpu = 'corei7_haswell_4770'


class Svm(Bochs):
    """A processor with SVM and nested paging. Older versions end at the first #VMEXIT from
    virtual-8086 mode, or in a guest that is stepped; bochs_build.CHANGES mends the rest."""

    name = 'svm-bochs'
    floor = (3, 0)
    modules = ('kvm_amd',)
    cpu = 'trinity_apu'


def first(paths):
    """The first of these files that is there."""
    for path in paths:
        if os.path.exists(path):
            return path
    raise Unavailable(f'there is no {paths[0]}: make deps installs it (bochsbios, vgabios)')
