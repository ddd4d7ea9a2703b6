# SPDX-License-Identifier: GPL-2.0-only
"""The program as it is typed: exit statuses, messages, files it reads and writes.
What needs a hypervisor is skipped, with the reason, where there is none."""

import ctypes
import json
import os
import re
import signal
import subprocess

import pytest

from microguests import CANNOT, ROOT, assemble

OK, FAIL, ERROR, INTERRUPTED = 0, 1, 2, 130


@pytest.fixture
def assay(pytestconfig):
    """Runs the program; gives its status, output and errors."""

    def runner(*arguments, **options):
        options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True,
                   'stdin': subprocess.DEVNULL} | options
        if isinstance(options['stdin'], str):
            options['input'] = options.pop('stdin')
        done = subprocess.run([pytestconfig.getoption('assay'), *arguments], cwd=ROOT, **options)
        return done.returncode, done.stdout, done.stderr

    return runner


@pytest.fixture(scope='session')
def images(tmp_path_factory):
    """Images by source and by whether they are right: images(name, good)."""
    made = {}

    def image(name, good):
        if (name, good) not in made:
            source = os.path.join('suites', 'negative', name + '.asm')
            made[name, good] = assemble(source, tmp_path_factory.mktemp('images'), good)
        return made[name, good]

    return image


@pytest.fixture
def target(pytestconfig, assay, images):
    """The options that name the target; skips where it cannot run anything."""
    options = ('--on', pytestconfig.getoption('target'))
    status, _, errors = assay('run', *options, *images('segments16', True))
    if status == CANNOT:
        pytest.skip(errors.strip())
    return options


def records(output, kind):
    """The lines of a report in JSON that are of that type."""
    lines = [json.loads(line) for line in output.splitlines()]
    return [line for line in lines if line['type'] == kind]


def outcomes(output):
    return {r['name']: r['outcome'] for r in records(output, 'result')}


# ---- what is typed wrong -----------------------------------------------------------------

@pytest.mark.parametrize('arguments, says', [
    (('frobnicate',), r'assay: there is no command "frobnicate"\n'),
    (('run', '--frobnicate'), r"assay: run: unrecognized option '--frobnicate'\nusage: "),
    (('run', '--jobs'), r"assay: run: option '--jobs' requires an argument\nusage: "),
    (('run', '-j', '0'), r'assay: --jobs takes a number from 1 to \d+, not "0"\n$'),
    (('run', '-j', '2x'), r'assay: --jobs takes a number from 1 to \d+, not "2x"\n$'),
    (('run', '--timeout', '-1'), r'assay: --timeout takes a number from 1 to \d+, not "-1"\n$'),
    (('run', '--format', 'yaml'), r'assay: there is no format "yaml": it is one of .*json\n$'),
    (('run', '--mode', 'long65'), r'assay: there is no mode "long65": it is one of .*long64'),
    (('run', '--variant', 'slow'), r'assay: there is no variant "slow": it is one of native'),
    (('run', '--sync-regs', 'maybe'),
     r'assay: --sync-regs is yes, no or auto, not "maybe"\n$'),
    (('run', '--smp', '5'), r'assay: --smp takes a number from 1 to 4, not "5"'),
    (('list', '--smp', 'all'), r'assay: --smp takes a number from 1 to 4, not "all"'),
    (('run', '--irqchip', 'none'), r'assay: there is no irqchip "none": it is one of user'),
    (('run', '--shard', '0/2'), r'assay: --shard takes I/N, part I from 1 .*not "0/2"'),
    (('run', '--shard', '3/2'), r'assay: --shard takes .*not "3/2"'),
    (('list', '--shard', '1/'), r'assay: --shard takes .*not "1/"'),
    (('list', '--shard', '1/+2'), r'assay: --shard takes .*not "1/\+2"'),
    (('run', '--deviations', '/nonexistent'), r'assay: /nonexistent: .*No such file'),
    (('run', '--names', '/nonexistent'), r'assay: /nonexistent: No such file or directory\n$'),
    (('run', '--names', '/dev/null'), r'assay: /dev/null: no name in it\n$'),
    (('run', '--artifacts', '/nonexistent/dir'), r'assay: cannot make .* /nonexistent/dir '),
    (('run', 'io/out/imm8_all@long64'), r'"io/out/imm8_all@long64": did you mean '
                                        r'io/out/imm8_al@long64'),
    (('list', 'io/oot'), r'assay: nothing is called "io/oot": did you mean io/out'),
    (('run', '--irqchip', 'kernel', 'io/out/imm8_al'),
     r'"io/out/imm8_al": .* \(of what --variant, --irqchip and --smp leave\)'),
    (('show', 'io/out/imm8_all@long64'), r'did you mean io/out/imm8_al@long64'),
    (('show',), r'assay: show: say which case'),
    (('list', '--frobnicate'), r"assay: list: unrecognized option '--frobnicate'\nusage: "),
    (('probe', '--frobnicate'), r"assay: probe: unrecognized option '--frobnicate'\nusage: "),
    (('bench', '--frobnicate'), r"assay: bench: unrecognized option '--frobnicate'\nusage: "),
    (('forms', '--frobnicate'), r"assay: forms: unrecognized option '--frobnicate'\nusage: "),
    (('forms', '--jobs', '0'), r'assay: --jobs 0: it is 1 to 256'),
])
def test_bad_usage(assay, arguments, says):
    status, output, errors = assay(*arguments)
    assert (status, output) == (ERROR, '')
    assert re.search(says, errors)


