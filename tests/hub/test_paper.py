"""The paper of a package: well-founded, the same bytes everywhere, and deaf to what its texts would have it do."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import typst

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.exports import EXPORTS
from evidentia.hub.exports.paper import asked, reading
from evidentia.hub.exports.paper.characters import _COVERED, breakable, covered, shown
from evidentia.hub.exports.paper.content import paper
from evidentia.hub.exports.paper.reading import read_source, unsafe_drawing, unsafe_painting
from evidentia.hub.exports.paper.tex import tex
from evidentia.hub.exports.paper.typesetting import typeset
from evidentia.hub.exports.paper.wording import aligned, aligned_intervals, averaged
from evidentia.hub.exports.paper_latex import export_latex, latex
from evidentia.hub.exports.paper_pdf import export_pdf, pdf
from evidentia.hub.verification.numbers import Known, ungrounded, written_numbers
from evidentia.hub.verification.opened import open_package
from evidentia.workspace.estimators import ESTIMATORS
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim

HOSTILE = (
    '#eval("1+1") #read("/etc/hostname") #import "@preview/cetz:0.3.0" $x^2$ *b* _i_ `r` @ref <lab> // no /* no */ '
    r"\input{/etc/hostname} \write18{id} \end{document} \u{41} ^^5c % & # ~ ^ { } [ ] "
    "🙂 中文 שלום مرحبا \u202eevil\u0007\x00\u2028 " + "w" * 400 + " https://example.org/" + "a/" * 100
)
Copier = Callable[[Path], Any]


def text_of(data: bytes) -> str:
    """The text of a PDF as a reader's program extracts it, on one line, without the marks of broken lines."""
    document = pypdfium2.PdfDocument(data)
    text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    return flat(text)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\ufffe", "").replace("\u200b", "").replace("−", "-"))


def claims_of(package: Path) -> tuple[Claim, ...]:
    return open_package(package).branch.claims


@pytest.fixture
def changed(copied: Copier) -> Callable[[Path, Callable[[dict[str, Any]], None]], Path]:
    """A copy of a package whose manifest says something else."""

    def change(package: Path, how: Callable[[dict[str, Any]], None]) -> Path:
        path: Path = copied(package).edit_manifest(how).path
        return path

    return change


def test_both_forms_are_exports() -> None:
    assert EXPORTS["pdf"] is export_pdf
    assert EXPORTS["latex"] is export_latex


def test_every_estimator_is_told_in_words() -> None:
    assert set(asked.ESTIMATORS) == set(ESTIMATORS)


@pytest.mark.parametrize("name", ["supported", "refuted"])
def test_every_claim_stands_with_its_value_interval_and_status(name: str, request: pytest.FixtureRequest) -> None:
    package = request.getfixturevalue(name)
    text = text_of(pdf(package))
    for claim in claims_of(package):
        assert f"{claim.id} {claim.status}, {quantity(claim)}" in text
        value, interval = re.fullmatch(r"(\S+) \S+ (\[.*\]), n = \d+", quantity(claim)).groups()  # type: ignore[union-attr]
        row = f"{claim.id} {claim.statement} {value} {interval} {claim.n} {claim.status}"
        assert row.replace(" ", "") in text.replace(" ", "")


def test_every_cell_stands_with_mean_and_interval(supported: Path) -> None:
    text = text_of(pdf(supported))
    results = open_package(supported).manifest.results
    assert results
    for cell in results:
        mean, interval = averaged(cell.mean, cell.ci)
        assert interval is not None
        assert re.search(rf"{cell.system} {cell.n} ?{mean} ?\[{interval[0]}, ?{interval[1]}\]", text)


