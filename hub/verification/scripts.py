"""Scripts read without being run: which recorded results one carries or reads, and the same script on other seeds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from evidentia.hub.verification.commands import own_command
from evidentia.hub.verification.opened import Opened

_RECORD = re.compile(
    r"(?:.*/)?(?:manifest\.json|events\.jsonl|ledger\.jsonl|claims\.md|(?:README|PAPER)\.md|E\d+\.jsonl?)|"
    r"(?:\.{0,2}/)*(?:evidence|logic|trace)/.*",
)
_DIGITS = re.compile(r"(?<![\w.])\d+\.\d+(?:[eE][-+]?\d+)?")
SIGNIFICANT = 6
"""A recorded value of so many significant digits does not stand in a script by chance."""


class FixedSeedsError(ValueError):
    """The script cannot be given other seeds; the message says why."""


def reads_results(package: Opened) -> Iterator[str]:
    """Every script that is given, names or carries what it is to find out."""
    recorded = {digest for run in package.branch.runs for digest in run.evidence.outputs.values()}
    metrics = {c.metric for c in package.branch.claims} | {package.branch.hypothesis.metric}
    for (entry, run), rows in zip(package.entries, package.rows, strict=True):
        for name, digest in sorted(run.evidence.inputs.items()):
            if digest in recorded:
                yield f"{entry.script} is given recorded rows as its input {name}"
        text = package.text(entry.script)
        for line, path in () if own_command(run) else _named_records(text):
            yield f"{entry.script}:{line}: names the record {path}; a script must not read its own expectation or rows"
        values = {float(row[m]) for row in rows for m in metrics if isinstance(row.get(m), float)}
        values |= {c.value for c in package.branch.claims if c.value is not None and run.evidence.id in c.evidence}
        for line, written in carried(text, values):
            yield f"{entry.script}:{line}: carries the recorded value {written}; a script must measure it"


def carried(text: str, values: Iterable[float]) -> Iterator[tuple[int, str]]:
    """(line, number) of every long number in the text that is one of the values."""
    known = set(values)
    for line, content in enumerate(text.splitlines(), start=1):
        for match in _DIGITS.finditer(content):
            digits = re.sub(r"[eE].*|\.", "", match[0]).strip("0")
            if len(digits) >= SIGNIFICANT and float(match[0]) in known:
                yield line, match[0]


def _named_records(text: str) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return  # It will not run either, which level 2 tells.
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _RECORD.fullmatch(node.value):
            yield node.lineno, repr(node.value)


def imports(text: str) -> set[str]:
    """The top-level names of all modules a script imports. Raises SyntaxError when it is not Python."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def reseeded(text: str, seeds: Sequence[int], fresh: Sequence[int]) -> str:
    """The script with its one list of `seeds` (a literal, or a range) replaced by `fresh`.

    Where several lists are equal to the seeds, the one bound to a name with ``seed`` in it is taken. Raises
    FixedSeedsError when there is none, or none can be told from the others.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise FixedSeedsError(f"it is not Python: {error}") from None
    found = [node for node in ast.walk(tree) if _values(node) == tuple(seeds)]
    if not found:
        raise FixedSeedsError("its registered seeds do not stand in it as one list")
    if len(found) > 1:
        named = {id(value) for value in _seed_values(tree)}
        found = [node for node in found if id(node) in named]
        if len(found) != 1:
            raise FixedSeedsError("several of its lists are equal to the registered seeds")
    node = found[0]
    assert isinstance(node, ast.expr)
    lines = text.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    assert node.end_lineno is not None
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + repr(list(fresh)).encode() + after).decode()


def _values(node: ast.AST) -> tuple[int, ...] | None:
    """The whole numbers of a literal list, tuple or range; None for anything else."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        whole = [e.value for e in node.elts if isinstance(e, ast.Constant) and type(e.value) is int]
        return tuple(whole) if len(whole) == len(node.elts) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        whole = [a.value for a in node.args if isinstance(a, ast.Constant) and type(a.value) is int]
        if len(whole) == len(node.args) and 1 <= len(whole) <= 3 and not node.keywords:
            try:
                span = range(*whole)
            except ValueError:
                return None
            return tuple(span) if len(span) <= 10_000 else None
    return None


def _seed_values(tree: ast.AST) -> Iterator[ast.AST]:
    """The values that are bound to, or looped over by, a name with ``seed`` in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Name) and "seed" in target.id.lower():
                yield value
