"""What a run has spent of what it may, as rows with a bar each."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.graph.progress import Progress
from evidentia.hub.app.rendering import duration


@dataclass(frozen=True)
class Gauge:
    """One budget: what was spent and the limit in words, and how full it is in per cent (None: there is no limit)."""

    name: str
    spent: str
    limit: str
    full: int | None


def gauges(progress: Progress) -> list[Gauge]:
    """Experiments, time, CPU time, and a language model's tokens and money where there are any."""
    seconds, _, _ = progress.pace()
    found = [
        _gauge(
            "Experiments", progress.experiments, progress.budget, f"{progress.experiments:,}", f"{progress.budget:,}"
        ),
        _gauge("Time", seconds, 60 * progress.minutes, duration(seconds), duration(60 * progress.minutes)),
        _gauge(
            "CPU time",
            progress.cpu_seconds,
            progress.max_cpu_seconds,
            duration(progress.cpu_seconds),
            duration(progress.max_cpu_seconds),
        ),
    ]
    if progress.tokens or progress.max_tokens is not None:
        tokens, limit = progress.tokens, progress.max_tokens
        found.append(_gauge("Tokens", tokens, limit, f"{tokens:,}", f"{limit or 0:,}"))
    if progress.usd or progress.max_usd is not None:
        found.append(
            _gauge("Cost", progress.usd, progress.max_usd, f"${progress.usd:.2f}", f"${progress.max_usd or 0:.2f}")
        )
    return found


def _gauge(name: str, spent: float, limit: float | None, told: str, of: str) -> Gauge:
    if not limit:
        return Gauge(name, told, "", None)
    return Gauge(name, told, of, round(100 * min(1.0, spent / limit)))
