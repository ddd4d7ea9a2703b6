# SPDX-License-Identifier: GPL-2.0-only
"""One run of a command in a lab, from the kernel's start to the verdict."""

import dataclasses
import io
import os
import re
import select
import shutil
import subprocess
import tarfile
import tempfile
import time
import typing

from . import console, frames, initramfs, kernels, kmod, machine, modules, packages
from .config import ROOT, UsageError

# Exit statuses of `ci/lab`; else that of the command.
FAILED, USAGE, DIED, TIME, CANNOT = 1, 2, 3, 124, 125

PARAMETER = re.compile(r'([\w-]+)\.([\w-]+)=(\S*)')
LOOK = 0.05         # seconds between looks at the console
QUIET_BOOT = 60     # seconds that a kernel may be silent at least while it starts
LINGER = 1.0        # seconds that a dying kernel has to print the rest


@dataclasses.dataclass
class Result:
    """What came of a run.

    status           the command's, or DIED, TIME, CANNOT
    reason           why the lab failed, whatever the command says; None if it did not
    last_cases       names of the cases that ran last, one for each worker
    boot_seconds     until the command could start; None if it never did
    command_seconds  that it took, or took until the lab failed
    console_path     where the console log is kept, None if nowhere
    console_tail     if the lab failed: what the kernel reported, else the console's last lines
    kernel           release of the kernel
    emulator         name and version
    """
    status: int
    reason: typing.Optional[str] = None
    last_cases: tuple = ()
    boot_seconds: typing.Optional[float] = None
    command_seconds: typing.Optional[float] = None
    console_path: typing.Optional[str] = None
    console_tail: tuple = ()
    kernel: str = '?'
    emulator: str = '?'


