"""Level 3, recomputed: the rows and the values come out again, and the checks that say so can fail."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from evidentia.hub.verification.intact import recompute
from evidentia.hub.verification.opened import ROWS, Opened, Result
from evidentia.hub.verification.reruns import job_of, limits_of
from evidentia.kernels import registry
from evidentia.sandbox import Job, Outcome, Sandbox, strict_json_lines
from evidentia.workspace.checks import evaluate
from evidentia.workspace.estimators import RATIO_ESTIMATORS, MissingRowsError
from evidentia.workspace.records import Claim, Evidence, Expectation, Row

RELATIVE = 1e-9
"""How far a deterministic metric may differ between two runs: the last bits of another processor."""
TIMED_FACTOR = 10.0
"""How far a timed row may differ: it is the claims that are held to an interval."""
CONFIDENCE = 0.95
LEAST_SEEDS = 3
ROUNDS = 3
"""How often a timed claim is measured again before it is held not to come out: the median round decides."""
LOG_ESTIMATORS = RATIO_ESTIMATORS
STUB = """import json

with open("recorded.jsonl", encoding="utf-8") as recorded, open("rows.jsonl", "w", encoding="utf-8") as rows:
    for line in recorded:
        row = json.loads(line)
        for metric in json.loads({metrics!r}):
            row[metric] = {value!r}
        rows.write(json.dumps(row) + "\\n")
"""


def check_recomputed(package: Opened, sandbox: Sandbox) -> Iterator[Result]:
    """The checks of level 3 over the re-runs of level 2."""
    fresh: list[list[Row]] = []
    diverging: dict[str, str] = {}
    for (entry, run), recorded, outcome in zip(package.entries, package.rows, package.outcomes, strict=True):
        assert outcome is not None
        if run.evidence.ok:
            rows, problem = read_rows(outcome)
            problem = problem or rows_differ(package, recorded, rows)
            fine = f"{len(rows)} rows come out again"
        else:
            rows, problem = [], failure_differs(package, entry.id, run.evidence, outcome)
            fine = "it fails in the same way"
        fresh.append(rows)
        if problem is not None:
            diverging[run.evidence.id] = f"evidence/rows/{entry.id}.jsonl, {problem}"
        yield Result(3, f"rows of {entry.id}", problem is None, problem or fine)
    rounds = [fresh]
    for claim in package.branch.claims:
        again = recompute(claim, _rows_of(package, fresh, claim))
        timed = claim.metric in timed_metrics(package)
        problem = disagreement(claim, again, timed=timed)
        if problem is not None and timed:
            while len(rounds) < ROUNDS:
                rounds.append(_another_round(package, sandbox))
            again = _median([recompute(claim, _rows_of(package, rows, claim)) for rows in rounds])
            problem = disagreement(claim, again, timed=timed)
            problem = problem and f"{problem} (median of {len(rounds)} re-runs)"
        places = [diverging[e] for e in claim.evidence if e in diverging]
        problem = problem and "; ".join((problem, *places[:1]))
        yield Result(3, f"claim {claim.id}", problem is None, problem or _agreement(claim, again))
    yield _perturbed(package, fresh)
    yield _stubbed(package, sandbox)


def _another_round(package: Opened, sandbox: Sandbox) -> list[list[Row]]:
    """All measurements once more, one after the other: what another program did to the clock meanwhile is gone."""
    found: list[list[Row]] = []
    for index, run in enumerate(package.branch.runs):
        again = run.evidence.ok and run.experiment.role == "measure"
        found.append(read_rows(sandbox.run(job_of(package, index)))[0] if again else [])
    return found


def _median(rounds: Sequence[Claim]) -> Claim:
    """The round whose value is the middle one; the first where a round has no value."""
    if any(again.value is None for again in rounds):
        return rounds[0]
    return sorted(rounds, key=lambda again: again.value or 0.0)[len(rounds) // 2]


def _rows_of(package: Opened, fresh: Sequence[list[Row]], claim: Claim) -> list[Row]:
    pairs = zip(package.branch.runs, fresh, strict=True)
    return [row for run, rows in pairs if run.evidence.id in claim.evidence for row in rows]


def read_rows(outcome: Outcome) -> tuple[list[Row], str | None]:
    try:
        return [*strict_json_lines(outcome.outputs.get(ROWS, b""))], None
    except ValueError as error:
        return [], f"{ROWS} of the re-run cannot be read: {error}"


def timed_metrics(package: Opened) -> set[str]:
    """The metrics of the package's family that vary from run to run."""
    try:
        return {m.name for m in registry.family(package.branch.hypothesis.family).metrics if m.timed}
    except KeyError:
        return set()


