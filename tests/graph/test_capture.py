"""Recording what a person runs and decides: the log stays whole, the host decides, packages hold."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.errors import BadInputError
from evidentia.graph.capture import notes
from evidentia.graph.capture.command import read_command
from evidentia.graph.capture.entries import KILLED, entry, hold
from evidentia.graph.capture.finishing import finish
from evidentia.graph.capture.hypotheses import Expected, conditions, expectation
from evidentia.graph.capture.masking import MASKED, mask_command
from evidentia.graph.capture.passing import HALF
from evidentia.graph.capture.recording import Captured, Wanted, capture
from evidentia.graph.replay import journal_of, prove, summaries
from evidentia.hub.verification import verify
from evidentia.sandbox import Sandbox, open_sandbox
from evidentia.sandbox.rows import gather_rows
from evidentia.workspace.canonical import sha256
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.store import load_manifest, locate
from evidentia.workspace.records import OWN_COMMAND, Branch
from evidentia.workspace.secrets import find_secret, mask_secrets

RUN = "lab-test"
GAP = Expected("speed", "a", "b", "above:0.5")
ROWS = """
import json, random
for seed in range({seeds}):
    draw = random.Random(seed)
    shared = draw.random()
    for system, value in (("a", shared + {gap} + 0.1 * draw.random()), ("b", shared)):
        print(json.dumps({{"system": system, "seed": seed, "speed": value, "size": 10}}))
"""

Take = Callable[..., Captured]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "ws", create=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder a person works in."""
    made = tmp_path / "work"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def take(workspace: Workspace, folder: Path) -> Take:
    """Records a command into the test's run."""

    def record(*command: str, **more: object) -> Captured:
        return capture(workspace, RUN, Wanted(read_command(command, folder), **more))  # type: ignore[arg-type]

    return record


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return open_sandbox(tmp_path_factory.mktemp("scratch"))


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def only(workspace: Workspace) -> Branch:
    """The branch of the one package there is."""
    (name,) = finish(workspace, RUN).packages
    return load_manifest(locate(workspace, name)).branch


def rungs(workspace: Workspace, sandbox: Sandbox, rung: int = 1) -> dict[str, int]:
    """The rung of every package of the run, by title."""
    found = {}
    for name in finish(workspace, RUN).packages:
        path = locate(workspace, name)
        report = verify(path, workspace, rung, sandbox=sandbox)
        bad = [c for c in report["checks"] if not c["passed"] and c["rung"] < 2]
        assert not bad, (name, bad)
        found[load_manifest(path).title] = report["rung"]
    return found


