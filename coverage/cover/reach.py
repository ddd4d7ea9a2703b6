# SPDX-License-Identifier: GPL-2.0-only
"""What was reached of what there is: exit reasons of the processors, exits and ioctls of the
KVM ABI. All have the same shape: rows with a state, and who reached them in which mode."""

import collections
import dataclasses
import errno

from . import data, page

SEEN, HOLE, CANNOT, ODD = 'seen', 'hole', 'cannot', 'odd'
FILES = (('exits-svm', 'exits-svm.json'), ('exits-vmx', 'exits-vmx.json'))


@dataclasses.dataclass
class Row:
    """One Item and what became of it."""

    item: data.Item
    modes: dict         # mode: {target: count}
    example: str        # an instance that reached it

    def state(self):
        """Seen, though it need not be possible; else why not."""
        if self.modes:
            return SEEN
        return CANNOT if self.item.why else HOLE

    def targets(self):
        """Who reached it, in any mode."""
        return sorted({target for by in self.modes.values() for target in by})

    def as_json(self):
        """For coverage.json."""
        return {'number': self.item.number, 'detail': self.item.key[-1] if len(self.item.key) == 3
                else None, 'name': self.item.name, 'text': self.item.text, 'ref': self.item.ref,
                'state': self.state(), 'why': self.item.why or None,
                'seen': {mode: dict(sorted(by.items())) for mode, by in sorted(self.modes.items())},
                'example': self.example}


def gather(items, counted, examples):
    """Rows of Items; counted: [(key, mode, target, count)]."""
    seen = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    for key, mode, target, count in counted:
        seen[key][mode][target] += count
    return [Row(each, {mode: dict(by) for mode, by in seen.get(each.key, {}).items()},
                examples.get(each.key)) for each in items]


def exit_rows(counts, file):
    """(vendor, manual, Rows, unknown) of one maker; unknown: what is in no list."""
    vendor, manual, items = data.reasons(file)
    isa = items[0].key[0]
    known = {each.key for each in items}
    counted, unknown, examples = [], {}, {}
    for (target, its, reason, detail, mode), count in sorted(counts.hw.items()):
        if its != isa:
            continue
        example = counts.examples[its, reason, detail]
        whole = (its, reason, None)
        counted += [(whole, mode, target, count), ((its, reason, detail), mode, target, count)]
        examples[its, reason, detail] = example
        examples[whole] = min(example, examples.get(whole, example))
        if whole not in known:
            unknown[reason] = example
    return vendor, manual, gather(items, counted, examples), unknown


def abi_rows(counts):
    """(Rows of KVM_EXIT_*, Rows of ioctls); a "mode" of ioctls is how they ended."""
    exits, ioctls = data.abi()
    seen_exits = [((reason,), mode, target, count)
                  for (target, reason, mode), count in sorted(counts.exits.items())]
    seen_calls = [((number,), errno.errorcode.get(error, str(error)) if error else 'ok', target,
                   count) for (target, number, error), count in sorted(counts.ioctls.items())]
    return (gather(exits, seen_exits, counts.examples), gather(ioctls, seen_calls, {}))


class Section:
    """One list of what there is to reach, as a section of the page."""

    def __init__(self, name, title, text, rows, unknown=None, columns=data.MODES):
        self.name, self.title, self.text = name, title, text
        self.rows, self.unknown, self.columns = rows, unknown or {}, columns

    def count(self, state):
        """How many rows are in that state."""
        return sum(row.state() == state for row in self.rows)

    def sums(self):
        """{name: (reached, of, unit)} for floors and cards."""
        seen = self.count(SEEN)
        return {self.name: (seen, seen + self.count(HOLE))}

    def holes(self):
        """What is to be done: (what, more)."""
        return [(f'{row.item.number} {row.item.name}' +
                 (f': {row.item.text}' if row.item.text else ''), row.item.ref)
                for row in self.rows if row.state() == HOLE]

    def as_json(self):
        """For coverage.json."""
        return {'rows': [row.as_json() for row in self.rows],
                'unknown': [{'number': reason, 'example': example}
                            for reason, example in sorted(self.unknown.items())]}

    def reached(self):
        """What a diff of two reports compares: {what: where it was reached}."""
        return {f'{self.name} {row.item.number} {row.item.name} {row.item.text}'.strip():
                sorted(row.modes) for row in self.rows if row.modes}

    def cell(self, row, mode, ours):
        """One square: who reached it in that mode."""
        by = row.modes.get(mode, {})
        own = any(target in ours for target in by)
        stock = any(target not in ours for target in by)
        mark = {(True, True): 'both', (True, False): 'ours', (False, True): 'stock',
                (False, False): 'none'}[own, stock]
        title = ', '.join(f'{target} {count}' for target, count in sorted(by.items()))
        return mark, f'{row.item.name}, {mode}: {title or "not reached"}'

    def html(self, ours):
        """The section: a bar, the grid of what can be reached, then why the rest cannot."""
        seen, holes, cannot = (self.count(state) for state in (SEEN, HOLE, CANNOT))
        out = [page.bar([(seen, 'seen', 'seen'), (holes, 'hole', 'never seen'),
                         (cannot, 'cannot', 'not reachable here')])]
        rows = []
        for row in self.rows:
            if row.state() == CANNOT:
                continue
            cells = [self.cell(row, mode, ours) for mode in self.columns]
            title = f'{row.item.text} [{row.item.ref}]'
            if row.example:
                title += f', for example {row.example}'
            rows.append((row.item.number, row.item.name, row.item.text, row.state(), title, cells))
        out.append(page.grid(self.columns, rows))
        for reason, example in sorted(self.unknown.items()):
            out.append(page.paragraph(f'Not in the list: reason {reason:#x}, in {example}.'))
        rest = [(row.item.number, row.item.name, row.item.text, row.item.ref, row.item.why)
                for row in self.rows if row.state() == CANNOT]
        if rest:
            out.append(page.fold(f'Not reachable here, and why: {len(rest)}', page.table(
                ('number', 'name', 'what', 'manual', 'why not'), rest)))
        return ''.join(out)


def sections(counts):
    """The four sections."""
    found = []
    for name, file in FILES:
        vendor, manual, rows, unknown = exit_rows(counts, file)
        found.append(Section(name, f'Exits of the processor: {vendor}',
                             f'All exit reasons of {manual}, by the mode that the case begins in. '
                             'A reason that stands for several causes is followed by those.',
                             rows, unknown))
    exits, calls = abi_rows(counts)
    ends = sorted({end for row in calls for end in row.modes}, key=lambda end: (end != 'ok', end))
    found.append(Section('kvm-exits', 'Exits of the KVM ABI',
                         'All KVM_EXIT_* of linux/kvm.h, by the mode that the case begins in.',
                         exits))
    found.append(Section('ioctls', 'ioctls of the KVM ABI',
                         'All ioctls that x86 has, by how they ended: the harness calls some of '
                         'them for every case.', calls, columns=tuple(ends) or ('ok',)))
    return found
