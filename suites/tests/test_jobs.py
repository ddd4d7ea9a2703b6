# SPDX-License-Identifier: GPL-2.0-only
"""The CI jobs in ci/jobs: what they name exists, their scripts are scripts, and do what
docs/ci.md says of them, in a tree where make, the labs and the hypervisor are stand-ins."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBS = ROOT / 'ci/jobs'
SCRIPTS = ('run', 'lava', 'lava-results', 'bisect-step')
TARGETS = json.loads((ROOT / 'ci/targets.json').read_text())


def load(name):
    """A YAML file as objects. The Python that runs the tests need not be the one that has
    a YAML parser: that may be the distribution's."""
    code = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)'
    for python in (sys.executable, '/usr/bin/python3'):
        done = subprocess.run([python, '-c', code, JOBS / name], capture_output=True, text=True)
        if 'No module' not in done.stderr:
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)
    pytest.fail('no Python here has a YAML parser: make deps installs one')


GITHUB, GITLAB, LAVA, LAVA_JOB, KERNELCI = (load(name) for name in (
    'github.yml', 'gitlab.yml', 'lava.yaml', 'lava-job.yaml', 'kernelci.yaml'))


def github_step(job, name):
    """The script of a step."""
    return next(step['run'] for step in GITHUB['jobs'][job]['steps'] if step.get('name') == name)


def scripts():
    """Every piece of shell in the job files, with its origin."""
    for job, each in GITHUB['jobs'].items():
        for i, step in enumerate(each['steps']):
            if 'run' in step:
                yield f'github.yml {job} {i}', step['run']
    for job, each in GITLAB.items():
        if isinstance(each, dict):
            for key in ('before_script', 'script'):
                if key in each:
                    yield f'gitlab.yml {job} {key}', '\n'.join(each[key])
    yield 'lava.yaml', '\n'.join(LAVA['run']['steps'])


# ---- what is named exists ------------------------------------------------------------------

