"""An ARA directory as a package: its files as they are, its claims and tree as far as they can be read as data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from evidentia.errors import BadInputError
from evidentia.hub.imports.described import LIST, UNKNOWN_DATE, Described, import_described, stated_claim
from evidentia.hub.imports.guard import guarded
from evidentia.hub.imports.nesting import expanded
from evidentia.hub.imports.outside import plain, read_folder
from evidentia.hub.imports.receipt import Receipt
from evidentia.hub.imports.tree import read_nodes
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import CATEGORIES
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.package.validator import lint
from evidentia.workspace.records import Claim, Status

FORM = "an ARA directory"
PAPER, CLAIMS, TREE = "PAPER.md", "logic/claims.md", "trace/exploration_tree.yaml"
TEXTS = (".md", ".yaml", ".py")
MOST_FAULTS = 20
MOST_TEXT_BYTES = 4 * 1024**2
STATUSES: dict[str, Status] = {"supported": "supported", "refuted": "refuted", "hypothesis": "inconclusive"}
BLOCKS = {"logic/experiments.md": (r"^## (E\d+)", "the experiment {} stays as text: it holds no run record")}
BLOCKS["logic/related_work.md"] = (r"^## (RW\d+)", "the related work {} stays as text: authors and year are not data")
ASIDE = "imported/"


def import_ara(workspace: Workspace, folder: Path) -> Receipt:
    """Take in an ARA directory. Raises BadInputError when it is none, or holds what may not be taken in."""
    return import_described(workspace, read_ara(folder))


def read_ara(folder: Path) -> Described:
    """What an ARA directory says, in our terms."""
    files = read_folder(folder)
    if MANIFEST in files and b'"package/1"' in files[MANIFEST]:
        raise BadInputError(f"{folder} is a package directory; make it a zip with `evidentia export` and import that")
    unmapped = [f"{name}: kept as {ASIDE}{name}, not read" for name in (MANIFEST, LIST) if name in files]
    files = {(ASIDE + name if name in (MANIFEST, LIST) else name): data for name, data in files.items()}
    front = _front(folder, _text(folder, files, PAPER))
    unmapped += [f"{PAPER} states no {key}" for key in ("title", "authors", "year") if not front.get(key)]
    text = _text(folder, files, CLAIMS) if CLAIMS in files else ""
    claims, falsification = _claims(text)
    unmapped += [
        f"{c.id}: metric, system, value and conditions are not data; its text stays in {CLAIMS}" for c in claims
    ]
    nodes, told = read_nodes(_tree(folder, files))
    unmapped += told
    for name, (pattern, line) in BLOCKS.items():
        blocks = re.findall(pattern, _text(folder, files, name) if name in files else "", re.M)
        unmapped += [line.format(block) for block in blocks]
    licence = plain(front.get("license"), 100) or _spdx(files.get("LICENSE", b""))
    if not licence:
        unmapped.append(f"no licence is stated in {PAPER}, nor as an SPDX identifier in LICENSE")
    for name in files:
        if name.endswith(TEXTS):
            _decoded(folder, name, files[name])
    faults = guarded(folder, lambda: lint(folder))
    unmapped += [f"not well-formed ARA: {plain(str(fault))}" for fault in faults[:MOST_FAULTS]]
    title = plain(front.get("title"), 300) or folder.resolve().name
    domain = plain(front.get("domain"), 60)
    root = next((n for n in nodes if n.type == "question"), None)
    year = plain(front.get("year"), 4)
    return Described(
        source=str(folder),
        form=FORM,
        identity=(title, *_names(front.get("authors")), plain(front.get("doi")), plain(front.get("venue"))),
        title=title,
        question=plain(root.fields.get("description"), 500) if root else title,
        abstract=plain(front.get("abstract")) or "No abstract is stated.",
        created=f"{year}-01-01T00:00:00.000+00:00" if re.fullmatch(r"[12]\d{3}", year) else UNKNOWN_DATE,
        category=CATEGORIES.get(domain, domain) or "unclassified",
        tags=tuple(_names(front.get("keywords"))),
        licence=licence,
        authors=tuple(_names(front.get("authors"))),
        falsification=falsification,
        claims=tuple(claims),
        nodes=nodes,
        citations=(),
        files=files,
        unmapped=tuple(unmapped),
    )


def _text(folder: Path, files: dict[str, bytes], name: str) -> str:
    if name not in files:
        raise BadInputError(f"{folder} has no {name}: it is no ARA directory, no package zip and no discovery.json")
    if len(files[name]) > MOST_TEXT_BYTES:
        raise BadInputError(f"{folder}: {name} has more than {MOST_TEXT_BYTES:,} bytes")
    return _decoded(folder, name, files[name])


def _decoded(folder: Path, name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{folder}: {name} is not UTF-8 text (byte {error.start})") from None


def _front(folder: Path, text: str) -> dict[str, Any]:
    match = re.match(r"---\r?\n(.*?)\n---\r?\n", text, re.S)
    found = _yaml(folder, PAPER, match[1]) if match else None
    if not isinstance(found, dict):
        raise BadInputError(f"{folder}: {PAPER} does not begin with a YAML block between two lines of ---")
    return found


def _tree(folder: Path, files: dict[str, bytes]) -> Any:
    return _yaml(folder, TREE, _text(folder, files, TREE)) if TREE in files else None


def _yaml(folder: Path, name: str, text: str) -> Any:
    try:
        expanded(text)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInputError(f"{folder}: {name} is not YAML: {plain(str(error).splitlines()[0])}") from None
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{folder}: {name} holds a value that cannot be read: {plain(str(error), 200)}") from None


def _names(value: Any) -> list[str]:
    """A list of names from a YAML list of texts or of mappings with a name, or one text."""
    items = value if isinstance(value, list) else [value]
    found = [plain(i.get("name") if isinstance(i, dict) else i, 200) for i in items[:200]]
    return [name for name in found if name]


def _spdx(licence: bytes) -> str:
    match = re.search(rb"SPDX-License-Identifier: ([\w.+ -]+)", licence[:2000])
    return match[1].decode().strip() if match else ""


def _claims(text: str) -> tuple[list[Claim], str]:
    """The claims with their stated status, and the first falsification criterion."""
    found: list[Claim] = []
    criteria = ""
    for block in re.split(r"^(?=## C\d)", text, flags=re.M)[1:]:
        head = re.match(r"## (C\d+):?\s*(.*)", block)
        if head is None or head[1] in (c.id for c in found):
            continue
        label = {k: plain(v) for k, v in re.findall(r"^[-*]?\s*\*\*([\w ]+)\*\*:?[ \t]*(.*)$", block, re.M)}
        status = next((s for word, s in STATUSES.items() if label.get("Status", "").lower().startswith(word)), None)
        statement = label.get("Statement") or plain(head[2]) or head[1]
        found.append(stated_claim(head[1], statement, status or "inconclusive"))
        criteria = criteria or label.get("Falsification criteria", "")
    return found, criteria
