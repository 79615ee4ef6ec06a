"""Compare: what is drawn and laid side by side is what was there, and odd addresses are one sentence."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from evidentia.graph.replay import journal_of
from evidentia.hub.app.differences import WIDTH, Number, measures, parting, side_by_side
from evidentia.hub.app.sides import ancestor, side
from evidentia.workspace.home import Workspace

Explored = tuple[Workspace, str]
LINES = st.lists(st.sampled_from(["a", "b", "c", "", "  x = 1", "<b>"]), max_size=60)


@given(LINES, LINES)
def test_both_texts_can_be_read_back_from_the_rows(left: list[str], right: list[str]) -> None:
    rows = side_by_side("\n".join(left), "\n".join(right))
    for which, text in (("left", "\n".join(left).splitlines()), ("right", "\n".join(right).splitlines())):
        at = 0
        for row in rows:
            number = getattr(row, f"{which}_number")
            if row.kind == "skipped":
                at += row.skipped
            elif number:
                assert number == at + 1
                assert getattr(row, which) == text[at]
                at += 1
        assert at == len(text)
    assert all(row.left == row.right for row in rows if row.kind == "same")
    assert all(row.skipped > 1 for row in rows if row.kind == "skipped")


def test_two_long_equal_texts_are_one_row() -> None:
    text = "\n".join(f"line {n}" for n in range(1500))
    assert [(row.kind, row.skipped) for row in side_by_side(text, text)] == [("skipped", 1500)]


VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@settings(deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12))
def test_places_keep_the_order_of_the_values(values: list[tuple[float, float]]) -> None:
    pairs = [("l", "pp", Number(a, a, a, "", ""), Number(b, min(a, b), b + abs(a), "", "")) for a, b in values]
    drawn = measures(pairs, shared=True)
    points = [(n.value, p.x) for pair, m in zip(pairs, drawn, strict=True) for n, p in zip(pair[2:], (m.left, m.right), strict=True) if n and p]  # fmt: skip # noqa: E501
    for (a, x), (b, y) in pairwise(sorted((v, x) for v, x in points if v is not None and x is not None)):
        assert a <= b
        assert x <= y
    for measure in drawn:
        for point in (measure.left, measure.right):
            assert point is not None
            assert point.x is not None
            assert 0 <= point.low <= point.x + 1e-9 <= point.high + 1e-8 <= WIDTH + 1e-6


def test_a_number_without_a_value_is_told_but_not_drawn() -> None:
    (measure,) = measures([("l", "pp", Number(None, 0, 0, "no value (crashed), n = 0", ""), None)], shared=True)
    assert measure.left is not None
    assert (measure.left.x, measure.left.told) == (None, "no value (crashed), n = 0")
    assert (measure.right, measure.zero) == (None, None)


def nodes(home: Workspace, run: str) -> list[str]:
    journal = journal_of(home, run)
    return [journal.tree.node_of[h] for h, b in journal.branches.items() if b.package]


def test_a_branch_and_its_package_say_the_same(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    journal = journal_of(home, run)
    branch = next(b for b in journal.branches.values() if b.package and b.claims)
    left, right = side(home, f"runs/{run}/{journal.tree.node_of[branch.id]}"), side(home, f"packages/{branch.package}")
    assert left.hypothesis == right.hypothesis
    assert left.claims == right.claims
    assert [r.evidence.script for r in left.runs] == [r.evidence.script for r in right.runs]
    assert parting(left, right)[1:] == (None, None)
    text = visitor.get("/compare", params={"left": left.address, "right": right.address}).text
    assert "alike in all" in text
    for claim in left.claims:
        assert claim.id.isalnum()
    assert text.count('<svg class="whiskers"') == len(left.claims)


def test_the_ancestor_is_the_closest_shared_branch(explored: Explored) -> None:
    home, run = explored
    names = nodes(home, run)
    tree = journal_of(home, run).tree
    for a in names:
        for b in names:
            found = ancestor(home, side(home, f"runs/{run}/{a}"), side(home, f"runs/{run}/{b}"))
            above = [n.id for n in tree.path(a) if n.id in {m.id for m in tree.path(b)} and n.id in names]
            assert (found.node if found else None) == (above[-1] if above else None)


def test_two_branches_show_settings_code_and_numbers(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    first, second = nodes(home, run)[:2]
    answer = visitor.get("/compare", params={"left": f"runs/{run}/{first}", "right": f"runs/{run}/{second}"})
    assert answer.status_code == 200
    for heading in ("First divergent step", "Configuration", "Claims", "Code"):
        assert f">{heading}</h2>" in answer.text
    assert " style=" not in answer.text
    assert "<tr class=" in answer.text


def test_a_run_is_like_itself(explored: Explored, visitor: TestClient) -> None:
    run = explored[1]
    text = visitor.get("/compare", params={"left": f"runs/{run}", "right": run}).text
    assert "They are alike in all" in text
    assert "Every setting is the same." in text


def test_a_missing_side_is_asked_for(explored: Explored, visitor: TestClient) -> None:
    run = explored[1]
    for params in ({}, {"left": f"runs/{run}"}, {"right": f"runs/{run}"}):
        answer = visitor.get("/compare", params=params)
        assert answer.status_code == 200
        assert f'<option value="runs/{run}">' in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "nothing",
        "runs/nothing",
        "packages/nothing",
        "packages/../../etc",
        "../../etc/passwd",
        "/etc",
        "runs/../keys",
        "runs/..",
        "packages/.",
        "runs/a/b/c/d",
        "<script>alert(1)</script>",
        "packages/x@v99",
        "runs//",
        "a\x00b",
    ],
)
def test_odd_addresses_are_one_sentence(explored: Explored, visitor: TestClient, address: str) -> None:
    answer = visitor.get("/compare", params={"left": address, "right": f"runs/{explored[1]}"})
    assert answer.status_code in (400, 404)
    assert "<script>alert" not in answer.text


def test_a_run_is_not_compared_with_a_branch(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    answer = visitor.get("/compare", params={"left": f"runs/{run}", "right": f"runs/{run}/{nodes(home, run)[0]}"})
    assert answer.status_code == 400
    assert visitor.get("/compare", params={"left": f"runs/{run}/N000", "right": run}).status_code == 400