@pytest.mark.parametrize('origin, script', scripts(), ids=lambda text: text.split('\n')[0][:40])
def test_snippets(origin, script):
    assert '${{' not in script, 'what a person types must come by the environment'
    done = subprocess.run(['bash', '-n'], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in re.findall(r'(?<![\w.-])ci/[\w/-]+', script):
        assert os.access(ROOT / path, os.X_OK), path
    makefile = (ROOT / 'Makefile').read_text()
    for line in re.findall(r'^\s*make (.*)', script, re.M):
        for word in re.sub(r'-j"\$\(nproc\)"', '', line).split():
            assert re.search(rf'^([\w/ -]* )?{re.escape(word)}[: ]', makefile, re.M), word


@pytest.mark.parametrize('script', SCRIPTS)
def test_scripts(script):
    assert os.access(JOBS / script, os.X_OK)
    done = subprocess.run(['sh', '-n', JOBS / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def matrices():
    """Lists of targets in the job files."""
    for names in re.findall(r"'(\[.*?\])'", GITHUB['jobs']['labs']['strategy']['matrix']['target']):
        yield json.loads(names)
    for job in ('labs', 'qualify'):
        yield GITLAB[job]['parallel']['matrix'][0]['TARGET']


def test_targets_exist():
    lists = list(matrices())
    assert len(lists) == 4
    for names in lists:
        assert names and all(TARGETS[name]['lab'] for name in names)
    for name in (LAVA['params']['TARGETS'], GITLAB['machine']['variables']['TARGET']):
        assert name == 'auto' or name in TARGETS


def test_a_kernel_that_is_given_is_not_that_of_a_target():
    for names in (*list(matrices())[0:1], *list(matrices())[3:]):
        assert not any(TARGETS[name].get('kernel') for name in names)


def test_reports_and_caches():
    """JUnit and reports are kept whatever came of the job, and labs' kernels cached."""
    for job in GITHUB['jobs'].values():
        uses = [step.get('uses', '').partition('@')[0] for step in job['steps']]
        cache = job['steps'][uses.index('actions/cache')]['with']['path']
        assert job.get('env', GITHUB['env'])['ASSAY_LAB_CACHE'].endswith(cache)
        upload = job['steps'][-1]
        assert (uses[-1], upload['if']) == ('actions/upload-artifact', 'always()')
    base = GITLAB['.assay']
    assert base['artifacts']['when'] == 'always' and base['cache']['when'] == 'always'
    assert base['artifacts']['reports']['junit'] == 'report/*.xml'
    assert GITLAB['variables']['ASSAY_LAB_CACHE'].endswith(base['cache']['paths'][0])
    assert all('--output report' in step for step in (
        github_step('machine', 'Check'), github_step('labs', 'Check'), base['script'][0]))


def test_lava_and_kernelci():
    assert LAVA['metadata']['format'] == 'Lava-Test Test Definition 1.0'
    definition = LAVA_JOB['actions'][2]['test']['definitions'][0]
    assert definition['path'] == 'ci/jobs/lava.yaml'
    assert set(definition['parameters']) <= set(LAVA['params'])
    assert {entry['job'] for entry in KERNELCI['scheduler']} == set(KERNELCI['jobs'])
    template = (JOBS / 'kernelci-test.jinja2').read_text()
    params = KERNELCI['jobs']['assay-kvm']['params']
    assert set(re.findall(r'{{ (\w+) }}', template)) <= set(params)
    assert 'path: ci/jobs/lava.yaml' in template
    assert set(re.findall(r'^ {10}(\w+):', template, re.M)) <= set(LAVA['params'])


# ---- a tree of stand-ins -------------------------------------------------------------------

def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\n' + text)
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path):
    """The jobs' scripts, and stand-ins that write down how they are called."""
    top = tmp_path / 'assay'
    (top / 'ci/jobs').mkdir(parents=True)
    for script in SCRIPTS:
        shutil.copy(JOBS / script, top / 'ci/jobs')
    log = f'echo "$(basename "$0") $*" >>{top}/calls\n'
    executable(top / 'build/assay', log + '[ "$1" = probe ] && exit ${PROBE:-0}\n'
               '[ "$1" = report ] && printf "1..1\\nok 1 - io/a@long64\\n"\n'
               '[ "$1" = run ] && echo "{}"\nexit ${ASSAY:-0}\n')
    executable(top / 'ci/check', log + 'echo checked\nwhile [ $# -gt 0 ]; do\n'
               '[ "$1" = --output ] && [ -z "${EMPTY:-}" ] && echo "{}" >"$2/svm.json" &&'
               ' echo table >"$2/summary.txt"\nshift\ndone\nexit ${CHECK:-0}\n')
    executable(top / 'ci/lab', log + 'exit ${LAB:-0}\n')
    for name in ('sudo', 'apt-get', 'udevadm', 'curl', 'lava-test-case', 'lava-test-set'):
        executable(top / 'bin' / name, log)
    executable(top / 'bin/make', log + 'exit ${MAKE_STATUS:-0}\n')
    executable(top / 'bin/wget', f'{log}cp {top}/build/assay "$3.new"; mv "$3.new" "$3"\n')
    return top


def run(tree, *command, cwd=None, **environment):
    """Runs a command among the stand-ins. Gives its status, its output, and their calls."""
    (tree / 'calls').unlink(missing_ok=True)
    environment = {**os.environ, 'PATH': f'{tree}/bin:{os.environ["PATH"]}', **environment}
    environment['GITHUB_STEP_SUMMARY'] = environment.pop('summary', '')
    done = subprocess.run(command, cwd=cwd or tree, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    calls = (tree / 'calls').read_text().splitlines() if (tree / 'calls').exists() else []
    return done.returncode, done.stdout, calls


def checked(calls):
    """How ci/check was called, without its name."""
    return [call[6:] for call in calls if call.startswith('check ')]


# ---- ci/jobs/run ---------------------------------------------------------------------------

@pytest.mark.parametrize('arguments, probe, called', [
    ([], '0', 'kvm --output build/check'),
    (['auto'], '125', 'svm --output build/check'),
    (['auto'], '2', 'svm --output build/check'),
    (['vmx', 'svm'], '0', 'vmx svm --output build/check'),
    (['--output', 'report', 'auto', 'vmx'], '0', 'kvm vmx --output report'),
    (['svm', '--', '--kernel', '6.12', '-p', 'io'], '0',
     'svm --output build/check --kernel 6.12 -p io'),
])
def test_run_checks_targets(tree, arguments, probe, called):
    status, output, calls = run(tree, 'ci/jobs/run', *arguments, PROBE=probe)
    assert (status, checked(calls)) == (0, [called])
    assert calls[0] == 'make deps' and re.match(r'make -j\d+ all build/lab/agent', calls[1])
    log = tree / called.split('--output ')[1].split()[0] / 'log.txt'
    assert 'checked\n' in output and log.read_text() == 'checked\n'


@pytest.mark.parametrize('status', [0, 1, 2, 125])
def test_run_has_the_status_of_the_check(tree, status):
    assert run(tree, 'ci/jobs/run', CHECK=str(status))[0] == status


def test_run_what_cannot_be_built(tree):
    status, _, calls = run(tree, 'ci/jobs/run', MAKE_STATUS='2')
    assert (status, calls) == (125, ['make deps'])


@pytest.mark.parametrize('arguments', [['--frobnicate'], ['--output']])
def test_run_bad_usage(tree, arguments):
    status, output, calls = run(tree, 'ci/jobs/run', *arguments)
    assert (status, calls) == (2, []) and output.startswith('ci/jobs/run: ')


def test_run_tells_github(tree):
    summary = tree / 'summary.md'
    run(tree, 'ci/jobs/run', summary=str(summary))
    assert summary.read_text() == '```\ntable\n```\n'
    summary.unlink()
    (tree / 'build/check/summary.txt').unlink()
    run(tree, 'ci/jobs/run', summary=str(summary), EMPTY='1')
    assert summary.read_text() == '```\nchecked\n```\n'


# ---- what the systems run ------------------------------------------------------------------

@pytest.mark.parametrize('kernel, options', [
    ('', ''), ('6.12', ' --kernel 6.12'), ('https://x/y.deb', ' --kernel /tmp/kernel.deb'),
    ('6.1 $(reboot)', ' --kernel 6.1 $(reboot)')])
def test_github_labs(tree, kernel, options):
    status, _, calls = run(tree, 'bash', '-e', '-c', github_step('labs', 'Check'),
                           TARGET='vmx', KERNEL=kernel)
    assert (status, checked(calls)) == (0, [f'vmx --output report{options}'])


def test_github_machine(tree):
    for probe, target in (('0', 'kvm'), ('125', 'svm')):
        _, _, calls = run(tree, 'bash', '-e', '-c', github_step('machine', 'Check'), PROBE=probe)
        assert checked(calls) == [f'{target} --output report']
    status, _, calls = run(tree, 'bash', '-e', '-c', github_step('machine', 'Check'), CHECK='1')
    assert status == 1


def test_github_udev_rule(tree):
    script = github_step('machine', 'Let everybody use /dev/kvm').replace('/dev/kvm', '/dev/null')
    status, _, calls = run(tree, 'bash', '-e', '-c', script)
    assert status == 0
    assert 'sudo tee /etc/udev/rules.d/99-assay-kvm.rules' in calls
    assert calls[-1] == 'sudo udevadm trigger --name-match=kvm --settle'
    assert re.search(r'KERNEL=="kvm",.* MODE="0666"', script)


@pytest.mark.parametrize('job, environment, called', [
    ('machine', {'TARGET': 'auto'}, 'kvm --output report'),
    ('labs', {'TARGET': 'svm-npt0'}, 'svm-npt0 --output report'),
    ('qualify', {'TARGET': 'svm', 'KERNEL': '6.12'}, 'svm --output report --kernel 6.12'),
    ('qualify', {'TARGET': 'svm', 'KERNEL': 'https://x/y.deb'},
     'svm --output report --kernel /tmp/kernel.deb'),
])
def test_gitlab(tree, job, environment, called):
    script = '\n'.join(GITLAB[job].get('script', GITLAB['.assay']['script']))
    status, _, calls = run(tree, 'bash', '-e', '-c', script, **environment)
    assert (status, checked(calls)) == (0, [called])


# ---- LAVA ----------------------------------------------------------------------------------

TAP = '''TAP version 13
1..7
# assay 1 on /dev/kvm: kvm_amd 6.1 (TCG), QEMU
ok 1 - io/a@long64
not ok 2 - io/b@long64.ring3+mmio
  ---
  message: "not ok 9 - no test point"
  ...
ok 3 - paging/c@pae32 # SKIP no la57
not ok 4 - paging/d@pae32 # TODO known [ref]
ok 5 - state/e@prot16 # TODO gone
not ok 6 - state/f$(x)@prot16
ok 7 - interrupts/g@vm86 # SKIP
'''
TOLD = '''lava-test-set start svm-io
lava-test-case io_b_long64.ring3_mmio --result fail
lava-test-set stop
lava-test-case svm-io --result fail
lava-test-set start svm-paging
lava-test-set stop
lava-test-case svm-paging --result skip
lava-test-set start svm-state
lava-test-case state_f__x__prot16 --result fail
lava-test-set stop
lava-test-case svm-state --result fail
lava-test-set start svm-interrupts
lava-test-set stop
lava-test-case svm-interrupts --result skip
lava-test-case svm-complete --result pass
'''


def lava_results(*arguments, tap=TAP, **options):
    done = subprocess.run([JOBS / 'lava-results', *arguments], input=tap, capture_output=True,
                          text=True, **options)
    return done.returncode, done.stdout, done.stderr


def test_lava_results():
    assert lava_results('--print', 'svm') == (0, TOLD, '')


def test_lava_results_of_everything():
    _, output, _ = lava_results('--all', '--print', 'svm')
    told = dict(re.findall(r'^lava-test-case (\S+) --result (\S+)$', output, re.M))
    assert told == {'io_a_long64': 'pass', 'io_b_long64.ring3_mmio': 'fail', 'svm-io': 'fail',
                    'paging_c_pae32': 'skip', 'paging_d_pae32': 'skip', 'svm-paging': 'skip',
                    'state_e_prot16': 'pass', 'state_f__x__prot16': 'fail', 'svm-state': 'fail',
                    'interrupts_g_vm86': 'skip', 'svm-interrupts': 'skip', 'svm-complete': 'pass'}


@pytest.mark.parametrize('tap', ['', 'TAP version 13\n1..2\nok 1 - io/a@long64\n',
                                 'ok 1 - io/a@long64\n'])
def test_lava_results_of_what_is_cut_off(tap):
    status, output, _ = lava_results('--print', 'svm', tap=tap)
    assert status == 2 and output.endswith('lava-test-case svm-complete --result fail\n')


def test_lava_results_are_sent(tree):
    path = f'{tree}/bin:{os.environ["PATH"]}'
    assert lava_results('svm', env={**os.environ, 'PATH': path})[0] == 0
    assert (tree / 'calls').read_text() == TOLD


def test_lava_results_bad_usage():
    assert lava_results()[0] == 2 and lava_results('a', 'b')[0] == 2


def test_lava_definition(tree):
    script = '\n'.join(LAVA['run']['steps'])
    parameters = {key: str(value) for key, value in LAVA['params'].items()}
    status, _, calls = run(tree, 'sh', '-c', script, **parameters)
    assert (status, checked(calls)) == (0, ['kvm --output build/check'])
    assert 'lava-test-case svm-io --result pass' in calls
    assert calls[-1] == 'lava-test-case assay-run --result pass'


def test_lava_with_a_program(tree):
    status, _, calls = run(tree, 'ci/jobs/lava', ASSAY_URL='https://x/assay', RESULTS='all')
    assert status == 0 and not checked(calls)
    assert [call for call in calls if not call.startswith('lava')] == [
        'wget -q -O build/assay https://x/assay', 'assay run --format json',
        'assay report --format tap build/check/kvm.json']
    assert 'lava-test-case io_a_long64 --result pass' in calls
    assert 'lava-test-case kvm-io --result pass' in calls


@pytest.mark.parametrize('environment, status, last', [
    ({'CHECK': '1'}, 0, 'assay-run --result fail'),
    ({'CHECK': '125'}, 2, 'assay-run --result skip'),
    ({'CHECK': '2', 'EMPTY': '1'}, 2, 'assay-run --result fail'),
    ({'ASSAY_URL': 'https://x/assay', 'PATH_WITHOUT': 'wget'}, 2, 'assay-fetch --result fail'),
])
def test_lava_tells_what_went_wrong(tree, environment, status, last):
    if environment.pop('PATH_WITHOUT', None):
        executable(tree / 'bin/wget', 'exit 4\n')
        executable(tree / 'bin/curl', 'exit 22\n')
    seen, _, calls = run(tree, 'ci/jobs/lava', **environment)
    assert seen == status
    assert [call for call in calls if call.startswith('lava')][-1] == f'lava-test-case {last}'


# ---- bisecting -----------------------------------------------------------------------------

@pytest.fixture
def linux(tree):
    """A tree of Linux, as far as bisect-step looks."""
    top = tree.parent / 'linux'
    executable(top / 'scripts/config', f'echo "config $*" >>{tree}/calls\n')
    (top / 'arch/x86').mkdir(parents=True)
    (top / 'arch/x86/Kconfig').touch()
    return top


def step(tree, linux, *arguments, **environment):
    return run(tree, tree / 'ci/jobs/bisect-step', *arguments, cwd=linux,
               BISECT_BUILD=str(tree.parent / 'out'), **environment)


def test_bisect_step_builds_and_runs(tree, linux):
    status, _, calls = step(tree, linux, 'svm', '--param', 'kvm_amd.npt=0', '--', 'io/out', 'io/in')
    out = tree.parent / 'out'
    assert status == 0
    assert calls[0] == f'make O={out} x86_64_defconfig kvm_guest.config'
    assert '-m KVM -m KVM_INTEL -m KVM_AMD' in calls[1]
    assert re.fullmatch(rf'make -j\d+ O={out} bzImage modules', calls[3])
    assert calls[4:] == [f'lab svm --kernel {out}/arch/x86/boot/bzImage --modules {out} '
                         '--param kvm_amd.npt=0 -- assay run io/out io/in']


def test_bisect_step_keeps_a_configuration(tree, linux):
    (tree.parent / 'out').mkdir()
    (tree.parent / 'out/.config').touch()
    _, _, calls = step(tree, linux, 'vmx', '--', 'io')
    assert calls[0] == f'make O={tree.parent}/out olddefconfig'
    assert calls[-1].endswith(' -- assay run io')


@pytest.mark.parametrize('lab, status', [(0, 0), (1, 1), (3, 1), (124, 1), (2, 125), (125, 125),
                                         (130, 255)])
def test_bisect_step_status(tree, linux, lab, status):
    assert step(tree, linux, 'svm', '--', 'io', LAB=str(lab))[0] == status


def test_bisect_step_skips_what_does_not_build(tree, linux):
    status, output, calls = step(tree, linux, 'svm', '--', 'io', MAKE_STATUS='2')
    assert status == 125 and 'does not build' in output
    assert not any(call.startswith('lab') for call in calls)


@pytest.mark.parametrize('arguments', [[], ['moon', '--', 'io'], ['svm'], ['svm', '--'],
                                       ['svm', 'io']])
def test_bisect_step_bad_usage(tree, linux, arguments):
    assert step(tree, linux, *arguments)[0] == 255


def test_bisect_step_outside_of_linux(tree):
    assert step(tree, tree, 'svm', '--', 'io')[0] == 255
