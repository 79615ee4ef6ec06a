"""The upper rungs: attestations, another operator with other seeds (L4), re-implementation and a person (L5), and
the nightly order of verification."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from evidentia.cli.app import app
from evidentia.cli.verified import failed
from evidentia.errors import BadInputError
from evidentia.hub.verification import ladder, nightly, stalest, trust_key, verify, verify_all
from evidentia.hub.verification.recomputed import prediction
from evidentia.hub.verification.reproduced import unlike
from evidentia.hub.verification.scripts import FixedSeedsError, carried, reseeded
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import publish, standings
from evidentia.workspace.package.reviews import store_review
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import Cell, ClaimReview, Hypothesis, Review
from evidentia.workspace.signing import check, trust, workspace_key

Bench = Any
FIRST = (0, 1, 2, 3, 4)


def rungs(report: dict[str, Any]) -> dict[str, str]:
    """What failed of what was run."""
    found = (c for c in report["checks"] if not c["passed"] and not c["detail"].startswith("not run"))
    return {c["name"]: c["detail"] for c in found}


@dataclass
class Meeting:
    """A package of the first person's, and the workspace of a second one that holds a copy of it."""

    first: Workspace
    second: Workspace
    original: Path
    copy: Path

    def verify(self, bench: Bench, rung: int = 4, **how: Any) -> dict[str, Any]:
        """The second person's verification of the copy."""
        return verify(self.copy, self.second, rung, sandbox=bench.sandbox, **how)


