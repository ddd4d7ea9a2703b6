# SPDX-License-Identifier: GPL-2.0-only
"""Where modules for a kernel can be built: its headers as installed, or fetched from the
distribution and unpacked into the cache, which needs no root."""

import functools
import glob
import os
import re
import tempfile

from . import packages
from .config import Unavailable

# What a package of headers needs to be built in; the compiler comes from make deps.
PARTS = r'linux-(?:headers|kbuild)-.*\d.*'
INSTALLED = '/usr/src/'         # where packages think that they are
NEWEST = functools.cmp_to_key(lambda one, other: packages.newer(one[1], other[1]))


def release_of(directory):
    """The kernel that a directory builds modules for, as uname -r names it; None if none."""
    try:
        with open(os.path.join(directory, 'include/generated/utsrelease.h'),
                  encoding='utf-8') as file:
            found = re.search(r'UTS_RELEASE "(.*)"', file.read())
    except OSError:
        return None
    return found and found[1]


def find(kernel):
    """The directory to give to make -C for modules of a Kernel: a build tree its modules are
    in, what is installed, or what the distribution's package has. Raises Unavailable."""
    places = ['/lib/modules/' + kernel.release + '/build']
    if kernel.modules:
        places[:0] = [kernel.modules, os.path.join(kernel.modules, 'build')]
    for place in places:
        if release_of(place) == kernel.release:
            return os.path.realpath(place)
    return _packaged(kernel.release)


def _packaged(release):
    name = f'headers/{release}'
    with packages.locked('headers'):
        top = os.path.join(packages.cache_directory(), name)
        if not os.path.isdir(top):
            archive, parts = _choose(release)
            with tempfile.TemporaryDirectory(prefix='.fetch-',
                                             dir=packages.cache_directory()) as place:
                archive.fetch(parts, place)
                packages.unpack(sorted(glob.glob(place + '/*.deb')), name)
        return _relocate(top, release)


def _choose(release):
    """(archive, [(package, version)]) of a kernel's headers and what they include."""
    name = 'linux-headers-' + release
    suites = []
    for archive in (packages.Archive(), packages.Archive(backports=True)):
        found = archive.index(re.escape(name))
        suites.append(archive.suite)
        if found:
            parts = [max(found, key=NEWEST)]
            for other in archive.depends(*parts[0]):
                if re.fullmatch(PARTS, other):
                    parts.append(max(archive.index(re.escape(other)), key=NEWEST))
            return archive, parts
    raise Unavailable(f'there is no package {name} in {" and ".join(suites)}: give --modules the '
                      'tree that the kernel was built in, or a newer --kernel')


def _relocate(top, release):
    """The unpacked headers of that release, with paths that fit where they are."""
    tree = os.path.join(top, 'usr/src/linux-headers-' + release)
    path = os.path.join(tree, 'Makefile')
    if release_of(tree) != release:
        raise Unavailable(f'{top}: the package has no headers of {release}; remove the directory '
                          'to fetch it again')
    with open(path, encoding='utf-8') as file:
        text = file.read()
    moved = re.sub(r'^(include +)' + INSTALLED, rf'\1{top}{INSTALLED}', text, flags=re.MULTILINE)
    if moved != text:
        with open(path + '.part', 'w', encoding='utf-8') as file:
            file.write(moved)
        os.rename(path + '.part', path)
    return tree
