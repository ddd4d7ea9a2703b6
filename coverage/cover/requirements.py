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
        self.wanted = [(manual, section, title) for manual, rows in data.sections().items()
                       for section, title in rows]

    def citing(self, manual, section):
        """Cases that cite that section or a part of it."""
        return set().union(*(cases for (its, number), cases in self.cited.items()
                             if its == manual and (number == section or
                                                   number.startswith(section + '.'))))

    def missing(self):
        """Sections that no case cites."""
        return [each for each in self.wanted if not self.citing(*each[:2])]

    def sums(self):
        """For floors and cards."""
        return {self.name: (len(self.wanted) - len(self.missing()), len(self.wanted))}

    def holes(self):
        """What no case cites."""
        return [(f'{manual} {section} {title}', '') for manual, section, title in self.missing()]

    def as_json(self):
        """Both tables."""
        return {'wanted': [{'manual': manual, 'section': section, 'title': title,
                            'cases': len(self.citing(manual, section))}
                           for manual, section, title in self.wanted],
                'sections': {f'{manual} {section}': sorted(cases) for (manual, section), cases in
                             sorted(self.cited.items(), key=lambda each: str(each[0]))},
                'cases': {case: sorted(refs) for case, refs in sorted(self.cases.items())}}

    def reached(self):
        """For a diff."""
        return {f'{self.name} {manual} {section}': [f'{len(cases)} cases']
                for (manual, section), cases in self.cited.items()}

    def tiles(self, manual):
        """A square for each section of a manual."""
        tiles = []
        for its, section, title in self.wanted:
            if its != manual:
                continue
            count = len(self.citing(its, section))
            tiles.append(('seen' if count else 'hole', section,
                          f'{section} {title}: {count} cases'))
        return tiles

    def html(self, ours):
        """Bars and tiles by manual, then both tables."""
        del ours    # a citation is nobody's
        out = []
        for manual in dict.fromkeys(each[0] for each in self.wanted):
            tiles = self.tiles(manual)
            cited = sum(tile[0] == 'seen' for tile in tiles)
            out += [f'<h3>{page.escape(manual)}</h3>',
                    page.bar([(cited, 'seen', 'cited'),
                              (len(tiles) - cited, 'hole', 'by no case')]),
                    page.tiles(tiles)]
        forth = [(f'{manual} {section}', str(len(cases)), ' '.join(sorted(cases)))
                 for (manual, section), cases in
                 sorted(self.cited.items(), key=lambda each: (each[0][0], order(each[0][1])))]
        back = [(case, '; '.join(sorted(refs))) for case, refs in sorted(self.cases.items())]
        out += [page.fold(f'From section to cases: {len(forth)}',
                          page.table(('section', 'cases', ''), forth)),
                page.fold(f'From case to sections: {len(back)}',
                          page.table(('case', 'sections'), back))]
        return ''.join(out)
