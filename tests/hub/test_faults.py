"""Planted faults: each is made in a copy of a real package, by a forger who mends all hashes that could give it away,
and must be caught at its rung, by its check, in its words."""

from __future__ import annotations

import base64
import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from evidentia.hub.verification import verify
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.package.manifest import json_schema
from evidentia.workspace.records import Expectation
from evidentia.workspace.signing import new_key, sign

Bench = Any
Copy = Any
SEEDS = (0, 1, 2, 3, 4)
LOG = "trace/events.jsonl"


def _events(copy: Copy) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (copy.path / LOG).read_bytes().splitlines()]


def _log(copy: Copy, events: list[dict[str, Any]]) -> None:
    """Write the log back, hashed and linked anew."""
    prev = events[0]["prev"]
    for event in events:
        event.pop("hash", None)
        event["prev"] = prev
        event["hash"] = prev = content_id(event)
    (copy.path / LOG).write_bytes(b"".join(canonical(e) + b"\n" for e in events))
    copy.reseal()


def _edit(name: str, old: str, new: str) -> Callable[[Copy], object]:
    return lambda copy: copy.edit(name, old, new).reseal()


def _manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Copy], object]:
    return lambda copy: copy.edit_manifest(change)


def _text(name: str, change: Callable[[str], str]) -> Callable[[Copy], None]:
    def apply(copy: Copy) -> None:
        path = copy.path / name
        before = path.read_text()
        path.write_text(change(before))
        assert path.read_text() != before
        if name != "manifest.json":
            copy.reseal()

    return apply


def _remove(name: str, *, reseal: bool = False) -> Callable[[Copy], object]:
    def apply(copy: Copy) -> None:
        (copy.path / name).unlink()
        if reseal:
            copy.reseal()

    return apply


def _claim(**changes: Any) -> Callable[[Copy], object]:
    return lambda copy: copy.edit_claim(**changes)


def _wrong_digit(text: str, at: re.Match[str] | None) -> str:
    """The text with the last digit of a match changed."""
    assert at is not None
    return text[: at.end() - 1] + str((int(text[at.end() - 1]) + 5) % 10) + text[at.end() :]


def _narrowed(copy: Copy) -> None:
    low, high = copy.manifest.branch.claims[0].ci
    copy.edit_claim(ci=[low + (high - low) / 4, high - (high - low) / 4])


def _swapped(copy: Copy) -> None:
    first, second = (copy.path / f"evidence/rows/E0{n}.jsonl" for n in (1, 2))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    copy.reseal()


def _edited_figure(text: str) -> str:
    """The first number in the figure's table off in its last digit."""
    return _wrong_digit(text, re.search(r"^\|[^\n]*?\d+\.\d+", text, re.M))


def _drop_run(copy: Copy) -> None:
    """The second look never happened: not in the branch, not finished in the log."""

    def drop(data: dict[str, Any]) -> None:
        data["branch"]["runs"].pop()
        data["entry_points"].pop()
        for claims in (data["claims"], data["branch"]["claims"]):
            claims[0]["evidence"].pop()

    copy.edit_manifest(drop)
    finished = [n for n, e in enumerate(_events(copy)) if e["kind"] == "experiment.finished"]
    _log(copy, [e for n, e in enumerate(_events(copy)) if n != finished[-1]])


def _times(change: Callable[[int, datetime], datetime]) -> Callable[[Copy], None]:
    def apply(copy: Copy) -> None:
        events = _events(copy)
        for number, event in enumerate(events):
            time = change(number, datetime.fromisoformat(event["time"]))
            event["time"] = time.isoformat(timespec="milliseconds")
        _log(copy, events)

    return apply


def _rechained(copy: Copy) -> None:
    events = _events(copy)
    events[0]["payload"]["brief"]["question"] = "Which is better, and why?"
    _log(copy, events)


def _edited_event(copy: Copy) -> None:
    copy.edit(LOG, "Which is better?", "Which is worse?").reseal()


def _reordered(copy: Copy) -> None:
    lines = (copy.path / LOG).read_bytes().splitlines(keepends=True)
    (copy.path / LOG).write_bytes(b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))
    copy.reseal()


