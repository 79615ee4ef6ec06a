"""The command line: shapes other programs rely on, exit codes, one sentence for bad input, speed of --help."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evidentia.kernels import registry
from evidentia.sandbox import available_levels
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace
from evidentia.workspace.ledger import standings

BRIEF = """
question = "Does the group size of round-to-nearest quantization matter?"
families = ["quantization"]
[budget]
max_experiments = 10
[conditions]
in_features = 128
out_features = 32
[vary]
bits = [3, 4]
"""


def evidentia(*arguments: str, folder: Path, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    return subprocess.run(
        [sys.executable, "-m", "evidentia", *arguments],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONSAFEPATH": "1", **variables},
    )


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in the default workspace."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "brief.toml").write_text(BRIEF)
    done = evidentia("run", "brief.toml", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    (folder / "report.json").write_text(done.stdout)
    return folder


def told(home: Path, *arguments: str) -> Any:
    """What a command with --json printed."""
    done = evidentia(*arguments, "--json", folder=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_run_prints_its_report_on_standard_output_and_progress_on_standard_error(home: Path) -> None:
    report = json.loads((home / "report.json").read_text())
    assert set(report) == {"run", "question", "stopped_because", "experiments", "wall_seconds", "packages"}
    assert report["experiments"] > 0
    assert report["packages"]


def test_packages_have_the_promised_shape_and_rank(home: Path) -> None:
    found = told(home, "packages")
    fields = {"id", "title", "outcome", "rung", "attention", "claims", "category", "tags", "run", "created", "version"}
    beside = {"freshness", "tension", "human", "plus", "use", "oversight", "cpu_seconds"}
    assert all(fields | beside == set(p) for p in found)
    assert all(set(p["claims"]) == {"total", "decided", "supported"} for p in found)
    assert [p["attention"] for p in found] == sorted((p["attention"] for p in found), reverse=True)
    assert {(p["rung"], p["attention"]) for p in found} == {(1, 4.0)}


def test_show_prints_the_manifest_with_claims_of_the_promised_shape(home: Path) -> None:
    manifest = told(home, "show", told(home, "packages")[0]["id"])
    wanted = {
        "id", "statement", "kind", "metric", "system", "baseline", "workload", "value", "unit", "n", "sd", "ci",
        "tolerance", "conditions", "status", "evidence", "check",
    }  # fmt: skip
    assert all(wanted <= set(c) for c in manifest["claims"])


def test_show_for_people_says_where_each_number_comes_from(home: Path) -> None:
    done = evidentia("show", folder=home)
    assert done.returncode == 0
    assert "evidence/rows/E01.jsonl ← src/execution/E01.py" in done.stdout
    assert "n = " in done.stdout


def test_verify_re_executes_and_raises_the_rung(home: Path) -> None:
    name = told(home, "packages")[-1]["id"]
    report = told(home, "verify", name)
    assert set(report) == {"package", "rung", "asked", "plus", "checks", "attestation"}
    assert report["rung"] == 3
    assert {c["rung"] for c in report["checks"]} == {0, 1, 2, 3}
    top = told(home, "packages")[0]
    assert (top["id"], top["rung"], top["attention"]) == (name, 3, 10.0)


def test_verify_of_a_damaged_package_fails_with_exit_code_1_and_names_the_file(home: Path, tmp_path: Path) -> None:
    import shutil

    name = told(home, "packages")[0]["id"]
    shutil.copytree(home / "evidentia-workspace" / "packages" / name / "v1", tmp_path / "copy")
    rows = tmp_path / "copy" / "evidence" / "rows" / "E01.jsonl"
    rows.write_text(rows.read_text().replace('"seed": 0', '"seed": 7', 1))
    done = evidentia("verify", str(tmp_path / "copy"), folder=tmp_path)
    assert done.returncode == 1
    assert "evidence/rows/E01.jsonl" in done.stdout


def test_a_second_version_says_what_changed_since_the_first(home: Path, tmp_path: Path) -> None:
    import shutil

    name = told(home, "packages")[0]["id"]
    shutil.copytree(home / "evidentia-workspace" / "packages" / name / "v1", tmp_path / name / "v1")
    second = tmp_path / name / "v2"
    shutil.copytree(tmp_path / name / "v1", second)
    manifest = json.loads((second / "manifest.json").read_text())
    manifest.update(version=2, title="another title")
    (second / "manifest.json").write_text(json.dumps(manifest))
    shown = evidentia("show", str(second), folder=home).stdout
    assert "since v1:" in shown
    assert "another title" in shown.partition("since v1:")[2]
    assert "since" not in evidentia("show", str(tmp_path / name / "v1"), folder=home).stdout


def test_a_package_travels_to_another_workspace(home: Path, tmp_path: Path) -> None:
    name = told(home, "packages")[0]["id"]
    archive = tmp_path / "package.zip"
    assert evidentia("export", name, "--format", "zip", "--out", str(archive), folder=home).returncode == 0
    assert evidentia("import", str(archive), folder=tmp_path).returncode == 0
    (found,) = told(tmp_path, "packages")
    assert (found["id"], found["rung"], found["attention"]) == (name, 1, 4.0)


def test_runs_tree_replay_kernels_and_doctor_have_their_shapes(home: Path) -> None:
    (run,) = told(home, "runs")
    assert set(run) == {"run", "question", "status", "nodes", "experiments", "created"}
    assert run["status"] == "finished"
    tree = told(home, "tree", run["run"])
    assert {n["type"] for n in tree} <= {"question", "decision", "experiment", "dead_end", "pivot"}
    assert told(home, "replay", run["run"])["nodes"] == tree
    proof = told(home, "replay", run["run"], "--check")
    assert proof["passed"]
    assert proof["tree_file_identical"]
    node = next(n["id"] for n in tree if n.get("package"))
    assert all(c["identical"] for c in told(home, "replay", run["run"], "--rerun", node))
    part = told(home, "replay", run["run"], "--until", "3")
    assert len(part["nodes"]) < len(tree)
    cards = told(home, "kernels")
    assert all({"family", "name", "purpose", "paper", "metrics"} <= set(c) for c in cards)
    assert {c["family"] for c in cards} <= set(registry.FAMILIES)
    (example,) = told(home, "kernels", "caching/lru", "--example")
    assert 0 < example["values"]["hit_rate"] < 100
    assert example["seconds"] > 0
    levels = told(home, "doctor")["sandbox"]
    assert [item["level"] for item in levels] == [name for name, _, _ in available_levels()]
    assert all(item["detail"] for item in levels)


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs"],
        ["tree", "2"],
        ["replay", "2"],
        ["packages"],
        ["kernels"],
        ["kernels", "tiled"],
        ["kernels", "search", "--example"],
        ["doctor"],
        ["--version"],
    ],
)
def test_commands_for_people_print_plain_text_when_piped(home: Path, arguments: list[str]) -> None:
    done = evidentia(*arguments, folder=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "\x1b" not in done.stdout


def test_resuming_a_finished_run_reports_it_again(home: Path) -> None:
    report = json.loads((home / "report.json").read_text())
    assert told(home, "resume", report["run"])["packages"] == report["packages"]


def test_a_person_reviews_a_package_and_it_is_an_event(home: Path) -> None:
    package = told(home, "packages")[0]
    claims = package["claims"]["total"]
    answers = ["1", "row 3"] * claims + ["4", "3", "2", "9", "4", "1", "5", "fine", "another seed"]
    done = evidentia("review", package["id"], "--as", "Ada", folder=home, typed="\n".join(answers) + "\n")
    assert done.returncode == 0, done.stderr + done.stdout
    before, _, after = done.stdout.partition("Submitted")
    assert "builtin" not in before
    assert "builtin" in after
    standing = standings(open_workspace(home / "evidentia-workspace"))[package["id"]]
    assert standing.reviews[-1]["reviewer"] == "Ada"
    assert standing.reviews[-1]["scores"] == {"soundness": 4, "evidence": 3, "significance": 2, "reproducibility": 4}
    assert standing.rung == package["rung"]


def test_a_review_that_is_broken_off_leaves_nothing(home: Path) -> None:
    ledger = home / "evidentia-workspace" / "ledger.jsonl"
    before = len(list(read_events(ledger)))
    done = evidentia("review", told(home, "packages")[0]["id"], "--as", "Eve", folder=home, typed="1\n")
    assert done.returncode == 130
    assert len(list(read_events(ledger))) == before


BAD = {
    "no brief": (["run", "none.toml"], "no brief at none.toml"),
    "broken TOML": (["run", "broken.toml"], "not valid TOML"),
    "unknown family": (["run", "family.toml"], "unknown kernel family"),
    "negative budget in the brief": (["run", "budget.toml"], "line 3: budget.max_experiments"),
    "negative budget": (["run", "brief.toml", "--max-experiments", "-1"], "--max-experiments"),
    "no time": (["run", "brief.toml", "--max-minutes", "0"], "--max-minutes"),
    "odd seed": (["run", "brief.toml", "--seed", "-4"], "--seed"),
    "giant seed": (["run", "brief.toml", "--seed", "9" * 30], "--seed"),
    "unknown model": (["run", "brief.toml", "--model", "oracle"], "no model 'oracle'"),
    "unknown executor": (["run", "brief.toml", "--executor", "moon"], "no executor 'moon'"),
    "no workers": (["run", "brief.toml", "--workers", "0"], "greater than or equal to 1"),
    "question about nothing": (["run", "Wherefore art thou Romeo?"], "shares no word"),
    "workspace is a file": (["run", "brief.toml", "--workspace", "brief.toml/x"], "cannot write the workspace"),
    "workspace of a newer schema": (["runs", "--workspace", "newer"], "newer Evidentia"),
    "no workspace": (["packages", "--workspace", "nowhere"], "no workspace at nowhere"),
    "no such run": (["tree", "yesterday"], "no run 'yesterday'"),
    "no such package": (["show", "perpetuum-mobile"], "no package 'perpetuum-mobile'"),
    "no such node": (["replay", "2", "--rerun", "N999"], "no experiment to run again"),
    "negative event": (["replay", "2", "--until", "-1"], "must not be negative"),
    "no such kernel": (["kernels", "psychic"], "no kernel or family 'psychic'"),
    "rung too high": (["verify", "x", "--rung", "9"], "less than or equal to 5"),
    "unknown option": (["run", "brief.toml", "--fast"], "--fast"),
    "unknown command": (["ruin"], "ruin"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_input_gets_one_sentence_and_exit_code_2(home: Path, name: str) -> None:
    arguments, expected = BAD[name]
    (home / "broken.toml").write_text("question = [")
    (home / "family.toml").write_text('question = "long enough"\nfamilies = ["astrology"]')
    (home / "budget.toml").write_text('question = "long enough"\n[budget]\nmax_experiments = -3')
    (home / "newer").mkdir(exist_ok=True)
    (home / "newer" / "workspace.json").write_text('{"schema": 99}')
    before = sorted(p.name for p in (home / "evidentia-workspace" / "runs").iterdir())
    done = evidentia(*arguments, folder=home, COLUMNS="200")
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in (home / "evidentia-workspace" / "runs").iterdir()) == before


def test_a_tampered_log_is_named_by_sequence_number_with_exit_code_1(home: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(home / "evidentia-workspace", tmp_path / "w")
    (log,) = (tmp_path / "w").glob("runs/*/events.jsonl")
    lines = log.read_text().splitlines()
    lines[5] = lines[5].replace("quantization", "quantisation", 1)
    log.write_text("\n".join(lines) + "\n")
    for command in (["replay", "2", "--check"], ["tree", "2"], ["resume", "2"], ["runs"]):
        done = evidentia(*command, "--workspace", "w", folder=tmp_path)
        assert done.returncode == 1
        assert "event 5 was changed" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_torn_last_line_is_repaired_with_a_notice(home: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(home / "evidentia-workspace", tmp_path / "w")
    (log,) = (tmp_path / "w").glob("runs/*/events.jsonl")
    log.write_bytes(log.read_bytes()[:-30])
    done = evidentia("resume", "2", "--workspace", "w", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "torn by a crash" in done.stderr
    assert evidentia("replay", "2", "--check", "--workspace", "w", folder=tmp_path).returncode == 0


def test_a_full_disk_ends_in_one_sentence_and_the_run_can_be_resumed(home: Path, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot mount a small tmpfs here")
    try:
        done = evidentia("run", str(home / "brief.toml"), "--workspace", str(place / "w"), folder=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "No space left" in done.stderr
        assert "Traceback" not in done.stderr
        (log,) = (place / "w").glob("runs/*/events.jsonl")
        before = log.read_bytes()
        subprocess.run(["mount", "-o", "remount,size=60m", str(place)], check=True)
        again = evidentia("resume", "2", "--workspace", str(place / "w"), folder=tmp_path)
        assert again.returncode == 0, again.stderr
        assert log.read_bytes().startswith(before)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("size", [24, 32, 40])
def test_a_disk_too_small_to_begin_on_is_one_sentence_whoever_meets_it_first(
    home: Path, tmp_path: Path, size: int
) -> None:
    """SQLite, which maps and syncs files too, calls a full disk an I/O error there."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot mount a small tmpfs here")
    try:
        done = evidentia("run", str(home / "brief.toml"), "--workspace", str(place / "w"), folder=tmp_path)
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert done.returncode == 2, done.stderr
    assert "o space left" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(home: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "evidentia", "run", str(home / "brief.toml"), "--workspace", "w"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    assert process.stderr
    for line in process.stderr:
        if "registered" in line:
            break
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "evidentia resume" in out
    assert evidentia("resume", "2", "--workspace", "w", folder=tmp_path).returncode == 0


def test_a_run_can_be_watched_by_another_process(home: Path) -> None:
    done = evidentia("watch", "2", folder=home)
    assert done.returncode == 0
    assert "stopped:" in done.stderr


def test_help_answers_at_once() -> None:
    command = [sys.executable, "-m", "evidentia", "--help"]
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    heavy = "import sys, evidentia.cli.app; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'langgraph')))"
    assert subprocess.run([sys.executable, "-I", "-c", heavy]).returncode == 0
    assert min(seconds) < 0.5
