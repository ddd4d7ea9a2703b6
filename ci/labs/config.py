# SPDX-License-Identifier: GPL-2.0-only
"""What is asked of a lab, and the ways in which it can fail to be had."""

import dataclasses
import os
import typing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGETS = ('svm', 'vmx', 'svm-bochs')
# Whose modules a lab loads: the kernel's own KVM, this tree's assay.ko, or one after the other.
HYPERVISORS = ('kvm', 'assay', 'both')


class UsageError(Exception):
    """What was asked for makes no sense: exit status 2."""


class Unavailable(Exception):
    """This machine cannot give the lab, or the kernel does not start: exit status 125."""


class BuildFailed(Exception):
    """What was to be tested does not build: exit status 1. The text begins with what was said."""


@dataclasses.dataclass
class Config:
    """One lab as asked for. None leaves the choice to the target, or to the distribution.

    kernel      version prefix ("6.1"), package version, path of a bzImage or of a .deb
    modules     a directory lib/modules/RELEASE, for a kernel given by its path
    hypervisor  one of HYPERVISORS; an assay.ko that is not in replaced is built, and is in it then
    replaced    paths of .ko files that stand in for those of the same name
    emulator    path of a binary, or the name of a suite to take it from
    memory      MiB
    parameters  "MODULE.NAME=VALUE" each
    append      more kernel arguments
    timeout     seconds for everything: boot and command
    stall       seconds without any sign of life
    files       (source, path in the lab) each; directories are copied whole
    fetch       (path in the lab, directory or file here) each, copied when the command ended
    log         where the console log is kept; None: below build/lab/logs, if the run fails
    gdb         path of a socket where the emulator shall serve a debugger
    icount      time is what instructions take: 2 to the power of this nanoseconds each
    """
    target: str = 'svm'
    kernel: typing.Optional[str] = None
    modules: typing.Optional[str] = None
    hypervisor: str = 'kvm'
    replaced: tuple = ()
    emulator: typing.Optional[str] = None
    cpu: typing.Optional[str] = None
    smp: int = 1
    memory: typing.Optional[int] = None
    parameters: tuple = ()
    append: str = ''
    timeout: typing.Optional[float] = None
    stall: typing.Optional[float] = None
    files: tuple = ()
    fetch: tuple = ()
    log: typing.Optional[str] = None
    gdb: typing.Optional[str] = None
    icount: typing.Optional[int] = None


def cache_directory():
    """Where what can be made again is kept; made if it is not there."""
    chosen = os.environ.get('ASSAY_LAB_CACHE')
    if not chosen:
        home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
        chosen = os.path.join(home, 'assay', 'lab')
    chosen = os.path.abspath(chosen)
    try:
        os.makedirs(chosen, exist_ok=True)
    except OSError as error:
        raise Unavailable(f'{chosen}: {error.strerror}: ASSAY_LAB_CACHE names another directory '
                          'for kernels') from None
    return chosen
