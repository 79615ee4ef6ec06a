"""A review from the queue to the ledger: blind until submitted, drafts kept, nothing queued twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evidentia.hub.app.drafts import draft_path
from evidentia.hub.app.review_form import questions
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.reviews import read_reviews
from evidentia.workspace.package.store import load_manifest


@pytest.fixture
def package(home: Workspace, supported: Path) -> Path:
    return home.packages / load_manifest(supported).id / "v1"


def answers(package: Path, **changes: str) -> dict[str, str]:
    """A complete form."""
    given = {q.field: q.answers[-1][0] for q in questions(load_manifest(package))}
    return {**given, "reviewer": "Ada", "overall": "accept", **changes}


def test_the_machine_is_hidden_until_one_has_judged(writer: TestClient, package: Path) -> None:
    name = package.parent.name
    scores = load_manifest(package).branch.reviews[0].scores
    page = writer.get(f"/review/{name}").text
    assert 'class="bars"' not in page
    assert 'class="rung' not in page
    for dimension in scores:
        assert dimension not in page
    done = writer.post(f"/review/{name}", data=answers(package))
    assert done.url.path == f"/review/{name}/done"
    assert 'class="bars"' in done.text
    assert load_manifest(package).branch.reviews[0].claims[0].reason in done.text.replace("&#39;", "'")


def test_nobody_sees_the_machine_by_asking_for_the_end(writer: TestClient, package: Path) -> None:
    page = writer.get(f"/review/{package.parent.name}/done").text
    assert 'class="bars"' not in page


def test_a_review_is_signed_and_in_the_ledger(writer: TestClient, home: Workspace, package: Path) -> None:
    writer.post(f"/review/{package.parent.name}", data=answers(package, summary="Well done", **{"reason-C01": "row 3"}))
    (signed,), faults = read_reviews(package, None)
    assert not faults
    assert signed.review.reviewer == "Ada"
    assert signed.review.claims[0].reason == "row 3"
    assert list(read_events(home.ledger_path))[-1].kind == "review.submitted"


def test_what_one_has_reviewed_leaves_ones_queue_and_nobody_elses(writer: TestClient, package: Path) -> None:
    name = package.parent.name
    assert f"/review/{name}" in writer.get("/review").text
    writer.post(f"/review/{name}", data=answers(package))
    assert f'href="/review/{name}"' not in writer.get("/review").text
    writer.cookies.set("evidentia_name", "Bob", domain="127.0.0.1")
    writer.cookies.delete("evidentia_name", domain="127.0.0.1.local")
    assert f'href="/review/{name}"' in writer.get("/review", headers={"cookie": "evidentia_name=Bob"}).text


def test_an_incomplete_form_comes_back_with_its_answers_and_gaps(
    writer: TestClient, home: Workspace, package: Path
) -> None:
    given = answers(package, reviewer=" ", summary="kept <b>text</b>")
    del given["soundness"]
    page = writer.post(f"/review/{package.parent.name}", data=given)
    assert page.status_code == 422
    assert "2 answers are missing" in page.text
    assert "kept &lt;b&gt;text&lt;/b&gt;" in page.text
    assert not any(e.kind == "review.submitted" for e in read_events(home.ledger_path))


@pytest.mark.parametrize(
    ("field", "value"), [("soundness", "9"), ("overall", "perfect"), ("confidence", "0"), ("verdict-C01", "yes")]
)
def test_answers_that_are_none_of_the_form_count_as_missing(
    writer: TestClient, package: Path, field: str, value: str
) -> None:
    assert writer.post(f"/review/{package.parent.name}", data=answers(package, **{field: value})).status_code == 422


def test_a_draft_survives_the_server_and_goes_when_submitted(
    writer: TestClient, reader: TestClient, home: Workspace, package: Path
) -> None:
    name = package.parent.name
    saved = writer.post(
        f"/review/{name}/draft", data={"soundness": "3", "summary": "half <i>a", "csrf": "x", "odd": "y"}
    )
    assert saved.text == "Draft saved"
    page = reader.get(f"/review/{name}").text
    assert "half &lt;i&gt;a" in page
    assert re.search(r'name="soundness" value="3" checked', page)
    assert "draft" in reader.get("/review").text
    assert "odd" not in draft_path(home, name, 1).read_text()
    writer.post(f"/review/{name}", data=answers(package))
    assert not draft_path(home, name, 1).exists()


def test_a_damaged_draft_is_an_empty_one(reader: TestClient, home: Workspace, package: Path) -> None:
    path = draft_path(home, package.parent.name, 1)
    path.parent.mkdir()
    path.write_text('{"soundness": ')
    assert reader.get(f"/review/{package.parent.name}").status_code == 200


def test_a_reader_can_neither_draft_nor_submit(reader: TestClient, package: Path) -> None:
    name = package.parent.name
    assert reader.post(f"/review/{name}/draft", data={"soundness": "3"}).status_code == 401
    assert reader.post(f"/review/{name}", data=answers(package)).status_code == 401


def test_a_form_of_an_older_version_is_not_taken(writer: TestClient, package: Path) -> None:
    answer = writer.post(f"/review/{package.parent.name}", data=answers(package, version="7"))
    assert answer.status_code == 400
    assert "newer version" in answer.text


def test_reviewing_again_is_a_new_event_and_the_later_one_counts(
    writer: TestClient, home: Workspace, package: Path
) -> None:
    for overall in ("revise", "accept"):
        writer.post(f"/review/{package.parent.name}", data=answers(package, overall=overall))
    assert [s.review.overall for s in read_reviews(package, None)[0]] == ["revise", "accept"]
    assert sum(e.kind == "review.submitted" for e in read_events(home.ledger_path)) == 2


def test_a_package_of_another_workspace_is_not_sent_back(writer: TestClient, package: Path) -> None:
    writer.post(f"/review/{package.parent.name}", data=answers(package, overall="revise", mind="More seeds"))
    page = writer.get(f"/review/{package.parent.name}/done").text
    assert "Send it back" not in page
    answer = writer.post(f"/review/{package.parent.name}/back", data={"statement": "Is LRU better than FIFO?"})
    assert answer.status_code == 400
    assert "not of this workspace" in answer.text


BRIEF = """
question = "Does LFU beat LRU on hit rate?"
families = ["caching"]
[budget]
max_experiments = 3
[seeds]
looks = [3]
[conditions]
requests = 2000
items = 500
capacity = 30
warmup = 0
[stages]
replicate = 0
"""


def test_a_revision_goes_back_to_the_agents_and_comes_again_as_a_package(tmp_path: Path) -> None:
    """Review, revise, re-review: the run goes on with the reviewer's hypothesis; what it finds waits in the queue."""
    import time

    from evidentia.agents.brief import read_brief
    from evidentia.graph.running import start
    from evidentia.hub.app import create_app
    from evidentia.hub.app.jobs import job

    path = tmp_path / "brief.toml"
    path.write_text(BRIEF)
    home = open_workspace(tmp_path / "w", create=True)
    report = start(home, read_brief(str(path)))
    name = report.packages[0]
    app = create_app(home, "a token for these tests alone", 8127)
    with TestClient(app, base_url="http://127.0.0.1:8127", raise_server_exceptions=False) as client:
        client.get("/?token=a token for these tests alone")
        client.headers["x-csrf-token"] = app.state.session.csrf
        given = answers(home.packages / name / "v1", overall="revise", mind="Does SIEVE beat FIFO on hit rate?")
        done = client.post(f"/review/{name}", data=given)
        assert "Send it back" in done.text
        assert "Does SIEVE beat FIFO on hit rate?" in done.text
        refused = client.post(f"/review/{name}/back", data={"statement": "Is purple heavier?", "reviewer": "Ada"})
        assert refused.status_code == 400
        sent = client.post(
            f"/review/{name}/back",
            data={"statement": "Does SIEVE beat FIFO on hit rate?", "reviewer": "Ada", "experiments": 4},
        )
        assert sent.url.path.startswith("/jobs/")
        number = sent.url.path.rsplit("/", 1)[1]
        for _ in range(600):
            if job(home, number).state != "running":
                break
            time.sleep(0.2)
        assert job(home, number).exit_code == 0, job(home, number).log.read_text()
        waiting = client.get("/review").text
        assert "sieve" in waiting
        made = [n for n in home.package_names() if n not in report.packages and "sieve" in n]
        manifest = load_manifest(home.packages / made[0] / "v1")
        assert [c.name for c in manifest.branch.contributors] == ["Ada"]
