"""Reading a brief against the registry: which family, kernels, metrics and conditions the question means."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin.families import families, plain, spans, standing
from evidentia.errors import BadInputError
from evidentia.kernels import registry
from evidentia.kernels.registry import Family, Kernel, Metric, Parameter
from evidentia.workspace.records import Value

MAX_GRID = 8
MAX_LEVELS = 5
MAX_CHALLENGERS = 6

_CUES: dict[str, tuple[str, ...]] = {
    "equivalence": ("lose", "loss", "same", "equal", "exact", "exactly", "match", "without", "interchangeable"),
    "dependence": ("matter", "depend", "depends", "affect", "influence", "role"),
    "threshold": ("start", "hurt", "enough", "threshold", "until", "break", "minimum", "few"),
}


@dataclass(frozen=True)
class Reading:
    """What one family can say to the question.

    `systems` are the kernels the question means, `reference` the one among them that the others are compared
    with; `named` are those whose words stand in the question, in that order; `ambiguous` are groups of kernels that
    one word of the question means at once. `varied` are the conditions to vary, with the levels a grid visits; `base`
    is every other condition the brief fixes.
    """

    brief: Brief
    family: Family
    systems: tuple[Kernel, ...]
    reference: Kernel
    named: tuple[Kernel, ...]
    challengers: tuple[Kernel, ...]
    ambiguous: tuple[tuple[str, tuple[Kernel, ...]], ...]
    metrics: tuple[Metric, ...]
    varied: Mapping[str, tuple[Value, ...]]
    mentioned: frozenset[str]
    base: Mapping[str, Value]
    cues: frozenset[str]

    @property
    def contenders(self) -> tuple[Kernel, ...]:
        """The meant kernels but the reference."""
        return tuple(k for k in self.systems if k.name != self.reference.name)

    def parameter(self, name: str) -> Parameter:
        """A condition of the family or a setting of one of its kernels."""
        return registry.parameters(self.family.name)[name]

    def grid(self) -> list[dict[str, Value]]:
        """The cells of the varied family conditions: the full product, or its corners where that is too many."""
        own = {p.name for p in self.family.parameters}
        axes = {name: levels for name, levels in self.varied.items() if name in own}
        for choice in (axes, {n: _ends(v) for n, v in axes.items()}):
            cells = [dict(zip(choice, values, strict=True)) for values in itertools.product(*choice.values())]
            if len(cells) <= MAX_GRID:
                return cells
        first, *_ = axes.items()
        return [{first[0]: level} for level in first[1][:MAX_GRID]]

    def sweep(self, name: str) -> tuple[Value, ...]:
        """The levels along which a parameter is swept: the brief's if it has three or more, else the card's,
        in increasing order."""
        given = self.brief.vary.get(name, ())
        levels = given if len(given) >= 3 else self.parameter(name).levels
        numbers = sorted({v for v in levels if not isinstance(v, str | bool)})
        return tuple(numbers[-MAX_LEVELS:] if len(numbers) > MAX_LEVELS else numbers)

    def sweepable(self, kernel: Kernel | None = None) -> list[str]:
        """Numeric parameters with three or more levels that apply at the base, what the question names first."""
        known = registry.parameters(self.family.name, kernel.name if kernel else self.reference.name)
        applying = registry.complete(self.family.name, kernel.name if kernel else self.reference.name, dict(self.base))
        names = [n for n in known if n in applying and known[n].kind in ("int", "float") and len(self.sweep(n)) >= 3]
        asked = self.mentioned - self.base.keys()
        return sorted(names, key=lambda n: (n not in self.varied, n not in asked, names.index(n)))


def read(brief: Brief) -> list[Reading]:
    """One reading per family the question is about, best first.

    Raises BadInputError when the question has no word in common with any kernel.
    """
    return [_read_family(brief, name) for name in _families(brief)]


def _families(brief: Brief) -> list[str]:
    found = list(brief.families) or families(brief.question)
    if not found:
        known = ", ".join(f.name for f in registry.families())
        raise BadInputError(
            f"the question shares no word with any kernel of the library (families: {known}); "
            "name a mechanism, or set families in a .toml brief"
        )
    return found


def mentions(question: list[str], words: Iterable[str]) -> list[str]:
    """Which of the words or phrases stand in the question, longest first."""
    return sorted((w for w in words if spans(question, plain(w))), key=lambda w: -len(w))


def _read_family(brief: Brief, name: str) -> Reading:
    family = registry.family(name)
    question = plain(brief.question)
    kernels = [k for k in registry.kernels(name) if not k.needs_gpu or brief.device == "cuda"]
    hits = standing(question, {k.name: (k.name, *k.tags) for k in kernels})
    meant = [k for k in kernels if hits[k.name]]
    named = sorted(meant, key=lambda k: min(hits[k.name]))
    reference = _reference(kernels, meant)
    if reference not in meant:
        meant.append(reference)
    if len(meant) == 1:
        meant += [k for k in kernels if k.name != reference.name and "optimal" not in k.tags][:2]
    known = registry.parameters(name)
    mentioned = [p.name for p in known.values() if mentions(question, (p.name, *p.aliases))]
    asked = standing(question, {m.name: (m.name, *m.aliases) for m in family.metrics})
    metrics = tuple(m for m in family.metrics if asked[m.name]) or family.metrics[:1]
    varied: dict[str, tuple[Value, ...]] = {n: v for n, v in brief.vary.items() if n in known}
    if not varied:
        numeric = [n for n in mentioned if len(known[n].levels) >= 2]
        fixed = _base(brief, question, known, varied, mentioned)
        for parameter in (numeric or _fallback(family, reference, fixed))[:2]:
            varied[parameter] = known[parameter].levels[:MAX_LEVELS]
    base = _base(brief, question, known, varied, mentioned)
    _all_apply(family.name, kernels, varied, base)
    return Reading(
        brief=brief,
        family=family,
        systems=tuple(meant),
        reference=reference,
        named=tuple(named),
        challengers=_challengers(kernels, meant),
        ambiguous=_ambiguous(question, meant, hits),
        metrics=metrics,
        varied=varied,
        mentioned=frozenset(mentioned),
        base=base,
        cues=frozenset(cue for cue, signs in _CUES.items() if mentions(question, signs)),
    )


def _fallback(family: Family, reference: Kernel, base: Mapping[str, Value]) -> list[str]:
    """What is varied where the question names nothing: the family's first condition of three levels that applies."""
    applying = registry.complete(family.name, reference.name, base)
    numeric = (p for p in family.parameters if len(p.levels) >= 3 and p.kind in ("int", "float"))
    return [p.name for p in numeric if p.name in applying][:1]


