"""The records a run leaves behind: frozen, versioned, written as canonical JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from evidentia.workspace.canonical import content_id
from evidentia.workspace.figure_style import FigureStyle

Value = int | float | str | bool
Row = Mapping[str, Value]
Status = Literal["supported", "refuted", "inconclusive"]
Outcome = Literal["supported", "refuted", "null", "crashed"]
Form = Literal["comparison", "trend", "crossover", "optimum", "interaction", "equivalence", "bound", "record"]
PERSON = "person"
"""The mind of a branch whose experiments a person ran."""
OWN_COMMAND = "none (a person's own command)"
"""The sandbox of what a person ran as themselves."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Record(BaseModel):
    """Base of all records: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON value, with its `schema` field."""
        return self.model_dump(mode="json", by_alias=True)


class Event(Record):
    """One line of the log. `hash` is the SHA-256 of the line without it; `prev` the hash of the line before."""

    schema_version: Literal["event/1"] = Field("event/1", alias="schema")
    seq: int = Field(ge=0)
    time: str
    run: str
    kind: str
    actor: str
    payload: dict[str, Any]
    prev: str
    hash: str


class Expectation(Record):
    """What an interval must satisfy: ``above`` or ``below`` one bound, ``inside`` or ``outside`` two bounds,
    ``precise``: a half-width of at most `high`."""

    relation: Literal["above", "below", "inside", "outside", "precise"]
    low: float | None = None
    high: float | None = None


Estimator = Literal[
    "mean",
    "paired_difference",
    "paired_ratio",
    "power_exponent",
    "exponential_rate",
    "change_over_range",
    "ratio_over_range",
    "isotonic_change",
    "isotonic_ratio",
    "largest_fall",
    "fall_ratio",
    "crossover",
    "threshold_crossing",
    "difference_of_differences",
    "ratio_of_ratios",
    "regret",
    "regret_ratio",
    "best_level",
    "corner_difference",
    "corner_ratio",
    "shapley_difference",
    "shapley_ratio",
]


