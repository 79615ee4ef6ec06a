"""What the library can measure: typed cards of families and kernels, light to import.

A *family* (``caching``) names the conditions under which its kernels are measured and the metrics that come
out; a *kernel* (``lru``) is one mechanism. What is measured otherwise is a family of its own *within* the larger
one (``caching-sizes`` within ``caching``). Cards hold no code: `implementation` and `measure` are dotted names that
are imported on first use, so that listing the library stays fast.

A new kernel is one file with the mechanism and one `Kernel(...)` beside its siblings'. A new family is one folder,
``kernels/ROOT/NAME/`` for one within another, whose ``__init__.py`` registers it.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FAMILIES = ("attention", "caching", "search", "serving", "quantization", "decoding", "testbed")

Value = int | float | str | bool


@dataclass(frozen=True)
class Paper:
    """Where a mechanism or a law comes from. `arxiv` stays empty unless the identifier is certain."""

    title: str
    section: str = ""
    arxiv: str = ""


@dataclass(frozen=True)
class Parameter:
    """A condition of measurement, or a setting of one kernel.

    `levels` are the values a first sweep visits, in increasing order of cost; `aliases` the words a question
    may use for it; `when` restricts it to cells where another parameter has one of the given values.
    """

    name: str
    purpose: str
    kind: Literal["int", "float", "choice", "bool"]
    default: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"
    levels: tuple[Value, ...] = ()
    aliases: tuple[str, ...] = ()
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def check(self, value: Value) -> Value:
        """Return `value` if it is allowed. Raises ValueError naming the parameter and its range."""
        if self.kind == "choice":
            if value not in self.choices:
                raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}")
            return value
        if self.kind == "bool":
            if not isinstance(value, bool):
                raise ValueError(f"{self.name} must be true or false, not {value!r}")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.name} must be a number, not {value!r}")
        if self.kind == "int" and value != int(value):
            raise ValueError(f"{self.name} must be a whole number, not {value!r}")
        low = float("-inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        if not low <= value <= high:
            raise ValueError(f"{self.name} must lie between {low:g} and {high:g}, not {value!r}")
        return int(value) if self.kind == "int" else float(value)


@dataclass(frozen=True)
class Metric:
    """A number a family's `measure` returns.

    `effect` says how two systems are compared: by ``difference`` (in `unit`, in points for %) or by ``ratio``.
    `smallest_effect` is the smallest effect of interest on that scale (0.5 points; a ratio of 1.1).
    `limit` is the value at which the metric starts to hurt, where the field has one, with `limit_source`.
    `timed` metrics vary from run to run and are measured with the machine otherwise idle. The values of a metric that
    `leans`, or its paired effects, lean to one side from seed to seed; its means are planned with wider intervals.
    `aliases` are words by which a question may mean the metric (“misses” for a hit rate); `synonyms` are other
    names of the very same number, under which it may be reported elsewhere.
    """

    name: str
    purpose: str
    unit: str
    direction: Literal["higher", "lower"]
    effect: Literal["difference", "ratio"]
    smallest_effect: float
    timed: bool = False
    leans: bool = False
    aliases: tuple[str, ...] = ()
    limit: float | None = None
    limit_source: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Law:
    """A published expectation: `metric` grows with `parameter` as a power (log-log slope) or exponentially
    (log2 per unit) with `exponent`, as an upper bound, a lower bound or an equality."""

    metric: str
    parameter: str
    form: Literal["power", "exponential"]
    exponent: float
    relation: Literal["at_most", "at_least", "equal"]
    source: str


@dataclass(frozen=True)
class Meaning:
    """What a kernel is one meaning of: the `general` kernel with `parameter` at `value` is the very same."""

    general: str
    parameter: str
    value: Value


@dataclass(frozen=True)
class Kernel:
    """One mechanism. `tags` are the words of the field by which a question may mean it; `baseline` is the
    kernel of the same family it is compared with (empty for the baseline itself). `claim` is what the paper states
    of it, figure and conditions; `claim_needs_gpu` says that this figure cannot be tested on a CPU, `needs_gpu` that
    the kernel itself cannot be run on one. Where the field has one name for two mechanisms, each has its `meaning`, and
    a `general` kernel has the name: it is not listed, and is measured where the two are held against each other."""

    family: str
    name: str
    purpose: str
    implementation: str
    paper: Paper
    tags: tuple[str, ...] = ()
    baseline: str = ""
    parameters: tuple[Parameter, ...] = ()
    laws: tuple[Law, ...] = ()
    claim: str = ""
    claim_needs_gpu: bool = False
    needs_gpu: bool = False
    meaning: Meaning | None = None
    general: bool = False

    def load(self) -> Callable[..., Any]:
        """The mechanism itself."""
        return _resolve(self.implementation)


@dataclass(frozen=True)
class Family:
    """Kernels that are measured alike.

    `measure` names ``measure(kernel, metrics, *, seed, **conditions) -> {metric: float}``. It must be a
    function of its arguments (but for timed metrics), and the workload it draws must depend on `seed` and the
    conditions alone, never on the kernel, so that two kernels at one seed form a pair.
    The first metric is the one a question means when it names none. `compiled` kernels are compiled at first
    use, which a run does once ahead of its experiments. `within` is the larger family this one belongs to.
    """

    name: str
    purpose: str
    measure: str
    parameters: tuple[Parameter, ...]
    metrics: tuple[Metric, ...]
    compiled: bool = False
    within: str = ""

    @property
    def root(self) -> str:
        """One of `FAMILIES`."""
        return self.within or self.name

    def metric(self, name: str) -> Metric:
        """The metric's card. Raises KeyError listing the known names."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(f"{self.name} has no metric {name!r}; it has {', '.join(m.name for m in self.metrics)}")


