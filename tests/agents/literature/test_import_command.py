"""``evidentia import arxiv:ID`` as a person runs it, against the loopback server and the real client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evidentia.cli.app import app
from evidentia.errors import BadInputError, EvidentiaError
from tests.agents.literature.loopback import CANNED, Answer, Loopback, atom


@pytest.fixture
def arxiv(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    for name, value in (
        ("ARXIV_URL", f"{loopback.url}/api/query"),
        ("ARXIV_DELAY_SECONDS", "0"),
        ("LOOKUP_TRIES", "1"),
    ):
        monkeypatch.setenv(f"EVIDENTIA_{name}", value)
    return loopback


def run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--workspace", str(tmp_path / "workspace")])


@pytest.mark.parametrize("name", ["arxiv:2205.14135", "arXiv:2205.14135v2", "https://arxiv.org/abs/2205.14135"])
def test_a_paper_comes_in_and_is_listed(name: str, arxiv: Loopback, tmp_path: Path) -> None:
    made = run(tmp_path, "import", name, "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert (told["version"], told["new"], told["form"]) == (1, True, "a record of arXiv")
    (listed,) = json.loads(run(tmp_path, "packages", "--json").stdout)
    assert (listed["title"], listed["outcome"]) == (CANNED["2205.14135v2"]["title"], "null")
    assert listed["claims"] == {"total": 2, "decided": 0, "supported": 0}


def test_a_second_import_asks_nobody_and_adds_nothing(arxiv: Loopback, tmp_path: Path) -> None:
    run(tmp_path, "import", "arxiv:2205.14135")
    told = json.loads(run(tmp_path, "import", "arxiv:2205.14135", "--json").stdout)
    assert (told["new"], told["version"]) == (False, 1)
    assert len(arxiv.asked) == 1


@pytest.mark.parametrize("name", ["arxiv:", "arxiv:abc", "arxiv:9999.99999", "arxiv:../../x", "https://arxiv.org/x"])
def test_a_wrong_name_is_bad_input_and_asks_nobody(name: str, arxiv: Loopback, tmp_path: Path) -> None:
    failed = run(tmp_path, "import", name)
    assert isinstance(failed.exception, BadInputError)
    assert "names no arXiv paper; write arxiv: and its identifier" in str(failed.exception)
    assert arxiv.asked == []
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(status=500), "arXiv answered HTTP 500"),
        (Answer(b"Rate exceeded.", status=429), "arXiv answered HTTP 429"),
        (Answer(atom([])), "arXiv has no paper 2205.14135"),
        (Answer(atom([CANNED["1706.03762v7"]])), "answered about 1706.03762v7"),
        (Answer(b"<html>"), "arXiv answered what cannot be used"),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_nothing(
    answer: Answer, told: str, arxiv: Loopback, tmp_path: Path
) -> None:
    arxiv.arxiv(answer)
    failed = run(tmp_path, "import", "arxiv:2205.14135")
    assert isinstance(failed.exception, EvidentiaError)
    assert failed.exception.exit_code == 1
    assert str(failed.exception).startswith("arXiv:2205.14135 was not imported: ")
    assert told in str(failed.exception)
    assert not (tmp_path / "workspace").exists()


def test_a_failure_is_not_remembered(arxiv: Loopback, tmp_path: Path) -> None:
    run(tmp_path, "import", "arxiv:1706.03762")
    arxiv.arxiv(Answer(atom([])))
    assert run(tmp_path, "import", "arxiv:2205.14135").exit_code == 1
    arxiv.arxiv(Answer(atom([CANNED["2205.14135v2"]])))
    assert run(tmp_path, "import", "arxiv:2205.14135").exit_code == 0


def test_a_file_of_such_a_name_can_still_be_named(arxiv: Loopback, tmp_path: Path) -> None:
    failed = run(tmp_path, "import", "./arxiv:2205.14135")
    assert "is not there, or is no plain file" in str(failed.exception)
    assert arxiv.asked == []
