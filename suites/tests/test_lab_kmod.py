# SPDX-License-Identifier: GPL-2.0-only
"""assay.ko in labs: headers of the lab's kernel, builds that fail, modules that are not taken,
two hypervisors on one processor, its symbols in a debugger."""

import os
import re
import shutil
import subprocess

import pytest

from lab_tools import DIED, OK, USAGE, finish, lab, start
from labs import config, headers, kernels, kmod, machine, modules, packages, session
from labs.config import BuildFailed, Unavailable
from test_lab_packages import FakeArchive, deb

RELEASE = '6.1.0-56-cloud-amd64'
SMALL = ('--memory', '384', '--hypervisor', 'assay')


# ---- headers -------------------------------------------------------------------------------

def tree(place, release):
    """A directory that modules for a release could be built in."""
    os.makedirs(place / 'include' / 'generated')
    (place / 'include/generated/utsrelease.h').write_text(f'#define UTS_RELEASE "{release}"\n')
    (place / 'Makefile').write_text('include /usr/src/linux-headers-6.1.0-56-common/Makefile\n')
    return str(place)


class HeadersArchive(FakeArchive):
    """An archive with headers in it."""

    def depends(self, package, version):
        return {'linux-headers-' + RELEASE: ['linux-headers-6.1.0-56-common', 'gcc-12',
                                             'linux-kbuild-6.1', 'linux-image-' + RELEASE]
                }.get(package, [])

    def fetch(self, wanted, directory):
        for name, version in wanted:
            self.fetched += 1
            top = f'usr/src/{name}/'
            deb(os.path.join(directory, name + '.deb'), name, version, {
                top + 'include/generated/utsrelease.h': f'#define UTS_RELEASE "{RELEASE}"'.encode(),
                top + 'Makefile': b'include /usr/src/linux-headers-6.1.0-56-common/Makefile\n'})


INDEX = [('linux-headers-' + RELEASE, '6.1.9-1'), ('linux-headers-' + RELEASE, '6.1.192-2'),
         ('linux-headers-6.1.0-56-common', '6.1.192-2'), ('gcc-12', '12'),
         ('linux-kbuild-6.1', '6.1.9-1'), ('linux-kbuild-6.1', '6.1.192-2')]


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Backports have the headers, and the cache is the test's own."""
    monkeypatch.setenv('ASSAY_LAB_CACHE', str(tmp_path / 'cache'))
    made = {False: HeadersArchive('bookworm', []), True: HeadersArchive('backports', INDEX)}
    monkeypatch.setattr(packages, 'Archive', lambda backports=False: made[backports])
    return made


def kernel_with(directory, release=RELEASE):
    return kernels.Kernel('image', None, release, str(directory))


def test_the_tree_that_the_modules_are_in_is_built_in(tmp_path, archives):
    place = tree(tmp_path / 'linux', RELEASE)
    assert headers.find(kernel_with(tmp_path / 'linux')) == place
    (tmp_path / 'modules').mkdir()
    os.symlink(place, tmp_path / 'modules/build')
    assert headers.find(kernel_with(tmp_path / 'modules')) == place


def test_a_tree_of_another_release_is_not_built_in(tmp_path, archives):
    tree(tmp_path / 'linux', '6.1.0-55-cloud-amd64')
    with pytest.raises(Unavailable, match='no package linux-headers-6.9.1 in bookworm and backp'):
        headers.find(kernel_with(tmp_path / 'linux', '6.9.1'))


def test_headers_are_fetched_once_and_fit_where_they_are(archives, tmp_path):
    for _ in range(2):
        place = headers._packaged(RELEASE)
        top = str(tmp_path / 'cache/headers' / RELEASE)
        assert place == f'{top}/usr/src/linux-headers-{RELEASE}'
        with open(place + '/Makefile', encoding='utf-8') as file:
            assert file.read() == f'include {top}/usr/src/linux-headers-6.1.0-56-common/Makefile\n'
    assert archives[True].fetched == 3


def test_the_newest_packages_are_taken(archives):
    assert headers._choose(RELEASE) == (archives[True], [
        ('linux-headers-' + RELEASE, '6.1.192-2'), ('linux-headers-6.1.0-56-common', '6.1.192-2'),
        ('linux-kbuild-6.1', '6.1.192-2')])


# ---- building ------------------------------------------------------------------------------