def test_the_evidence_is_what_the_host_saw_of_the_persons_own_command(workspace: Workspace, take: Take) -> None:
    done = take(*python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"))
    assert (done.exit_status, done.status, done.signal, done.interrupted) == (7, 7, None, False)
    evidence = only(workspace).runs[0].evidence
    assert workspace.blobs.get(evidence.stdout) == b"out\n"
    assert workspace.blobs.get(evidence.stderr) == b"err\n"
    assert evidence.environment.sandbox == OWN_COMMAND
    assert evidence.wall_seconds > 0
    assert evidence.cpu_seconds > 0
    assert evidence.peak_memory_bytes > 0


def test_peak_memory_and_cpu_time_are_those_of_the_command(take: Take) -> None:
    done = take(*python("x = bytearray(300 << 20)\nwhile __import__('time').process_time() < 0.3: pass"))
    assert 300 << 20 < done.peak_memory_bytes < 400 << 20
    assert done.cpu_seconds >= 0.3


def test_of_the_environment_only_language_threads_and_hash_seed_are_kept(
    workspace: Workspace, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PRIVATE_SETTING", "do-not-keep-this")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    take("true")
    variables = only(workspace).runs[0].evidence.environment.variables
    assert variables["OMP_NUM_THREADS"] == "3"
    assert b"do-not-keep-this" not in b"".join(p.read_bytes() for p in workspace.root.rglob("*") if p.is_file())


def test_the_commit_of_the_folder_and_uncommitted_changes_are_told(
    workspace: Workspace, take: Take, folder: Path
) -> None:
    import subprocess

    def git(*words: str) -> str:
        name = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        return subprocess.run(["git", *name, *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (folder / "a.txt").write_text("1")
    git("add", "a.txt")
    git("commit", "-qm", "first")
    head = git("rev-parse", "HEAD")
    first = take("true")
    (folder / "a.txt").write_text("2")
    second = take("true")
    journal = journal_of(workspace, RUN)
    found = {e.id: e.environment.commit for b in journal.branches.values() for e in b.finished.values()}
    assert found[first.evidence[0]] == head
    assert found[second.evidence[0]] == head + "+"


def test_declared_outputs_are_hashed_and_stale_or_missing_ones_refused(take: Take, folder: Path) -> None:
    (folder / "old.txt").write_text("from before")
    done = take("sh", "-c", "printf new > new.bin", outputs=("new.bin", "old.txt", "none.txt", "."))
    assert done.outputs == {"new.bin": sha256(b"new")}
    assert set(done.refused) == {"old.txt", "none.txt", "."}
    assert "before" in done.refused["old.txt"]
    assert done.refused["none.txt"] == "missing"


def test_a_file_rewritten_with_the_same_bytes_counts_as_written(take: Take, folder: Path) -> None:
    (folder / "same.txt").write_text("x")
    os.utime(folder / "same.txt", (1, 1))
    assert take("sh", "-c", "printf x > same.txt", outputs=("same.txt",)).refused == {}


def test_the_scripts_hash_is_recorded_as_it_was_before_the_command_changed_it(
    workspace: Workspace, take: Take, folder: Path
) -> None:
    text = "open('self.py', 'a').write('# changed')\n"
    (folder / "self.py").write_text(text)
    take(sys.executable, "self.py")
    assert only(workspace).runs[0].evidence.inputs == {"self.py": sha256(text.encode())}


def test_a_claim_registered_before_is_decided_by_the_host(workspace: Workspace, take: Take, sandbox: Sandbox) -> None:
    with entry(workspace, RUN) as book:
        node = notes.note_hypothesis(book, "a is faster than b by far", GAP)
    done = take(*python(ROWS.format(seeds=6, gap=1)))
    assert done.nodes == (node,)
    assert done.rows == 12
    branch = only(workspace)
    (claim,) = branch.claims
    assert (branch.outcome, claim.status, claim.n) == ("supported", "supported", 6)
    # an oracle of its own: the mean gap of the rows that were printed
    rows = [
        json.loads(line) for line in workspace.blobs.get(branch.runs[0].evidence.outputs["rows.jsonl"]).splitlines()
    ]
    gaps = [a["speed"] - b["speed"] for a, b in zip(rows[::2], rows[1::2], strict=True)]
    assert claim.value == pytest.approx(sum(gaps) / 6)
    assert rungs(workspace, sandbox, rung=3) == {"a is faster than b by far": 3}


def test_the_log_shows_the_registration_before_the_start_and_the_start_before_the_evidence(
    workspace: Workspace, take: Take
) -> None:
    take(*python(ROWS.format(seeds=3, gap=1)), claim="a is faster", expected=GAP)
    kinds = [e.kind for e in read_events(workspace.log_path(RUN))]
    order = ["hypothesis.registered", "capture.started", "experiment.planned", "experiment.finished", "capture.ended"]
    assert [k for k in kinds if k in order] == order


def test_a_claim_given_at_capture_says_so_and_a_refuted_one_is_a_dead_end(
    workspace: Workspace, take: Take, sandbox: Sandbox
) -> None:
    take(*python(ROWS.format(seeds=5, gap=-1)), claim="a is faster than b", expected=GAP)
    branch = only(workspace)
    assert branch.outcome == "refuted"
    assert "in the moment" in branch.hypothesis.rationale
    assert any("together with the start" in limit for limit in branch.limits)
    assert branch.dead_end is not None
    assert rungs(workspace, sandbox) == {"a is faster than b": 1}


def test_rows_may_come_from_a_file_and_conditions_pick_among_them(workspace: Workspace, take: Take) -> None:
    code = ROWS.format(seeds=4, gap=2).replace("print(", "print(file=out, *[").replace("}))", "})])")
    code = "out = open('r.jsonl', 'w')\n" + code
    wanted = Expected("speed", "a", "b", "above:1", where=("size=10",))
    done = take(*python(code), outputs=("r.jsonl",), claim="a leads at size 10", expected=wanted)
    assert done.rows == 8
    assert only(workspace).claims[0].status == "supported"


def test_a_claim_on_one_system_alone_is_its_mean(workspace: Workspace, take: Take, sandbox: Sandbox) -> None:
    expected = Expected("speed", "b", "", "inside:0:1", unit="s")
    take(*python(ROWS.format(seeds=20, gap=1)), claim="b takes less than a second", expected=expected)
    (claim,) = only(workspace).claims
    assert (claim.status, claim.baseline, claim.unit, claim.n) == ("supported", "", "s", 20)
    assert rungs(workspace, sandbox) == {"b takes less than a second": 1}


@pytest.mark.parametrize("condition", ["size", "capacity"])
def test_systems_of_the_library_are_told_by_its_cards_where_it_knows_them(
    workspace: Workspace, take: Take, sandbox: Sandbox, condition: str
) -> None:
    code = ROWS.format(seeds=5, gap=2).replace('"a"', '"lfu-perfect"').replace('"b"', '"lru"')
    expected = Expected("hit_rate", "lfu-perfect", "lru", "above:1", where=(f"{condition}=10",), workload="caching")
    take(*python(code.replace("speed", "hit_rate").replace("size", condition)), claim="LFU leads", expected=expected)
    (claim,) = only(workspace).claims
    assert (claim.unit, claim.workload, claim.status) == ("pp", "caching", "supported")
    assert rungs(workspace, sandbox) == {"LFU leads": 1}
    concepts = (locate(workspace, finish(workspace, RUN).packages[0]) / "logic/concepts.md").read_text()
    assert ("a system of the person" in concepts) == (condition == "size")


def test_without_rows_the_package_has_evidence_and_no_claim(workspace: Workspace, take: Take, sandbox: Sandbox) -> None:
    take("sh", "-c", "echo 42 things")
    branch = only(workspace)
    assert (branch.outcome, branch.claims, branch.dead_end) == ("null", (), None)
    report = verify(locate(workspace, finish(workspace, RUN).packages[0]), workspace, 2, sandbox=sandbox)
    assert report["rung"] == 1
    (failed,) = [c for c in report["checks"] if not c["passed"]]
    assert "not re-runnable: recorded from a person's command" in failed["detail"]


def test_a_claim_whose_rows_never_came_stays_open(workspace: Workspace, take: Take, sandbox: Sandbox) -> None:
    take("true", claim="a is faster than b", expected=GAP)
    branch = only(workspace)
    assert (branch.outcome, branch.claims[0].status, branch.claims[0].n) == ("null", "inconclusive", 0)
    assert rungs(workspace, sandbox) == {"a is faster than b": 1}


def test_a_failed_command_is_a_crashed_branch_with_its_last_words(
    workspace: Workspace, take: Take, sandbox: Sandbox
) -> None:
    take(*python("raise RuntimeError('no such trace')"), claim="a is faster than b", expected=GAP)
    branch = only(workspace)
    assert branch.outcome == "crashed"
    assert branch.dead_end is not None
    assert "no such trace" in branch.dead_end.failure_mode
    assert rungs(workspace, sandbox, rung=3) == {"a is faster than b": 3}


def test_a_hypothesis_that_was_never_measured_is_not_packaged(workspace: Workspace) -> None:
    with entry(workspace, RUN) as book:
        node = notes.note_hypothesis(book, "a is faster than b", GAP)
    done = finish(workspace, RUN)
    assert (done.packages, done.untested) == ((), (node,))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"seed": True}, "whole number"),
        ({"seed": 2**60}, "cannot be recorded"),
        ({"speed": "fast"}, "must be a number"),
        ({"system": "\ud800"}, "cannot be recorded"),
        ({"speed": [1]}, "must be a number, a text"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_the_reason(
    workspace: Workspace, take: Take, sandbox: Sandbox, row: dict[str, object], told: str
) -> None:
    good = {"system": "a", "seed": 0, "speed": 1.0}
    text = json.dumps(good) + "\n" + json.dumps({**good, **row}) + "\n"
    code = f"open('rows.jsonl', 'w').write({text!r})"
    done = take(*python(code), outputs=("rows.jsonl",), claim="a is faster than b", expected=GAP)
    assert told in done.refused["rows.jsonl"]
    assert rungs(workspace, sandbox) == {"a is faster than b": 1}


def test_declared_seeds_must_be_those_of_the_rows(take: Take) -> None:
    code = ROWS.format(seeds=3, gap=1)
    assert take(*python(code), seeds=(0, 1, 2)).refused == {}
    assert "seed 7" in take(*python(code), seeds=(0, 1, 2, 7)).refused["rows.jsonl"]
    assert "seed 2" in take(*python(code), seeds=(0, 1)).refused["rows.jsonl"]


def test_the_same_seeds_with_other_rows_leave_the_claim_undecided(
    workspace: Workspace, take: Take, sandbox: Sandbox
) -> None:
    take(*python(ROWS.format(seeds=5, gap=1)), claim="a is faster than b", expected=GAP)
    take(*python(ROWS.format(seeds=5, gap=1)), nodes=("N001",))
    take(*python(ROWS.format(seeds=5, gap=3)), nodes=("N001",))
    branch = only(workspace)
    assert [run.experiment.role for run in branch.runs] == ["measure", "rerun", "measure"]
    assert branch.claims[0].status == "inconclusive"
    assert rungs(workspace, sandbox) == {"a is faster than b": 1}


def test_more_seeds_of_a_second_capture_are_pooled(workspace: Workspace, take: Take) -> None:
    take(*python(ROWS.format(seeds=4, gap=1)), claim="a is faster than b", expected=GAP)
    take(*python(ROWS.format(seeds="4, 9", gap=1)), nodes=("N001",))
    assert only(workspace).claims[0].n == 9


def test_notes_land_in_one_tree_which_replay_proves(workspace: Workspace, take: Take, sandbox: Sandbox) -> None:
    take("false")
    with entry(workspace, RUN) as book:
        notes.note_decision(book, "Use the small model", ["Use the large one"])
    take("true")
    with entry(workspace, RUN) as book:
        notes.note_pivot(book, "From speed to memory", "speed", "memory", "speed does not differ")
        notes.note_dead_end(book, "Batch of 64", "a batch of 64 fits", "out of memory at 8 GB", "use 32 | less", "")
        notes.note_dead_end(book, "It fails", "it runs", "it said 3 things", "do not", at="N001")
    tree = journal_of(workspace, RUN).tree
    assert {n: tree.node(n).type for n in tree.graph} == {
        "N000": "question", "N001": "experiment", "N001x": "dead_end", "N002": "decision", "N003": "experiment",
        "N004": "pivot", "N005": "dead_end",
    }  # fmt: skip
    assert tree.node("N003").parent == "N002"
    assert tree.node("N004").parent == "N003"
    assert tree.node("N002").fields["alternatives"] == ["Use the large one"]
    assert all(tree.node(n).fields["provenance"] == "user" for n in tree.graph if n != "N000")
    found = rungs(workspace, sandbox, rung=2)
    assert found == {"Recorded: false": 1, "Recorded: true": 1, "Batch of 64": 1}
    events = list(read_events(workspace.log_path(RUN)))
    proofs, same = prove(events, (workspace.log_path(RUN).parent / "tree.json").read_bytes())
    assert proofs
    assert all(p.holds for p in proofs)
    assert same is True
    (summary,) = summaries(workspace)
    assert (summary["run"], summary["status"], summary["nodes"]) == (RUN, "finished", 7)


def test_a_dead_end_at_a_capture_takes_its_evidence_and_the_persons_words(workspace: Workspace, take: Take) -> None:
    take("false")
    with entry(workspace, RUN) as book:
        notes.note_dead_end(book, "It fails", "it runs", "it said no", "ask it nicely", at="N001")
    branch = only(workspace)
    assert branch.dead_end is not None
    assert branch.dead_end.lesson == "ask it nicely"
    assert len(branch.runs) == 1


def test_a_finished_run_goes_on_and_is_finished_again(workspace: Workspace, take: Take) -> None:
    take("true")
    first = finish(workspace, RUN).packages
    assert finish(workspace, RUN).packages == first
    take("false")
    assert len(finish(workspace, RUN).packages) == 2
    events = list(read_events(workspace.log_path(RUN)))
    assert sum(e.kind == "package.compiled" for e in events) == 2
    assert all(p.holds for p in prove(events, None)[0])


def test_a_capture_that_was_killed_is_written_down_by_the_next_command(
    workspace: Workspace, take: Take, sandbox: Sandbox
) -> None:
    take("true")
    with entry(workspace, RUN) as book:  # what a killed process leaves: a start, a lock nobody holds, half an output
        started = {**next(e.payload for e in book.journal.log.events if e.kind == "capture.started"), "id": "c-dead"}
        book.journal.append("capture.started", started, "person")
        os.close(hold(book.folder / "c-dead"))
        (book.folder / "c-dead" / "stdout").write_bytes(b"half")
    with entry(workspace, RUN) as book:
        assert book.journal.captures == {}
    (branch,) = journal_of(workspace, RUN).branches.values()
    assert [e.exceeded for e in branch.finished.values()] == [None, KILLED]
    assert workspace.blobs.get(branch.runs()[-1].evidence.stdout) == b"half"
    assert rungs(workspace, sandbox) == {"Recorded: true": 1}


def test_a_capture_that_still_runs_is_left_alone_and_holds_up_the_end(workspace: Workspace, take: Take) -> None:
    take("true")
    with entry(workspace, RUN) as book:
        started = {**next(e.payload for e in book.journal.log.events if e.kind == "capture.started"), "id": "c-live"}
        book.journal.append("capture.started", started, "person")
        lock = hold(book.folder / "c-live")
    with entry(workspace, RUN) as book:
        assert list(book.journal.captures) == ["c-live"]
    with pytest.raises(BadInputError, match="still running"):
        finish(workspace, RUN)
    os.close(lock)


def test_long_output_is_kept_at_both_ends_and_rows_in_it_are_refused(workspace: Workspace, take: Take) -> None:
    row = json.dumps({"system": "a", "seed": 0, "speed": 1})
    code = f"print({row!r}); print('begin'); print('x' * {6 * HALF}); print('end')"
    done = take(*python(code))
    kept = workspace.blobs.get(only(workspace).runs[0].evidence.stdout)
    assert 2 * HALF < len(kept) < 2 * HALF + 100
    assert b"begin" in kept[:100]
    assert kept.endswith(b"end\n")
    assert b"bytes left out" in kept
    assert "rows.jsonl" in done.refused


def test_odd_bytes_in_output_and_arguments_are_recorded(workspace: Workspace, take: Take, sandbox: Sandbox) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)))"
    take(*python(code, "caf\udce9", "line\nbreak", "`tick`", "\x1b[31m"))
    branch = only(workspace)
    assert workspace.blobs.get(branch.runs[0].evidence.stdout) == bytes(range(256))
    assert rungs(workspace, sandbox) == {branch.hypothesis.title: 1}


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--token", "hunter22"),
        ("run", "--api-key=hunter22"),
        ("env", "MY_PASSWORD=hunter22", "run"),
        ("curl", "https://me:hunter22@example.org/x"),
        ("curl", "-H", "Authorization: Bearer hunter22"),
        ("run", "--github-token", "hunter22", "--n", "3"),
    ],
)
def test_secrets_in_a_command_line_are_masked(command: tuple[str, ...]) -> None:
    kept, masked = mask_command(command)
    assert "hunter22" not in " ".join(kept)
    assert MASKED in " ".join(kept)
    assert masked


