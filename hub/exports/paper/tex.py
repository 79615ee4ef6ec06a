"""Plain text as LaTeX source: nothing in it can run, and every LaTeX engine can set it."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": r"{[}",
    "]": r"{]}",
    "\u00a0": r"~",
    "\u200b": r"\allowbreak{}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "±": r"\ensuremath{\pm}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "≠": r"\ensuremath{\ne}",
    "≈": r"\ensuremath{\approx}",
    "∞": r"\ensuremath{\infty}",
    "→": r"\ensuremath{\rightarrow}",
    "←": r"\ensuremath{\leftarrow}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\ldots{}",
    "µ": r"\ensuremath{\mu}",
    "°": r"\ensuremath{^\circ}",
    "²": r"\ensuremath{^2}",
    "³": r"\ensuremath{^3}",
    "€": r"\texteuro{}",
}
_LIGATURES = {("-", "-"), (",", ",")}
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿĀ-ľŁ-ňŊ-ž]")
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)$")
_CAPITALS = {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"}
_SMALL = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"}
_SMALL |= {"xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"}


def tex(text: str) -> str:
    """The text with every character of LaTeX's own syntax escaped; what not every engine can set is named."""
    return "".join(_one(c) + ("{}" if (c, after) in _LIGATURES else "") for c, after in pairwise(text + " "))


def _one(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if (character.isascii() and character.isprintable()) or _LATIN.match(character):
        return character
    greek = _GREEK.match(unicodedata.name(character, ""))
    if greek:
        name = {"LAMDA": "lambda"}.get(greek[2], greek[2].lower())
        name = name.capitalize() if greek[1] == "CAPITAL" else name
        if name in _CAPITALS | _SMALL:
            return rf"\ensuremath{{\{name}}}"
    return rf"{{[}}U+{ord(character):04X}{{]}}"
