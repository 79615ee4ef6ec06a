"""What happened in a run, one sentence per event: what a person reads where no live view can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evidentia.graph.tree import Tree
    from evidentia.workspace.records import Event

LONGEST_RESULT = 160


def sentence(tree: Tree, event: Event) -> str:
    """An event in one line, empty for those that say nothing to a person; `tree` has the event already. It holds what
    agents wrote: a terminal and a page each make it harmless in their own way."""
    teller = _TELLERS.get(event.kind)
    return teller(event.payload, tree, event.run) if teller else ""


def forecast(payload: dict[str, Any]) -> str:
    """What a round of a `round.selected` event is expected to have spent when it ends; empty where none was made."""
    told = payload.get("forecast")
    if not told:
        return ""
    minutes = f" and {told['minutes']:g} minutes" if "minutes" in told else ""
    return f"forecast: {told['experiments']} experiments{minutes} spent after it, {told['left']} experiments left"


def _selected(p: dict[str, Any], tree: Tree, run: str) -> str:
    nodes = [tree.node_of[name] for name in p["hypotheses"]]
    told = forecast(p)
    return f"round {p['round']}: {' '.join(nodes)}{f'; {told}' if told else ''}" if nodes else ""


def _literature(p: dict[str, Any], tree: Tree, run: str) -> str:
    return "; ".join([f"literature: {len(p['citations'])} entries of the bibliography", *p.get("told", ())])


def _planned(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"{p['node']} {tree.node(p['node']).title}" if "node" in p else ""


def _finished(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"experiment {p['experiment']} failed" if p["failure"] else ""


def _attacked(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"{p['node']} {tree.status(p['node'])}" if "node" in p else ""


def _concluded(p: dict[str, Any], tree: Tree, run: str) -> str:
    node = tree.node_of[p["hypothesis"]]
    return f"{node} {p['outcome']}: {tree.node(node).title}: {p['result'][:LONGEST_RESULT]}"


def _judged(p: dict[str, Any], tree: Tree, run: str) -> str:
    faults = p["faults"]
    told = "not judged" if faults is None else f"with {len(faults)} faults" if faults else "good"
    return f"{tree.node_of[p['hypothesis']]} figure {told}{', drawn again' if p['next'] else ''}"


def _put_off(p: dict[str, Any], tree: Tree, run: str) -> str:
    worth, rate = f"{p['worth']:.2f}", f"{p['rate']:.2f}"
    return f"{tree.node_of[p['hypothesis']]} put off: an experiment more promises {worth} of a claim, others {rate}"


def _aggregated(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"{p['node']} {p['outcome']} with its {len(p['replicas'])} replicas: {p['result'][:LONGEST_RESULT]}"


def _lost(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"worker {p['host']} was lost ({p['because']}) on attempt {p['attempt']}; its experiment goes elsewhere"


def _asked(p: dict[str, Any], tree: Tree, run: str) -> str:
    count = len(p["items"])
    return f"waiting for approval {p['request']}: {count} {p['gate'].removesuffix('s') if count == 1 else p['gate']}"


def _answered(p: dict[str, Any], tree: Tree, run: str) -> str:
    kept, dropped = len(p["accepted"]), len(p["dropped"])
    return f"{p['by']['name']} answered {p['request']}: {kept} accepted, {dropped} dropped{_why(p)}"


def _pruned(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"{p['by']['name']} pruned {p['node']}: {p['title']}{_why(p)}"


def _pinned(p: dict[str, Any], tree: Tree, run: str) -> str:
    return f"{p['by']['name']} pinned {p['node']} below {p['parent']}: {p['decision']}{_why(p)}"


def _budget(p: dict[str, Any], tree: Tree, run: str) -> str:
    limits = ", ".join(f"{name} {'no limit' if v is None else f'{v:g}'}" for name, v in p["budget"].items())
    return f"{p['by']['name']} changed the budget: {limits}{_why(p)}"


def _why(p: dict[str, Any]) -> str:
    return f" ({p['why']})" if p["why"] else ""


_TELLERS: dict[str, Callable[[dict[str, Any], Tree, str], str]] = {
    "run.started": lambda p, tree, run: f"run {run}: {p['brief']['question']}",
    "run.resumed": lambda p, tree, run: "resumed" + (f"; {p['repaired']}" if p.get("repaired") else ""),
    "run.stopped": lambda p, tree, run: f"stopped: {p['because']}",
    "capture.started": lambda p, tree, run: f"running {' '.join(' '.join(p['command']).split())}",
    "capture.ended": lambda p, tree, run: f"recorded: {p['result']}",
    "pivot.made": lambda p, tree, run: f"pivot {p['node']}: {p['title']}",
    "dead_end.noted": lambda p, tree, run: f"dead end: {p['title']}",
    "literature.found": _literature,
    "lessons.offered": lambda p, tree, run: f"{len(p['lessons'])} lessons of earlier runs" if p["lessons"] else "",
    "stage.entered": lambda p, tree, run: f"stage: {p['stage']}",
    "repetition.avoided": lambda p, tree, run: f"not repeated, a dead end of {p['package']}: {p['statement']}",
    "decision.made": lambda p, tree, run: str(p["choice"]),
    "hypothesis.registered": lambda p, tree, run: f"registered {p['node']}: {p['hypothesis']['statement']}",
    "round.selected": _selected,
    "experiment.planned": _planned,
    "experiment.finished": _finished,
    "falsification.done": _attacked,
    "branch.put_off": _put_off,
    "branch.concluded": _concluded,
    "replicas.aggregated": _aggregated,
    "figure.judged": _judged,
    "package.compiled": lambda p, tree, run: f"packaged {p['package']}",
    "worker.joined": lambda p, tree, run: f"worker {p['host']} joined",
    "worker.refused": lambda p, tree, run: f"worker {p['host']} was refused: {p['because']}",
    "worker.lost": _lost,
    "approval.asked": _asked,
    "approval.given": _answered,
    "suggestion.made": lambda p, tree, run: f"{p['by']['name']} suggests: {p['statement']}",
    "suggestion.read": lambda p, tree, run: f"the suggestion: {p['because']}" if p["because"] else "",
    "branch.pruned": _pruned,
    "node.pinned": _pinned,
    "budget.changed": _budget,
    "request.refused": lambda p, tree, run: f"not done: {p['because']}",
}
