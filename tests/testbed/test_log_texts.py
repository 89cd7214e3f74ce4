#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The administrators' page and the driver's messages: each text that the page
explains must be in the source, and each message of the driver must be on the page.

A text of the page is a literal ``...`` at the beginning of a line of the sections TOLD,
except on a line that ends with BY_OTHERS. "..." and N stand for the variable parts of a
message, like %u in the source."""

import glob
import os
import re

from xpi import TOP, finish

PAGE = os.path.join(TOP, 'Documentation', 'admin-guide', 'xen-pv-iommu.rst')
TOLD = ('Faults', 'Log messages')
BY_OTHERS = 'said by the kernel'
FEWEST = 6      # a text with fewer letters would match too many messages

LITERAL = r'"(?:[^"\\]|\\.)*"'
MESSAGE = re.compile(r'\b(?:pr|dev|pci)_(?:emerg|alert|crit|err|warn|notice|info)(?:_once|_ratelimited)?\([^;"]*?'
                     rf'({LITERAL}(?:\s*{LITERAL})*)|\bWARN(?:_ONCE)?\([^;"]*?({LITERAL}(?:\s*{LITERAL})*)')
DIFFERS = re.compile(r'%[-+ #0-9.*]*(?:hh|h|ll|l|z)?[a-zA-Z%](?:[A-Za-z]\b)?')


# --- reading ------------------------------------------------------------

def section(page, title):
    """Return the text below a heading, up to the next one."""
    found = re.search(rf'^{re.escape(title)}\n=+\n(.*?)(?=^[^\n]+\n=+\n|\Z)', page, re.M | re.S)
    return found[1] if found else ''


def page_texts(page):
    for title in TOLD:
        for line in re.findall(r'^``.*$', section(page, title), re.M):
            if not line.endswith(BY_OTHERS):
                yield from re.findall(r'``(.+?)``', line)


def text_of(literals):
    """Concatenate string literals of C."""
    return ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\n', '').replace('\\"', '"')


def messages(source):
    for found in MESSAGE.finditer(source):
        yield text_of(found[1] or found[2])


def strings(source):
    """Yield all strings of the source: a message about a fault is made of several."""
    for found in re.finditer(rf'{LITERAL}(?:\s*{LITERAL})*', source):
        yield text_of(found[0])


# --- comparing ----------------------------------------------------------

def letters(text):
    return sum(c.isalpha() for c in text)


def page_pieces(text):
    return [p.strip() for p in re.split(r'\.\.\.|\bN\b', text) if p.strip()]


def is_about(text, message):
    """True if the fixed parts of a message have all pieces of a text of the page, in order."""
    rest = DIFFERS.sub('\0', message)
    for piece in page_pieces(text):
        at = rest.find(piece)
        if at < 0:
            return False
        rest = rest[at + len(piece):]
    return letters(''.join(page_pieces(text))) >= FEWEST


def unknown(texts, known):
    """Return the texts of the page that no string of the source has."""
    return [t for t in texts if not any(is_about(t, k) for k in known)]


def unexplained(said, texts):
    """Return the messages that the page does not explain, without those that consist of other texts."""
    return [m for m in said if letters(DIFFERS.sub('', m)) >= FEWEST and not any(is_about(t, m) for t in texts)]


# --- this tree's --------------------------------------------------------

def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def sources():
    return [read(p) for where in ('iommu/*', 'iommu/*/*', 'xen/*')
            for p in sorted(glob.glob(os.path.join(TOP, 'drivers', f'{where}.[ch]')))]


def the_source_has_what_the_page_says():
    missing = unknown(page_texts(read(PAGE)), [s for source in sources() for s in strings(source)])
    return f'{PAGE} explains what no source of the driver says: {" | ".join(missing)}' if missing else ''


def the_page_has_what_the_source_says():
    missing = unexplained([m for source in sources() for m in messages(source)], list(page_texts(read(PAGE))))
    return f'{PAGE} does not explain: {" | ".join(missing)}' if missing else ''


# --- tests of this script -----------------------------------------------

HEAD = 'Log messages\n============\n\n'
SOURCE = '''	pr_warn_ratelimited("context %u: %#llx pages are gone: error %d\\n",
			    ctx, nr, err);
	pci_err(pdev, "left "
		"out: %s\\n", why);
	pci_err(pdev, "%s\\n", text);
	pr_dbg("only for developers\\n");
	WARN_ONCE(ret, "xen-pv-iommu: never so\\n");
'''
GOOD = HEAD + '''``context N: ... pages are gone: error N``
    Why.

``left out: ...`` and ``never so``
    Why.

``error updating (...)``, said by the kernel
    Why.
'''

# name, page, source, texts that the source lacks, messages that the page lacks
CASES = [
    ('all-is-well', GOOD, SOURCE, [], []),
    ('text-without-source', GOOD.replace('are gone', 'are lost'), SOURCE,
     ['context N: ... pages are lost: error N'], ['context %u: %#llx pages are gone: error %d']),
    ('message-not-on-the-page', GOOD, SOURCE + 'dev_info_once(dev, "hello, world\\n");', [], ['hello, world']),
    ('order-matters', GOOD.replace('left out: ...', 'out: ... left'), SOURCE, ['out: ... left'], ['left out: %s']),
    ('another-section', GOOD.replace('Log messages', 'What it says'), SOURCE, [],
     ['context %u: %#llx pages are gone: error %d', 'left out: %s', 'xen-pv-iommu: never so']),
    ('no-words', GOOD + '``... N``\n    Why.\n', SOURCE, ['... N'], []),
]


def outcomes():
    for name, page, source, texts, said in CASES:
        seen = (unknown(page_texts(page), list(strings(source))),
                unexplained(list(messages(source)), list(page_texts(page))))
        yield name, '' if seen == (texts, said) else f'found {seen}'
    for fn in (the_source_has_what_the_page_says, the_page_has_what_the_source_says):
        yield fn.__name__, fn()


if __name__ == '__main__':
    finish('log-texts', outcomes())