@pytest.mark.parametrize(
    "command",
    [("run", "--max-tokens", "100"), ("run", "--tokenizer", "bpe"), ("run", "seed=3", "--key", "value"), ("ls", "-l")],
)
def test_words_that_only_look_like_secrets_are_kept(command: tuple[str, ...]) -> None:
    assert mask_command(command) == (command, ())


def test_a_secret_in_output_script_or_rows_never_reaches_the_workspace(workspace: Workspace, take: Take) -> None:
    token = "ghp_" + "a1B2" * 10
    code = f"print('t', '{token}'); print('{{\"system\": \"{token}\", \"seed\": 1}}')"
    done = take(*python(code))
    assert "a GitHub token" in done.masked
    finish(workspace, RUN)
    assert token.encode() not in b"".join(p.read_bytes() for p in workspace.root.rglob("*") if p.is_file())


def test_masking_takes_a_whole_private_key() -> None:
    key = b"a\n-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nb"
    assert find_secret(key) == ("a private key", 2)
    assert mask_secrets(key) == (b"a\n[masked: a private key]\nb", ("a private key",))


def test_a_script_that_needs_its_folder_or_is_masked_is_not_transcribed(folder: Path) -> None:
    (folder / "neighbour.py").write_text("x = 1\n")
    (folder / "alone.py").write_text('"""Doc."""\nfrom __future__ import annotations\nimport json\nprint(json)\n')
    (folder / "needy.py").write_text("import neighbour\n")
    (folder / "broken.py").write_text("def (\n")

    def text(*command: str, outputs: tuple[str, ...] = ()) -> str:
        return read_command(command, folder).recorded_script(outputs)

    whole = text(sys.executable, "alone.py", "--n", "3")
    assert "# Grounding: transcribed" in whole
    compile(whole, "whole", "exec")
    assert "sys.argv = ['alone.py', '--n', '3']" in whole
    for other in (
        text(sys.executable, "needy.py"),
        text(sys.executable, "broken.py"),
        text(sys.executable, "alone.py", "--token", "x"),
        text(sys.executable, "-m", "json"),
        text(sys.executable, "-O", "alone.py"),
        text(sys.executable, "alone.py", outputs=("../out.txt",)),
        text("sh", "-c", "ls"),
    ):
        assert other.startswith("# Grounding: reconstructed")
        compile(other, "other", "exec")


