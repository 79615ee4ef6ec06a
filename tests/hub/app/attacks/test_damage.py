"""Damaged and treacherous files: every page says in a sentence what is wrong; and secrets are nowhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

DAMAGE: dict[str, bytes] = {
    "nothing": b"",
    "noise": bytes(range(256)) * 20,
    "a list": b"[]\n",
    "a number": b"3\n",
    "half an object": b'{"schema": "event/1", "seq": 0, "ti',
    "no number": b'{"schema": NaN, "seq": 1e999}\n',
    "depth": b"[" * 200_000 + b"\n",
    "a long number": b'{"seq": ' + b"9" * 5000 + b"}\n",
    "half a character": b'{"title": "\\ud800", "arguments": ["\\ud800"], "started": "\\ud800", "kind": "\\ud800"}\n',
    "other types": b'{"title": [], "arguments": 3, "started": {}, "id": null, "claims": {}, "branch": []}\n',
}
PACKAGE, RUNS, JOBS = (
    ("/packages", "/review", "/api/packages"),
    ("/runs", "/api/runs", "/compare"),
    ("/jobs", "/api/jobs"),
)
EVERYWHERE = ("/",)
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "the manifest": ("packages/{package}/v1/manifest.json", EVERYWHERE),
    "the rows": ("packages/{package}/v1/evidence/rows/E01.jsonl", PACKAGE),
    "the output": ("packages/{package}/v1/evidence/logs/E01.stdout.txt", PACKAGE),
    "the script": ("packages/{package}/v1/src/execution/E01.py", PACKAGE),
    "the figure": ("packages/{package}/v1/evidence/figures/F01.svg", PACKAGE),
    "the painted figure": ("packages/{package}/v1/evidence/figures/F01.png", PACKAGE),
    "the figure's words": ("packages/{package}/v1/evidence/figures/F01.md", PACKAGE),
    "a review": ("packages/{package}/reviews/v1-1.json", PACKAGE),
    "an attestation": ("packages/{package}/attestations/v1-1.json", PACKAGE),
    "the run's log": ("runs/run-hostile/events.jsonl", RUNS),
    "the ledger": ("ledger.jsonl", EVERYWHERE),
    "the index": ("index.sqlite", ("/packages", "/lessons", "/api/facets")),
    "a job": ("jobs/20260101-000000-0a1b2c.json", JOBS),
    "a job's output": ("jobs/20260101-000000-0a1b2c.log", JOBS),
    "a draft": ("drafts/{package}@v1.json", ("/review",)),
    "the list of runs": ("cache/runs.json", ("/runs",)),
}


def concerned(target: Any, prefixes: tuple[str, ...]) -> list[str]:
    """The addresses whose answers a file may be part of."""
    left_out = ("/stream", "/export/{form}", "/kernels", "/kernels/{family}/{name}", "openapi.json")
    routes = [r for r in target.routes("GET") if r.path.startswith(prefixes) and not r.path.endswith(left_out)]
    addresses = [target.address(route) for route in routes]
    return [*addresses, "/compare?left=runs/run-hostile/N001&right=runs/run-hostile/N002"]


@pytest.mark.parametrize("place", PLACES)
def test_a_damaged_file_is_told_in_a_sentence(place: str, writable: Callable[..., Any]) -> None:
    """Every page over every kind of damage to one file: none fails, and pages that do not need the file go on."""
    target, package, client = writable()
    place_path, prefixes = PLACES[place]
    path: Path = target.home.root / place_path.format(package=package.parent.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    faults, addresses = [], concerned(target, prefixes)
    kinds = (
        DAMAGE if place_path.endswith((".json", ".jsonl")) else {n: DAMAGE[n] for n in ("nothing", "noise", "depth")}
    )
    for what, data in kinds.items():
        path.write_bytes(data)
        for address in addresses:
            answer = client.get(address)
            if answer.status_code >= 500 or "Traceback" in answer.text:
                faults.append((address, what))
    assert faults == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("leads", ["out", "to a folder"])
def test_a_link_in_place_of_a_file_leads_nowhere(place: str, leads: str, writable: Callable[..., Any]) -> None:
    target, package, client = writable()
    canary: Path = target.home.root.parent / "canary.txt"
    canary.write_text("canary-4f1c\n" * 3)
    place_path, prefixes = PLACES[place]
    path: Path = target.home.root / place_path.format(package=package.parent.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to({"out": canary, "to a folder": target.home.root.parent}[leads])
    faults = []
    for address in concerned(target, prefixes):
        answer = client.get(address)
        if answer.status_code >= 500 or "canary-4f1c" in answer.text:
            faults.append((address, answer.status_code))
    assert faults == []


def test_a_folder_that_is_a_link_leads_nowhere(writable: Callable[..., Any]) -> None:
    """A package's version, a whole package and a run that are links to folders outside the workspace."""
    target, package, client = writable()
    outside = target.home.root.parent / "elsewhere"
    os.rename(package, outside)
    (outside / "PAPER.md").write_text("canary-4f1c")
    package.symlink_to(outside)
    (target.home.packages / "linked").symlink_to(package.parent)
    for name in (package.parent.name, "linked"):
        for tail in ("", "/code", "/paper", "/files/PAPER.md", "/export/ara"):
            answer = client.get(f"/packages/{name}{tail}")
            assert answer.status_code in (400, 404, 409), (name, tail)
            assert "canary-4f1c" not in answer.text


SECRETS = {"environment": "xq7-environment-secret-9f2", "file": "xq7-key-file-secret-77a"}


def test_secrets_are_nowhere(
    target: Any, owner: TestClient, stranger: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the token, nor what it is kept in, nor keys, nor the environment stands in any answer."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["environment"])
    keys: Path = target.home.root / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "other.key").write_text(SECRETS["file"])
    hidden = [*SECRETS.values(), "a token for the attacks alone", *(v for _, v in owner.cookies.items())]
    private = [p.read_text().strip() for p in keys.iterdir() if p.is_file() and "PRIVATE" in p.read_text()]
    assert private
    hidden += [line for text in private for line in text.splitlines() if line and not line.startswith("---")]
    for client in (owner, stranger):
        for route in target.routes("GET"):
            if route.path.endswith("/stream"):
                continue
            body = client.get(target.address(route)).content
            for secret in hidden:
                assert secret.encode() not in body, route.path


def test_a_secret_in_a_jobs_output_is_masked(writable: Callable[..., Any]) -> None:
    target, _, client = writable()
    told = json.dumps({"title": "t", "arguments": ["x"], "started": "now", "exit_code": 0, "ended": "now"})
    name = target.filled["job"]
    (target.home.root / "jobs" / f"{name}.json").write_text(told)
    secret = "sk-" + "a1B2" * 8
    (target.home.root / "jobs" / f"{name}.log").write_text(f"key {secret}\n")
    for path in (f"/jobs/{name}", f"/jobs/{name}/panel", f"/jobs/{name}/stream", f"/api/jobs/{name}"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert secret not in answer.text, path


def test_ansi_and_marks_that_turn_text_around_are_taken_out_of_output(writable: Callable[..., Any]) -> None:
    target, _, client = writable()
    name = target.filled["job"]
    (target.home.root / "jobs" / f"{name}.log").write_bytes(
        b"\x1b]8;;http://xq7.invalid\x07a\x1b]8;;\x07 \xe2\x80\xae b\x00\n"
    )
    page: str = client.get(f"/jobs/{name}").text
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "xq7.invalid" not in page
