"""Studies: the catalogue that is shipped, what a brief states itself, and outcomes that follow from statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.brief import Brief, read_brief
from evidentia.agents.ideation import ideate
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.protocol import Context, Finding
from evidentia.errors import BadInputError
from evidentia.graph.studies import FOLDER, NEW, Case, catalogue, pick, standing
from evidentia.kernels import registry
from evidentia.workspace.home import open_workspace
from evidentia.workspace.records import Hypothesis
from evidentia.workspace.studies import Part, Stated, outcome

CASES = catalogue(FOLDER)
IDS = [case.study.id for case in CASES]


def test_all_39_studies_of_the_literature_are_there() -> None:
    groups = [case.study.group for case in CASES]
    assert len(CASES) == len(set(IDS)) == 39
    assert {g: groups.count(g) for g in groups} == {"attention": 15, "caching": 11, "quantization": 9, "decoding": 4}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_study_can_be_planned_asks_why_and_fits_the_budget(case: Case) -> None:
    """What it states is registered as it stands, before anything else, and what waits is not."""
    brief = case.brief
    proposed = ideate(BuiltinMind(), context(brief))
    direct = [claim.id for claim in brief.claims if not claim.unless]
    assert sorted(h.stated for h in proposed) == sorted(direct)
    assert any(claim.part == "why" for claim in brief.claims)
    assert any(claim.part != "why" for claim in brief.claims)
    assert brief.budget.max_minutes <= 10


@pytest.mark.parametrize("case", [c for c in CASES if c.study.citation], ids=lambda c: c.study.id)
def test_a_citation_is_an_entry_of_the_bibliography(case: Case) -> None:
    from evidentia.agents.literature.search import bibliography

    assert case.study.citation in bibliography()


def context(brief: Brief, findings: tuple[Finding, ...] = (), registered: tuple[Hypothesis, ...] = ()) -> Context:
    return Context(
        brief=brief,
        literature=(),
        registered=registered,
        findings=findings,
        experiments_left=50,
    )


@pytest.mark.parametrize("came", ["refuted", "null"])
def test_why_is_asked_only_where_the_claim_did_not_hold(came: Any) -> None:
    brief = pick(CASES, "cache-zipf").brief
    gap = next(h for h in ideate(BuiltinMind(), context(brief)) if h.stated == "gap")
    failed = ideate(BuiltinMind(), context(brief, (Finding(gap, came, (), ()),), (gap,)))
    (why,) = [h for h in failed if h.stated == "why"]
    assert why.parent == gap.id
    assert why.origin == "follow-up"
    assert why.sample_plan.first_seed != gap.sample_plan.first_seed
    held = ideate(BuiltinMind(), context(brief, (Finding(gap, "supported", (), ()),), (gap,)))
    assert not [h for h in held if h.stated == "why"]


def test_bounds_are_registered_as_the_brief_gives_them() -> None:
    brief = pick(CASES, "cache-zipf").brief
    gap = next(h for h in ideate(BuiltinMind(), context(brief)) if h.stated == "gap")
    (claim,) = gap.claims
    assert (claim.check.expect.relation, claim.check.expect.low, claim.check.expect.high) == ("inside", 11.6, 12.0)
    assert claim.unit == "pp"
    assert claim.check.where["capacity"] == 100


@pytest.mark.parametrize(
    ("parts", "found", "came"),
    [
        ({"a": "headline", "b": "mechanism"}, {"a": "supported", "b": "supported"}, "replicated"),
        ({"a": "mechanism"}, {"a": "supported"}, "mechanism replicated, headline needs a GPU"),
        ({"a": "headline"}, {"a": "supported"}, "replicated"),
        ({"a": "headline", "b": "mechanism"}, {"a": "refuted", "b": "supported"}, "partly replicated"),
        ({"a": "headline", "b": "mechanism"}, {"b": "supported"}, "partly replicated"),
        ({"a": "headline", "b": "mechanism"}, {"a": "refuted", "b": "inconclusive"}, "not replicated"),
        ({"a": "headline"}, {"a": "inconclusive"}, "undecided"),
        ({"a": "headline"}, {}, "undecided"),
        ({"a": "headline", "w": "why"}, {"a": "refuted", "w": "supported"}, "not replicated"),
        ({"w": "why"}, {"w": "supported"}, "not testable here"),
        ({}, {}, "not testable here"),
        ({"a": "mechanism", "gpu": "headline"}, {"a": "supported"}, "mechanism replicated, headline needs a GPU"),
        ({"a": "headline", "gpu": "headline"}, {"a": "supported"}, "replicated"),
        ({"a": "mechanism", "gpu": "headline"}, {"a": "supported", "gpu": "supported"}, "replicated"),
        ({"a": "mechanism", "gpu": "headline"}, {"a": "supported", "gpu": "refuted"}, "partly replicated"),
        ({"a": "headline", "gpu": "headline"}, {"gpu": "supported"}, "partly replicated"),
        ({"gpu": "headline"}, {}, "not testable here"),
    ],
)
def test_outcomes_follow_from_statuses(parts: dict[str, Part], found: Any, came: str) -> None:
    stated = [
        Stated(
            id=name,
            part=part,
            device="cuda" if name == "gpu" else "cpu",
            family="caching",
            metric="hit_rate",
            system="lru",
            above=0.0,
            unless="a" if part == "why" else "",
        )
        for name, part in parts.items()
    ]
    assert outcome(stated, found) == came


GOOD = {"id": "a", "family": "caching", "metric": "hit_rate", "system": "arc", "versus": "lru", "above": 0.0}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"metric": "speed"}, "speed"),
        ({"system": "lruu"}, "no kernel 'lruu'"),
        ({"family": "search", "system": "linear-scan"}, "hit_rate"),
        ({"above": None}, "no bound"),
        ({"above": 2.0, "below": 1.0}, "cannot hold"),
        ({"part": "why"}, "go together"),
        ({"part": "why", "unless": "b"}, "names no claim before it"),
        ({"device": "cuda"}, "arc does not run on a CUDA device"),
        ({"device": "gpu"}, "'cpu' or 'cuda'"),
        (
            {"family": "attention", "metric": "time", "system": "triton-flash", "versus": "tiled"},
            "not among the brief's",
        ),
        ({"conditions": {"size": 3}}, "no such condition 'size'"),
        ({"conditions": {"capacity": -1}}, "capacity"),
        ({"grid": {"capacity": [100, "many"]}}, "capacity"),
        ({"versus": "arc"}, "do not tell them apart"),
        ({"parameter": "capacity"}, "go together"),
        ({"parameter": "capacity", "levels": [100, 300]}, "at least three levels"),
        ({"estimator": "shapley_ratio"}, "is none of"),
        ({"id": "A B"}, "pattern"),
        ({"abov": 1.0}, "unknown key"),
    ],
)
def test_a_claim_that_cannot_be_tested_is_one_sentence(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    given = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    lines = [f"{k} = {json.dumps(v) if not isinstance(v, dict) else _table(v)}" for k, v in given.items()]
    path = tmp_path / "brief.toml"
    path.write_text('question = "Is ARC better than LRU?"\nfamilies = ["caching"]\n[[claims]]\n' + "\n".join(lines))
    with pytest.raises(BadInputError, match=r"brief\.toml") as caught:
        read_brief(str(path))
    assert told in str(caught.value)


def _table(value: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items()) + " }"


def test_an_ordinary_brief_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('question = "Is ARC better than LRU?"\n')
    with pytest.raises(BadInputError, match="holds no"):
        catalogue(tmp_path)
    with pytest.raises(BadInputError, match="no studies in"):
        catalogue(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="there are"):
        pick(CASES, "nope")


def test_in_a_new_workspace_every_study_is_new(tmp_path: Path) -> None:
    home = open_workspace(tmp_path / "w", create=True)
    assert {case.state for case in standing(home, CASES)} == {NEW}


def test_estimators_that_may_be_stated_all_have_a_form() -> None:
    from evidentia.agents.minds.builtin.forms.stated import KINDS
    from evidentia.agents.statements import ESTIMATORS

    assert set(KINDS) == set(ESTIMATORS)
    assert registry.families()


def test_the_words_of_the_question_fix_nothing_for_what_is_stated() -> None:
    """“Prompt” in the question makes the planner vary the prompts' length; a stated claim has the card's."""
    brief = pick(CASES, "splitwise").brief
    default = registry.parameters("serving-phases")["mean_prompt"].default
    for hypothesis in ideate(BuiltinMind(), context(brief)):
        assert {cell.conditions["mean_prompt"] for cell in hypothesis.cells} == {default}
