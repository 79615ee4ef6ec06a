"""The tree of a run as its page draws it: columns of numbers and some tables of words, and what changed after an event.

Node `i` is the i-th that came. Columns: `id`, `parent` (a number, -1 for none), `kind` and `state` (places in tables),
`rung` of the node's package (-1: none of its claims verified yet, -2: no package), `effect` (in smallest effects of
interest), `born` (an event), `title`, `claims` ("2/3", empty where none were decided).
"""

from __future__ import annotations

import gzip
import threading
from bisect import bisect_right
from collections import OrderedDict
from typing import Any

import orjson

from evidentia.hub.app.runlog import KINDS, RunLog
from evidentia.hub.ranking import find_packages
from evidentia.workspace.home import Workspace

NO_PACKAGE = -2
COLUMNS = ("id", "parent", "kind", "state", "rung", "effect", "born", "title", "claims")
LEVEL, KEPT = 5, 8
_RUNGS: dict[str, tuple[Any, dict[str, int]]] = {}
_MADE: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()
_MAKING = threading.Lock()


def rungs(workspace: Workspace) -> tuple[str, dict[str, int]]:
    """The rung of every published package, with a mark that changes when the ledger does."""
    path = workspace.ledger_path
    try:
        lies = path.stat()
        mark = f"{lies.st_mtime_ns:x}-{lies.st_size:x}"
    except OSError:
        return "0", {}
    kept = _RUNGS.get(str(path))
    if kept is None or kept[0] != mark:
        kept = _RUNGS[str(path)] = (mark, {item["id"]: item["rung"] for item in find_packages(workspace)[1]})
    return mark, kept[1]


def row(log: RunLog, number: int, verified: dict[str, int]) -> list[Any]:
    """One node, in the order of `COLUMNS`."""
    name = log.names[number]
    told = log.tree.graph.nodes[name]
    claims, package = told.get("claims"), told.get("package")
    return [
        name,
        log.parents[number],
        log.kinds[number],
        log.state[number],
        verified.get(package, -1) if package else NO_PACKAGE,
        round(log.effects.get(number, 0.0), 2),
        log.born[number],
        told["node"].title,
        f"{claims['supported']}/{claims['total']}" if claims else "",
    ]


def tree_of(log: RunLog, verified: dict[str, int]) -> dict[str, Any]:
    """The whole tree in columns."""
    with log.lock:
        rows = [row(log, number, verified) for number in range(len(log.names))]
        columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())
        about = {"run": log.run, "seq": log.last, "stopped": log.stopped, "kinds": KINDS, "states": list(log.states)}
        return {**about, **columns}


def history_of(log: RunLog) -> dict[str, Any]:
    """What the replay folds: every change of state (event, node, state), which events decided something and which
    failed, and of every event its kind, its time (seconds since the first) and the node it is about (-1: none)."""
    with log.lock:
        first = log.times[0] if log.times else 0
        return {
            "decisions": list(log.decisions),
            "failures": list(log.failures),
            "changes": [list(log.changes[0]), list(log.changes[1]), list(log.changes[2])],
            "event_kinds": list(log.event_kinds),
            "event": list(log.event_kind),
            "time": [(t - first) // 1000 for t in log.times],
            "about": list(log.about),
        }


def changed(log: RunLog, seq: int, verified: dict[str, int]) -> dict[str, Any]:
    """What happened after event `seq`: the nodes that came or changed, as rows, with their numbers."""
    with log.lock:
        place = bisect_right(log.changes[0], seq)
        numbers = sorted(set(log.changes[1][place:]))
        rows = [[number, *row(log, number, verified)] for number in numbers]
        return {"seq": log.last, "states": list(log.states), "stopped": log.stopped, "rows": rows}


def packed(workspace: Workspace, log: RunLog, history: bool) -> tuple[str, bytes, bytes]:
    """The tree, with its history where asked for, as JSON: its mark for caches, the bytes, and the bytes gzipped."""
    mark, verified = rungs(workspace)
    with _MAKING:
        with log.lock:
            tag = f'"{log.head[:24]}-{mark}{"-h" if history else ""}"'
            if tag not in _MADE:
                told = {**tree_of(log, verified), **(history_of(log) if history else {})}
                data = orjson.dumps(told)
                _MADE[tag] = (data, gzip.compress(data, LEVEL, mtime=0))
        _MADE.move_to_end(tag)
        while len(_MADE) > KEPT:
            _MADE.popitem(last=False)
        return (tag, *_MADE[tag])


def counts(log: RunLog) -> dict[str, int]:
    """How many nodes there are in each state, the unstated left out."""
    found = {name: log.state.count(code) for code, name in enumerate(log.states)}
    return {name: count for name, count in found.items() if name and count}


def known(given: str, tag: str) -> bool:
    """Whether an `If-None-Match` header names the tag."""
    return given == "*" or tag in {part.strip().removeprefix("W/") for part in given.split(",")}
