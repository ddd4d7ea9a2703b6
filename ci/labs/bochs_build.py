# SPDX-License-Identifier: GPL-2.0-only
"""Bochs for labs, built from Debian's source package: without debugger and instrumentation,
which the distribution's binary is built with, it executes three times as many instructions a
second, and flaws are mended that no option helps against. Built once, kept in the cache."""

import glob
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import time

from . import packages
from .config import Unavailable, cache_directory

SUITE, PACKAGE, VERSION = 'trixie', 'bochs', '3.0+dfsg-1'
OPTIONS = ('--with-nogui', '--disable-plugins', '--disable-docbook', '--disable-debugger',
           '--enable-smp', '--enable-cpu-level=6', '--enable-x86-64', '--enable-vmx=2',
           '--enable-svm', '--enable-avx', '--enable-evex', '--enable-pci', '--disable-usb',
           '--enable-long-phy-address', '--enable-all-optimizations')
FLAGS = '-O2'
AGAIN = 24 * 3600       # seconds until a build that failed is tried again

# (file, line that occurs in it once, what to put after it).
CHANGES = (
    # A guest whose IF is clear when it is entered is never interrupted: while VM entry reads
    # the guest's RFLAGS the processor is not yet seen as in a guest, so external interrupts
    # are masked by IF as on a host, in spite of external-interrupt exiting (SDM 3 26.2).
    ('cpu/vmx.cc', '  BX_CPU_THIS_PTR in_vmx_guest = true;', '  handleInterruptMaskChange();'),
    # An EPT violation while an event is delivered saves RF set, and the event pushes it when it
    # is injected again: whether one is delivered has been forgotten by then (SDM 27.3.3). The
    # IDT-vectoring information still has it.
    ('cpu/vmx.cc', '      if (! BX_CPU_THIS_PTR in_event)',
     '      if (! (VMread32(VMCS_32BIT_IDT_VECTORING_INFO) & 0x80000000))'),
    # The same at VMRUN, where the host's IF is what counts (APM 2 15.21.1).
    ('cpu/svm.cc', '  BX_CPU_THIS_PTR in_svm_guest = true;', """\
  handleInterruptMaskChange();
  if (SVM_V_INTR_MASKING && SVM_HOST_IF)
    unmask_event(BX_EVENT_PENDING_INTR | BX_EVENT_PENDING_LAPIC_INTR);"""),
    # VMRUN reads the guest's CR2 and does not load it (APM 2 15.5.1).
    ('cpu/svm.cc', '  BX_CPU_THIS_PTR cr3 = guest.cr3;', '  BX_CPU_THIS_PTR cr2 = guest.cr2;'),
    # #VMEXIT from virtual-8086 mode ends Bochs: EFLAGS.VM is still set when the host's long mode
    # is there again. It is saved by then, and the host never has it (APM 2 15.6; Bochs issue 647).
    ('cpu/svm.cc', '  BX_CPU_THIS_PTR tsc_offset = 0;',
     '  BX_CPU_THIS_PTR eflags &= ~EFlagsVMMask;'),
    # The trap of a stepped instruction that exits instead comes in the host, where GIF does not
    # hold it back; and VMRUN, which the host has behind STI, is a shadow for the guest.
    ('cpu/svm.cc', '  SvmExitSaveGuestState();', """\
  BX_CPU_THIS_PTR debug_trap = 0;
  BX_CPU_THIS_PTR inhibit_mask = 0;"""),
    ('cpu/svm.cc', '  CPL = guest.cpl;', '  BX_CPU_THIS_PTR inhibit_mask = 0;'),
    # An intercepted #DB leaves DR6 and DR7 as its handler would see them (APM 2 15.12.2).
    ('cpu/svm.cc', '    BX_CPU_THIS_PTR in_event = false; // clear in_event indication on #DF', """\
  if (vector == BX_DB_EXCEPTION) {
    BX_CPU_THIS_PTR dr6.val32 = (BX_CPU_THIS_PTR dr6.val32 & ~0xf) |
                                (BX_CPU_THIS_PTR debug_trap & 0xe00f);
    BX_CPU_THIS_PTR dr7.set_GD(0);
  }"""),
    # EVENTINJ is clear after #VMEXIT, not without its valid bit alone: KVM sees what is left and
    # does not step over the IRET that an NMI waits for.
    ('cpu/svm.cc',
     '  vmcb_write32(SVM_CONTROL32_EVENT_INJECTION, ctrls->eventinj & ~0x80000000);',
     '  vmcb_write32(SVM_CONTROL32_EVENT_INJECTION, 0);'),
    # EXITINTINFO tells of any event whose delivery exits, not of exceptions alone (APM 2 15.7.2).
    ('cpu/exception.cc', '  BX_CPU_THIS_PTR in_event = true;', """\
#if BX_SUPPORT_SVM
  if (BX_CPU_THIS_PTR in_svm_guest) {
    SVM_CONTROLS *ctrls = &BX_CPU_THIS_PTR vmcb->ctrls;
    unsigned kind = type > BX_SOFTWARE_INTERRUPT ? BX_HARDWARE_EXCEPTION : type;
    ctrls->exitintinfo = vector | (kind << 8) | (push_error << 11);
    ctrls->exitintinfo_error_code = error_code;
  }
#endif"""),
    # With next-RIP save an injected INT n, INT3 or INTO pushes that RIP; a fault of its delivery
    # finds RIP where it was (APM 2 15.20).
    ('cpu/svm.cc', '  ctrls->exitintinfo_error_code = error_code;', """\
  if (type == BX_SOFTWARE_INTERRUPT || type == BX_SOFTWARE_EXCEPTION)
    RIP = vmcb_read64(SVM_CONTROL64_NRIP);"""),
)