def test_all_that_a_paper_needs_is_said(supported: Path, refuted: Path) -> None:
    manifest = open_package(supported).manifest
    h = manifest.branch.hypothesis
    text = text_of(pdf(supported))
    digest = hashlib.sha256((supported / "manifest.json").read_bytes()).hexdigest()
    for part in (
        manifest.title,
        manifest.question,
        h.statement,
        h.falsification,
        h.rationale,
        "hit rate in %",
        "items the cache can hold",
        "5 and 10 seeds",
        "Student t interval",
        "Bonferroni",
        manifest.branch.attacks[0].finding,
        "The workload is synthetic.",
        "evidentia verify .",
        "python src/execution/E02.py",
        manifest.branch.runs[0].evidence.environment.sandbox,
        manifest.licence,
        f"{manifest.id}@v1",
    ):
        assert part in text
    for run in manifest.branch.runs:
        assert run.evidence.script[:12] in text
        assert run.evidence.outputs["rows.jsonl"][:12] in text
    assert digest in text.replace(" ", "")
    dead_end = open_package(refuted).branch.dead_end
    assert dead_end is not None
    assert dead_end.lesson in text_of(pdf(refuted))


def ungrounded_numbers(package: Path, text: str, scratch: Path) -> list[str]:
    """Numbers of the text that neither level 1's rule nor the paper's own numbering, hashes and log positions know."""
    opened = open_package(package)
    source = read_source(package)
    pages = len(pypdfium2.PdfDocument(pdf(package)))
    assert source.log is not None
    hashes = re.findall(r"\b[0-9a-f]{12}\b|\b[0-9a-f]{64}\b|\bh-[0-9a-f]{10}\b", text)
    for literal in {*hashes, "SHA-256", "Apache-2.0", "CC-BY-4.0", opened.manifest.created, opened.manifest.run}:
        text = text.replace(literal, " ")
    text = re.sub(r"\b(?:Table|Figure) \d+ |\b\d+ / \d+|\b[EC]\d\d\b|@v\d+|version \d+", " ", text)
    copy = scratch / f"{package.parent.name}-read"
    shutil.copytree(package, copy)
    (copy / "READ.md").write_text(text)
    faults = [f for f in ungrounded(open_package(copy)) if f.startswith("READ.md")]
    log = source.log
    mebibytes = [r.evidence.peak_memory_bytes / 2**20 for r in opened.branch.runs]
    looks = [*opened.branch.hypothesis.sample_plan.looks, *(r.experiment.look + 1 for r in opened.branch.runs)]
    sections = range(1, len(paper(source).sections) + 1)
    known = [log.first, log.last, log.count, log.registered or 0, log.planned or 0, pages, *looks, *mebibytes]
    own = Known([*known, *sections, *(c.check.confidence for c in opened.branch.hypothesis.claims)])
    return [f for f in faults if not own.holds(re.findall(r": (\S+) is in no", f)[0])]


