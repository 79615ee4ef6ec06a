"""Searches against list.index and bisect; timings that behave like timings."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.kernels import registry
from evidentia.kernels.search import binary_search, linear_scan
from evidentia.kernels.search.measurement import lookups

sorted_lists = st.lists(st.integers(-50, 50), unique=True, max_size=40).map(sorted)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=sorted_lists, wanted=st.integers(-60, 60))
def test_both_find_what_bisect_finds(values: list[int], wanted: int) -> None:
    place = bisect_left(values, wanted)
    expected = place if place < len(values) and values[place] == wanted else -1
    assert linear_scan.find(values, wanted) == expected
    assert binary_search.find(values, wanted) == expected


def test_lookups_have_the_stated_share_of_hits() -> None:
    values, wanted = lookups(0, 100, 0.5)
    share = sum(w in values for w in wanted) / len(wanted)
    assert 0.35 < share < 0.65
    assert all(w in values for w in lookups(0, 100, 1.0)[1])
    assert not any(w in values for w in lookups(0, 100, 0.0)[1])


def test_binary_search_wins_on_long_lists_by_far() -> None:
    time = {
        k: registry.measure("search", k, ["time_per_lookup"], seed=0, n=1024)["time_per_lookup"]
        for k in ("linear-scan", "binary-search")
    }
    assert time["linear-scan"] > 3 * time["binary-search"] > 0
