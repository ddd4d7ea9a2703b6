# SPDX-License-Identifier: GPL-2.0-only
"""Building kernels for labs, with a make that only notes what it is asked for."""

import os
import stat

import pytest

from lab_tools import ROOT      # noqa: F401 (it makes labs importable)
from labs import kernel_build, kernel_source, kernels
from labs.config import Unavailable
from test_lab_packages import bzimage

MAKE = '''#!/bin/sh
echo "$*" >>"$NOTES"
for word; do
	case $word in O=*) out=${word#O=} ;; esac
done
case $* in
*allnoconfig*)
	grep -v "$LOST" "$out/wanted.config" >"$out/.config"
	exit 0 ;;
esac
[ -z "$BROKEN" ] || { echo 'a.c:1: error: broken'; exit 2; }
mkdir -p "$out/arch/x86/boot" "$out/kernel" "$out/scripts" "$out/include/generated"
cp "$IMAGE" "$out/arch/x86/boot/bzImage"
touch "$out/kernel/a.o" "$out/kernel/a.ko" "$out/scripts/b.o"
'''


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A make of the test's own, a source, and a cache; what make was called with is in notes."""
    monkeypatch.setenv('ASSAY_LAB_CACHE', str(tmp_path / 'cache'))
    for name, value in (('NOTES', tmp_path / 'notes'), ('IMAGE', tmp_path / 'image'),
                        ('LOST', '^#'), ('BROKEN', '')):
        monkeypatch.setenv(name, str(value))
    (tmp_path / 'bin').mkdir()
    for tool in kernel_build.TOOLS:
        path = tmp_path / 'bin' / tool
        path.write_text(MAKE if tool == 'make' else '#!/bin/sh\necho compiler 1\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv('PATH', f'{tmp_path}/bin:{os.environ["PATH"]}')
    (tmp_path / 'image').write_bytes(bzimage(b'no kernel'))
    monkeypatch.setattr(kernel_source, 'fetch', lambda series: kernel_source.Source(
        str(tmp_path), series + '.9-1'))

    def notes():
        try:
            return (tmp_path / 'notes').read_text().splitlines()
        except FileNotFoundError:
            return []
    return notes


def test_a_kernel_is_built_once(make):
    for _ in range(2):
        kernel = kernels.find('debug')
    assert [line.split()[-1] for line in make()] == ['allnoconfig', 'modules']
    assert kernel.image == kernel_build.image(kernel.modules)
    assert '/built/debug-6.1.9-1-' in kernel.modules
    assert kernel.arguments == kernel_build.ARGUMENTS and kernel.slow == kernel_build.SLOW


def test_another_configuration_or_series_is_another_kernel(make, monkeypatch):
    first = kernels.find('debug').modules
    assert '/built/debug-6.12.9-1-' in kernels.find('debug-6.12').modules
    assert os.path.exists(first)
    lines = kernel_build.configuration()
    monkeypatch.setattr(kernel_build, 'configuration', lambda: lines[1:])
    assert kernels.find('debug').modules != first
    assert not os.path.exists(first)


def test_the_release_tells_which_build_it_is(make):
    place = kernel_build.ensure()
    with open(place + '/.config', encoding='utf-8') as file:
        assert f'CONFIG_LOCALVERSION="-debug-{place[-8:]}"' in file.read()


def test_what_builds_modules_stays_and_objects_go(make):
    place = kernel_build.ensure()
    assert os.listdir(place + '/kernel') == ['a.ko']
    assert os.listdir(place + '/scripts') == ['b.o']


def test_a_check_that_cannot_be_had_is_told(make, monkeypatch):
    monkeypatch.setenv('LOST', 'CONFIG_KASAN=y')
    with pytest.raises(Unavailable, match='does not take CONFIG_KASAN=y of'):
        kernel_build.ensure()


def test_a_build_that_failed_is_told_and_gone_on_with(make, monkeypatch):
    monkeypatch.setenv('BROKEN', '1')
    with pytest.raises(Unavailable, match=r'cannot be built \(make -C .*\): a.c:1: error: broken'):
        kernel_build.ensure()
    monkeypatch.setenv('BROKEN', '')
    assert os.path.exists(kernel_build.image(kernel_build.ensure()))


def test_a_missing_tool_is_named(make, monkeypatch, tmp_path):
    (tmp_path / 'bin' / 'flex').unlink()
    monkeypatch.setenv('PATH', f'{tmp_path}/bin')
    with pytest.raises(Unavailable, match='there is no flex to build a kernel with: make deps'):
        kernel_build.ensure()


@pytest.mark.parametrize('wanted, series', [
    ('debug', None), ('debug-6.12', '6.12'), ('debug-', 0), ('6.1', 0), ('debug/6.1', 0), (None, 0),
])
def test_what_a_kernel_of_ours_is_called(wanted, series):
    assert kernel_build.is_name(wanted) == (series != 0)
    if series != 0:
        assert kernel_build.NAME.fullmatch(wanted)[1] == series