@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A directory in the place of kmod/, with the rule of its Makefile to be written."""
    tree(tmp_path / 'linux', RELEASE)
    monkeypatch.setattr(kmod, 'SOURCES', str(tmp_path))
    monkeypatch.setenv('CC', 'no-such-compiler')

    def rule(text):
        (tmp_path / 'Makefile').write_text('modules:\n\t' + text + '\n')
        return kernel_with(tmp_path / 'linux')
    return rule


def test_the_compiler_of_the_runner_is_not_the_module_s(stand_in):
    said = kmod.make(stand_in('@echo $(origin CC) for $(KDIR) in $(OUT)'), 'place')
    assert re.fullmatch(r'default for \S+/linux in place\n', said)


def test_what_does_not_build_says_why(stand_in, monkeypatch):
    kernel = stand_in('@echo vm.c:1: error: x; exit 1')
    with pytest.raises(BuildFailed, match=rf'vm.c:1: error: x\n(.*\n)*assay.ko does not build for '
                                          rf'Linux {RELEASE}'):
        kmod.build(kernel)


def test_parameters_are_read_from_the_module(tmp_path):
    source = tmp_path / 'a.s'
    source.write_text('.section .modinfo, "a"\n.asciz "parmtype=npt:bool"\n'
                      '.asciz "parm=npt:nested"\n.asciz "parmtype=avic:int"\n.asciz "x=y"\n')
    subprocess.run(['as', '-o', tmp_path / 'a.ko', source], check=True)
    assert modules.parameter_names((tmp_path / 'a.ko').read_bytes()) == ['avic', 'npt']


# ---- in labs -------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def needed():
    """Skips where there is no lab, or no headers of its kernel."""
    try:
        machine.kind('svm')().identify()
        return kmod.build(kernels.find(None))
    except Unavailable as error:
        pytest.skip(str(error))


def test_the_module_is_loaded_instead_of_the_kernel_s(needed):
    outcome = lab('svm', *SMALL, '--', 'sh', '-c', 'ls /dev/assay /dev/kvm; '
                  'cat /sys/module/assay/parameters/force_emulation_prefix; ls /sys/module | '
                  'grep -c kvm_amd')
    assert outcome.output == b'/dev/assay\nY\n0\n', outcome.errors


@pytest.mark.parametrize('arguments, status, says', [
    (('--param', 'assay.moon=1'), USAGE, 'the module assay has no such parameter, but '),
    (('--param', 'kvm_amd.npt=0'), USAGE, 'the lab loads no module kvm_amd, but assay'),
    (('--module', '/nonexistent/assay.ko'), USAGE, '/nonexistent/assay.ko: no such file'),
    (('--param', 'assay.force_emulation_prefix=moon'), DIED,
     'failed: the kernel does not take the module assay force_emulation_prefix=moon: Invalid'),
])
def test_what_cannot_be_loaded_is_told(needed, arguments, status, says):
    outcome = lab('svm', *SMALL, *arguments, '--', 'true')
    assert (outcome.status, says in outcome.errors) == (status, True), outcome.errors


def test_a_module_of_another_kernel_is_told(needed, tmp_path):
    other = tmp_path / 'assay.ko'
    with open(needed, 'rb') as file:
        other.write_bytes(file.read().replace(b'vermagic=6.', b'vermagic=7.'))
    outcome = lab('svm', *SMALL, '--module', str(other), '--', 'true')
    assert outcome.status == USAGE
    assert re.search(r'assay.ko: a module of 7\.\S+, and the kernel is 6\.', outcome.errors)


def test_what_was_built_of_another_tree_is_not_taken(tmp_path):
    """A copy of a tree brings links to the sources of the first."""
    place, out = tree(tmp_path / 'linux', RELEASE), tmp_path / 'out'
    out.mkdir()
    command = ['make', '-C', kmod.SOURCES, f'KDIR={place}', f'OUT={out}', f'{out}/Kbuild']
    for source, kept in ((kmod.SOURCES, True), ('/elsewhere/kmod', False),
                         (kmod.SOURCES + '/gone', False)):
        (out / 'vm.c').symlink_to(source + '/vm.c')
        (out / 'vm.o').write_text('')
        subprocess.run(command, check=True, capture_output=True)
        assert (out / 'vm.c').is_symlink() == (out / 'vm.o').exists() == kept
        (out / 'vm.c').unlink(missing_ok=True)


def test_a_build_that_fails_fails_the_run(needed, monkeypatch):
    def fail(kernel):
        raise BuildFailed('vm.c:1: error: x')

    monkeypatch.setattr(kmod, 'build', fail)
    with pytest.raises(BuildFailed):
        session.run(config.Config(hypervisor='assay'), ['true'], print, print)


BUSY = '''
assay run -j1 --format tap io emulation >/tmp/run 2>&1 &
until grep -q '^ok' /tmp/run; do sleep 0.1; done
assay run -j1 --on /dev/assay io/out/imm8_al@long64 2>&1
dmesg | grep -o 'assay: .*'
kill %1; wait
rmmod kvm_amd
assay run -j1 --on /dev/assay io/out/imm8_al@long64 >/dev/null 2>&1 && echo works
'''


def test_who_has_the_processor_is_told(needed):
    outcome = lab('svm', '--hypervisor', 'both', '--', 'sh', '-c', BUSY)
    text = outcome.output.decode()
    assert outcome.status == OK, outcome.errors
    assert 'no VM can be made: KVM_CREATE_VM: Device or resource busy' in text
    assert 'another hypervisor has this processor: unload kvm_amd first' in text
    assert text.endswith('works\n')


UNWATCHED = '''
assay run --on /dev/assay 'emulation/x87*' 'emulation/sse*' state/fpu >/tmp/run 2>&1 || cat /tmp/run
grep '^exit_fpu' /sys/kernel/debug/assay/stats
'''


def test_the_fpu_of_guests_that_nobody_watches(needed):
    """ci/check reads the ring of exits, and then the module puts nothing off."""
    outcome = lab('svm', *SMALL, '--', 'sh', '-c', UNWATCHED)
    assert outcome.status == OK, outcome.errors
    assert int(re.fullmatch(rb'exit_fpu (\d+)\n', outcome.output)[1]) > 50


def test_a_debugger_knows_the_module_s_source(needed):
    if not shutil.which('gdb'):
        pytest.skip('no gdb')
    process = start('gdb', 'svm', 'io/out/imm8_al@long64', '--no-gdb', *SMALL)
    script = re.search(r'gdb -x (\S+)', process.stderr.readline().decode())[1]
    done = subprocess.run(['gdb', '-batch', '-x', script, '-ex', 'bt 2', '-ex', 'delete', '-ex',
                           'detach'], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    outcome = finish(process)
    assert re.search(r'Breakpoint 1, svm_enter \(\) at \S+/svm/entry.S:\d+', done.stdout), done
    assert re.search(r'#1 .* in \w+ \(.*\) at \S+/svm/\w+.c:\d+', done.stdout), done.stdout
    assert outcome.status == OK, outcome.errors
