"""Voting in the arena: blinded, only on pairs that were offered, and never twice on the same."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from evidentia.hub.arena import votes
from evidentia.workspace.home import Workspace


def offered(page: str) -> dict[str, str]:
    """The hidden fields of the form."""
    return dict(re.findall(r'<input type="hidden" name="(left|right|offer)" value="([^"]*)"', page))


def test_a_pair_is_blinded(writer: TestClient) -> None:
    page = writer.get("/arena").text
    for mark in ('class="bars"', 'class="rung', "planned by", "reviewed"):
        assert mark not in page


def test_a_whole_round_judges_every_pair_once(writer: TestClient, home: Workspace) -> None:
    for _ in range(3):
        pair = offered(writer.get("/arena").text)
        answer = writer.post(
            "/arena", data={**pair, "answer": "left", "voter": "Ada", "reasons": ["evidence", "clarity"]}
        )
        assert answer.url.path == "/arena"
    given = votes(home)
    assert len({frozenset((v.left, v.right)) for v in given}) == 3
    assert given[0].reasons == ("evidence", "clarity")
    assert "You have judged every pair" in writer.get("/arena").text
    ranks = writer.get("/arena/ranks").text
    assert ranks.count("<tr data-item>") == 3
    assert "Ranks from 3 votes" in ranks


@pytest.mark.parametrize(
    "change",
    [
        {"left": "other@1"},
        {"offer": "guess"},
        {"right": "../../etc@1"},
        {"answer": "first"},
        {"answer": ""},
        {"voter": "  "},
        {"reasons": "beauty"},
        {"comment": "x" * 2001},
    ],
)
def test_what_was_not_offered_or_is_no_answer_is_refused(
    writer: TestClient, home: Workspace, change: dict[str, str]
) -> None:
    pair = offered(writer.get("/arena").text)
    answer = writer.post("/arena", data={**pair, "answer": "left", "voter": "Ada", **change})
    assert answer.status_code in (400, 404, 422)
    assert votes(home) == []


def test_a_reader_sees_the_pair_and_cannot_vote(reader: TestClient, home: Workspace) -> None:
    pair = offered(reader.get("/arena").text)
    assert reader.post("/arena", data={**pair, "answer": "left", "voter": "Ada"}).status_code == 401


def test_a_package_that_cannot_be_read_is_not_offered(writer: TestClient, home: Workspace) -> None:
    name = home.package_names()[0]
    (home.packages / name / "v1" / "manifest.json").write_text("{}")
    for _ in range(3):
        pair = offered(writer.get("/arena").text)
        if pair:
            assert not any(side.startswith(f"{name}@") for side in (pair["left"], pair["right"]))
            writer.post("/arena", data={**pair, "answer": "both", "voter": "Ada"})
