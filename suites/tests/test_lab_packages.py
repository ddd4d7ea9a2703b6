# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel a lab runs: choice among packages, sources of packages, images, modules."""

import gzip
import lzma
import os
import struct
import subprocess

import pytest

from lab_tools import ROOT
from labs import kernels, modules, packages
from labs.config import UsageError

INDEX = [
    ('linux-image-6.1.0-9-cloud-amd64', '6.1.27-1'),
    ('linux-image-6.1.0-56-amd64', '6.1.192-2'),
    ('linux-image-6.1.0-56-cloud-amd64', '6.1.192-2'),
    ('linux-image-6.1.0-56-cloud-amd64-dbg', '6.1.192-2'),
    ('linux-image-6.1.0-56-rt-amd64', '6.1.192-2'),
    ('linux-image-cloud-amd64', '6.1.192-2'),
    ('linux-image-6.12-cloud-amd64', '6.12.117-1~deb12u1'),
    ('linux-image-6.12.9+bpo-amd64', '6.12.9-1~bpo12+1'),
    ('linux-image-6.12.95+deb12-cloud-amd64', '6.12.95-1~bpo12+1'),
    ('linux-image-unsigned-5.15.0-105-generic', '5.15.0-105.115'),
    ('linux-image-5.15.0-105-generic', '5.15.0-105.115'),
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv('ASSAY_LAB_CACHE', str(tmp_path / 'cache'))


# ---- the choice ----------------------------------------------------------------------------

@pytest.mark.parametrize('wanted, package', [
    ('6.1', 'linux-image-6.1.0-56-cloud-amd64'),            # the newest, the smallest flavour
    ('6.1.27', 'linux-image-6.1.0-9-cloud-amd64'),
    ('6.1.27-1', 'linux-image-6.1.0-9-cloud-amd64'),
    ('6.1.0-9', 'linux-image-6.1.0-9-cloud-amd64'),
    ('6.1.0-56-amd64', 'linux-image-6.1.0-56-amd64'),
    ('6', 'linux-image-6.12.95+deb12-cloud-amd64'),
    ('6.12', 'linux-image-6.12.95+deb12-cloud-amd64'),      # .95 is newer than .9
    ('6.12.9', 'linux-image-6.12.9+bpo-amd64'),             # and does not begin with it
    ('5.15', 'linux-image-5.15.0-105-generic'),             # signed, where there are both
    ('6.2', None),
    ('.1', None),
    ('', None),
])
def test_a_version_leads_to_a_package(wanted, package):
    found = kernels.choose(INDEX, wanted)
    assert (found[0] if found else None) == package


class FakeArchive:
    """An archive by a table."""

    def __init__(self, suite, index):
        self.suite, self.table, self.fetched = suite, index, 0

    def index(self, pattern):
        import re
        return [item for item in self.table if re.fullmatch(pattern, item[0])]

    def depends(self, package, version):
        return {'linux-image-cloud-amd64': ['linux-image-6.1.0-56-cloud-amd64'],
                'linux-image-6.1.0-56-cloud-amd64': ['kmod', 'linux-base']}.get(package, [])

    def fetch(self, wanted, directory):
        """Makes a package of each."""
        for name, version in wanted:
            self.fetched += 1
            deb(os.path.join(directory, name + '.deb'), name, version,
                {'boot/vmlinuz-6.1.0-56-cloud-amd64': bzimage(b'no kernel')})


def deb(path, name, version, files):
    top = path + '.d'
    os.makedirs(top + '/DEBIAN')
    with open(top + '/DEBIAN/control', 'w', encoding='utf-8') as file:
        file.write(f'Package: {name}\nVersion: {version}\nArchitecture: amd64\n'
                   'Maintainer: a <a@example.org>\nDescription: x\n')
    for place, data in files.items():
        os.makedirs(os.path.dirname(os.path.join(top, place)), exist_ok=True)
        with open(os.path.join(top, place), 'wb') as file:
            file.write(data)
    subprocess.run(['dpkg-deb', '-Znone', '-b', top, path], check=True, capture_output=True)


@pytest.fixture
def archives(monkeypatch):
    """The release's archive and its backports, both faked."""
    made = {False: FakeArchive('bookworm', INDEX[:6]),
            True: FakeArchive('bookworm-backports', INDEX[6:9])}
    monkeypatch.setattr(packages, 'Archive', lambda backports=False: made[backports])
    return made


def test_the_release_s_kernel_is_what_its_metapackage_names(archives):
    assert kernels._find(None)[1:] == ('linux-image-6.1.0-56-cloud-amd64', '6.1.192-2')


@pytest.mark.parametrize('wanted, suite', [
    ('6.12', 'bookworm-backports'), ('6.1', 'bookworm'), ('6.12/backports', 'bookworm-backports'),
    ('6.12/bookworm-backports', 'bookworm-backports'), ('6.1/bookworm', 'bookworm'),
])
def test_backports_are_looked_into_when_the_release_has_none(archives, wanted, suite):
    assert kernels._find(wanted)[0].suite == suite


@pytest.mark.parametrize('wanted, says', [
    ('6.2', 'neither a file nor the version of a kernel package; there are 6.1, 6.12$'),
    ('6.1/sid', 'the archive is bookworm or backports, not sid'),
    ('6.1/backports', 'there are 6.12$'),
])
def test_a_kernel_that_is_not_there_is_told(archives, wanted, says):
    with pytest.raises(UsageError, match=says):
        kernels._find(wanted)


def test_a_kernel_is_fetched_and_unpacked_once(archives):
    for _ in range(2):
        kernel = kernels.find('6.1')
    assert archives[False].fetched == 1
    assert kernel.release == '6.1.0-56-cloud-amd64'
    assert os.path.isfile(kernel.image) and kernel.vmlinux is None


def test_a_fetch_that_fails_leaves_nothing_behind(archives, monkeypatch, tmp_path):
    def fetch(wanted, directory):
        with open(os.path.join(directory, 'half.deb'), 'wb') as file:
            file.write(b'!<arch>\nhalf')

    monkeypatch.setattr(archives[False], 'fetch', fetch)
    with pytest.raises(packages.Unavailable, match='half.deb'):
        kernels.find('6.1')
    assert os.listdir(tmp_path / 'cache' / 'kernels') == []
    monkeypatch.undo()


# ---- sources -------------------------------------------------------------------------------

DEB822 = '''Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb deb-src
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main contrib

Types: deb
URIs: http://other.example/
Suites: nodistro
Components: main

Types: deb
Enabled: no
URIs: http://off.example/
Suites: bookworm
Components: main
'''
LINES = '''# deb http://off.example bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://one.example/debian bookworm main non-free # why
deb-src http://one.example/debian bookworm main
deb http://third.example cloud-sdk-bookworm main
'''


def test_only_the_release_s_own_sources_are_used():
    text = packages.own_sources([('a.sources', DEB822), ('b.list', LINES)], 'bookworm')
    assert text == '''Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Architectures: amd64
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main contrib
Architectures: amd64

Types: deb
URIs: http://one.example/debian
Suites: bookworm
Components: main non-free
Architectures: amd64
Signed-By: /k.gpg
'''


def test_backports_come_from_where_the_release_comes_from():
    text = packages.own_sources([('a.sources', DEB822)], 'bookworm', backports=True)
    assert text.count('Suites: ') == 1
    assert 'http://mirror.example/debian\nSuites: bookworm bookworm-backports\n' in text


def test_versions_are_compared_as_packages_are():
    assert packages.newer('6.12.95-1', '6.12.9-1') == 1
    assert packages.newer('6.12.95-1~bpo12+1', '6.12.95-1') == -1
    assert packages.newer('1', '1') == 0


def test_the_table_of_versions_is_read():
    text = ('linux-image-a | 6.1-1 | http://x bookworm/main amd64 Packages\n'
            'linux-image-a | 6.1-1 | http://x bookworm-security/main amd64 Packages\n'
            'linux-image-a | 6.1-0 | http://x bookworm/main Sources\n')
    assert packages.parse_madison(text) == [('linux-image-a', '6.1-1')]


# ---- images --------------------------------------------------------------------------------

NOTE = struct.pack('<III', 4, 8, 18) + b'Xen\0' + bytes(8)


def bzimage(payload, release=b'6.1.0-56-cloud-amd64 (a@b)'):
    """As much of a bzImage as is looked at: header, version, a payload after two sectors."""
    data = bytearray(1024 + 16)
    data[0x1f1] = 1
    data[0x202:0x206] = b'HdrS'
    struct.pack_into('<H', data, 0x20e, 0x100)
    data[0x300:0x301 + len(release)] = release + b'\0'
    struct.pack_into('<II', data, 0x248, 16, len(payload))
    return bytes(data) + payload


@pytest.mark.parametrize('pack', [
    lambda data: gzip.compress(data) + b'size', lambda data: lzma.compress(data) + b'size',
    lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE) + b'size',
    lambda data: tool('zstd', data), lambda data: tool('lz4', data, '-l')],
    ids=['gzip', 'xz', 'lzma', 'zstd', 'lz4'])
