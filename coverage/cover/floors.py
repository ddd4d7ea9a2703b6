# SPDX-License-Identifier: GPL-2.0-only
"""Floors: the least shares that a report must have, in per cent; of instruction forms the least
numbers, as more of them become known with every one that the decoder learns
(coverage/floors.json)."""

from . import data

LINES = 'lines.'    # those are looked at by who measures lines
FORMS = 'instructions.'     # numbers, judged where cases ran in single steps
# In the names of the targets that a floor is about.
TARGETS = {'exits-svm': ('svm',), 'exits-vmx': ('vmx',), 'requirements': ('svm',),
           'kvm-exits': ('svm', 'vmx'), 'ioctls': ('svm', 'vmx')}
# What must have been counted before a floor of lines says anything.
SOURCES = {'core': ('unit',), 'runner': ('unit', 'runner-kvm', 'runner-svm'),
           'module': ('module-svm', 'module-vmx'),
           'kvm.svm.c': ('kvm-svm',), 'kvm.vmx.c': ('kvm-vmx',), 'kvm': ('kvm-svm', 'kvm-vmx')}


def uncounted(part, sources):
    """Sources of lines that a floor of a part of them needs, and that were not counted."""
    needed = SOURCES.get(part) or SOURCES[part.partition('.')[0]]
    return [source for source in needed if source not in sources]


def is_number(name):
    """Whether a floor is a number of what is reached, and no share."""
    return name.startswith(FORMS)


def load():
    """{name: per cent, or number}."""
    floors = data.load('floors.json')
    for name, least in floors.items():
        if not isinstance(least, (int, float)) or not 0 <= least:
            raise data.DataError(f'floors.json: "{name}" must be a number, not {least!r}')
        if least > 100 and not is_number(name):
            raise data.DataError(f'floors.json: "{name}" must be a share in per cent, not '
                                 f'{least!r}')
    return floors


def text(name, least):
    """A floor in words; '' for none."""
    if least is None:
        return ''
    return f'at least {least:g}{"" if is_number(name) else " %"}'


def holds(name, least, reached, whole):
    """Whether a floor is not undershot; where nothing was counted it is."""
    if is_number(name):
        return reached >= least
    return bool(whole) and 100 * reached >= least * whole


def left_out(name, counted):
    """Targets of coverage/runs.json that a floor is about and that did not run."""
    return [target for target in data.load('runs.json') if target not in counted and
            any(part in target for part in TARGETS.get(name, ()))]


def judge(floors, sums, counted):
    """(floors undershot, floors that cannot be judged) as messages; sums: {name: (reached, of)},
    counted: names of the targets that ran. What did not run here undershoots nothing."""
    under, open_ = [], []
    for name, least in floors.items():
        if name.startswith(LINES) or (name.startswith(FORMS) and name not in sums):
            continue
        absent = left_out(name, counted)
        reached, whole = sums.get(name, (0, 0))
        if holds(name, least, reached, whole):
            continue
        if absent:
            open_.append(f'{name}: the floor is not judged, these did not run: '
                         f'{", ".join(absent)}')
        elif not whole:
            under.append(f'{name}: nothing was counted, {text(name, least)} must be reached')
        else:
            under.append(f'{name}: {reached} of {whole} are reached, that is '
                         f'{100 * reached / whole:.1f} %: {text(name, least)} must be '
                         '(coverage/floors.json)')
    return under, open_
