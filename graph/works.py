"""Work below an experiment as nodes of its own: each repair of a script (debug), and the attack on claims (falsify).

The events name the node, so that a log written before they did rebuilds the tree that was recorded of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evidentia.agents.minds.protocol import Failure
from evidentia.agents.wording import told
from evidentia.workspace.records import Node

if TYPE_CHECKING:
    from evidentia.graph.tree import Tree

KINDS = ("debug", "falsify")
MENDED, FAILED = "mended", "failed"
SURVIVED = {True: "survived", False: "not survived", None: "undecided"}
"""What came of an attack: the worst of its tests counts, and one that says nothing is no test passed."""
LONGEST = 100
"""How much of a failure a title says."""


def place(tree: Tree, hypothesis: str, role: str, because: str) -> dict[str, str]:
    """What the event of a planned experiment says of its node; nothing for one that is the hypothesis's own.

    An attack hangs below its experiment, a repair below what it repairs, with `because`, how that failed.
    """
    at = tree.node_of[hypothesis]
    attack = f"{at}f"
    if role == "falsify" and attack in tree.graph:
        at = attack
    elif role == "falsify" and not because:
        return {"node": attack, "parent": at}
    if not because:
        return {}
    number = 1 + sum(name.startswith(f"{at}d") for name in tree.graph.successors(at))
    return {"node": f"{at}d{number}", "parent": at, "because": because}


def planned(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    """An attack or a repair begins."""
    experiment, because = payload["experiment"], payload.get("because", "")
    if because:
        work, title = "debug", f"Repair after: {_cut(because)}"
        asked = f"the script runs once it is mended; it failed: {because}"
    else:
        changed = told(payload.get("changed", {}))
        work, title = "falsify", f"Attack: fresh seeds{f', {changed}' if changed else ''}"
        seeds = experiment["seeds"]
        asked = f"the claims hold on the seeds {seeds[0]} to {seeds[-1]}{f' and with {changed}' if changed else ''}"
    _add(tree, payload["node"], payload["parent"], work, title, asked, seq, payload["id"])
    tree.working[payload["id"]] = payload["node"]


def finished(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    """The script of an attack or a repair has ended."""
    name = tree.working.pop(payload["experiment"], None)
    if name is None:
        return
    failure = payload["failure"]
    mode = Failure(**failure).mode if failure else ""
    result = f"it failed: {mode}" if failure else f"it ran: {payload['evidence'].get('row_count', 0)} rows"
    debug = tree.attributes(name)["work"] == "debug"
    _tell(tree, name, result, [payload["evidence_id"]], FAILED if failure else MENDED if debug else "running")


def attacked(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    """All attacks on a branch are over; audits alone have a node too."""
    if "node" not in payload:
        return
    name, parent = payload["node"], tree.node_of[payload["hypothesis"]]
    if name not in tree.graph:
        asked = "the rows and the script are what was registered"
        _add(tree, name, parent, "falsify", "Attack: audits of rows and script", asked, seq)
    attacks = payload["attacks"]
    evidence = list(dict.fromkeys(e for a in attacks for e in a["evidence"]))
    _tell(tree, name, "; ".join(_outcome(a) for a in attacks) or "nothing was attacked", evidence, _status(attacks))


def _add(tree: Tree, name: str, parent: str, work: str, title: str, asked: str, seq: int, experiment: str = "") -> None:
    fields = {"hypothesis": asked, "result": "", "evidence": [], "work": work}
    node = Node(id=name, type="experiment", title=title, parent=parent, source_refs=(f"event {seq}",), fields=fields)
    tree.add(node, status="running", work=work, **({"experiment": experiment} if experiment else {}))


def _tell(tree: Tree, name: str, result: str, evidence: Sequence[str], status: str) -> None:
    node = tree.node(name)
    fields = {**node.fields, "result": result, "evidence": list(evidence)}
    tree.graph.nodes[name].update(node=node.model_copy(update={"fields": fields}), status=status)


def _outcome(attack: dict[str, Any]) -> str:
    return f"{attack['kind']}: {attack['finding']}"


def _status(attacks: Sequence[dict[str, Any]]) -> str:
    verdicts = [a["survived"] for a in attacks]
    return SURVIVED[next((worst for worst in (False, None) if worst in verdicts), True)]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
