"""The answers that come with the project: one archive that a newcomer imports, and what the page says of them."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.hub.replications.conftest import evidentia

DOCS = Path(__file__).parents[3] / "docs"
ARCHIVE, PAGE, VERDICTS = (DOCS / f"replications{suffix}" for suffix in (".zip", ".md", ".json"))
LARGEST = 25 * 10**6


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newcomer's workspace."""
    root = tmp_path_factory.mktemp("newcomer") / "workspace"
    done = evidentia(root, "import", str(ARCHIVE))
    assert done.returncode == 0, done.stderr
    return root


def test_the_archive_is_small_and_holds_every_package_that_the_page_names() -> None:
    assert ARCHIVE.stat().st_size <= LARGEST
    with zipfile.ZipFile(ARCHIVE) as archive:
        held = {name.removesuffix(".zip").rpartition("-v")[0] for name in archive.namelist()}
    text = PAGE.read_text(encoding="utf-8")
    named = {name.partition("@")[0] for name in re.findall(r"`([a-z0-9-]+-[0-9a-f]{8}(?:@v\d+)?)`", text)}
    assert named == held


def test_the_verdicts_come_out_of_the_archive(home: Path) -> None:
    done = evidentia(home, "replicate", "--list", "--check", str(VERDICTS), "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["study"]: row for row in json.loads(done.stdout)}
    verdicts = json.loads(VERDICTS.read_text(encoding="utf-8"))
    assert {name: row["claims"] for name, row in rows.items()} == verdicts
    assert min(row["rung"] for row in rows.values()) >= 1, "the import verified every package"
    told = Counter(row["outcome"] for row in rows.values())
    line = next(
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.endswith(f"{len(rows)} studies.")
    )
    for outcome, count in told.items():
        assert f"{count} {outcome}" in line


def test_where_a_study_did_not_come_out_it_asked_why(home: Path) -> None:
    """Whatever did not hold has a follow-up that was registered and run, in a package of its own."""
    found = json.loads(evidentia(home, "replicate", "--list", "--json").stdout)
    for row in found:
        if row["outcome"] in ("partly replicated", "not replicated"):
            assert any(name.startswith("why") for name in row["claims"]), row["study"]
