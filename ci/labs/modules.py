# SPDX-License-Identifier: GPL-2.0-only
"""Kernel modules: where a kernel has them, what they need, and what is put in instead."""

import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess

from .config import UsageError

SIGNATURE = b'~Module signature appended~\n'
NAME = re.compile(r'(.*)\.ko(\.xz|\.zst|\.gz)?')


def normal(name):
    """Modules are named with dashes in files and underscores in the kernel."""
    return name.replace('-', '_')


def name_of(path):
    """The name of the module in a file."""
    return normal(NAME.fullmatch(os.path.basename(path))[1])


def check_file(path):
    """Raises UsageError if a file cannot be a module."""
    if not os.path.isfile(path):
        raise UsageError(f'--module {path}: no such file')
    if not NAME.fullmatch(os.path.basename(path)):
        raise UsageError(f'--module {path}: no name of a kernel module, NAME.ko')


def index(directory):
    """{name: path} of all modules below a directory, as installed or as built."""
    found = {}
    for top, below, files in os.walk(directory):
        below[:] = sorted(name for name in below if name not in ('build', 'source'))
        for file in sorted(files):
            if NAME.fullmatch(file):
                found.setdefault(name_of(file), os.path.join(top, file))
    return found


def builtin(directory):
    """Names of modules that are part of the kernel, as far as its tree tells."""
    try:
        with open(os.path.join(directory, 'modules.builtin'), encoding='utf-8') as file:
            return {name_of(line.strip()) for line in file}
    except OSError:
        return set()


def read(path):
    """A module's bytes, uncompressed and without its signature: an emulated processor would
    take long to check it, and a module that was changed has none that fits."""
    with open(path, 'rb') as file:
        data = file.read()
    if path.endswith('.xz'):
        data = lzma.decompress(data)
    elif path.endswith('.gz'):
        data = gzip.decompress(data)
    elif path.endswith('.zst'):
        if not shutil.which('zstd'):
            raise UsageError(f'{path}: there is no zstd to decompress it: install zstd')
        data = subprocess.run(['zstd', '-dc'], input=data, capture_output=True).stdout
    if data.endswith(SIGNATURE):
        length, = struct.unpack('>I', data[-len(SIGNATURE) - 4:-len(SIGNATURE)])
        data = data[:-len(SIGNATURE) - 12 - length]
    return data


def _items(path, data):
    """[(key, value)] of a module's .modinfo section, in its order."""
    if data[:6] != b'\x7fELF\x02\x01' or len(data) < 64:
        raise UsageError(f'{path}: no kernel module')
    at, = struct.unpack_from('<Q', data, 0x28)
    size, count, names = struct.unpack_from('<HHH', data, 0x3a)
    try:
        sections = [struct.unpack_from('<IIQQQQ', data, at + i * size) for i in range(count)]
        text = sections[names][4]
        for name, _, _, _, offset, length in sections:
            if data.startswith(b'.modinfo\0', text + name):
                items = data[offset:offset + length].split(b'\0')
                pairs = [item.decode(errors='replace').split('=', 1) for item in items]
                return [tuple(pair) for pair in pairs if len(pair) == 2]
    except (struct.error, IndexError):
        pass
    raise UsageError(f'{path}: no kernel module: it has no section .modinfo')


def information(path, data):
    """{key: value} of a module's .modinfo section, the first of each key."""
    return dict(reversed(_items(path, data)))


def parameter_names(data):
    """Names of the parameters that a module takes, of its bytes."""
    return sorted({value.partition(':')[0] for key, value in _items('a module', data)
                   if key == 'parmtype'})


def load_order(kernel, wanted, replaced=()):
    """[(name, bytes)] of the wanted modules after all that they need, in the order in which
    they can be loaded. replaced: paths of files to take instead of those of the same name.
    What is part of the kernel is left out; so is everything, if it has no modules."""
    files = index(kernel.modules) if kernel.modules else {}
    parts = builtin(kernel.modules) if kernel.modules else set()
    for path in replaced:
        if not os.path.isfile(path) or not NAME.fullmatch(os.path.basename(path)):
            raise UsageError(f'--module {path}: ' + ('no name of a kernel module (.ko)' if
                             os.path.isfile(path) else 'no such file'))
        files[name_of(path)] = path
    order = {}

    def visit(name, by):
        if name in order or name in parts:
            return
        if name not in files:
            if not kernel.modules:
                return
            raise UsageError(f'{kernel.modules}: there is no module {name}, which {by} needs')
        data = read(files[name])
        about = information(files[name], data)
        magic = about.get('vermagic', kernel.release).split(' ')[0]
        if magic != kernel.release:
            raise UsageError(f'{files[name]}: a module of {magic}, and the kernel is '
                             f'{kernel.release}: it will not take it')
        for other in filter(None, about.get('depends', '').split(',')):
            visit(normal(other), name)
        order[name] = data

    for name in wanted:
        visit(name, 'the lab')
    for path in replaced:
        visit(name_of(path), 'the lab')
    return list(order.items())
