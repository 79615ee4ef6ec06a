"""Votes: events of the ledger. They rank in the arena alone and change no package's attention."""

from __future__ import annotations

from threading import Lock
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.eventlog import append_event
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_sources import Position, fingerprint, read_tail
from evidentia.workspace.ledger import RUN
from evidentia.workspace.records import Event, Record

KIND = "arena.voted"
ANSWERS = {"left": "The left one", "right": "The right one", "both": "Both are good", "neither": "Neither is good"}
REASONS = ("soundness", "evidence", "significance", "reproducibility", "clarity")


class Vote(Record):
    """One comparison of two packages. `answer` names the better one, or says that both or neither are good."""

    left: str = Field(min_length=1, max_length=200)
    right: str = Field(min_length=1, max_length=200)
    left_version: int = Field(ge=1)
    right_version: int = Field(ge=1)
    answer: Literal["left", "right", "both", "neither"]
    reasons: tuple[Literal["soundness", "evidence", "significance", "reproducibility", "clarity"], ...] = ()
    comment: str = Field("", max_length=2000)
    voter: str = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _of_two(self) -> Vote:
        if self.left == self.right:
            raise ValueError("a vote is between two packages")
        return self

    @property
    def share(self) -> float:
        """What the left package has of the vote: 1, 0, or a half where neither is better."""
        return {"left": 1.0, "right": 0.0}.get(self.answer, 0.5)


def cast(workspace: Workspace, vote: Vote) -> Event:
    """Write a vote down. Raises BadInputError when one of its packages is not in the workspace."""
    for name in (vote.left, vote.right):
        if name not in workspace.package_names():
            raise BadInputError(f"no package {name!r} to vote on")
    return append_event(workspace.ledger_path, RUN, KIND, vote.to_json(), vote.voter)


_read: dict[str, tuple[str, Position, list[Vote]]] = {}
_reading = Lock()


def votes(workspace: Workspace) -> list[Vote]:
    """All votes, oldest first. Of the ledger only what is new since the last call is read.

    Raises IntegrityError when the ledger was changed, or a vote is not one.
    """
    path = workspace.ledger_path
    with _reading:
        lies, position, found = _read.get(str(path), ("", Position(), []))
        if lies and lies == fingerprint(path):
            return list(found)
        tail = read_tail(path, position)
        found = [] if tail.anew else found
        found = [*found, *(_vote(event) for event in tail.events if event.kind == KIND)]
        _read[str(path)] = (tail.fingerprint, tail.position, found)
        return list(found)


def _vote(event: Event) -> Vote:
    try:
        return Vote.model_validate(event.payload)
    except ValidationError as error:
        raise IntegrityError(f"event {event.seq} of the ledger is not a vote: {error.errors()[0]['msg']}") from error