@pytest.fixture
def meeting(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """The first person attests a package up to L3 on a machine of their own and hands it on."""
    path = bench.build([bench.look(8.0, FIRST), bench.look(8.0, (5, 6, 7, 8, 9))])
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(platform, "node", lambda: "the-machine-of-the-first")
        assert verify(path, bench.workspace, sandbox=bench.sandbox)["rung"] == 3
    second = open_workspace(tmp_path / "second", create=True)
    shutil.copytree(path.parent, second.packages / path.parent.name)
    return Meeting(bench.workspace, second, path, second.packages / path.parent.name / path.name)


# Attestations


def test_a_verification_is_signed_beside_the_versions_and_named_in_the_ledger(bench: Bench) -> None:
    path = bench.build([bench.look(8.0)])
    report = verify(path, bench.workspace, 1)
    file = Path(report["attestation"])
    key = workspace_key(bench.workspace)
    assert file == path.parent / "attestations" / f"v1-L1-{key.keyid[:8]}-1.json"
    envelope = json.loads(file.read_bytes())
    said, keyid = check(envelope, {key.keyid: key.public})
    manifest = sha256((path / "manifest.json").read_bytes())
    assert said["subject"] == [{"name": "manifest.json", "digest": {"sha256": manifest}}]
    told = said["predicate"]
    assert (told["rung"], told["asked"], told["verdict"], told["seeds_changed"]) == (1, 1, "passed", False)
    assert told["checks"] == [{k: c[k] for k in ("name", "rung", "passed")} for c in report["checks"]]
    assert platform.node() not in json.dumps(told)
    (event,) = [e for e in read_events(bench.workspace.ledger_path) if e.payload["package"] == path.parent.name]
    assert event.payload["attestation"] == sha256(canonical(envelope))
    assert (event.payload["key"], event.payload["manifest"]) == (keyid, manifest)


def test_every_pass_and_every_failure_has_its_own_attestation(bench: Bench) -> None:
    path = bench.build([bench.look(8.0)])
    for _ in range(2):
        verify(path, bench.workspace, 1)
    (path / "extra.txt").write_text("x")
    failed = verify(path, bench.workspace, 1)
    (path / "manifest.json").unlink()
    lost = verify(path, bench.workspace, 1)
    key = workspace_key(bench.workspace).keyid[:8]
    names = sorted(p.name for p in (path.parent / "attestations").iterdir())
    assert names == [f"v1-L0-{key}-1.json", f"v1-L1-{key}-1.json", f"v1-L1-{key}-2.json", f"v1-none-{key}-1.json"]
    for report in (failed, lost):
        said, _ = check(json.loads(Path(report["attestation"]).read_bytes()), None)
        assert said["predicate"]["verdict"] == "failed"


def test_a_package_mended_after_a_failure_passes_again(bench: Bench) -> None:
    """The attestation of the damaged manifest says that it failed; it does not stand in the way for ever."""
    path = bench.build([bench.look(8.0)])
    kept = (path / "manifest.json").read_bytes()
    (path / "manifest.json").write_bytes(kept.replace(b"supported", b"sup", 1))
    assert verify(path, bench.workspace, 1)["rung"] == 0
    (path / "manifest.json").write_bytes(kept)
    assert verify(path, bench.workspace, 1)["rung"] == 1


def test_a_directory_from_elsewhere_is_signed_only_where_asked(
    supported: Path, copied: Callable[[Path], Any], bench: Bench, tmp_path: Path
) -> None:
    copy = copied(supported)
    assert verify(copy.path, bench.workspace, 1)["attestation"] == ""
    assert not (copy.path.parent / "attestations").exists()
    report = verify(copy.path, bench.workspace, 1, attest_to=tmp_path / "said")
    assert Path(report["attestation"]).parent == tmp_path / "said"
    with pytest.raises(BadInputError, match="--attest needs the key of a workspace"):
        verify(copy.path, None, 1, attest_to=tmp_path / "said")


# Level 4


def test_another_operator_with_other_seeds_grants_level_4(meeting: Meeting, bench: Bench) -> None:
    publish(meeting.second, meeting.copy.parent.name, 1, run="run", outcome="supported")
    trust(meeting.second, workspace_key(meeting.first).public)
    report = meeting.verify(bench)
    assert rungs(report) == {}
    assert (report["rung"], report["plus"]) == (4, False)
    assert standings(meeting.second)[meeting.copy.parent.name].rung == 4
    said, _ = check(json.loads(Path(report["attestation"]).read_bytes()), None)
    assert said["predicate"]["seeds_changed"] is True
    assert said["predicate"]["seed_offset"] == 1_000_000


def test_seeds_are_never_used_twice(meeting: Meeting, bench: Bench) -> None:
    trust(meeting.second, workspace_key(meeting.first).public)
    offsets = []
    for wanted in (None, None, 77):
        report = meeting.verify(bench, seed_offset=wanted)
        assert report["rung"] == 4
        said, _ = check(json.loads(Path(report["attestation"]).read_bytes()), None)
        offsets.append(said["predicate"]["seed_offset"])
    assert offsets == [1_000_000, 2_000_000, 77]
    for used in (77, 78, 70, 1_000_003, 5, -3, 0):
        with pytest.raises(BadInputError, match="which was already used"):
            meeting.verify(bench, seed_offset=used)
    for strange in (-100, 2**32):
        with pytest.raises(BadInputError, match="leads out of the seeds"):
            meeting.verify(bench, seed_offset=strange)


def test_the_same_operator_reaches_l3_plus(bench: Bench) -> None:
    path = bench.build([bench.look(8.0)])
    publish(bench.workspace, path.parent.name, 1, run="run", outcome="supported")
    report = verify(path, bench.workspace, 4, sandbox=bench.sandbox)
    assert (report["rung"], report["plus"]) == (3, True)
    assert rungs(report) == {"another operator": "the run was made in this workspace: the same operator"}
    assert standings(bench.workspace)[path.parent.name].rung == 3
    said, _ = check(json.loads(Path(report["attestation"]).read_bytes()), None)
    assert (said["predicate"]["rung"], said["predicate"]["plus"]) == (3, True)


def test_a_key_that_is_not_trusted_shows_no_other_operator(meeting: Meeting, bench: Bench) -> None:
    report = meeting.verify(bench)
    assert (report["rung"], report["plus"]) == (3, True)
    keyid = workspace_key(meeting.first).keyid
    assert rungs(report)["another operator"].endswith(f"--trust {keyid}")
    told = next(c["detail"] for c in report["checks"] if c["name"] == "attestations")
    assert told.endswith(f"not counted, of unknown keys: {keyid[:16]}…")
    trust_key(meeting.second, meeting.copy, keyid)
    assert meeting.verify(bench)["rung"] == 4


def test_trust_wants_the_full_id_of_a_key_that_has_signed(meeting: Meeting) -> None:
    for wrong in (workspace_key(meeting.first).keyid[:16], "0" * 64, ""):
        with pytest.raises(BadInputError, match="nothing beside"):
            trust_key(meeting.second, meeting.copy, wrong)


def test_the_same_machine_with_another_key_reaches_l3_plus(
    meeting: Meeting, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(meeting.second, workspace_key(meeting.first).public)
    monkeypatch.setattr(platform, "node", lambda: "the-machine-of-the-first")
    report = meeting.verify(bench)
    assert (report["rung"], report["plus"]) == (3, True)
    assert "on this very machine" in rungs(report)["another operator"]


def test_without_a_first_attestation_nobody_is_another_operator(meeting: Meeting, bench: Bench) -> None:
    shutil.rmtree(meeting.copy.parent / "attestations")
    assert "nobody has attested" in rungs(meeting.verify(bench))["another operator"]
    assert meeting.verify(bench, 3)["rung"] == 3
    assert "by this very key" in rungs(meeting.verify(bench))["another operator"]


def test_a_crash_is_reproduced_by_crashing_again(bench: Bench, crashed: Path) -> None:
    report = verify(crashed, None, 4, sandbox=bench.sandbox)
    assert (report["rung"], report["plus"]) == (3, True)


def test_an_offset_needs_level_4(supported: Path) -> None:
    with pytest.raises(BadInputError, match="--seed-offset is for level 4"):
        verify(supported, None, 3, seed_offset=7)


def test_the_value_of_other_seeds_lies_in_its_interval_19_times_in_20() -> None:
    """Hahn and Meeker: the mean of m further normal draws; checked by drawing."""
    generator = np.random.default_rng(11)
    trials, n, m = 4000, 5, 5
    held = 0
    for sample in generator.normal(10.0, 2.0, (trials, n + m)):
        claim: Any = SimpleNamespace(
            value=float(np.mean(sample[:n])),
            sd=float(np.std(sample[:n], ddof=1)),
            n=n,
            check=SimpleNamespace(estimator="mean", log_parameter=False),
        )
        low, high = prediction(claim, seeds=m)
        held += low <= float(np.mean(sample[n:])) <= high
    assert abs(held / trials - 0.95) < 4 * (0.95 * 0.05 / trials) ** 0.5


@pytest.mark.parametrize(
    ("changes", "again", "said"),
    [
        ({}, {}, None),
        ({}, {"status": "inconclusive"}, None),
        ({}, {"status": "refuted"}, "expected supported, got refuted"),
        ({}, {"value": None, "status": "inconclusive"}, "got no value"),
        ({"tolerance": 5.0}, {"value": 12.0}, None),
        ({}, {"value": 12.0}, "and the prediction interval"),
        ({"n": 2}, {"value": 8.4}, "2 seeds predict nothing"),
    ],
)
def test_other_seeds_confirm_within_tolerance_or_prediction(
    changes: dict[str, Any], again: dict[str, Any], said: str | None, supported: Path
) -> None:
    claim = load_manifest(supported).branch.claims[0].model_copy(update=changes)
    problem = unlike(claim, claim.model_copy(update=again))
    assert problem is None if said is None else said in (problem or "")


# Seeds in a script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SEEDS = [0, 1, 2]\n", "SEEDS = [7, 8, 9]\n"),
        ("for s in (0, 1, 2):\n    pass\n", "for s in [7, 8, 9]:\n    pass\n"),
        ("for seed in range(3): pass\n", "for seed in [7, 8, 9]: pass\n"),
        ("seeds: list = list(range(0, 3))\n", "seeds: list = list([7, 8, 9])\n"),
        ("LEVELS = [0, 1, 2]\nSEEDS = [0, 1, 2]\n", "LEVELS = [0, 1, 2]\nSEEDS = [7, 8, 9]\n"),
        ("é = 'ü'; SEEDS = [\n  0,\n  1, 2,\n]; x = 1\n", "é = 'ü'; SEEDS = [7, 8, 9]; x = 1\n"),
        ("rows = [f(seed) for seed in (0, 1, 2)]", "rows = [f(seed) for seed in [7, 8, 9]]"),
    ],
)
def test_the_registered_seeds_of_a_script_are_replaced(text: str, expected: str) -> None:
    assert reseeded(text, (0, 1, 2), (7, 8, 9)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "import sys\n",
        "SEEDS = [0, 1]\n",
        "SEEDS = [0, 1, True]\n",
        "SEEDS = [0.0, 1.0, 2.0]\n",
        "A = [0, 1, 2]\nB = [0, 1, 2]\n",
        "SEEDS = [0, 1, 2]\nOLD_SEEDS = [0, 1, 2]\n",
        "SEEDS = range(10**12)\n",
        "SEEDS = range(0, 3, 0)\n",
        "def (",
        "\0",
    ],
)
def test_a_script_whose_seeds_cannot_be_told_is_left_alone(text: str) -> None:
    with pytest.raises(FixedSeedsError):
        reseeded(text, (0, 1, 2), (7, 8, 9))