def _emptied(copy: Copy) -> None:
    events = _events(copy)
    next(e for e in events if e["kind"] == "experiment.finished")["payload"] = {}
    _log(copy, events)


def _nested(copy: Copy) -> None:
    (copy.path / "manifest.json").write_text("[" * 200_000)


def _unwatched(copy: Copy) -> None:
    """The environment of the first run is taken away wherever it is recorded, and every id that depends on it made
    anew."""
    data = json.loads((copy.path / "manifest.json").read_bytes())
    text = json.dumps(data)
    evidence = data["branch"]["runs"][0]["evidence"]
    old = content_id(evidence)
    evidence["environment"]["processor"] = " "
    new = content_id(evidence)
    for event in (events := _events(copy)):
        if event["payload"].get("evidence_id") == old:
            event["payload"]["evidence"] = evidence
    assert old in text
    (copy.path / "manifest.json").write_bytes(canonical(json.loads(json.dumps(data).replace(old, new))) + b"\n")
    (copy.path / "evidence/manifests/E01.json").write_bytes(canonical(evidence) + b"\n")
    _log(copy, json.loads(json.dumps(events).replace(old, new)))


def _extra(copy: Copy) -> None:
    (copy.path / "src/extra.py").write_text("print('hello')\n")


def _linked(copy: Copy) -> None:
    outside = copy.path.parent / "outside.md"
    shutil.move(copy.path / "README.md", outside)
    (copy.path / "README.md").symlink_to(outside)


def _scribbled(copy: Copy) -> None:
    (copy.path / "evidence/figures/F01.png").write_bytes(b"no picture")


def _not_text(copy: Copy) -> None:
    (copy.path / "README.md").write_bytes(b"\xff\xfe" + (copy.path / "README.md").read_bytes())
    copy.reseal()


def _doubled(data: dict[str, Any]) -> None:
    data["branch"]["runs"].append(data["branch"]["runs"][0])
    data["entry_points"].append(data["entry_points"][0])


def _loosened(data: dict[str, Any]) -> None:
    for claims in (data["claims"], data["branch"]["claims"]):
        claims[0]["check"]["expect"]["low"] = -20.0
        claims[0]["status"] = "supported"


def _uncounted(data: dict[str, Any]) -> None:
    for claims in (data["claims"], data["branch"]["claims"]):
        claims[0]["evidence"].pop()


def _upgraded(data: dict[str, Any]) -> None:
    data["outcome"] = data["branch"]["outcome"] = "supported"


