"""Who sits at the terminal: the name that is written into the record."""

from __future__ import annotations

import getpass
import subprocess

LONGEST = 100


def name_of(given: str = "") -> str:
    """The name given, else git's ``user.name``, else the login. Raises BadInputError for one that is no name."""
    from evidentia.errors import BadInputError

    name = " ".join("".join(c for c in given if c.isprintable()).split())
    if given and not 1 <= len(name) <= LONGEST:
        raise BadInputError(f"--as: a name has 1 to {LONGEST} characters")
    return name or _from_git() or _login()


def _from_git() -> str:
    try:
        said = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return " ".join(said.stdout.split())[:LONGEST]


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
