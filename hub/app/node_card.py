"""The card of one node of a tree: what was asked, what came of it with intervals, and where each number came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from evidentia.errors import BadInputError, IntegrityError
from evidentia.graph.branch import Branch
from evidentia.hub.app.runlog import KINDS, RunLog
from evidentia.workspace.records import PERSON, Attack, Claim, DeadEnd, Evidence, Review

TOLD = {
    "description": "Question",
    "hypothesis": "Asked",
    "choice": "Chosen",
    "alternatives": "Instead of",
    "from": "From",
    "to": "To",
    "trigger": "Because",
    "failure_mode": "How it failed",
    "lesson": "Lesson",
    "result": "Result",
}
"""The fields of a node that are prose, with what each is called, in the order in which they are read."""
NAMES = {"dead_end": "dead end", "attack": "attack on a claim", "aggregate": "several studies pooled"}
SHOWN = 12


@dataclass(frozen=True)
class Card:
    """What is shown. `texts` are pairs of a name and prose, `runs` triples of role, experiment and evidence. `born` is
    the event it came with, `last` the last one about its hypothesis; `prunes` says whether a person can stop it."""

    node: str
    title: str
    kind: str
    state: str
    package: str
    rung: int
    born: int
    last: int
    form: str
    texts: tuple[tuple[str, str], ...]
    claims: tuple[Claim, ...]
    attacks: tuple[Attack, ...]
    runs: tuple[tuple[str, str, Evidence], ...]
    dead_end: DeadEnd | None
    review: Review | None
    prunes: bool
    reruns: bool


def card(log: RunLog, node: str, verified: dict[str, int]) -> Card:
    """The card of a node. Raises BadInputError for a node that the run does not have, IntegrityError where the log does
    not tell what a card shows."""
    if node not in log.number:
        raise BadInputError(f"no node {node[:60]!r} in {log.run}; the tree shows those there are")
    try:
        return _card(log, node, verified)
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{log.path}: what it says of {node} cannot be read by this version") from error


def _card(log: RunLog, node: str, verified: dict[str, int]) -> Card:
    with log.lock:
        number = log.number[node]
        record, told = log.tree.node(node), log.tree.attributes(node)
        kind, package = KINDS[log.kinds[number]], told.get("package") or ""
        branch = log.branch(node)
        own = branch if kind not in ("attack", "repair") else None
        people = log.progress.mind == PERSON
        runs = _runs(branch, told.get("experiment", ""), own is None)
        return Card(
            node=node,
            title=record.title,
            kind=NAMES.get(kind, kind),
            state=log.tree.status(node),
            package=package,
            rung=verified.get(package, -1),
            born=log.born[number],
            last=branch.seqs[-1] if branch else log.born[number],
            form=told.get("form", ""),
            texts=_texts(record.fields),
            claims=own.claims if own else (),
            attacks=(own.attacks or ()) if own else (),
            runs=runs,
            dead_end=own.dead_end if own else None,
            review=own.review if own else None,
            prunes=own is not None and log.tree.status(node) in ("open", "running") and not people,
            reruns=bool(runs) and not people,
        )


def _texts(fields: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = []
    for name, told in TOLD.items():
        value = fields.get(name)
        text = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")
        if text:
            found.append((told, text))
    return tuple(found)


def _runs(branch: Branch | None, experiment: str, alone: bool) -> tuple[tuple[str, str, Evidence], ...]:
    """The executions of a branch, or the one that an attack or a repair stands for."""
    if branch is None:
        return ()
    every = [(raw["role"], name) for name, raw in branch.experiments.items() if name in branch.ended]
    wanted = [(role, name) for role, name in every if not alone or name == experiment]
    return tuple((role, name, branch.evidence(name)) for role, name in wanted[:SHOWN])