def _both(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        data[name] = data["branch"][name] = value

    return change


def _strange_review(data: dict[str, Any]) -> None:
    data["branch"]["reviews"][0]["claims"][0]["claim"] = "C09"


def _reworded(text: str) -> str:
    tree = yaml.safe_load(text)
    node = tree["tree"][0]
    while node["type"] != "dead_end":
        node = node["children"][0]
    node["lesson"] = "Nothing is to be learnt."
    return yaml.safe_dump(tree)


def _invented(text: str) -> str:
    tree = yaml.safe_load(text)
    node = {"id": "N77", "type": "decision", "title": "Mine", "choice": "a", "alternatives": ["b"]}
    tree["tree"].append({**node, "support_level": "inferred"})
    return yaml.safe_dump(tree)


def _secret(text: str) -> Callable[[Copy], None]:
    return _text("LICENSE", lambda _: f"{text}\n")


@dataclass(frozen=True)
class Fault:
    """What is planted in a copy of `base`, and the check of `level` that must say `word` of it."""

    name: str
    level: int
    check: str
    word: str
    plant: Callable[[Copy], object]
    base: str = "supported"


FAULTS = [
    # What a program needs
    Fault("manifest truncated", 0, "manifest", "is not JSON", _text("manifest.json", lambda t: t[:-40])),
    Fault("manifest with a field of its own", 0, "manifest", "extra", _manifest(lambda d: d.update(extra=1))),
    Fault("manifest without its run", 0, "manifest", "run: Field required", _manifest(lambda d: d.pop("run"))),
    Fault("version zero", 0, "manifest", "version", _manifest(lambda d: d.update(version=0))),
    Fault(
        "a key told twice",
        0,
        "canonical manifest",
        "a key is doubled",
        _text("manifest.json", lambda t: t.replace('{"abstract":', '{"abstract":"another","abstract":', 1)),
    ),
    Fault("a number as text", 0, "canonical manifest", "a type", _manifest(lambda d: d.update(version="1"))),
    Fault("evidence that is not there", 0, "references", "does not hold", _claim(evidence=["0" * 64])),
    Fault("claim shown otherwise", 0, "references", "shows", _manifest(lambda d: d["claims"][0].update(value=80.0))),
    Fault("evidence listed twice", 0, "references", "twice", _manifest(_doubled)),
    Fault("entry point left out", 0, "references", "entry points", _manifest(lambda d: d["entry_points"].pop())),
    Fault("review of a claim there is not", 0, "references", "C09", _manifest(_strange_review)),
    Fault("another question", 0, "references", "question", _manifest(lambda d: d.update(question="Another?"))),
    Fault("no licence named", 0, "licence", "Apache-2.0", _manifest(lambda d: d.update(licence="ask me"))),
    Fault("licence text removed", 0, "licence", "LICENSE is missing", _remove("LICENSE")),
    Fault("citation removed", 0, "citation", "is missing", _remove("CITATION.cff", reseal=True)),
    Fault("citation without authors", 0, "citation", "lacks authors", _edit("CITATION.cff", "authors:", "makers:")),
    Fault("citation of another work", 0, "citation", "is for", _edit("CITATION.cff", "title: ", "title: Not ")),
    Fault(
        "label removed", 0, "layout", "label", _edit("logic/claims.md", "**Falsification criteria**", "**Criteria**")
    ),
    # Files and evidence
    Fault("file added", 1, "files", "is not in the manifest", _extra),
    Fault("file removed", 1, "files", "is missing", _remove("evidence/figures/F01.svg")),
    Fault("link out of the package", 1, "files", "not a plain file", _linked),
    Fault("picture edited", 1, "files", "was changed", _scribbled),
    Fault("row edited", 1, "evidence", "recorded", _edit("evidence/rows/E01.jsonl", "4", "5")),
    Fault("stdout edited", 1, "evidence", "stdout", _edit("evidence/logs/E01.stdout.txt", "measured 5", "measured 9")),
    Fault("code changed", 1, "evidence", "E01.py", _edit("src/execution/E01.py", "8.0 + noise", "9.0 + noise")),
    Fault("seed changed", 1, "seeds", "not registered", _edit("evidence/rows/E01.jsonl", '"seed": 3', '"seed": 77')),
    Fault("row of another cell", 1, "seeds", "cell", _edit("evidence/rows/E01.jsonl", "100,", "101,")),
    Fault("evidence swapped", 1, "seeds", "the seed 5 was not registered", _swapped),
    Fault("text that is no text", 1, "numbers", "is not UTF-8", _not_text),
    Fault("row without its seed", 1, "seeds", "lacks", _edit("evidence/rows/E01.jsonl", '"seed"', '"sead"')),
    Fault("row that is no row", 1, "evidence", "E01.jsonl", _edit("evidence/rows/E01.jsonl", "{", "[{")),
    Fault("event without content", 1, "logged records", "lacks", _emptied),
    Fault("manifest nested without end", 0, "manifest", "nested", _nested),
    # Claims
    Fault(
        "value off in the sixth digit",
        1,
        "claim C01",
        "states value",
        lambda c: c.edit_claim(value=c.manifest.branch.claims[0].value * 1.000001),
    ),
    Fault("interval narrowed", 1, "claim C01", "states the interval", _narrowed),
    Fault("n inflated", 1, "claim C01", "states n 40", _claim(n=40)),
    Fault("deviation shrunk", 1, "claim C01", "states sd", _claim(sd=0.01)),
    Fault("refuted told as supported", 1, "claim C01", "the rows give refuted", _claim(status="supported"), "refuted"),
    Fault("another metric", 1, "claim C01", "states the metric", _claim(metric="throughput")),
    Fault("another baseline", 1, "claim C01", "states the baseline", _claim(baseline="fifo")),
    Fault("unit changed", 1, "registered checks", "another unit", _claim(unit="x")),
    Fault("tolerance widened", 1, "registered checks", "another tolerance", _claim(tolerance=20.0)),
    Fault("statement changed", 1, "registered checks", "another statement", _claim(statement="lru is the best")),
    Fault("conditions widened", 1, "registered checks", "another conditions", _claim(conditions={})),
    Fault("check loosened", 1, "registered checks", "another check", _manifest(_loosened), "refuted"),
    Fault("measurement not counted", 1, "evidence counted", "leaves out the measurement E02", _manifest(_uncounted)),
    Fault(
        "cell result changed",
        1,
        "results",
        "not what the rows give",
        _manifest(lambda d: d["results"][0].update(mean=50.0)),
    ),
    # Prose
    Fault(
        "README off by a digit",
        1,
        "claims in prose",
        "README.md does not say",
        _text("README.md", lambda t: _wrong_digit(t, re.search(r"\d+\.\d+(?= pp \[)", t))),
    ),
    Fault(
        "claims.md off by a digit",
        1,
        "claims in prose",
        "logic/claims.md does not say",
        _text("logic/claims.md", lambda t: _wrong_digit(t, re.search(r"\d+\.\d+(?= pp \[)", t))),
    ),
    Fault("number of no source", 1, "numbers", "37.25", _text("PAPER.md", lambda t: t + "\nIt is 37.25 % cheaper.\n")),
    Fault(
        "table off by a digit",
        1,
        "numbers",
        "T01.md",
        _text("evidence/tables/T01.md", lambda t: _wrong_digit(t, re.search(r"\[\d+\.\d+", t))),
    ),
    Fault("figure data edited", 1, "numbers", "F01.md", _text("evidence/figures/F01.md", _edited_figure)),
    Fault("environment drift", 1, "environment", "drift", _edit("src/environment.md", "Python 3 ", "Python 3.9 ")),
    Fault(
        "package invented",
        1,
        "environment",
        "drift",
        _edit("src/environment.md", "Dependencies: ", "Dependencies: numpy 9.1 "),
    ),
    Fault("environment not recorded", 1, "environment", "does not say its processor", _unwatched),
    Fault("abstract reworded", 1, "summary", "abstract", _manifest(lambda d: d.update(abstract="lru wins by 90 %."))),
    Fault("unit of the results changed", 1, "summary", "'ms'", _manifest(lambda d: d.update(unit="ms"))),
    # Failures
    Fault(
        "dead end removed",
        1,
        "dead end",
        "tells no dead end",
        _manifest(lambda d: d["branch"].update(dead_end=None)),
        "refuted",
    ),
    Fault(
        "crash without a dead end",
        1,
        "dead end",
        "tells no dead end",
        _manifest(lambda d: d["branch"].update(dead_end=None)),
        "crashed",
    ),
    Fault(
        "no failure mode",
        1,
        "dead end",
        "no failure mode",
        _manifest(lambda d: d["branch"]["dead_end"].update(failure_mode="")),
        "refuted",
    ),
    Fault(
        "no lesson",
        1,
        "dead end",
        "no lesson",
        _manifest(lambda d: d["branch"]["dead_end"].update(lesson=" ")),
        "refuted",
    ),
    Fault("outcome upgraded", 1, "dead end", "the claims give refuted", _manifest(_upgraded), "refuted"),
    Fault(
        "dead end cut from the tree",
        1,
        "tree",
        "does not tell the dead end",
        _text("trace/exploration_tree.yaml", lambda t: t.replace("title: End", "title: Fin")),
        "refuted",
    ),
    Fault(
        "lesson reworded in the tree",
        1,
        "tree",
        "tells another lesson",
        _text("trace/exploration_tree.yaml", _reworded),
        "refuted",
    ),
    Fault(
        "node invented",
        1,
        "tree",
        "does not hold",
        _text("trace/exploration_tree.yaml", _invented),
    ),
    # The log
    Fault("event edited", 1, "event log", "was changed after it was written", _edited_event),
    Fault("events reordered", 1, "event log", "stands after", _reordered),
    Fault(
        "clock rolled back",
        1,
        "event log",
        "the clock was rolled back by 3",
        _times(lambda n, t: t - timedelta(hours=1) * (n == 3)),
    ),
    Fault("events of the future", 1, "event log", "of the future", _times(lambda n, t: t + timedelta(days=400))),
    Fault("log truncated", 1, "logged records", "outcome or dead end", lambda c: _log(c, _events(c)[:-1])),
    Fault(
        "registration cut out",
        1,
        "registered first",
        "precedes the registration",
        lambda c: _log(c, [e for e in _events(c) if e["kind"] != "hypothesis.registered"]),
    ),
    Fault("log re-chained", 1, "run log", "re-chained", _rechained),
    Fault("run left out of package and log", 1, "logged records", "was planned and its outcome is not told", _drop_run),
    # Secrets, made up of parts so that no scanner takes this file for one that holds them
    Fault("AWS key", 1, "secrets", "LICENSE:1: holds an AWS access key", _secret("AKIA" + "Q" * 16)),
    Fault("GitHub token", 1, "secrets", "a GitHub token", _secret("ghp_" + "a1B2" * 9)),
    Fault("API key", 1, "secrets", "an API key", _secret("sk-" + "proj-" + "x1" * 15)),
    Fault("private key", 1, "secrets", "a private key", _secret("-----BEGIN " + "PRIVATE KEY-----")),
    Fault("random token", 1, "secrets", "a random token", _secret("key=" + "Zk3mP9qR7tW2xY5vB8nL4cD6")),
    Fault(
        "secret in the manifest",
        1,
        "secrets",
        "manifest.json:1",
        _manifest(lambda d: d.update(abstract="sk-" + "y2" * 15)),
    ),
]


def failed(path: Path, bench: Bench, rung: int) -> tuple[int, dict[str, str]]:
    """The rung that is left, and what failed of what was run."""
    report = verify(path, bench.workspace, rung, sandbox=bench.sandbox, allow_weak_sandbox=True)
    found = {c["name"]: c["detail"] for c in report["checks"] if not c["passed"]}
    return report["rung"], {name: detail for name, detail in found.items() if not detail.startswith("not run")}


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_the_untouched_copy_passes(kind: str, copied: Any, bench: Bench, request: pytest.FixtureRequest) -> None:
    copy = copied(request.getfixturevalue(kind))
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads((copy.path / "manifest.json").read_bytes()))
    assert failed(copy.path, bench, 3) == (3, {})
    assert failed(copy.reseal().path, bench, 1) == (1, {})


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_planted_fault_is_caught(fault: Fault, copied: Any, bench: Bench, request: pytest.FixtureRequest) -> None:
    copy = copied(request.getfixturevalue(fault.base))
    fault.plant(copy)
    rung, found = failed(copy.path, bench, 1)
    assert rung == fault.level - 1
    assert fault.word in found.get(fault.check, f"not caught; failed were {found}")


