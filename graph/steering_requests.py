"""What a person may ask of a run, each checked against the journal and turned into the one event that tells of it.

Raises BadInputError, in words a person can act on, for what the run cannot do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from evidentia.agents.brief import MAX_QUESTION, Budget, for_suggestion
from evidentia.errors import BadInputError
from evidentia.graph.journal import Journal
from evidentia.graph.people import ROLES, Request
from evidentia.workspace.records import PERSON, Record, Value
from evidentia.workspace.secrets import mask_secrets

LONGEST, LONGEST_NAME = 2000, 100
Written = tuple[str, dict[str, Any]]
"""The kind of an event and its payload."""


class Asked(Record):
    """Base of all requests: who asks, and why."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    why: str = Field("", max_length=LONGEST)

    def _by(self, kind: str, **told: Any) -> Written:
        return kind, {"by": {"name": self.name, "roles": list(ROLES[kind])}, "why": self.why, **told}


class Approval(Asked):
    """An answer to what the run asked. `accepted` None accepts what is not dropped; items are named by their place
    (1, 2 …), their node or their id."""

    act: Literal["approve"] = "approve"
    request: str
    accepted: tuple[str, ...] | None = None
    dropped: tuple[str, ...] = ()

    def event(self, journal: Journal) -> Written:
        """``approval.given``."""
        people = journal.people
        asked = people.requests.get(self.request)
        if asked is None:
            waiting = ", ".join(r.name for r in journal.open_requests()) or "none"
            raise BadInputError(f"no request {self.request!r} in {journal.log.run}; waiting: {waiting}")
        if done := people.answers.get(self.request):
            raise BadInputError(f"{self.request} was answered by {done.by} already, and answers are never changed")
        dropped = [item_of(asked, text) for text in self.dropped]
        every = [str(item["id"]) for item in asked.items]
        accepted = [i for i in every if i not in dropped]
        if self.accepted is not None:
            accepted = [item_of(asked, text) for text in self.accepted]
            if both := [i for i in accepted if i in dropped]:
                raise BadInputError(f"{self.request}: {both[0]} cannot be accepted and dropped; choose one")
            dropped = [i for i in every if i not in accepted]
        chosen: dict[str, Any] = {"request": self.request, "gate": asked.gate, "about": asked.about}
        kept = [i for i in every if i in accepted]
        left = [i for i in every if i in dropped]
        if asked.gate == "experiments":
            chosen["closed"] = [i for i in left if not journal.branches[i].ended]
        return self._by("approval.given", **chosen, accepted=kept, dropped=left)


class Suggestion(Asked):
    """A hypothesis, or a question, in a person's words; `where` fixes conditions."""

    act: Literal["suggest"] = "suggest"
    statement: str = Field(max_length=MAX_QUESTION)
    where: dict[str, Value] = Field(default_factory=dict)

    def event(self, journal: Journal) -> Written:
        """``suggestion.made``; the run's mind reads it when it is next asked for hypotheses."""
        assert journal.brief is not None
        for_suggestion(journal.brief, self.statement, self.where)
        return self._by("suggestion.made", statement=" ".join(self.statement.split()), where=dict(self.where))


class Prune(Asked):
    """Nothing more is measured for a branch, nor for what follows from it."""

    act: Literal["prune"] = "prune"
    node: str

    def event(self, journal: Journal) -> Written:
        """``branch.pruned``."""
        node_there(journal, self.node)
        name = journal.hypothesis_of(self.node)
        if name is None:
            nodes = _listed(journal.tree.node_of.values())
            raise BadInputError(f"{self.node} holds no hypothesis that could be pruned; there are {nodes}")
        if name in journal.people.pruned:
            raise BadInputError(f"{self.node} was pruned already by {journal.people.pruned[name]}")
        node = journal.tree.node_of[name]
        return self._by("branch.pruned", node=node, hypothesis=name, title=journal.branches[name].raw["title"])


class Pin(Asked):
    """A decision that holds from now on: a node of the tree below the one it is about, which every mind reads. An open
    hypothesis is taken in the next round, whatever the policy."""

    act: Literal["pin"] = "pin"
    node: str
    decision: str = Field(min_length=3, max_length=LONGEST)

    def event(self, journal: Journal) -> Written:
        """``node.pinned``."""
        node_there(journal, self.node)
        if journal.tree.node(self.node).type == "dead_end":
            raise BadInputError(f"{self.node} is a dead end and has nothing below it; name the node before it")
        name = journal.hypothesis_of(self.node)
        if name in journal.people.pruned:
            raise BadInputError(f"{self.node} was pruned by {journal.people.pruned[name]}; it is not taken again")
        told = {"node": f"P{journal.people.pins + 1:02d}", "parent": self.node, "hypothesis": name}
        otherwise = "leave it to the policy" if name in journal.frontier.open else "leave it open"
        return self._by("node.pinned", **told, decision=self.decision, alternatives=[otherwise])


