"""A published claim and what would confirm it here: the records of a study, and its outcome from claims' statuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from evidentia.workspace.records import Estimator, Record, Status, Value

Part = Literal["headline", "mechanism", "why"]
Device = Literal["cpu", "cuda"]
StudyOutcome = Literal[
    "replicated",
    "mechanism replicated, headline needs a GPU",
    "partly replicated",
    "not replicated",
    "undecided",
    "not testable here",
]


class Stated(Record):
    """A claim that a brief states itself: what is measured, and where the whole interval must lie.

    `conditions` hold on both sides, `at` and `versus_at` on one. `grid` asks for the same in every cell of a product
    of levels: one claim each. `parameter` with `levels` is swept, for a trend, a crossover or an optimum. Bounds are in
    the unit of the claim. `part` says what it confirms: the paper's headline, its mechanism, or, with `unless`, why the
    claim of that name did not hold: it is tested only then. What is stated for the `device` ``cuda`` is measured on a
    CUDA device, in a run of its own; a record does not name the other one.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    part: Part = "headline"
    device: Device = "cpu"
    says: str = Field("", max_length=400)
    family: str
    metric: str
    system: str
    versus: str = ""
    conditions: dict[str, Value] = Field(default_factory=dict)
    at: dict[str, Value] = Field(default_factory=dict)
    versus_at: dict[str, Value] = Field(default_factory=dict)
    grid: dict[str, tuple[Value, ...]] = Field(default_factory=dict)
    parameter: str = ""
    levels: tuple[Value, ...] = ()
    log_parameter: bool | None = None
    candidate: Value | None = None
    limit: float | None = None
    estimator: Estimator | None = None
    above: float | None = None
    below: float | None = None
    tolerance: float | None = Field(None, ge=0)
    unless: str = ""

    @model_validator(mode="after")
    def _bounded(self) -> Stated:
        if self.above is None and self.below is None and self.estimator not in ("crossover", "threshold_crossing"):
            raise ValueError(f"the claim {self.id!r} has no bound; give above, below or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"the claim {self.id!r} cannot hold: nothing is above {self.above} and below {self.below}")
        if (self.part == "why") != bool(self.unless):
            raise ValueError(f"the claim {self.id!r}: part = 'why' and unless = 'CLAIM' go together")
        if bool(self.parameter) != bool(self.levels):
            raise ValueError(f"the claim {self.id!r}: parameter and levels go together")
        return self

    @model_serializer(mode="wrap")
    def _without_the_usual_device(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if k != "device" or v != "cpu"}


class Study(Record):
    """A published headline claim: `figure` is the paper's own words in short, `value` in `unit` against `baseline` its
    number where it has one. `untested` says which part cannot be tested here, and why."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str = Field(min_length=3, max_length=200)
    group: Literal["attention", "caching", "quantization", "decoding"]
    source: str = Field(min_length=3, max_length=300)
    citation: str = ""
    figure: str = Field(min_length=3, max_length=500)
    value: float | None = None
    unit: str = ""
    baseline: str = ""
    under: str = ""
    direction: Literal["higher", "lower", "equal", ""] = ""
    untested: str = Field("", max_length=500)

    @model_validator(mode="before")
    @classmethod
    def _without_what_follows_from_the_claims(cls, given: Any) -> Any:
        """Briefs and packages once said `needs_gpu` themselves."""
        return {k: v for k, v in given.items() if k != "needs_gpu"} if isinstance(given, Mapping) else given


def outcome(stated: Iterable[Stated], found: Mapping[str, Status]) -> StudyOutcome:
    """What came of a study: from the statuses of its stated claims by id, and never set by hand.

    `stated` are all claims that it states; one without a status was not tested. Only headline and mechanism count; a
    claim that asks why is read beside the outcome, and what waits for a CUDA device does not count before it is
    measured. Where no headline is left among what counts, the mechanism is all that was tested.
    """
    counted = [s for s in stated if s.part != "why" and (s.device == "cpu" or s.id in found)]
    if not counted:
        return "not testable here"
    came = [found.get(s.id) for s in counted]
    if all(status == "supported" for status in came):
        headline = any(s.part == "headline" for s in counted)
        return "replicated" if headline else "mechanism replicated, headline needs a GPU"
    if "supported" in came:
        return "partly replicated"
    return "not replicated" if "refuted" in came else "undecided"
