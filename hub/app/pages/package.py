"""A package in tabs: claims, evidence, code, runs, exploration, paper, ledger, reviews."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from evidentia.hub.app.packages import Shown, chain, numbered_rows, shown
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home, Writer
from evidentia.workspace.records import Claim

router = APIRouter(prefix="/packages/{name}")
TABS = {
    "": "Claims",
    "evidence": "Evidence",
    "code": "Code",
    "runs": "Runs",
    "exploration": "Exploration",
    "paper": "Paper",
    "ledger": "Ledger",
    "reviews": "Reviews",
}
ROWS_SHOWN = 400
RUNG = 3
Name = Annotated[str, Path(max_length=200)]


def page(request: Request, package: Shown, tab: str, template: str, **values: Any) -> HTMLResponse:
    """One tab of a package, in the frame that all share."""
    from evidentia.hub.exports import EXPORTS

    run = package.manifest.run
    native = (request.app.state.workspace.runs / run / "events.jsonl").is_file() if "/" not in run and run else False
    return render(
        request,
        template,
        package=package,
        manifest=package.manifest,
        branch=package.manifest.branch,
        tab=tab,
        tabs=TABS,
        formats=list(EXPORTS),
        native=native,
        **values,
    )


@router.get("", response_class=HTMLResponse)
def claims(request: Request, home: Home, name: Name) -> HTMLResponse:
    """What came out: every claim with value, interval, seeds and what was expected."""
    from evidentia.hub.exports.paper.wording import expected

    package = shown(home, name)
    scale = {c.id: whisker(c) for c in package.manifest.branch.claims}
    return page(request, package, "", "package_claims.html", expected=expected, scale=scale)


def whisker(claim: Claim) -> dict[str, float] | None:
    """Where a claim's value, interval and bounds stand on a line of 100, or None where they cannot be drawn."""
    bounds = [b for b in (claim.check.expect.low, claim.check.expect.high) if b is not None]
    if claim.value is None or claim.ci is None or claim.check.expect.relation == "precise":
        return None
    points = [claim.value, *claim.ci, *bounds]
    low, high = min(points), max(points)
    margin = (high - low or abs(high) or 1) * 0.08
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    drawn = {"value": place(claim.value), "from": place(claim.ci[0]), "to": place(claim.ci[1])}
    return drawn | {f"bound{i}": place(b) for i, b in enumerate(bounds)}


@router.get("/claims/{claim}", response_class=HTMLResponse)
def claim(request: Request, home: Home, name: Name, claim: Annotated[str, Path(max_length=100)]) -> HTMLResponse:
    """The chain from a claim's number to the run that printed it."""
    from evidentia.hub.exports.paper.wording import expected

    package = shown(home, name)
    found = package.claim(claim)
    ids = [c.id for c in package.manifest.branch.claims]
    place = ids.index(claim)
    beside = {"before": ids[place - 1] if place else "", "after": ids[place + 1] if place + 1 < len(ids) else ""}
    sources = list(chain(package, found))
    return page(request, package, "", "package_claim.html", claim=found, sources=sources, expected=expected, **beside)


@router.get("/evidence", response_class=HTMLResponse)
def evidence(request: Request, home: Home, name: Name) -> HTMLResponse:
    """Figures beside their data, and the rows of every run."""
    package = shown(home, name)
    tables = []
    for entry, run in package.entries:
        rows = list(numbered_rows(package, entry.id))
        columns = list(dict.fromkeys(key for _, row in rows[:ROWS_SHOWN] for key in row))
        constant = {c: rows[0][1].get(c) for c in columns if len({str(row.get(c)) for _, row in rows}) == 1}
        varied = [c for c in columns if c not in constant]
        tables.append((entry, run, varied, constant, rows[:ROWS_SHOWN], len(rows)))
    files = sorted(n for n in package.manifest.files if n.startswith("evidence/figures/") and n.endswith(".md"))
    figures = [(n.rsplit("/", 1)[1][:-3], package.file(n).decode("utf-8", "replace")) for n in files]
    return page(request, package, "evidence", "package_evidence.html", tables=tables, figures=figures)


@router.get("/code", response_class=HTMLResponse)
def code(request: Request, home: Home, name: Name) -> HTMLResponse:
    """Every script as it ran."""
    package = shown(home, name)
    scripts = [(entry, run, package.lines(entry.script)) for entry, run in package.entries]
    return page(request, package, "code", "package_code.html", scripts=scripts)


@router.get("/runs", response_class=HTMLResponse)
def runs(request: Request, home: Home, name: Name) -> HTMLResponse:
    """What the host measured of every run, and where it ran."""
    return page(request, shown(home, name), "runs", "package_runs.html")


@router.get("/exploration", response_class=HTMLResponse)
def exploration(request: Request, home: Home, name: Name) -> HTMLResponse:
    """The path from the question to this branch's end, and what lay beside it."""
    return page(request, shown(home, name), "exploration", "package_exploration.html")


@router.get("/paper", response_class=HTMLResponse)
def paper(request: Request, home: Home, name: Name) -> HTMLResponse:
    """The paper, as the PDF has it."""
    from evidentia.hub.exports.paper.content import paper as content
    from evidentia.hub.exports.paper.reading import read_source

    package = shown(home, name)
    return page(request, package, "paper", "package_paper.html", paper=content(read_source(package.path)))


@router.get("/ledger", response_class=HTMLResponse)
def ledger(request: Request, home: Home, name: Name) -> HTMLResponse:
    """Why this score: every point with its event of the ledger."""
    from evidentia.hub.ranking import explain

    package = shown(home, name)
    why = explain(home, package.manifest.id, indexed=True) if package.listed else None
    return page(request, package, "ledger", "package_ledger.html", why=why)


@router.get("/reviews", response_class=HTMLResponse)
def reviews(request: Request, home: Home, name: Name) -> HTMLResponse:
    """What people said, signed; and what the reviewing agent said, folded away."""
    from evidentia.workspace.package.reviews import read_reviews

    package = shown(home, name)
    signed, faults = read_reviews(package.path, None)
    return page(request, package, "reviews", "package_reviews.html", signed=signed, faults=faults)


@router.post("/verify", dependencies=[Writer])
def verify(request: Request, home: Home, name: Name) -> RedirectResponse:
    """Verify up to level 3 as a job, whose page shows its output as it comes."""
    from evidentia.hub.app.jobs import start

    package = shown(home, name)
    version = f"{package.manifest.id}@v{package.manifest.version}"
    job = start(home, f"Verify {package.manifest.id}", ["verify", version, "--rung", str(RUNG)])
    return RedirectResponse(f"/jobs/{job}/panel" if "hx-request" in request.headers else f"/jobs/{job}", 303)