class BudgetChange(Asked):
    """New limits of the run's budget by name; None lifts one that may be lifted."""

    act: Literal["budget"] = "budget"
    budget: dict[str, int | float | None] = Field(min_length=1)

    def event(self, journal: Journal) -> Written:
        """``budget.changed``."""
        assert journal.brief is not None
        before = journal.brief.budget
        for name in self.budget:
            if name not in Budget.model_fields:
                raise BadInputError(f"--budget {name}: no such limit; there are {', '.join(Budget.model_fields)}")
        changed = budget_with(before, self.budget)
        for name, spent in _spent(journal).items():
            limit = getattr(changed, name)
            if name in self.budget and limit is not None and limit < spent:
                raise BadInputError(f"--budget {name}={limit:g}: {spent:g} are spent already; name at least as much")
        told = {name: getattr(changed, name) for name in self.budget}
        return self._by("budget.changed", budget=told, before={name: getattr(before, name) for name in told})


AnyRequest = Annotated[Approval | Suggestion | Prune | Pin | BudgetChange, Field(discriminator="act")]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyRequest)


def read_request(data: Mapping[str, Any]) -> Approval | Suggestion | Prune | Pin | BudgetChange:
    """A request from its JSON, with secrets masked. Raises BadInputError naming the field."""
    try:
        found: Approval | Suggestion | Prune | Pin | BudgetChange = _ADAPTER.validate_python(_clean(data))
    except ValidationError as error:
        fault = error.errors()[0]
        named = [str(part) for part in fault["loc"][1:] if part not in ("int", "float")]
        field = ".".join(named) or "act"
        raise BadInputError(f"{field}: {fault['msg'][0].lower()}{fault['msg'][1:]}") from None
    return found


def check(journal: Journal) -> None:
    """Whether the run is one that can be steered. Raises BadInputError."""
    run = journal.log.run
    if journal.brief is None:
        raise BadInputError(f"the run {run} stopped before it was registered; start it again")
    if journal.mind == PERSON:
        raise BadInputError(f"{run} is a person's run: add to it with `evidentia note` and `evidentia capture`")


def item_of(asked: Request, text: str) -> str:
    """The id of an item that a person named. Raises BadInputError naming those there are."""
    ids = [str(item["id"]) for item in asked.items]
    if text.isdecimal() and 1 <= int(text) <= len(ids):
        return ids[int(text) - 1]
    found = [i for i, item in zip(ids, asked.items, strict=True) if text in (i, item.get("node"))]
    if not found:
        raise BadInputError(f"{asked.name} has no item {text!r}; name one of 1 to {len(ids)}, or its node or id")
    return found[0]


def node_there(journal: Journal, node: str) -> None:
    """Raises BadInputError for a node that the tree does not have."""
    if node not in journal.tree.graph:
        known = _listed(sorted(journal.tree.graph.nodes))
        raise BadInputError(f"no node {node!r} in {journal.log.run}; there are {known}")


def budget_with(budget: Budget, changes: Mapping[str, Any]) -> Budget:
    """The budget with new limits. Raises BadInputError naming the one that cannot be."""
    try:
        return Budget.model_validate({**budget.model_dump(), **changes})
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        shown = "none" if changes.get(name) is None else f"{changes[name]:g}"
        raise BadInputError(f"--budget {name}={shown}: {fault['msg'][0].lower()}{fault['msg'][1:]}") from None


def _spent(journal: Journal) -> dict[str, float]:
    spent = journal.spent
    most = max((len(b.ended) for b in journal.branches.values() if b.outcome is None), default=0)
    return {
        "max_experiments": journal.experiments,
        "max_minutes": round(journal.active_seconds / 60, 2),
        "max_cpu_seconds": round(journal.cpu_seconds, 1),
        "max_tokens": spent.input_tokens + spent.output_tokens,
        "max_usd": round(spent.usd, 2),
        "branch_experiments": most,
    }


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:12]
    return ", ".join(shown) + (" …" if len(names) > 12 else "")


def _clean(value: Any) -> Any:
    """Text in one line without control characters and secrets."""
    if isinstance(value, str):
        words = " ".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").split())
        return "".join(c for c in mask_secrets(words.encode())[0].decode() if c.isprintable())
    if isinstance(value, Mapping):
        return {str(k): _clean(v) for k, v in value.items()}
    return [_clean(v) for v in value] if isinstance(value, list | tuple) else value
