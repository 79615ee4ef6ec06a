"""The list and the pages of a package: what they show is what the manifest says, and every number leads to its run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evidentia.hub.exports import EXPORTS
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.quantities import quantity

TABS = ("", "/evidence", "/code", "/runs", "/exploration", "/paper", "/ledger", "/reviews")


@pytest.fixture
def name(supported: Path) -> str:
    return load_manifest(supported).id


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    from evidentia.hub.app import create_app

    home = open_workspace(tmp_path / "empty", create=True)
    client = TestClient(create_app(home, "a token for these tests alone", 8127), base_url="http://127.0.0.1:8127")
    page = client.get("/")
    assert page.status_code == 200
    assert "No packages yet" in page.text
    assert client.get("/arena").status_code == client.get("/review").status_code == 200


def test_the_list_shows_every_package_with_its_outcome(reader: TestClient, home: Workspace) -> None:
    page = reader.get("/").text
    assert "3 discoveries" in page
    for package in home.package_names():
        assert f'href="/packages/{package}"' in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("outcome=crashed", 1),
        ("outcome=supported", 1),
        ("search=nothingofthekind", 0),
        ("rung=5", 0),
        ("sort=recent", 3),
    ],
)
def test_facets_and_search_narrow_the_list(reader: TestClient, query: str, count: int) -> None:
    assert reader.get(f"/?{query}").text.count('<li class="card"') == count


@pytest.mark.parametrize(
    "query", ["search=%22", "search=*", "sort=odd", "tag=%00", "offset=9999999", "category=%27%20OR%201"]
)
def test_odd_queries_give_a_page(reader: TestClient, query: str) -> None:
    assert reader.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["rung=9", "offset=-1", "search=" + "x" * 301, "outcome=odd"])
def test_bad_queries_give_a_sentence(reader: TestClient, query: str) -> None:
    answer = reader.get(f"/?{query}")
    assert answer.status_code in (400, 422)
    assert "<h1>" in answer.text


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_every_outcome_is_a_page(reader: TestClient, home: Workspace, tab: str) -> None:
    for package in home.package_names():
        answer = reader.get(f"/packages/{package}{tab}")
        assert answer.status_code == 200, answer.text[-600:]
        assert answer.headers["content-type"].startswith("text/html")


def test_claims_stand_with_value_interval_and_seeds(reader: TestClient, supported: Path, name: str) -> None:
    page = reader.get(f"/packages/{name}").text
    for claim in load_manifest(supported).branch.claims:
        assert quantity(claim) in page
        assert claim.statement in page


def test_a_claim_leads_to_cells_rows_run_code_and_output(reader: TestClient, supported: Path, name: str) -> None:
    manifest = load_manifest(supported)
    claim = manifest.branch.claims[0]
    page = reader.get(f"/packages/{name}/claims/{claim.id}").text
    rows = [json.loads(line) for line in (supported / "evidence/rows/E01.jsonl").read_text().splitlines()]
    linked = re.findall(rf'href="/packages/{name}/evidence#E01-(\d+)"', page)
    used = [i for i, row in enumerate(rows, 1) if row["system"] in (claim.check.system, claim.check.versus)]
    assert sorted(int(n) for n in linked) == used
    assert manifest.branch.runs[0].evidence.id in page
    assert 'class="marked"' in page
    evidence = reader.get(f"/packages/{name}/evidence").text
    for number in linked:
        assert f'id="E01-{number}"' in evidence


@pytest.mark.parametrize(
    "path", ["claims/C99", "claims/%2e%2e", "files/nothing.md", "figures/F99", "export/odd", "odd"]
)
def test_what_is_not_there_is_404_with_a_sentence(reader: TestClient, name: str, path: str) -> None:
    answer = reader.get(f"/packages/{name}/{path}")
    assert answer.status_code == 404
    assert "<h1>404</h1>" in answer.text


def test_files_are_text_pictures_or_downloads(reader: TestClient, supported: Path, name: str) -> None:
    for file in load_manifest(supported).files:
        answer = reader.get(f"/packages/{name}/files/{file}")
        assert answer.status_code == 200
        assert answer.content == (supported / file).read_bytes()
        assert answer.headers["content-type"].split(";")[0] in ("text/plain", "image/png", "application/octet-stream")


def test_a_figure_that_could_run_is_shown_painted(reader: TestClient, home: Workspace, name: str) -> None:
    drawn = home.packages / name / "v1" / "evidence" / "figures" / "F01.svg"
    assert reader.get(f"/packages/{name}/figures/F01").headers["content-type"] == "image/svg+xml"
    drawn.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    answer = reader.get(f"/packages/{name}/figures/F01")
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("form", EXPORTS)
def test_every_export_downloads(reader: TestClient, name: str, form: str) -> None:
    answer = reader.get(f"/packages/{name}/export/{form}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}-v1')
    assert len(answer.content) > 100


def test_a_link_in_a_package_is_not_followed(reader: TestClient, home: Workspace, name: str) -> None:
    file = home.packages / name / "v1" / "README.md"
    file.unlink()
    file.symlink_to("/etc/passwd")
    answer = reader.get(f"/packages/{name}/files/README.md")
    assert answer.status_code in (404, 409)
    assert "root:" not in answer.text


@pytest.mark.parametrize("manifest", ["", "{}", "[" * 20_000, '{"schema": "package/1"}', "\x00\xff"])
def test_a_corrupted_package_is_a_sentence_and_the_list_lives(
    reader: TestClient, home: Workspace, name: str, manifest: str
) -> None:
    (home.packages / name / "v1" / "manifest.json").write_text(manifest)
    answer = reader.get(f"/packages/{name}")
    assert answer.status_code == 409
    assert "manifest" in answer.text
    listed = reader.get("/").text
    assert "3 discoveries" in listed
    assert ("changed since it was verified" if manifest else "missing on disk") in listed


def test_verifying_needs_the_token(reader: TestClient, name: str) -> None:
    assert reader.post(f"/packages/{name}/verify").status_code == 401