# Faults that no copy can be given without its author's help: the package is made with them


def _check(bench: Bench, **changes: Any) -> Any:
    plan = bench.plan()
    claim = plan.claims[0]
    check = claim.check.model_copy(update=changes)
    return plan.model_copy(update={"claims": (claim.model_copy(update={"check": check}),)})


def _recorded_by_heart(bench: Bench) -> Path:
    """A script that writes down what the true one measured."""
    true = bench.script(8.0, SEEDS)
    first = 40 + 5 * random.Random(0).random()
    held = true.replace("shared, noise = ", f"known = {first!r}\n        shared, noise = ")
    path: Path = bench.build([bench.measurement(held, SEEDS, true)])
    return path


def _held(bench: Bench, old: str, new: str, *, ran: bool = False) -> Path:
    """A package whose script has `new` for `old`; its rows are the true script's, unless this one `ran`."""
    true = bench.script(8.0, SEEDS)
    assert old in true
    held = true.replace(old, new)
    path: Path = bench.build([bench.measurement(held, SEEDS, held if ran else true)])
    return path


PEEK = "try:\n    open('../manifest.json')\nexcept OSError:\n    pass"
BUILT = [
    (
        "claim after data",
        1,
        "registered first",
        "precedes the registration",
        lambda b: b.build([b.look(8.0)], late=True),
    ),
    (
        "cherry-picked seeds",
        1,
        "sample plan",
        "4 of the 5 seeds registered",
        lambda b: b.build([b.look(8.0, (0, 1, 2, 4))]),
    ),
    ("seeds of one's own choice", 1, "sample plan", "11", lambda b: b.build([b.look(8.0, (0, 1, 2, 3, 4, 11))])),
    ("later look without the first", 1, "sample plan", "is missing", lambda b: b.build([b.look(8.0, (5, 6, 7, 8, 9))])),
    (
        "check that every value satisfies",
        1,
        "vacuous checks",
        "every value",
        lambda b: b.build([b.look(8.0)], b.plan(above=-150.0)),
    ),
    (
        "check without a bound",
        1,
        "vacuous checks",
        "every value",
        lambda b: b.build([b.look(8.0)], _check(b, expect=Expectation(relation="below"))),
    ),
    (
        "check of all points",
        1,
        "vacuous checks",
        "every value",
        lambda b: b.build([b.look(8.0)], _check(b, expect=Expectation(relation="inside", low=-100, high=100))),
    ),
    (
        "check outside of nothing",
        1,
        "vacuous checks",
        "every value",
        lambda b: b.build([b.look(8.0)], _check(b, expect=Expectation(relation="outside", low=5, high=-5))),
    ),
    (
        "check that nothing satisfies",
        1,
        "vacuous checks",
        "no value",
        lambda b: b.build([b.look(8.0)], b.plan(above=100.0)),
    ),
    (
        "check of a condition",
        1,
        "vacuous checks",
        "is a condition",
        lambda b: b.build([b.look(8.0)], _check(b, metric="capacity")),
    ),
    (
        "check against itself",
        1,
        "vacuous checks",
        "with itself",
        lambda b: b.build([b.look(8.0)], _check(b, versus="lfu-perfect")),
    ),
    (
        "script that reads its expectation",
        1,
        "scripts",
        "must not read its own expectation",
        lambda b: b.build([b.look(8.0, before=PEEK)]),
    ),
    (
        "script that reads recorded rows",
        1,
        "scripts",
        "evidence/rows/E01.jsonl",
        lambda b: b.build([b.look(8.0, before="OLD = 'evidence/rows/E01.jsonl'")]),
    ),
    ("script that knows its result", 1, "scripts", "carries the recorded value", _recorded_by_heart),
    (
        "code that cannot run",
        2,
        "run E01",
        "a_module_nobody_has",
        lambda b: _held(b, "import random", "import random, a_module_nobody_has"),
    ),
    (
        "code that writes no rows",
        2,
        "run E01",
        "rows.jsonl",
        lambda b: _held(b, 'open("rows.jsonl"', 'open("other.jsonl"'),
    ),
    (
        "crash that comes no more",
        2,
        "run E01",
        "recorded: exit status 1",
        lambda b: b.build([b.measurement(b.script(8.0, SEEDS), SEEDS, "raise RuntimeError('no trace')")]),
    ),
    ("8 claimed where 16 is measured", 3, "claim C01", "expected 8.14", lambda b: b.build([b.look(16.0, truly=8.0)])),
    (
        "16 measured where more than 0.5 is asserted",
        3,
        "claim C01",
        "outside the tolerance 0.25",
        lambda b: b.build([b.look(16.0, truly=8.0)]),
    ),
    (
        "last row otherwise",
        3,
        "rows of E01",
        "first diverging line 10",
        lambda b: _held(b, '"hit_rate": value}', '"hit_rate": value + 1e-6 * (seed == 4 and system == "lru")}'),
    ),
    (
        "script replaced by a stub",
        3,
        "rows of E01",
        "first diverging line 1",
        lambda b: _held(b, '"hit_rate": value}', '"hit_rate": 48.0 if system == "lfu-perfect" else 40.0}'),
    ),
    (
        "tolerance that confirms anything",
        3,
        "negative control: value",
        "would be confirmed at",
        lambda b: b.build([b.look(8.0)], b.plan(tolerance=20.0)),
    ),
    (
        "seeds that cannot be changed",
        4,
        "other seeds of E01",
        "cannot be given other seeds",
        lambda b: _held(b, f"in {SEEDS!r}", "in map(int, '01234')", ran=True),
    ),
    (
        "seeds that change nothing",
        4,
        "other seeds of E01",
        "the seed changes nothing",
        lambda b: _held(b, "Random(seed)", "Random(seed % 1000)", ran=True),
    ),
    (
        "gain for the registered seeds alone",
        4,
        "claim C01",
        "expected 8.14",
        lambda b: _held(b, "+ 8.0 +", "+ (8.0 if seed < 1000 else 2.0) +", ran=True),
    ),
    (
        "verdict for the registered seeds alone",
        4,
        "claim C01",
        "got refuted",
        lambda b: _held(b, "+ 8.0 +", "+ (8.0 if seed < 1000 else -8.0) +", ran=True),
    ),
]