@pytest.mark.parametrize("name", ["supported", "refuted", "crashed"])
def test_every_number_is_a_recorded_one(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    package = request.getfixturevalue(name)
    text = text_of(pdf(package))
    assert len(list(written_numbers(text))) > 20
    assert not ungrounded_numbers(package, text, tmp_path)


def test_a_number_that_is_not_recorded_would_be_found(supported: Path, tmp_path: Path) -> None:
    text = text_of(pdf(supported)) + " and 123.456 besides"
    assert any("123.456" in fault for fault in ungrounded_numbers(supported, text, tmp_path))


def test_templates_hold_no_number_that_is_told(supported: Path) -> None:
    """Emptied of its content, the paper shows page numbers alone."""
    content = paper(read_source(supported))
    bare = content.model_copy(
        update={"sections": (), "abstract": (), "kicker": (), "byline": (), "foot": "", "title": "T"}
    )
    data = bare.to_json() | {"title_plain": "T", "date": None}
    made = typeset("paper.typ", {"paper.json": json.dumps(data).encode()}, time=None)
    assert re.findall(r"\d+", text_of(made)) == ["1", "1"]


def test_the_bytes_are_the_same_in_other_processes(supported: Path, tmp_path: Path) -> None:
    here = hashlib.sha256(pdf(supported)).hexdigest()
    program = (
        "import sys, hashlib, pathlib; from evidentia.hub.exports.paper_pdf import pdf;"
        "print(hashlib.sha256(pdf(pathlib.Path(sys.argv[1]))).hexdigest())"
    )
    for number, zone in enumerate(("Asia/Tokyo", "America/Lima")):
        scratch = tmp_path / f"scratch-{number}"
        scratch.mkdir()
        setting = {
            "TZ": zone,
            "PYTHONHASHSEED": str(number),
            "TMPDIR": str(scratch),
            "LC_ALL": "C",
            "HOME": str(scratch),
        }
        done = subprocess.run(
            [sys.executable, "-c", program, str(supported)],
            env={**os.environ, **setting},
            cwd=scratch,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here
        assert not list(scratch.glob("evidentia-paper-*"))


def test_the_creation_date_is_the_packages(supported: Path) -> None:
    meta = pypdfium2.PdfDocument(pdf(supported)).get_metadata_dict()
    created = open_package(supported).manifest.created
    assert meta["Title"] == open_package(supported).manifest.title
    assert meta["CreationDate"].removeprefix("D:").startswith(re.sub(r"\D", "", created)[:8])


def poison(data: dict[str, Any]) -> None:
    """Put hostile text wherever a manifest takes any text."""
    branch = data["branch"]
    hypothesis = branch["hypothesis"]
    hypothesis |= dict.fromkeys(("title", "statement", "rationale", "falsification", "trigger", "metric"), HOSTILE)
    hypothesis["conditions"] = {HOSTILE: HOSTILE}
    data |= dict.fromkeys(
        ("title", "question", "mind", "category", "generator", "licence", "unit", "abstract"), HOSTILE
    )
    data |= {"tags": [HOSTILE], "id": HOSTILE, "run": HOSTILE}
    branch |= {"question": HOSTILE, "mind": HOSTILE, "limits": [HOSTILE]}
    branch["dead_end"] = dict.fromkeys(("hypothesis", "failure_mode", "lesson"), HOSTILE)
    for claim in branch["claims"]:
        claim |= dict.fromkeys(("statement", "note", "unit", "id"), HOSTILE)
    for attack in branch["attacks"]:
        attack |= dict.fromkeys(("description", "finding"), HOSTILE)
    for cell in data["results"]:
        cell |= {"system": HOSTILE, "conditions": {HOSTILE: HOSTILE + str(cell["mean"])}}
    for run in branch["runs"]:
        names = ("python", "platform", "processor", "commit", "sandbox", "accounting")
        run["evidence"]["environment"] |= dict.fromkeys(names, HOSTILE) | {"packages": {HOSTILE: HOSTILE}}
        run["experiment"]["protocol"] = HOSTILE
    cited = dict.fromkeys(("key", "title", "authors", "arxiv", "note"), HOSTILE)
    branch["citations"] = [{**cited, "year": 2020, "score": 1.0}]
    for entry in data["entry_points"]:
        entry["id"] = HOSTILE


def test_hostile_texts_are_shown_and_not_obeyed(supported: Path, changed: Any) -> None:
    package = changed(supported, poison)
    data = pdf(package)
    text = text_of(data)
    told = text.replace(" ", "")
    for part in ('#eval("1+1")', '#read("/etc/hostname")', r"\input{/etc/hostname}", r"\write18{id}", "[U+202E]evil"):
        assert part.replace(" ", "") in told
    assert "[U+1F642][U+4E2D]" in told
    assert "\u202e" not in text
    assert b"/Launch" not in data
    assert b"/JavaScript" not in data


def test_no_line_leaves_the_page(supported: Path, changed: Any) -> None:
    """Every character of the hostile paper lies inside the margins, with a point to spare."""
    document = pypdfium2.PdfDocument(pdf(changed(supported, poison)))
    for page in document:
        width, height = page.get_size()
        text = page.get_textpage()
        for index in range(0, text.count_chars(), 7):
            left, bottom, right, top = text.get_charbox(index)
            assert left >= 0
            assert right <= width - 60
            assert bottom >= 40
            assert top <= height


def test_a_control_sequence_of_the_text_never_reaches_latex(supported: Path, changed: Any) -> None:
    source = latex(paper(read_source(changed(supported, poison))))
    check_latex(source)
    assert r"\input" not in source
    assert r"\write" not in source
    assert r"\textbackslash{}input\{" in source


TEX_WORDS = r"""documentclass usepackage ifPDFTeX else fi captionsetup setlength emergencystretch hypersetup begin end
    noindent small LARGE par medskip bfseries raggedright hrule item section textbf emph texttt phantom ensuremath
    normalfont itshape footnotesize begingroup endgroup caption toprule midrule bottomrule endfirsthead endhead
    endlastfoot arraybackslash linewidth centering includegraphics ttfamily arabic allowbreak times cdot pm le ge ne
    approx infty rightarrow leftarrow mu circ textbackslash textasciicircum textasciitilde textless textgreater textbar
    textquotedbl textquotesingle textasciigrave textendash textemdash textquoteleft textquoteright textquotedblleft
    textquotedblright ldots texteuro alpha beta gamma Delta"""


def check_latex(source: str) -> None:
    """Known commands alone, balanced braces and environments, no stray special, full rows."""
    body = source.partition("\n")[2]
    assert set(re.findall(r"\\([A-Za-z]+)", body.replace(r"\\", " "))) <= set(TEX_WORDS.split())
    plain = re.sub(r"\\[{}%&#$_\\]", "", body)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert not set("%$#^_") & set(re.sub(r"\\ensuremath\{[^}]*\}", "", plain))
    assert all(c.isascii() or re.match(r"[À-ž]", c) for c in plain)
    open_environments: list[str] = []
    for word, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if word == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert not open_environments
    for table in re.findall(r"\\begin\{longtable\}\{([^\n]*)\}\n(.*?)\\end\{longtable\}", body, re.S):
        columns = len(
            re.findall(r"[lrp]", re.sub(r"\{[^{}]*\}", "", table[0].replace(r">{\raggedright\arraybackslash}", "")))
        )
        rows = [r for r in table[1].splitlines() if r.endswith(r"\\") and not r.startswith(r"\caption")]
        assert len(rows) > 2
        assert all(len(re.findall(r"(?<!\\)&", row)) == columns - 1 for row in rows)


def test_latex_is_well_formed_with_its_figure_beside_it(
    supported: Path, refuted: Path, crashed: Path, tmp_path: Path
) -> None:
    for package in (supported, refuted, crashed):
        out = export_latex(package, tmp_path / f"{package.parent.name}-latex")
        source = (out / "paper.tex").read_text()
        check_latex(source)
        figures = re.findall(r"\{(figures/\S+?)\}", source)
        assert sorted(figures) == sorted(p.relative_to(out).as_posix() for p in out.glob("figures/*"))
        for name in figures:
            assert len(pypdfium2.PdfDocument(out / name)) == 1
        for claim in claims_of(package):
            value = quantity(claim).split()[0]
            assert value.replace("-", r"\ensuremath{-}") in source
    assert figures == []  # what crashed has none


def test_latex_bytes_are_the_same_twice(supported: Path, tmp_path: Path) -> None:
    made = [export_latex(supported, tmp_path / name) for name in ("a", "b")]
    files = [{p.relative_to(m).as_posix(): p.read_bytes() for p in m.rglob("*") if p.is_file()} for m in made]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("100 % & #1 $x_1^2$ ~", r"100 \% \& \#1 \$x\_1\textasciicircum{}2\$ \textasciitilde{}"),
        ("a--b ---", r"a-{}-b -{}-{}-"),
        ("α ≤ Δ × é Ł", r"\ensuremath{\alpha} \ensuremath{\le} \ensuremath{\Delta} \ensuremath{\times} é Ł"),
        ("中", "{[}U+4E2D{]}"),
    ],
)
def test_latex_specials(text: str, meant: str) -> None:
    assert tex(text) == meant


