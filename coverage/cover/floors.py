# SPDX-License-Identifier: GPL-2.0-only
"""Floors: the least shares that a report must have, in per cent (coverage/floors.json)."""

from . import data

LINES = 'lines.'    # those are looked at by who measures lines
FORMS = 'instructions.'     # judged where cases ran in single steps
VENDORS = {'exits-svm': 'svm', 'exits-vmx': 'vmx'}      # in the names of targets


def load():
    """{name: per cent}."""
    floors = data.load('floors.json')
    for name, least in floors.items():
        if not isinstance(least, (int, float)) or not 0 <= least <= 100:
            raise data.DataError(f'floors.json: "{name}" must be a share in per cent, not '
                                 f'{least!r}')
    return floors


def left_out(name, counted):
    """Targets of coverage/runs.json that a floor is about and that did not run."""
    vendor = VENDORS.get(name)
    return [target for target in data.load('runs.json')
            if vendor and vendor in target and target not in counted]


def judge(floors, sums, counted):
    """(floors undershot, floors that cannot be judged) as messages; sums: {name: (reached, of)},
    counted: names of the targets that ran. What did not run here undershoots nothing."""
    under, open_ = [], []
    for name, least in floors.items():
        if name.startswith(LINES) or (name.startswith(FORMS) and name not in sums):
            continue
        absent = left_out(name, counted)
        reached, whole = sums.get(name, (0, 0))
        if 100 * reached >= least * whole and whole:
            continue
        if absent:
            open_.append(f'{name}: the floor is not judged, these did not run: '
                         f'{", ".join(absent)}')
        elif not whole:
            under.append(f'{name}: nothing was counted, {least:g} % must be reached')
        else:
            under.append(f'{name}: {reached} of {whole} are reached, that is '
                         f'{100 * reached / whole:.1f} %: {least:g} % must be '
                         '(coverage/floors.json)')
    return under, open_
