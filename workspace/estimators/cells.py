"""From rows to one number, or one curve, per seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from evidentia.workspace.estimators.estimate import MissingRowsError
from evidentia.workspace.records import Check, Row, Value

UNPAIRED = "no seed has rows for both sides of the comparison"


def series(check: Check, rows: Sequence[Row], system: str, extra: dict[str, Value]) -> dict[int, float]:
    """``{seed: metric}`` of one system in one cell. Raises MissingRowsError when there is none."""
    wanted = {**check.where, **extra}
    found: dict[int, float] = {}
    for row in rows:
        if row.get("system") != system or any(row.get(k, v) != v for k, v in wanted.items()):
            continue
        if check.metric in row:
            found[int(row["seed"])] = float(row[check.metric])
    if not found:
        at = ", ".join(f"{k}={v}" for k, v in wanted.items())
        raise MissingRowsError(f"no row has {check.metric} for {system} at {at or 'any condition'}")
    return found


def paired(check: Check, rows: Sequence[Row], extra: dict[str, Value], log: bool) -> dict[int, float]:
    """``{seed: system - versus}`` (of logarithms if `log`)."""
    a = series(check, rows, check.system, {**extra, **check.at})
    b = series(check, rows, check.versus, {**extra, **check.versus_at})
    return {s: (log_of(a[s]) - log_of(b[s])) if log else a[s] - b[s] for s in sorted(a.keys() & b.keys())}


def curves(check: Check, curve: Callable[[dict[str, Value]], dict[int, float]]) -> dict[int, list[float]]:
    """``{seed: [value at each level]}`` for the seeds that have every level of the check's parameter."""
    columns = [curve({check.parameter: level}) for level in check.levels]
    seeds = set(columns[0]).intersection(*columns[1:])
    return {seed: [column[seed] for column in columns] for seed in sorted(seeds)}


def swept(check: Check, rows: Sequence[Row], log: bool) -> dict[int, list[float]]:
    """The curve of each seed along the parameter: the paired effect where there is a `versus`, else the metric."""

    def curve(at: dict[str, Value]) -> dict[int, float]:
        if check.versus:
            return paired(check, rows, at, log)
        return {s: log_of(v) if log else v for s, v in series(check, rows, check.system, at).items()}

    return curves(check, curve)


def positions(check: Check) -> list[float]:
    """The levels as places on the axis, logarithmic where the check says so."""
    values = [float(v) for v in check.levels]
    return [log_of(v) for v in values] if check.log_parameter else values


def log_of(value: float) -> float:
    """The natural logarithm. Raises MissingRowsError for what has none."""
    if value <= 0:
        raise MissingRowsError(f"a ratio needs positive values, a row has {value:g}")
    return math.log(value)


def exp_of(value: float) -> float:
    """Back from the logarithm; infinity where a float cannot hold it."""
    return math.inf if value > 700 else math.exp(value)