def test_every_character_that_is_let_through_has_a_shape() -> None:
    """PDF/A forbids a missing glyph: the exporter itself is the oracle."""
    every = [chr(c) for low, high in _COVERED for c in range(low, high + 1) if covered(chr(c))]
    fonts = re.search(r"#let serif = (\(.*\))", (Path(reading.__file__).parent / "paper.typ").read_text())
    assert fonts
    known = [c for c in every if unicodedata.category(c) != "Cn"]
    assert len(known) > 3000
    for start in range(0, len(known), 400):
        lines = "\n\n".join(f'#"x\\u{{{ord(c):x}}}x"' for c in known[start : start + 400])
        source = f"#set document(date: datetime(year: 2020, month: 1, day: 1))\n#set text(font: {fonts[1]})\n{lines}"
        typst.compile(source.encode(), ignore_system_fonts=True, pdf_standards=["a-2b"], timestamp=0)


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u00ad", "\x07", "\ue000", "🙂", "\u2028", "\ufeff"])
def test_what_cannot_be_seen_is_named(character: str) -> None:
    told = shown(f"a{character}b")
    assert told in (f"a[U+{ord(character):04X}]b", "a b")


def test_long_words_get_places_to_break_and_lose_nothing() -> None:
    word = "https://example.org/" + "x" * 200
    assert max(map(len, breakable(word).split("\u200b"))) <= 13
    assert breakable(word).replace("\u200b", "") == word
    assert breakable("11.8 pp [11.6, 12.0], n = 5") == "11.8\u00a0pp [11.6,\u00a012.0], n\u00a0=\u00a05"


