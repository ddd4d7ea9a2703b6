# SPDX-License-Identifier: GPL-2.0-only
"""`ci/lab gdb`: the lab boots, waits until a debugger is there, begins the case, and stops
where the lab's kernel enters the guest."""

import os
import shlex
import shutil
import subprocess
import sys

from . import frames, modules, session, symbols
from .config import UsageError

SCRIPT = '''set pagination off
set confirm off
set architecture i386:x86-64
{files}
target remote {socket}
hbreak *{address:#x}
shell touch {go}
echo \\nThe lab stops at {name}, where the kernel enters the guest of {case}.\\n\\n
continue
'''


class Debugger(session.Observer):
    """Has the agent wait, makes a script for gdb of the kernel's symbols, and starts gdb
    with it or says how to."""

    settings = (('wait', '1'),)

    def __init__(self, config, case, entries, vmlinux=None, run=True):
        """vmlinux: path of the kernel with debug information, or None. run: start gdb, if
        there is one; False only says how to."""
        self.config = config
        self.case = case
        self.entries = entries
        self.vmlinux = vmlinux
        self.run = run and bool(shutil.which('gdb'))
        self.text = []
        self.session = None
        self.debugger = None
        self.gone = False

    def begin(self, running):
        self.session = running

    def path(self, name):
        return os.path.join(os.path.dirname(self.config.gdb), name)

    def frame(self, kind, payload):
        if kind == frames.SYMBOLS and payload:
            self.text.append(payload)
        elif kind == frames.SYMBOLS:
            self._attach(symbols.parse(b''.join(self.text).decode()))

    def _attach(self, known):
        entry = symbols.find(known, self.entries)
        if not entry:
            raise session.Failure(session.CANNOT, 'the kernel has none of the symbols '
                                  + ', '.join(self.entries))
        if not self.vmlinux:
            with open(self.path('symbols'), 'wb') as file:
                file.write(symbols.elf(known))
        files = ['file ' + shlex.quote(self.vmlinux or self.path('symbols'))]
        files += self._module_files(known)
        script = self.path('script')
        with open(script, 'w', encoding='utf-8') as file:
            file.write(SCRIPT.format(files='\n'.join(files), socket=self.config.gdb,
                                     name=entry[0], address=entry[1], case=self.case,
                                     go=shlex.quote(self.path('go'))))
        if self.run:
            self.debugger = subprocess.Popen(['gdb', '-q', '-x', script])
        else:
            print(f'lab: the lab waits for: gdb -x {script}\n'
                  f'lab: or, in a debugger that runs: target remote {self.config.gdb}; then '
                  f'touch {self.path("go")}', file=sys.stderr, flush=True)

    def _module_files(self, known):
        """Commands for modules that were given with their debug information."""
        for path in self.config.replaced:
            data = modules.read(path)
            name = modules.name_of(path)
            if symbols.has_debug_information(data):
                places = symbols.section_addresses(data, name, known)
                options = ''.join(f' -s {section} {address:#x}'
                                  for section, address in sorted(places.items()))
                yield f'add-symbol-file {shlex.quote(path)}{options}'

    def look(self):
        if not self.gone and os.path.exists(self.path('go')):
            self.gone = True
            self.session.send(frames.GO)

    def done(self):
        """Whether the debugger was there and has ended."""
        return self.debugger is not None and self.debugger.poll() is not None

    def end(self):
        if self.debugger is not None:
            if self.debugger.poll() is None:
                self.debugger.terminate()
            self.debugger.wait()


def check(kind):
    """Raises UsageError if the emulator serves no debugger."""
    if not kind.can_debug:
        raise UsageError(f'the emulator of the {kind.name} lab serves no debugger: a Bochs has '
                         'either that or a debugger of its own, which distributions choose; '
                         'ci/lab gdb svm works')
