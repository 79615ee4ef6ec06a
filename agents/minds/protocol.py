"""What an agent may ask of a mind. Every answer is validated alike, whoever gave it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from evidentia.agents.brief import Brief
from evidentia.workspace.figure_style import FigureStyle
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
    """A dead end of an earlier run: the package that tells of it, its statement, how it failed, what to know.

    `hypothesis` is the id of what was tested: the same id would be tested in the same way again.
    """

    package: str
    family: str
    statement: str
    failure_mode: str
    lesson: str
    hypothesis: str = ""
    version: int = 1


@dataclass(frozen=True)
class Spending:
    """What a mind has used so far: calls of language models, their tokens, and money where the price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0


class WorldModel(Protocol):
    """What a mind may ask of the world model; each answer is a plain mapping, oldest first."""

    def open_questions(self) -> Iterator[dict[str, Any]]:
        """What was tested and not decided: `hypothesis`, `statement`, `form`, `why`."""

    def lessons(self) -> Iterator[dict[str, Any]]:
        """What dead ends taught: `statement`, `failure_mode`, `text`, and `package` where it is an earlier run's."""

    def constraints(self) -> Iterator[dict[str, Any]]:
        """What holds for everything in this run, each with a `text`."""

    def depth(self, hypothesis: str) -> int:
        """How many findings a hypothesis follows from, one after the other."""


@dataclass(frozen=True)
class Context:
    """What ideation may read: the brief, the literature, what the run has found so far, lessons of earlier runs.

    `findings` holds all concluded branches, `fresh` those since ideation was last done. `known` has the ids of what is
    registered. `world` is the run's world model (`evidentia.graph.world`): what is open, given and learned, as one
    graph. In a round kept free of earlier lessons, `lessons` is empty.
    """

    brief: Brief
    literature: Sequence[Citation]
    registered: Sequence[Hypothesis]
    findings: Sequence[Finding]
    lessons: Sequence[Lesson] = ()
    experiments_left: int = 0
    fresh: Sequence[Finding] | None = None
    known: Collection[str] | None = None
    world: WorldModel | None = None

    @property
    def news(self) -> Sequence[Finding]:
        """The findings that ideation has not seen yet; all, where nobody told them apart."""
        return self.findings if self.fresh is None else self.fresh

    @property
    def taken(self) -> Collection[str]:
        """The ids of what is registered."""
        return {h.id for h in self.registered} if self.known is None else self.known


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
        """The test with the best chance to refute a claim for its cost, as one script: on fresh seeds, and with one
        condition changed where one can be. With it the conditions it changes, and None where nothing was decided."""

    def review(self, hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
        """Whether the evidence entails each claim, over-claims named, scores 1–5."""

    def conclude(
        self, hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
    ) -> DeadEnd | None:
        """For a branch that did not hold: failure mode and lesson. None for a supported one."""

    def limits(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
        """What the package must say it does not show."""


@dataclass(frozen=True)
class Opinion:
    """What was thought of a figure: its faults, none where it is good, and the style that would mend them, if one
    would."""

    faults: tuple[str, ...]
    style: FigureStyle | None = None


@runtime_checkable
class FigureCritic(Protocol):
    """A mind that can look at pictures."""

    def looks_at_figures(self) -> bool:
        """Whether it is asked to look at those of this run."""

    def look(self, png: bytes, claim: str, caption: str, style: FigureStyle) -> Opinion | None:
        """What it thinks of a figure in this style that is to show the claim; None where it cannot say. It decides
        nothing, and what it cannot see stops nothing: no error of a model leaves it."""