def test_figures_in_a_column_share_their_decimal_point() -> None:
    column = ["1,234.5", "-0.25", "7", "–"]
    before = set()
    for line, text in zip(aligned(column), column, strict=True):
        whole = "".join(span.text for span in line)
        assert "".join(s.text for s in line if s.style != "hidden") == text.replace("-", "−")
        before.add((whole + ".").index("."))
    assert len({len("".join(s.text for s in line)) for line in aligned(column)}) == 1
    assert before == {5}
    commas = {"".join(s.text for s in line).index(", ") for line in aligned_intervals([("1.25", "2"), ("-10", "3.5")])}
    assert len(commas) == 1
    assert aligned_intervals([None])[0][0].text == "–"


def many(claims: int, cells: int) -> Callable[[dict[str, Any]], None]:
    """A manifest with so many claims and cells, of several sizes, units and states."""

    def change(data: dict[str, Any]) -> None:
        branch, first = data["branch"], data["branch"]["claims"][0]
        made = []
        for i in range(claims):
            scale = 10.0 ** (i % 5 - 2)
            more = {"id": f"C{i + 1:02d}", "value": first["value"] * scale, "ci": [v * scale for v in first["ci"]]}
            status = ("supported", "refuted", "inconclusive")[i % 3]
            made.append({**first, **more, "status": status, "unit": ("pp", "x")[i % 2]})
        branch["claims"] = data["claims"] = made
        cell = data["results"][0]
        data["results"] = [{**cell, "conditions": {"capacity": i, "warmup": i % 7}} for i in range(cells)]

    return change


def test_fifty_claims_and_five_hundred_cells_in_time(supported: Path, changed: Any) -> None:
    package = changed(supported, many(50, 500))
    begun = time.perf_counter()
    data = pdf(package)
    assert time.perf_counter() - begun < 30
    text = text_of(data)
    assert all(f"C{i:02d}" in text for i in range(1, 51))
    assert text.count("lfu-perfect 4") > 100
    for claim in claims_of(package):
        assert quantity(claim).split()[0].rstrip("×") in text
    check_latex(latex(paper(read_source(package))))


def test_more_than_a_paper_holds_is_cut_and_says_so(supported: Path, changed: Any) -> None:
    def long(data: dict[str, Any]) -> None:
        many(501, 1)(data)
        data["question"] = data["branch"]["question"] = "why " * 100_000

    text = text_of(pdf(changed(supported, long)))
    assert "the first 500 of 501; all are in manifest.json" in text
    assert "cut here; the whole text is in manifest.json" in text
    assert text.count("why") < 2000


def test_a_manifest_beyond_measure_is_refused(supported: Path, copied: Copier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reading.MOST_BYTES, "manifest", 1000)
    with pytest.raises(BadInputError, match="too large for a paper"):
        pdf(supported)


