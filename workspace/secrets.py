"""What looks like a secret in text that is to be kept: found by its form, and masked with a word."""

from __future__ import annotations

import re

_NAMES = (b"api_key", b"apikey", b"secret_key", b"access_key", b"auth_key", b"token", b"secret", b"password", b"passwd")


def _after(*names: bytes) -> bytes:
    """A pattern of what may stand between one of the names and its value. It begins at the sign, since most text
    holds few of them, and looks back from there."""
    quotes = (b"", rb"\s", rb"[\"']", rb"[\"']\s", rb"\\[\"']", rb"\\[\"']\s")
    behind = b"|".join(rb"(?<=%s%s[:=])" % (name, quote) for name in names for quote in quotes)
    return rb"[:=](?i:%s)\s{0,3}[\\\"']*" % behind


SECRETS = {
    "a private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:[\s\S]*?-----END (?:[A-Z]+ )*PRIVATE KEY-----)?",
    "an AWS access key": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
    "an API key": rb"\bsk-[A-Za-z0-9_-]{20,}",
    "a Google API key": rb"\bAIza[0-9A-Za-z_-]{35}",
    "a Slack token": rb"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Hugging Face token": rb"\bhf_[A-Za-z0-9]{30,}",
    "a random token": _after(*_NAMES, b"key") + rb"(?=[A-Za-z+/_-]*[0-9])(?=[a-z0-9+/_-]*[A-Z])(?=[A-Z0-9+/_-]*[a-z])"
    rb"[A-Za-z0-9+/_-]{24,}",
    "a random hexadecimal token": _after(*_NAMES) + rb"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{32,}",
    "a password": rb"(?i:\b(?:password|passwd|secret|api_?key|access_?token)\b[\"']?\s*[:=]\s*[\"'][^\"'\s]{8,}[\"'])",
}
_SECRETS = re.compile(b"|".join(b"(%s)" % pattern for pattern in SECRETS.values()))
_EACH = {kind: re.compile(pattern) for kind, pattern in SECRETS.items()}
_MARKS = {
    "a private key": (b"private key-----",),
    "an AWS access key": (b"akia", b"asia"),
    "a GitHub token": (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
    "an API key": (b"sk-",),
    "a Google API key": (b"aiza",),
    "a Slack token": (b"xox",),
    "a Hugging Face token": (b"hf_",),
    "a random token": (*_NAMES, b"key"),
    "a random hexadecimal token": _NAMES,
    "a password": (b"password", b"passwd", b"secret", b"apikey", b"api_key", b"accesstoken", b"access_token"),
}
"""Small letters without which there is no secret of the kind: looking for them costs a fiftieth of the pattern."""


def find_secret(data: bytes) -> tuple[str, int] | None:
    """The kind of the first secret in `data` and where it begins; None if there is none."""
    small = data.lower()
    due = [kind for kind, marks in _MARKS.items() if any(mark in small for mark in marks)]
    found = ((match.start(), kind) for kind in due if (match := _EACH[kind].search(data)))
    first = min(found, default=None)
    return (first[1], first[0]) if first else None


def mask_secrets(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """`data` with every secret replaced by ``[masked: KIND]``, and the kinds that were found."""
    found: list[str] = []

    def word(match: re.Match[bytes]) -> bytes:
        found.append(_kind(match))
        return b"[masked: %s]" % found[-1].encode()

    return _SECRETS.sub(word, data), tuple(dict.fromkeys(found))


def _kind(match: re.Match[bytes]) -> str:
    return next(kind for kind, group in zip(SECRETS, match.groups(), strict=True) if group is not None)
