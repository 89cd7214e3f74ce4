# SPDX-License-Identifier: GPL-2.0
"""Output for people: colours, marks, tables. A log file gets plain text."""

import os
import shutil
import sys

COLOURS = {'red': 31, 'green': 32, 'yellow': 33, 'blue': 34, 'grey': 90, 'bold': 1}
FANCY = 'utf' in (sys.stdout.encoding or '').lower()
MARKS = {'pass': '✔', 'fail': '✘', 'skip': '–', 'blocked': '⊘', 'error': '✘', 'crash': '✘'} if FANCY else \
        {'pass': 'ok', 'fail': 'NO', 'skip': '-', 'blocked': 'ok', 'error': 'NO', 'crash': 'NO'}
MARK_COLOURS = {'pass': 'green', 'blocked': 'green', 'skip': 'yellow'}
# Corners and joints of a table's rules: top, middle, bottom.
RULES = (('┌─', '─┬─', '─┐'), ('├─', '─┼─', '─┤'), ('└─', '─┴─', '─┘')) if FANCY else ((('+-', '-+-', '-+'),) * 3)
BAR, DASH = ('│', '─') if FANCY else ('|', '-')


def colourful():
    return sys.stdout.isatty() and not os.environ.get('NO_COLOR') and os.environ.get('TERM') != 'dumb'


def paint(text, *colours):
    if not colourful():
        return text
    return ''.join(f'\033[{COLOURS[c]}m' for c in colours) + text + '\033[0m'


def say(text=''):
    print(text, flush=True)


def mark(verdict):
    return paint(MARKS[verdict], MARK_COLOURS.get(verdict, 'red'))


def heading(word, text):
    say()
    say(f'{paint(word, "bold", "blue")}  {text}')


def point(verdict, text, detail=''):
    say(f'  {mark(verdict)} {text}' + (f'  {paint(detail, "grey")}' if detail else ''))


def quote(text):
    room = max(shutil.get_terminal_size((120, 24)).columns - 7, 40)
    say('      ' + paint(text if len(text) <= room else text[:room - 1] + '…', 'grey'))


def number(n):
    return f'{n:,}'


def rule(widths, ends):
    left, joint, right = ends
    return left + joint.join(DASH * w for w in widths) + right


def table(head, rows):
    """Print a table. @rows: (verdict, cell, cell, ...); the verdict becomes the first column."""
    cells = [('', *head)] + [(MARKS[v], *rest) for v, *rest in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    say(rule(widths, RULES[0]))
    for nr, row in enumerate(cells):
        padded = [c.ljust(w) for c, w in zip(row, widths)]
        if nr == 0:
            padded = [paint(c, 'bold') for c in padded]
        else:
            padded[0] = paint(padded[0], MARK_COLOURS.get(rows[nr - 1][0], 'red'))
        say(f'{BAR} ' + f' {BAR} '.join(padded) + f' {BAR}')
        if nr == 0:
            say(rule(widths, RULES[1]))
    say(rule(widths, RULES[2]))