def _ambiguous(
    question: list[str], meant: list[Kernel], hits: Mapping[str, set[tuple[int, int]]]
) -> tuple[tuple[str, tuple[Kernel, ...]], ...]:
    """Groups of kernels that one phrase of the question means at once, with the phrase; each group once."""
    groups: dict[tuple[str, ...], tuple[str, tuple[Kernel, ...]]] = {}
    for span in sorted({s for k in meant for s in hits[k.name]}, key=lambda s: (s[0] - s[1], s)):
        group = tuple(k for k in meant if span in hits[k.name])
        if len(group) > 1:
            word = next(w for w in (group[0].name, *group[0].tags) if span in spans(question, plain(w)))
            groups.setdefault(tuple(k.name for k in group), (word, group))
    return tuple(groups.values())


def _base(
    brief: Brief,
    question: list[str],
    known: Mapping[str, Parameter],
    varied: Mapping[str, tuple[Value, ...]],
    mentioned: list[str],
) -> dict[str, Value]:
    """The conditions that stay fixed: the brief's, a choice the question names, and what lets a varied or
    mentioned parameter apply at all (a share of scans needs the workload with scans)."""
    base = {n: v for n, v in brief.conditions.items() if n in known}
    for parameter in known.values():
        named = mentions(question, parameter.choices)
        if len(named) == 1 and parameter.name not in base.keys() | varied.keys():
            base[parameter.name] = named[0]
    for name in (*varied, *mentioned):
        for gate, allowed in known[name].when.items():
            if gate not in base and gate not in varied and known[gate].default not in allowed:
                base[gate] = allowed[0]
    return base


def _all_apply(
    family: str, kernels: list[Kernel], varied: Mapping[str, tuple[Value, ...]], base: Mapping[str, Value]
) -> None:
    """Raise BadInputError for a varied parameter that does nothing under the fixed conditions."""
    applying = {n for k in kernels for n in registry.complete(family, k.name, base)}
    for name in varied:
        if name not in applying:
            gates = registry.parameters(family)[name].when
            needed = " and ".join(f"{g} {' or '.join(map(str, v))}" for g, v in gates.items())
            raise BadInputError(f"varying {name} does nothing unless {needed}; set that in [conditions]")


def _challengers(kernels: list[Kernel], meant: list[Kernel]) -> tuple[Kernel, ...]:
    """What the meant kernels are tried against: the family's optimum, and the first few of the others in the
    library's order. A question that wants another names it."""
    others = [k for k in kernels if k not in meant]
    online = [k for k in others if "optimal" not in k.tags][:MAX_CHALLENGERS]
    return tuple(k for k in others if k in online or "optimal" in k.tags)


def _reference(kernels: list[Kernel], meant: list[Kernel]) -> Kernel:
    """The kernel the most of the meant ones take as their baseline, one that is meant itself before others; else the
    family's baseline."""
    names = [k.baseline for k in meant if k.baseline]
    names = [n for n in names if n in {k.name for k in meant}] or names
    plain = [k for k in kernels if not k.baseline]
    wanted = max(names, key=names.count) if names else (plain or kernels)[0].name
    return next(k for k in kernels if k.name == wanted)


def _ends(levels: tuple[Value, ...]) -> tuple[Value, ...]:
    return (levels[0], levels[-1]) if len(levels) > 2 else levels