def test_only_a_long_number_is_known_by_heart() -> None:
    values = {0.123456, 1.5, 1048576.0, 12.3456}
    text = "a = 1.5\nb = 0.1234560\nc = 1048576.0\nd = x12.3456\ne = 12.3456"
    assert list(carried(text, values)) == [(2, "0.1234560"), (3, "1048576.0"), (5, "12.3456")]


# Level 5

OWN = """# Grounding: transcribed
import json
from random import Random

with open("rows.jsonl", "w") as out:
    for seed in (0, 1, 2, 3, 4):
        chance = Random("own " + str(seed))
        base = 35 + chance.random()
        for capacity, ahead in ((100, {gap!r}), (200, 5.0)):
            for system, rate in (("lfu-perfect", base + ahead + (chance.random() - 0.5)), ("lru", base)):
                row = {{"system": system, "seed": seed, "capacity": capacity, "hit_rate": rate}}
                out.write(json.dumps(row) + "\\n")
"""


def own_plan(bench: Bench, original: str) -> Hypothesis:
    """The original's claim, and the same with the capacity changed, both registered with what they replicate."""
    plan = bench.plan()
    (claim,) = plan.claims
    moved = claim.model_copy(
        update={
            "conditions": {"capacity": 200},
            "check": claim.check.model_copy(update={"where": {"capacity": 200}}),
            "statement": "lfu-perfect has a higher hit rate than lru by more than 0.5 pp at capacity 200",
        }
    )
    cells = tuple(Cell(system=c.system, conditions={"capacity": size}) for size in (100, 200) for c in plan.cells)
    changes = {"claims": (claim, moved), "cells": cells, "varied": ("capacity",), "trigger": f"replicates: {original}"}
    made: Hypothesis = plan.model_copy(update=changes)
    return made


