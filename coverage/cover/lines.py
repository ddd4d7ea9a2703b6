# SPDX-License-Identifier: GPL-2.0-only
"""Lines and branches that ran: what coverage/lines has measured, file by file."""

import json
import pathlib

from . import page

GROUPS = (('runner', 'the runner', 'runner/'), ('core', "the module's core", 'kmod/core/'),
          ('module', 'the module', 'kmod/'), ('kvm', 'stock KVM', ''))


def group_of(path):
    """Which part of the whole a source belongs to: the first whose directory it is in."""
    return next(name for name, _, start in GROUPS if path.startswith(start))


def share(pairs):
    """[hit, total] of several."""
    pairs = list(pairs)
    return [sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)]


class Section:
    """Lines, as a section of the page; without a file it says that nothing was measured."""

    name, title = 'lines', 'Lines and branches'
    text = 'Lines of our sources, and of stock KVM where it was rebuilt for that, that ran.'

    def __init__(self, path, warnings):
        path = pathlib.Path(path)
        self.files, self.sources = {}, []
        try:
            if path.exists():
                measured = json.loads(path.read_text(encoding='utf-8'))
                self.sources = [source['name'] for source in measured['sources']]
                self.files = {name: {'lines': list(map(int, file['lines'])),
                                     'branches': list(map(int, file['branches'])),
                                     'by': dict(file['by'])}
                              for name, file in measured['files'].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.files, self.sources = {}, []
            warnings.append(f'{path}: cannot be read ({error}): left out')

    def sums(self):
        """(hit, total) of each part that was measured. The floors of lines are looked at where
        they are measured."""
        found = {}
        for name, _, _ in GROUPS:
            pairs = [file['lines'] for path, file in self.files.items() if group_of(path) == name]
            if pairs:
                found[f'lines.{name}'] = tuple(share(pairs))
        return found

    def holes(self):
        """Single lines are no work list."""
        return []

    def as_json(self):
        """As it was measured."""
        return {'sources': self.sources, 'files': self.files}

    def reached(self):
        """For a diff."""
        return {f'lines {path}': [f'{file["lines"][0]} of {file["lines"][1]}']
                for path, file in self.files.items()}

    def html(self, ours):
        """A bar for each part, then one for each file."""
        del ours
        if not self.files:
            return page.paragraph('not run: make coverage measures them')
        out = []
        for name, title, start in GROUPS:
            paths = sorted(path for path in self.files if group_of(path) == name)
            if not paths:
                continue
            hit, total = share(self.files[path]['lines'] for path in paths)
            out.append(f'<h3>{page.escape(title)}: {page.percent(hit, total)} of {total} '
                       'lines</h3>')
            out.append(page.bar([(hit, 'seen', 'lines that ran'),
                                 (total - hit, 'hole', 'did not')]))
            out.append(page.meters((path.removeprefix(start).rpartition('linux/')[2],
                                    *self.files[path]['lines']) for path in sorted(
                                        paths, key=lambda each: self.files[each]['lines'][0] /
                                        max(self.files[each]['lines'][1], 1))))
        rows = []
        for path, file in sorted(self.files.items()):
            by = [page.percent(*file['by'][each]) if each in file['by'] else ''
                  for each in self.sources]
            rows.append((path, page.percent(*file['lines']), page.percent(*file['branches']), *by))
        out.append(page.fold(f'File by file: {len(rows)}', page.table(
            ('file', 'lines', 'branches', *self.sources), rows)))
        return ''.join(out)
