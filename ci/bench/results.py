# SPDX-License-Identifier: GPL-2.0-only
"""Results of build/bench-kmod: medians, ratios, the table, and the limits of limits.json."""

import dataclasses
import json
import os
import statistics

LIMITS = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'limits.json')
HEADER = f'{"":16}{"stock":>12}{"ours":>12}{"ratio":>9}{"limit":>9}{"goal":>9}'


@dataclasses.dataclass
class Row:
    """Instructions of one measure on stock KVM and on the module; what the ratio may be, and
    what it is to become. waits: instructions' worth of sleep, which are in neither."""
    name: str
    stock: float
    ours: float
    limit: float
    goal: float
    waits: tuple

    @property
    def ratio(self):
        return self.ours / self.stock

    @property
    def good(self):
        return self.ratio <= self.limit


def medians(text):
    """{node: {name: (instructions, waited)}} of the lines "NODE NAME INSTRUCTIONS WAITED"."""
    found = {}
    for line in text.splitlines():
        node, name, instructions, waited = line.split()
        found.setdefault(node, {}).setdefault(name, []).append((float(instructions),
                                                                float(waited)))
    return {node: {name: tuple(statistics.median(column) for column in zip(*costs))
                   for name, costs in names.items()} for node, names in found.items()}


def limits(path=LIMITS):
    """(limit, goal): functions from the name of a measure to a ratio."""
    with open(path, encoding='utf-8') as file:
        data = json.load(file)

    def look(kind):
        return lambda name: data[kind].get(name, data[kind].get('*'))
    return look('limit'), look('goal')


def rows(text, stock, ours, path=LIMITS):
    """A Row for each measure, in the order they were made. Raises ValueError if one node has
    a measure that the other has not, or limits.json says nothing of it."""
    found = medians(text)
    if sorted(found.get(stock, {})) != sorted(found.get(ours, {})) or not found:
        raise ValueError(f'{stock} and {ours} have not the same measures: the run broke off')
    limit, goal = limits(path)
    made = []
    for name, (instructions, waited) in found[stock].items():
        if limit(name) is None or goal(name) is None:
            raise ValueError(f'{path} has no limit or no goal for {name}')
        own, own_waited = found[ours][name]
        made.append(Row(name, instructions, own, limit(name), goal(name), (waited, own_waited)))
    return made


def table(made):
    """The lines that people see."""
    lines = [HEADER]
    for row in made:
        lines.append(f'{row.name:16}{row.stock:12,.0f}{row.ours:12,.0f}{row.ratio:9.3f}'
                     f'{row.limit:9.3f}{row.goal:9.3f}{"" if row.good else "  ABOVE THE LIMIT"}')
    return lines
