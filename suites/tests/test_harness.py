# SPDX-License-Identifier: GPL-2.0-only
"""suites/harness: what it makes of tests that pass, fail, crash, are skipped, leave something."""

import os
import subprocess

import pytest

from lab_tools import ROOT

PROGRAM = r'''
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

static void passes(void) { check_equal(1, 1, "one"); must(0); }
static void fails(void) { check_equal(1, 2, "one"); }
static void lacks(void) { must(chdir("/nowhere")); }
static void crashes(void) { raise(SIGSEGV); }
static void skipped(void) { skip("there is no %s", "thing"); }
static void leaves(void)
{
	if (fork())
		return;
	pause();
}

static const struct test tests[] = {
	{ "a/passes", passes }, { "a/fails", fails }, { "a/lacks", lacks },
	{ "a/crashes", crashes }, { "a/skipped", skipped }, { NULL, NULL }
};
static const struct test more[] = { { "b/leaves", leaves }, { NULL, NULL } };
static const struct test *const themes[] = { tests, more };

static bool unclean(void)
{
	puts("# left: a thing");
	return false;
}

static const char *all_known(const char *name)
{
	return strcmp(name, "a/lacks") ? "it is odd" : NULL;
}

int main(int argc, char **argv)
{
	struct harness harness = { .program = "tried", .themes = themes, .count = 2 };
	bool list = argc > 1 && !strcmp(argv[1], "--list");

	if (getenv("UNCLEAN"))
		harness.clean = unclean;
	if (getenv("KNOWN"))
		harness.known = all_known;
	return harness_run(&harness, argv + 1 + list, list);
}
'''


@pytest.fixture(scope='module')
def tried(tmp_path_factory):
    """Runs the program; its exit status and its lines, but for times."""
    directory = tmp_path_factory.mktemp('harness')
    source, program = directory / 'tried.c', directory / 'tried'
    source.write_text(PROGRAM)
    harness = os.path.join(ROOT, 'suites', 'harness')
    subprocess.run(['cc', '-std=gnu11', '-D_GNU_SOURCE', f'-I{harness}', source,
                    os.path.join(harness, 'harness.c'), '-o', program], check=True)

    def run(*names, **environment):
        done = subprocess.run([program, *names], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **environment})
        lines = done.stdout.splitlines()
        return done.returncode, [line.partition(' # 0.')[0] for line in lines], done.stderr

    return run


@pytest.mark.parametrize('name, status, lines', (
    ('a/passes', 0, ['ok 1 - a/passes']),
    ('a/fails', 1, ['# tried.c:10: one: expected 2 (0x2), got 1 (0x1)', 'not ok 1 - a/fails']),
    ('a/lacks', 1, ['# tried.c:11: chdir("/nowhere"): No such file or directory',
                    'not ok 1 - a/lacks']),
    ('a/crashes', 1, ['# ended by signal 11 (Segmentation fault)', 'not ok 1 - a/crashes']),
    ('a/skipped', 0, ['ok 1 - a/skipped # SKIP there is no thing']),
))
def test_a_verdict(tried, name, status, lines):
    assert tried(name) == (status, [*lines, '1..1'], '')


def test_what_a_test_started_ends_with_it(tried):
    assert tried('b/leaves')[0] == 0
    assert subprocess.run(['pgrep', '-f', 'tried b/leaves']).returncode == 1


def test_one_that_fails_costs_no_other(tried):
    status, lines, _ = tried()
    assert status == 1
    assert [line[:6] for line in lines if line[0] != '#'] == [
        'ok 1 -', 'not ok', 'not ok', 'not ok', 'ok 5 -', 'ok 6 -', '1..6']


def test_names(tried):
    assert tried('--list', 'b')[:2] == (0, ['b/leaves'])
    assert tried('c') == (2, ['1..0'], 'tried: no test is named so; --list shows all\n')


def test_what_is_left_behind_fails(tried):
    for name in ('a/passes', 'a/skipped'):
        status, lines, _ = tried(name, UNCLEAN='1')
        assert (status, lines) == (1, ['# left: a thing', f'not ok 1 - {name}', '1..1'])


def test_known_failures_do_not_count(tried):
    assert tried('a/fails', KNOWN='1')[0::2] == (0, '')
    assert tried('a/fails', KNOWN='1')[1][1] == 'not ok 1 - a/fails # TODO it is odd'
    assert tried('a/lacks', KNOWN='1')[0] == 1
    assert '# known to fail here, and passes' in tried('a/passes', KNOWN='1')[1]
