# SPDX-License-Identifier: GPL-2.0-only
"""The command `ci/lab`: options, messages, exit status."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile

from . import debugger, initramfs, kernels, kmod, machine, session, shell
from .config import HYPERVISORS, TARGETS, BuildFailed, Config, Unavailable, UsageError

FOREVER = 365 * 86400    # seconds, for what a person sits before

DESCRIPTION = '''Runs COMMAND in a lab: a distribution's kernel with its own KVM modules on
emulated hardware. svm is AMD hardware in QEMU, vmx Intel hardware in Bochs, svm-bochs a second
opinion on AMD's. assay is in the lab's PATH, and so are the applets of busybox. Nothing needs
root. `shell` gives a shell in the lab on this terminal. `gdb` stops where the lab's kernel enters
the guest of a case, and starts gdb there. docs/labs.md says more.'''
EPILOGUE = '''exit status: that of COMMAND (128 + N if signal N ended it); 1 assay.ko does not
build; 2 bad usage; 3 the lab died or its kernel reported an error or refused assay.ko, whatever
COMMAND says; 124 the time limit; 125 this machine cannot give the lab, or its kernel does not
start, which `git bisect run` skips on.'''


class Interrupted(Exception):
    """A signal asks us to end."""


class Parser(argparse.ArgumentParser):
    """Words errors as the rest of Assay does."""

    def error(self, message):
        raise UsageError(message)


def parser():
    """The parser of all options; the command is not its business."""
    made = Parser(prog='ci/lab', description=DESCRIPTION, epilog=EPILOGUE, allow_abbrev=False,
                  usage='ci/lab svm|vmx|svm-bochs [OPTIONS] -- COMMAND...\n'
                        '       ci/lab shell svm|vmx|svm-bochs [OPTIONS]\n'
                        '       ci/lab gdb svm CASE [OPTIONS]')
    add = made.add_argument
    add('--kernel', metavar='WHICH', help='how the version of a kernel package begins (6.1, 6.12), '
        'the whole version, the path of a bzImage or .deb, or debug: built with all checks when '
        'first used (default: the release\'s kernel)')
    add('--modules', metavar='DIR', help='where the modules of a kernel given by path are: '
        'lib/modules/RELEASE, or a build tree')
    add('--hypervisor', metavar='WHOSE', choices=HYPERVISORS, default='kvm',
        help="kvm: the kernel's own modules (default); assay: assay.ko of this tree, built for "
        'the kernel, which gives /dev/assay; both: the first to have a VM keeps the processor')
    add('--module', metavar='FILE.ko', action='append', default=[], dest='replaced',
        help='a module to load instead of the one of that name; may be repeated')
    add('--emulator', metavar='BINARY', help='another emulator')
    add('--cpu', metavar='MODEL', help='processor model, as the emulator names it')
    add('--smp', metavar='N', type=number(1, 64), default=1, help='processors (1)')
    add('--memory', metavar='MIB', type=number(128, 65536), help='memory of the lab')
    add('--icount', metavar='SHIFT', type=number(0, 10), help='time is what instructions take: '
        'each 2 to the power of SHIFT nanoseconds, so runs can be repeated (svm)')
    add('--param', metavar='MODULE.NAME=VALUE', action='append', default=[], dest='parameters',
        help='a module parameter, e.g. kvm_amd.npt=0; may be repeated')
    add('--append', metavar='ARGUMENTS', default='', help='more kernel arguments')
    add('--timeout', metavar='SECONDS', type=number(1, 86400), help='limit for all of it')
    add('--stall', metavar='SECONDS', type=number(1, 86400),
        help='limit for the time without a sign of life')
    add('--file', metavar='SOURCE[=DEST]', action='append', default=[], dest='files',
        help='a file or directory to have in the lab, at /NAME without DEST; may be repeated')
    add('--fetch', metavar='PATH=DEST', action='append', default=[],
        help='a file or directory to copy out of the lab afterwards; may be repeated')
    add('--log', metavar='FILE', help='keep the console log there (default: below build/lab/logs, '
        'if the run fails)')
    add('--symbols', metavar='VMLINUX', help='gdb: the kernel with its debug information')
    add('--no-gdb', action='store_true', help='gdb: start none, say how to')
    add('--quiet', action='store_true', help='no summary after a run without fault')
    add('--refresh', action='store_true', help='look for newer packages before')
    return made


def number(least, most):
    """A type of option values."""
    def convert(text):
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f'takes a number from {least} to {most}, not "{text}"')
        return int(text)
    return convert


def source_and_destination(text):
    """"SOURCE[=DEST]": a file whose own name has a "=" is meant if there is one."""
    source, sign, to = text.rpartition('=')
    if os.path.exists(text) or not sign:
        source, to = text, ''
    return source, to or os.path.basename(os.path.abspath(source))


def path_and_destination(text):
    """"PATH=DEST" of --fetch."""
    path, sign, to = text.partition('=')
    if not path or not to:
        raise UsageError(f'--fetch takes PATH=DEST, not "{text}"')
    return path, to


def configure(target, options):
    """The Config that options ask for."""
    fields = {name: value for name, value in vars(options).items()
              if name not in ('quiet', 'refresh', 'symbols', 'no_gdb')}
    fields['files'] = tuple(source_and_destination(text) for text in options.files)
    fields['fetch'] = tuple(path_and_destination(text) for text in options.fetch)
    fields['replaced'], fields['parameters'] = tuple(options.replaced), tuple(options.parameters)
    return Config(target=target, **fields)


# ---- running ---------------------------------------------------------------------------------

def writer(descriptor):
    """A function that writes all of some bytes to a file descriptor."""
    def write(data):
        while data:
            data = data[os.write(descriptor, data):]
    return write


def say(text):
    print(text, file=sys.stderr, flush=True)


def summary(target, result):
    """One line: what ran on what, and how long it took."""
    seconds = ('not booted' if result.boot_seconds is None else
               f'boot {result.boot_seconds:.1f} s')
    if result.command_seconds is not None:
        seconds += f', command {result.command_seconds:.1f} s'
    return (f'lab {target}: Linux {result.kernel}, {result.emulator}, {seconds}, '
            f'status {result.status}')


def report(target, result, quiet):
    """Says what a person needs to know of a run."""
    if result.reason:
        for line in result.console_tail:
            say('  | ' + line)
        say(f'lab {target}: failed: {result.reason}')
        for name in result.last_cases:
            say(f'lab {target}: the last case was {name}')
        say(f'lab {target}: console log: {result.console_path}')
    if result.reason or not quiet:
        say(summary(target, result))


def run(target, options, command):
    """`ci/lab TARGET -- COMMAND`."""
    if not command:
        raise UsageError('what to run is missing: ci/lab svm [OPTIONS] -- COMMAND...')
    result = session.run(configure(target, options), command, writer(1), writer(2))
    report(target, result, options.quiet)
    return result.status


def run_shell(target, options, command):
    """`ci/lab shell TARGET`."""
    config = configure(target, options)
    config.timeout = config.timeout or FOREVER
    result = session.run(config, command or shell.command(), writer(1), writer(2),
                         observer=shell.Terminal())
    report(target, result, options.quiet)
    return result.status


def run_debugger(target, options, case):
    """`ci/lab gdb TARGET CASE`."""
    config = configure(target, options)
    kind = machine.kind(target)
    debugger.check(kind)
    known = subprocess.run([initramfs.PROGRAM, 'show', case], capture_output=True, text=True)
    if known.returncode:
        raise UsageError(known.stderr.strip())
    config.timeout, config.stall = config.timeout or FOREVER, config.stall or FOREVER
    with tempfile.TemporaryDirectory(prefix='assay-gdb-') as place:
        config.gdb = os.path.join(place, 'socket')
        observer = debugger.Debugger(config, case, kind.entries, options.symbols,
                                     not options.no_gdb)
        if observer.run:    # then Ctrl-C is for gdb, which would inherit SIG_IGN
            signal.signal(signal.SIGINT, lambda *_: None)
        on = ['--on', kmod.NODE] if config.hypervisor == 'assay' else []
        result = session.run(config, ['assay', 'run', '-j1', *on, case], writer(1), writer(2),
                             observer.done, observer)
    if observer.done():
        return 0
    report(target, result, options.quiet)
    return result.status


def dispatch(arguments):
    """Runs what was typed; the exit status."""
    if not arguments or arguments[0] in ('-h', '--help'):
        parser().print_help()
        return 0 if arguments else session.USAGE
    action, rest = run, list(arguments)
    if rest[0] in ('shell', 'gdb'):
        action = run_shell if rest.pop(0) == 'shell' else run_debugger
        if not rest:
            raise UsageError(f'which lab is missing: ci/lab {arguments[0]} svm')
    target, command = rest.pop(0), []
    if target not in TARGETS:
        raise UsageError(f'there is no lab "{target}": it is one of {", ".join(TARGETS)}')
    if action is run_debugger:
        if not rest or rest[0].startswith('-'):
            raise UsageError('which case is missing: ci/lab gdb svm CASE')
        command = rest.pop(0)
    elif '--' in rest:
        at = rest.index('--')
        rest, command = rest[:at], rest[at + 1:]
    options = parser().parse_args(rest)
    if options.refresh:
        kernels.refresh()
    return action(target, options, command)


def main(arguments):
    """Exit status of `ci/lab ARGUMENTS`."""
    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number_of_signal, _):
        for ending in endings:      # a second one shall not disturb the cleaning up
            signal.signal(ending, signal.SIG_IGN)
        raise Interrupted(number_of_signal)

    for ending in endings:
        signal.signal(ending, interrupt)
    try:
        return dispatch(arguments)
    except UsageError as error:
        say(f'lab: {error}')
        return session.USAGE
    except Unavailable as error:
        say(f'lab: {error}')
        return session.CANNOT
    except BuildFailed as error:
        say(f'lab: {error}')
        return session.FAILED
    except Interrupted as error:
        return 128 + error.args[0]
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
