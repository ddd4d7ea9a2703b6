# SPDX-License-Identifier: GPL-2.0-only
"""Tracefiles of lcov: made of counters, merged, read, and summed up by file and by source."""

import collections
import json
import os
import subprocess

import lines_gcda
from lines_gcda import ROOT

# What is of interest: paths below the root of the tree. Tests are not what is tested.
KEPT = ('runner/', 'kmod/', 'build/lines/linux/')


class File:
    """What was counted in one source file."""

    def __init__(self):
        self.lines = collections.Counter()          # line: how often
        self.branches = collections.Counter()       # (line, which): how often
        self.functions = {}                         # name: [line, how often]


def place_of(name, directory):
    """The path of a source below the root of the tree; None if it is not of interest. What is
    built elsewhere by links is where the links lead."""
    path = os.path.relpath(os.path.realpath(os.path.join(directory, name)), ROOT)
    return path if path.startswith(KEPT) else None


def add(files, counters):
    """Adds counters, {name of .gcda: contents}, to {path: File}."""
    places = {}
    for unit in lines_gcda.read(counters):
        directory = unit['current_working_directory']
        for source in unit['files']:
            key = (directory, source['file'])
            if key not in places:
                places[key] = place_of(source['file'], directory)
            if places[key]:
                add_source(files.setdefault(places[key], File()), source)
    return files


def add_source(file, source):
    """Adds what gcov says of one source in one object."""
    for line in source['lines']:
        number = line['line_number']
        # Counters that were read while they counted may not add up.
        file.lines[number] += max(line['count'], 0)
        for which, branch in enumerate(line['branches']):
            file.branches[number, which] += max(branch['count'], 0)
    for function in source['functions']:
        known = file.functions.setdefault(function['name'], [function['start_line'], 0])
        known[1] += max(function['execution_count'], 0)


def text(files, test):
    """A tracefile's text; test: the name of the source."""
    out = []
    for path, file in sorted(files.items()):
        out += [f'TN:{test}', f'SF:{path}']
        out += [f'FN:{line},{name}' for name, (line, _) in sorted(file.functions.items())]
        out += [f'FNDA:{count},{name}' for name, (_, count) in sorted(file.functions.items())]
        hit = sum(count > 0 for _, count in file.functions.values())
        out += [f'FNF:{len(file.functions)}', f'FNH:{hit}']
        # A branch of a line that never ran was not even looked at.
        out += [f'BRDA:{line},0,{which},{count if file.lines[line] else "-"}'
                for (line, which), count in sorted(file.branches.items())]
        out += [f'BRF:{len(file.branches)}',
                f'BRH:{sum(count > 0 for count in file.branches.values())}']
        out += [f'DA:{line},{count}' for line, count in sorted(file.lines.items())]
        out += [f'LF:{len(file.lines)}', f'LH:{sum(count > 0 for count in file.lines.values())}',
                'end_of_record']
    return ''.join(line + '\n' for line in out)


def write(path, files, test):
    """Writes a tracefile."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as out:
        out.write(text(files, test))


def read(path):
    """{path of source: File} of a tracefile."""
    files, file = {}, None
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            key, _, value = line.rstrip('\n').partition(':')
            if key == 'SF':
                file = files.setdefault(value, File())
            elif key == 'DA':
                number, count = value.split(',')[:2]
                file.lines[int(number)] += int(count)
            elif key == 'BRDA':
                number, _, which, count = value.split(',')
                file.branches[int(number), int(which)] += 0 if count == '-' else int(count)
    return files


def sources_of(path):
    """Paths of the sources that a tracefile is of."""
    with open(path, encoding='utf-8') as lines:
        return [line[len('SF:'):-1] for line in lines if line.startswith('SF:')]


def merge(to, paths):
    """Merges tracefiles by lcov."""
    command = ['lcov', '--quiet', '--rc', 'lcov_branch_coverage=1', '--output-file', to]
    for path in paths:
        command += ['--add-tracefile', path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise lines_gcda.Corrupt(f'lcov cannot merge {", ".join(paths)}: {done.stderr.strip()}')


# ---- sums -----------------------------------------------------------------------------------

def hit(counts):
    """[how many were reached, how many there are]."""
    return [sum(count > 0 for count in counts.values()), len(counts)]


def summary(sources, texts):
    """What lines.json has, of [(name of source, path of tracefile)] and {name: in words}."""
    everything, by = {}, collections.defaultdict(dict)
    for name, path in sources:
        for source, file in read(path).items():
            whole = everything.setdefault(source, File())
            whole.lines.update(file.lines)
            whole.branches.update(file.branches)
            by[source][name] = hit(file.lines)
    return {'sources': [{'name': name, 'text': texts[name],
                         'info': 'lines/' + os.path.basename(path)} for name, path in sources],
            'files': {path: {'lines': hit(file.lines), 'branches': hit(file.branches),
                             'by': by[path]} for path, file in sorted(everything.items())}}


def write_summary(path, sources, texts):
    """Writes lines.json, and returns what is in it."""
    made = summary(sources, texts)
    with open(path, 'w', encoding='utf-8') as out:
        json.dump(made, out, indent='\t')
        out.write('\n')
    return made
