"""Keeping secrets out of a recorded command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evidentia.workspace.secrets import mask_secrets

MASKED = "[masked]"
_WORDS = frozenset({
    "token", "password", "passwd", "pwd", "passphrase", "secret", "secrets", "apikey", "credential", "credentials",
    "bearer", "authorization",
})  # fmt: skip
_PAIRS = frozenset({("api", "key"), ("access", "key"), ("secret", "key"), ("private", "key"), ("auth", "key")})
_NAMED = re.compile(r"^(?P<name>-{0,2}[A-Za-z][\w.-]*)=(?P<value>.+)$", re.S)
_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@", re.I)
_HEADER = re.compile(r"(?P<name>\b(?:authorization|x-api-key|bearer)\b\s*[: ]\s*)\S.*", re.I | re.S)


def readable(argument: str) -> str:
    """An argument as text that JSON can hold: bytes that are not UTF-8 are written as escapes."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def mask_command(command: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The command line as it may be kept, and what was masked in it, in words.

    Masked are the values of options and assignments whose name is that of a secret (``--token X``,
    ``API_KEY=X``), passwords in addresses, authorisation headers, and all that has the form of a known key.
    """
    kept: list[str] = []
    found: list[str] = []
    follows = ""
    for argument in map(readable, command):
        if follows and not argument.startswith("-"):
            kept.append(MASKED)
            found.append(f"the value of {follows}")
            follows = ""
            continue
        follows = argument if argument.startswith("-") and "=" not in argument and _secret_name(argument) else ""
        kept.append(_mask(argument, found))
    return tuple(kept), tuple(dict.fromkeys(found))


def _mask(argument: str, found: list[str]) -> str:
    if (named := _NAMED.match(argument)) and _secret_name(named["name"]):
        found.append(f"the value of {named['name']}")
        return f"{named['name']}={MASKED}"
    if _USER.search(argument):
        found.append("a password in an address")
        argument = _USER.sub(rf"\g<scheme>{MASKED}@", argument)
    if _HEADER.search(argument) and " " in argument.strip():
        found.append("an authorisation header")
        argument = _HEADER.sub(rf"\g<name>{MASKED}", argument)
    masked, kinds = mask_secrets(argument.encode())
    found += kinds
    return masked.decode()


def _secret_name(name: str) -> bool:
    parts = [p for p in re.split(r"[-_.]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if p]
    return bool(parts) and (parts[-1] in _WORDS or tuple(parts[-2:]) in _PAIRS)