class Check(Record):
    """A declarative expression over result rows that the host evaluates (`evidentia.workspace.checks`).

    `system` (and `versus`) are matched by a row's ``system``; `where` holds the other columns a row must have.
    `at` and `versus_at` are the columns only one side must have, for a comparison of two settings of one kernel.
    `parameter` is swept over `levels`; `moderator` has the two values of an interaction, low then high; for
    an optimum, `candidate` is the level claimed best. `limit` is the constant of a threshold crossing.
    For the change between two corners of a factorial, `at` and `versus_at` are the corners, the first one left,
    `limit` the published change that is taken off, and `moderator` the condition a Shapley value is attributed to.
    `confidence` is the level of the interval after correction for looks and claims. `interval` is how it is made:
    ``student`` from t over one number per seed, ``bootstrap`` from t over resamples, ``wider`` at each end the one of
    these two that lies further out (for what leans to one side),
    ``inverted`` from what a t test does not reject (the place of a crossing, the best of several rivals). With
    `two_one_sided`, an equivalence is supported by two one-sided tests. Both are left out where they are the default.
    """

    estimator: Estimator
    metric: str
    system: str
    versus: str = ""
    where: dict[str, Value] = {}
    at: dict[str, Value] = {}
    versus_at: dict[str, Value] = {}
    parameter: str = ""
    levels: tuple[Value, ...] = ()
    moderator: str = ""
    moderator_levels: tuple[Value, ...] = ()
    candidate: Value | None = None
    limit: float | None = None
    higher_is_better: bool = True
    log_parameter: bool = False
    confidence: float = Field(0.95, gt=0, lt=1)
    interval: Literal["student", "bootstrap", "wider", "inverted"] = "student"
    two_one_sided: bool = False
    expect: Expectation

    @model_serializer(mode="wrap")
    def _without_defaults_of_later(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        later = {"interval": "student", "two_one_sided": False}
        return {k: v for k, v in handler(self).items() if k not in later or v != later[k]}


class PlannedClaim(Record):
    """A claim registered before its data: statement, kind, unit and the check that will decide it."""

    statement: str
    kind: Literal["improvement", "equivalence", "scaling", "boundary", "optimum", "interaction", "bound", "descriptive"]
    unit: str
    tolerance: float = Field(ge=0)
    headline: bool = True
    conditions: dict[str, Value] = {}
    check: Check


class Cell(Record):
    """One system under one full set of conditions: what an experiment measures, once per seed."""

    system: str
    conditions: dict[str, Value]


class SamplePlan(Record):
    """How many seeds at each look, and how the error is shared: `confidence` holds over all looks and claims
    together (Bonferroni)."""

    looks: tuple[int, ...] = (5, 10, 20)
    confidence: float = 0.95
    first_seed: int = 0


class Hypothesis(Record):
    """What is to be tested, complete enough to be decided by anyone, registered before any data. `stated` names the
    claim of the brief that it is, where the brief states it itself."""

    schema_version: Literal["hypothesis/1"] = Field("hypothesis/1", alias="schema")
    form: Form
    title: str
    statement: str
    rationale: str
    family: str
    metric: str
    systems: tuple[str, ...]
    conditions: dict[str, Value]
    varied: tuple[str, ...] = ()
    cells: tuple[Cell, ...]
    claims: tuple[PlannedClaim, ...]
    smallest_effect: float
    effect: Literal["difference", "ratio"]
    falsification: str
    sample_plan: SamplePlan
    parent: str | None = None
    origin: Literal["question", "ambiguity", "challenger", "law", "follow-up", "pivot", "person"] = "question"
    trigger: str = ""
    priority: float = 1.0
    stated: str = ""

    @model_serializer(mode="wrap")
    def _without_what_nobody_stated(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if k != "stated" or v}

    @property
    def id(self) -> str:
        """``h-`` and ten digits of the hash of what is tested; wording and priority do not count."""
        tested = {
            "form": self.form,
            "family": self.family,
            "cells": [cell.to_json() for cell in self.cells],
            "checks": [claim.check.to_json() for claim in self.claims],
            "plan": self.sample_plan.to_json(),
        }
        return "h-" + content_id(tested, 10)


class Experiment(Record):
    """One script to run once: a look at a hypothesis, or an attack on it."""

    schema_version: Literal["experiment/1"] = Field("experiment/1", alias="schema")
    hypothesis: str
    role: Literal["measure", "falsify", "rerun"]
    look: int
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    script: Sha256
    outputs: tuple[str, ...] = ("rows.jsonl",)
    limits: dict[str, float]
    exclusive: bool = False
    protocol: str = ""

    @property
    def id(self) -> str:
        """``e-`` and ten digits of the hash of the whole record."""
        return "e-" + content_id(self.to_json(), 10)


class Environment(Record):
    """Where a script ran.

    `accounting` says what counted its memory and processes, `devices` which were passed into the sandbox,
    `accelerator` what CUDA calls the cards among them, `seed` what the generators of Python, NumPy and torch began
    with, `weak_allowed` that a person let a language model's code run in a weaker sandbox than the brief asked for. On
    a cluster, `host` names the worker, `library` is the fingerprint of its kernel library's sources, and `differs` says
    what sets it apart from the coordinator where a person let such workers work. Each is left out where it was not
    recorded.
    """

    python: str
    platform: str
    processor: str
    packages: dict[str, str]
    commit: str
    sandbox: str
    variables: dict[str, str]
    accounting: str = ""
    devices: tuple[str, ...] = ()
    accelerator: str = ""
    seed: int | None = None
    weak_allowed: bool = False
    host: str = ""
    library: str = ""
    differs: tuple[str, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_was_not_recorded(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        later = ("accounting", "devices", "accelerator", "seed", "weak_allowed", "host", "library", "differs")
        return {k: v for k, v in handler(self).items() if k not in later or v or (k == "seed" and v is not None)}


class Evidence(Record):
    """What the host saw of one run; every long field is the hash of a blob."""

    schema_version: Literal["evidence/1"] = Field("evidence/1", alias="schema")
    experiment: str
    script: Sha256
    inputs: dict[str, Sha256] = {}
    seeds: tuple[int, ...]
    environment: Environment
    limits: dict[str, float]
    exit_status: int | None
    signal: int | None
    exceeded: str | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    stdout: Sha256
    stderr: Sha256
    outputs: dict[str, Sha256]
    refused: dict[str, str] = {}
    row_count: int

    @property
    def id(self) -> str:
        """SHA-256 of this manifest."""
        return content_id(self.to_json())

    @property
    def ok(self) -> bool:
        """Whether the script ended well and all its declared outputs were taken."""
        return self.exit_status == 0 and self.exceeded is None and not self.refused


class Claim(Record):
    """A decided claim: `value` in `unit` with its interval, bound to evidence, with the check that gave it."""

    schema_version: Literal["claim/1"] = Field("claim/1", alias="schema")
    id: str
    statement: str
    kind: str
    metric: str
    system: str
    baseline: str
    workload: str
    value: float | None
    unit: str
    n: int
    sd: float | None
    ci: tuple[float, float] | None
    tolerance: float
    headline: bool
    conditions: dict[str, Value]
    status: Status
    note: str = ""
    evidence: tuple[str, ...]
    check: Check


class Attack(Record):
    """A falsification test and what came of it."""

    kind: Literal["fresh seeds", "changed condition", "row audit", "script audit"]
    description: str
    changed: dict[str, Value] = {}
    evidence: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    survived: bool | None
    finding: str


class ClaimReview(Record):
    """A reviewer's word on one claim."""

    claim: str
    verdict: Literal["supported", "overstated", "wrong", "cannot tell"]
    reason: str


class Review(Record):
    """A review by an agent or a person; each score 1–5 (people: 1–4)."""

    schema_version: Literal["review/1"] = Field("review/1", alias="schema")
    reviewer: str
    kind: Literal["agent", "person"]
    claims: tuple[ClaimReview, ...]
    scores: dict[str, int]
    overall: Literal["accept", "revise", "reject"]
    confidence: int = Field(ge=1, le=5)
    summary: str
    would_change_my_mind: str = ""


class Citation(Record):
    """An entry of the bundled bibliography, found for a question or a kernel."""

    key: str
    title: str
    authors: str
    year: int
    arxiv: str
    note: str
    score: float


class DeadEnd(Record):
    """Why a branch ended, in the words the next run needs."""

    hypothesis: str
    failure_mode: str
    lesson: str


class Node(Record):
    """A node of the exploration tree: one of ARA's five types with the fields that type requires.

    question: description · experiment: result, evidence · dead_end: hypothesis, failure_mode, lesson (no
    children) · decision: choice, alternatives · pivot: from, to, trigger.
    """

    schema_version: Literal["node/1"] = Field("node/1", alias="schema")
    id: str
    type: Literal["question", "experiment", "dead_end", "decision", "pivot"]
    title: str
    parent: str | None
    also_depends_on: tuple[str, ...] = ()
    support_level: Literal["explicit", "inferred"] = "explicit"
    source_refs: tuple[str, ...] = ()
    fields: dict[str, Any] = {}


class Act(Record):
    """What a person did in a run that bears on a branch: the event that tells of it, the act in a few words, what it
    was about, and their reason. Packages say in prose only what was `did`; the rest is a person's own words."""

    event: int = Field(ge=0)
    time: str
    did: str
    about: str = ""
    why: str = ""


class Contributor(Record):
    """A person and their part in a branch, in the roles of CRediT (ANSI/NISO Z39.104-2022)."""

    name: str
    roles: tuple[str, ...]
    acts: tuple[Act, ...]


class Run(Record):
    """One execution of one script: what was planned and what the host saw."""

    experiment: Experiment
    evidence: Evidence


class Branch(Record):
    """Everything one package is compiled from: a path of the tree, from the root question to its end."""

    schema_version: Literal["branch/1"] = Field("branch/1", alias="schema")
    run: str
    question: str
    created: str
    mind: str
    hypothesis: Hypothesis
    outcome: Outcome
    runs: tuple[Run, ...]
    claims: tuple[Claim, ...]
    attacks: tuple[Attack, ...]
    reviews: tuple[Review, ...]
    citations: tuple[Citation, ...]
    dead_end: DeadEnd | None
    path: tuple[Node, ...]
    siblings: tuple[Node, ...] = ()
    limits: tuple[str, ...] = ()
    figure: FigureStyle = FigureStyle()
    contributors: tuple[Contributor, ...] = ()

    @model_serializer(mode="wrap")
    def _without_defaults_of_later(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        unsaid = {"contributors": not self.contributors, "figure": self.figure == FigureStyle()}
        return {k: v for k, v in handler(self).items() if not unsaid.get(k)}
