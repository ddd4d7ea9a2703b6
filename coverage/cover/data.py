# SPDX-License-Identifier: GPL-2.0-only
"""The data files: what there is to reach, and what cannot be reached here and why."""

import dataclasses
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parents[1]
MODES = ('real16', 'prot16', 'prot32', 'paged32', 'pae32', 'compat32', 'long64', 'long64_5l',
         'vm86')


class DataError(Exception):
    """A data file is not as it must be; the text names file and entry."""


@dataclasses.dataclass(frozen=True)
class Item:
    """One thing to reach: an exit reason, a KVM_EXIT_*, an ioctl."""

    key: tuple      # what it is counted by
    number: str     # as manuals write it
    name: str
    text: str
    ref: str        # manual section
    by: str         # who causes it: "guest", "host", "hypervisor"
    nested: bool    # only with nested virtualisation
    why: str        # why it cannot be reached here; '': it can


def load(name):
    """A data file's object."""
    path = HERE / name
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: {error}') from None


def item(file, entry, key):
    """An entry as an Item."""
    known = {'number', 'detail', 'name', 'text', 'ref', 'by', 'nested', 'why', 'on'}
    for field in ('name', 'ref'):
        if not entry.get(field):
            raise DataError(f'{file}: {entry}: there is no "{field}"')
    if set(entry) - known:
        raise DataError(f'{file}: {entry}: it has what means nothing here')
    return Item(key=key, number=str(entry['number']), name=entry['name'],
                text=entry.get('text') or entry.get('on', ''), ref=entry['ref'],
                by=entry.get('by', 'guest'), nested=bool(entry.get('nested')),
                why=entry.get('why', ''))


def reasons(file):
    """(vendor, manual, Items) of a file of exit reasons. The key of one that stands for all
    its details has None in their place."""
    data = load(file)
    items = [item(file, entry, (data['isa'], int(str(entry['number']), 0), entry.get('detail')))
             for entry in data['reasons']]
    if len({each.key for each in items}) != len(items):
        raise DataError(f'{file}: a number is there twice')
    return data['vendor'], data['manual'], items


def abi():
    """Items of KVM_EXIT_* and of ioctls."""
    data = load('abi.json')
    return ([item('abi.json', entry, (entry['number'],)) for entry in data['exits']],
            [item('abi.json', entry, (int(entry['number'], 0),)) for entry in data['ioctls']])


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A section of a manual that matters to a hypervisor."""

    manual: str
    section: str
    title: str
    why: str        # why no case can check it; '': one can


def sections():
    """({manual: edition that the numbers are of}, Requirements in the order of the file)."""
    file = load('sections.json')
    reasons, editions, found = file.pop('why'), {}, []
    for manual, of in file.items():
        editions[manual] = of['edition']
        for section, title, *why in of['sections']:
            if len(why) > 1 or set(why) - set(reasons):
                raise DataError(f'sections.json: {manual} {section}: "why" must be one of '
                                f'{", ".join(reasons)}')
            found.append(Requirement(manual, section, title, reasons[why[0]] if why else ''))
    return editions, found
