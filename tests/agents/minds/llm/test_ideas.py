"""Ideas become hypotheses that the host words, or are refused with what to mend."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st

from evidentia.agents.brief import Brief
from evidentia.agents.ideation import ideate
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.llm.ideas import hypothesis_of
from evidentia.agents.minds.llm.reading import UnusableError
from evidentia.agents.minds.llm.schemas import Form, Idea
from evidentia.agents.minds.protocol import Context, Finding
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis
from tests.agents.minds.llm import brains

BRIEF = Brief(
    question="Does the group size of round-to-nearest quantization matter?",
    families=("quantization",),
    conditions={"in_features": 128},
)
CONTEXT = Context(BRIEF, (), (), ())


def idea(**fields: Any) -> Idea:
    return Idea.model_validate(brains.idea(**fields))


class Proposing(BuiltinMind):
    """Proposes what it is given."""

    def __init__(self, hypothesis: Hypothesis) -> None:
        self.hypothesis = hypothesis

    def propose(self, context: Context) -> list[Hypothesis]:
        return [self.hypothesis]


GOOD: dict[str, dict[str, Any]] = {
    "comparison": {},
    "a larger effect": {"effect": 1.5},
    "equivalence of kernels": {"form": "equivalence"},
    "equivalence of settings": {"form": "equivalence", "rival": "", "parameter": "group_size", "levels": [32, 256]},
    "trend by law": {"form": "trend", "rival": "", "parameter": "bits", "levels": [2, 3, 4], "conditions": {}},
    "trend": {"form": "trend", "rival": "", "parameter": "group_size", "levels": [32, 64, 128]},
    "crossover": {"form": "crossover", "parameter": "bits", "levels": [2, 3, 4], "conditions": {}},
    "crossover of a limit": {"form": "crossover", "rival": "", "parameter": "bits", "conditions": {}},
    "optimum": {"form": "optimum", "rival": "", "parameter": "group_size", "levels": [32, 64, 128], "candidate": 64},
    "interaction": {"form": "interaction", "parameter": "bits", "levels": [3, 6], "conditions": {}},
}


@pytest.mark.parametrize("fields", GOOD.values(), ids=GOOD)
def test_every_form_becomes_one_claim_over_cells_that_can_be_measured(fields: dict[str, Any]) -> None:
    hypothesis = hypothesis_of(idea(**fields), CONTEXT)
    assert len(hypothesis.claims) == 1
    assert ideate(Proposing(hypothesis), CONTEXT) == [hypothesis]
    assert all(c.conditions["in_features"] == 128 for c in hypothesis.cells)
    assert hypothesis.claims[0].check.confidence > BRIEF.seeds.confidence  # shared over the looks


def test_a_bound_is_the_distance_to_an_optimum() -> None:
    brief = Brief(question="How near does LRU come to Belady?", families=("caching",))
    bound = idea(form="bound", family="caching", metric="hit_rate", system="lru", rival="belady", conditions={})
    assert hypothesis_of(bound, Context(brief, (), (), ())).form == "bound"


@pytest.mark.parametrize(
    ("fields", "mend"),
    [
        ({"family": "caching"}, "family: 'caching' is not at hand; there are quantization"),
        ({"metric": "beauty"}, "has no metric 'beauty'; it has output_error"),
        ({"system": "rtn-magic"}, "system: no kernel 'rtn-magic' in quantization; there are rtn-tensor"),
        ({"rival": "rtn-group"}, "rival: it must be another kernel"),
        ({"rival": ""}, "rival: a hypothesis of the form comparison needs one"),
        ({"conditions": {"bits": 99}}, "bits must lie between 2 and 8"),
        ({"conditions": {"bits": "four"}}, "bits must be a number"),
        ({"conditions": {"luck": 1}}, "conditions: no condition 'luck'"),
        ({"conditions": {"in_features": 64}}, "the brief fixes in_features at 128"),
        ({"effect": 1.0001}, "effect: must be at least the smallest effect of interest"),
        ({"form": "equivalence", "effect": 50.0}, "effect: a hypothesis of the form equivalence takes the card's"),
        ({"parameter": "group_size", "levels": [32, 64]}, "write one idea for each level"),
        ({"form": "trend", "parameter": ""}, "parameter: a hypothesis of the form trend needs one"),
        ({"form": "trend", "parameter": "bits"}, "bits is fixed in the conditions"),
        ({"form": "trend", "parameter": "weights"}, "weights has no order"),
        ({"form": "trend", "parameter": "bits", "levels": [2, 3], "conditions": {}}, "at least 3 different levels"),
        ({"form": "trend", "parameter": "bits", "levels": [2, 3, 4, 5, 6, 7], "conditions": {}}, "at most 5"),
        ({"form": "trend", "system": "rtn-tensor", "rival": "", "parameter": "group_size"}, "does nothing here"),
        ({"form": "optimum", "parameter": "group_size", "candidate": 7}, "candidate: must be one of the levels 32"),
        ({"form": "bound"}, "offline optimum"),
        ({"follows": "h-nothing"}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_with_the_mend(fields: dict[str, Any], mend: str | None) -> None:
    if mend is None:  # before anything is found there is nothing to follow: the field is left unread
        assert hypothesis_of(idea(**fields), CONTEXT).parent is None
        return
    with pytest.raises(UnusableError, match=mend):
        hypothesis_of(idea(**fields), CONTEXT)


def test_whoever_has_seen_data_tests_on_other_seeds_and_says_what_it_follows() -> None:
    first = hypothesis_of(idea(), CONTEXT)
    context = Context(BRIEF, (), (first,), (Finding(first, "refuted", (), ()),))
    later = hypothesis_of(idea(conditions={"bits": 3}, follows=first.id), context)
    assert later.sample_plan.first_seed == 1000
    assert (later.parent, later.origin) == (first.id, "follow-up")
    assert later.trigger == "rtn-group against rtn-tensor on output error came out refuted"
    with pytest.raises(UnusableError, match=f"follows: no finding 'h-0'; there are {first.id}"):
        hypothesis_of(idea(conditions={"bits": 3}, follows="h-0"), context)
    with pytest.raises(UnusableError, match=f"registered already as {first.id}"):
        hypothesis_of(idea(), context)


def test_the_reason_is_the_models_and_the_claim_is_the_hosts() -> None:
    found = hypothesis_of(idea(why="Groups follow the weights. It wins by 300 percent! Trust me."), CONTEXT)
    assert found.rationale == "Groups follow the weights. Trust me."
    assert found.statement == "rtn-group beats rtn-tensor on output error by more than a factor of 1.1"


KERNELS = [k.name for k in registry.kernels("quantization")]
PARAMETERS = sorted(registry.parameters("quantization"))
VALUES = st.one_of(st.integers(-5, 300), st.floats(-2, 300), st.booleans(), st.sampled_from(["gaussian", "x"]))
IDEAS = st.builds(
    Idea,
    form=st.sampled_from(list(Form.__args__)),  # type: ignore[attr-defined]
    family=st.sampled_from(["quantization", "quantization", "quantization", "nowhere"]),
    metric=st.sampled_from([m.name for m in registry.family("quantization").metrics]),
    system=st.sampled_from(KERNELS),
    rival=st.sampled_from(["", *KERNELS]),
    parameter=st.sampled_from(["", *PARAMETERS]),
    levels=st.lists(VALUES, max_size=6).map(tuple),
    candidate=st.none() | VALUES,
    conditions=st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=2),
    effect=st.none() | st.floats(0, 3),
    why=st.text(max_size=60),
)


@checked(deadline=None, derandomize=True, max_examples=300)
@given(IDEAS)
def test_any_idea_is_measurable_or_refused_and_never_ends_the_run(anything: Idea) -> None:
    try:
        hypothesis = hypothesis_of(anything, CONTEXT)
    except UnusableError:
        return
    assert ideate(Proposing(hypothesis), CONTEXT) == [hypothesis]
