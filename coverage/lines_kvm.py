# SPDX-License-Identifier: GPL-2.0-only
"""Stock KVM that counts its lines: the modules of a lab's kernel, built anew of the distribution's
source against the headers of that kernel, which takes them as its own. Nothing of their code is
changed; kmod/gcov.c is linked to each."""

import os
import re
import shutil
import subprocess
import sys

from lines_gcda import ROOT

sys.path.insert(0, os.path.join(ROOT, 'ci'))
from labs import headers, kernel_source, packages               # noqa: E402 (path first)
from labs.config import BuildFailed, Unavailable                # noqa: E402

SOURCES = ('arch/x86/kvm', 'virt/kvm')
# Each module, and the object with its beginning and end.
MODULES = {'kvm': 'x86', 'kvm-amd': 'svm/svm', 'kvm-intel': 'vmx/vmx'}
WRITER = ('gcov_begin', 'gcov', 'gcov_end')
# Where the Makefile names the tree that it is part of: (expression, what stands there instead).
# The tracepoints' header looks for itself two directories above where headers are.
MOVED = (
    (r'^(ccflags-y \+= -I ?)\$\(srctree\)/arch/x86/kvm$',
     r'\1$(src) -I$(src)/../../../include/trace'),
    (r'^include \$\(srctree\)/virt', 'include $(src)/../../../virt'),
)
COUNT = '''
GCOV := -fprofile-arcs -ftest-coverage -fprofile-info-section -fprofile-update=atomic \\
	-fno-tree-loop-im
ccflags-y += $(GCOV)
'''
COUNT_MODULE = '''
{module}-y := gcov_begin_{module}.o gcov_{module}.o $({module}-y) gcov_end_{module}.o
CFLAGS_REMOVE_gcov_begin_{module}.o := $(GCOV)
CFLAGS_REMOVE_gcov_{module}.o := $(GCOV)
CFLAGS_REMOVE_gcov_end_{module}.o := $(GCOV)
CFLAGS_{object}.o += -Dinit_module=counted_init -Dcleanup_module=counted_exit
'''


def version_of(tree):
    """The version of the package that headers in a tree are of; None if they do not tell."""
    try:
        with open(os.path.join(tree, 'include/generated/package.h'), encoding='utf-8') as file:
            found = re.search(r'LINUX_PACKAGE_ID " \w+ (\S+)"', file.read())
    except OSError:
        return None
    return found and found[1]


def makefile(text):
    """KVM's Makefile as it must be where only KVM is, and where it counts. Raises Unavailable
    if it is not as those known here are."""
    for expression, instead in MOVED:
        text, found = re.subn(expression, instead, text, flags=re.MULTILINE)
        if not found:
            raise Unavailable(f'the Makefile of this KVM has no line like {expression}: it cannot '
                              'be built to count (coverage/lines_kvm.py)')
    return text + COUNT + ''.join(COUNT_MODULE.format(module=module, object=object_)
                                  for module, object_ in MODULES.items())


def prepare(source, top):
    """Copies what KVM is built of from a kernel's source to a directory, whole or not at all."""
    part = top + '.part'
    shutil.rmtree(part, ignore_errors=True)
    for place in SOURCES:
        shutil.copytree(os.path.join(source, place), os.path.join(part, place))
    os.makedirs(os.path.join(part, 'include/trace'))
    path = os.path.join(part, SOURCES[0], 'Makefile')
    with open(path, encoding='utf-8') as file:
        text = makefile(file.read())
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.rename(part, top)


def copy_writer(place):
    """Copies what counts from kmod/ to where KVM is, each module its own, if it is newer."""
    names = [('gcov.h', 'gcov.h'), *((f'{name}.c', f'{name}_{module}.c')
                                     for name in WRITER for module in MODULES)]
    for name, to in names:
        source, to = os.path.join(ROOT, 'kmod', name), os.path.join(place, to)
        if not os.path.exists(to) or os.path.getmtime(to) < os.path.getmtime(source):
            shutil.copy(source, to)


def build(kernel):
    """Brings the modules for a Kernel up to date: the directory they are in. Raises Unavailable
    and BuildFailed."""
    tree = headers.find(kernel)
    source = kernel_source.fetch('.'.join(kernel.release.split('.')[:2]))
    if version_of(tree) != source.version:
        raise Unavailable(f'the kernel {kernel.release} is of {version_of(tree)}, and the source '
                          f'that the distribution has is of {source.version}')
    top = os.path.join(ROOT, 'build/lines/linux', kernel.release)
    place = os.path.join(top, SOURCES[0])
    with packages.locked('kvm-lines'):
        if not os.path.isdir(top):
            prepare(source.path, top)
        copy_writer(place)
        done = subprocess.run(['make', '-s', '--no-print-directory', '-C', tree, f'M={place}',
                               f'-j{os.cpu_count()}', 'CONFIG_KVM_WERROR=',
                               'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors='replace', stdin=subprocess.DEVNULL,
                              env={key: value for key, value in os.environ.items()
                                   if not key.startswith('MAKE')
                                   and key not in ('CC', 'CFLAGS', 'LDFLAGS')})
    if done.returncode:
        raise BuildFailed(f'{done.stdout.strip()}\nKVM does not build in {place}')
    return place


def modules(vendor):
    """A function: paths of kvm.ko and a vendor's module that count, for a Kernel."""
    def built(kernel):
        place = build(kernel)
        return [os.path.join(place, name + '.ko') for name in ('kvm', vendor)]
    return built
