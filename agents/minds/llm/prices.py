"""What tokens cost: a table of published prices that a person's own file overrides. An unknown price stays unknown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from evidentia.agents.minds.llm.names import ModelName
from evidentia.errors import BadInputError

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
"""How providers name one release of a model."""


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """What the tokens cost, in US dollars."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass(frozen=True)
class Prices:
    """`own` is a person's table, for any server; `published` holds for the providers' own servers only."""

    published: Mapping[str, Price] = field(default_factory=dict)
    own: Mapping[str, Price] = field(default_factory=dict)

    def of(self, model: ModelName) -> Price | None:
        """The price of a model, or None where it is not known."""
        provider = model.provider.removesuffix("-responses")
        for name in (model.name, _DATED.sub("", model.name)):
            key = f"{provider}:{name}"
            if key in self.own:
                return self.own[key]
            if not model.url and key in self.published:
                return self.published[key]
        return None


def read_prices(path: Path | None = None) -> Prices:
    """The published table, and a person's. Raises BadInputError naming the file, the model and the mend."""
    text = files("evidentia.agents.minds.llm").joinpath("prices.toml").read_text(encoding="utf-8")
    published = _table(tomllib.loads(text), "the published prices")
    if path is None:
        return Prices(published)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInputError(f"cannot read the prices in {path}: {error}") from None
    return Prices(published, _table(data, str(path)))


def _table(data: Mapping[str, Any], source: str) -> dict[str, Price]:
    found: dict[str, Price] = {}
    for provider, section in data.items():
        if not isinstance(section, dict):
            continue
        models = section.get("models")
        if not isinstance(models, dict):
            raise BadInputError(f"{source}: [{provider}] has no table [{provider}.models]; put the prices there")
        for name, entry in models.items():
            numbers = [entry.get(k) for k in ("input", "output")] if isinstance(entry, dict) else []
            good = [float(n) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool) and n >= 0]
            if len(good) != 2:
                raise BadInputError(
                    f"{source}: [{provider}.models] {name} must be {{ input = DOLLARS, output = DOLLARS }} per million "
                    "tokens"
                )
            found[f"{provider}:{name}"] = Price(*good)
    return found
