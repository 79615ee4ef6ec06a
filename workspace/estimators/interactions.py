"""Effects of effects: two values of a moderator, two corners of a factorial, the share one condition has in it."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.workspace.estimators.cells import log_of, paired, series
from evidentia.workspace.estimators.estimate import Estimate
from evidentia.workspace.estimators.intervals import summary
from evidentia.workspace.records import Check, Row, Value
from evidentia.workspace.shapley import corners, shapley


def interaction(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The paired effect at the second value of the moderator minus that at the first."""
    low, high = (paired(check, rows, {check.moderator: level}, log) for level in check.moderator_levels)
    changes = [high[s] - low[s] for s in sorted(low.keys() & high.keys())]
    return summary(check, changes, exponentiate=log)


def _corner(check: Check, rows: Sequence[Row], corner: dict[str, Value], log: bool) -> dict[int, float]:
    """``{seed: effect}`` at one corner of a factorial: system against versus, or the system alone.

    A setting of one system is no column of the other's rows, and is not asked of them.
    """

    def at(system: str) -> dict[int, float]:
        columns = {name for row in rows if row.get("system") == system for name in row}
        found = series(check, rows, system, {k: v for k, v in corner.items() if k in columns})
        return {seed: log_of(value) if log else value for seed, value in found.items()}

    own = at(check.system)
    if not check.versus:
        return own
    other = at(check.versus)
    return {seed: own[seed] - other[seed] for seed in sorted(own.keys() & other.keys())}


def corner_change(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The effect at the corner `versus_at` minus that at the corner `at`, and minus the published change `limit`."""
    start, end = (_corner(check, rows, corner, log) for corner in (check.at, check.versus_at))
    off = 0.0 if check.limit is None else log_of(check.limit) if log else check.limit
    changes = [end[seed] - start[seed] - off for seed in sorted(start.keys() & end.keys())]
    return summary(check, changes, exponentiate=log)


def attribution(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The Shapley value, per seed, of moving `moderator` from its level in `at` to that in `versus_at`, among all
    conditions in which the two corners differ."""
    effects = {moved: _corner(check, rows, corner, log) for moved, corner in corners(check.at, check.versus_at)}
    seeds = set.intersection(*(set(effect) for effect in effects.values()))
    values = [
        shapley({moved: effect[seed] for moved, effect in effects.items()}, check.moderator) for seed in sorted(seeds)
    ]
    return summary(check, values, exponentiate=log)
