"""Tensions: pairs of claims classified as a careful statistician would, siblings pooled, conflicts found once."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.tensions import Measured, candidates, compare, detect, find, measured_claim, pool
from evidentia.hub.tensions.index import FILE
from evidentia.hub.tensions.measured import position
from evidentia.workspace.canonical import canonical
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace, open_workspace

AT: dict[str, Any] = {"capacity": 100, "warmup": 0}
ELSEWHERE: dict[str, Any] = {"capacity": 1000, "warmup": 20_000}


def stated(**changes: Any) -> dict[str, Any]:
    """A claim in the shape of ``show PKG --json``: lfu-perfect is 8 points ahead of lru, standard error 0.1."""
    claim = {
        "id": "C01",
        "metric": "hit_rate",
        "system": "lfu-perfect",
        "baseline": "lru",
        "workload": "caching/zipf",
        "value": 8.0,
        "unit": "pp",
        "n": 25,
        "sd": 0.5,
        "ci": [7.8, 8.2],
        "tolerance": 0.25,
        "conditions": AT,
        "check": {"estimator": "paired_difference", "confidence": 0.95},
    }
    check = {**claim["check"], **changes.pop("check", {})}  # type: ignore[dict-item]
    return {**claim, "check": check, **changes}


def measured(seeds: tuple[int, ...] = (), ref: str = "a@v1#C01", machine: str = "", **changes: Any) -> Measured:
    return measured_claim(stated(**changes), ref=ref, run=ref, seeds=seeds, machine=machine)


MEAN: dict[str, Any] = {"baseline": "", "unit": "%", "value": 64.0, "check": {"estimator": "mean"}}
RATIO: dict[str, Any] = {
    **{"metric": "throughput", "unit": "x", "tolerance": 0.05},
    "check": {"estimator": "paired_ratio"},
}
NO_SPREAD: dict[str, Any] = {"sd": None, "ci": None}
NAN = float("nan")

Case = tuple[str, dict[str, Any], dict[str, Any], str, str]
PAIRS: list[Case] = [
    # Equal conditions: z and materiality decide.
    ("apart", {}, {"value": 5.0}, "tension", "3 points at a standard error of 0.14 under the same conditions"),
    ("opposite signs", {}, {"value": -8.0}, "contradiction", "each is surely not zero, and on its own side of it"),
    ("sign unsure", {}, {"value": -0.1}, "tension", "-0.1 with standard error 0.1 may be positive: no sign to oppose"),
    ("the same", {}, {"value": 8.01}, "confirmation", "the 90 % interval, 0.01 ± 0.24, lies within 0.25"),
    ("wide overlap", {"sd": 5.0}, {"sd": 5.0, "value": 8.4}, "inconclusive", "z = 0.3, but 0.25 is not shown either"),
    ("overlapping intervals", {}, {"value": 8.35}, "inconclusive", "they overlap, z = 2.5: neither same nor other"),
    ("tiny but significant", {"sd": 0.01}, {"sd": 0.01, "value": 8.1}, "confirmation", "z = 35 on 0.1, within 0.25"),
    ("significant, immaterial", {"sd": 0.01}, {"sd": 0.01, "value": 8.4}, "inconclusive",
     "0.4 is under the 0.5 that matters"),
    ("large but noisy", {"sd": 20.0}, {"sd": 20.0, "value": 14.0}, "inconclusive", "6 points, but z is 1.1"),
    ("below a wide tolerance", {}, {"value": 9.0, "tolerance": 2.0}, "inconclusive", "1 is within one of the two"),
    ("both wide tolerances", {"tolerance": 2.0}, {"value": 9.0, "tolerance": 2.0}, "confirmation", "both allow 2"),
    ("below 5 % of a large value", {"value": 90.0}, {"value": 87.0}, "inconclusive", "3 of 90 points is under 5 %"),
    ("just z = 3", {"sd": 1.0}, {"sd": 1.0, "value": 8.0 + 3 * math.sqrt(2) * 0.2}, "tension", "0.85 is material"),
    ("just below z = 3", {"sd": 1.0}, {"sd": 1.0, "value": 8.84}, "inconclusive", "z = 2.97"),
    # Spread: what is not stated is not made up.
    ("missing n", {"n": None, "ci": None}, {"value": 5.0}, "inconclusive", "a deviation without n gives no error"),
    ("missing sd and interval", NO_SPREAD, {"value": 5.0}, "inconclusive", "a bare number cannot be weighed"),
    ("interval alone", {"n": None, "sd": None}, {"value": 5.0}, "tension", "±0.2 at 95 % is an error of 0.1"),
    ("interval without its level", {"n": None, "sd": None, "check": {"confidence": None}}, {"value": 5.0},
     "inconclusive", "±0.2 of what level?"),
    ("interval without its value", {"n": None, "sd": None, "ci": [1.0, 2.0]}, {"value": 5.0},
     "inconclusive", "8 is not in [1, 2]: one of them is wrong"),
    ("n = 1", {"n": 1}, {"value": 5.0}, "inconclusive", "one run says nothing about spread, whatever sd is stated"),
    ("n = 2", {"n": 2, "sd": 0.1}, {"n": 2, "sd": 0.1, "value": 8.0}, "inconclusive",
     "the t interval on so few is wider than 0.25"),
    ("NaN", {"value": NAN}, {}, "inconclusive", "not a number is not a value"),
    ("infinite", {"value": math.inf}, {}, "inconclusive", "nor is infinity"),
    ("no value", {"value": None}, {}, "inconclusive", "nothing was measured"),
    ("NaN deviation", {"sd": NAN, "ci": None}, {"value": 5.0}, "inconclusive", "an error of NaN is none"),
    ("negative deviation", {"sd": -0.5, "ci": None}, {"value": 5.0}, "inconclusive", "no deviation is negative"),
    ("both exact, equal", {"sd": 0.0}, {"sd": 0.0}, "confirmation", "no spread, no difference, on other data"),
    ("both exact, apart", {"sd": 0.0}, {"sd": 0.0, "value": 7.0}, "tension", "two exact values a point apart"),
    ("one exact", {"sd": 0.0}, {"value": 5.0}, "tension", "the other's error alone makes z = 30"),
    ("no tolerance", {"tolerance": None}, {"tolerance": None}, "inconclusive", "equal to within what?"),
    # Conditions.
    ("other conditions", {}, {"conditions": ELSEWHERE, "value": 5.8}, "boundary", "both may be true where they hold"),
    ("other conditions, opposite signs", {}, {"conditions": ELSEWHERE, "value": -8.0}, "boundary",
     "a sign may turn with the conditions"),
    ("other conditions, the same", {}, {"conditions": ELSEWHERE}, "robustness", "8 in both places"),
    ("other conditions, noisy", {"sd": 20.0}, {"conditions": ELSEWHERE, "value": 14.0, "sd": 20.0}, "inconclusive",
     "noise is no boundary"),
    ("one condition missing", {}, {"conditions": {"capacity": 100}, "value": -8.0}, "boundary",
     "the warm-up may differ: no contradiction, but there may be a boundary"),
    ("one condition missing, the same", {}, {"conditions": {"capacity": 100}}, "inconclusive",
     "they agree, but nobody knows whether it was the same protocol"),
    ("no conditions at all", {"conditions": {}}, {"conditions": {}, "value": -8.0}, "boundary",
     "silence twice is not equality"),
    ("a condition that is None", {}, {"conditions": {**AT, "warmup": None}, "value": 5.0}, "boundary",
     "None is not a value that was set"),
    ("a whole number as a fraction", {}, {"conditions": {"capacity": 100.0, "warmup": 0}, "value": 5.0}, "tension",
     "100 and 100.0 are the same capacity"),
    ("true is not one", {"conditions": {"flag": True}}, {"conditions": {"flag": 1}, "value": 5.0}, "boundary",
     "a switch is not a count"),
    # What is compared.
    ("alias of the metric", {}, {"metric": "Hit Ratio", "value": 5.0}, "tension", "a hit ratio is a hit rate"),
    ("complement of the metric", {}, {"metric": "miss rate"}, "not comparable", "a miss rate is what is left of it"),
    ("other system", {}, {"system": "arc"}, "not comparable", "another policy"),
    ("other baseline", {}, {"baseline": "fifo"}, "not comparable", "ahead of something else"),
    ("swapped", {}, {"system": "lru", "baseline": "lfu-perfect", "value": -8.0}, "not comparable",
     "a gap the other way round is another claim, and is said to be"),
    ("other workload", {}, {"workload": "caching/scan"}, "not comparable", "another request stream"),
    ("other dataset", {"dataset": "twitter-12"}, {"dataset": "twitter-34"}, "not comparable", "another trace"),
    ("dataset among the conditions", {"conditions": {**AT, "dataset": "a"}}, {"conditions": {**AT, "dataset": "b"}},
     "not comparable", "wherever it is written"),
    ("other quantity", {}, {"check": {"estimator": "regret"}}, "not comparable", "a regret is no gap"),
    # Units.
    ("% and fraction", MEAN, {**MEAN, "unit": "fraction", "value": 0.60, "sd": 0.005, "tolerance": 0.0025}, "tension",
     "64 % and 0.60 are one dimension, four points apart"),
    ("% and fraction, the same", MEAN, {**MEAN, "unit": "fraction", "value": 0.64, "sd": 0.005, "tolerance": 0.0025},
     "confirmation", "64 % is 0.64"),
    ("pp and %", {}, {"unit": "%"}, "not comparable", "8 points are not 8 %"),
    ("ms and s", {"metric": "time", "workload": "attention", "unit": "ms", "value": 8.0},
     {"metric": "time", "workload": "attention", "unit": "s", "value": 0.008, "sd": 0.0005, "tolerance": 0.00025},
     "confirmation", "8 ms are 0.008 s"),
    ("time and memory", {"unit": "ms"}, {"unit": "bytes"}, "not comparable", "not one dimension"),
    ("unknown unit", {"unit": "furlongs"}, {"unit": "furlongs", "value": 5.0}, "not comparable",
     "an unknown unit is never guessed, not even against itself"),
    ("no unit", {"unit": ""}, {"value": 5.0}, "not comparable", "a number without a unit is no measurement"),
    # Ratios are compared as logarithms.
    ("ratios apart", {**RATIO, "value": 2.0, "sd": 0.05}, {**RATIO, "value": 1.5, "sd": 0.05}, "tension",
     "ln(2/1.5) is 20 of its standard errors"),
    ("ratios on both sides of one", {**RATIO, "value": 2.0, "sd": 0.05}, {**RATIO, "value": 0.5, "sd": 0.05},
     "contradiction", "twice as fast and half as fast"),
    ("ratio not positive", {**RATIO, "value": 2.0}, {**RATIO, "value": -2.0}, "inconclusive", "no ratio is negative"),
    ("ratios alike", {**RATIO, "value": 2.0, "sd": 0.02}, {**RATIO, "value": 2.02, "sd": 0.02}, "confirmation",
     "1 % apart, and 5 % are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "a", "b", "verdict", "why"), PAIRS, ids=[case[0] for case in PAIRS])
def test_a_pair_is_classified_as_a_careful_statistician_would(
    name: str, a: dict[str, Any], b: dict[str, Any], verdict: str, why: str
) -> None:
    one, other = measured(ref="a@v1#C01", **a), measured(ref="b@v1#C01", **b)
    for pair in ((one, other), (other, one)):
        found = compare(*pair)
        assert found.verdict == verdict, f"{why}: {found.reason}"
        assert found.reason


def test_the_same_seeds_are_the_same_data_and_confirm_nothing() -> None:
    found = compare(measured((0, 1, 2)), measured((0, 1, 2)))
    assert (found.verdict, "same seeds" in found.reason) == ("inconclusive", True)
    assert compare(measured((0, 1, 2)), measured((2, 3, 4))).verdict == "inconclusive"
    assert compare(measured((0, 1, 2)), measured((3, 4, 5))).verdict == "confirmation"


def test_the_same_seeds_with_other_values_are_in_conflict_all_the_same() -> None:
    assert compare(measured((0, 1)), measured((0, 1), value=5.0)).verdict == "tension"


def test_other_conditions_make_other_data_of_the_same_seeds() -> None:
    assert compare(measured((0, 1)), measured((0, 1), conditions=ELSEWHERE)).verdict == "robustness"


def test_a_timed_metric_depends_on_the_machine_and_not_on_its_seeds() -> None:
    fast, slow = (
        measured((0, 1), machine=name, **{**RATIO, "value": value, "sd": 0.05})
        for name, value in (("fast", 2.0), ("slow", 1.5))
    )
    found = compare(fast, slow)
    assert (found.verdict, found.differing) == ("boundary", ("machine",))
    again = compare(fast, fast.model_copy(update={"value": 2.01}))
    assert again.verdict == "confirmation"


def test_swapped_sides_are_named_as_such() -> None:
    swapped = measured(system="lru", baseline="lfu-perfect", value=-8.0)
    assert "swapped" in compare(measured(), swapped).reason


def test_levels_of_a_sweep_are_conditions() -> None:
    trends = [
        measured(check={"estimator": "change_over_range", "parameter": "capacity", "levels": levels}, value=value)
        for levels, value in (([30, 100], 8.0), ([30, 3000], 20.0))
    ]
    found = compare(*trends)
    assert (found.verdict, found.differing) == ("boundary", ("levels of capacity",))


numbers = st.floats(-50, 50).filter(lambda x: x == 0 or abs(x) > 1e-3)
spreads = st.floats(0.01, 20)
counts = st.integers(2, 60)


@given(numbers, numbers, spreads, spreads, counts, counts)
@settings(max_examples=200, deadline=None)
def test_z_and_equivalence_are_those_of_the_textbook(
    a: float, b: float, sd_a: float, sd_b: float, n_a: int, n_b: int
) -> None:
    from scipy.stats import ttest_ind_from_stats

    found = compare(measured(value=a, sd=sd_a, n=n_a, tolerance=1.0), measured(value=b, sd=sd_b, n=n_b, tolerance=1.0))
    z = abs(a - b) / math.sqrt(sd_a**2 / n_a + sd_b**2 / n_b)
    assert found.z == pytest.approx(z, rel=1e-9, abs=1e-12)
    sides = [
        ttest_ind_from_stats(a + shift, sd_a, n_a, b, sd_b, n_b, equal_var=False, alternative=alternative).pvalue
        for shift, alternative in ((1.0, "greater"), (-1.0, "less"))
    ]
    if abs(max(sides) - 0.05) > 1e-6 and found.verdict in ("confirmation", "inconclusive"):
        assert (found.verdict == "confirmation") == (max(sides) < 0.05)
    if found.verdict in ("tension", "contradiction"):
        assert z >= 3
        assert abs(a - b) > max(1.0, 0.5, 0.05 * max(abs(a), abs(b)))


def sample(values: list[float], seeds: tuple[int, ...], ref: str, **changes: Any) -> Measured:
    return measured(seeds, ref, value=statistics.fmean(values), sd=statistics.stdev(values), n=len(values), **changes)


@given(st.lists(st.floats(7.9, 8.1), min_size=6, max_size=30), st.data())
@settings(max_examples=100, deadline=None)
def test_pooling_siblings_is_measuring_them_together(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(2, len(values) - 2))
    seeds = tuple(range(len(values)))
    parts = [
        sample(values[:cut], seeds[:cut], "a@v1#C01", tolerance=5.0),
        sample(values[cut:], seeds[cut:], "b@v1#C01", tolerance=5.0),
    ]
    (found,) = pool(parts)
    whole = sample(values, seeds, "c@v1#C01")
    assert (found.n, found.seeds, found.pooled) == (whole.n, whole.seeds, ("b@v1#C01",))
    assert found.value == pytest.approx(whole.value, rel=1e-12)
    assert found.sd == pytest.approx(whole.sd, rel=1e-6, abs=1e-9)


def test_equal_or_overlapping_seeds_are_never_counted_twice() -> None:
    first = measured(tuple(range(25)), "a@v1#C01")
    again = measured(tuple(range(25)), "b@v1#C01")
    part = measured((24, 25, 26, 27, 28), "c@v1#C01", n=5)
    fresh = measured((40, 41, 42, 43, 44), "d@v1#C01", n=5)
    (found,) = pool([first, again, part, fresh])
    assert (found.n, len(found.seeds)) == (30, 30)
    (unknown,) = pool([measured((), "a@v1#C01"), measured((), "b@v1#C01")])
    assert unknown.n == 25


def test_intervals_are_pooled_by_inverse_variance() -> None:
    without: dict[str, Any] = {"n": None, "sd": None, "check": {"confidence": 0.95}, "tolerance": 5.0}
    parts = [
        measured((1,), "a@v1#C01", value=8.0, ci=[7.0, 9.0], **without),
        measured((2,), "b@v1#C01", value=9.0, ci=[7.0, 11.0], **without),
    ]
    (found,) = pool(parts)
    errors = [position(p, "pp").error for p in parts]
    weights = [1 / e**2 for e in errors]
    assert found.value == pytest.approx((8 * weights[0] + 9 * weights[1]) / sum(weights))
    assert position(found, "pp").error == pytest.approx(math.sqrt(1 / sum(weights)), rel=1e-3)


def test_siblings_in_conflict_are_not_pooled() -> None:
    found = pool([measured((0, 1), "a@v1#C01"), measured((2, 3), "b@v1#C01", value=-8.0)])
    assert [f.value for f in found] == [8.0, -8.0]


# Over a workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


Add = Callable[..., None]


@pytest.fixture
def add(workspace: Workspace) -> Add:
    """Puts a package of bare claims into the workspace: all that detection reads."""

    def put(name: str, *claims: dict[str, Any], run: str = "", seeds: tuple[int, ...] = (), version: int = 1) -> None:
        place = workspace.packages / name / f"v{version}"
        place.mkdir(parents=True)
        numbered = [{**c, "id": f"C{i:02d}", "evidence": ["e"]} for i, c in enumerate(claims, start=1)]
        body = {
            "run": run or f"run of {name}",
            "created": f"2026-01-01T00:00:00.{len(list(workspace.packages.iterdir())):06d}+00:00",
            "claims": numbered,
            "entry_points": [{"evidence": "e"}],
            "branch": {"runs": [{"evidence": {"seeds": list(seeds), "environment": {"processor": "p"}}}]},
        }
        (place / "manifest.json").write_bytes(canonical(body))

    return put


def opened(workspace: Workspace) -> list[tuple[str, str]]:
    if not workspace.ledger_path.exists():
        return []
    events = [e for e in read_events(workspace.ledger_path) if e.kind == "tension.opened"]
    return [(e.payload["tension"], e.payload["class"]) for e in events]


def test_an_empty_workspace_has_no_tensions(workspace: Workspace) -> None:
    assert detect(workspace).items == []


def test_a_boundary_is_found_and_written_into_the_ledger_once(workspace: Workspace, add: Add) -> None:
    add("small", stated())
    assert detect(workspace).items == []
    add("large", stated(conditions=ELSEWHERE, value=5.8))
    (item,) = detect(workspace).items
    assert item["claims"] == ["small@v1#C01", "large@v1#C01"]
    assert (item["class"], item["state"]) == ("boundary", "open")
    assert item["conditions_differing"] == ["capacity", "warmup"]
    assert opened(workspace) == [(item["id"], "boundary")]
    assert detect(workspace).items == [item]
    assert opened(workspace) == [(item["id"], "boundary")]


def test_the_index_may_be_deleted(workspace: Workspace, add: Add) -> None:
    add("small", stated())
    add("large", stated(conditions=ELSEWHERE, value=5.8))
    add("other", stated(value=-8.0))
    before, ledger = detect(workspace, everything=True), workspace.ledger_path.read_bytes()
    (workspace.cache / FILE).unlink()
    assert detect(workspace, everything=True) == before
    (workspace.cache / FILE).write_bytes(b"not a database")
    assert detect(workspace, everything=True) == before
    assert workspace.ledger_path.read_bytes() == ledger


def test_one_by_one_or_all_at_once_the_same_is_found(workspace: Workspace, add: Add, tmp_path: Path) -> None:
    for number in range(8):
        add(f"p{number}", stated(conditions={"capacity": 100 * (number % 3)}, value=8.0 - number), seeds=(number,))
        detect(workspace, everything=True)
    gradually = detect(workspace, everything=True).items
    (workspace.cache / FILE).unlink()
    assert detect(workspace, everything=True).items == gradually


def test_levels_measured_by_both_packages_are_compared_with_each_other(workspace: Workspace, add: Add) -> None:
    def at(capacity: int, requests: int, value: float) -> dict[str, Any]:
        return stated(conditions={"capacity": capacity, "requests": requests}, value=value)

    add("small", at(100, 1000, 8.0), at(100, 200_000, 8.1), at(100, 5000, 8.2))
    add("large", at(1000, 1000, 5.0), at(1000, 200_000, 5.1), at(1000, 5000, 5.2))
    (item,) = detect(workspace).items
    assert item["conditions_differing"] == ["capacity"]
    assert item["claims"] == ["small@v1#C02", "large@v1#C02"], "the pair at the library's default stands for the rest"
    pairs = [i["claims"] for i in detect(workspace, everything=True).items]
    assert pairs.count(["small@v1#C01", "large@v1#C01"]) == 1
    assert len(pairs) == 3, "1,000 requests are not compared with 5,000"


def test_two_meanings_of_one_name_are_two_conditions_of_one_thing(workspace: Workspace, add: Add) -> None:
    """LFU that keeps the counts of what it evicts, and LFU that forgets them: “LFU” in both abstracts."""
    add("kept", stated(value=11.8))
    add("forgotten", stated(value=9.5, system="lfu-in-cache"))
    (item,) = detect(workspace).items
    assert (item["class"], item["conditions_differing"]) == ("boundary", ["counts"])
    assert item["about"]["system"] == "lfu"
    assert item["values"] == [11.8, 9.5]


def test_where_both_mean_the_same_its_own_name_is_told(workspace: Workspace, add: Add) -> None:
    add("small", stated(system="lfu-in-cache"))
    add("large", stated(system="lfu-in-cache", conditions=ELSEWHERE, value=5.8))
    (item,) = detect(workspace).items
    assert (item["about"]["system"], item["conditions_differing"]) == ("lfu-in-cache", ["capacity", "warmup"])


def test_one_meaning_held_against_the_other_is_a_comparison_of_its_own() -> None:
    both = measured(system="lfu-perfect", baseline="lfu-in-cache")
    assert (both.system, both.baseline) == ("lfu-perfect", "lfu-in-cache")
    assert "counts" not in both.conditions
    assert compare(both, measured()).verdict == "not comparable"


def test_what_one_run_varied_by_plan_is_no_boundary(workspace: Workspace, add: Add) -> None:
    add("a", stated(), stated(conditions=ELSEWHERE, value=5.8), run="run")
    add("b", stated(conditions={"capacity": 30, "warmup": 0}, value=3.0), run="run")
    assert detect(workspace, everything=True).items == []


def test_what_was_measured_to_explain_a_tension_opens_no_boundary(workspace: Workspace, add: Add) -> None:
    """Its settings are those of others, by plan; where they are the same, it disagrees like anyone."""
    add("published", stated())
    add("why", stated(conditions=ELSEWHERE, value=5.8), run="explain-t-0123456789")
    assert detect(workspace).items == []
    add("why-again", stated(value=6.0), run="explain-t-9876543210")
    assert [i["class"] for i in detect(workspace).items] == ["tension"]


def test_siblings_of_a_run_are_pooled_before_they_are_compared(workspace: Workspace, add: Add) -> None:
    noisy: dict[str, Any] = {"sd": 1.3, "n": 5, "tolerance": 0.1}
    for number in range(4):
        add(f"sibling{number}", stated(**noisy), run="run", seeds=tuple(range(5 * number, 5 * number + 5)))
    add("other", stated(value=6.9, **noisy), seeds=(100,))
    (item,) = [i for i in detect(workspace, everything=True).items if "other@v1#C01" in i["claims"]]
    alone = compare(measured(**noisy), measured(value=6.9, **noisy))
    assert alone.z is not None
    assert item["z"] > 1.2 * alone.z
    assert item["pooled"] == [["sibling1@v1#C01", "sibling2@v1#C01", "sibling3@v1#C01"], []]


def test_a_conflict_that_more_data_take_back_is_no_longer_listed(workspace: Workspace, add: Add) -> None:
    add("other", stated(value=6.9, sd=0.5, n=5), seeds=(100,))
    add("first", stated(sd=0.5, n=5), run="run", seeds=(0, 1, 2, 3, 4))
    (item,) = detect(workspace).items
    add("second", stated(value=7.5, sd=3.0, n=45), run="run", seeds=tuple(range(5, 50)))
    assert detect(workspace).items == []
    (now,) = [i for i in detect(workspace, everything=True).items if i["id"] == item["id"]]
    assert now["class"] == "inconclusive"


def test_only_the_latest_version_speaks(workspace: Workspace, add: Add) -> None:
    add("small", stated())
    add("large", stated(conditions=ELSEWHERE, value=5.8))
    assert len(detect(workspace).items) == 1
    add("large", stated(conditions=ELSEWHERE, value=8.0), version=2)
    assert detect(workspace).items == []
    (item,) = detect(workspace, everything=True).items
    assert (item["class"], item["claims"]) == ("robustness", ["small@v1#C01", "large@v2#C01"])


def test_a_package_that_cannot_be_read_is_named_and_left_out(workspace: Workspace, add: Add) -> None:
    add("small", stated())
    add("large", stated(conditions=ELSEWHERE, value=5.8))
    claim = {"id": "C01", "evidence": ["e"]}
    hostile: dict[str, Any] = {
        "broken": b"{",
        "foreign": [],
        "hollow": {"claims": [{}]},
        "listed": {"claims": [{**claim, "check": []}], "entry_points": 3},
        "nested": {"claims": [{**claim, "evidence": [{}]}]},
        "seeded": {"claims": [claim], "entry_points": [{"evidence": "e"}], "branch": {"runs": [
            {"evidence": {"seeds": ["one"]}}]}},
        "vast": b'{"claims": [{"id": "C01", "value": 1' + b"0" * 400 + b"}]}",
    }  # fmt: skip
    for name, body in hostile.items():
        (workspace.packages / name / "v1").mkdir(parents=True)
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        (workspace.packages / name / "v1" / "manifest.json").write_bytes(text)
    found = detect(workspace)
    assert len(found.items) == 1
    assert [name for name, why in zip(sorted(hostile), found.unread, strict=True) if name in why] == sorted(hostile)


def test_a_ledger_that_was_changed_is_refused(workspace: Workspace, add: Add) -> None:
    add("small", stated())
    add("large", stated(conditions=ELSEWHERE, value=5.8))
    detect(workspace)
    text = workspace.ledger_path.read_text()
    workspace.ledger_path.write_text(text.replace("boundary", "tension"))
    with pytest.raises(IntegrityError, match="changed"):
        detect(workspace)


def test_an_unknown_tension_is_refused_with_those_there_are(workspace: Workspace, add: Add) -> None:
    add("small", stated())
    add("large", stated(conditions=ELSEWHERE, value=5.8))
    (item,) = detect(workspace).items
    assert find(workspace, item["id"][:6])[0]["id"] == item["id"]
    with pytest.raises(BadInputError, match=item["id"]):
        find(workspace, "t-nothing")


def test_real_packages_of_opposite_sign_contradict_each_other(workspace: Workspace, bench: Any) -> None:
    own = type(bench)(workspace, bench.sandbox)
    for gap, seeds in ((8.0, (0, 1, 2, 3, 4)), (-8.0, (5, 6, 7, 8, 9)), (8.0, (10, 11, 12, 13, 14))):
        own.build([own.look(gap, seeds, spread=0.1)])
    classes = sorted(i["class"] for i in detect(workspace, everything=True).items)
    assert classes == ["confirmation", "contradiction", "contradiction"]
    kinds = [e.kind for e in read_events(workspace.ledger_path)]
    assert kinds.count("tension.opened") == 2
    assert kinds.count("replication.confirmed") == 1


def test_work_grows_with_the_packages_and_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def counting(a: Measured, b: Measured) -> Any:
        nonlocal calls
        calls += 1
        return compare(a, b)

    monkeypatch.setattr("evidentia.hub.tensions.candidates.compare", counting)
    spent = {}
    for size in (200, 400):
        calls = 0
        crowd = [
            measured(ref=f"p{i}@v1#C01", value=8.0 + i % 7, conditions={"capacity": i // 2, "warmup": i % 3})
            for i in range(size)
        ]
        list(candidates.pairs(crowd, {c.ref for c in crowd}))
        spent[size] = calls
    assert spent[400] <= 2.2 * spent[200]
    assert spent[400] <= 400 * (candidates.NEIGHBOURS + candidates.REPLICATIONS + 2)


def test_json_of_every_item_is_plain(workspace: Workspace, add: Add) -> None:
    add("a", stated(sd=0.0))
    add("b", stated(sd=0.0, value=5.0))
    (item,) = detect(workspace).items
    assert json.loads(json.dumps(item, allow_nan=False)) == item
