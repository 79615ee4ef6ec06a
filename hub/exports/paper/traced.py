"""The end of a paper: how to run it again, where it ran, and the hashes that tie every number to its bytes."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.hub.exports.paper.document import (
    Block,
    Code,
    Column,
    Facts,
    Line,
    Paragraph,
    Section,
    Table,
    joined,
    line,
    mono,
    table,
)
from evidentia.hub.exports.paper.reading import Source
from evidentia.hub.exports.paper.wording import NOTHING, aligned, listed, number
from evidentia.workspace.package.manifest import EntryPoint
from evidentia.workspace.quantities import figure
from evidentia.workspace.records import Branch, Environment, Run
from evidentia.workspace.units import convert

SHORT = 12
MOST_ENTRIES = 200
ROWS = "rows.jsonl"
ROLES = {"measure": "measurement", "falsify": "attack", "rerun": "re-run"}


def again(source: Source) -> Section:
    """The exact commands."""
    entries = source.manifest.entry_points[:MOST_ENTRIES]
    blocks: list[Block] = [
        Paragraph(line=line("In the directory of the package; every script is run again and compared:")),
        Code(lines=("evidentia verify .",)),
    ]
    if entries:
        told = "Or one script by hand, in an environment with this library; each writes "
        blocks.append(Paragraph(line=(*line(told), mono(ROWS), *line(", to be compared with the recorded rows:"))))
        blocks.append(Code(lines=tuple(f"python {e.script}" for e in entries)))
    return Section(title="How to run it again", blocks=tuple(blocks))


def environment(source: Source) -> Section:
    """Host, packages, isolation, accounting; and what each run cost."""
    pairs = list(zip(source.manifest.entry_points, source.manifest.branch.runs, strict=False))
    if not pairs:
        return Section(title="Environment", blocks=(Paragraph(line=line("The package records no run.")),))
    blocks: list[Block] = []
    places: dict[str, tuple[Environment, list[str]]] = {}
    for entry, run in pairs:
        where = run.evidence.environment
        places.setdefault(where.model_dump_json(), (where, []))[1].append(entry.id)
    for where, entries in places.values():
        if len(places) > 1:
            blocks.append(Paragraph(line=(*line("Where "), *joined([(mono(e),) for e in entries]), *line(" ran:"))))
        blocks.append(Facts(facts=_place(where)))
    blocks.append(_costs(pairs))
    return Section(title="Environment", blocks=tuple(blocks))


def _place(where: Environment) -> tuple[tuple[str, Line], ...]:
    packages = [f"{name} {version}" for name, version in where.packages.items() if version]
    facts: list[tuple[str, Line]] = [
        ("Host", line(f"{where.processor or NOTHING}; {where.platform or NOTHING}")),
        ("Runtime", line(f"Python {where.python}")),
        ("Packages", line(", ".join(packages) or "none recorded")),
        ("Library", (mono(where.commit[:SHORT]),) if where.commit else line("an installed package")),
        ("Sandbox", (mono(where.sandbox),)),
    ]
    if where.accounting:
        facts.append(("Accounting", line(f"memory and processes counted by {where.accounting}")))
    if where.devices:
        facts.append(("Devices", joined([(mono(d),) for d in where.devices])))
    if where.accelerator:
        facts.append(("Accelerator", line(where.accelerator)))
    if where.seed is not None:
        facts.append(("Generators", line(f"begun with seed {where.seed}")))
    if where.weak_allowed:
        facts.append(("Isolation", line("a person allowed a weaker sandbox than the brief asked for")))
    return tuple(facts)


def _costs(pairs: Sequence[tuple[EntryPoint, Run]]) -> Table:
    kept = pairs[:MOST_ENTRIES]
    seen = [run.evidence for _, run in kept]
    sides = [
        aligned([figure(e.wall_seconds) for e in seen]),
        aligned([figure(e.cpu_seconds) for e in seen]),
        aligned([figure(convert(e.peak_memory_bytes, "bytes", "MiB")) for e in seen]),
        aligned([number(e.row_count) for e in seen]),
        [line(_ending(run)) for _, run in kept],
    ]
    rows = [
        ((mono(entry.id),), line(_role(run)), line(_seeds(run.experiment.seeds)), *(side[i] for side in sides))
        for i, (entry, run) in enumerate(kept)
    ]
    columns = [Column(head="run"), Column(head="what it was", share=1.0), Column(head="seeds", share=0.8)]
    columns += [Column(head=h, align="right") for h in ("wall (s)", "CPU (s)", "peak (MiB)", "rows")]
    more = [line(f"Shown are the first {len(kept)} of {len(pairs)}.")] if len(pairs) > len(kept) else []
    return table(
        caption=line("Every run, as the host measured it."),
        columns=(*columns, Column(head="end", share=0.7)),
        rows=tuple(rows),
        notes=tuple(more),
    )


def _role(run: Run) -> str:
    told = ROLES.get(run.experiment.role, run.experiment.role)
    return f"{told}, look {run.experiment.look + 1}" if run.experiment.role == "measure" else told


def _seeds(seeds: Sequence[int]) -> str:
    """A run of whole numbers by its ends, any other choice in full."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return listed([str(s) for s in seeds[:20]]) + (" …" if len(seeds) > 20 else "") or NOTHING