def replicate(meeting: Meeting, bench: Bench, *, text: str = OWN.format(gap=8.0), rung: int = 3) -> str:
    """A re-implementation in the second person's workspace, verified; its id."""
    own = type(bench)(meeting.second, bench.sandbox)
    path = own.build([own.measurement(text, FIRST)], own_plan(bench, meeting.copy.parent.name))
    publish(meeting.second, path.parent.name, 1, run="run-1", outcome="supported")
    report = verify(path, meeting.second, rung, sandbox=bench.sandbox)
    assert report["rung"] == rung, rungs(report)
    return str(path.parent.name)


def read(meeting: Meeting, verdict: Any = "supported", kind: Any = "person") -> Path:
    """A signed review by the second person."""
    said = ClaimReview(claim="C01", verdict=verdict, reason="the rows")
    review = Review(
        reviewer="R", kind=kind, claims=(said,), scores={"soundness": 4}, overall="accept", confidence=4, summary=""
    )
    return store_review(meeting.second, meeting.copy, review)[0]


@pytest.fixture
def trusting(meeting: Meeting) -> Meeting:
    """The second person trusts the first one's key."""
    trust(meeting.second, workspace_key(meeting.first).public)
    return meeting


def test_level_5_says_what_is_missing(meeting: Meeting, bench: Bench) -> None:
    report = meeting.verify(bench, 5)
    found = rungs(report)
    assert report["rung"] == 3
    assert f"“replicates: {meeting.copy.parent.name}”" in found["re-implementation"]
    assert f"evidentia review {meeting.copy.parent.name}" in found["human review"]


def test_level_5_is_granted_with_both_and_with_neither_alone(trusting: Meeting, bench: Bench) -> None:
    read(trusting)
    report = trusting.verify(bench, 5)
    assert (report["rung"], set(rungs(report))) == (4, {"re-implementation"})
    replicate(trusting, bench)
    report = trusting.verify(bench, 5)
    assert (report["rung"], rungs(report)) == (5, {})
    shutil.rmtree(trusting.copy.parent / "reviews")
    report = trusting.verify(bench, 5)
    assert (report["rung"], set(rungs(report))) == (4, {"human review"})


def test_a_wrong_verdict_denies_level_5_whatever_others_say(trusting: Meeting, bench: Bench) -> None:
    read(trusting)
    read(trusting, "wrong")
    assert "finds C01 wrong" in rungs(trusting.verify(bench, 5))["human review"]


def test_a_review_that_does_not_count_is_named(trusting: Meeting, bench: Bench, tmp_path: Path) -> None:
    file = read(trusting, kind="agent")
    assert "reviews/v1-1.json: it is not a person's" in rungs(trusting.verify(bench, 5))["human review"]
    stranger = open_workspace(tmp_path / "stranger", create=True)
    shutil.move(read(Meeting(trusting.first, stranger, trusting.original, trusting.copy)), file)
    assert "unknown key" in rungs(trusting.verify(bench, 5))["human review"]
    file.write_text("{}")
    assert "not a DSSE envelope" in rungs(trusting.verify(bench, 5))["human review"]


