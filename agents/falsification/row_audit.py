"""The row audit: are the rows those that were registered?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidentia.workspace.records import Attack, Experiment, Row, Value


def audit_rows(experiments: Sequence[Experiment], rows: Sequence[Row]) -> Attack:
    """Whether the rows are exactly the registered cells and seeds: none missing, none twice, none of other seeds."""
    wanted = {_key(c.system, s, c.conditions) for e in experiments for c in e.cells for s in e.seeds}
    found = [
        _key(str(r["system"]), int(r["seed"]), {k: v for k, v in r.items() if k not in ("system", "seed")})
        for r in rows
    ]
    names = {k for _, _, conditions in wanted for k, _ in conditions}
    seen = [(s, n, tuple(p for p in conditions if p[0] in names)) for s, n, conditions in found]
    missing, strange = wanted - set(seen), set(seen) - wanted
    doubled = len(seen) - len(set(seen))
    clean = not missing and not strange and not doubled
    text = (
        "the rows are exactly the registered cells and seeds"
        if clean
        else f"rows missing: {len(missing)}, not registered: {len(strange)}, twice: {doubled}"
    )
    return Attack(
        kind="row audit",
        description="Rows compared with what was registered",
        survived=clean,
        finding=text,
    )


def _key(system: str, seed: int, conditions: Mapping[str, Value]) -> tuple[str, int, tuple[tuple[str, Value], ...]]:
    return system, seed, tuple(sorted(conditions.items()))
