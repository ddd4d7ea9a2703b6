# SPDX-License-Identifier: GPL-2.0-only
"""The page: one file, no script, nothing loaded from elsewhere. Bars are inline SVG, grids are
tables of coloured squares with a sign in each, so that they can be read without colours, on
paper too."""

import html

CSS = '''
:root { --seen: #2f8f4e; --stock: #79b98a; --ours: #3f7fbf; --hole: #d1342f;
	--cannot: #c9ccd1; --some: #e0a128;
	--ink: #1c1e21; --soft: #62676e; --line: #e2e4e8; --paper: #fff; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: var(--ink);
	background: var(--paper); margin: 0 auto; padding: 1rem; max-width: 76rem;
	print-color-adjust: exact; -webkit-print-color-adjust: exact; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem; padding-top: .6rem;
	border-top: 2px solid var(--ink); break-after: avoid; }
h3 { font-size: 1rem; margin: 1.1rem 0 .2rem; break-after: avoid; }
p { margin: .3rem 0 .6rem; max-width: 60rem; }
.soft { color: var(--soft); }
a { color: inherit; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr));
	gap: .8rem; margin: 1rem 0; }
.card { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .7rem;
	break-inside: avoid; text-decoration: none; display: block; }
.card b { display: block; font-size: 1.5rem; line-height: 1.2; }
.card.bad b { color: var(--hole); }
svg.bar { width: 100%; height: 1.1rem; display: block; margin: .25rem 0; border-radius: .2rem; }
.card svg.bar { height: .6rem; }
.seen { fill: var(--seen); } .hole { fill: var(--hole); } .cannot { fill: var(--cannot); }
.legend { font-size: .85rem; margin: .1rem 0 .6rem; }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .3rem;
	vertical-align: -.1rem; border-radius: .15rem; }
i.seen { background: var(--seen); } i.hole { background: var(--hole); }
i.cannot { background: var(--cannot); } i.some { background: var(--some); }
i.none { background: #f2f3f5; border: 1px solid var(--cannot); }
i.stock { background: var(--stock); }
i.ours { background: var(--ours); }
.some { fill: var(--some); } .mark { stroke: #fff; stroke-width: 1.5; fill: none; }
.maps { display: flex; flex-wrap: wrap; gap: .6rem 2rem; } .maps figure { margin: .3rem 0; }
.maps svg { max-width: 100%; height: auto; } .maps text { font-size: 9px; fill: var(--soft); }
.maps figcaption { font-size: .85rem; text-align: center; }
.meters { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 11rem), 1fr));
	gap: .2rem 1.2rem; font-size: .8rem; margin: .3rem 0 .8rem; }
.meters div { break-inside: avoid; overflow-wrap: anywhere; } .meters b { float: right; }
.meters svg.bar { height: .4rem; margin: 0; }
.scroll { overflow-x: auto; }
.blocks { display: flex; flex-wrap: wrap; column-gap: 2rem; align-items: flex-start; }
table { border-collapse: collapse; font-size: .85rem; }
th { text-align: left; font-weight: 600; }
table.grid { margin: .4rem 0 .8rem; }
table.grid th, table.grid td { padding: 0 .35rem; line-height: 1.35; white-space: nowrap; }
table.grid thead th { vertical-align: bottom; padding: .2rem 0; }
table.grid thead th span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 400; }
table.grid td.c { width: 1.5rem; min-width: 1.5rem; text-align: center; color: #fff; padding: 0;
	border: 1px solid var(--paper); }
table.grid td.both { background: var(--seen); } table.grid td.stock { background: var(--stock); }
table.grid td.ours { background: var(--ours); } table.grid td.none { background: #f2f3f5; }
table.grid tr.hole td.none { background: #f7d9d7; }
table.grid tr.hole th { color: var(--hole); font-weight: 700; }
table.grid .n { color: var(--soft); text-align: right; font-variant-numeric: tabular-nums; }
table.grid tr.sub th { padding-left: 1.2rem; font-weight: 400; }
table.grid tr { break-inside: avoid; }
.tiles { display: flex; flex-wrap: wrap; gap: 2px; margin: .3rem 0 .8rem; font-size: .72rem; }
.tiles span { min-width: 2.9rem; padding: .1rem .25rem; text-align: center; border-radius: .15rem;
	color: #fff; background: var(--seen); }
.tiles span.hole { background: #fff; color: var(--hole); outline: 1px solid var(--hole);
	outline-offset: -1px; font-weight: 700; }
.tiles span.cannot { background: var(--cannot); color: var(--soft); }
table.plain { width: 100%; margin: .3rem 0; }
table.plain th, table.plain td { border-bottom: 1px solid var(--line);
	padding: .15rem .5rem .15rem 0; vertical-align: top; overflow-wrap: anywhere; }
table.plain td:first-child { min-width: 7rem; }
details { margin: .4rem 0; } summary { cursor: pointer; }
ul.work { columns: 22rem; padding-left: 1.1rem; font-size: .88rem; }
ul.work li { break-inside: avoid; }
.warning { border-left: .3rem solid var(--hole); padding-left: .6rem; }
@media (max-width: 32rem) { table.grid { font-size: .72rem; }
	table.grid td.c { width: 1.05rem; min-width: 1.05rem; }
	table.grid th, table.grid td { padding: 0 .2rem; } }
@media print { html { font-size: 11px; } body { font-size: 1rem; padding: 0; max-width: none; }
	.scroll { overflow: visible; } }
'''
BLOCK = 34      # rows of a grid, before it goes on beside itself where there is room
SIGNS = {'both': '●', 'stock': '◐', 'ours': '◑', 'none': ''}


