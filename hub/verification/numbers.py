"""Level 1's grounding: every number a reader meets in prose and tables is one the package recorded."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from evidentia.hub.verification.opened import Opened
from evidentia.kernels import registry
from evidentia.workspace.package.manifest import CELL_CONFIDENCE
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import PERSON, Claim

_NUMBER = re.compile(r"(?<![\w.])(?<![A-Za-z]-)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_ASIDE = re.compile(r"`[^`\n]*`|https?://\S+|\]\([^)\n]*\)|^\s*\d+\.\s|^(?:ara_version|year|doi): .*$", re.M)
_TAIL = 4000
LEAST_LITERAL = 5
"""A shorter text is not recognisable as a quotation."""


class Known:
    """A set of recorded numbers; a written number is known if one of them rounds to it."""

    def __init__(self, numbers: Iterable[float]) -> None:
        self._sorted = sorted({abs(float(n)) for n in numbers})

    def holds(self, written: str) -> bool:
        """Whether a recorded number, its sign left aside, rounds to the written one."""
        value, half = _parse(written)
        slack = half * (1 + 1e-9) + 1e-15 * value
        place = bisect_left(self._sorted, value - slack)
        return place < len(self._sorted) and self._sorted[place] <= value + slack

    def __or__(self, other: Known) -> Known:
        return Known([*self._sorted, *other._sorted])


def _parse(written: str) -> tuple[float, float]:
    """A number and half a unit of its last written place."""
    digits, _, exponent = written.replace(",", "").lower().partition("e")
    decimals = len(digits.partition(".")[2])
    scale = 10.0 ** int(exponent or 0)
    return float(digits) * scale, 0.5 * 10.0**-decimals * scale


def written_numbers(text: str) -> Iterator[tuple[int, str]]:
    """(line, number) for all numbers in Markdown prose and tables; code, links and names are not prose."""
    fenced = False
    for line, content in enumerate(text.splitlines(), start=1):
        if content.startswith("```"):
            fenced = not fenced
        if fenced or content.startswith("    "):
            continue
        for match in _NUMBER.finditer(_ASIDE.sub(" ", content)):
            yield line, match[0]


def ungrounded(package: Opened) -> Iterator[str]:
    """``file:line`` of every number that no claim, result or run record of the package holds."""
    texts = {t for t in _literals(package) if len(t) >= LEAST_LITERAL}
    literals = sorted({form for t in texts for form in _as_written(t)}, key=len, reverse=True)
    everywhere = Known(_universe(package))
    for name in sorted(n for n in package.names() if n.endswith(".md") and not n.startswith("src/")):
        text = package.text(name)
        lines = text.splitlines()
        for literal in literals:
            text = text.replace(literal, re.sub(r"\d", "#", literal))
        narrow = name.startswith(("evidence/tables/", "evidence/figures/"))
        for line, number in written_numbers(text):
            known = _row_universe(package, lines[line - 1]) if narrow else None
            if not (known or everywhere).holds(number):
                yield f"{name}:{line}: {number} is in no claim, result or run record"


def unquoted(package: Opened) -> Iterator[str]:
    """Every claim whose value, interval, n and status do not stand in README.md and logic/claims.md as recorded."""
    readme = package.text("README.md").splitlines()
    blocks = re.split(r"^## ", package.text("logic/claims.md"), flags=re.M)
    for claim in package.branch.claims:
        wanted = quantity(claim)
        if not any(claim.id in line and wanted in line and claim.status in line for line in readme):
            yield f"README.md does not say of {claim.id}: {claim.status}, {wanted}"
        if not any(block.startswith(f"{claim.id}:") and wanted in block for block in blocks):
            yield f"logic/claims.md does not say of {claim.id}: {wanted}"


def _row_universe(package: Opened, line: str) -> Known | None:
    """What a row of a table may say: the numbers of the claim or the system it names; None if it names none."""
    if not line.startswith("|"):
        return None
    found: list[float] = []
    for claim in package.branch.claims:
        if re.search(rf"\b{re.escape(claim.id)}\b", line):
            found += [*_numbers(claim.to_json()), *_counts(claim)]
    for result in package.manifest.results:
        if re.search(rf"(?<![\w-]){re.escape(result.system)}(?![\w-])", line):
            found += _numbers(result.to_json())
    return Known(found) if found else None


def _universe(package: Opened) -> Iterator[float]:
    branch = package.branch
    for record in (branch.hypothesis, *branch.claims, *package.manifest.results, *branch.reviews):
        yield from _numbers(record.to_json())
    for claim in (*branch.claims, *(c for a in branch.attacks for c in a.claims)):
        yield from _numbers(claim.to_json())
        yield from _counts(claim)
    for attack in branch.attacks:
        yield from _numbers(dict(attack.changed))
        if attack.kind == "row audit":
            yield from (float(n) for _, n in written_numbers(attack.finding))
    for entry, run in package.entries:
        evidence = run.evidence
        yield from (evidence.wall_seconds, evidence.cpu_seconds, evidence.peak_memory_bytes, evidence.row_count)
        yield from (evidence.exit_status or 0, evidence.signal or 0, len(run.experiment.seeds), run.experiment.look + 1)
        yield from run.experiment.seeds
        yield from run.experiment.limits.values()
        for stream in ("stdout", "stderr"):
            said = package.read(f"evidence/logs/{entry.id}.{stream}.txt").decode("utf-8", "replace")[-_TAIL:]
            yield from (_parse(n)[0] for _, n in written_numbers(said))
    yield from (c.year for c in branch.citations)
    yield from (branch.hypothesis.sample_plan.confidence, CELL_CONFIDENCE, 100 * CELL_CONFIDENCE)
    statuses = [c.status for c in branch.claims]
    yield from (len(statuses), *(statuses.count(s) for s in set(statuses)))
    yield from (len(branch.runs), len(branch.attacks), len(branch.hypothesis.cells), len(package.manifest.results))


def _counts(claim: Claim) -> Iterator[float]:
    yield claim.n
    if claim.ci:
        yield (claim.ci[1] - claim.ci[0]) / 2


def _literals(package: Opened) -> Iterator[str]:
    """Texts that are quoted whole: what was asked and registered before any data, titles, names of machines."""
    manifest, branch = package.manifest, package.branch
    hypothesis = branch.hypothesis
    yield from (manifest.id, manifest.run, branch.created, branch.created[:10], branch.created[:16], manifest.generator)
    yield from (branch.question, hypothesis.title, hypothesis.statement, hypothesis.rationale, hypothesis.falsification)
    yield from (c.statement for c in hypothesis.claims)
    yield from (hypothesis.trigger, branch.mind, *(person.name for person in branch.contributors))
    if branch.mind == PERSON and branch.dead_end:  # a person's own words, quoted as noted
        yield from (branch.dead_end.failure_mode, branch.dead_end.lesson)
    yield from card_texts(hypothesis.family)
    for citation in branch.citations:
        yield from (citation.title, citation.note, citation.authors, f"arXiv:{citation.arxiv}")
    for run in branch.runs:
        environment = run.evidence.environment
        yield from (environment.processor, environment.platform, environment.python)
        yield from (run.evidence.exceeded or "", *run.evidence.refused.values())


def _as_written(text: str) -> tuple[str, ...]:
    """A text as it stands in prose, in a quoted YAML value, in a cell of a table, and within a sentence."""
    lowered = text[:1].lower() + text[1:]  # within a sentence
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    return text, quoted, text.replace("|", "\\|"), lowered, quoted[:1].lower() + quoted[1:]


def card_texts(family: str) -> Iterator[str]:
    """What the library's own cards say of a family's kernels, metrics and parameters."""
    try:
        card = registry.family(family)
    except KeyError:
        return
    for metric in card.metrics:
        yield from (metric.purpose, metric.limit_source)
    for kernel in registry.kernels(family, general=True):
        paper = kernel.paper
        yield from (kernel.name, kernel.purpose, paper.title, paper.section, f"{paper.title}, {paper.section}")
    for parameter in registry.parameters(family).values():
        yield from (parameter.purpose, *parameter.choices)


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in a JSON value, shares also as per cents; what its texts say is not a recorded number."""
    if isinstance(value, bool | str) or value is None:
        return
    if isinstance(value, int | float):
        yield float(value)
        yield 100 * float(value) if 0 < value < 1 else float(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    else:
        for item in value:
            yield from _numbers(item)
