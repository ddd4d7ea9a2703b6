# SPDX-License-Identifier: GPL-2.0-only
"""The kernel of a lab: which one is meant, where its image and modules are."""

import bz2
import dataclasses
import functools
import glob
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import typing

from . import kernel_build, packages
from .config import Unavailable, UsageError, cache_directory

# Flavours that can be a lab's kernel, the smallest first.
FLAVOURS = ('cloud-amd64', 'kvm', 'virtual', 'generic', 'amd64')
IMAGE = r'linux-image-(?:unsigned-)?(\d+\.\d+\.\d.*?)-(' + '|'.join(FLAVOURS) + ')'
# What the distribution names its kernel by.
METAPACKAGES = ['linux-image-' + flavour for flavour in FLAVOURS]
# What an image's files are spread over, by distribution and release.
PARTS = r'linux-(?:modules|binary|image)-.*\d.*'


@dataclasses.dataclass
class Kernel:
    """image and vmlinux are paths of the bzImage and of the same as ELF, or None; modules
    a directory below which its modules are, or None; arguments what it is to be told; slow how
    many times longer than a distribution's it may take."""
    image: str
    vmlinux: typing.Optional[str]
    release: str
    modules: typing.Optional[str]
    arguments: str = ''
    slow: int = 1


# ---- packages ------------------------------------------------------------------------------

def choose(index, wanted):
    """The (package, version) of an index that is wanted, a version of the package or of the
    kernel or how one begins: the newest, and of that the smallest flavour. None if none."""
    begins = re.compile(re.escape(wanted) + r'(?![0-9])')
    fitting = []
    for package, version in index:
        match = re.fullmatch(IMAGE, package)
        if match and (version == wanted or begins.match(version) or begins.match(match[1])
                      or begins.match(f'{match[1]}-{match[2]}')):
            fitting.append((package, version, -FLAVOURS.index(match[2])))
    if not fitting:
        return None

    def order(one, other):
        return (packages.newer(one[1], other[1]) or (one[2] > other[2]) - (one[2] < other[2])
                or (one[0] < other[0]) - (one[0] > other[0]))

    return max(fitting, key=functools.cmp_to_key(order))[:2]


def _default(archive):
    """The kernel that the release itself would install."""
    for metapackage in METAPACKAGES:
        found = archive.index(re.escape(metapackage))
        if found:
            version = max((v for _, v in found), key=functools.cmp_to_key(packages.newer))
            for name in archive.depends(metapackage, version):
                if re.fullmatch(IMAGE, name):
                    return max(archive.index(re.escape(name)),
                               key=functools.cmp_to_key(lambda a, b: packages.newer(a[1], b[1])))
    raise Unavailable(f'{archive.suite} has no kernel package: name one with --kernel')


def _find(wanted):
    """(archive, package, version) of a wanted version; None: the release's own kernel."""
    release = packages.Archive()
    if not wanted:
        return (release, *_default(release))
    text, _, suite = wanted.partition('/')
    archives = [release, packages.Archive(backports=True)]
    if suite:
        archives = [archive for archive in archives
                    if suite in (archive.suite, archive.suite.rpartition('-')[2])]
        if not archives:
            raise UsageError(f'--kernel {wanted}: the archive is {release.suite} or backports, '
                             f'not {suite}')
    known = set()
    for archive in archives:
        index = archive.index(IMAGE)
        found = choose(index, text)
        if found:
            return (archive, *found)
        known.update(re.match(r'(\d+\.\d+)', version)[1] for _, version in index)
    raise UsageError(f'--kernel {wanted}: neither a file nor the version of a kernel package; '
                     f'there are {", ".join(sorted(known, key=_numbers))}')


def _numbers(text):
    return [int(number) for number in re.findall(r'\d+', text)]


def _fetch(archive, package, version):
    """Unpacks a kernel package, and those with its modules. The directory."""
    name = f'kernels/{package}_{version}'
    with packages.locked('kernels'):
        if os.path.isdir(os.path.join(cache_directory(), name)):
            return os.path.join(cache_directory(), name)
        parts = [(package, version)]
        for other in archive.depends(package, version):
            if re.fullmatch(PARTS, other):
                parts += archive.index(re.escape(other))[:1]
        part = tempfile.mkdtemp(prefix='.fetch-', dir=cache_directory())
        try:
            archive.fetch(parts, part)
            return packages.unpack(sorted(glob.glob(part + '/*.deb')), name)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _packaged(wanted):
    """The directory of a distribution's kernel. What a wish led to once is kept, so that it
    leads to the same kernel until the cache is refreshed."""
    remembered = os.path.join(cache_directory(), 'chosen.json')
    with packages.locked('chosen'):
        try:
            with open(remembered, encoding='utf-8') as file:
                chosen = json.load(file)
        except (OSError, ValueError):
            chosen = {}
        directory = chosen.get(wanted or '')
        if directory and os.path.isdir(directory):
            return directory
        chosen[wanted or ''] = directory = _fetch(*_find(wanted))
        with open(remembered + '.part', 'w', encoding='utf-8') as file:
            json.dump(chosen, file)
        os.rename(remembered + '.part', remembered)
    return directory


