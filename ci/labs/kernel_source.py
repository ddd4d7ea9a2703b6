# SPDX-License-Identifier: GPL-2.0-only
"""The source of a distribution's kernel, fetched and unpacked into the cache without root, for
what is built of it: nobody writes there, builds are in directories of their own (make O=)."""

import dataclasses
import functools
import glob
import os
import re
import shutil
import subprocess
import tempfile

from . import packages
from .config import Unavailable, UsageError, cache_directory

SERIES = '6.1'      # unless another one is asked for
# What no kernel for x86 is built of, and takes most of the room. Kconfig and Makefiles stay:
# one includes the other.
LEFT_OUT = ('arch/[!x]*/*.[chS]', 'arch/[!x]*/*.dts*', 'Documentation/*.rst',
            'Documentation/*.yaml', 'Documentation/*.txt', 'Documentation/*.svg',
            'drivers/gpu/drm/*.[ch]', 'drivers/media/*.[ch]', 'drivers/infiniband/*.[ch]',
            'drivers/net/wireless/*.[ch]', 'sound/*.[ch]', 'tools/perf/*', 'tools/testing/*')


@dataclasses.dataclass
class Source:
    """path: a directory that `make -C` can build in; version: of the package."""
    path: str
    version: str


def choose(archive, series):
    """(package, version) of the newest source of a series of an archive. Raises UsageError."""
    name = 'linux-source-' + series
    found = archive.index(re.escape(name))
    if not found:
        there = sorted(package.rpartition('-')[2] for package, _
                       in archive.index(r'linux-source-\d+\.\d+'))
        raise UsageError(f'{archive.suite} has no package {name}; there are sources of '
                         f'{", ".join(dict.fromkeys(there)) or "none"}')
    return max(found, key=functools.cmp_to_key(lambda a, b: packages.newer(a[1], b[1])))


def fetch(series=SERIES, archive=None):
    """The Source of a series ("6.1") of the distribution's kernels, its newest version as of
    the lists of packages in the cache (ci/lab --refresh fetches them anew). Raises UsageError
    if there is no such series, Unavailable if it cannot be had."""
    archive = archive or packages.Archive()
    package, version = choose(archive, series)
    top = os.path.join(cache_directory(), 'source', f'{package}_{version}')
    with packages.locked('source'):
        if not os.path.isdir(top):
            _unpack(archive, package, version, top)
    return Source(top, version)


def _unpack(archive, package, version, top):
    """Makes the directory, whole or not at all; that of another version goes."""
    os.makedirs(os.path.dirname(top), exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.part-', dir=os.path.dirname(top)) as part:
        archive.fetch([(package, version)], part)
        for deb in glob.glob(part + '/*.deb'):
            _run('dpkg-deb', '-x', deb, part)
        tarballs = glob.glob(part + '/usr/src/*.tar.*')
        if len(tarballs) != 1:
            raise Unavailable(f'{package} {version}: no tarball in usr/src of the package')
        packages.note(f'unpacking {os.path.basename(tarballs[0])}: once, half a minute')
        tree = os.path.join(part, 'tree')
        os.mkdir(tree)
        _run('tar', '-x', '-f', tarballs[0], '-C', tree, '--strip-components=1',
             '--no-same-owner', '--wildcards', *(f'--exclude=*/{name}' for name in LEFT_OUT))
        if not os.path.exists(os.path.join(tree, 'arch/x86/Kconfig')):
            raise Unavailable(f'{package} {version}: this is no source of Linux')
        for old in glob.glob(os.path.join(os.path.dirname(top), package + '_*')):
            shutil.rmtree(old)
        os.rename(tree, top)


def _run(*command):
    """Runs a command that unpacks. Raises Unavailable with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Unavailable(f'there is no {command[0]} to unpack the source with') from None
    if done.returncode:
        raise Unavailable(f'{" ".join(command[:3])}: {done.stderr.strip()[-300:]}')
