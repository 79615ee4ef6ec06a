"""What a person decides, noted as a node of the tree: hypotheses, decisions, dead ends and pivots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evidentia.agents.minds.person import NOTED_BEFORE
from evidentia.errors import BadInputError
from evidentia.graph.capture import hypotheses
from evidentia.graph.capture.hypotheses import Expected
from evidentia.graph.capture.notebook import ACTOR, Notebook
from evidentia.graph.tree import ROOT
from evidentia.workspace.records import DeadEnd, Hypothesis
from evidentia.workspace.secrets import mask_secrets

PROVENANCE = "user"
LEAST, LONGEST = 5, 4000
"""A shorter failure or lesson says nothing to the next one."""


def register(book: Notebook, hypothesis: Hypothesis, parent: str, **more: Any) -> str:
    """Register a hypothesis as a node of the tree and return its id. Raises BadInputError for one that is there."""
    if hypothesis.id in book.journal.branches:
        node = book.journal.tree.node_of[hypothesis.id]
        open_ = book.journal.branches[hypothesis.id].outcome is None
        mend = f"add to it with --for {node}" if open_ else "that is decided: begin another run with --run"
        raise BadInputError(f"{book.run} has registered the same as {node} already; {mend}")
    payload: dict[str, Any] = {
        "id": hypothesis.id,
        "node": book.next_node(),
        "parent": parent,
        "pivot": None,
        "hypothesis": hypothesis.to_json(),
        "provenance": PROVENANCE,
        **more,
    }
    book.journal.append("hypothesis.registered", payload, ACTOR)
    return hypothesis.id


def note_hypothesis(book: Notebook, statement: str, expected: Expected, at: str = "") -> str:
    """Register what the rows of later captures will decide; the node's name."""
    hypothesis = hypotheses.decidable(said("the hypothesis", statement), expected, NOTED_BEFORE)
    return book.journal.tree.node_of[register(book, hypothesis, book.place(at))]


def note_decision(book: Notebook, choice: str, alternatives: Sequence[str], at: str = "") -> str:
    """Note a decision with what was not chosen; the node's name."""
    others = [said("--alternatives", a) for a in alternatives]
    if not others:
        raise BadInputError("a decision needs what was not chosen: --alternatives “…” (once for each)")
    node = book.next_node()
    payload = {
        "node": node,
        "choice": said("the decision", choice),
        "alternatives": others,
        "parent": book.place(at) if at else ROOT,
        "provenance": PROVENANCE,
    }
    book.journal.append("decision.made", payload, ACTOR)
    return node


def note_pivot(book: Notebook, title: str, origin: str, target: str, because: str, at: str = "") -> str:
    """Note a change of direction; it hangs below the experiment recorded last unless `at` names another node."""
    node = book.next_node()
    payload = {
        "node": node,
        "title": said("the pivot", title),
        "from": said("--from", origin),
        "to": said("--to", target),
        "trigger": said("--because", because),
        "parent": book.place(at or book.last_experiment()),
        "provenance": PROVENANCE,
    }
    book.journal.append("pivot.made", payload, ACTOR)
    return node


def note_dead_end(book: Notebook, title: str, hypothesis: str, failure: str, lesson: str, at: str = "") -> str:
    """Note what did not work and why; the node's name.

    With `at` naming a recorded experiment that is not decided yet, the words become its dead end and its evidence
    goes with them; else the dead end stands alone, as a branch of its own.
    """
    title = said("the dead end", title)
    dead_end = DeadEnd(
        hypothesis=said("--hypothesis", hypothesis),
        failure_mode=said("--failure", failure, LEAST),
        lesson=said("--lesson", lesson, LEAST),
    )
    journal = book.journal
    names = {node: name for name, node in journal.tree.node_of.items()}
    parent = book.place(at)
    branch = journal.branches.get(names.get(parent, ""))
    if branch is not None and branch.outcome is None:
        if branch.dead_end is not None:
            raise BadInputError(f"--at {at}: its dead end is noted already, and notes are never overwritten")
        payload = {
            "hypothesis": branch.hypothesis.id,
            "title": title,
            "dead_end": dead_end.to_json(),
            "provenance": PROVENANCE,
        }
        journal.append("dead_end.noted", payload, ACTOR)
        return f"{parent}x"
    made = hypotheses.of_dead_end(title, dead_end.hypothesis, book.next_node())
    name = register(book, made, parent, dead_end=dead_end.to_json())
    concluded: dict[str, Any] = {
        "hypothesis": name,
        "outcome": "null",
        "claims": [],
        "result": "",
        "evidence": [],
        "dead_end": dead_end.to_json(),
    }
    journal.append("branch.concluded", concluded, ACTOR)
    return journal.tree.node_of[name]


def said(what: str, text: str, least: int = 1) -> str:
    """A person's words on one line, secrets masked. Raises BadInputError when they are missing or far too long."""
    words = " ".join(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").split())
    kept = "".join(c for c in mask_secrets(words.encode())[0].decode() if c.isprintable())
    if len(kept) < least:
        raise BadInputError(f"{what} says too little ({kept!r}); say it in a few words")
    if len(kept) > LONGEST:
        raise BadInputError(f"{what} is longer than {LONGEST} characters; a note is a sentence or two")
    return kept