def rows_differ(package: Opened, recorded: Sequence[Row], again: Sequence[Row]) -> str | None:
    """The first line at which the re-run's rows are not the recorded ones; None if there is none."""
    timed = timed_metrics(package)
    for line, (old, new) in enumerate(zip(recorded, again, strict=False), start=1):
        for name in dict.fromkeys((*old, *new)):
            if not _cell_agrees(old.get(name), new.get(name), name in timed):
                return f"first diverging line {line}: {name} was {old.get(name)}, is {new.get(name)}"
    if len(recorded) != len(again):
        return f"first diverging line {min(len(recorded), len(again)) + 1}: {len(recorded)} rows were, {len(again)} are"
    return None


def _cell_agrees(old: object, new: object, timed: bool) -> bool:
    numbers = isinstance(old, int | float) and isinstance(new, int | float)
    if not numbers or isinstance(old, bool) or isinstance(new, bool):
        return type(old) is type(new) and old == new
    assert isinstance(old, int | float)
    assert isinstance(new, int | float)
    if timed:
        return old > 0 and new > 0 and 1 / TIMED_FACTOR <= new / old <= TIMED_FACTOR
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=1e-12)


def failure_differs(package: Opened, entry: str, recorded: Evidence, again: Outcome) -> str | None:
    """A crash comes out again if the last line of standard error names the same kind of error; what a script said
    before it was killed at a limit does not count."""
    if recorded.exceeded:
        return None
    was, now = (_last_error(s) for s in (package.read(f"evidence/logs/{entry}.stderr.txt"), again.stderr))
    return None if was == now else f"it failed with {was or 'no message'}, and now with {now or 'no message'}"


def _last_error(stream: bytes) -> str:
    lines = [line for line in stream.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].split(":")[0].strip() if lines else ""


def disagreement(stated: Claim, again: Claim, *, timed: bool) -> str | None:
    """Why the re-run does not confirm the claim; None if it does.

    The verdict must be the same, and the value must lie within the tolerance or, for a timed metric, in the
    prediction interval of at least three seeds. A claim stated as inconclusive may come out either way; its value,
    if it has one, must hold.
    """
    if stated.status != "inconclusive" and again.status != stated.status:
        values = f"({told_value(stated)} and {told_value(again)})"
        return f"expected {stated.status}, got {again.status} {values}, tolerance {stated.tolerance:g}"
    if stated.value is None and stated.status == "inconclusive":
        return None
    if stated.value is None or again.value is None:
        return None if stated.value is again.value else f"expected {told_value(stated)}, got {told_value(again)}"
    if abs(again.value - stated.value) <= stated.tolerance or math.isclose(again.value, stated.value, rel_tol=RELATIVE):
        return None
    told = f"expected {told_value(stated)}, got {told_value(again)}: outside the tolerance"
    if not timed:
        return f"{told} {stated.tolerance:g}"
    low, high = prediction(stated)
    if low <= again.value <= high:
        return None
    return f"{told} {stated.tolerance:g} and the prediction interval {low:.6g} to {high:.6g}"


def told_value(claim: Claim) -> str:
    """A claim's value in six digits with its unit."""
    return "no value" if claim.value is None else f"{claim.value:.6g} {claim.unit}"