def test_no_command(assay):
    status, output, errors = assay()
    assert (status, output) == (ERROR, '')
    assert 'usage: assay COMMAND' in errors


@pytest.mark.parametrize('arguments', [('--help',), ('-h',)] + [
    (command, '--help') for command in ('run', 'list', 'show', 'probe', 'forms', 'bench')])
def test_help(assay, arguments):
    status, output, errors = assay(*arguments)
    assert (status, errors) == (OK, '')
    assert output.count('usage: assay') >= 1


def test_version(assay):
    status, output, _ = assay('--version')
    assert status == OK
    assert re.fullmatch(r'assay \S+\n', output)


# ---- targets -----------------------------------------------------------------------------

@pytest.mark.parametrize('node, status, says', [
    ('/dev/absent', CANNOT, r'assay: /dev/absent: there is no such device; \S'),
    ('/dev/null', ERROR, r'assay: /dev/null: does not speak the KVM ABI'),
    ('/etc/passwd', ERROR, r'assay: /etc/passwd: is not a character device'),
    ('/nonexistent', ERROR, r'assay: /nonexistent: no such file'),
])
def test_targets_that_are_none(assay, node, status, says):
    for command in (('run', 'io'), ('forms', 'io'), ('bench',)):
        seen, output, errors = assay(*command, '--on', node)
        assert (seen, output) == (status, '')
        assert re.match(says, errors) and errors.count('\n') == 1


def test_probe_of_no_target(assay):
    status, output, _ = assay('probe', '--on', '/dev/absent')
    assert status == CANNOT
    assert '/dev/absent: there is no such device' in output
    assert 'hw exits' not in output
    status, output, _ = assay('probe', '--on', '/dev/absent', '--format', 'json')
    assert (status, json.loads(output)['hw_exits']) == (CANNOT, None)


# ---- images ------------------------------------------------------------------------------

