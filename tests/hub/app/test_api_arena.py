"""Votes by programs: the same arena as the page's."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.hub.arena import votes
from evidentia.workspace.home import Workspace

BEARER = {"authorization": "Bearer a token for these tests alone"}


def ballot(reader: TestClient, voter: str = "robot") -> dict[str, Any]:
    pair = reader.get("/api/arena/pair", params={"voter": voter}).json()
    return {**pair, "left_version": 1, "right_version": 1, "answer": "left", "voter": voter}


def test_a_pair_a_vote_and_ranks(reader: TestClient, home: Workspace) -> None:
    for count in range(1, 4):
        answer = reader.post("/api/arena/votes", json=ballot(reader), headers=BEARER)
        assert answer.status_code == 201, answer.text
        assert len(votes(home)) == count
    assert reader.get("/api/arena/pair", params={"voter": "robot"}).json() == {"left": None, "right": None}
    ranks = reader.get("/api/arena/ranks", params={"limit": 2}).json()
    assert ranks["total"] == 3
    assert [item["rank"] for item in ranks["items"]] == [1, 2]
    assert reader.get(ranks["next"]).json()["items"][0]["rank"] == 3


@pytest.mark.parametrize("change", [{"right": "nope"}, {"answer": "maybe"}, {"voter": ""}, {"left_version": 0}])
def test_a_bad_vote_is_refused(reader: TestClient, home: Workspace, change: dict[str, Any]) -> None:
    answer = reader.post("/api/arena/votes", json={**ballot(reader), **change}, headers=BEARER)
    assert answer.status_code in (400, 404, 422)
    assert "error" in answer.json()
    assert votes(home) == []


def test_a_vote_needs_the_token(reader: TestClient, home: Workspace) -> None:
    assert reader.post("/api/arena/votes", json=ballot(reader)).status_code == 401
    assert votes(home) == []
