"""The ladder on real packages, and on packages with one planted fault each, which must be caught and named."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evidentia.errors import BadInputError
from evidentia.hub.ranking import list_packages
from evidentia.hub.verification import recomputed, reruns, verify
from evidentia.kernels import registry
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.ledger import publish
from evidentia.workspace.package.store import load_manifest

Bench = Any
Copied = Callable[[Path], Any]


def failures(report: dict[str, Any]) -> dict[str, str]:
    """What failed and was run, by name."""
    return {
        c["name"]: c["detail"] for c in report["checks"] if not c["passed"] and not c["detail"].startswith("not run")
    }


def caught(package: Path, bench: Bench, rung: int = 1) -> tuple[int, dict[str, str]]:
    """The rung a damaged package keeps, and the checks that failed."""
    report = verify(package, None, rung, sandbox=bench.sandbox)
    return report["rung"], failures(report)


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_every_outcome_reaches_level_3(kind: str, bench: Bench, request: pytest.FixtureRequest) -> None:
    report = verify(request.getfixturevalue(kind), None, sandbox=bench.sandbox)
    assert failures(report) == {}
    assert report["rung"] == 3
    assert {c["rung"] for c in report["checks"]} == {0, 1, 2, 3}


def test_an_undecided_branch_reaches_level_3(bench: Bench) -> None:
    package = bench.build([bench.look(0.5, spread=4.0)])
    assert verify(package, None, sandbox=bench.sandbox)["rung"] == 3


def test_a_branch_killed_at_a_limit_reaches_level_3(bench: Bench) -> None:
    package = bench.build([bench.look(8.0, before="print('x' * 3_000_000)")])
    assert "output: 1 MiB limit" in (package / "README.md").read_text()
    report = verify(package, None, sandbox=bench.sandbox)
    assert failures(report) == {}
    assert report["rung"] == 3


def test_wall_and_processor_time_are_one_limit_and_memory_another() -> None:
    kinds = [reruns.kind_of_limit(e) for e in ("wall: 5 s limit", "cpu: 5 s limit", "memory: 5 MiB limit", None)]
    assert kinds == ["time", "time", "memory", None]


def test_verification_stops_at_the_rung_asked_for(supported: Path) -> None:
    report = verify(supported, None, 1)
    assert report["rung"] == 1
    assert max(c["rung"] for c in report["checks"]) == 1


def test_a_rung_that_does_not_exist_is_bad_input(supported: Path) -> None:
    with pytest.raises(BadInputError, match="--rung must be between 0 and 5, not 6"):
        verify(supported, None, 6)


def test_a_level_above_a_failed_one_is_failed_not_skipped(supported: Path, copied: Copied) -> None:
    copy = copied(supported)
    (copy.path / "extra.txt").write_text("a file nobody listed")
    above = [c for c in verify(copy.path)["checks"] if c["rung"] > 1]
    assert [(c["rung"], c["passed"], c["detail"]) for c in above] == [
        (2, False, "not run: level 1 failed"),
        (3, False, "not run: level 1 failed"),
    ]


# Level 0


def test_a_manifest_that_is_not_json_fails_level_0(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    (copy.path / "manifest.json").write_text('{"schema": "package/1",')
    rung, failed = caught(copy.path, bench)
    assert rung == -1
    assert "is not JSON" in failed["manifest"]


def test_a_missing_manifest_fails_level_0(tmp_path: Path) -> None:
    assert verify(tmp_path)["rung"] == -1


def test_a_reference_to_missing_evidence_fails_level_0(supported: Path, copied: Copied, bench: Bench) -> None:
    rung, failed = caught(copied(supported).edit_claim(evidence=["0" * 64]).path, bench)
    assert rung == -1
    assert "C01 names the evidence 000000000000…, which the package does not hold" in failed["references"]


def test_a_claim_shown_otherwise_than_it_is_held_fails_level_0(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported).edit_manifest(lambda data: data["claims"][0].update(value=80.0))
    rung, failed = caught(copy.path, bench)
    assert rung == -1
    assert "claim C01 shows value 80, its branch says 8.1" in failed["references"]


def test_a_missing_ara_label_fails_level_0_with_file_and_line(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported).edit("logic/claims.md", "**Falsification criteria**", "**Criteria**").reseal()
    rung, failed = caught(copy.path, bench)
    assert rung == -1
    assert failed["layout"].startswith("logic/claims.md:3: label: add **Falsification criteria**")


def test_a_licence_that_names_no_licence_fails_level_0(supported: Path, copied: Copied, bench: Bench) -> None:
    rung, failed = caught(copied(supported).edit_manifest(lambda d: d.update(licence="ask me")).path, bench)
    assert rung == -1
    assert "Apache-2.0" in failed["licence"]


# Level 1: files and evidence


def test_an_added_file_is_named(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    (copy.path / "src" / "extra.py").write_text("print('hello')\n")
    assert caught(copy.path, bench) == (0, {"files": "src/extra.py is not in the manifest"})


def test_a_missing_file_is_named(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    (copy.path / "evidence/figures/F01.svg").unlink()
    assert caught(copy.path, bench) == (0, {"files": "evidence/figures/F01.svg is missing"})


def test_a_link_out_of_the_package_is_named(supported: Path, copied: Copied, bench: Bench, tmp_path: Path) -> None:
    copy = copied(supported)
    readme = copy.path / "README.md"
    outside = tmp_path / "outside.md"
    outside.write_bytes(readme.read_bytes())
    readme.unlink()
    readme.symlink_to(outside)
    rung, failed = caught(copy.path, bench)
    assert rung == 0
    assert failed["files"] == "README.md is not a plain file inside the package"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("evidence/rows/E01.jsonl", '"seed": 3', '"seed": 4'),
        ("evidence/logs/E01.stdout.txt", "measured 5", "measured 9"),
        ("src/execution/E01.py", "8.0 + noise", "9.0 + noise"),
        ("evidence/manifests/E01.json", '"exit_status":0', '"exit_status":1'),
    ],
)
def test_an_edited_record_is_named_whether_resealed_or_not(
    supported: Path, copied: Copied, bench: Bench, name: str, old: str, new: str
) -> None:
    copy = copied(supported).edit(name, old, new)
    rung, failed = caught(copy.path, bench)
    assert rung == 0
    assert failed["files"].startswith(f"{name} was changed")
    rung, failed = caught(copy.reseal().path, bench)
    assert rung == 0
    assert failed["evidence"] == f"{name} is not what the evidence of E01 recorded"


def test_swapped_evidence_is_caught(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    first, second = copy.path / "evidence/rows/E01.jsonl", copy.path / "evidence/rows/E02.jsonl"
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    rung, failed = caught(copy.reseal().path, bench)
    assert rung == 0
    assert {"evidence", "seeds"} <= failed.keys()
    assert "evidence/rows/E01.jsonl:1: the seed 5 was not registered" in failed["seeds"]


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("AKIA" + "Q" * 16, "an AWS access key"),
        ("ghp_" + "a1B2" * 9, "a GitHub token"),
        ("sk-ant-" + "x" * 30, "an API key"),
        ("-----BEGIN " + "OPENSSH PRIVATE KEY-----", "a private key"),
        ('password = "' + 'correct-horse"', "a password"),
    ],
)
def test_a_secret_is_named_with_file_and_line_but_not_shown(
    supported: Path, copied: Copied, bench: Bench, secret: str, kind: str
) -> None:
    copy = copied(supported)
    (copy.path / "LICENSE").write_text(f"line\n{secret}\n")
    rung, failed = caught(copy.reseal().path, bench)
    assert rung == 0
    assert failed == {"secrets": f"LICENSE:2: holds {kind}"}


# Level 1: the log


def _lines(copy: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (copy.path / "trace/events.jsonl").read_bytes().splitlines()]


def _write(copy: Any, events: list[dict[str, Any]], *, chained: bool) -> Any:
    """Write the events back; a thorough forger hashes and links them anew."""
    prev = events[0]["prev"]
    for event in events:
        if chained:
            event.pop("hash", None)
            event["prev"] = prev
            event["hash"] = prev = content_id(event)
    (copy.path / "trace/events.jsonl").write_bytes(b"".join(canonical(e) + b"\n" for e in events))
    return copy.reseal()


def test_an_edited_event_is_named(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    events = _lines(copy)
    events[0]["payload"]["brief"]["question"] = "Which is worse?"
    rung, failed = caught(_write(copy, events, chained=False).path, bench)
    assert rung == 0
    assert failed == {"event log": "trace/events.jsonl:1: event 0 was changed after it was written"}


def test_an_event_that_does_not_follow_its_neighbour_is_named(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    events = _lines(copy)
    events[0]["payload"]["brief"]["question"] = "Which is worse?"
    events[0].pop("hash")
    events[0]["hash"] = content_id(events[0])
    _, failed = caught(_write(copy, events, chained=False).path, bench)
    assert failed == {"event log": "trace/events.jsonl:2: event 1 does not follow event 0"}


def test_a_claim_registered_after_its_data_is_caught(bench: Bench) -> None:
    rung, failed = caught(bench.build([bench.look(8.0)], late=True), bench)
    assert rung == 0
    assert failed.keys() == {"registered first"}
    assert "precedes the registration of h-" in failed["registered first"]


def test_a_run_left_out_is_caught(bench: Bench, supported: Path, copied: Copied) -> None:
    copy = copied(supported)

    def drop(data: dict[str, Any]) -> None:
        data["branch"]["runs"].pop()
        data["entry_points"].pop()
        for claims in (data["claims"], data["branch"]["claims"]):
            claims[0]["evidence"].pop()

    rung, failed = caught(copy.edit_manifest(drop).path, bench)
    assert rung == 0
    assert "the log has 2 runs, the package 1" in failed["logged records"]


# Level 1: claims, numbers, dead ends


def _is_claim_caught(package: Path, bench: Bench, detail: str) -> None:
    rung, failed = caught(package, bench)
    assert rung == 0
    assert detail in failed["claim C01"]


def test_a_narrowed_interval_is_caught(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    low, high = copy.manifest.branch.claims[0].ci
    middle = (low + high) / 2
    _is_claim_caught(copy.edit_claim(ci=[(low + middle) / 2, (high + middle) / 2]).path, bench, "states the interval")


def test_an_inflated_n_is_caught(supported: Path, copied: Copied, bench: Bench) -> None:
    _is_claim_caught(copied(supported).edit_claim(n=20).path, bench, "C01 states n 20, the rows give 10")


def test_a_value_off_in_the_sixth_digit_is_caught(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    value = copy.manifest.branch.claims[0].value
    _is_claim_caught(copy.edit_claim(value=value * 1.000001).path, bench, "C01 states value")


def test_a_refuted_claim_stated_as_supported_is_caught(refuted: Path, copied: Copied, bench: Bench) -> None:
    _is_claim_caught(copied(refuted).edit_claim(status="supported").path, bench, "the rows give refuted")


def test_a_lie_told_before_the_log_was_written_is_caught(bench: Bench) -> None:
    def inflate(claims: Any) -> Any:
        return tuple(c.model_copy(update={"value": c.value + 8, "ci": tuple(v + 8 for v in c.ci)}) for c in claims)

    rung, failed = caught(bench.build([bench.look(8.0)], change=inflate), bench)
    assert rung == 0
    assert failed.keys() == {"claim C01"}


def test_a_claim_stated_as_less_than_it_is_passes(bench: Bench) -> None:
    def take_back(claims: Any) -> Any:
        return tuple(c.model_copy(update={"status": "inconclusive"}) for c in claims)

    assert caught(bench.build([bench.look(8.0)], change=take_back), bench) == (1, {})


def test_a_changed_unit_is_caught(supported: Path, copied: Copied, bench: Bench) -> None:
    rung, failed = caught(copied(supported).edit_claim(unit="x").path, bench)
    assert rung == 0
    assert failed["registered checks"] == "C01 states another unit than was registered"


def test_a_check_loosened_after_the_data_is_caught(refuted: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(refuted)
    check = copy.manifest.branch.claims[0].check.to_json()
    check["expect"]["low"] = -20.0
    rung, failed = caught(copy.edit_claim(check=check, status="supported").path, bench)
    assert rung == 0
    assert failed["registered checks"] == "C01 states another check than was registered"
    assert "claim C01" not in failed


def _with_digit_changed(text: str) -> str:
    """The text with the last digit of its first decimal number raised by one, modulo ten."""
    point = text.index(".")
    end = point + 1
    while end < len(text) and text[end].isdigit():
        end += 1
    return text[: end - 1] + str((int(text[end - 1]) + 5) % 10) + text[end:]


@pytest.mark.parametrize("name", ["README.md", "logic/claims.md"])
def test_a_claim_quoted_off_by_a_digit_is_caught(name: str, supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    line = next(t for t in (copy.path / name).read_text().splitlines() if " pp [" in t)
    quoted = line[line.index(" pp [") - 4 :]
    rung, failed = caught(copy.edit(name, quoted, _with_digit_changed(quoted)).reseal().path, bench)
    assert rung == 0
    assert f"{name} does not say of C01" in failed["claims in prose"]


@pytest.mark.parametrize("name", ["PAPER.md", "evidence/tables/T01.md", "evidence/figures/F01.md"])
def test_a_number_in_prose_or_table_off_by_a_digit_is_caught(
    name: str, supported: Path, copied: Copied, bench: Bench
) -> None:
    copy = copied(supported)
    line = next(t for t in (copy.path / name).read_text().splitlines() if re.search(r" \[\d+\.\d", t))
    numbers = line[line.index(" [") :]
    rung, failed = caught(copy.edit(name, numbers, _with_digit_changed(numbers)).reseal().path, bench)
    assert rung == 0
    assert failed["numbers"].startswith(f"{name}:")
    assert "is in no claim, result or run record" in failed["numbers"]


def test_a_number_added_to_prose_is_caught_with_its_line(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    lines = (copy.path / "README.md").read_text().count("\n")
    with (copy.path / "README.md").open("a") as readme:
        readme.write("It is 37.25 % cheaper.\n")
    _, failed = caught(copy.reseal().path, bench)
    assert failed["numbers"] == f"README.md:{lines + 1}: 37.25 is in no claim, result or run record"


def test_a_result_that_the_rows_do_not_give_is_caught(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported).edit_manifest(lambda data: data["results"][0].update(mean=50.0))
    _, failed = caught(copy.path, bench)
    assert "is not what the rows give" in failed["results"]


@pytest.mark.parametrize("kind", ["refuted", "crashed"])
def test_a_missing_dead_end_is_caught(kind: str, copied: Copied, bench: Bench, request: pytest.FixtureRequest) -> None:
    copy = copied(request.getfixturevalue(kind)).edit_manifest(lambda data: data["branch"].update(dead_end=None))
    rung, failed = caught(copy.path, bench)
    assert rung == 0
    assert failed["dead end"] == f"the branch is {kind} and tells no dead end"


def test_a_dead_end_without_a_lesson_is_caught(refuted: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(refuted).edit_manifest(lambda data: data["branch"]["dead_end"].update(lesson=" "))
    assert caught(copy.path, bench)[1]["dead end"] == "the dead end has no lesson"


def test_an_outcome_that_the_claims_do_not_give_is_caught(refuted: Path, copied: Copied, bench: Bench) -> None:
    def change(data: dict[str, Any]) -> None:
        data["outcome"] = data["branch"]["outcome"] = "supported"

    _, failed = caught(copied(refuted).edit_manifest(change).path, bench)
    assert failed["dead end"] == "the outcome is stated as supported, the claims give refuted"


# Level 2


def test_a_script_that_no_longer_runs_fails_level_2(bench: Bench) -> None:
    held = bench.script(8.0, (0, 1, 2, 3, 4), before="import a_module_nobody_has")
    ran = bench.script(8.0, (0, 1, 2, 3, 4))
    rung, failed = caught(bench.build([bench.measurement(held, (0, 1, 2, 3, 4), ran)]), bench, 2)
    assert rung == 1
    assert failed["run E01"].startswith("recorded: exit status 0; now: exit status 1")
    assert "a_module_nobody_has" in failed["run E01"]


def test_a_script_that_writes_no_rows_fails_level_2(bench: Bench) -> None:
    ran = bench.script(8.0, (0, 1, 2, 3, 4))
    held = "# Grounding: transcribed\nprint('nothing to see')\n"
    rung, failed = caught(bench.build([bench.measurement(held, (0, 1, 2, 3, 4), ran)]), bench, 2)
    assert rung == 1
    assert "rows.jsonl" in failed["run E01"]


def test_a_crash_that_does_not_come_again_fails_level_2(bench: Bench) -> None:
    held = bench.script(8.0, (0, 1, 2, 3, 4))
    ran = bench.script(8.0, (0, 1, 2, 3, 4), before="raise RuntimeError('no such trace')")
    rung, failed = caught(bench.build([bench.measurement(held, (0, 1, 2, 3, 4), ran)]), bench, 2)
    assert rung == 1
    assert failed["run E01"].startswith("recorded: exit status 1")


def test_a_run_that_needs_a_gpu_fails_with_that_reason(
    supported: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reruns, "GPU_DEVICES", ())
    monkeypatch.setattr(registry, "kernel", lambda family, name: SimpleNamespace(needs_gpu=True))
    rung, failed = caught(supported, bench, 2)
    assert rung == 1
    assert failed["run E01"] == "could not run: lfu-perfect needs a GPU and this machine has none"


# Level 3


def test_a_rerun_that_measures_16_where_8_is_claimed_fails_level_3(bench: Bench) -> None:
    rung, failed = caught(bench.build([bench.look(16.0, truly=8.0)]), bench, 3)
    assert rung == 2
    assert failed["rows of E01"].startswith("first diverging line 1: hit_rate was ")
    assert "outside the tolerance 0.25" in failed["claim C01"]


def test_a_difference_in_the_last_seed_names_its_line(bench: Bench) -> None:
    seeds = (0, 1, 2, 3, 4)
    ran = bench.script(8.0, seeds)
    held = ran.replace('"hit_rate": value}', '"hit_rate": value + 1e-6 * (seed == 4)}')
    rung, failed = caught(bench.build([bench.measurement(held, seeds, ran)]), bench, 3)
    assert rung == 2
    assert failed.keys() == {"rows of E01"}
    assert failed["rows of E01"].startswith("first diverging line 9: hit_rate was ")


def test_the_last_bits_of_another_processor_do_not_count(bench: Bench) -> None:
    seeds = (0, 1, 2, 3, 4)
    ran = bench.script(8.0, seeds)
    held = ran.replace('"hit_rate": value}', '"hit_rate": value * (1 + 1e-13)}')
    assert caught(bench.build([bench.measurement(held, seeds, ran)]), bench, 3) == (3, {})


def test_a_stubbed_script_fails_level_3(bench: Bench) -> None:
    seeds = (0, 1, 2, 3, 4)
    ran = bench.script(8.0, seeds)
    stub = ran.replace('"hit_rate": value}', '"hit_rate": 48.0 if system == "lfu-perfect" else 40.0}')
    rung, failed = caught(bench.build([bench.measurement(stub, seeds, ran)]), bench, 3)
    assert rung == 2
    assert "rows of E01" in failed


def test_another_crash_fails_level_3(bench: Bench) -> None:
    seeds = (0, 1, 2, 3, 4)
    held = bench.script(8.0, seeds, before="raise ValueError('no such trace')")
    ran = bench.script(8.0, seeds, before="raise RuntimeError('no such trace')")
    rung, failed = caught(bench.build([bench.measurement(held, seeds, ran)]), bench, 3)
    assert rung == 2
    assert failed["rows of E01"] == "it failed with RuntimeError, and now with ValueError"


def test_a_tolerance_that_would_confirm_16_for_8_fails_the_negative_control(bench: Bench) -> None:
    rung, failed = caught(bench.build([bench.look(8.0)], bench.plan(tolerance=20.0)), bench, 3)
    assert rung == 2
    assert failed.keys() == {"negative control: value"}
    assert failed["negative control: value"].startswith("C01 would be confirmed at 16")


def test_a_timed_value_may_move_within_its_prediction_interval_and_another_may_not(supported: Path) -> None:
    claim = load_manifest(supported).branch.claims[0].model_copy(update={"tolerance": 0.01})
    assert claim.value is not None
    low, high = recomputed.prediction(claim)
    near = claim.model_copy(update={"value": claim.value + 0.9 * (high - claim.value)})
    far = claim.model_copy(update={"value": claim.value - 1.1 * (claim.value - low)})
    assert recomputed.disagreement(claim, near, timed=True) is None
    assert "outside the tolerance 0.01" in (recomputed.disagreement(claim, near, timed=False) or "")
    assert "prediction interval" in (recomputed.disagreement(claim, far, timed=True) or "")


@pytest.mark.parametrize(
    ("stated", "again", "agrees"),
    [
        ("supported", "refuted", False),
        ("supported", "inconclusive", False),
        ("refuted", "supported", False),
        ("inconclusive", "supported", True),
        ("refuted", "refuted", True),
    ],
)
def test_a_rerun_must_give_the_stated_verdict(supported: Path, stated: str, again: str, agrees: bool) -> None:
    claim = load_manifest(supported).branch.claims[0]
    first, second = (claim.model_copy(update={"status": s}) for s in (stated, again))
    assert (recomputed.disagreement(first, second, timed=True) is None) is agrees


def test_a_prediction_from_two_seeds_predicts_nothing(supported: Path) -> None:
    claim = load_manifest(supported).branch.claims[0].model_copy(update={"n": 2})
    assert recomputed.prediction(claim) == (claim.value, claim.value)


def test_prediction_interval_covers_the_next_seed_19_times_in_20() -> None:
    generator = np.random.default_rng(5)
    trials, n = 4000, 5
    samples = generator.normal(10.0, 2.0, (trials, n + 1))
    held = 0
    for sample in samples:
        mean, sd = float(np.mean(sample[:n])), float(np.std(sample[:n], ddof=1))
        claim = SimpleNamespace(value=mean, sd=sd, n=n, check=SimpleNamespace(estimator="mean", log_parameter=False))
        low, high = recomputed.prediction(claim)  # type: ignore[arg-type]
        held += low <= sample[n] <= high
    assert abs(held / trials - 0.95) < 4 * math.sqrt(0.95 * 0.05 / trials)


def test_prediction_interval_of_a_ratio_is_symmetric_in_its_logarithm() -> None:
    check = SimpleNamespace(estimator="paired_ratio", log_parameter=False)
    low, high = recomputed.prediction(SimpleNamespace(value=4.0, sd=0.1, n=5, check=check))  # type: ignore[arg-type]
    assert low * high == pytest.approx(16.0)
    assert low < 4.0 < high


# The ledger


def test_a_passed_verification_raises_the_rung_and_a_later_failure_lowers_it(bench: Bench) -> None:
    path = bench.build([bench.look(8.0)])
    package, workspace = path.parent.name, bench.workspace
    publish(workspace, package, 1, run="run", outcome="supported")

    def shown() -> tuple[int, float]:
        entry = next(p for p in list_packages(workspace) if p["id"] == package)
        return entry["rung"], entry["attention"]

    assert shown() == (0, 1.0)
    verify(path, workspace, sandbox=bench.sandbox)
    assert shown() == (3, 10.0)
    verify(path, workspace, 1, sandbox=bench.sandbox)
    assert shown() == (3, 10.0)
    rows = path / "evidence/rows/E01.jsonl"
    kept = rows.read_bytes()
    rows.write_bytes(kept.replace(b"0", b"1", 1))
    verify(path, workspace, 1, sandbox=bench.sandbox)
    assert shown() == (0, 1.0)


def test_a_copy_outside_the_workspace_leaves_the_ledger_alone(supported: Path, copied: Copied, bench: Bench) -> None:
    copy = copied(supported)
    before = bench.workspace.ledger_path.read_bytes() if bench.workspace.ledger_path.exists() else b""
    verify(copy.path, bench.workspace, 1)
    after = bench.workspace.ledger_path.read_bytes() if bench.workspace.ledger_path.exists() else b""
    assert before == after