def empty(data: dict[str, Any]) -> None:
    branch = data["branch"]
    for name in ("claims", "attacks", "runs", "citations", "limits", "reviews"):
        branch[name] = []
    data |= {"claims": [], "results": [], "entry_points": [], "outcome": "null", "created": "once", "tags": []}
    hypothesis = branch["hypothesis"]
    hypothesis |= {"claims": [], "cells": [], "systems": [], "conditions": {}, "rationale": "", "family": "elsewhere"}
    hypothesis["sample_plan"]["looks"] = []
    branch |= {"outcome": "null", "created": "once"}


def test_a_package_with_nothing_in_it_still_has_a_paper(supported: Path, copied: Copier) -> None:
    copy = copied(supported)
    shutil.rmtree(copy.path / "evidence" / "figures")
    (copy.path / "trace" / "events.jsonl").unlink()
    copy.edit_manifest(empty).reseal()
    text = text_of(pdf(copy.path))
    for part in ("No claim was made.", "Nothing was attacked", "records no run", "none in the package", "undated"):
        assert part in text
    for absent in ("Figure 1", "None", " nan", "Dead end", "References", "()"):
        assert absent not in text
    check_latex(latex(paper(read_source(copy.path))))


def test_a_crash_is_told_with_its_lesson(crashed: Path) -> None:
    text = text_of(pdf(crashed))
    for part in ("crashed", "nothing could be decided", "RuntimeError: no such trace", "Lesson", "exit 1"):
        assert part in text
    assert "Figure 1" not in text


