"""What an agent may ask of a mind. Every answer is validated alike, whoever gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evidentia.agents.brief import Brief
from evidentia.workspace.records import Attack, Cell, Citation, Claim, DeadEnd, Hypothesis, Outcome, Review


@dataclass(frozen=True)
class Finding:
    """What is known of one concluded branch."""

    hypothesis: Hypothesis
    outcome: Outcome
    claims: tuple[Claim, ...]
    attacks: tuple[Attack, ...]


@dataclass(frozen=True)
class Lesson:
    """A dead end of an earlier run: the package that tells of it, its hypothesis, how it failed, what to know."""

    package: str
    family: str
    statement: str
    failure_mode: str
    lesson: str


@dataclass(frozen=True)
class Spending:
    """What a mind has used so far: calls of language models, their tokens, and money where the price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0


@dataclass(frozen=True)
class Context:
    """What ideation may read: the brief, the literature, what the run has found so far, lessons of earlier runs."""

    brief: Brief
    literature: Sequence[Citation]
    registered: Sequence[Hypothesis]
    findings: Sequence[Finding]
    lessons: Sequence[Lesson] = ()
    experiments_left: int = 0


@dataclass(frozen=True)
class Design:
    """A script with the seeds and cells it measures; `limits` are sandbox limits by name."""

    script: str
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    limits: Mapping[str, float]
    exclusive: bool = False
    protocol: str = ""


@dataclass(frozen=True)
class Failure:
    """How a script failed, as the host saw it."""

    exit_status: int | None
    signal: int | None
    exceeded: str | None
    stderr: str
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """The failure in a few words."""
        if self.exceeded and self.exceeded.startswith("interrupted"):
            return self.exceeded
        if self.exceeded:
            return f"limit exceeded ({self.exceeded})"
        if self.refused:
            name, reason = next(iter(self.refused.items()))
            return f"output {name} refused: {reason}"
        if self.signal:
            return f"killed by signal {self.signal}"
        lines = [line for line in self.stderr.strip().splitlines() if line.strip()]
        return f"exit status {self.exit_status}" + (f": {lines[-1].strip()[:200]}" if lines else "")


class Mind(Protocol):
    """What agents ask, and whether a brief can be worked on at all."""

    name: str
    writes_code: bool
    """Whether the scripts are a language model's own text, which runs in no weak sandbox unless a person allows it."""

    def check(self, brief: Brief) -> None:
        """Raise BadInputError, before anything is written, for a brief this mind can do nothing with."""

    def propose(self, context: Context) -> list[Hypothesis]:
        """New hypotheses, best first; none when the question is exhausted."""

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        """The experiment that measures the hypothesis's cells with these seeds."""

    def debug(self, hypothesis: Hypothesis, design: Design, failure: Failure) -> Design | None:
        """A mended design for a failed script, or None if it should be left as it is."""

    def attack(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, object]] | None:
        """The cheapest test that could refute the claims, with the conditions it changes, or None."""

    def review(self, hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
        """Whether the evidence entails each claim, over-claims named, scores 1–5."""

    def conclude(
        self, hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
    ) -> DeadEnd | None:
        """For a branch that did not hold: failure mode and lesson. None for a supported one."""

    def limits(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
        """What the package must say it does not show."""
