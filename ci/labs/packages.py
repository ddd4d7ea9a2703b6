# SPDX-License-Identifier: GPL-2.0-only
"""Packages of the distribution, fetched without root and unpacked into the cache, never
installed: apt with lists, status and cache of its own, and the machine's own sources."""

import contextlib
import fcntl
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from .config import Unavailable, cache_directory

# Whatever else is in the machine's sources cannot hold its kernels.
OWN_SUITES = ('', '-updates', '-security', '-proposed-updates')


def note(text):
    """Tells who waits what for."""
    print(f'lab: {text}', file=sys.stderr, flush=True)


def release_name():
    """The distribution's code name, as in the suites of its archive: "bookworm"."""
    try:
        with open('/etc/os-release', encoding='utf-8') as file:
            fields = dict(line.strip().split('=', 1) for line in file if '=' in line)
    except OSError:
        fields = {}
    return fields.get('VERSION_CODENAME', '').strip('"')


# ---- sources -----------------------------------------------------------------------------

def parse_deb822(text):
    """Yields (options, uris, suites, components) of a .sources file's binary stanzas."""
    for stanza in re.split(r'\n\s*\n', text):
        fields, key = {}, None
        for line in stanza.splitlines():
            if line.startswith('#'):
                continue
            if line[:1] in ' \t' and key:
                fields[key] += '\n' + line
            elif ':' in line:
                key, _, value = line.partition(':')
                key = key.strip().lower()
                fields[key] = value.strip()
        if 'deb' not in fields.get('types', '').split() or fields.get('enabled') == 'no':
            continue
        options = {name: fields[name] for name in ('signed-by', 'trusted') if name in fields}
        yield (options, fields.get('uris', '').split(), fields.get('suites', '').split(),
               fields.get('components', '').split())


def parse_lines(text):
    """Yields the same of a sources.list."""
    for line in text.splitlines():
        match = re.match(r'\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)([^#]*)', line)
        if match:
            options = dict(item.split('=', 1) for item in (match[1] or '').split() if '=' in item)
            options = {name: options[name] for name in ('signed-by', 'trusted') if name in options}
            yield options, [match[2]], [match[3]], match[4].split()


def own_sources(texts, release, backports=False):
    """A .sources file made of the machine's own: texts is a list of (name, content). Only
    the release's suites are kept; with backports instead of its updates."""
    stanzas = []
    for name, text in texts:
        parse = parse_deb822 if name.endswith('.sources') else parse_lines
        for options, uris, suites, components in parse(text):
            wanted = [suite for suite in suites
                      if suite in [release + ending for ending in OWN_SUITES]]
            if backports:
                # The release itself has what packages of backports depend on.
                wanted = [release, release + '-backports'] if release in wanted else []
            if wanted and 'main' in components:
                stanza = ['Types: deb', 'URIs: ' + ' '.join(uris), 'Suites: ' + ' '.join(wanted),
                          'Components: ' + ' '.join(components), 'Architectures: amd64']
                stanza += [f'{key.title()}: {value}' for key, value in options.items()]
                stanzas.append('\n'.join(stanza) + '\n')
    return '\n'.join(stanzas)


def _machine_sources():
    """(name, content) of the machine's lists of sources."""
    found = []
    places = ['/etc/apt/sources.list']
    with contextlib.suppress(OSError):
        places += [os.path.join('/etc/apt/sources.list.d', name)
                   for name in sorted(os.listdir('/etc/apt/sources.list.d'))]
    for place in places:
        if place.endswith(('.list', '.sources')):
            with contextlib.suppress(OSError), open(place, encoding='utf-8') as file:
                found.append((place, file.read()))
    return found


# ---- apt ---------------------------------------------------------------------------------

