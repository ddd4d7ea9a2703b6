# SPDX-License-Identifier: GPL-2.0-only
"""Microguests for the tests of the program: assembled from suites/negative."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CANNOT = 125            # exit status of assay: the environment cannot run it


def assemble(source, directory, good):
    """Images of all the source's modes; their paths."""
    environment = dict(os.environ, NASMENV='-dGOOD' if good else '')
    done = subprocess.run([os.path.join(ROOT, 'microguests', 'assay-as'), '-I', 'suites/negative',
                           '-o', str(directory), source], cwd=ROOT, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [os.path.join(directory, line) for line in done.stdout.split()]