def test_a_kernel_is_taken_out_of_its_image(tmp_path, pack):
    elf = b'\x7fELF' + bytes(5000) + NOTE
    path = tmp_path / 'bzImage'
    path.write_bytes(bzimage(pack(elf)))
    kernel = kernels.find(str(path))
    assert kernel.release == '6.1.0-56-cloud-amd64'
    with open(kernel.vmlinux, 'rb') as file:
        assert file.read() == elf


def tool(name, data, *options):
    """Compresses as a kernel build does: the size follows."""
    try:
        done = subprocess.run([name, *options, '-c'], input=data, capture_output=True)
    except FileNotFoundError:
        pytest.skip(f'no {name}')
    return done.stdout + struct.pack('<I', len(data))


def test_a_kernel_without_an_entry_for_virtual_machines_stays_in_its_image(tmp_path):
    path = tmp_path / 'bzImage'
    path.write_bytes(bzimage(gzip.compress(b'\x7fELF' + bytes(5000))))
    assert kernels.find(str(path)).vmlinux is None


# ---- modules -------------------------------------------------------------------------------

def module(path, depends='', release='6.1.0-x', sign=False):
    """Assembles a module's .modinfo; gives its bytes without signature."""
    source = f'{path}.s'
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(source, 'w', encoding='utf-8') as file:
        file.write('.section .modinfo, "a"\n.asciz "license=GPL"\n'
                   f'.asciz "depends={depends}"\n.asciz "vermagic={release} SMP mod_unload "\n')
    subprocess.run(['as', '-o', path, source], check=True)
    with open(path, 'rb') as file:
        data = file.read()
    if sign:
        with open(path, 'ab') as file:
            file.write(b'SIGNATURE' + struct.pack('>8xI', 9) + modules.SIGNATURE)
    return data


