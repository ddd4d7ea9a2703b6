# SPDX-License-Identifier: GPL-2.0-only
"""Instruction forms: which ones cases executed, natively and emulated, of those that a
hypervisor may have to emulate. Both are what `assay forms` writes: the second its --list."""

import collections
import fnmatch
import pathlib
import re

from . import data, page, records

KNOWN = 'known.json'        # the file of the list; all others are named after targets
PATHS = {'mmio': 'operand in MMIO space', 'fep': 'forced emulation'}
MAPS = {'': 'one-byte opcodes', '0f:': 'two-byte opcodes (0F)',
        '0f38:': 'three-byte opcodes (0F 38)'}
FORM = re.compile(r'(?P<map>[0-9a-z]+:)?(?P<opcode>[0-9a-f]{2})[ /].*@(?:16|32|64)')
CELL = 15                   # pixels of an opcode's square


class Section:
    """Forms, as a section of the page; without files it says that nothing was run."""

    name, title = 'instructions', 'Instruction forms'
    text = ('An opcode with its operand size, memory or register, LOCK or REP, and the width of '
            'the code segment: as the hypervisor emulates it because its operand is in MMIO space, '
            'or because it is told to. A square is an opcode: every form of it executed, some (a '
            'stroke), or none (a cross).')

    def __init__(self, directory, warnings):
        directory = pathlib.Path(directory)
        self.reasons = data.load('instructions.json') if directory.exists() else []
        self.executed = {path: collections.Counter() for path in ('native', *PATHS)}
        self.examples = {}                          # (path, form): an instance
        self.instances = collections.Counter()      # by target: those that ran
        self.known = {path: {} for path in PATHS}   # {form: mnemonic}
        for path in sorted(directory.glob('*.json')):
            read = self.add_known if path.name == KNOWN else self.add_instance
            for number, entry in records.lines(path, warnings) or ():
                try:
                    read(path.stem, entry)
                except (KeyError, TypeError, AttributeError) as error:
                    warnings.append(records.damaged(path, number, f'no record ({error!r})'))

    def add_known(self, _, entry):
        """A line of the list."""
        for path in entry['paths']:
            self.known[path][entry['form']] = entry['mnemonic']

    def add_instance(self, target, entry):
        """What an instance executed, unless it could not run."""
        name = entry['instance']
        if 'why' in entry:
            return
        forms = {path: [str(form) for form in entry[path]] for path in self.executed}
        self.instances[target] += 1
        for path, some in forms.items():
            self.executed[path].update(some)
            for form in some:
                key = path, form
                self.examples[key] = min(name, self.examples.get(key, name))

    def reason(self, path, form):
        """The entry of instructions.json that says why no case executes it, or None."""
        for entry in self.reasons:
            if path in entry['paths'] and any(fnmatch.fnmatchcase(form, glob)
                                              for glob in entry['forms']):
                return entry
        return None

    def state(self, path, form):
        """'seen', 'cannot' or 'hole'."""
        if form in self.executed[path]:
            return 'seen'
        return 'cannot' if self.reason(path, form) else 'hole'

    def states(self, path):
        """How many forms of a path are in each state."""
        return collections.Counter(self.state(path, form) for form in self.known[path])

    def sums(self):
        """(executed, could be) for each path that was looked at."""
        found = {}
        for path in PATHS:
            states = self.states(path)
            if self.instances and states:
                found[f'instructions.{path}'] = (states['seen'],
                                                 states['seen'] + states['hole'])
        return found

    def holes(self):
        """What no case executes, an opcode in a row."""
        found = collections.defaultdict(list)
        for path in PATHS:
            for form, mnemonic in sorted(self.known[path].items()):
                if self.instances and self.state(path, form) == 'hole':
                    head, _, rest = form.partition(' ')
                    found[path, head, mnemonic].append(rest)
        return [(f'{head} {mnemonic}, {PATHS[path]}: {", ".join(forms)}', '')
                for (path, head, mnemonic), forms in sorted(found.items())]

    def as_json(self):
        """Every form with its state, and an instance that executes it."""
        return {'instances': dict(self.instances), 'native': sorted(self.executed['native']),
                'paths': {path: [{'form': form, 'mnemonic': mnemonic,
                                  'state': self.state(path, form),
                                  'example': self.examples.get((path, form)),
                                  **{key: value for key, value in
                                     (self.reason(path, form) or {}).items()
                                     if key in ('reason', 'ref')}}
                                 for form, mnemonic in sorted(self.known[path].items())]
                          for path in PATHS}}

    def reached(self):
        """For a diff."""
        return {f'instructions {path} {form}': [f'{count} instances']
                for path, some in self.executed.items() for form, count in some.items()}

    # ---- the page ---------------------------------------------------------------------------

    def square(self, path, opcode, forms):
        """An opcode in its map."""
        states = collections.Counter(self.state(path, form) for form in forms)
        able = states['seen'] + states['hole']
        kind = ('cannot' if not able else 'hole' if not states['seen'] else
                'some' if states['hole'] else 'seen')
        names = ' '.join(sorted({self.known[path][form] for form in forms}))
        said = page.escape(f'{opcode:02x} {names}: {states["seen"]} of {able} forms')
        x, y = ((opcode & 15) + 1) * CELL, ((opcode >> 4) + 1) * CELL
        inside = f'<title>{said}</title>'
        drawn = (f'<rect class="{kind}" x="{x}" y="{y}" width="{CELL - 1}" '
                 f'height="{CELL - 1}">{inside}</rect>')
        if kind in ('hole', 'some'):    # to be told apart without colours
            drawn += (f'<path class="mark" d="M{x + 3} {y + CELL - 4}L{x + CELL - 4} {y + 3}'
                      f'{f"M{x + 3} {y + 3}l8 8" if kind == "hole" else ""}"/>')
        return drawn

    def map(self, path, prefix, title):
        """A picture of an opcode map."""
        found = collections.defaultdict(list)
        for form in self.known[path]:
            match = FORM.fullmatch(form)
            if match and (match['map'] or '') == prefix:
                found[int(match['opcode'], 16)].append(form)
        squares = ''.join(self.square(path, *each) for each in sorted(found.items()))
        digits = ''.join(f'<text x="{(i + 1.4) * CELL:.0f}" y="11">{i:X}</text>'
                         f'<text x="2" y="{(i + 1.7) * CELL:.0f}">{i:X}</text>' for i in range(16))
        size = 17 * CELL
        return (f'<figure><svg viewBox="0 0 {size} {size}" width="{size}" role="img" '
                f'aria-label="{page.escape(title)}">{digits}{squares}</svg>'
                f'<figcaption>{page.escape(title)}</figcaption></figure>')

    def html(self, ours):
        """Bars and opcode maps for each path."""
        del ours
        if not self.instances:
            return page.paragraph('not run: make coverage runs cases in single steps for it')
        out = []
        for path, title in PATHS.items():
            states = self.states(path)
            out += [f'<h3>{page.escape(title)}</h3>',
                    page.bar([(states['seen'], 'seen', 'executed'),
                              (states['hole'], 'hole', 'by no case'),
                              (states['cannot'], 'cannot', 'cannot be, see why')]),
                    page.legend(('seen', 'every form of the opcode'), ('some', 'some, a stroke'),
                                ('hole', 'none, a cross'), ('cannot', 'none can be')),
                    '<div class="maps">', *(self.map(path, *each) for each in MAPS.items()),
                    '</div>']
        why = [(', '.join(entry['forms']), ', '.join(PATHS[path] for path in entry['paths']),
                entry['reason'], entry['ref']) for entry in self.reasons]
        out += [page.paragraph(f'Natively the cases execute {len(self.executed["native"])} forms.'),
                page.fold(f'Why some cannot be: {len(why)}',
                          page.table(('forms', 'as', 'reason', 'reference'), why))]
        return ''.join(out)
