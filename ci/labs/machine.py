# SPDX-License-Identifier: GPL-2.0-only
"""What an emulator looks like to the rest of a lab: the interface that qemu.py and
bochs.py implement, and what they share."""

import dataclasses
import importlib
import os
import shutil
import signal
import socket
import subprocess
import typing

from .config import Unavailable

# Target: the module and the class that make its machine.
MACHINES = {
    'svm': ('qemu', 'Qemu'),
    'vmx': ('bochs', 'Vmx'),
    'svm-bochs': ('bochs', 'Svm'),
}


@dataclasses.dataclass
class Boot:
    """What a machine is started with. All paths are of files that exist.

    image      the kernel as bzImage
    vmlinux    the same as an uncompressed ELF file, or None if there is none
    release    of the kernel, as uname -r gives it
    base       cpio archive: the agent as /init, busybox, modules and their parameters
    job        cpio archive: the command and its files; the kernel gets one after the other
    arguments  of the kernel, complete
    cpu        model, or None for the machine's own choice
    smp        processors that guests may run on
    memory     MiB
    scratch    directory for this run alone; it is removed afterwards
    gdb        path of a socket where a debugger is to be served, or None
    icount     an instruction takes 2 to the power of this nanoseconds; None: what it takes
    spare      processors before those, that no guest runs on
    """
    image: str
    vmlinux: typing.Optional[str]
    release: str
    base: str
    job: str
    arguments: str
    cpu: typing.Optional[str]
    smp: int
    memory: int
    scratch: str
    gdb: typing.Optional[str]
    icount: typing.Optional[int] = None
    spare: int = 0


class Machine:
    """A kind of emulated machine. One object serves one run."""

    name = ''               # as in `ci/lab NAME`
    modules = ()            # the kernel modules that drive its virtualisation: 'kvm_amd'
    package = ''            # of the distribution, that has the emulator
    program = ''            # its name in PATH
    seen_as = ''            # what assay calls it: deviations name it so, with its version
    arguments = ''          # kernel arguments that it needs or that make it faster
    channel_device = '/dev/ttyS1'   # what the agent talks through; raw, if it is a tty
    memory = 1024           # MiB, unless asked otherwise
    timeout = 600           # seconds for all, unless asked otherwise
    stall = 30              # seconds without a sign of life, unless asked otherwise
    holds_guests = False    # whether stock KVM's first and last guest must be the agent's
    spares_first = False    # whether the first of several processors must run no guest
    can_debug = False       # whether Boot.gdb is obeyed
    can_count = False       # whether Boot.icount is obeyed
    entries = ()            # symbols of modules where the processor enters a guest: KVM's, ours

    def __init__(self, emulator=None):
        """emulator: path of the binary, None for the one in PATH."""
        self.emulator = emulator

    def identify(self):
        """Name and version of the emulator, "QEMU 7.2.22". Raises Unavailable, with what to
        do, if there is none or it cannot be used."""
        raise NotImplementedError

    def module(self, data):
        """What this machine's kernel loads for a module of these bytes."""
        return data

    def start(self, boot):
        """Starts the emulator. Returns a Running."""
        raise NotImplementedError


class Running:
    """A started emulator.

    process   subprocess.Popen, of a process group of its own
    channel   Channel to the agent
    console   path of a file that grows by what the kernel prints
    marks     path of a file that grows by what is written to I/O port 0xe9, or None
    errors    path of a file that grows by what the emulator says of itself
    """

    def __init__(self, process, channel, console, marks, errors):
        self.process = process
        self.channel = channel
        self.console = console
        self.marks = marks
        self.errors = errors

    def explain(self):
        """Why the emulator ended, as far as its own words tell: its last lines."""
        return last_lines(self.errors, 5)

    def stop(self):
        """Ends the emulator and all it started, at once; may be called twice."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.channel.close()


class Channel:
    """Bytes to and from the agent: a file descriptor that can be waited on. Reading gives
    b'' when no more can come."""

    def __init__(self, reading, writing=None):
        """reading, writing: file descriptors, which the channel then owns."""
        self.reading = reading
        self.writing = writing
        os.set_blocking(reading, False)

    def fileno(self):
        return self.reading

    def read(self):
        """What has come: bytes, b'' at the end, None if nothing has come yet."""
        try:
            return os.read(self.reading, 1 << 18)
        except BlockingIOError:
            return None
        except OSError:     # a terminal or socket whose other side is gone
            return b''

    def write(self, data):
        """Sends all of data; waits as long as that takes."""
        while data:
            data = data[os.write(self.writing, data):]

    def close(self):
        for descriptor in {self.reading, self.writing} - {None}:
            os.close(descriptor)
        self.reading = self.writing = None


class SocketChannel(Channel):
    """A channel through a socket, one end of which the emulator inherits."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        super().__init__(self.ours.fileno(), None)

    def write(self, data):
        self.ours.setblocking(True)
        try:
            self.ours.sendall(data)
        finally:
            self.ours.setblocking(False)

    def close(self):
        self.ours.close()
        self.theirs.close()


def kind(target):
    """The class of the machine of a target, one of config.TARGETS."""
    module, name = MACHINES[target]
    return getattr(importlib.import_module('.' + module, __package__), name)


def spawn(command, errors, inherited=(), output=None):
    """Starts an emulator: in a process group of its own, its words into the file errors,
    ended by the kernel if we end in whatever way. inherited: file descriptors it gets.
    output: path of a file for its standard output, if that is not for errors, too."""
    guard = shutil.which('setpriv')
    if not guard:
        raise Unavailable('there is no setpriv, which ends the emulator when we end: '
                          'install util-linux')
    with open(errors, 'ab') as file, open(output or errors, 'ab') as words:
        try:
            return subprocess.Popen([guard, '--pdeathsig', 'KILL', '--', *command],
                                    stdin=subprocess.DEVNULL, stdout=words, stderr=file,
                                    start_new_session=True, pass_fds=inherited)
        except OSError as error:
            raise Unavailable(f'{command[0]}: {error.strerror}') from None


def last_lines(path, count):
    """The last lines of a text file, without trailing blanks; [] if there is none."""
    try:
        with open(path, 'rb') as file:
            text = file.read().decode(errors='replace')
    except OSError:
        return []
    lines = [line.rstrip() for line in text.replace('\r', '').split('\n')]
    return [line for line in lines if line][-count:]
