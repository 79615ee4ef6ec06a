"""Level 1 of a paper's record: what the package tells is what the recorded answer says, and nothing is decided by it.

A record has no run, so none of the checks of runs apply; its evidence is the raw answer of the service. What passes
here says that the authors state it, never that it is so: every claim must be inconclusive and without a value.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from evidentia.errors import IntegrityError
from evidentia.hub.imports.described import MIND
from evidentia.hub.imports.outside import plain
from evidentia.hub.imports.paper import CLAIMS, KIND, MOST_ABSTRACT, NOTE, ORIGIN, RAW, RECORD, told_lines
from evidentia.hub.verification.numbers import written_numbers
from evidentia.hub.verification.opened import MALFORMED, Opened, Result
from evidentia.hub.verification.told import summary, tree
from evidentia.workspace.canonical import sha256
from evidentia.workspace.package.papers import PAPER_FORM

README, PAPER = "README.md", "PAPER.md"
_MARKUP = re.compile(r"<[^<>]{0,400}>")
_RETRIEVED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


def is_record(package: Opened) -> bool:
    """Whether the package says it is a paper's record, which is held to the checks below and may rise no higher."""
    return package.branch.mind == MIND and package.manifest.generator == f"import of {PAPER_FORM}"


def check_record(package: Opened) -> Iterator[Result]:
    """The checks of level 1 that stand in for those of runs."""
    checks: tuple[tuple[str, Callable[[Opened], Iterator[str]], str], ...] = (
        ("answer", _answer, "the raw answer is the one whose hash, address and time are recorded"),
        ("record", _record, "title, authors, abstract and identifier stand in the raw answer"),
        ("told as recorded", _told, "title and abstract of the package are those of the record"),
        ("attested only", _attested, "every claim is a sentence of the abstract, undecided and without a value"),
        ("claims in prose", _prose, "README.md, PAPER.md and claims.md say what the claims say"),
        ("summary", summary, "abstract and unit of the manifest are those of PAPER.md"),
        ("numbers", _numbers, "every number in prose is one of the record"),
        ("tree", tree, "the exploration tree tells the branch's nodes"),
    )
    for name, check, fine in checks:
        try:
            fault = next(check(package), None)
        except IntegrityError as error:
            fault = str(error)
        except (*MALFORMED, yaml.YAMLError) as error:
            fault = f"a record lacks what it must have, or has it in another form: {type(error).__name__} {error}"
        yield Result(1, name, fault is None, fine if fault is None else plain(fault, 300))


def _object(package: Opened, name: str) -> dict[str, Any]:
    found = json.loads(package.read(name))
    if not isinstance(found, dict):
        raise ValueError(f"{name} is no JSON object")
    return found


def _answer(package: Opened) -> Iterator[str]:
    raw, origin = package.read(RAW), _object(package, ORIGIN)
    if origin["sha256"] != sha256(raw) or origin["bytes"] != len(raw):
        yield f"{RAW} is not the answer that {ORIGIN} records"
    if not _RETRIEVED.fullmatch(origin["retrieved"]):
        yield f"{ORIGIN} does not say when the answer was retrieved"
    if not re.fullmatch(r"https?://\S+", origin["url"]):
        yield f"{ORIGIN} does not say whence the answer is"


def _record(package: Opened) -> Iterator[str]:
    record = _object(package, RECORD)
    answer = _letters(package.read(RAW).decode("utf-8", "replace"))
    said = {"title": record["title"], "abstract": record["abstract"], "identifier": record["arxiv"]}
    said |= {f"author {name!r}": name for name in record["authors"]}
    for what, text in said.items():
        if not (wanted := _letters(text.removesuffix("…"))) or wanted not in answer:
            yield f"the {what} of {RECORD} does not stand in {RAW}"


def _letters(text: str) -> str:
    """The letters and digits of a text from which entities and markup were taken, which all cleaning leaves."""
    for _ in range(2):
        text = html.unescape(_MARKUP.sub(" ", text))
    return "".join(c for c in unicodedata.normalize("NFC", _MARKUP.sub(" ", text)) if c.isalnum())


def _told(package: Opened) -> Iterator[str]:
    manifest, record = package.manifest, _object(package, RECORD)
    if manifest.title != plain(record["title"], 300):
        yield f"the manifest's title is not that of {RECORD}"
    if manifest.abstract != plain(record["abstract"], MOST_ABSTRACT):
        yield f"the manifest's abstract is not that of {RECORD}"
    if not manifest.created.startswith(record["published"] or str(record["year"])):
        yield f"the manifest's date is not that of {RECORD}"


def _attested(package: Opened) -> Iterator[str]:
    branch, manifest = package.branch, package.manifest
    if branch.runs or branch.attacks or branch.reviews or manifest.results or manifest.entry_points:
        yield "a paper's record holds runs, attacks, reviews or results; it has none"
    if branch.outcome != "null" or manifest.outcome != "null" or branch.dead_end or branch.hypothesis.claims:
        yield "a paper's record states an outcome or a registered claim; it decides nothing"
    if [c.to_json() for c in branch.claims] != list(manifest.claims):
        yield "the manifest's claims are not those of its branch"
    for claim in branch.claims:
        if claim.statement not in manifest.abstract:
            yield f"{claim.id} is no sentence of the abstract"
        undecided = claim.status == "inconclusive" and claim.value is None and claim.ci is None and not claim.evidence
        if claim.kind != KIND or claim.note != NOTE or not undecided or claim.n or claim.metric or claim.system:
            yield f"{claim.id} is told as more than attested"


def _prose(package: Opened) -> Iterator[str]:
    front = yaml.safe_load(package.text(PAPER).split("---\n")[1])
    if front["claims_summary"] != [f"{c.id} ({c.status}): {c.statement}" for c in package.branch.claims]:
        yield f"{PAPER} does not tell the claims as they are"
    readme, blocks = package.text(README), re.split(r"^## ", package.text(CLAIMS), flags=re.M)[1:]
    if len(blocks) != len(package.branch.claims):
        yield f"{CLAIMS} tells {len(blocks)} claims, the package has {len(package.branch.claims)}"
    for claim, block in zip(package.branch.claims, blocks, strict=False):
        if f"- {claim.id} is {claim.status}, " not in readme or claim.statement not in readme:
            yield f"{README} does not tell {claim.id} as it is"
        if not block.startswith(f"{claim.id}: {claim.statement}\n") or "**Status**: hypothesis" not in block:
            yield f"{CLAIMS} does not tell {claim.id} as it is"


def _numbers(package: Opened) -> Iterator[str]:
    """Every number in prose that stands in no text of the record, with what the import itself says of it taken out."""
    record, origin = _object(package, RECORD), _object(package, ORIGIN)
    claims = package.branch.claims
    texts = [package.manifest.title, package.manifest.abstract, record["title"], *record["authors"]]
    texts += [c.statement for c in claims] + told_lines(record, origin, len(claims))
    texts += [f"{c.id} is {c.status}, no value ({NOTE}), n = 0" for c in claims]
    literals = sorted({t for t in texts if t}, key=len, reverse=True)
    for name in sorted(n for n in package.names() if n.endswith(".md") and n != CLAIMS and not n.startswith("src/")):
        text = package.text(name)
        for literal in literals:
            for form in (literal, json.dumps(literal, ensure_ascii=False)[1:-1]):
                text = text.replace(form, " ")
        front = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
        for line, number in written_numbers(front):
            yield f"{name}: {number} (line {line} of its prose) is in no text of the record"