def prediction(claim: Claim, *, seeds: int = 1, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The prediction interval for the mean of so many other seeds, on the scale of the claim's estimator; the value
    alone where fewer than three seeds or no deviation were recorded.

    Source: G. J. Hahn and W. Q. Meeker, Statistical Intervals, 1991, section 4.7.
    """
    assert claim.value is not None
    if claim.n < LEAST_SEEDS or claim.sd is None:
        return claim.value, claim.value
    from scipy.special import stdtrit

    half = float(stdtrit(claim.n - 1, 0.5 + confidence / 2)) * claim.sd * math.sqrt(1 / seeds + 1 / claim.n)
    if claim.value > 0 and _on_log_scale(claim):
        return claim.value * math.exp(-half), claim.value * math.exp(half)
    return claim.value - half, claim.value + half


def _on_log_scale(claim: Claim) -> bool:
    crossing = claim.check.estimator in ("crossover", "threshold_crossing")
    return claim.check.estimator in LOG_ESTIMATORS or (crossing and claim.check.log_parameter)


def _agreement(stated: Claim, again: Claim) -> str:
    if stated.value is None or again.value is None:
        return f"stated as {stated.status} without a value, the re-run gives {again.status}"
    return f"{again.status}: stated {stated.value:.6g} {stated.unit}, the re-run gives {again.value:.6g}"


def _perturbed(package: Opened, fresh: Sequence[list[Row]]) -> Result:
    """Negative control: a decided claim with another value, or a shifted expectation, must not be confirmed.

    The value is moved by its own size, or that of the bound it is held against (16 where 8 was measured); that of
    a timed metric, whose prediction interval is wide, by ten times as much.
    """
    name, tried = "negative control: value", 0
    for claim in package.branch.claims:
        rows = _rows_of(package, fresh, claim)
        if claim.value is None or claim.status == "inconclusive":
            continue
        tried += 1
        timed = claim.metric in timed_metrics(package)
        bounds = (claim.check.expect.low or 0.0, claim.check.expect.high or 0.0)
        size = max(abs(claim.value), *(abs(bound) for bound in bounds)) or 1.0
        moved = claim.value + size * (TIMED_FACTOR if timed else 1.0)
        stated = claim.model_copy(update={"value": moved})
        if disagreement(stated, recompute(claim, rows), timed=timed) is None:
            return Result(
                3, name, False, f"{claim.id} would be confirmed at {moved:.6g} as well as at {claim.value:.6g}"
            )
        if claim.status == "supported" and _shifted_holds(claim, rows):
            return Result(3, name, False, f"{claim.id} holds for a shifted expectation as well")
    told = f"{tried} claims are not confirmed with another value or expectation" if tried else "no claim is decided"
    return Result(3, name, True, told)


def _shifted_holds(claim: Claim, rows: Sequence[Row]) -> bool:
    try:
        found, _ = evaluate(claim.check, rows)
    except MissingRowsError:
        return False
    if found.low is None or found.high is None or not math.isfinite(found.low + found.high):
        return False
    if claim.check.expect.relation == "precise":
        expect = Expectation(relation="precise", high=(found.high - found.low) / 4)
        return found.high > found.low and evaluate(claim.check.model_copy(update={"expect": expect}), rows)[1] == (
            "supported"
        )
    beyond = found.high + max(found.high - found.low, 1e-9, 1e-9 * abs(found.high))
    expect = Expectation(relation="above", low=beyond)
    return evaluate(claim.check.model_copy(update={"expect": expect}), rows)[1] == "supported"


def _stubbed(package: Opened, sandbox: Sandbox) -> Result:
    """Negative control: a script that measures nothing must not pass for the recorded one."""
    name = "negative control: stub"
    for (entry, run), recorded in zip(package.entries, package.rows, strict=True):
        if not run.evidence.ok or not recorded:
            continue
        metrics = sorted({c.metric for c in package.branch.claims} | {package.branch.hypothesis.metric})
        value = _constant([float(r[m]) for r in recorded for m in metrics if m in r])
        script = STUB.format(metrics=json.dumps(metrics), value=value)
        data = package.read(f"evidence/rows/{entry.id}.jsonl")
        job = Job(script, (ROWS,), {"recorded.jsonl": data}, limits=limits_of(run.experiment))
        rows, problem = read_rows(sandbox.run(job))
        if problem is not None or len(rows) != len(recorded):
            return Result(3, name, False, f"the control itself could not run: {problem or 'it left too few rows'}")
        caught = rows_differ(package, recorded, rows)
        detail = f"a script that writes {value:g} for every metric fails" if caught else "a stub passes for the script"
        return Result(3, name, caught is not None, detail)
    for (entry, run), outcome in zip(package.entries, package.outcomes, strict=True):
        if not run.evidence.ok and outcome is not None:
            return _silent(name, entry.id, run.evidence, sandbox)
    return Result(3, name, False, "the package holds no run")


def _silent(name: str, entry: str, recorded: Evidence, sandbox: Sandbox) -> Result:
    """For a crashed branch the stub is a script that does nothing and ends well."""
    again = sandbox.run(Job("pass\n"))
    caught = (again.exit_status, again.signal, again.exceeded) != (
        recorded.exit_status,
        recorded.signal,
        recorded.exceeded,
    ) or again.ok != recorded.ok
    return Result(
        3, name, caught, f"a script that does nothing does not fail as {entry} did" if caught else "it passes"
    )


def _constant(recorded: Sequence[float]) -> float:
    """A constant no recorded value is near."""
    return next(
        c for c in (1.0, 1e6, -1e9, 1e12) if all(not c / 20 <= r <= c * 20 if c > 0 else r != c for r in recorded)
    )