@pytest.fixture
def kernel(tmp_path):
    """A kernel with kvm-amd.ko.xz, which needs kvm and ccp, of which ccp is built in."""
    top = str(tmp_path / 'lib')
    module(top + '/kernel/kvm/kvm-amd.ko', 'kvm,ccp', sign=True)
    with open(top + '/kernel/kvm/kvm-amd.ko', 'rb') as file, \
            lzma.open(top + '/kernel/kvm/kvm-amd.ko.xz', 'wb') as packed:
        packed.write(file.read())
    os.remove(top + '/kernel/kvm/kvm-amd.ko')
    module(top + '/kernel/kvm/kvm.ko', 'irqbypass')
    module(top + '/kernel/lib/irqbypass.ko')
    with open(top + '/modules.builtin', 'w', encoding='utf-8') as file:
        file.write('kernel/drivers/crypto/ccp/ccp.ko\n')
    return kernels.Kernel('image', None, '6.1.0-x', top)


def test_modules_come_after_what_they_need(kernel):
    order = modules.load_order(kernel, ['kvm_amd'])
    assert [name for name, _ in order] == ['irqbypass', 'kvm', 'kvm_amd']
    assert b'depends=kvm,ccp' in order[2][1] and b'SIGNATURE' not in order[2][1]


def test_a_module_stands_in_for_the_one_of_its_name(kernel, tmp_path):
    mine = str(tmp_path / 'mine' / 'kvm-amd.ko')
    data = module(mine, 'kvm')
    order = modules.load_order(kernel, ['kvm_amd'], [mine])
    assert order[-1] == ('kvm_amd', data) and len(order) == 3


def test_a_module_of_another_name_is_loaded_too(kernel, tmp_path):
    mine = str(tmp_path / 'mine' / 'extra.ko')
    module(mine, 'kvm')
    assert [name for name, _ in modules.load_order(kernel, ['kvm_amd'], [mine])][-1] == 'extra'


@pytest.mark.parametrize('break_it, says', [
    (lambda top: os.remove(top + '/kernel/kvm/kvm.ko'), 'no module kvm, which kvm_amd needs'),
    (lambda top: os.remove(top + '/modules.builtin'), 'no module ccp, which kvm_amd needs'),
    (lambda top: module(top + '/kernel/kvm/kvm.ko', release='6.1.0-y'),
     'kvm.ko: a module of 6.1.0-y, and the kernel is 6.1.0-x'),
    (lambda top: open(top + '/kernel/kvm/kvm.ko', 'w').close(), 'kvm.ko: no kernel module'),
])
def test_modules_that_do_not_fit_are_told_before_anything_starts(kernel, break_it, says):
    break_it(kernel.modules)
    with pytest.raises(UsageError, match=says):
        modules.load_order(kernel, ['kvm_amd'])


def test_a_kernel_without_modules_needs_none():
    built_in = kernels.Kernel('image', None, '6.1.0-x', None)
    assert modules.load_order(built_in, ['kvm_amd']) == []


def test_the_distribution_needs_no_host_in_the_project():
    for top, _, files in os.walk(os.path.join(ROOT, 'ci', 'labs')):
        for name in files:
            if name.endswith('.py'):
                with open(os.path.join(top, name), encoding='utf-8') as file:
                    assert '://' not in file.read(), name
