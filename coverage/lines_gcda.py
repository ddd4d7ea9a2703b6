# SPDX-License-Identifier: GPL-2.0-only
"""Counter files (.gcda) as gcc's programs and modules leave them: where they come from, whether
they are whole, and what gcov says of them. What is corrupt is named, and left out."""

import glob
import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# gcov-io.h of GCC.
COUNTERS, NOTES = 0x67636461, 0x67636e6f
FUNCTION, FIRST_COUNTERS, SUMMARIES = 0x01000000, 0x01a10000, (0xa1000000, 0xa3000000)
MOST = 1 << 62              # nothing can have been counted as often
# What a module's file in debugfs consists of (kmod/gcov.c).
RECORD = struct.Struct('<III')
RECORD_MAGIC = 0x4c435641


class Corrupt(Exception):
    """Counters are not as they were written; the text says what is wrong."""


def warn(message):
    """A warning, for people."""
    print(f'coverage/lines: warning: {message}', file=sys.stderr, flush=True)


# ---- one file -------------------------------------------------------------------------------

def _head(data, magic, what):
    """(version, stamp) of a file's beginning."""
    if len(data) < 16:
        raise Corrupt(f'{what} has {len(data)} bytes, and no head')
    found, version, stamp, _ = struct.unpack_from('<IIII', data)
    if found != magic:
        raise Corrupt(f'{what} does not begin as such files do')
    return version, stamp


def check(data, notes):
    """Raises Corrupt if the contents of a .gcda file are not whole, or are not of the object
    that has these notes (the contents of its .gcno file)."""
    head = _head(data, COUNTERS, 'the file')
    if head != _head(notes, NOTES, 'the .gcno file'):
        raise Corrupt('it is of another build of the object')
    at, end = 16, len(data)
    while at < end:
        if data[at:] == bytes(4):       # the end, as programs write it
            return
        if at + 8 > end:
            raise Corrupt(f'it ends within a record, at byte {at}')
        tag, length = struct.unpack_from('<Ii', data, at)
        at += 8
        if tag & 0xff000000 == FUNCTION and tag >= FIRST_COUNTERS:
            length = max(length, 0)         # negative: so many zeros, which are left out
            if length % 8 or at + length > end:
                raise Corrupt(f'it ends within counters, at byte {at}')
            if any(count >= MOST for count, in struct.iter_unpack('<Q', data[at:at + length])):
                raise Corrupt(f'a count is impossible, after byte {at}')
        elif tag not in (FUNCTION, *SUMMARIES) or not 0 <= length <= 64 or at + length > end:
            raise Corrupt(f'it has no record where one should be, at byte {at - 8}')
        at += length


# ---- where they come from -------------------------------------------------------------------

def of_module(dump):
    """[{name: contents}] of what was read from a module's files in debugfs, one after the other:
    a dictionary for each time that a module was loaded. Raises Corrupt."""
    times, at = [], 0
    while at < len(dump):
        if at + RECORD.size > len(dump):
            raise Corrupt(f'the counters of a module end within a record, at byte {at}')
        magic, name, size = RECORD.unpack_from(dump, at)
        at += RECORD.size
        if magic != RECORD_MAGIC or at + name + size > len(dump):
            raise Corrupt(f'the counters of a module have no whole record at byte {at}')
        key = dump[at:at + name].decode(errors='replace')
        for files in times:
            if key not in files:
                break
        else:
            files = {}
            times.append(files)
        files[key] = dump[at + name:at + name + size]
        at += name + size
    return times


def below(directory, prefix):
    """{name: contents} of all counter files below a directory, by the names that gcc gave them:
    GCOV_PREFIX was the directory, and prefix was left out of their names (GCOV_PREFIX_STRIP)."""
    files = {}
    for path in glob.glob(os.path.join(glob.escape(directory), '**', '*.gcda'), recursive=True):
        with open(path, 'rb') as file:
            files[os.path.join(prefix, os.path.relpath(path, directory))] = file.read()
    return files


# ---- what they say --------------------------------------------------------------------------

def _stage(files, place):
    """Puts counters and notes beside each other, as gcov wants them: the names there."""
    staged = {}
    for name, data in sorted(files.items()):
        notes = name[:-len('.gcda')] + '.gcno'
        try:
            with open(notes, 'rb') as file:
                check(data, file.read())
        except OSError as error:
            warn(f'{name} is skipped: {notes}: {error.strerror}')
            continue
        except Corrupt as error:
            warn(f'{name} is skipped: {error}')
            continue
        short = f'{len(staged):04}.gcda'
        with open(os.path.join(place, short), 'wb') as file:
            file.write(data)
        shutil.copy(notes, os.path.join(place, short[:-len('gcda')] + 'gcno'))
        staged[short] = name
    return staged


def reader(data):
    """The gcov of the gcc that made counters: gcov-12, where there is one of that name."""
    letter, digit = data[7], data[6]        # "B2": 12
    name = f'gcov-{10 * (letter - ord("A")) + digit - ord("0")}'
    return name if shutil.which(name) else 'gcov'


def read(files):
    """Yields what gcov says of counters, {name: contents}: for each object a dictionary, as
    of gcov --json-format. Those that are corrupt are skipped with a warning."""
    with tempfile.TemporaryDirectory(prefix='assay-lines-') as place:
        staged = _stage(files, place)
        if not staged:
            return
        gcov = reader(files[min(staged.values())])
        done = subprocess.run([gcov, '--json-format', '--branch-probabilities', *sorted(staged)],
                              cwd=place, capture_output=True, text=True, errors='replace')
        if done.returncode:
            raise Corrupt(f'{gcov} failed: {done.stderr.strip()}')
        for line in done.stderr.splitlines():
            for short, name in staged.items():
                line = line.replace(short, name)
            warn(line)
        for path in sorted(glob.glob(place + '/*.gcov.json.gz')):
            with gzip.open(path) as file:
                yield json.load(file)
