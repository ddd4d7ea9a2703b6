# SPDX-License-Identifier: GPL-2.0-only
"""What a lab's kernel starts with: a base (agent, busybox, modules), which changes seldom,
and a job (the command and its files), which is unpacked over it."""

import contextlib
import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

from . import cpio
from .config import ROOT, Unavailable, UsageError, cache_directory

AGENT = os.path.join(ROOT, 'build', 'lab', 'agent')
PROGRAM = os.path.join(ROOT, 'build', 'assay')
KEPT = 16       # archives of a kind in the cache
# Which assay loads only when it is there, to disassemble.
LOADED = ('/usr/lib/x86_64-linux-gnu/libZydis.so.*', '/usr/lib64/libZydis.so.*')


def _read(path, what):
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        raise UsageError(f'{what} {path}: {error.strerror}') from None


def records(pairs):
    """What the agent is told, as it reads it. UsageError for a NUL, which would end one."""
    text = [f'{key}={value}' for key, value in pairs]
    if any('\0' in item for item in text):
        raise UsageError('a NUL character cannot be in an argument')
    return b''.join(item.encode(errors='surrogateescape') + b'\0' for item in text)


# ---- the base ------------------------------------------------------------------------------

def build_agent():
    """Has make bring the agent up to date, which takes a moment when it is. In an
    installation without sources it is there."""
    if not os.path.exists(os.path.join(ROOT, 'Makefile')):
        return
    done = subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT, 'build/lab/agent'],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={k: v for k, v in os.environ.items() if not k.startswith('MAKE')})
    if done.returncode:
        raise Unavailable('the agent of the lab cannot be built (make build/lab/agent): '
                          + (done.stderr or done.stdout).strip())


def _busybox():
    """The bytes of a busybox that needs no library, and the paths of its applets."""
    path = shutil.which('busybox', path='/bin:/usr/bin:/sbin:/usr/sbin')
    if not path:
        raise Unavailable('there is no busybox: make deps installs it (busybox-static)')
    data = _read(path, 'busybox')
    if libraries(path):
        raise Unavailable(f'{path} needs libraries: make deps installs one that does not '
                          '(busybox-static)')
    names = subprocess.run([path, '--list'], capture_output=True, text=True).stdout.split()
    return data, names


def base(machine, modules, parameters):
    """Path of the base archive, kept in the cache under the hash of what it is made of.
    modules as load_order gives them; parameters {module: ["name=value"]}."""
    build_agent()
    busybox, applets = _busybox()
    boot = [('channel', machine.channel_device)]
    boot += [('module', ' '.join([name] + parameters.get(name, []))) for name, _ in modules]
    archive = cpio.Archive()
    archive.file('init', _read(AGENT, 'the agent'))
    archive.file('lab/boot', records(boot), 0o644)
    archive.file('bin/busybox', busybox)
    for name in applets:
        if name != 'busybox':
            archive.link('bin/' + name, '/bin/busybox')
    for name, data in modules:
        archive.file(f'lab/modules/{name}.ko', data, 0o644)
    for place in ('dev', 'proc', 'sys', 'tmp', 'run', 'root', 'lab/bin'):
        archive.add(place, cpio.DIRECTORY)
    archive.add('dev/console', cpio.DEVICE, permissions=0o600, device=(5, 1))
    archive.add('dev/null', cpio.DEVICE, permissions=0o666, device=(1, 3))
    return keep(archive.pack(), 'base')


def keep(data, kind):
    """Keeps bytes in the cache under their hash: the path. Nobody sees half of a file. Those
    least recently used go."""
    directory = os.path.join(cache_directory(), kind)
    path = os.path.join(directory, hashlib.sha256(data).hexdigest()[:32])
    if os.path.exists(path):
        os.utime(path)
        return path
    os.makedirs(directory, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, delete=False) as file:
        file.write(data)
    os.rename(file.name, path)
    with contextlib.suppress(FileNotFoundError):    # another run does the same
        kept = sorted(os.scandir(directory), key=lambda entry: entry.stat().st_mtime)
        for old in kept[:-KEPT]:
            os.remove(old)
    return path


# ---- the job -------------------------------------------------------------------------------

def libraries(path):
    """Paths of the shared libraries that an executable needs, its loader among them."""
    with open(path, 'rb') as file:
        head = file.read(18)
    if head[:4] != b'\x7fELF' or head[16] not in (2, 3):
        return []
    text = subprocess.run(['ldd', path], capture_output=True, text=True).stdout
    missing = re.findall(r'(\S+) => not found', text)
    if missing:
        raise UsageError(f'{path}: its libraries {", ".join(missing)} are not on this machine')
    return re.findall(r'(?:^|\s)(/\S+) \(0x', text)


def _add_file(archive, source, path):
    archive.file(path, _read(source, '--file'), os.stat(source).st_mode & 0o777)
    for library in libraries(source):
        archive.file(library, _read(library, 'library'))


def add(archive, source, path):
    """Adds a file or a whole directory; links in it stay links."""
    if not os.path.isdir(source):
        _add_file(archive, source, path)
        return
    archive.add(path, cpio.DIRECTORY)
    for top, below, files in os.walk(source):
        to = os.path.join(path, os.path.relpath(top, source))
        for name in sorted(below + files):
            full = os.path.join(top, name)
            if os.path.islink(full):
                archive.link(os.path.join(to, name), os.readlink(full))
            elif os.path.isdir(full):
                archive.add(os.path.join(to, name), cpio.DIRECTORY)
            elif os.path.isfile(full):
                _add_file(archive, full, os.path.join(to, name))


def job(command, files, fetch, settings=()):
    """Bytes of the job archive. settings: more (key, value) for the agent."""
    archive = cpio.Archive()
    if os.path.exists(PROGRAM):
        _add_file(archive, PROGRAM, 'usr/bin/assay')
        for path in sorted(name for pattern in LOADED for name in glob.glob(pattern)):
            _add_file(archive, path, path)
    elif command[0] == 'assay':
        raise UsageError('there is no build/assay to run: type make first')
    for source, path in files:
        add(archive, source, path)
    pairs = [('arg', argument) for argument in command]
    pairs += [('fetch', path.lstrip('/')) for path, _ in fetch]
    archive.file('lab/job', records(pairs + list(settings)), 0o644)
    return archive.pack()
