"""Minds: who answers what an agent asks. `builtin` plans without a language model; any other is one."""

from __future__ import annotations

from collections.abc import Callable

from evidentia.agents.minds.protocol import Mind
from evidentia.errors import BadInputError


def _builtin() -> Mind:
    from evidentia.agents.minds.builtin.mind import BuiltinMind

    return BuiltinMind()


MINDS: dict[str, Callable[[], Mind]] = {"builtin": _builtin}


def open_mind(name: str) -> Mind:
    """The mind of this name: one of `MINDS`, or language models as ``PROVIDER:NAME``, with others after it by role.

    Raises BadInputError naming those there are.
    """
    if name in MINDS:
        return MINDS[name]()
    if ":" not in name:
        raise BadInputError(
            f"no model {name!r}; there are {', '.join(MINDS)} and language models as PROVIDER:NAME, such as openai:NAME"
        )
    from evidentia.agents.minds.llm.mind import LLMMind
    from evidentia.agents.minds.llm.names import parse_models

    return LLMMind(parse_models(name.split()))