class Failure(Exception):
    """The lab failed: with that exit status, for that reason."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class FetchError(Exception):
    """What was to be fetched cannot be had."""


def run(config, command, on_stdout, on_stderr, stopped=None, observer=None):
    """Runs a command, a list of strings, in the lab that a Config describes.

    on_stdout, on_stderr  called with bytes as they come
    stopped               called often; true ends the run
    observer              an Observer, for who takes part in the run
    Returns a Result. Raises UsageError and Unavailable before anything was started."""
    with tempfile.TemporaryDirectory(prefix='assay-lab-') as scratch:
        session = Session(config, command, scratch, stopped or (lambda: False),
                          observer or Observer())
        session.sinks = {frames.STDOUT: on_stdout, frames.STDERR: on_stderr}
        return session.run()


class Observer:
    """Takes part in a run; this one does not. Settings are told to the agent."""

    settings = ()

    def begin(self, session):
        """The emulator has been started."""

    def wait_on(self):
        """A file descriptor to wait on, too, or None; asked for often."""
        return None

    def ready(self):
        """What wait_on gave can be read."""

    def frame(self, kind, payload):
        """A frame that is for no one else has come."""

    def look(self):
        """Called often."""

    def end(self):
        """The emulator has been stopped."""


class Session:
    """The state of one run."""

    def __init__(self, config, command, scratch, stopped, observer):
        self.config = config
        self.command = command
        self.scratch = scratch
        self.stopped = stopped
        self.observer = observer
        self.sinks = {}
        self.machine = machine.kind(config.target)(emulator(config))
        self.result = Result(CANNOT)
        self.decoder = frames.Decoder()
        self.encoder = frames.Encoder()
        self.archive = None
        self.greeted = self.listening = self.over = False
        self.status = None
        self.slow = 1

    # ---- before ---------------------------------------------------------------------------

    def prepare(self):
        """The Boot that was asked for. Raises UsageError and Unavailable."""
        config = self.config
        check(config)
        if config.icount is not None and not self.machine.can_count:
            raise UsageError(f'--icount: the {config.target} lab counts no instructions; svm does')
        self.result.emulator = self.machine.identify()
        kernel = kernels.find(config.kernel, config.modules)
        self.result.kernel, self.slow = kernel.release, kernel.slow
        order = self.modules(kernel)
        parts = modules.builtin(kernel.modules) if kernel.modules else None
        loaded, arguments = parameters([*defaults(config.hypervisor), *config.parameters],
                                       dict(order), parts)
        seen_as = f'{self.machine.seen_as} {self.result.emulator.split()[-1]}'
        settings = [('env', 'ASSAY_MACHINE=' + seen_as), *self.observer.settings]
        if config.hypervisor == 'kvm' and config.smp > 1 and self.machine.holds_guests:
            settings.append(('hold', '/dev/kvm'))
        # With counted time one thread has them all.
        spare = int(config.smp > 1 and config.icount is None and self.machine.spares_first)
        if spare:
            settings.append(('spare', '1'))
        job = initramfs.job(self.command, config.files, config.fetch, settings)
        path = os.path.join(self.scratch, 'job')
        with open(path, 'wb') as file:
            file.write(job)
        arguments = ' '.join(filter(None, (self.machine.arguments, kernel.arguments, arguments,
                                           config.append)))
        order = [(name, self.machine.module(data)) for name, data in order]
        base = initramfs.base(self.machine, order, loaded)
        memory = config.memory or self.machine.memory
        return machine.Boot(kernel.image, kernel.vmlinux, kernel.release, base, path, arguments,
                            config.cpu, config.smp, memory, self.scratch, config.gdb, config.icount,
                            spare)

    def modules(self, kernel):
        """[(name, bytes)] of what is loaded, in that order."""
        config = self.config
        if config.hypervisor != 'kvm' and not kmod.among(config.replaced):
            config.replaced = (*config.replaced, kmod.build(kernel))
        stock = self.machine.modules if config.hypervisor != 'assay' else ()
        return modules.load_order(kernel, stock, config.replaced)

    # ---- during -----------------------------------------------------------------------------

    def run(self):
        boot = self.prepare()
        self.started = self.alive = time.monotonic()
        self.machine_running = self.machine.start(boot)
        self.watcher = console.Watcher(self.machine_running.console)
        failure = None
        try:
            self.observer.begin(self)
            self.serve()
            self.deliver()
        except FetchError as caught:
            failure = Failure(self.status or DIED, str(caught))
        except Failure as caught:
            failure = caught
        except frames.LostData as caught:
            failure = Failure(DIED, f'lost data: {caught}')
        finally:
            self.machine_running.stop()
            self.observer.end()
            self.watcher.finish()
        self.conclude(failure)
        return self.result

    def serve(self):
        """Until the agent says that all has been sent. Raises Failure and LostData."""
        next_look = 0
        while not self.over:
            waiting = select.poll()     # epoll takes no files
            waiting.register(self.machine_running.channel, select.POLLIN)
            other = self.observer.wait_on()
            if other is not None:
                waiting.register(other, select.POLLIN)
            for descriptor, _ in waiting.poll(LOOK * 1000):
                if descriptor == other:
                    self.observer.ready()
                elif not self.receive():
                    self.emulator_ended()
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK
                self.look()

    def receive(self):
        """Takes what has come over the channel. False if nothing more can come."""
        data = self.machine_running.channel.read()
        if data:
            self.alive = time.monotonic()
            for kind, payload in self.decoder.feed(data):
                self.handle(kind, payload)
        return data != b''

    def handle(self, kind, payload):
        """One frame from the agent."""
        if kind in self.sinks:
            self.sinks[kind](payload)
        elif kind == frames.HELLO:
            self.greeted = True
            self.result.boot_seconds = time.monotonic() - self.started
        elif kind == frames.STARTED:
            self.command_started = time.monotonic()
            self.listening = True
            self.result.boot_seconds = self.command_started - self.started
        elif kind == frames.STATUS:
            self.result.command_seconds = time.monotonic() - self.command_started
            self.status = int(payload)
        elif kind == frames.TAR:
            if self.archive is None:
                self.archive = tempfile.TemporaryFile(dir=self.scratch)
            self.archive.write(payload)
        elif kind == frames.FAIL:
            raise Failure(self.death(), payload.decode(errors='replace'))
        elif kind == frames.END:
            self.over = True
        else:
            self.observer.frame(kind, payload)

    def send(self, kind, payload=b''):
        """A frame to the agent."""
        self.machine_running.channel.write(self.encoder.encode(kind, payload))

    def look(self):
        """Whether all is well besides what comes over the channel. Raises Failure."""
        now = time.monotonic()
        if self.watcher.look():
            self.alive = now
        worst = self.watcher.worst()
        if worst and worst.fatal:
            self.linger()
            raise Failure(self.death(), str(self.watcher.worst()))
        if self.machine_running.process.poll() is not None:
            self.emulator_ended()
        self.observer.look()
        timeout = self.config.timeout or self.machine.timeout * self.slow
        stall = self.config.stall or self.machine.stall * self.slow
        if not self.greeted:
            stall = max(stall, QUIET_BOOT * self.slow)
        if now - self.started > timeout:
            raise Failure(TIME, f'time limit: not done after {timeout:g} s')
        if now - self.alive > stall:
            raise Failure(self.death(), f'stall: no sign of life for {stall:g} s')
        if self.stopped():
            raise Failure(DIED, 'stopped')

    def death(self):
        """The exit status for a lab that died: before it was ready it has shown nothing of
        what was to be tested, unless that is a module of ours, which it loads before."""
        own = self.config.hypervisor != 'kvm' and os.path.getsize(self.machine_running.console)
        return DIED if self.greeted or own else CANNOT

    def linger(self):
        """Gives a dying kernel the time to say all."""
        end = time.monotonic() + LINGER
        while time.monotonic() < end and self.machine_running.process.poll() is None:
            time.sleep(LOOK)
            if self.machine_running.channel.read() == b'':
                break
        self.watcher.finish()

    def emulator_ended(self):
        """Raises Failure, unless the agent's last frames are still to be read."""
        process = self.machine_running.process
        try:
            process.wait(LINGER)
        except subprocess.TimeoutExpired:
            pass
        while True:
            data = self.machine_running.channel.read()
            if not data:
                break
            for kind, payload in self.decoder.feed(data):
                self.handle(kind, payload)
        if self.over:
            return
        self.watcher.finish()
        if self.watcher.worst():
            raise Failure(self.death(), str(self.watcher.worst()))
        self.decoder.finish()
        status = process.poll()
        how = (f'was killed by signal {-status}' if status and status < 0 else
               f'ended with status {status}' if status is not None else 'closed the line')
        words = ': ' + ' / '.join(self.machine_running.explain())
        raise Failure(self.death(), f'the emulator {how}{words if words != ": " else ""}')

    # ---- after ------------------------------------------------------------------------------

    def deliver(self):
        """Copies what was fetched to where it shall be."""
        if not self.config.fetch:
            return
        contents = {}
        if self.archive is not None:
            self.archive.seek(0)
            try:
                with tarfile.open(fileobj=self.archive) as tar:
                    contents = {member.name.strip('/'): (member, tar.extractfile(member).read()
                                                         if member.isfile() else None)
                                for member in tar}
            except (tarfile.TarError, EOFError) as error:
                raise FetchError(f'what was fetched is damaged: {error}') from None
        for path, to in self.config.fetch:
            place(contents, os.path.normpath(path).strip('/'), to)

    def conclude(self, failure):
        """Fills in the result."""
        result = self.result
        result.last_cases = last_cases(self.machine_running.marks)
        if failure:
            result.status, result.reason = failure.status, str(failure)
        else:
            result.status = self.status
            if self.watcher.worst():
                result.status, result.reason = DIED, str(self.watcher.worst())
        if result.command_seconds is None and hasattr(self, 'command_started'):
            result.command_seconds = time.monotonic() - self.command_started
        if result.reason:
            result.console_tail = tuple(self.watcher.text() or machine.last_lines(
                self.machine_running.console, 20))
        self.keep_console()

    def keep_console(self):
        """Puts the console where it was asked for, or after a failure below build/."""
        path = self.config.log
        if not path:
            if not self.result.reason:
                return
            path = os.path.join(log_directory(), time.strftime('%Y%m%d-%H%M%S-')
                                + f'{self.config.target}-{os.getpid()}-{id(self) >> 4 & 0xffff:04x}'
                                + '.log')
        with open(path, 'wb') as log:
            for source in (self.machine_running.console, self.machine_running.errors):
                with open(source, 'rb') as file:
                    shutil.copyfileobj(file, log)
        self.result.console_path = path