@pytest.mark.parametrize(
    ("text", "rung", "said"),
    [
        (OWN.format(gap=8.0), 1, "is verified to L1 only"),
        (OWN.format(gap=3.0), 3, "C01: expected 8.12"),
        (OWN.format(gap=8.0) + "\nimport evidentia.errors\n", 3, "it runs the same code"),
    ],
)
def test_a_re_implementation_that_does_not_count_is_named(
    text: str, rung: int, said: str, trusting: Meeting, bench: Bench
) -> None:
    replicate(trusting, bench, text=text, rung=rung)
    assert said in rungs(trusting.verify(bench, 5))["re-implementation"]


# Every night


@pytest.fixture
def several(tmp_path: Path, supported: Path, refuted: Path, crashed: Path) -> Workspace:
    """A workspace with copies of three packages named c, a and b."""
    workspace = open_workspace(tmp_path / "several", create=True)
    for name, path in (("c", supported), ("a", refuted), ("b", crashed)):
        shutil.copytree(path, workspace.packages / name / "v1")
    return workspace


def test_the_longest_unverified_comes_first(several: Workspace) -> None:
    assert stalest(several) == ["a", "b", "c"]
    verify(several.packages / "a/v1", several, 1)
    verify(several.packages / "c/v1", several, 1)
    assert stalest(several) == ["b", "a", "c"]
    verify(several.packages / "a/v1", several, 1)
    assert stalest(several, 2) == ["b", "c"]
    shutil.copytree(several.packages / "c/v1", several.packages / "c/v2")
    assert stalest(several) == ["b", "c", "a"]


def test_nightly_runs_go_round(several: Workspace) -> None:
    seen = [report["package"] for _ in range(4) for report in verify_all(several, sample=2, rung=1)]
    assert seen == ["a", "b", "c", "a", "b", "c", "a", "b"]


def test_one_package_that_cannot_be_judged_does_not_stop_the_others(
    several: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *more: Any, **how: Any) -> dict[str, Any]:
        if path.parent.name == "b":
            raise BadInputError("the disk is full")
        return ladder.verify(path, *more, **how)

    monkeypatch.setattr(nightly, "verify", refuse)
    assert [r["rung"] for r in verify_all(several, rung=1)] == [1, -1, 1]


# The command


@pytest.fixture
def cli(several: Workspace) -> Callable[..., Any]:
    """`evidentia verify` in that workspace."""

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["verify", *words, "--workspace", str(several.root)])

    return run


def test_verify_all_prints_a_line_for_each_and_fails_with_any(cli: Callable[..., Any], several: Workspace) -> None:
    done = cli("--all", "--rung", "1")
    assert done.exit_code == 0
    assert "pass L1   a" in done.output
    assert "3 packages verified, 0 failed" in done.output
    (several.packages / "b/v1/extra.txt").write_text("x")
    done = cli("--all", "--rung", "1", "--sample", "2", "--json")
    assert done.exit_code == 1
    assert [(r["package"], r["rung"]) for r in json.loads(done.output)] == [("a", 1), ("b", 0)]
    done = cli("--all", "--rung", "1")
    assert "FAIL L0   b" in done.output
    assert "L1 files: extra.txt is not in the manifest" in done.output


def test_ones_own_packages_do_not_fail_for_being_ones_own(bench: Bench) -> None:
    path = bench.build([bench.look(8.0)])
    report = verify(path, bench.workspace, 4, sandbox=bench.sandbox)
    assert report["plus"]
    assert failed(report) is None
    assert (
        failed({**report, "plus": False})
        == "L4 another operator: the run was made in this workspace: the same operator"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name one package, or none with --all"),
        (("a", "--all"), "name one package, or none with --all"),
        (("a", "--sample", "2"), "--sample is for --all"),
        (("--all", "--seed-offset", "2"), "are for one package"),
        (("a", "--seed-offset", "2"), "--seed-offset is for level 4"),
        (("a", "--trust", "12"), "nothing beside"),
    ],
)
def test_options_that_do_not_go_together_are_bad_input(words: tuple[str, ...], said: str, cli: Any) -> None:
    done = cli(*words)
    assert isinstance(done.exception, BadInputError)
    assert said in str(done.exception)


def test_the_report_shows_the_level_and_the_attestation(cli: Callable[..., Any]) -> None:
    done = cli("a", "--rung", "1")
    assert done.exit_code == 0
    assert "a: reached L1 of L1" in done.output
    assert "attestations/v1-L1-" in done.output
