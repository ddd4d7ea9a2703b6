# SPDX-License-Identifier: GPL-2.0-only
"""assay.ko for a lab's kernel: built when it is needed, below build/kmod/RELEASE."""

import os
import subprocess

from . import headers, modules, packages
from .config import ROOT, BuildFailed

SOURCES = os.path.join(ROOT, 'kmod')
NAME = 'assay'
NODE = '/dev/assay'


def directory(kernel, kind='kmod'):
    """Where it is built; kind: another directory of build/."""
    return os.path.join(ROOT, 'build', kind, kernel.release)


def make(kernel, out, *arguments):
    """Builds it in a directory. Returns all that was said, for people. Raises Unavailable if
    there are no headers, BuildFailed if it does not build."""
    tree = headers.find(kernel)
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith('MAKE') and key not in ('CC', 'CFLAGS', 'LDFLAGS')}
    with packages.locked('kmod-' + kernel.release):     # labs start at the same time
        done = subprocess.run(['make', '-s', '--no-print-directory', '-C', SOURCES,
                               f'-j{os.cpu_count()}', f'KDIR={tree}', f'OUT={out}', *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors='replace', stdin=subprocess.DEVNULL, env=environment)
    if done.returncode:
        raise BuildFailed(f'{done.stdout.strip()}\nassay.ko does not build for Linux '
                          f'{kernel.release} (make -C kmod KDIR={tree})')
    return done.stdout


def build(kernel):
    """Brings assay.ko for a Kernel up to date: its path. Raises as make()."""
    out = directory(kernel)
    make(kernel, out)
    return os.path.join(out, NAME + '.ko')


def among(paths):
    """Whether one of these files is an assay.ko."""
    return any(modules.name_of(path) == NAME for path in paths)