def log_directory():
    """Where console logs are kept that nobody said a place for."""
    path = os.path.join(ROOT, 'build', 'lab', 'logs')
    try:
        os.makedirs(path, exist_ok=True)
    except OSError:
        path = tempfile.gettempdir()
    return path if os.access(path, os.W_OK) else tempfile.gettempdir()


def check(config):
    """Raises UsageError for what cannot be right whatever machine this is."""
    for item in config.parameters:
        if not PARAMETER.fullmatch(item):
            raise UsageError(f'--param takes MODULE.NAME=VALUE, not "{item}"')
    for path in config.replaced:
        modules.check_file(path)
    for source, _ in config.files:
        if not os.path.exists(source):
            raise UsageError(f'--file {source}: no such file')
    if config.log:
        try:
            open(config.log, 'ab').close()
        except OSError as error:
            raise UsageError(f'--log {config.log}: {error.strerror}') from None


def emulator(config):
    """Path of the emulator that was asked for, None for the machine's own choice."""
    if config.emulator is None:
        return None
    if config.emulator in packages.backports_names():
        kind = machine.kind(config.target)
        return packages.program_of_backports(kind.package, kind.program)
    path = shutil.which(config.emulator)
    if not path:
        raise UsageError(f'--emulator {config.emulator}: no such program')
    return os.path.abspath(path)


