"""Language models on the command line: which are named, how they are asked, what they used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evidentia.workspace.home import Workspace


def mind_of(models: Sequence[str], base_url: str, tokens: int | None) -> str:
    """The name of the mind that the options mean, as the log keeps it. Raises BadInputError naming the option."""
    from evidentia.agents.minds import MINDS
    from evidentia.errors import BadInputError

    alone = models[0] if len(models) == 1 and ":" not in models[0] else ""
    if alone and alone not in MINDS:
        return alone  # whoever opens it says what there is
    if alone:
        if base_url or tokens:
            option = "--base-url" if base_url else "--model-tokens"
            raise BadInputError(f"{option} is for language models; name one with --model openai:NAME")
        return alone
    from evidentia.agents.minds.llm.names import parse_models

    named = [*models, *([f"tokens={tokens}"] if tokens else [])]
    return str(parse_models(named, base_url))


@contextmanager
def asked(
    home: Workspace, timeout: float, minutes: float | None, rate: float | None, prices: Path | None, *, quiet: bool
) -> Iterator[None]:
    """Language models opened inside are asked so; at the end, also of a failed run, what they used is told.

    Raises BadInputError for a file of prices that cannot be used.
    """
    from evidentia.agents.minds.llm.account import Account
    from evidentia.agents.minds.llm.prices import read_prices
    from evidentia.agents.minds.llm.settings import Settings, using

    account = Account(read_prices(prices))
    settings = Settings(
        answers=home.cache / "answers",
        request_seconds=timeout,
        run_seconds=None if minutes is None else 60 * minutes,
        requests_per_minute=rate,
        account=account,
    )
    try:
        with using(settings):
            yield
    finally:
        if account.used:
            from evidentia.cli.output import console, plain

            out = console(error=quiet)
            for line in account.lines():
                out.print(plain(f"Models: {line}"), markup=False, soft_wrap=True)