@pytest.mark.parametrize(("level", "check", "word", "build"), [f[1:] for f in BUILT], ids=[f[0] for f in BUILT])
def test_a_fault_built_in_is_caught(level: int, check: str, word: str, build: Any, bench: Bench) -> None:
    rung, found = failed(build(bench), bench, level)
    assert rung == level - 1
    assert word in found.get(check, f"not caught; failed were {found}")


# Faults of what others say of a package


@pytest.fixture(scope="module")
def attested(bench: Bench) -> Path:
    """A package with the attestation of its own workspace."""
    path: Path = bench.build([bench.look(8.0)])
    assert verify(path, bench.workspace, 1)["rung"] == 1
    return path


def _with_attestation(attested: Path, copied: Any) -> tuple[Copy, Path]:
    copy = copied(attested)
    shutil.copytree(attested.parent / "attestations", copy.path.parent / "attestations")
    (file,) = (copy.path.parent / "attestations").glob("v1-L1-*-1.json")
    return copy, file


def test_a_copy_with_its_attestation_passes(attested: Path, copied: Any, bench: Bench) -> None:
    copy, _ = _with_attestation(attested, copied)
    assert failed(copy.path, bench, 1) == (1, {})


def test_an_attestation_raised_by_hand_is_caught(attested: Path, copied: Any, bench: Bench) -> None:
    copy, file = _with_attestation(attested, copied)
    envelope = json.loads(file.read_bytes())
    said = json.loads(base64.b64decode(envelope["payload"]))
    said["predicate"]["rung"] = 4
    envelope["payload"] = base64.b64encode(canonical(said)).decode()
    file.write_bytes(canonical(envelope))
    rung, found = failed(copy.path, bench, 1)
    assert rung == 0
    assert "does not hold" in found["attestations"]


