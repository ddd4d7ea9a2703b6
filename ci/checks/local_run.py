# SPDX-License-Identifier: GPL-2.0-only
"""Runs a target that is a device node of this machine."""

import subprocess

CANNOT = 125            # exit status of assay run: the environment cannot run it


def run(assay, target, arguments, results, progress):
    """Runs all of results' instances. Returns None, or why the target cannot be used here."""
    command = [assay, 'run', '--on', target.node, '--format', 'json', '--coverage', *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors='replace') as process:
        try:
            for line in process.stdout:
                entry = results.line(line)
                if entry and entry.get('type') == 'result':
                    progress.result(entry)
            said = process.stderr.read().strip()
        except BaseException:
            process.terminate()
            raise
    if process.returncode == CANNOT:
        return said or f'{target.node} cannot be used'
    if process.returncode not in (0, 1, 2) or (results.missing() and said):
        results.trouble.append(said or f'{assay} ended with status {process.returncode}')
    return None