_families: dict[str, Family] = {}
_kernels: dict[tuple[str, str], Kernel] = {}


def register_family(family: Family) -> None:
    """Add a family. Raises ValueError on a second one of the same name, or where it belongs to none of `FAMILIES`."""
    if family.root not in FAMILIES:
        raise ValueError(f"{family.name} must lie within one of {', '.join(FAMILIES)}")
    if family.name in _families:
        raise ValueError(f"family {family.name} is registered twice")
    _families[family.name] = family


def register(*kernels: Kernel) -> None:
    """Add kernels to their families. Raises ValueError on an unknown family or a second one of the name."""
    for kernel in kernels:
        if kernel.family not in _families:
            raise ValueError(f"kernel {kernel.name} names the unknown family {kernel.family}")
        if (kernel.family, kernel.name) in _kernels:
            raise ValueError(f"kernel {kernel.family}/{kernel.name} is registered twice")
        _kernels[kernel.family, kernel.name] = kernel


def families() -> list[Family]:
    """All families that have kernels, in the library's order."""
    _load_all()
    return sorted(_families.values(), key=lambda f: FAMILIES.index(f.root))


def family(name: str) -> Family:
    """One family's card. Raises KeyError listing the known names."""
    _load_all()
    if name not in _families:
        raise KeyError(f"no kernel family {name!r}; there are {', '.join(f.name for f in families())}")
    return _families[name]


def kernels(family_name: str | None = None, *, general: bool = False) -> list[Kernel]:
    """All kernels, or those of one family: by family, then in the order of registration; `general` ones where asked."""
    _load_all()
    listed = [k for k in _kernels.values() if general or not k.general]
    if family_name is not None:
        return [k for k in listed if k.family == family_name]
    order = [f.name for f in families()]
    return sorted(listed, key=lambda k: order.index(k.family))


def kernel(family_name: str, name: str) -> Kernel:
    """One kernel's card. Raises KeyError listing the known names."""
    family(family_name)
    if (family_name, name) not in _kernels:
        known = ", ".join(k.name for k in kernels(family_name))
        raise KeyError(f"no kernel {name!r} in {family_name}; there are {known}")
    return _kernels[family_name, name]


def on_gpu(family_name: str) -> bool:
    """Whether every kernel of the family needs a CUDA device."""
    return all(k.needs_gpu for k in kernels(family_name))


def parameters(family_name: str, kernel_name: str | None = None) -> dict[str, Parameter]:
    """The family's conditions, then the settings of one kernel (or of all of them), by name."""
    found = {p.name: p for p in family(family_name).parameters}
    for card in _kernels.values():
        if card.family == family_name and kernel_name in (None, card.name):
            found.update({p.name: p for p in card.parameters})
    return found


def complete(family_name: str, kernel_name: str, conditions: Mapping[str, Value]) -> dict[str, Value]:
    """Every parameter of the kernel with its value: the one given, else the default.

    Parameters whose `when` does not hold are left out; a setting of a sibling kernel is ignored, so that one
    cell can be measured on several kernels. Raises ValueError on unknown names and values out of range.
    """
    known = parameters(family_name)
    for name in conditions:
        if name not in known:
            raise ValueError(f"{family_name} has no parameter {name!r}; it has {', '.join(sorted(known))}")
    own = parameters(family_name, kernel_name)
    cell = {name: p.check(conditions.get(name, p.default)) for name, p in own.items()}
    return {
        name: value
        for name, value in cell.items()
        if all(cell.get(other) in allowed for other, allowed in own[name].when.items())
    }


def measure(
    family_name: str, kernel_name: str, metrics: Sequence[str], *, seed: int, **conditions: Value
) -> dict[str, float]:
    """Measure one kernel in one cell with one seed: ``{metric: value}`` in each metric's unit.

    Raises KeyError for an unknown family, kernel or metric and ValueError for a bad condition.
    """
    card = family(family_name)
    kernel(family_name, kernel_name)
    for name in metrics:
        card.metric(name)
    cell = complete(family_name, kernel_name, conditions)
    values = _resolve(card.measure)(kernel_name, tuple(metrics), seed=seed, **cell)
    return {name: float(values[name]) for name in metrics}


def warm(family_name: str, kernel_name: str) -> None:
    """Load a kernel and its measurement, and compile it if its family is `compiled`: what its first measurement would
    wait for."""
    kernel(family_name, kernel_name).load()
    card = family(family_name)
    _resolve(card.measure)
    if card.compiled:
        measure(family_name, kernel_name, [card.metrics[0].name], seed=0)


def warming(family_name: str, kernel_names: Iterable[str]) -> tuple[str, ...]:
    """The statements that make those kernels ready in another process."""
    start = "from evidentia.kernels import registry; registry.warm"
    return tuple(f"{start}({family_name!r}, {name!r})" for name in dict.fromkeys(kernel_names))


def compile_cache(folder: Path) -> Path:
    """The folder inside `folder` for code compiled from this very library: Numba does not notice by itself when a
    module that a compiled function calls has changed."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for source in sorted(root.rglob("*.py")):
        digest.update(f"{source.relative_to(root)}\0".encode() + source.read_bytes())
    return folder / digest.hexdigest()[:16]


def _resolve(dotted: str) -> Callable[..., Any]:
    module, _, attribute = dotted.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


_loaded = False


def _load_all() -> None:
    global _loaded
    if _loaded:
        return
    _loaded = True
    from importlib.util import find_spec

    for name in FAMILIES:
        if find_spec(f"evidentia.kernels.{name}") is not None:
            root = importlib.import_module(f"evidentia.kernels.{name}")
            for part in pkgutil.iter_modules(root.__path__):
                if part.ispkg:
                    importlib.import_module(f"evidentia.kernels.{name}.{part.name}")