def _ending(run: Run) -> str:
    e = run.evidence
    if e.exceeded:
        return f"{e.exceeded} exceeded"
    if e.signal is not None:
        return f"signal {e.signal}"
    if e.exit_status == 0 and e.refused:
        return "output refused"
    return f"exit {e.exit_status}" if e.exit_status is not None else NOTHING


def provenance(source: Source) -> Section:
    """What this paper was made from, by hash."""
    manifest = source.manifest
    facts: list[tuple[str, Line]] = [
        ("Package", (mono(f"{manifest.id}@v{manifest.version}"),)),
        ("Manifest", (*line("SHA-256 "), mono(source.digest))),
        ("Run", (mono(manifest.run), *line(f", {manifest.created}"))),
        ("Log slice", _log(source)),
        ("Generator", line(manifest.generator)),
        *((("People", line(_people(manifest.branch))),) if manifest.branch.contributors else ()),
        ("Licence", line(manifest.licence)),
    ]
    blocks: list[Block] = [Facts(facts=tuple(facts))]
    pairs = list(zip(manifest.entry_points, manifest.branch.runs, strict=False))
    if pairs:
        blocks.append(_hashes(pairs))
    return Section(title="Provenance", blocks=tuple(blocks))


def _people(branch: Branch) -> str:
    """Who had a part in it, in CRediT's roles."""
    return "; ".join(f"{person.name} ({', '.join(person.roles)})" for person in branch.contributors[:MOST_ENTRIES])


def _log(source: Source) -> Line:
    log = source.log
    if log is None:
        return line("none in the package")
    told = f"{log.count} events, {log.first} to {log.last}, in "
    return (*line(told), mono("trace/events.jsonl"), *line("; the last has the hash "), mono(log.head[:SHORT]))


def _hashes(pairs: Sequence[tuple[EntryPoint, Run]]) -> Table:
    rows = []
    for entry, run in pairs[:MOST_ENTRIES]:
        evidence = run.evidence
        digests = (evidence.script, evidence.outputs.get(ROWS, ""), evidence.stdout, entry.evidence)
        rows.append(((mono(entry.id),), *((mono(d[:SHORT]),) if d else line(NOTHING) for d in digests)))
    heads = ("run", "script", "rows", "output", "evidence")
    return table(
        caption=line(
            "SHA-256 of each run's script, rows, standard output and evidence, abbreviated; the whole hashes are in ",
            mono("manifest.json"),
            ".",
        ),
        columns=tuple(Column(head=h) for h in heads),
        rows=tuple(rows),
    )
