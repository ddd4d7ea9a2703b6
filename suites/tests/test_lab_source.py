# SPDX-License-Identifier: GPL-2.0-only
"""The source of the distribution's kernel: which one, unpacked whole or not at all."""

import io
import os
import tarfile

import pytest

from lab_tools import ROOT      # noqa: F401 (it makes labs importable)
from labs import kernel_source, packages
from labs.config import Unavailable, UsageError
from test_lab_packages import FakeArchive, deb

INDEX = [('linux-source-6.1', '6.1.9-1'), ('linux-source-6.1', '6.1.192-2'),
         ('linux-source-6.12', '6.12.117-1~deb12u1'), ('linux-source', '6.1.192-2')]
FILES = ('arch/x86/Kconfig', 'arch/x86/kvm/x86.c', 'arch/arm/Kconfig', 'arch/arm/mm/mmu.c',
         'arch/Kconfig', 'drivers/gpu/drm/Kconfig', 'drivers/gpu/drm/amd/big.h', 'Makefile',
         'tools/arch/x86/lib/insn.c', 'Documentation/Kconfig', 'Documentation/index.rst')


def tarball(names):
    """Bytes of a source's tarball with files of these names."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w:xz') as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo('linux-source-6.1/' + name))
    return stream.getvalue()


class SourceArchive(FakeArchive):
    """An archive with sources in it."""

    files = FILES

    def fetch(self, wanted, directory):
        for name, version in wanted:
            self.fetched += 1
            deb(os.path.join(directory, name + '.deb'), name, version,
                {f'usr/src/{name}.tar.xz': tarball(self.files)})


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """The release's archive, and a cache of the test's own."""
    monkeypatch.setenv('ASSAY_LAB_CACHE', str(tmp_path / 'cache'))
    made = SourceArchive('bookworm', INDEX)
    monkeypatch.setattr(packages, 'Archive', lambda: made)
    return made


def below(top):
    return {os.path.relpath(os.path.join(place, file), top)
            for place, _, files in os.walk(top) for file in files}


def test_the_newest_source_of_a_series_is_unpacked_once(archive):
    for _ in range(2):
        source = kernel_source.fetch('6.1')
    assert archive.fetched == 1
    assert source.version == '6.1.192-2'
    assert kernel_source.fetch('6.12').version == '6.12.117-1~deb12u1'
    assert os.path.exists(source.path)      # another series has a place of its own


def test_what_is_not_for_x86_is_left_out(archive):
    assert below(kernel_source.fetch().path) == set(FILES) - {
        'arch/arm/mm/mmu.c', 'drivers/gpu/drm/amd/big.h', 'Documentation/index.rst'}


def test_an_older_source_goes(archive):
    old = kernel_source.fetch('6.1').path
    archive.table = archive.table + [('linux-source-6.1', '6.1.193-1')]
    assert kernel_source.fetch('6.1').version == '6.1.193-1'
    assert not os.path.exists(old)


def test_a_series_that_is_not_there_is_told(archive):
    with pytest.raises(UsageError, match='no package linux-source-6.2; there are sources of 6.1, '
                                         '6.12$'):
        kernel_source.fetch('6.2')


def test_what_is_no_source_of_linux_leaves_nothing_behind(archive, tmp_path):
    archive.files = ('README',)
    with pytest.raises(Unavailable, match='this is no source of Linux'):
        kernel_source.fetch()
    assert os.listdir(tmp_path / 'cache/source') == []