@contextlib.contextmanager
def locked(name):
    """One process at a time: others wait. name is of what is being made in the cache."""
    path = os.path.join(cache_directory(), f'.{name}.lock')
    with open(path, 'w', encoding='utf-8') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Archive:
    """The distribution's archive, or its backports."""

    def __init__(self, backports=False):
        self.backports = backports
        self.release = release_name()
        self.suite = self.release + ('-backports' if backports else '')
        if not shutil.which('apt-get') or not self.release:
            raise Unavailable('this is no Debian or Ubuntu, whose kernels could be fetched: give '
                              '--kernel BZIMAGE --modules DIRECTORY')
        self.top = os.path.join(cache_directory(), 'apt', self.suite)

    def sources(self):
        """What apt is to know, as a .sources file; empty if the machine knows no mirror."""
        return own_sources(_machine_sources(), self.release, self.backports)

    def _configure(self):
        """Writes what makes apt private; gives the environment to call it in. Hooks of the
        machine's own configuration concern its own packages: they are left out."""
        for name in ('lists/partial', 'archives/partial', 'etc'):
            os.makedirs(os.path.join(self.top, name), exist_ok=True)
        dump = subprocess.run(['apt-config', 'dump'], capture_output=True, text=True).stdout
        kept = [line for line in dump.splitlines()
                if line.startswith(('Acquire::', 'APT::')) and 'Invoke' not in line
                and not line.startswith(('APT::Sandbox', 'APT::Architecture'))]
        status = os.path.join(self.top, 'status')
        own = {
            'Dir::State': self.top, 'Dir::State::lists': self.top + '/lists',
            'Dir::State::status': status, 'Dir::Cache': self.top,
            'Dir::Cache::archives': self.top + '/archives', 'Dir::Etc': self.top + '/etc',
            'Dir::Etc::sourcelist': 'sources.sources', 'Dir::Etc::sourceparts': '-',
            'Dir::Etc::parts': '-', 'Dir::Etc::main': '-', 'APT::Sandbox::User': 'root',
            'APT::Architecture': 'amd64', 'Acquire::Languages': 'none',
            'Debug::NoLocking': 'true',
        }
        kept += [f'{key} "{value}";' for key, value in own.items()]
        sources = self.sources()
        if not sources:
            raise Unavailable(f'no source of {self.release} in /etc/apt/sources.list and '
                              'sources.list.d: add one, or give --kernel BZIMAGE --modules DIR')
        open(status, 'a', encoding='utf-8').close()
        for name, text in (('apt.conf', '\n'.join(kept) + '\n'),
                           ('etc/sources.sources', sources)):
            with open(os.path.join(self.top, name), 'w', encoding='utf-8') as file:
                file.write(text)
        return dict(os.environ, APT_CONFIG=os.path.join(self.top, 'apt.conf'), LC_ALL='C')

    def apt(self, *arguments, directory=None):
        """Runs a command of apt on this archive: what it says. The archive is to be locked."""
        done = subprocess.run(arguments, env=self._configure(), cwd=directory or self.top,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise Unavailable(f'{" ".join(arguments[:2])} for {self.suite}: '
                              + '; '.join(lines[-3:]))
        return done.stdout

    def refresh(self):
        """Fetches the lists of packages."""
        with locked('apt-' + self.suite):
            self.refresh_lists()

    def refresh_lists(self):
        """The same for who has locked the archive."""
        note(f'fetching the list of packages of {self.suite}')
        self._configure()
        self.apt('apt-get', '-q', 'update', '-o', 'APT::Update::Error-Mode=any')
        open(os.path.join(self.top, 'fresh'), 'w', encoding='utf-8').close()

    def index(self, pattern):
        """[(package, version)] of all packages whose whole name the expression matches."""
        with locked('apt-' + self.suite):
            if not os.path.exists(os.path.join(self.top, 'fresh')):
                self.refresh_lists()
            found = []
            names = [name for name in self.apt('apt-cache', 'pkgnames').split()
                     if re.fullmatch(pattern, name)]
            if names:
                found = parse_madison(self.apt('apt-cache', 'madison', *sorted(names)))
            return found

    def fetch(self, packages, directory):
        """Fetches (package, version) pairs into a directory; apt checks their hashes."""
        wanted = [f'{name}={version}' for name, version in packages]
        note(f'fetching {", ".join(name for name, _ in packages)} of {self.suite}')
        with locked('apt-' + self.suite):
            try:
                self.apt('apt-get', '-q', 'download', *wanted, directory=directory)
            except Unavailable:     # old lists name packages that are no more
                self.refresh_lists()
                self.apt('apt-get', '-q', 'download', *wanted, directory=directory)

    def fetch_missing(self, package, directory):
        """Fetches a package of backports, and what of its dependencies is not installed on this
        machine or too old, into a directory."""
        note(f'fetching {package} of {self.suite}, to run it unpacked')
        self.index(re.escape(package))
        with locked('apt-' + self.suite):
            os.makedirs(os.path.join(directory, 'partial'), exist_ok=True)
            self.apt('apt-get', '-q', '-y', '-d', 'install', package, '--no-install-recommends',
                      '-t', self.suite, '-o', 'Dir::State::status=/var/lib/dpkg/status',
                      '-o', f'Dir::Cache::archives={directory}')

    def depends(self, package, version):
        """Names of packages that it depends on, first choices only."""
        with locked('apt-' + self.suite):
            text = self.apt('apt-cache', 'show', f'{package}={version}')
        match = re.search(r'^Depends: (.*)$', text, re.MULTILINE)
        return re.findall(r'(?:^|, )([^ ,|]+)', match[1]) if match else []


def backports_names():
    """What an emulator of backports may be asked for by."""
    return ('backports', release_name() + '-backports')


def program_of_backports(package, program):
    """Path of a program of a package of backports, which runs it where it was unpacked."""
    archive = Archive(backports=True)
    name = f'programs/{archive.suite}-{package}'
    path = os.path.join(cache_directory(), name)
    with locked('programs'):
        if not os.path.isdir(path):
            with tempfile.TemporaryDirectory(prefix='.fetch-', dir=cache_directory()) as part:
                archive.fetch_missing(package, part)
                unpack(sorted(glob.glob(part + '/*.deb')), name)
        start = os.path.join(path, 'start-' + program)
        if not os.path.exists(os.path.join(path, 'usr/bin', program)):
            raise Unavailable(f'{archive.suite} has no {program} that this machine has not')
        libraries = ':'.join(path + place for place in ('/usr/lib/x86_64-linux-gnu', '/usr/lib'))
        with open(start, 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\nLD_LIBRARY_PATH={shlex.quote(libraries)} exec '
                       f'{shlex.quote(path)}/usr/bin/{program} '
                       f'-L {shlex.quote(path)}/usr/share/qemu "$@"\n')
        os.chmod(start, 0o755)
    return start


def parse_madison(text):
    """[(package, version)] of `apt-cache madison`'s output, each once."""
    found = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split('|')]
        if len(fields) == 3 and not fields[2].endswith(' Sources'):
            found[fields[0], fields[1]] = True
    return list(found)


def newer(one, other):
    """Compares package versions as dpkg does: -1, 0 or 1."""
    if one == other:
        return 0
    run = subprocess.run(['dpkg', '--compare-versions', one, 'gt', other])
    return 1 if run.returncode == 0 else -1


def unpack(files, name):
    """Unpacks .deb files together into the cache under that name, and gives the directory.
    Either all of it is there or nothing."""
    final = os.path.join(cache_directory(), name)
    if os.path.isdir(final):
        return final
    os.makedirs(os.path.dirname(final), exist_ok=True)
    part = tempfile.mkdtemp(prefix='.part-', dir=os.path.dirname(final))
    try:
        for file in files:
            done = subprocess.run(['dpkg-deb', '-x', file, part], capture_output=True, text=True)
            if done.returncode:
                raise Unavailable(f'{file}: {done.stderr.strip() or "dpkg-deb cannot unpack it"}')
        os.chmod(part, 0o755)
        os.rename(part, final)
    except FileNotFoundError:
        raise Unavailable('there is no dpkg-deb to unpack packages with: install dpkg') from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return final
