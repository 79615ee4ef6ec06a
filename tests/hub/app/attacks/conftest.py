"""A workspace in which everything that agents, papers and people can write is an attack, and every route there is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.testclient import TestClient

from evidentia.agents.brief import Brief
from evidentia.hub.app import api, create_app
from evidentia.hub.app.pages import ROUTERS
from evidentia.hub.arena import Vote, cast
from evidentia.hub.reviewing import submit
from evidentia.hub.tensions import detect
from evidentia.workspace.canonical import canonical
from evidentia.workspace.eventlog import append_event
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import publish
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import ClaimReview, Hypothesis, Review

TOKEN, PORT, JOB, RUN = "a token for the attacks alone", 8127, "20260101-000000-0a1b2c", "run-hostile"
PAYLOADS: list[str] = json.loads(Path(__file__).with_name("payloads.json").read_text())
POISON = " ".join(PAYLOADS)
BRIEF_POISON = "xq7'\"><img src=x onerror=window.xq7=1>{{7*7}}"
"""For fields that may only be short."""
FIXED = {"schema", "id", "files", "created", "version", "templates", "entry_points", "licence"}
"""Parts of a manifest by which it is found, or which are no words."""


@dataclass(frozen=True)
class Target:
    """A workspace under attack, what stands in for each parameter of an address there, and every route."""

    home: Workspace
    filled: dict[str, str]

    def routes(self, *methods: str) -> list[APIRoute]:
        """Every route with one of the methods."""
        all_routes = [r for router in (*ROUTERS, *api.ROUTERS) for r in router.routes if isinstance(r, APIRoute)]
        return [route for route in all_routes if set(methods) & set(route.methods or ())]

    def address(self, route: APIRoute, **instead: str) -> str:
        """The route's address with real names in it, save those that are given."""
        path = route.path
        for parameter in parameters(route, "path"):
            key = f"{path.split('/')[1]}.{parameter}"
            value = instead.get(parameter) or self.filled.get(key) or self.filled[parameter]
            path = path.replace(f"{{{parameter}:path}}", value).replace(f"{{{parameter}}}", value)
        return path

    def queries(self, route: APIRoute) -> list[str]:
        """The names of what may stand behind the question mark."""
        return parameters(route, "query")


def parameters(route: APIRoute, where: str) -> list[str]:
    """The names of a route's parameters of one place."""
    found = get_flat_params(route.dependant)
    return [p.alias for p in found if type(p.field_info).__name__.lower() == where]


def spoilt(data: Any, said: tuple[str, ...], fits: Callable[[], bool], top: bool = True) -> int:
    """Put the first of `said` that still `fits` in place of every string and key; how many were replaced."""
    count = 0
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        if isinstance(key, str) and (key in FIXED or (not top and key in ("evidence", "script", "experiment"))):
            continue
        old = data[key]
        if isinstance(old, dict | list):
            count += spoilt(old, said, fits, top=False)
        elif isinstance(old, str):
            for new in said:
                data[key] = new
                if fits():
                    count += 1
                    break
                data[key] = old
    return count


def spoil(package: Path, home: Workspace, name: str, *said: str) -> int:
    """A published copy of a package under another name, each of its fields replaced where the schema lets it."""
    folder = home.packages / name / "v1"
    shutil.copytree(package, folder)
    data = json.loads((folder / "manifest.json").read_bytes())
    data["id"], data["run"] = name, RUN

    def fits() -> bool:
        try:
            Manifest.model_validate(data)
        except ValidationError:
            return False
        return True

    data["tags"], data["branch"]["limits"] = [*data["tags"], said[-1]], ["words", *data["branch"]["limits"]]
    data["branch"]["citations"] = [
        {"key": "k", "title": "words", "authors": "words", "year": 2000, "arxiv": "words", "note": "words"}
    ]
    if not fits():
        data["branch"]["citations"] = []
    count = spoilt(data, said, fits)
    data["run"] = RUN
    for each in (data["branch"], data["branch"]["hypothesis"]):
        if "conditions" in each:
            each["conditions"][said[-1]] = said[-1]
    file = "evidence/figures/<img src=x onerror=window.xq7=1>.md"
    data["files"][file.replace("/figures/", "/")] = data["files"]["README.md"]
    if not fits():
        del data["files"][file.replace("/figures/", "/")]
    assert fits()
    (folder / "manifest.json").write_bytes(canonical(data) + b"\n")
    for path in (*folder.rglob("*.md"), *folder.rglob("*.txt"), *folder.rglob("*.py")):
        path.write_text(said[0] + "\n" + path.read_text())
    rows = folder / "evidence" / "rows" / "E01.jsonl"
    if rows.exists():
        kept = [{**json.loads(line), said[-1]: said[0], "system": said[0]} for line in rows.read_text().splitlines()]
        rows.write_text("".join(json.dumps(row) + "\n" for row in kept))
    manifest = load_manifest(folder)
    publish(home, name, 1, run=RUN, outcome=manifest.outcome, actor=said[-1])
    return count