@pytest.mark.parametrize('command', ['run', 'list', 'show'])
@pytest.mark.parametrize('content, says', [
    (None, 'No such file or directory'),
    (b'', 'not an ELF file'),
    (b'hello, world\n', 'not an ELF file'),
    (lambda image: image[:40], 'ELF header'),
    (lambda image: image[:len(image) // 2], '(section|program header|segment)'),
    (lambda image: image.replace(b'.assay', b'.essay'), 'there is none: not a microguest'),
    (lambda image: image.replace(b'not_named', b'not\x01named'), r'section \.assay, offset 0x'),
    (lambda image: image[:4] + b'\x01' + image[5:], 'ELF header'),
])
def test_broken_images(assay, images, tmp_path, command, content, says):
    with open(images('segments16', True)[0], 'rb') as file:
        image = file.read()
    path = tmp_path / 'mine.elf'
    if content is not None:
        path.write_bytes(content(image) if callable(content) else content)
    status, output, errors = assay(command, str(path))
    assert (status, output) == (ERROR, '')
    assert errors.startswith(f'assay: {path}: ') and errors.count('\n') == 1
    assert re.search(says, errors)


def test_own_images(assay, images):
    paths = images('registers', True)
    status, output, errors = assay('list', *paths)
    assert (status, errors) == (OK, '')
    names = [line for line in output.splitlines() if not line.startswith('#')]
    assert {name.rpartition('@')[2] for name in names} == {'real16', 'prot32', 'long64'}
    assert len(names) == 3 * len({name.partition('@')[0] for name in names})
    status, output, _ = assay('list', '--count', 'registers/wrong_rip', *paths)
    assert status == OK and re.search(r'\b3\b', output)


# ---- runs --------------------------------------------------------------------------------

def test_pass(assay, target, images):
    status, output, errors = assay('run', *target, *images('registers', True))
    assert (status, errors) == (OK, '')
    assert 'FAIL' not in output


def test_fail(assay, target, images):
    status, output, errors = assay('run', *target, '--deviations', 'none',
                                   'registers/wrong_value@long64', *images('registers', False))
    assert (status, errors) == (FAIL, '')
    assert 'FAIL registers/wrong_value@long64\n' in output
    assert re.search(r'\n    rbx +0x6 +0x5\n', output)


def test_error_outranks_failure(assay, target, images):
    status, output, _ = assay('run', *target, '--deviations', 'none', '--format', 'json',
                              *images('stage', False), *images('segments16', False))
    assert status == ERROR
    assert {'error', 'fail'} <= set(outcomes(output).values())
    assert records(output, 'summary')[0]['status'] == ERROR


def test_workers_agree(assay, target, images):
    seen = [assay('run', *target, '--deviations', 'none', '--format', 'json', '-j', jobs,
                  *images('memory', False), *images('registers', False))
            for jobs in ('1', '4')]
    assert [status for status, _, _ in seen] == [FAIL, FAIL]
    assert outcomes(seen[0][1]) == outcomes(seen[1][1])
    assert [list(outcomes(output)) for _, output, _ in seen][0] == list(outcomes(seen[1][1]))


def test_names(assay, target, images, tmp_path):
    names = '# two of them\nregisters/wrong_rip@long64\n\nregisters/wrong_flag@real16\r\n'
    path = tmp_path / 'names'
    path.write_text(names)
    for argument, stdin in ((str(path), subprocess.DEVNULL), ('-', names)):
        status, output, _ = assay('run', *target, '--format', 'json', '--names', argument,
                                  *images('registers', True), stdin=stdin)
        assert status == OK
        assert outcomes(output) == {'registers/wrong_rip@long64': 'pass',
                                    'registers/wrong_flag@real16': 'pass'}


def test_one_unknown_name_runs_none(assay, images):
    status, output, errors = assay('run', 'registers/wrong_value', 'registers/wrong_nothing',
                                   *images('registers', True))
    assert (status, output) == (ERROR, '')
    assert 'nothing is called "registers/wrong_nothing"' in errors


@pytest.mark.parametrize('form', ['pretty', 'tap', 'ktap', 'junit', 'json'])
def test_full_device(assay, target, images, form):
    with open('/dev/full', 'w') as full:
        status, _, errors = assay('run', *target, '--format', form, *images('registers', True),
                                  stdout=full)
    assert status == ERROR
    assert errors == ('assay: cannot write the report: No space left on device; '
                      'the run is incomplete\n')


def test_reader_who_leaves(assay, target, images):
    ends = os.pipe()
    os.close(ends[0])
    status, _, errors = assay('run', *target, *images('registers', True), stdout=ends[1])
    os.close(ends[1])
    assert status == ERROR
    assert 'cannot write the report: Broken pipe' in errors


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted(pytestconfig, target, images, number):
    # Each runaway takes its timeout twice, so most are still to come at the signal.
    command = [pytestconfig.getoption('assay'), 'run', *target, '-j', '1', '--format', 'json',
               '--deviations', 'none', '--timeout', '300', *images('time', False)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as run:
        lines = [run.stdout.readline() for _ in range(2)]
        run.send_signal(number)
        output, errors = run.communicate()
    output = ''.join(lines) + output
    summary, = records(output, 'summary')
    assert (run.returncode, errors) == (INTERRUPTED, '')
    assert summary['interrupted'] and summary['not_run']
    assert len(outcomes(output)) + summary['not_run'] == records(output, 'run')[0]['instances']


# ---- labs: parts of a run, what is left of it, what was running --------------------------------

def test_shards(assay):
    """Together the parts are what there is, in its order, and none is there twice."""
    whole = assay('list', 'io')[1].splitlines()
    whole = [name for name in whole if not name.startswith('#')]
    parts = [[name for name in assay('list', 'io', '--shard', f'{i}/3')[1].splitlines()
              if not name.startswith('#')] for i in (1, 2, 3)]
    assert sorted(sum(parts, [])) == sorted(whole)
    assert all(part == [name for name in whole if name in part] for part in parts)


def test_shard_run(assay, target, images):
    seen = []
    for part in '1/2', '2/2':
        status, output, _ = assay('run', *target, '--format', 'json', '--shard', part,
                                  *images('stage', True))
        results = records(output, 'result')
        assert status == OK and records(output, 'run')[0]['instances'] == len(results)
        seen += [result['name'] for result in results]
    _, output, _ = assay('list', *images('stage', True))
    names = [name for name in output.splitlines() if not name.startswith('#')]
    assert sorted(seen) == sorted(names)


def test_empty_shard(assay, target, images):
    status, output, _ = assay('run', *target, '--shard', '9/9', 'segments16/',
                              *images('segments16', True)[:1])
    assert (status, 'all as expected: 0 instances' in output) == (OK, True)


@pytest.mark.parametrize('port', ('0', '65536', 'e9', '-1', '0xe9x'))
def test_mark_port(assay, port):
    status, _, errors = assay('run', '--on', '/dev/null', 'io/out',
                              env=os.environ | {'ASSAY_MARK_PORT': port})
    assert status == ERROR and f'from 1 to 0xffff, not "{port}"' in errors


def drop_raw_io():
    """What ioperm(2) needs is gone from the program that is executed next."""
    ctypes.CDLL(None).prctl(24, 17, 0, 0, 0)    # PR_CAPBSET_DROP, CAP_SYS_RAWIO


def test_no_marks(assay, target, images):
    """Where marks cannot be written that is said, and the cases run."""
    status, output, errors = assay('run', *target, '-j1', *images('segments16', True),
                                   env=os.environ | {'ASSAY_MARK_PORT': '0x80'},
                                   preexec_fn=drop_raw_io)
    assert status == OK and 'all as expected' in output
    assert 'assay: no marks on I/O port 0x80: ioperm: ' in errors


@pytest.fixture
def endless(tmp_path):
    """An image with 24 cases that do not end, and one that does."""
    source = tmp_path / 'endless.asm'
    source.write_text('%include "microguest.inc"\nmodes prot32\n' + ''.join(
        f'case e{i:02}, "It does not end"\n.l:\tjmp .l\n\texpect hlt\n' for i in range(24)) +
        'case last, "It ends"\n\thlt\n\texpect hlt\n')
    return assemble(str(source), tmp_path, True)


def test_too_many_timeouts(assay, target, endless):
    """A target on which guests do not end is given up, with a failure and not an error."""
    status, output, errors = assay('run', *target, '-j1', '--timeout', '120', '--format', 'json',
                                   '--deviations', 'none', *endless)
    assert status == FAIL
    assert outcomes(output) == {f'endless/e{i:02}@prot32': 'fail' for i in range(20)}
    summary, = records(output, 'summary')
    assert (summary['fail'], summary['not_run'], summary['status']) == (20, 5, FAIL)
    assert summary['stopped'] == 'too many time-outs: 20 instances did not end'
    assert not summary['interrupted']
    assert errors == f'assay: {summary["stopped"]}; 5 instances did not run\n'
    _, output, _ = assay('run', *target, '-j1', '--timeout', '120', '--deviations', 'none',
                         *endless)
    assert f'20 failed, 5 did not run ({summary["stopped"]})' in output


def test_known_timeouts(assay, target, images, endless, tmp_path):
    """What is known not to end is no reason to give up."""
    known = deviations(tmp_path, assay, target, images, cases=['endless/e*'])
    status, output, _ = assay('run', *target, '-j1', '--timeout', '1200', '--format', 'json',
                              *known, *endless)
    assert status == OK
    assert sorted(outcomes(output).values()) == ['deviation'] * 24 + ['pass']
    summary, = records(output, 'summary')
    assert summary['stopped'] is None and not summary['not_run']


# ---- known deviations ----------------------------------------------------------------------

def deviations(tmp_path, assay, target, images, **entry):
    """A file with one entry for the target, and the option that names it."""
    _, output, _ = assay('run', *target, '--format', 'json', *images('segments16', True))
    host = records(output, 'run')[0]['host']
    path = tmp_path / 'known.json'
    path.write_text(json.dumps([{'target': {'hypervisor': host['hypervisor']},
                                 'reason': 'it is odd', 'ref': 'here'} | entry]))
    return '--deviations', str(path)


def result_of(assay, name, *arguments):
    status, output, _ = assay('run', '--format', 'json', name, *arguments)
    result, = records(output, 'result')
    return status, result


def test_known_failure(assay, target, images, tmp_path):
    known = deviations(tmp_path, assay, target, images, cases=['registers/wrong_value@*'])
    arguments = (*target, *known, *images('registers', False))
    status, result = result_of(assay, 'registers/wrong_value@prot32', *arguments)
    assert (status, result['outcome']) == (OK, 'deviation')
    assert result['deviation'] == {'reason': 'it is odd', 'ref': 'here', 'gone': False}
    assert [d['what'] for d in result['differences']] == ['rbx']
    status, result = result_of(assay, 'registers/not_named@prot32', *arguments)
    assert (status, result['outcome']) == (FAIL, 'fail')


def test_known_failure_that_is_gone(assay, target, images, tmp_path):
    known = deviations(tmp_path, assay, target, images, cases=['registers/wrong_value@*'])
    status, result = result_of(assay, 'registers/wrong_value@prot32', *target, *known,
                               *images('registers', True))
    assert (status, result['outcome']) == (OK, 'pass')
    assert result['deviation']['gone']


def test_fatal(assay, target, images, tmp_path):
    """What ends the machine is not run, but where that is asked for."""
    known = deviations(tmp_path, assay, target, images, cases=['registers/wrong_value@*'],
                       fatal=True)
    arguments = ('registers/wrong_value@prot32', *target, *known, *images('registers', False))
    status, result = result_of(assay, *arguments)
    assert (status, result['outcome'], result['runs']) == (OK, 'deviation', 0)
    assert result['why'] == 'not run, it ends the machine: it is odd'
    assert result['deviation']['reason'] == result['why']
    _, output, _ = assay('run', *arguments)
    assert '     1  not run, it ends the machine: it is odd [here]' in output
    status, result = result_of(assay, '--fatal', *arguments)
    assert (status, result['outcome']) == (OK, 'deviation')
    assert result['runs'] and result['deviation']['reason'] == 'it is odd'
    arguments = ('registers/wrong_value@prot32', *target, *known, *images('registers', True))
    status, result = result_of(assay, '--fatal', *arguments)
    assert (result['outcome'], result['deviation']['gone']) == ('pass', True)
    assert not result_of(assay, *arguments)[1]['deviation']['gone']


def test_deviations_directory(assay, target, images, tmp_path):
    deviations(tmp_path, assay, target, images, cases=['registers/wrong_value@*'])
    _, result = result_of(assay, 'registers/wrong_value@prot32', *target, '--deviations',
                          str(tmp_path), *images('registers', False))
    assert result['outcome'] == 'deviation'


def test_machine_version(assay, target, images, tmp_path):
    """The version of an emulator is told by the environment, and entries can name it."""
    entry = {'target': {'hypervisor': ['kvm_intel', 'kvm_amd', 'kvm_pvm', 'unknown'],
                        'machine': 'Odd', 'machine_version': '<2'},
             'cases': ['registers/wrong_value@*'], 'reason': 'it is odd', 'ref': 'here'}
    (tmp_path / 'known.json').write_text(json.dumps([entry]))
    arguments = ('run', '--format', 'json', *target, '--deviations', str(tmp_path),
                 'registers/wrong_value@prot32', *images('registers', False))
    for machine, outcome in (('Odd 1.9', 'deviation'), ('Odd 2.0', 'fail'), ('Even 1', 'fail')):
        _, output, _ = assay(*arguments, env=os.environ | {'ASSAY_MACHINE': machine})
        host = records(output, 'run')[0]['host']
        assert f'{host["machine"]} {host["machine_version"]}' == machine
        assert [outcome] == [r['outcome'] for r in records(output, 'result')]


def test_known_difference(assay, target, images, tmp_path):
    known = deviations(tmp_path, assay, target, images, cases=['registers/*'], differs=['rbx'])
    arguments = (*target, *known, *images('registers', False))
    status, result = result_of(assay, 'registers/wrong_value@prot32', *arguments)
    assert (status, result['outcome']) == (OK, 'deviation')
    assert 'step' not in result and result['deviation']['reason'] == 'it is odd'
    status, result = result_of(assay, 'registers/several@prot32', *arguments)
    assert (status, result['outcome']) == (FAIL, 'fail')


def test_failure_after_known_difference(assay, target, images, tmp_path):
    known = deviations(tmp_path, assay, target, images, cases=['twice/*'], differs=['rbx'])
    source = tmp_path / 'twice.asm'
    source.write_text('%include "microguest.inc"\nmodes prot32\n'
                      'case it, "It differs twice"\n\tgiven rbx=1, rcx=1\n'
                      '\tmov bl, 2\n\tcheckpoint\n\tmov cl, 2\n\tcheckpoint\n')
    image = assemble(str(source), tmp_path, True)
    status, result = result_of(assay, 'twice/it', *target, *known, *image)
    assert (status, result['outcome'], result['step']) == (FAIL, 'fail', 2)
    assert [d['what'] for d in result['differences']] == ['rcx']
    assert 'deviation' not in result


# ---- artifacts -------------------------------------------------------------------------------

FILES = {'failure.txt', 'result.json', 'registers.txt', 'exits.txt', 'disassembly.txt',
         'memory.core', 'memory.diff', 'image.elf', 'replay.sh'}


def test_artifacts(assay, target, images, tmp_path):
    kept = tmp_path / 'kept'
    image, = [path for path in images('memory', False) if 'long64' in path]
    status, _, errors = assay('run', *target, '--deviations', 'none', '--artifacts', str(kept),
                              'memory/shifted', 'memory/operand@long64+mmio', image)
    assert (status, errors) == (FAIL, '')
    assert sorted(os.listdir(kept)) == ['memory_operand@long64+mmio', 'memory_shifted@long64']
    bundle = kept / 'memory_shifted@long64'
    assert set(os.listdir(bundle)) == FILES
    with open(image, 'rb') as file:
        assert (bundle / 'image.elf').read_bytes() == file.read()
    result = json.loads((bundle / 'result.json').read_text())['result']
    assert result['differences'] == [
        {'what': 'memory 0x7000', 'expected': '41 00', 'observed': '00 41'}]
    assert '[41] [00]' in (bundle / 'memory.diff').read_text()
    assert 'the state is not as expected' in (bundle / 'failure.txt').read_text()
    assert re.search(r'^rax +0000000000000041', (bundle / 'registers.txt').read_text(), re.M)
    core = (bundle / 'memory.core').read_bytes()
    assert core[:4] == b'\x7fELF' and core[16:18] == b'\x04\x00'     # ET_CORE


def test_expect_hw_is_judged_or_named(assay, target):
    """Without the tracepoint a case passes, but never as if its expect_hw held."""
    status, output, errors = assay('run', *target, '--format', 'json', 'io/out/imm8_al@long64')
    result, = records(output, 'result')
    assert (status, errors, result['outcome']) == (OK, '', 'pass')
    assert (result['hw_checked'] == 1) == (result['unchecked'] is None)
    if result['unchecked']:
        assert re.match(r'expect_hw: \w+', result['unchecked'])
    status, output, _ = assay('run', *target, 'io/out/imm8_al@long64')
    assert ('not looked at on this target' in output) == bool(result['unchecked'])


def test_replay(assay, target, images, tmp_path):
    kept = tmp_path / 'kept'
    assay('run', *target, '--deviations', 'none', '--artifacts', str(kept),
          'memory/shifted@real16', *images('memory', False))
    again = subprocess.run([kept / 'memory_shifted@real16' / 'replay.sh', '--format', 'json',
                            '--deviations', 'none'], cwd='/', capture_output=True, text=True)
    assert (again.returncode, again.stderr) == (FAIL, '')
    result, = records(again.stdout, 'result')
    assert (result['name'], result['outcome']) == ('memory/shifted@real16', 'fail')
    assert [d['what'] for d in result['differences']] == ['memory 0x7000']


def test_again_line(assay, target, images):
    """The command that a failure ends with reruns it."""
    status, output, _ = assay('run', *target, '--deviations', 'none', 'memory/stack@prot32',
                              *images('memory', False))
    line = re.search(r'\n    again\n +(.*)\n', output)[1]
    again = subprocess.run(line + ' --deviations none', shell=True, cwd=ROOT,
                           capture_output=True, text=True)
    assert (status, again.returncode) == (FAIL, FAIL)
    assert 'FAIL memory/stack@prot32\n' in again.stdout


def test_no_artifacts_of_a_pass(assay, target, images, tmp_path):
    kept = tmp_path / 'kept'
    status, _, _ = assay('run', *target, '--artifacts', str(kept), *images('registers', True))
    assert status == OK
    assert os.listdir(kept) == []
