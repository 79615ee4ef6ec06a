"""The claims of an abstract: its sentences that state a figure and a comparison, word for word.

The rules are few, so that a reader can foresee them; they read form, not meaning, and read past LaTeX:

1. A sentence ends at ``.``, ``!`` or ``?`` before a space and a capital letter, a digit, a quotation mark, a bracket
   or LaTeX, unless the word before it is a known abbreviation (``e.g.``, ``Fig.``, ``vs.`` …) or a single letter.
2. A figure is a number that is no part of a name (``GPT-2``, ``H100``, ``Path-256``), no power or index, no number in
   brackets that only counts or refers (``[12]``, ``(2)``), no year; or one of the words twice, half, to double, to
   triple, to halve, order of magnitude.
3. A comparison is one of the words of `_COMPARISON` (faster, fewer, reduces, outperforms, speedup, than, baseline,
   state of the art, without loss …) or a factor (``3x``, ``2.4×``, ``10-fold``, ``5 times``).
"""

from __future__ import annotations

import re

MOST_CLAIMS = 20
_SHORT = "e.g i.e etc vs cf fig figs eq eqs sec tab no al approx resp seq ca incl max min avg dr prof st vol pp"
_ABBREVIATIONS = frozenset(_SHORT.split())
_END = re.compile(r"[.!?][)\"'”’]*(?=\s+[A-Z0-9$“\"'(\[\\])")
_WORD_FIGURE = r"twice|half|doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)|halv(?:e|es|ed|ing)|orders?[\s-]of[\s-]magnitude"
_NUMBER = re.compile(r"(?<![\w^./-])-?\d[\d,]*(?:\.\d+)?")
_REFERENCE = re.compile(r"\[\d[\d,\s–-]*\]|\((?:\d|[ivx]{1,4})\)")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_COMPARISON = re.compile(
    r"\b(?:than|versus|vs|compared|comparison|relative to|baselines?|state[\s-]of[\s-]the[\s-]art|"
    r"(?:out|under)perform\w*|surpass\w*|exceed\w*|beat(?:s|ing)?|match(?:es|ed|ing)?|retain\w*|preserv\w*|"
    r"improv\w*|reduc\w*|decreas\w*|increas\w*|lower(?:s|ed|ing)?|rais(?:es?|ed|ing)|sav(?:es?|ed|ings?)|gains?|"
    r"speed[\s-]?ups?|accelerat\w*|compress\w*|overhead|degrad\w*|(?:without|no) (?:any )?(?:loss|drop)|"
    r"faster|slower|better|worse|best|higher|highest|lowest|fewer|less|more|smaller|larger|longer|shorter|cheaper|"
    rf"greater|closer|superior|{_WORD_FIGURE})\b"
    r"|\d\s?(?:x\b|×|-fold\b|[\s-]times\b)",
    re.I,
)
_LATEX = (
    (re.compile(r"\\(?:mathbf|mathrm|textbf|textit|text|emph|mathit|bf|it)\b"), ""),
    (re.compile(r"\\times\b"), "×"),
    (re.compile(r"\\(?:sim|approx)\b"), "~"),
    (re.compile(r"[${}]|\\(?=[%&_#])"), ""),
)


def sentences(text: str) -> list[str]:
    """The sentences of a text in order; joined by single spaces they are the text with its spaces made single."""
    text = " ".join(text.split())
    found, start = [], 0
    for match in _END.finditer(text):
        last = text[start : match.start()].rsplit(" ", 1)[-1].lstrip("([\"'“").lower()
        if text[match.start()] == "." and (last in _ABBREVIATIONS or re.fullmatch(r"[a-z]", last)):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def attested(abstract: str) -> list[str]:
    """The sentences that state a figure and a comparison, word for word, at most `MOST_CLAIMS`."""
    return [s for s in sentences(abstract) if has_figure(s) and has_comparison(s)][:MOST_CLAIMS]


def has_figure(sentence: str) -> bool:
    """Whether a sentence states a figure by rule 2."""
    bare = _REFERENCE.sub(" ", _plain(sentence))
    numbers = (match[0].rstrip(",") for match in _NUMBER.finditer(bare))
    return any(not _YEAR.fullmatch(n) for n in numbers) or re.search(rf"\b(?:{_WORD_FIGURE})\b", bare, re.I) is not None


def has_comparison(sentence: str) -> bool:
    """Whether a sentence compares by rule 3."""
    return _COMPARISON.search(_plain(sentence)) is not None


def _plain(sentence: str) -> str:
    for pattern, replacement in _LATEX:
        sentence = pattern.sub(replacement, sentence)
    return sentence