def defaults(hypervisor):
    """Parameters that are given unless said otherwise."""
    whose = ('kvm', 'assay') if hypervisor == 'both' else (hypervisor,)
    return [f'{module}.force_emulation_prefix=1' for module in whose]


def parameters(wanted, loaded, parts):
    """What "MODULE.NAME=VALUE" items mean: ({module: ["NAME=VALUE"]}, kernel arguments for
    what is part of the kernel). A later one of the same name counts. loaded: bytes of modules
    by name; parts: names of what is part of the kernel, None if anything may be."""
    values = {}
    for item in wanted:
        match = PARAMETER.fullmatch(item)
        values[modules.normal(match[1]), match[2]] = match[3]
    of_modules, arguments = {}, []
    for (module, name), value in values.items():
        if module in loaded:
            known = modules.parameter_names(loaded[module])
            if name not in known:       # the kernel would go on without a word
                raise UsageError(f'--param {module}.{name}={value}: the module {module} has no '
                                 f'such parameter, but {", ".join(known) or "none at all"}')
            of_modules.setdefault(module, []).append(f'{name}={value}')
        elif parts is not None and module not in parts:
            raise UsageError(f'--param {module}.{name}={value}: the lab loads no module {module}, '
                             f'but {", ".join(loaded)}')
        else:
            arguments.append(f'{module}.{name}={value}')
    return of_modules, ' '.join(arguments)


def place(contents, path, to):
    """Writes the fetched file or directory of that path to a file or into a directory."""
    found = {name: item for name, item in contents.items()
             if name == path or name.startswith(path + '/')}
    if not found:
        raise FetchError(f'--fetch /{path}: the command left no such file')
    for name, (member, data) in found.items():
        rest = name[len(path):].strip('/')
        end = to
        if os.path.isdir(to) and not contents[path][0].isdir():
            end = os.path.join(to, os.path.basename(path))
        end = os.path.join(end, rest) if rest else end
        try:
            if member.isdir():
                os.makedirs(end, exist_ok=True)
            elif data is not None:
                os.makedirs(os.path.dirname(os.path.abspath(end)), exist_ok=True)
                with open(end, 'wb') as file:
                    file.write(data)
        except OSError as error:
            raise FetchError(f'--fetch {end}: {error.strerror}') from None


def last_cases(path):
    """The cases that ran last, from the marks: lines "WORKER NAME", where a worker that has
    nothing to run any more writes no name."""
    running = {}
    try:
        with io.open(path, encoding='utf-8', errors='replace') as file:
            for line in file:
                match = re.fullmatch(r'(\d+)(?: (\S+))?\n', line)
                if match:
                    running[int(match[1])] = match[2]
    except (OSError, TypeError):
        return ()
    return tuple(name for _, name in sorted(running.items()) if name)
