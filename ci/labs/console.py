# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel prints when something is wrong with it, found in the console as it grows."""

import re

# (expression, what it is called, whether nothing good can come after it)
REPORTS = [(re.compile(expression), name, fatal) for expression, name, fatal in (
    (r'Kernel panic - not syncing: ', 'kernel panic', True),
    (r'\bBUG: (?:KASAN|KCSAN|KFENCE|KMSAN|UBSAN): ', 'sanitizer report', False),
    (r'\bUBSAN: ', 'sanitizer report', False),
    (r'\bwatchdog: BUG: soft lockup - ', 'soft lockup', True),
    (r'\bBUG: (?:unable to handle|kernel NULL pointer) ', 'oops', True),
    (r'\bBUG: (?:sleeping function called from invalid context|scheduling while atomic|'
     r'using \S+ in preemptible|assuming atomic context)', 'sleep in atomic context', False),
    (r'\bBUG \S+ \(.*\): ', 'slab report', False),
    (r'\bBUG: ', 'kernel BUG', True),
    (r'\bkernel BUG at ', 'kernel BUG', True),
    (r'\bOops\b', 'oops', True),
    (r'\b(?:general protection fault|invalid opcode|divide error|double fault|stack segment)'
     r'(?:, .*)?: [0-9a-f]{4} \[#\d+\]', 'oops', True),
    (r'\bWARNING: (possible (?:circular|irq lock|recursive) .*|bad unlock .*|'
     r'inconsistent lock state.*|suspicious RCU usage.*|held lock freed.*|'
     r'lock held when returning.*|Nested lock .*|.*lock order.*)', 'lockdep report', False),
    (r'\bINFO: (possible .*deadlock.*|possible recursive locking.*|possible circular .*|'
     r'trying to register non-static key.*|inconsistent lock state.*|suspicious RCU usage.*)',
     'lockdep report', False),
    (r'\bWARNING: ', 'kernel warning', False),
    (r'\bINFO: rcu\S* .*stall', 'RCU stall', False),
    (r'\bINFO: task .* blocked for more than ', 'hung task', False),
    (r'\bdetected hard LOCKUP', 'hard lockup', True),
    (r'\blist_(?:add|del) corruption', 'corrupt list', True),
    (r'\brefcount_t: ', 'reference count error', False),
    (r'\bpagealloc: (?:memory corruption|single bit error)', 'write to a free page', False),
    (r'\bkmemleak: unreferenced object ', 'memory leak', False),
    (r'\blab: left behind: ', 'left behind', False),
)]

REPORT_LINES = 80   # what a report of the kernel takes, stacks and all

STAMP = re.compile(r'^(?:<\d+>)?\[\s*\d+\.\d+\](?:\[[^\]]*\])? ?')


class Report:
    """One finding: what it is called, the line without its time, whether it is fatal, and
    how many lines the console has before it."""

    def __init__(self, name, line, fatal):
        self.name = name
        self.line = line
        self.fatal = fatal
        self.number = 0

    def __str__(self):
        return f'{self.name}: {self.line}'


def examine(line):
    """The Report that a line of the console is, or None."""
    for expression, name, fatal in REPORTS:
        if expression.search(line):
            return Report(name, STAMP.sub('', line).strip(), fatal)
    return None


class Watcher:
    """Reads a console that grows."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.partial = b''
        self.count = 0
        self.reports = []

    def look(self):
        """Examines what has come since. Whether anything has."""
        with open(self.path, 'rb') as file:
            file.seek(self.offset)
            data = file.read()
        self.offset += len(data)
        lines = (self.partial + data).split(b'\n')
        self.partial = lines.pop()
        for line in lines:
            self._take(line)
        return bool(data)

    def finish(self):
        """Nothing more comes: the last line needs no end."""
        self.look()
        self._take(self.partial)
        self.partial = b''

    def _take(self, line):
        report = examine(line.decode(errors='replace').strip('\r'))
        if report:
            report.number = self.count
            self.reports.append(report)
        self.count += 1

    def worst(self):
        """The first fatal report, else the first, else None."""
        fatal = [report for report in self.reports if report.fatal]
        return (fatal + self.reports + [None])[0]

    def text(self):
        """The lines of the worst report, as far as one reads on; [] if there is none."""
        report = self.worst()
        if not report:
            return []
        with open(self.path, 'rb') as file:
            lines = file.read().decode(errors='replace').replace('\r', '').split('\n')
        return [line.rstrip() for line in lines[report.number:report.number + REPORT_LINES]
                if line.strip()]
