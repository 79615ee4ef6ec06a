"""Reading a package for a paper: its manifest and its figures, from inside its directory and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.exports.contents import Contents, read_contents
from evidentia.hub.verification.log import FILE as LOG
from evidentia.workspace.canonical import sha256
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import MANIFEST

MOST_BYTES = {"manifest": 32 * 1024**2, "figure": 4 * 1024**2, "log": 64 * 1024**2}
MOST_FIGURES = 12
_DRAWN = {"svg", "g", "defs", "style", "path", "use", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
_DRAWN |= {"clipPath", "linearGradient", "radialGradient", "stop", "title", "desc"}
_ASIDE = {"metadata"}
"""What a drawing may hold, and what in it is not looked at."""
_DEEPEST, _MOST_ELEMENTS = 60, 50_000


@dataclass(frozen=True)
class Picture:
    """A figure's bytes, under the name the paper gives it, with its title and caption."""

    file: str
    data: bytes
    title: str
    caption: str


@dataclass(frozen=True)
class Slice:
    """The branch's slice of the log: first and last event, how many, where hypothesis and first plan stand."""

    first: int
    last: int
    count: int
    head: str
    registered: int | None
    planned: int | None


@dataclass(frozen=True)
class Source:
    """All of a package that a paper is made from."""

    manifest: Manifest
    digest: str
    pictures: tuple[Picture, ...]
    left_out: tuple[str, ...]
    log: Slice | None


def read_source(package: Path) -> Source:
    """Read what a paper needs.

    Raises BadInputError for a manifest that is too large, and IntegrityError for a file that is not what the
    manifest says, a link among them.
    """
    path = package / MANIFEST
    if path.is_file() and path.stat().st_size > MOST_BYTES["manifest"]:
        most = f"{MOST_BYTES['manifest'] // 1024**2} MiB"
        raise BadInputError(f"{path} is larger than {most}, too large for a paper; export the package as a zip")
    if path.is_symlink():
        raise IntegrityError(f"{path} is a link; a package holds plain files")
    contents = read_contents(package)
    pictures, left_out = _pictures(contents.files)
    digest = sha256(contents.files[MANIFEST])
    return Source(contents.manifest, digest, pictures, left_out, _slice(contents))


def _pictures(files: Mapping[str, bytes]) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The figures, drawn (SVG) where that is safe, else painted (PNG); and those that are left out, with why."""
    names = sorted({n.rpartition(".")[0] for n in files if re.fullmatch(r"evidence/figures/.+\.(svg|png)", n)})
    found: list[Picture] = []
    left_out = [f"{n}, since a paper shows no more figures" for n in names[MOST_FIGURES:]]
    for stem in names[:MOST_FIGURES]:
        faults = []
        for kind, unsafe in (("svg", unsafe_drawing), ("png", unsafe_painting)):
            data = files.get(f"{stem}.{kind}")
            if data is None:
                continue
            fault = "it is too large" if len(data) > MOST_BYTES["figure"] else unsafe(data)
            if not fault:
                described = _described(files.get(f"{stem}.md", b""))
                found.append(Picture(f"F{len(found) + 1:02d}.{kind}", data, *described))
                break
            faults.append(fault)
        else:
            left_out.append(f"{stem}, since {faults[0]}")
    return tuple(found), tuple(left_out)


def _described(told: bytes) -> tuple[str, str]:
    """Title and caption that stand in the Markdown file beside a figure."""
    text = told.decode("utf-8", "replace")
    title = re.search(r"^# F\d+: (.*)$", text, re.M)
    caption = re.search(r"^- \*\*Caption\*\*: (.*)$", text, re.M)
    return (title[1] if title else "", caption[1] if caption else "")


def unsafe_drawing(data: bytes) -> str:
    """Why an SVG may not be set: anything but shapes, a reference outside itself, an entity; empty if it may."""
    faults: list[str] = []
    depth = count = aside = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count, aside
        depth, count = depth + 1, count + 1
        plain = name.rpartition(":")[2]
        aside += plain in _ASIDE or aside > 0
        if depth > _DEEPEST or count > _MOST_ELEMENTS:
            faults.append("it is too large a drawing")
        if aside == 0 and plain not in _DRAWN:
            faults.append(f"it holds <{plain}>")
        for key, value in attributes.items():
            local = key.rpartition(":")[2]
            outside = local == "href" and not value.startswith("#")
            if aside == 0 and (outside or local.startswith("on") or _reaches_out(value)):
                faults.append("it refers to something outside itself")

    def end(name: str) -> None:
        nonlocal depth, aside
        depth -= 1
        aside -= aside > 0

    def text(content: str) -> None:
        if aside == 0 and _reaches_out(content):
            faults.append("it refers to something outside itself")

    def entity(*_: object) -> None:
        faults.append("it declares entities")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        return f"it is not XML ({expat.ErrorString(error.code)})"
    return faults[0] if faults else ""


def _reaches_out(text: str) -> bool:
    flat = text.lower()
    return "@import" in flat or re.search(r"url\(\s*[\"']?(?!#)", flat) is not None


def unsafe_painting(data: bytes) -> str:
    """Why a PNG may not be set: no PNG, or more than 40 million pixels; empty if it may."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 33:
        return "it is not a PNG"
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
    return "it is too large a picture" if width * height > 40_000_000 else ""


def _slice(contents: Contents) -> Slice | None:
    log = contents.files.get(LOG, b"")
    if len(log) > MOST_BYTES["log"]:
        raise BadInputError(f"{LOG} is too large for a paper; export the package as a zip")
    events = []
    for number, line in enumerate(log.splitlines(), start=1):
        try:
            event = json.loads(line)
            events.append((int(event["seq"]), str(event["hash"]), str(event["kind"]), dict(event["payload"])))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"{LOG}:{number} is not an event") from error
    if not events:
        return None
    wanted = contents.manifest.branch.hypothesis.id
    registered = [s for s, _, kind, said in events if kind == "hypothesis.registered" and said.get("id") == wanted]
    planned = [s for s, _, kind, _ in events if kind == "experiment.planned"]
    return Slice(
        events[0][0],
        events[-1][0],
        len(events),
        events[-1][1],
        registered[0] if registered else None,
        planned[0] if planned else None,
    )