@pytest.mark.parametrize(
    ("text", "relation", "low", "high"),
    [
        ("above:0.5", "above", 0.5, None),
        ("below:-2", "below", None, -2),
        ("inside:-1:1", "inside", -1, 1),
        ("outside:0:1e3", "outside", 0, 1000),
        ("precise:0.1", "precise", None, 0.1),
    ],
)
def test_expectations_are_read(text: str, relation: str, low: float | None, high: float | None) -> None:
    found = expectation(text)
    assert (found.relation, found.low, found.high) == (relation, low, high)


@pytest.mark.parametrize("text", ["", "above", "above:", "above:x", "above:nan", "inside:1", "inside:2:1", "near:3"])
def test_what_is_no_expectation_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="--expect"):
        expectation(text)


def test_conditions_are_read_with_their_types() -> None:
    assert conditions(["a=1", "b=0.5", "c=true", "d=lru", "e=007"]) == {"a": 1, "b": 0.5, "c": True, "d": "lru", "e": 7}
    for bad in (["a"], ["=1"], ["a="], ["seed=1"], ["a=1", "a=2"]):
        with pytest.raises(BadInputError):
            conditions(bad)


@pytest.mark.parametrize(
    "expected",
    [
        Expected("", "a", "b", "above:1"),
        Expected("speed", "", "b", "above:1"),
        Expected("speed", "a", "a", "above:1"),
        Expected("speed", "a", "b", ""),
        Expected("speed", "a", "", "above:1", ratio=True),
        Expected("speed", "a", "b", "above:-1", ratio=True),
        Expected("speed", "a", "b", "above:1", unit="furlongs"),
        Expected("speed", "a", "b", "above:1", tolerance=-1),
        Expected("sp eed", "a", "b", "above:1"),
    ],
)
def test_a_check_that_cannot_be_made_is_refused_before_anything_runs(
    workspace: Workspace, take: Take, folder: Path, expected: Expected
) -> None:
    with pytest.raises(BadInputError):
        take("sh", "-c", "echo ran > ran.txt", claim="a is faster than b", expected=expected)
    assert not (folder / "ran.txt").exists()


def test_rows_are_found_in_files_before_prints() -> None:
    a, b = (json.dumps({"system": s, "seed": 0}).encode() for s in "ab")
    assert gather_rows({"rows.jsonl": a, "x.jsonl": b}, b) == a
    assert gather_rows({"x.jsonl": b, "log.jsonl": b'{"step": 1}'}, a) == b + b"\n"
    assert gather_rows({}, b"noise\n  " + a + b"\n{broken\n[1]\n" + b) == a + b"\n" + b + b"\n"
    assert gather_rows({}, b'{"system": 3, "seed": 0}\n{"system": "a", "seed": true}') == b""
