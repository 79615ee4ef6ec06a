"""Hypotheses that a person registers: a statement, with or without the check that will decide it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evidentia.agents.minds.person import DEAD_END, RECORDED
from evidentia.errors import BadInputError
from evidentia.kernels import registry
from evidentia.workspace.records import (
    Cell,
    Check,
    Estimator,
    Expectation,
    Hypothesis,
    PlannedClaim,
    SamplePlan,
    Value,
)
from evidentia.workspace.units import difference_unit, dimension

LAB = "lab"
_NAME = re.compile(r"^[A-Za-z_][\w.-]{0,79}$")
_RELATIONS = {"above": 1, "below": 1, "inside": 2, "outside": 2, "precise": 1}


@dataclass(frozen=True)
class Expected:
    """What a person says of the rows to come, as typed: a metric of a system, against a baseline or alone."""

    metric: str = ""
    system: str = ""
    baseline: str = ""
    expect: str = ""
    unit: str = ""
    ratio: bool = False
    lower_is_better: bool = False
    where: tuple[str, ...] = ()
    workload: str = LAB
    tolerance: float = 0.0

    @property
    def given(self) -> bool:
        """Whether there is a check, and not words only."""
        return bool(self.metric or self.system or self.baseline or self.expect)


def decidable(statement: str, expected: Expected, rationale: str) -> Hypothesis:
    """A hypothesis with the check that decides it. Raises BadInputError naming the option that is missing or wrong."""
    metric = _name("--metric", expected.metric)
    system = _name("--system", expected.system)
    baseline = _name("--baseline", expected.baseline) if expected.baseline else ""
    if baseline == system:
        raise BadInputError(f"--baseline is the system itself, {system!r}; name another one, or leave it out")
    if expected.ratio and not baseline:
        raise BadInputError("--ratio compares two systems; name the other one with --baseline")
    expect = expectation(expected.expect)
    where = conditions(expected.where)
    bounds = [b for b in (expect.low, expect.high) if b is not None]
    if expected.ratio and any(b <= 0 for b in bounds):
        raise BadInputError(f"--expect {expected.expect}: a ratio is compared with numbers above 0")
    estimator: Estimator = "mean" if not baseline else "paired_ratio" if expected.ratio else "paired_difference"
    title = statement.strip().rstrip(".")
    check = Check(
        estimator=estimator,
        metric=metric,
        system=system,
        versus=baseline,
        where=where,
        higher_is_better=not expected.lower_is_better,
        expect=expect,
    )
    claim = PlannedClaim(
        statement=title,
        kind="improvement" if baseline and expect.relation in ("above", "below") else "descriptive",
        unit=_unit(expected, metric, baseline),
        tolerance=_not_negative("--tolerance", expected.tolerance),
        conditions=where,
        check=check,
    )
    systems = (system, baseline) if baseline else (system,)
    return Hypothesis(
        form="comparison" if baseline else "bound",
        title=title,
        statement=title,
        rationale=rationale,
        family=_name("--workload", expected.workload),
        metric=metric,
        systems=systems,
        conditions=where,
        cells=tuple(Cell(system=s, conditions=where) for s in systems),
        claims=(claim,),
        smallest_effect=max(max(b, 1 / b) for b in bounds) if expected.ratio else max(abs(b) for b in bounds),
        effect="ratio" if expected.ratio else "difference",
        falsification=f"The interval of {_quantity(check, expected.ratio)} lies wholly where it was not expected: "
        f"{expected.expect}.",
        sample_plan=SamplePlan(looks=()),
    )


def undecidable(title: str, statement: str, rationale: str, what: str, about: Mapping[str, Value]) -> Hypothesis:
    """A hypothesis in words only: of a recorded command, or of a dead end. `about` tells it from every other."""
    return Hypothesis(
        form="record",
        title=title.strip().rstrip(".") or what,
        statement=statement.strip().rstrip("."),
        rationale=rationale,
        family=LAB,
        metric="exit_status",
        systems=(),
        conditions={},
        cells=(Cell(system=what, conditions=dict(about)),),
        claims=(),
        smallest_effect=0.0,
        effect="difference",
        falsification="Nothing was registered that rows could decide.",
        sample_plan=SamplePlan(looks=()),
    )


def of_command(text: str, name: str, claim: str) -> Hypothesis:
    """What a recorded command stands for when no check was registered: the claim in words, or just the record."""
    statement = claim.strip() or f"What {text} shows"
    title = claim.strip() or f"Recorded: {text}"
    return undecidable(title, statement, RECORDED, "command", {"command": text, "capture": name})


def of_dead_end(title: str, statement: str, node: str) -> Hypothesis:
    """What a noted dead end says did not work."""
    return undecidable(title, statement, DEAD_END, "note", {"note": node})


def expectation(text: str) -> Expectation:
    """``above:0.5``, ``below:2``, ``inside:-1:1``, ``outside:0:1`` or ``precise:0.1``. Raises BadInputError."""
    relation, _, rest = text.partition(":")
    wanted = _RELATIONS.get(relation)
    numbers = [_number(part) for part in rest.split(":")] if rest else []
    if wanted is None or len(numbers) != wanted or any(n is None or not math.isfinite(n) for n in numbers):
        raise BadInputError(
            f"--expect {text!r} is not an expectation; write above:0.5, below:0.5, inside:LOW:HIGH, outside:LOW:HIGH "
            "or precise:HALF_WIDTH"
        )
    found = [float(n) for n in numbers if n is not None]
    if wanted == 2:
        if found[0] >= found[1]:
            raise BadInputError(f"--expect {text}: the first bound must be below the second")
        return Expectation(relation="inside" if relation == "inside" else "outside", low=found[0], high=found[1])
    if relation == "above":
        return Expectation(relation="above", low=found[0])
    return Expectation(relation="below" if relation == "below" else "precise", high=found[0])


def conditions(given: Sequence[str]) -> dict[str, Value]:
    """``capacity=100`` and the like, with whole numbers, numbers and true/false read as such. Raises BadInputError."""
    found: dict[str, Value] = {}
    for item in given:
        name, sign, value = item.partition("=")
        if not sign or not _NAME.match(name) or not value:
            raise BadInputError(f"--where {item!r} is not a condition; write NAME=VALUE, as in capacity=100")
        if name in ("system", "seed") or name in found:
            raise BadInputError(f"--where {item}: {name} stands for something else, or twice")
        found[name] = _value(value)
    return found


def _value(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?\d{1,15}", text):
        return int(text)
    number = _number(text)
    return number if number is not None and math.isfinite(number) else text


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _name(option: str, text: str) -> str:
    if not _NAME.match(text):
        told = f"{option} {text!r} is not a name" if text else f"{option} is missing"
        raise BadInputError(f"{told}; a check needs --metric, --system and --expect, with names as in the rows")
    return text


def _not_negative(option: str, value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise BadInputError(f"{option} must be a number of at least 0, not {value:g}")
    return value


def _unit(expected: Expected, metric: str, baseline: str) -> str:
    """The unit given, or that of the library's metric of this name; a ratio has its own."""
    if expected.ratio:
        return "x"
    known = [m.unit for f in registry.families() for m in f.metrics if m.name == metric]
    unit = expected.unit or (known[0] if known and len(set(known)) == 1 else "1")
    try:
        dimension(unit)
        return difference_unit(unit) if baseline and not expected.unit else unit
    except ValueError as error:
        raise BadInputError(f"--unit: {error}") from None


def _quantity(check: Check, ratio: bool) -> str:
    metric = check.metric.replace("_", " ")
    if not check.versus:
        return f"the {metric} of {check.system}"
    return f"the {metric} of {check.system} {'over' if ratio else 'minus'} that of {check.versus}"
