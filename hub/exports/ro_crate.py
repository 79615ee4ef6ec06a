"""RO-Crate 1.1 with the Process Run Crate 0.5 profile: the package with every run as an action.

https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from evidentia.hub.exports.citation import LICENCES, authors
from evidentia.hub.exports.contents import Contents, read_contents
from evidentia.hub.exports.placing import fill, placed_folder
from evidentia.hub.verification.opened import LOG
from evidentia.workspace.canonical import sha256
from evidentia.workspace.package.manifest import EntryPoint
from evidentia.workspace.records import Run

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
METADATA = "ro-crate-metadata.json"
MEDIA = {
    ".cff": "application/yaml",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    "": "text/plain",
    ".yaml": "application/yaml",
}


def export_ro_crate(package: Path, out: Path) -> Path:
    """Write the crate: all files of the package and ``ro-crate-metadata.json``, the same bytes each time."""
    contents = read_contents(package)
    text = json.dumps(metadata(contents), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    with placed_folder(out) as building:
        fill(building, {**contents.files, METADATA: text.encode()})
    return out


def metadata(contents: Contents) -> dict[str, Any]:
    """The JSON-LD document of the crate."""
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = SHA256
    _root(crate, contents)
    scripts = dict(_scripts(contents))
    for name, data in sorted(contents.files.items()):
        about: dict[str, Any] = {"contentSize": str(len(data)), "sha256": sha256(data)}
        if media := MEDIA.get(PurePosixPath(name).suffix):
            about["encodingFormat"] = media
        if name in scripts:
            about |= scripts[name]
        crate.add_file(dest_path=name, properties=about)
    ended = _ends(contents)
    manifest = contents.manifest
    for entry, run in zip(manifest.entry_points, manifest.branch.runs, strict=True):
        _action(crate, contents, entry, run, ended.get(run.evidence.id))
    made: dict[str, Any] = crate.metadata.generate()
    return made


def _root(crate: ROCrate, contents: Contents) -> None:
    from rocrate.model.contextentity import ContextEntity

    def entity(identity: str, kind: str, **about: Any) -> Any:
        return crate.add(ContextEntity(crate, identity, properties={"@type": kind, **about}))

    manifest, root = contents.manifest, crate.root_dataset
    root["name"] = manifest.title
    root["description"] = manifest.abstract
    root["datePublished"] = manifest.created
    root["identifier"] = manifest.id
    root["version"] = str(manifest.version)
    root["keywords"] = list(manifest.tags)
    licences = [
        entity(f"https://spdx.org/licenses/{name}", "CreativeWork", name=name, description=manifest.licence)
        for name in LICENCES
        if name in manifest.licence
    ]
    root["license"] = licences or manifest.licence
    root["author"] = [
        entity(f"#author-{i}", "Organization", name=author["name"])
        for i, author in enumerate(authors(contents), start=1)
    ]
    people = [
        entity(f"#person-{i}", "Person", name=p.name, description=", ".join(p.roles))
        for i, p in enumerate(manifest.branch.contributors, start=1)
    ]
    if people:
        root["contributor"] = people
    root["conformsTo"] = entity(PROCESS, "CreativeWork", name="Process Run Crate", version="0.5")
    root["citation"] = [
        entity(f"https://arxiv.org/abs/{c.arxiv}", "ScholarlyArticle", name=c.title)
        for c in manifest.branch.citations
        if c.arxiv
    ]


def _scripts(contents: Contents) -> Iterator[tuple[str, dict[str, Any]]]:
    manifest = contents.manifest
    for entry, run in zip(manifest.entry_points, manifest.branch.runs, strict=True):
        language = f"Python {run.evidence.environment.python}"
        kind = ["File", "SoftwareSourceCode"]
        yield (
            entry.script,
            {
                "@type": kind,
                "name": f"script of {entry.id}",
                "programmingLanguage": language,
                "version": str(manifest.version),
            },
        )


def _action(crate: ROCrate, contents: Contents, entry: EntryPoint, run: Run, ended: datetime | None) -> None:
    """A run as CreateAction: its script, what went in, what came out, who, when, how it ended."""
    from rocrate.model.contextentity import ContextEntity

    evidence = run.evidence
    script = crate.dereference(entry.script)
    went_in: list[Any] = [
        crate.add(
            ContextEntity(
                crate,
                f"#{entry.id}-{name}",
                properties={"@type": "PropertyValue", "name": name, "value": value},
            )
        )
        for name, value in (
            ("seeds", ", ".join(map(str, run.experiment.seeds))),
            *((name, f"{limit:g}") for name, limit in sorted(run.experiment.limits.items())),
        )
    ]
    went_in += _held(crate, contents, "src/environment.md", "src/configs/experiment.md")
    came_out = _held(
        crate,
        contents,
        f"evidence/rows/{entry.id}.jsonl",
        f"evidence/logs/{entry.id}.stdout.txt",
        f"evidence/logs/{entry.id}.stderr.txt",
        f"evidence/manifests/{entry.id}.json",
    )
    about: dict[str, Any] = {
        "name": f"{entry.id}: {entry.role} of {contents.manifest.title}",
        "description": run.experiment.protocol or "One run of the script in a sandbox, measured by the host.",
        "agent": {"@id": "#author-1"},
        "actionStatus": f"http://schema.org/{'Completed' if evidence.ok else 'Failed'}ActionStatus",
    }
    if not evidence.ok:
        about["error"] = _failure(run)
    if ended is not None:
        about["startTime"] = (ended - timedelta(seconds=evidence.wall_seconds)).isoformat(timespec="milliseconds")
        about["endTime"] = ended.isoformat(timespec="milliseconds")
    action = crate.add_action(script, f"#{entry.id}", object=went_in, result=came_out, properties=about)
    crate.root_dataset.append_to("mentions", action)


def _failure(run: Run) -> str:
    evidence = run.evidence
    if evidence.exceeded:
        return f"limit exceeded: {evidence.exceeded}"
    if evidence.signal:
        return f"killed by signal {evidence.signal}"
    return f"exit status {evidence.exit_status}; outputs refused: {', '.join(sorted(evidence.refused)) or 'none'}"


def _held(crate: ROCrate, contents: Contents, *names: str) -> list[Any]:
    return [crate.dereference(name) for name in names if name in contents.files]


def _ends(contents: Contents) -> dict[str, datetime]:
    """When each piece of evidence was written into the log; a run's start is that minus its measured wall time."""
    return dict(_finished(contents.files.get(LOG, b"")))


def _finished(log: bytes) -> Iterator[tuple[str, datetime]]:
    for line in log.splitlines():
        event = json.loads(line)
        if event["kind"] == "experiment.finished":
            yield event["payload"]["evidence_id"], datetime.fromisoformat(event["time"])
