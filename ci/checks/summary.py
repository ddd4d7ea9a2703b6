# SPDX-License-Identifier: GPL-2.0-only
"""One table of all targets that ran: rows suites, columns targets. And where our own module does
worse than stock KVM on the same hardware."""

CELL = 'pass/fail/deviation/skip'
NAMED = 5               # instances that a line names


def cell(counts):
    """One suite on one target. Errors are failures here; what did not run is marked."""
    text = '/'.join(str(n) for n in (counts['pass'], counts['fail'] + counts['error'],
                                     counts['deviation'], counts['skip']))
    return text + (f' ({counts["not_run"]} not run)' if counts['not_run'] else '')


def table(columns):
    """Lines of the table; columns: (name of the target, its Results)."""
    suites = list(dict.fromkeys(suite for _, results in columns for suite in results.suites()))
    rows = [['suite', *(name for name, _ in columns)]]
    for suite in suites:
        rows.append([suite, *(cell(results.count(suite)) if suite in results.suites() else '-'
                              for _, results in columns)])
    rows.append(['total', *(cell(results.count()) for _, results in columns)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ['  '.join([row[0].ljust(widths[0]),
                        *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))]).rstrip()
             for row in rows]
    return [f'each cell: {CELL}', *lines]


def outcomes(results):
    return {name: result['outcome'] for name, result in results.known.items()}


def worse(columns, targets):
    """Lines: for each target of assay.ko what stock KVM passes in the same lab and it does not,
    skips left out. A recorded deviation that is there is the module's own, or needs luck to pass.
    columns: as for table(); targets: the targets by name."""
    lines = []
    for name, results in columns:
        if targets[name].hypervisor != 'assay':
            continue
        ours = outcomes(results)
        for other, theirs in columns:
            if not targets[name].beside(targets[other]):
                continue
            names = [each for each, outcome in outcomes(theirs).items()
                     if outcome == 'pass' and ours.get(each) not in ('pass', 'skip', None)]
            if names:
                lines.append(f'{name}: {len(names)} not passed that {other} passes: '
                             f'{", ".join(names[:NAMED])}{", ..." if names[NAMED:] else ""}')
    return lines