def test_an_attestation_of_an_unknown_key_is_caught(attested: Path, copied: Any, bench: Bench) -> None:
    copy, file = _with_attestation(attested, copied)
    said = json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))
    said["predicate"]["rung"] = 4
    file.with_name("v1-L4-00000000-1.json").write_bytes(canonical(sign(new_key(), said)))
    rung, found = failed(copy.path, bench, 1)
    assert rung == 0
    assert "v1-L4-00000000-1.json: signed by the unknown key" in found["attestations"]


def test_an_attestation_of_another_package_is_caught(
    attested: Path, supported: Path, copied: Any, bench: Bench
) -> None:
    _, file = _with_attestation(attested, copied)
    other = copied(supported)
    (other.path.parent / "attestations").mkdir()
    shutil.copy(file, other.path.parent / "attestations")
    rung, found = failed(other.path, bench, 1)
    assert rung == 0
    assert "wrong subject" in found["attestations"]


def test_a_package_forged_whole_no_longer_has_its_attestation(attested: Path, copied: Any, bench: Bench) -> None:
    """What no check of the contents can tell, a whole and consistent log, is not what was signed."""
    copy, _ = _with_attestation(attested, copied)
    _rechained(copy)
    report = verify(copy.path, None, 1)
    found = {c["name"]: c["detail"] for c in report["checks"] if not c["passed"]}
    assert found.keys() == {"attestations"}
    assert "wrong subject" in found["attestations"]


def test_an_attestation_that_is_no_envelope_is_caught(attested: Path, copied: Any, bench: Bench) -> None:
    copy, file = _with_attestation(attested, copied)
    for text in (b"{", b"[]", b"{}", b'{"payload": 1, "payloadType": 2, "signatures": 3}'):
        file.write_bytes(text)
        assert failed(copy.path, bench, 1)[1]["attestations"].startswith(f"attestations/{file.name}: ")


def test_there_are_more_than_forty_faults() -> None:
    assert len({f.name for f in FAULTS} | {f[0] for f in BUILT}) > 40
