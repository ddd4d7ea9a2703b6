# SPDX-License-Identifier: GPL-2.0-only
"""Makes pytest items of Assay's cases.

    pytest suites -k paging --target /dev/kvm --mode long64

Each instance is one item, named as `assay list` names it. All items that are
selected run in one `assay run`; its results are handed out as they come. A skip is
a skip, a known deviation an xfail, a target that cannot run anything skips all.
"""

import os

import pytest

from assay_batch import Batch, ListError, list_instances

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODES = ('real16', 'prot16', 'prot32', 'paged32', 'pae32', 'compat32', 'long64', 'long64_5l',
         'vm86')
PATHS = ('native', 'mmio', 'fep')
CHANGES = ('restore', 'fresh')
IRQCHIPS = ('user', 'split', 'kernel')


def pytest_addoption(parser):
    group = parser.getgroup('assay', 'Assay: cases for hypervisors')
    group.addoption('--assay', metavar='PATH', default=os.path.join(ROOT, 'build', 'assay'),
                    help='the program (default: build/assay)')
    group.addoption('--target', metavar='NODE', default='/dev/kvm',
                    help='device node of the hypervisor under test (default: /dev/kvm)')
    group.addoption('--mode', action='append', choices=MODES,
                    help='only cases in this mode; may be repeated')
    group.addoption('--irqchip', action='append', choices=IRQCHIPS,
                    help='only instances with this irqchip; may be repeated')
    group.addoption('--variant', action='append', choices=PATHS + CHANGES,
                    help='native, mmio, fep: only these instances; restore, fresh: all of them '
                         'in this variant; may be repeated')
    group.addoption('--artifacts', metavar='DIR', help='keep a bundle of files for each failure')
    group.addoption('--jobs', metavar='N', type=int, help='workers of assay run')


def wanted(instance, config):
    """Whether the options select an instance; instances are as `assay list` gives them."""
    paths = [name for name in config.getoption('variant') or () if name in PATHS]
    for chosen, key in ((config.getoption('mode'), 'mode'),
                        (config.getoption('irqchip'), 'irqchip'), (paths, 'path')):
        if chosen and instance[key] not in chosen:
            return False
    return True


def pytest_generate_tests(metafunc):
    if 'instance' not in metafunc.fixturenames:
        return
    config = metafunc.config
    try:
        instances, error = list_instances(config.getoption('assay')), None
    except ListError as caught:
        instances, error = [], str(caught)
    if error:
        pytest.fail(error, pytrace=False)
    changes = ''.join('+' + name for name in CHANGES if name in (config.getoption('variant') or ()))
    names = [instance['name'] + changes for instance in instances if wanted(instance, config)]
    metafunc.parametrize('instance', names, ids=names)


def pytest_collection_finish(session):
    """Deselection is over: what is left goes into one batch."""
    config = session.config
    names = [item.callspec.params['instance'] for item in session.items
             if 'instance' in getattr(item, 'fixturenames', ()) and hasattr(item, 'callspec')]
    command = [config.getoption('assay'), 'run', '--on', config.getoption('target'),
               '--format', 'json']
    if config.getoption('artifacts'):
        command += ['--artifacts', config.getoption('artifacts')]
    if config.getoption('jobs'):
        command += ['-j', str(config.getoption('jobs'))]
    config.assay_batch = Batch(command, names)


def pytest_unconfigure(config):
    batch = getattr(config, 'assay_batch', None)
    if batch:
        batch.stop()


@pytest.fixture(scope='session')
def batch(pytestconfig):
    return pytestconfig.assay_batch