def escape(text):
    """Text as HTML."""
    return html.escape(str(text))


def percent(part, whole):
    """A share in words; all that is short of everything is less than 100."""
    if not whole:
        return '-'
    return f'{int(100 * part / whole)} %'


def paragraph(text, kind=''):
    """A paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>\n'


def bar(parts, legend=True):
    """A stacked bar of (number, class, text)."""
    whole = sum(part[0] for part in parts) or 1
    at, out = 0, []
    for number, kind, text in parts:
        out.append(f'<rect class="{kind}" x="{1000 * at / whole:.1f}" y="0" '
                   f'width="{1000 * number / whole:.1f}" height="10">'
                   f'<title>{escape(text)}: {number}</title></rect>')
        at += number
    said = ', '.join(f'{text} {number}' for number, _, text in parts)
    picture = (f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" '
               f'aria-label="{escape(said)}">{"".join(out)}</svg>\n')
    if not legend:
        return picture
    keys = ''.join(f'<span><i class="{kind}"></i>{escape(text)} {number}</span>'
                   for number, kind, text in parts)
    return f'{picture}<p class="legend">{keys}</p>\n'


def grid_row(number, name, text, state, title, cells, sub):
    """A row of a grid; sub: it is one cause of the reason above."""
    marks = ''.join(f'<td class="c {mark}" title="{escape(said)}">{SIGNS[mark]}</td>'
                    for mark, said in cells)
    sign = ' ✗' if state == 'hole' else ''
    return (f'<tr class="{state}{" sub" if sub else ""}" title="{escape(title)}">'
            f'<td class="n">{"" if sub else escape(number)}</td>'
            f'<th scope="row">{escape(text if sub else name)}{sign}</th>{marks}</tr>\n')


def grid(columns, rows):
    """Rows of (number, name, text, state, title, cells), cells (mark, title) by column."""
    head = ''.join(f'<th><span>{escape(column)}</span></th>' for column in columns)
    blocks, before = [], None
    for i, (number, name, text, state, title, cells) in enumerate(rows):
        sub = name == before
        before = name
        if i % BLOCK == 0:
            blocks.append([])
            name, sub = f'{name}: {text}' if sub else name, False
        blocks[-1].append(grid_row(number, name, text, state, title, cells, sub))
    tables = ''.join(f'<table class="grid"><thead><tr><th></th><th></th>{head}</tr></thead>'
                     f'<tbody>\n{"".join(block)}</tbody></table>\n' for block in blocks)
    return f'<div class="scroll blocks">{tables}</div>\n'


def tiles(squares):
    """Squares of (state, text, title)."""
    return '<div class="tiles">' + ''.join(
        f'<span class="{state}" title="{escape(title)}">{escape(text)}</span>\n'
        for state, text, title in squares) + '</div>\n'


def table(head, rows):
    """A plain table."""
    titles = ''.join(f'<th>{escape(each)}</th>' for each in head)
    lines = ''.join('<tr>' + ''.join(f'<td>{escape(cell)}</td>' for cell in row) + '</tr>\n'
                    for row in rows)
    return (f'<div class="scroll"><table class="plain"><thead><tr>{titles}</tr></thead>'
            f'<tbody>\n{lines}</tbody></table></div>\n')


def fold(title, inside):
    """What is shown when asked for."""
    return f'<details><summary>{escape(title)}</summary>\n{inside}</details>\n'


def card(link, title, part, whole, floor, bad):
    """One number of the overview, in red below its floor, which is said."""
    return (f'<a class="card{" bad" if bad else ""}" href="#{link}">{escape(title)}'
            f'<b>{percent(part, whole)}</b>'
            f'{bar([(part, "seen", "reached"), (whole - part, "hole", "not")], legend=False)}'
            f'<span class="soft">{part} of {whole}{f", {floor}" if floor else ""}</span></a>\n')


def meters(parts):
    """A small bar for each of (text, part, whole)."""
    return '<div class="meters">' + ''.join(
        f'<div>{escape(text)}<b>{percent(part, whole)}</b>'
        f'{bar([(part, "seen", "lines that ran"), (whole - part, "hole", "did not")], False)}'
        '</div>\n' for text, part, whole in parts) + '</div>\n'


def legend(*keys):
    """What colours mean: (class, text) each."""
    return '<p class="legend">' + ''.join(
        f'<span><i class="{kind}"></i>{escape(text)}</span>' for kind, text in keys) + '</p>\n'


LEGEND = legend(('seen', '● reached on stock KVM and on assay.ko'),
                ('stock', '◐ on stock KVM alone'), ('ours', '◑ on assay.ko alone'),
                ('none', 'not in that mode'), ('hole', '✗ in none, though it could be'))


def document(title, body):
    """The whole page."""
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{escape(title)}</title>\n<style>{CSS}</style></head>\n<body>\n{body}'
            '</body></html>\n')
