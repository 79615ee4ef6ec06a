"""The script audit: a script read, not run. Does it measure the registered cells, seeds and kernels?

Only what stands plainly in the text counts against a script. What it computes is left open: the rows are audited too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from evidentia.agents.parsing import parse
from evidentia.workspace.records import Attack, Experiment, Hypothesis

LIBRARY = "evidentia.kernels"
DESCRIPTION = "The script read against the hypothesis: its kernels, cells, seeds and metric"


def audit_script(hypothesis: Hypothesis, experiment: Experiment, script: str) -> Attack:
    """Whether the script measures what was registered.

    Not survived if it plainly does not: a metric is written as a constant, a fixed seed or no registered seed is
    passed to a measurement, a kernel, family, metric or condition is measured that was not registered. It says nothing
    (`survived` None) for a script that is not Python, or that does not measure by the library's `measure`.
    """
    try:
        tree = parse(script)
    except (SyntaxError, ValueError, RecursionError):
        return _attack(None, "the script is not Python, and was not read")
    faults = [*_written_constants(tree, hypothesis.metric)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "measure"]
    known = _constants(tree)
    for call in calls if _imports_library(tree) else ():
        faults += _misses(call, known, hypothesis, experiment)
    if faults:
        return _attack(False, "; ".join(dict.fromkeys(faults)))
    if not calls or not _imports_library(tree):
        return _attack(None, "the script does not measure by the library: what it measures cannot be read from it")
    absent = [s for s in hypothesis.systems if s not in _texts(tree)]
    if absent:
        return _attack(None, f"the script does not name {', '.join(absent)}: what it measures cannot be read from it")
    return _attack(True, "the script measures the registered kernels by the library, with the seeds it was given")


def _attack(survived: bool | None, finding: str) -> Attack:
    return Attack(kind="script audit", description=DESCRIPTION, survived=survived, finding=finding)


def _written_constants(tree: ast.AST, metric: str) -> Iterator[str]:
    """Every place where the metric's value is a number that stands in the script."""
    text = f"{metric} is written as a constant, not measured"
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            if any(isinstance(k, ast.Constant) and k.value == metric and _number(v) for k, v in pairs):
                yield text
        elif isinstance(node, ast.Assign) and _number(node.value):
            places = [t.slice for t in node.targets if isinstance(t, ast.Subscript)]
            if any(isinstance(p, ast.Constant) and p.value == metric for p in places):
                yield text
        elif isinstance(node, ast.Call) and _name(node.func) == "dict":
            yield from (text for k in node.keywords if k.arg == metric and _number(k.value))


def _misses(call: ast.Call, known: dict[str, object], hypothesis: Hypothesis, experiment: Experiment) -> Iterator[str]:
    """What a call of ``measure(family, kernel, metrics, *, seed, **conditions)`` plainly gets wrong."""
    given = [_value(argument, known) for argument in call.args if not isinstance(argument, ast.Starred)]
    for value, allowed, what in zip(
        given, ((hypothesis.family,), hypothesis.systems), ("family", "kernel"), strict=False
    ):
        if isinstance(value, str) and value not in allowed:
            yield f"it measures the {what} {value}, which was not registered"
    metrics = given[2] if len(given) > 2 else None
    if isinstance(metrics, list | tuple) and hypothesis.metric not in metrics:
        yield f"it does not measure {hypothesis.metric}"
    for keyword in call.keywords:
        value = _value(keyword.value, known)
        if keyword.arg == "seed" and isinstance(value, int) and len(experiment.seeds) > 1:
            yield "it passes one fixed seed to every measurement"
        elif keyword.arg not in (None, "seed") and isinstance(value, int | float | str | bool):
            held = [c.conditions[keyword.arg] for c in experiment.cells if keyword.arg in c.conditions]
            if held and value not in held:
                yield f"it measures at {keyword.arg} {value}, which was not registered"


def _imports_library(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(a.name.startswith(LIBRARY) for a in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith(LIBRARY):
            return True
    return False


def _constants(tree: ast.AST) -> dict[str, object]:
    """The literals that names are bound to, of names that are bound once in the whole script."""
    bound: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            bound.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(None)
        elif isinstance(node, ast.arg):
            bound.setdefault(node.arg, []).append(None)
    # An assignment is met twice: as itself and as the name it stores to.
    single = {name: values for name, values in bound.items() if len(values) == 2 and None in values}
    found = {name: next(v for v in values if v is not None) for name, values in single.items() if any(values)}
    return {name: _value(node, {}) for name, node in found.items()}


def _value(node: ast.expr, known: dict[str, object]) -> object:
    """The literal an expression is, or the one its name is bound to; None for what is computed."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None


def _texts(tree: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _number(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and type(inner.value) in (int, float)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
