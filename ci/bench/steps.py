# SPDX-License-Identifier: GPL-2.0-only
"""Where the instructions of one measure go: the lab's processor is stepped, instruction by
instruction, by the debug server of its emulator, and each counts for the function it is in."""

import bisect
import socket

from labs import frames, session, symbols

RIP = 2 * 8 * 16    # where its digits are among all registers: after 16 of 8 bytes
# Round trips, or lives, before the pass that is counted. Entries cannot be skipped one by one:
# while the emulator stops, the time for the kernel's next tick comes, and ends each at once.
SKIPPED = 20
PROGRAM = 'the program, the guest'
DEADLINE = 60       # seconds for one answer


# What begins a pass, by kind of measure: (function, module) of stock KVM and of the module.
TRIP = (('kvm_vcpu_ioctl', 'kvm'), ('vcpu_ioctl', 'assay'))
ENTRY = (('__svm_vcpu_run', 'kvm_amd'), ('svm_enter', 'assay'))
LIFE = (('kvm_dev_ioctl', 'kvm'), ('dev_ioctl', 'assay'))
BEGINS = {'cpuid': ENTRY, 'dirty-page': ENTRY, 'create-destroy': LIFE}


def begins_of(measure, stock):
    """What is skipped, and where the pass of that measure then begins, for Stepper."""
    begins = BEGINS.get(measure, TRIP)
    skipped = TRIP if begins is ENTRY else begins
    return skipped[0 if stock else 1], begins[0 if stock else 1]


class Server:
    """A client of the emulator's debug server (GDB manual, appendix E)."""

    def __init__(self, path):
        self.line = socket.socket(socket.AF_UNIX)
        self.line.settimeout(DEADLINE)
        self.line.connect(path)
        self.kept = b''
        # That it stopped when we came is told before the answer.
        answer = self.ask('qSupported')
        while 'PacketSize' not in answer:
            answer = self._answer()

    def ask(self, text):
        """Sends a packet, returns the answer's text."""
        body = text.encode()
        self.line.sendall(b'$%s#%02x' % (body, sum(body) & 255))
        return self._answer()

    def _answer(self):
        """The next packet's text."""
        while True:
            start, end = self.kept.find(b'$'), self.kept.find(b'#')
            if 0 <= start < end and len(self.kept) >= end + 3:
                answer, self.kept = self.kept[start + 1:end], self.kept[end + 3:]
                self.line.sendall(b'+')
                return answer.decode()
            data = self.line.recv(4096)
            if not data:
                raise session.Failure(session.DIED, 'the emulator has closed its debug server')
            self.kept += data

    def step(self):
        """One instruction; the address of the next."""
        self.ask('s')
        return self.rip()

    def rip(self):
        return int.from_bytes(bytes.fromhex(self.ask('g')[RIP:RIP + 16]), 'little')

    def run_to(self, address):
        """Until an instruction, over a breakpoint of the processor's."""
        self.ask('s')       # off the one it stands on, perhaps
        self.ask(f'Z1,{address:x},1')
        self.ask('c')
        self.ask(f'z1,{address:x},1')


class Stepper(session.Observer):
    """Steps from one call of a function to the next, and counts by function."""

    settings = (('wait', '1'),)

    def __init__(self, config, skipped, entry):
        """Both are (name, module) of functions: begins_of()."""
        self.config = config
        self.skipped = skipped
        self.entry = entry
        self.text = []
        self.session = None
        self.counts = {}
        self.over = False
        self.server = None

    def begin(self, running):
        self.session = running

    def frame(self, kind, payload):
        if kind == frames.SYMBOLS and payload:
            self.text.append(payload)
        elif kind == frames.SYMBOLS:
            self._step(symbols.parse(b''.join(self.text).decode()))

    def done(self):
        """Whether all is counted, and the lab no more needed."""
        return self.over

    def table(self):
        """Lines: how many instructions, in which function."""
        lines = [f'{sum(self.counts.values()):8}  in all']
        return lines + [f'{count:8}  {name}' for name, count in
                        sorted(self.counts.items(), key=lambda item: -item[1])]

    def end(self):
        if self.server:
            self.server.line.close()

    def _step(self, known):
        skipped, entry = address_of(known, self.skipped), address_of(known, self.entry)
        known = sorted(known)
        starts = [address for address, _, _ in known]
        self.server = Server(self.config.gdb)
        self.session.send(frames.GO)
        for _ in range(SKIPPED):
            self.server.run_to(skipped)
        if entry != skipped:
            self.server.run_to(entry)
        place, first = entry, True
        while first or place != entry:
            first = False
            name = owner(known, starts, place)
            self.counts[name] = self.counts.get(name, 0) + 1
            place = self.server.step()
        self.over = True


def address_of(known, function):
    """Where a function of a module is in the lab's kernel."""
    for address, name, module in known:
        if (name, module) == function:
            return address
    raise session.Failure(session.CANNOT, f'the lab has no {function[0]} in {function[1]}')


def owner(known, starts, address):
    """The function of an address."""
    if address < symbols.TEXT_BASE:
        return PROGRAM
    at = bisect.bisect_right(starts, address) - 1
    return known[at][1] if at >= 0 else PROGRAM
