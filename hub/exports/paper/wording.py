"""Names, values and intervals as a paper says them, and figures aligned in columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from evidentia.hub.exports.paper.document import Line, Span
from evidentia.workspace.quantities import figure
from evidentia.workspace.records import Claim, Expectation, Value

NOTHING = "–"
_UNITS = {"1": "", "x": "×", "": ""}


def words(name: str) -> str:
    """``hit_rate`` as ``hit rate``."""
    return name.replace("_", " ")


def number(value: Value) -> str:
    """A condition or a bound: whole numbers without a fraction, thousands apart."""
    if isinstance(value, bool | str):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:g}"


def conditions(values: Mapping[str, Value]) -> str:
    """``capacity 100, warmup 0``."""
    return ", ".join(f"{words(k)} {number(v)}" for k, v in values.items())


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return ", ".join(items) if len(items) < 2 else ", ".join(items[:-1]) + " and " + items[-1]


def in_unit(head: str, unit: str) -> str:
    """A column's head with its unit."""
    told = _UNITS.get(unit, unit)
    return f"{head} ({told})" if told else head


def day(created: str) -> str:
    """The date of an ISO time."""
    return created[:10] if re.match(r"\d{4}-\d\d-\d\d", created) else "undated"


def planner(mind: str) -> str:
    """Who planned the work, and that it is no language model where it is none."""
    return "the built-in planner (not a language model)" if mind == "builtin" else f"the mind {mind}"


def expected(expect: Expectation) -> str:
    """Where the whole interval must lie for the claim to be supported."""
    low, high = ("" if v is None else number(v) for v in (expect.low, expect.high))
    return {
        "above": f"> {low}",
        "below": f"< {high}",
        "inside": f"in [{low}, {high}]",
        "outside": f"outside [{low}, {high}]",
        "precise": f"within ± {high}",
    }[expect.relation]


def measured(claim: Claim) -> tuple[str, tuple[str, str] | None]:
    """Value and interval with the digits that `quantity` gives them; a dash where there is no value."""
    if claim.value is None:
        return NOTHING, None
    return _rounded(claim.value, claim.ci)


def averaged(mean: float, ci: tuple[float, float] | None) -> tuple[str, tuple[str, str] | None]:
    """A cell's mean and interval, with two significant digits of the interval's half-width."""
    return _rounded(mean, ci)


def _rounded(value: float, ci: tuple[float, float] | None) -> tuple[str, tuple[str, str] | None]:
    if ci is None or not all(math.isfinite(v) for v in ci):
        return figure(value), None
    half = (ci[1] - ci[0]) / 2
    return figure(value, half), (figure(ci[0], half), figure(ci[1], half))


def aligned(texts: Sequence[str]) -> list[Line]:
    """Figures one under another: each padded by unseen digits to a common decimal point."""
    parts = [_parts(t) for t in texts]
    before = max((a for a, _ in parts), key=len, default="")
    after = max((b for _, b in parts), key=len, default="")
    found = []
    for a, b in parts:
        left, right = before[: len(before) - len(a)], after[len(b) :]
        spans = (Span(text=left, style="hidden"), Span(text=a + b), Span(text=right, style="hidden"))
        found.append(tuple(s for s in spans if s.text))
    return found


def aligned_intervals(intervals: Sequence[tuple[str, str] | None]) -> list[Line]:
    """``[low, high]`` one under another, their commas aligned; a dash for none."""
    there = [(_parts(i[0]), _parts(i[1])) for i in intervals if i is not None]
    lows, highs = ([a + b for a, b in side] for side in zip(*there, strict=True)) if there else ([], [])
    before, after = max(lows, key=len, default=""), max(highs, key=len, default="")
    pairs = iter(zip(lows, highs, strict=True))
    found: list[Line] = []
    for interval in intervals:
        if interval is None:
            found.append((Span(text=NOTHING),))
            continue
        low, high = next(pairs)
        left, right = before[: len(before) - len(low)], after[len(high) :]
        spans = (Span(text=left, style="hidden"), Span(text=f"[{low}, {high}]"), Span(text=right, style="hidden"))
        found.append(tuple(s for s in spans if s.text))
    return found


def _parts(text: str) -> tuple[str, str]:
    told = text.replace("-", "−")
    before, dot, after = told.partition(".")
    return before, dot + after
