# SPDX-License-Identifier: GPL-2.0-only
"""Which manual sections the cases cite, which cases cite a section, and which sections that
matter to a hypervisor no case cites."""

import collections
import re

from . import data, page

API = re.compile(r'^(?:linux )?(?:documentation/virt/kvm/api\.rst|kvm api)\s+(.*)$', re.IGNORECASE)
MANUAL = re.compile(r'^((?:SDM|APM) [1-5])\s+(.*)$')
NUMBER = re.compile(r'^([0-9A-Z]+(?:\.[0-9]+)+|[0-9]+)(?:[ ,]|$)')


def split(ref, by_name):
    """(manual, section) of what a case cites; by_name: sections of the KVM API by ioctl."""
    match = API.match(ref)
    if match:
        return 'KVM API', by_name.get(match[1], match[1])
    match = MANUAL.match(ref)
    if not match:
        return 'others', ref
    number = NUMBER.match(match[2])
    return match[1], number[1] if number else match[2]


def order(section):
    """Sections in the order of their numbers."""
    return [(0, int(part), '') if part.isdigit() else (1, 0, part)
            for part in re.split(r'[.]', section)]


class Section:
    """Requirements, as a section of the page."""

    name, title = 'requirements', 'Requirements: sections of the manuals'
    text = ('Every case cites the sections that its expectations come from. Below are those that '
            'matter to a hypervisor, and how many cases cite them or a part of them.')

    def __init__(self, instances):
        _, ioctls = data.abi()
        by_name = {item.name: item.ref.rpartition(' ')[2] for item in ioctls
                   if item.ref.startswith('KVM API')}
        self.cited = collections.defaultdict(set)   # (manual, section): cases
        self.cases = collections.defaultdict(set)   # case: refs as it cites them
        for entry in instances.values():
            for ref in entry.get('refs') or ():
                self.cited[split(ref, by_name)].add(entry['case'])
                self.cases[entry['case']].add(ref)
        self.editions, self.wanted = data.sections()

    def citing(self, manual, section):
        """Cases that cite that section or a part of it."""
        return set().union(*(cases for (its, number), cases in self.cited.items()
                             if its == manual and (number == section or
                                                   number.startswith(section + '.'))))

    def state(self, each):
        """'seen' if a case cites it, though it need not be possible; else 'cannot' or 'hole'."""
        if self.citing(each.manual, each.section):
            return 'seen'
        return 'cannot' if each.why else 'hole'

    def states(self, manual=None):
        """How many sections, of one manual or of all, are in each state."""
        return collections.Counter(self.state(each) for each in self.wanted
                                   if manual in (None, each.manual))

    def sums(self):
        """For floors and cards."""
        states = self.states()
        return {self.name: (states['seen'], states['seen'] + states['hole'])}

    def holes(self):
        """What no case cites, and one could."""
        return [(f'{each.manual} {each.section} {each.title}', '') for each in self.wanted
                if self.state(each) == 'hole']

    def as_json(self):
        """All tables."""
        return {'editions': self.editions,
                'wanted': [{'manual': each.manual, 'section': each.section, 'title': each.title,
                            'state': self.state(each), 'why': each.why or None,
                            'cases': len(self.citing(each.manual, each.section))}
                           for each in self.wanted],
                'sections': {f'{manual} {section}': sorted(cases) for (manual, section), cases in
                             sorted(self.cited.items(), key=lambda each: str(each[0]))},
                'cases': {case: sorted(refs) for case, refs in sorted(self.cases.items())}}

    def reached(self):
        """For a diff."""
        return {f'{self.name} {manual} {section}': [f'{len(cases)} cases']
                for (manual, section), cases in self.cited.items()}

    def tiles(self, manual):
        """A square for each section of a manual."""
        return [(self.state(each), each.section, f'{each.section} {each.title}: ' +
                 (f'{len(self.citing(manual, each.section))} cases'
                  if self.state(each) != 'cannot' else each.why))
                for each in self.wanted if each.manual == manual]

    def html(self, ours):
        """Bars and tiles by manual, then the tables."""
        del ours    # a citation is nobody's
        out = []
        for manual, edition in self.editions.items():
            states = self.states(manual)
            out += [f'<h3>{page.escape(manual)} '
                    f'<span class="soft">{page.escape(edition)}</span></h3>',
                    page.bar([(states['seen'], 'seen', 'cited'),
                              (states['hole'], 'hole', 'by no case'),
                              (states['cannot'], 'cannot', 'by none, see why')]),
                    page.tiles(self.tiles(manual))]
        why = [(f'{each.manual} {each.section}', each.title, each.why) for each in self.wanted
               if self.state(each) == 'cannot']
        forth = [(f'{manual} {section}', str(len(cases)), ' '.join(sorted(cases)))
                 for (manual, section), cases in
                 sorted(self.cited.items(), key=lambda each: (each[0][0], order(each[0][1])))]
        back = [(case, '; '.join(sorted(refs))) for case, refs in sorted(self.cases.items())]
        out += [page.fold(f'Why some can be cited by none: {len(why)}',
                          page.table(('section', 'title', 'why'), why)),
                page.fold(f'From section to cases: {len(forth)}',
                          page.table(('section', 'cases', ''), forth)),
                page.fold(f'From case to sections: {len(back)}',
                          page.table(('case', 'sections'), back))]
        return ''.join(out)
