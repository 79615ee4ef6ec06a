"""Minds: who answers what an agent asks. `builtin` plans without a language model."""

from __future__ import annotations

from collections.abc import Callable

from evidentia.agents.minds.protocol import Mind
from evidentia.errors import BadInputError


def _builtin() -> Mind:
    from evidentia.agents.minds.builtin.mind import BuiltinMind

    return BuiltinMind()


MINDS: dict[str, Callable[[], Mind]] = {"builtin": _builtin}


def open_mind(name: str) -> Mind:
    """The mind of this name. Raises BadInputError naming those there are."""
    if name not in MINDS:
        raise BadInputError(f"no model {name!r}; this version knows {', '.join(MINDS)}")
    return MINDS[name]()
