# SPDX-License-Identifier: GPL-2.0-only
"""Kernels for labs that no distribution has: built of its source with a configuration of ours,
once, and kept in the cache. "debug" is the one with all checks; debug.config says which."""

import contextlib
import glob
import hashlib
import os
import re
import resource
import shutil
import subprocess
import time

from . import kernel_source, packages
from .config import Unavailable, cache_directory

CONFIGURATION = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'debug.config')
NAME = re.compile(r'debug(?:-(\d+\.\d+))?')
TOOLS = ('gcc', 'make', 'flex', 'bison', 'bc')
# A page that is free has a pattern, by which a guest is caught that still writes to it: KASAN
# does not see what guests do. With five levels KASAN takes an interrupt for a wild access that
# comes while the kernel finds out what its processor has. The agent writes many lines to the log.
ARGUMENTS = 'page_poison=1 no5lvl printk.devkmsg=on'
SLOW = 5                # times slower than a distribution's, at most
TARGETS = ('bzImage', 'modules')
DONE = 'built'          # a file that is there when all is
# What is of no use when the kernel is there: modules of others are built without it.
WASTE = ('.o', '.a', '.cmd', '.mod', '.mod.c', '.d', 'vmlinux', 'vmlinux.bin', 'vmlinux.bin.gz')


def is_name(wanted):
    """Whether that is what a kernel of ours is asked for by: "debug", "debug-6.12"."""
    return bool(NAME.fullmatch(wanted or ''))


def configuration(path=CONFIGURATION):
    """Lines of the configuration that set something: ["CONFIG_SMP=y"]."""
    with open(path, encoding='utf-8') as file:
        return [line.strip() for line in file if line.startswith('CONFIG_')]


def ensure(wanted='debug'):
    """The build directory of a kernel, which is built if it is not in the cache: the image is
    below arch/x86/boot, modules are in the tree, others can be built against it. Raises
    UsageError if there is no such source, Unavailable if it cannot be built."""
    source = kernel_source.fetch(NAME.fullmatch(wanted)[1] or kernel_source.SERIES)
    lines = configuration()
    recipe = repr((source.version, lines, TARGETS, _compiler()))
    key = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    place = os.path.join(cache_directory(), 'built', f'debug-{source.version}-{key}')
    with packages.locked('built'):
        if not os.path.exists(os.path.join(place, DONE)):
            _build(source, [*lines, f'CONFIG_LOCALVERSION="-debug-{key}"'], place)
    return place


def image(place):
    """Path of the bzImage in a build directory."""
    return os.path.join(place, 'arch/x86/boot/bzImage')


def _compiler():
    """What the compiler calls itself, for what one makes another's modules do not fit."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise Unavailable(f'there is no {" and no ".join(missing)} to build a kernel with: '
                          'make deps installs it')
    return subprocess.run(['gcc', '--version'], capture_output=True,
                          text=True).stdout.split('\n', 1)[0]


def _build(source, lines, place):
    """Builds in a directory; what an interrupted build left is gone on from."""
    packages.note(f'building Linux {source.version} with all checks in {place}: once, '
                  'about 12 minutes of processor time')
    os.makedirs(place, exist_ok=True)
    start, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    wish = os.path.join(place, 'wanted.config')
    with open(wish, 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')
    _make(source, place, f'KCONFIG_ALLCONFIG={wish}', 'allnoconfig')
    check(lines, os.path.join(place, '.config'))
    _make(source, place, *TARGETS)
    _tidy(place)
    for old in glob.glob(re.sub(r'[^-]*$', '*', place)):
        if old != place:        # of another configuration or compiler
            shutil.rmtree(old)
    with open(os.path.join(place, DONE), 'w', encoding='utf-8') as file:
        file.write(f'{source.version}\n')
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    packages.note(f'built in {time.monotonic() - start:.0f} s, {spent:.0f} s of processor time')


def check(lines, path):
    """Raises Unavailable unless the configuration in the file has all that the lines want: what
    cannot be had, make leaves out without a word."""
    with open(path, encoding='utf-8') as file:
        there = set(file.read().splitlines())
    lost = [line for line in lines if line not in there]
    if lost:
        raise Unavailable(f'this kernel does not take {", ".join(lost)} of ci/labs/debug.config')


def _make(source, place, *arguments):
    """Runs make for the kernel. Raises Unavailable with what went wrong."""
    variables = {key: value for key, value in os.environ.items()
                 if not key.startswith('MAKE') and key not in ('CC', 'CFLAGS', 'LDFLAGS', 'ARCH')}
    variables.update(KBUILD_BUILD_TIMESTAMP='1970-01-01', KBUILD_BUILD_USER='assay',
                     KBUILD_BUILD_HOST='lab', LC_ALL='C')
    done = subprocess.run(['make', '-s', f'-j{len(os.sched_getaffinity(0))}', '-C', source.path,
                           f'O={place}', *arguments], env=variables, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        said = done.stdout.decode(errors='replace').splitlines()
        wrong = [line for line in said if 'rror' in line] or said
        raise Unavailable(f'the kernel cannot be built (make -C {source.path} O={place}): '
                          + ' / '.join(wrong[:4]))


def _tidy(place):
    """Removes what only building the kernel anew would need: most of the room."""
    for top, below, files in os.walk(place):
        if os.path.relpath(top, place) == '.':
            below[:] = [name for name in below if name not in ('scripts', 'tools')]
        for name in files:
            if name.endswith(WASTE) or name.startswith('.tmp_vmlinux'):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(top, name))