def refresh():
    """Forgets which kernel a version led to, and fetches the lists of packages anew."""
    packages.Archive().refresh()
    packages.Archive(backports=True).refresh()
    with packages.locked('chosen'):
        path = os.path.join(cache_directory(), 'chosen.json')
        if os.path.exists(path):
            os.remove(path)


# ---- images --------------------------------------------------------------------------------

def read_release(image):
    """What `uname -r` says in a kernel, from its bzImage (Documentation/arch/x86/boot.rst,
    kernel_version). UsageError if the file is none."""
    try:
        with open(image, 'rb') as file:
            head = file.read(0x10000)
    except OSError as error:
        raise UsageError(f'--kernel {image}: {error.strerror}') from None
    if head[0x202:0x206] != b'HdrS':
        raise UsageError(f'--kernel {image}: no bzImage; after a build that is '
                         'arch/x86/boot/bzImage')
    at = int.from_bytes(head[0x20e:0x210], 'little') + 0x200
    return head[at:head.index(b'\0', at)].decode(errors='replace').split()[0]


def decompress(payload):
    """A kernel's compressed payload as its magic tells; None if there is no means here."""
    if payload[:2] == b'\x1f\x8b':
        return gzip.zlib.decompressobj(31).decompress(payload)
    if payload[:6] == b'\xfd7zXZ\0':
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:3] == b'BZh':
        return bz2.BZ2Decompressor().decompress(payload)
    if payload[:3] == b']\0\0':
        return lzma.LZMADecompressor(format=lzma.FORMAT_ALONE).decompress(payload)
    for magic, tool in ((b'\x02\x21\x4c\x18', 'lz4'), (b'\x28\xb5\x2f\xfd', 'zstd')):
        if payload.startswith(magic) and shutil.which(tool):
            # The size of the kernel follows the stream, which makes them complain.
            return subprocess.run([tool, '-d', '-c'], input=payload, capture_output=True).stdout
    return None


def _extract(image):
    """The ELF file in a bzImage, if it can be entered directly (PVH): then the lab need not
    unpack itself, which costs an emulated processor a second."""
    with open(image, 'rb') as file:
        data = file.read()
    path = os.path.join(cache_directory(), 'vmlinux', hashlib.sha256(data).hexdigest())
    if not os.path.exists(path):
        start = (data[0x1f1] + 1) * 512 + int.from_bytes(data[0x248:0x24c], 'little')
        elf = decompress(data[start:start + int.from_bytes(data[0x24c:0x250], 'little')]) or b''
        # Note XEN_ELFNOTE_PHYS32_ENTRY (18) of "Xen".
        if not re.search(rb'\x04\0\0\0[\x04\x08]\0\0\0\x12\0\0\0Xen\0', elf):
            elf = b''
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as file:
            file.write(elf)
        os.rename(file.name, path)
    return path if os.path.getsize(path) else None


def _unpack_deb(path):
    with open(path, 'rb') as file:
        name = 'kernels/' + hashlib.sha256(file.read()).hexdigest()
    with packages.locked('kernels'):
        return packages.unpack([path], name)


def _of_directory(directory, modules):
    images = glob.glob(directory + '/boot/vmlinuz-*') or glob.glob(
        directory + '/usr/lib/modules/*/vmlinuz') or glob.glob(directory + '/lib/modules/*/vmlinuz')
    if not images:
        raise UsageError(f'--kernel: no boot/vmlinuz-* in what was unpacked to {directory}')
    trees = glob.glob(directory + '/lib/modules/*') + glob.glob(directory + '/usr/lib/modules/*')
    return images[0], modules or (trees[0] if trees else None)


def find(wanted, modules=None):
    """The Kernel that --kernel and --modules mean."""
    if modules and not os.path.isdir(modules):
        raise UsageError(f'--modules {modules}: no such directory')
    more = ()
    if wanted and os.path.isfile(wanted):
        if wanted.endswith('.deb'):
            image, modules = _of_directory(_unpack_deb(wanted), modules)
        else:
            image = wanted
            near = '/lib/modules/' + read_release(image)
            modules = modules or (near if os.path.isdir(near) else None)
    elif kernel_build.is_name(wanted):
        place = kernel_build.ensure(wanted)
        image, modules = kernel_build.image(place), modules or place
        more = (kernel_build.ARGUMENTS, kernel_build.SLOW)
    elif wanted and '/' in wanted and not re.match(r'\d', wanted):
        raise UsageError(f'--kernel {wanted}: no such file')
    else:
        image, modules = _of_directory(_packaged(wanted), modules)
    # Entered directly a kernel with KASAN dies: the first code that runs looks at what is not
    # there yet.
    vmlinux = None if more else _extract(image)
    return Kernel(os.path.abspath(image), vmlinux, read_release(image), modules, *more)