@pytest.mark.parametrize(
    ("drawing", "why"),
    [
        ('<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/x.png"/></svg>', "<image>"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "<script>"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><foreignObject/></svg>', "<foreignObject>"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><text>9.99</text></svg>', "<text>"),
        ('<svg xmlns:x="http://www.w3.org/1999/xlink"><use x:href="file:///etc/x.svg#a"/></svg>', "outside"),
        ('<svg><path style="fill: url(http://e.org/a)"/></svg>', "outside"),
        ("<svg><style>@import 'x.css';</style></svg>", "outside"),
        ('<svg><path onload="x()"/></svg>', "outside"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>', "entities"),
        ('<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>', "entities"),
        ("<svg>" + "<g>" * 100 + "</g>" * 100 + "</svg>", "too large"),
        ("<svg><g></svg>", "not XML"),
        ("", "not XML"),
    ],
)
def test_drawings_that_are_more_than_shapes_are_not_set(drawing: str, why: str) -> None:
    assert why in unsafe_drawing(drawing.encode())


def test_the_librarys_own_drawings_are_safe(supported: Path, refuted: Path) -> None:
    for package in (supported, refuted):
        for path in package.glob("evidence/figures/*.svg"):
            assert unsafe_drawing(path.read_bytes()) == ""
            assert unsafe_painting(path.with_suffix(".png").read_bytes()) == ""
        assert [p.file for p in read_source(package).pictures] == ["F01.svg"]


def test_an_unsafe_drawing_gives_way_to_its_painting(supported: Path, copied: Copier, tmp_path: Path) -> None:
    copy = copied(supported)
    (copy.path / "evidence/figures/F01.svg").write_text('<svg><image href="/etc/x.png"/></svg>')
    copy.reseal()
    assert [p.file for p in read_source(copy.path).pictures] == ["F01.png"]
    assert "Figure 1" in text_of(pdf(copy.path))
    assert (export_latex(copy.path, tmp_path / "tex") / "figures/F01.png").is_file()
    (copy.path / "evidence/figures/F01.png").write_bytes(b"no picture")
    copy.reseal()
    text = text_of(pdf(copy.path))
    assert "Not shown: evidence/figures/F01, since it holds <image>" in text
    assert "Figure 1" not in text


@pytest.mark.parametrize("name", ["evidence/figures/F01.svg", "trace/events.jsonl", "manifest.json"])
def test_a_link_out_of_the_package_is_refused(supported: Path, copied: Copier, tmp_path: Path, name: str) -> None:
    copy = copied(supported)
    outside = tmp_path / "outside"
    shutil.move(copy.path / name, outside)
    (copy.path / name).symlink_to(outside)
    with pytest.raises(IntegrityError):
        pdf(copy.path)


def test_a_file_that_was_changed_is_refused(supported: Path, copied: Copier, tmp_path: Path) -> None:
    copy = copied(supported).edit("evidence/figures/F01.svg", "<g", "<g ")
    for export in (export_pdf, export_latex):
        with pytest.raises(IntegrityError, match=r"F01\.svg"):
            export(copy.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_fault_of_the_typesetter_is_one_sentence(supported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rust's panics arrive as a BaseException; nobody should see one."""
    panic = type("PanicException", (BaseException,), {})

    def compile_badly(*_: object, **__: object) -> bytes:
        raise panic("index out of bounds")

    monkeypatch.setattr(typst, "compile", compile_badly)
    with pytest.raises(IntegrityError, match="cannot be set"):
        pdf(supported)


def test_piles_of_marks_do_not_tower() -> None:
    assert shown("a" + "\u0323" * 5) == "ạ\u0323\u0323\u0323[U+0323]"


def test_random_texts_can_be_set(supported: Path, changed: Any) -> None:
    draw = random.Random(0)
    letters = [chr(c) for low, high in _COVERED for c in range(low, high + 1)] + [" "] * 400

    def scramble(data: dict[str, Any]) -> None:
        data["branch"]["limits"] = ["".join(draw.choices(letters, k=400)) for _ in range(40)]

    assert pdf(changed(supported, scramble))[:5] == b"%PDF-"


def opened_by(trace: str) -> Iterator[str]:
    for line in trace.splitlines():
        match = re.search(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)".* = \d+$', line)
        if match:
            yield os.path.realpath(match[1])


def test_nothing_outside_the_package_is_read(supported: Path, changed: Any, tmp_path: Path) -> None:
    """The kernel's own record of opened files: the package, a scratch folder, the interpreter; no fonts, no home."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not on this machine")
    package = changed(supported, poison)
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    for folder in (home, scratch, home / ".fonts"):
        folder.mkdir()
    (package.parent / "attestations").mkdir()
    (package.parent / "attestations" / "v1.json").write_text("{}")
    program = (
        "import sys, pathlib; from evidentia.hub.exports.paper_pdf import pdf; pathlib.Path('begin').exists();"
        "open('begin'); pdf(pathlib.Path(sys.argv[1]))"
    )
    (scratch / "begin").write_text("")
    trace = tmp_path / "trace"
    done = subprocess.run(
        [strace, "-f", "-e", "trace=open,openat", "-o", str(trace), sys.executable, "-c", program, str(package)],
        env={**os.environ, "HOME": str(home), "TMPDIR": str(scratch)},
        cwd=scratch,
        capture_output=True,
        text=True,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this machine forbids tracing")
    assert done.returncode == 0, done.stderr
    after = trace.read_text().partition(str(scratch / "begin"))[2] or trace.read_text().partition('"begin"')[2]
    seen = set(opened_by(after))
    python = [
        os.path.realpath(p)
        for p in (sys.prefix, sys.base_prefix, sys.executable, Path(reading.__file__).resolve().parents[3])
    ]
    allowed = [
        str(package),
        str(scratch),
        *python,
        "/proc",
        "/sys",
        "/dev",
        "/lib",
        "/usr/lib",
        "/etc/ld.so.cache",
        "/usr/share/zoneinfo",
    ]
    assert any(s.startswith(str(package)) for s in seen)
    assert not {s for s in seen if not s.startswith(tuple(os.path.realpath(a) for a in allowed))}


def test_an_export_is_whole_or_not_there(supported: Path, tmp_path: Path) -> None:
    out = export_pdf(supported, tmp_path / "new" / "paper.pdf")
    assert out.read_bytes()[:5] == b"%PDF-"
    assert export_pdf(supported, out) == out
    (tmp_path / "other.pdf").write_text("mine")
    with pytest.raises(BadInputError, match="exists"):
        export_pdf(supported, tmp_path / "other.pdf")
    assert (tmp_path / "other.pdf").read_text() == "mine"
    with pytest.raises(BadInputError, match="exists"):
        export_latex(supported, tmp_path / "new")
