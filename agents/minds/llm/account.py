"""What the models of a process have used, by role: requests, tokens, and money where the price is known."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evidentia.agents.minds.llm.names import ModelName
from evidentia.agents.minds.llm.prices import Prices
from evidentia.agents.minds.protocol import Spending


@dataclass(frozen=True)
class Used:
    """What one model used in one role. `usd` is None where a price, or what a request used, is not known; `kept` counts
    answers that were there already and cost nothing; `unmetered` requests whose server told no usage."""

    calls: int = 0
    kept: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unmetered: int = 0
    usd: float | None = 0.0


@dataclass
class Account:
    """The sums so far; threads may add at once."""

    prices: Prices = field(default_factory=Prices)
    _used: dict[tuple[str, str], Used] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, role: str, model: ModelName, tokens: tuple[int, int] | None) -> None:
        """Count one answered request; `tokens` are those of input and output, None if the server did not tell."""
        price = self.prices.of(model)
        usd = None if price is None or tokens is None else price.of(*tokens)
        given, made = tokens or (0, 0)
        with self._lock:
            old = self._used.get((role, model.label), Used())
            self._used[role, model.label] = replace(
                old,
                calls=old.calls + 1,
                input_tokens=old.input_tokens + given,
                output_tokens=old.output_tokens + made,
                unmetered=old.unmetered + (tokens is None),
                usd=None if old.usd is None or usd is None else old.usd + usd,
            )

    def add_kept(self, role: str, model: ModelName) -> None:
        """Count an answer that was kept from before."""
        with self._lock:
            old = self._used.get((role, model.label), Used())
            self._used[role, model.label] = replace(old, kept=old.kept + 1)

    @property
    def used(self) -> Mapping[tuple[str, str], Used]:
        """The sums by role and model."""
        with self._lock:
            return dict(self._used)

    def spending(self) -> Spending:
        """All roles together; what has no known price adds nothing to the money."""
        every = self.used.values()
        return Spending(
            calls=sum(u.calls for u in every),
            input_tokens=sum(u.input_tokens for u in every),
            output_tokens=sum(u.output_tokens for u in every),
            usd=sum(u.usd or 0.0 for u in every),
        )

    def lines(self) -> list[str]:
        """A line for each role and model, as a person reads it."""
        return [f"{role} ({model}): {_told(u)}" for (role, model), u in sorted(self.used.items())]


def _told(used: Used) -> str:
    parts = [f"{used.calls} requests"]
    if used.calls:
        parts.append(f"{used.input_tokens:,} tokens in, {used.output_tokens:,} out")
        parts.append("cost unknown" if used.usd is None else f"{used.usd:.4f} US dollars")
    if used.unmetered:
        parts.append(f"{used.unmetered} without a count of tokens")
    if used.kept:
        parts.append(f"{used.kept} answers kept from before")
    return ", ".join(parts)