def directory():
    """Where the build is kept: another one for another recipe."""
    recipe = repr((PACKAGE, VERSION, OPTIONS, FLAGS, CHANGES))
    name = f'{VERSION}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}'
    return os.path.join(cache_directory(), 'bochs', name)


def program():
    """Path of the built Bochs, or None."""
    path = os.path.join(directory(), 'bochs')
    return path if os.path.exists(path) else None


def ensure():
    """Path of the built Bochs; builds it if that has not been tried. None if it cannot be."""
    with packages.locked('bochs'):
        path = program()
        failed = directory() + '.failed'
        if path or (os.path.exists(failed) and time.time() - os.path.getmtime(failed) < AGAIN):
            return path
        packages.note(f'building Bochs {VERSION} in {directory()}: once, one to three minutes')
        try:
            return build()
        except Unavailable as error:
            packages.note(f'Bochs cannot be built, so the distribution\'s is used, which is '
                          f'slower and hangs in some cases: {error}; ci/labs/build-bochs tries '
                          'again')
            os.makedirs(os.path.dirname(failed), exist_ok=True)
            with open(failed, 'w', encoding='utf-8') as file:
                file.write(f'{error}\n')
            return None


def build(tarball=None):
    """Builds anew, from a source tarball if one is given, and gives the program's path. The
    caller has locked the build."""
    for tool in ('g++', 'make'):
        if not shutil.which(tool):
            raise Unavailable(f'there is no {tool}: install it')
    final = directory()
    os.makedirs(os.path.dirname(final), exist_ok=True)
    for left in glob.glob(os.path.join(os.path.dirname(final), '.build-*')):
        shutil.rmtree(left)     # of a build that was killed
    with tempfile.TemporaryDirectory(prefix='.build-', dir=os.path.dirname(final)) as work:
        with tarfile.open(tarball or fetch(work)) as archive:
            archive.extractall(work)
        trees = [entry.path for entry in os.scandir(work)
                 if os.path.exists(os.path.join(entry.path, 'cpu/vmx.cc'))]
        if len(trees) != 1:
            raise Unavailable(f'{tarball or PACKAGE}: this is no source of Bochs')
        change(trees[0])
        run(trees[0], 'sh', 'configure', *OPTIONS, f'CFLAGS={FLAGS}', f'CXXFLAGS={FLAGS}')
        run(trees[0], 'make', '-s', f'-j{len(os.sched_getaffinity(0))}')
        os.makedirs(final, exist_ok=True)
        built = os.path.join(final, '.bochs')
        shutil.copy(os.path.join(trees[0], 'bochs'), built)
        os.rename(built, os.path.join(final, 'bochs'))
    return program()


def change(tree):
    """Mends what CHANGES says."""
    for name, line, added in CHANGES:
        path = os.path.join(tree, name)
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            text = file.read()
        if text.count(line + '\n') != 1:
            raise Unavailable(f'{name} of this Bochs is not that of {VERSION}')
        with open(path, 'w', encoding='utf-8', errors='surrogateescape') as file:
            file.write(text.replace(line + '\n', f'{line}\n{added}\n'))


def run(tree, *command):
    """Runs one step of the build. Raises Unavailable with the end of what it said."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith('MAKE')}
    done = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, env=variables,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        lines = done.stdout.decode(errors='replace').splitlines()
        wrong = [line for line in lines if 'rror' in line] or lines
        raise Unavailable(f'{" ".join(command[:2])} failed: ' + ' / '.join(wrong[:3]))


# ---- the source -----------------------------------------------------------------------------

class Sources(packages.Archive):
    """The source packages of a release of Debian, from this machine's own mirror."""

    def __init__(self):
        super().__init__()
        self.suite = SUITE
        self.top = os.path.join(cache_directory(), 'apt', 'source-' + SUITE)

    def sources(self):
        stanzas = []
        for stanza in super().sources().split('\n\n'):
            fields = dict(line.split(': ', 1) for line in stanza.splitlines() if ': ' in line)
            if self.release in fields.get('Suites', '').split():
                fields.update(Types='deb-src', Suites=SUITE, Components='main')
                del fields['Architectures']
                stanzas.append(''.join(f'{key}: {value}\n' for key, value in fields.items()))
        return '\n'.join(stanzas)

    def fetch_tarball(self, target):
        """Fetches the source's tarball, whose hash apt checks, into a directory: its path."""
        with packages.locked('apt-' + os.path.basename(self.top)):
            self.refresh_lists()
            self.apt('apt-get', '-q', 'source', '--tar-only', '--download-only',
                     f'{PACKAGE}={VERSION}', directory=target)
        found = [name for name in os.listdir(target) if '.orig.tar.' in name]
        if not found:
            raise Unavailable(f'{SUITE} has no {PACKAGE} {VERSION}')
        return os.path.join(target, found[0])


def fetch(target):
    """Path of the source's tarball, fetched into a directory."""
    return Sources().fetch_tarball(target)
