# SPDX-License-Identifier: GPL-2.0-only
"""Limits of make bench-kmod (ci/bench): what is read, compared and refused."""

import json
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'ci'))

from bench import results, steps    # noqa: E402 (the path comes first)


def text(**measures):
    """Lines of the program: NAME=(of /dev/kvm, of /dev/assay), each a list of repeats."""
    return ''.join(f'{node} {name.replace("_", "-")} {value} 0.0\n'
                   for at, node in enumerate(('/dev/kvm', '/dev/assay'))
                   for name, costs in measures.items() for value in costs[at])


@pytest.fixture
def limits(tmp_path):
    path = tmp_path / 'limits.json'
    path.write_text(json.dumps({'goal': {'*': 0.5}, 'limit': {'port-out': 0.6, 'hlt': 0.9}}))
    return path


def rows(content, path):
    return results.rows(content, '/dev/kvm', '/dev/assay', path)


def test_the_median_counts_and_not_a_tick(limits):
    row, = rows(text(port_out=([1000, 1000, 9000], [500, 500, 7000])), limits)
    assert (row.stock, row.ours, row.ratio, row.good) == (1000, 500, 0.5, True)


@pytest.mark.parametrize('ours,good', [(600, True), (601, False)])
def test_a_ratio_above_its_limit_is_named(limits, ours, good):
    made = rows(text(port_out=([1000], [ours]), hlt=([1000], [1])), limits)
    assert [row.good for row in made] == [good, True]
    shown = [line for line in results.table(made) if 'ABOVE THE LIMIT' in line]
    assert len(shown) == (not good) and all(line.startswith('port-out') for line in shown)


def test_a_run_that_broke_off_is_refused(limits):
    whole = text(port_out=([1000], [500]), hlt=([1000], [500]))
    for content in ('', whole.rsplit('\n', 2)[0] + '\n'):
        with pytest.raises(ValueError, match='broke off'):
            rows(content, limits)


def test_a_measure_without_a_limit_is_refused(limits):
    with pytest.raises(ValueError, match='no limit or no goal for cpuid'):
        rows(text(cpuid=([1000], [500])), limits)


def test_all_measures_have_a_limit_and_a_goal():
    limit, goal = results.limits()
    with open(os.path.join(os.path.dirname(__file__), '..', 'bench', 'bench.c'),
              encoding='utf-8') as file:
        names = [line.split('"')[1] for line in file if line.startswith('\t{ "')]
    assert len(names) >= 9
    for name in names:
        assert limit(name) is not None and goal(name) is not None, name


def test_addresses_belong_to_the_symbol_before_them():
    base = 0xffffffff81000000
    known = [(base, 'first', ''), (base + 0x40, 'second', 'assay')]
    starts = [address for address, _, _ in known]
    assert [steps.owner(known, starts, base + offset) for offset in (0, 0x3f, 0x40, 0x100)] == [
        'first', 'first', 'second', 'second']
    assert steps.owner(known, starts, 0x401000) == steps.PROGRAM