def say(home: Workspace, name: str, words: str) -> None:
    """Review, vote on and cite a package in such words."""
    claims = load_manifest(home.packages / name / "v1").branch.claims
    review = Review(
        reviewer=words[:100],
        kind="person",
        claims=tuple(ClaimReview(claim=c.id, verdict="wrong", reason=words[:2000]) for c in claims),
        scores={"soundness": 1, "evidence": 1, "significance": 1, "reproducibility": 1},
        overall="reject",
        confidence=1,
        summary=words[:2000],
        would_change_my_mind=words[:2000],
    )
    submit(home, home.packages / name / "v1", review)
    source = {"package": words[:150], "version": 1, "run": words[:150], "node": "", "key": ""}
    of = {"package": name, "version": 1}
    append_event(home.ledger_path, "ledger", "package.cited", {**of, "source": source, "place": words[:150]}, words)
    append_event(home.ledger_path, "ledger", words[:60], {words[:60]: words[:2000]}, words[:2000])


def explore(home: Workspace, plan: Hypothesis, words: str) -> None:
    """A stopped run whose people and minds speak such words."""
    log = home.create_log(RUN)
    brief = Brief(question=words).to_json()
    log.append("run.started", {"brief": brief, "mind": words, "workers": 1, "executor": "local"}, words)
    changes = dict.fromkeys(("title", "statement", "rationale", "falsification"), words)
    for number in (1, 2):
        hostile = plan.model_copy(update={**changes, "smallest_effect": number / 2})
        told = {"id": hostile.id, "node": f"N{number:03d}", "parent": "N000", "pivot": None}
        log.append("hypothesis.registered", {**told, "hypothesis": hostile.to_json(), "novelty": {}}, words)
    log.append("run.stopped", {"because": words, "tree": ""}, words)
    log.close()


def job(home: Workspace, words: str) -> None:
    """A job that ended, titled and printing such words."""
    folder = home.root / "jobs"
    folder.mkdir(exist_ok=True)
    told = {"title": words, "arguments": ["verify", words], "started": words, "exit_code": 1, "ended": words}
    (folder / f"{JOB}.json").write_text(json.dumps(told))
    (folder / f"{JOB}.log").write_text(words)


def attacked(root: Path, supported: Path, refuted: Path, plan: Hypothesis) -> Target:
    """A workspace of hostile packages, a hostile run and a hostile job."""
    home = open_workspace(root, create=True)
    spoil(supported, home, "hostile", POISON, BRIEF_POISON)
    spoil(refuted, home, "hostile-refuted", POISON, BRIEF_POISON)
    for name in ("hostile", "hostile-refuted"):
        say(home, name, POISON)
    vote = {"left": "hostile", "right": "hostile-refuted", "left_version": 1, "right_version": 1, "answer": "left"}
    cast(home, Vote(**vote, comment=POISON[:2000], voter=BRIEF_POISON))
    explore(home, plan, POISON)
    job(home, POISON)
    found = detect(home, everything=True).items
    filled = {"package": "hostile", "claim": "C01", "file": "PAPER.md", "figure": "F01", "form": "ara", "run": RUN}
    filled |= {"packages.name": "hostile", "review.name": "hostile", "jobs.name": JOB, "job": JOB, "node": "N001"}
    filled |= {"tension": found[0]["id"] if found else "t-0123456789", "evidence": "E01", "stream": "rows"}
    filled |= {"family": "caching", "name": "lru"}
    return Target(home, filled)


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory, supported: Path, refuted: Path, bench: Any) -> Target:
    """The hostile workspace, for tests that only read."""
    return attacked(tmp_path_factory.mktemp("attacked") / "workspace", supported, refuted, bench.plan())


@pytest.fixture(scope="session")
def stranger(target: Target) -> Iterator[TestClient]:
    """Someone without the token, at the hostile workspace."""
    app = create_app(target.home, TOKEN, PORT)
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def owner(target: Target) -> Iterator[TestClient]:
    """Someone who signed in, at the hostile workspace, without our pages' word."""
    app = create_app(target.home, TOKEN, PORT)
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False) as client:
        assert client.get(f"/jobs?token={TOKEN}").status_code == 200
        yield client


@pytest.fixture
def writable(tmp_path: Path, supported: Path, bench: Any) -> Iterator[Callable[..., tuple[Target, Path, TestClient]]]:
    """Makes a workspace of its own: a package with its words as they are, or spoilt, a run and a job; and a client
    that may write there, with our pages' word."""
    clients: list[TestClient] = []

    def make(*said: str) -> tuple[Target, Path, TestClient]:
        home = open_workspace(tmp_path / "workspace", create=True)
        if said:
            name = "spoilt"
            spoil(supported, home, name, *said)
        else:
            name = supported.parent.name
            shutil.copytree(supported, home.packages / name / "v1")
            publish(home, name, 1, run=RUN, outcome="supported")
            say(home, name, "plain words")
        explore(home, bench.plan(), "plain words")
        job(home, "plain words")
        filled = {"package": name, "claim": "C01", "file": "PAPER.md", "figure": "F01", "form": "ara", "run": RUN}
        filled |= {"packages.name": name, "review.name": name, "jobs.name": JOB, "job": JOB, "node": "N001"}
        filled |= {"tension": "t-0123456789", "evidence": "E01", "stream": "rows", "family": "caching", "name": "lru"}
        app = create_app(home, TOKEN, PORT)
        client = TestClient(app, base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False)
        client.get(f"/jobs?token={TOKEN}")
        client.headers["x-csrf-token"] = app.state.session.csrf
        clients.append(client)
        return Target(home, filled), home.packages / name / "v1", client

    yield make
    for client in clients:
        client.close()
