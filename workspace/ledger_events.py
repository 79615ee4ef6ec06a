"""What may stand in the ledger besides publications, verifications and reviews: one typed payload per kind.

An event of use names its source: the package or run that cites, builds on, uses, avoids, replicates or explains.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from evidentia.workspace.records import Record, Sha256


class Source(Record):
    """Where an event of use comes from: a package, or a run that has none yet.

    `run` and `node` say where in which exploration tree it was made, `key` is the id of the key it is signed with
    (empty where unknown), `derived_from` the package it continues under another name.
    """

    package: str = ""
    version: int = Field(0, ge=0)
    run: str = ""
    node: str = ""
    key: str = ""
    derived_from: str = ""

    @model_validator(mode="after")
    def _names_something(self) -> Source:
        if not self.package and not self.run:
            raise ValueError("a source names a package or a run")
        return self

    @property
    def lineage(self) -> str:
        """What counts once per type of event: all versions of a package and what continues it, or one run."""
        return self.derived_from or self.package or f"run {self.run} of {self.key[:16] or 'an unknown key'}"


class _OfPackage(Record):
    kind: ClassVar[str]
    package: str = Field(min_length=1)
    version: int = Field(ge=1)


class Cited(_OfPackage):
    """Another package names this one as a reference."""

    kind: ClassVar[str] = "package.cited"
    source: Source
    place: str = ""


class BuiltOn(_OfPackage):
    """Another package starts from this one."""

    kind: ClassVar[str] = "package.built_on"
    source: Source
    place: str = ""


class Used(_OfPackage):
    """A file of this package, known by its hash, was an input of a passing run of another: detected, not declared."""

    kind: ClassVar[str] = "package.used"
    source: Source
    artifact: Sha256
    file: str
    evidence: str


class Avoided(_OfPackage):
    """The planner of a run knew this package's dead end and left out what it had shown to fail."""

    kind: ClassVar[str] = "search.avoided"
    source: Source
    avoided: str


class _Replication(_OfPackage):
    claim: str
    source: Source
    protocol: Literal["exact", "different", "unknown"]
    detail: str = ""

    @model_validator(mode="after")
    def _by_a_package(self) -> _Replication:
        if not self.source.package:
            raise ValueError("a replication is itself a package: name it in source.package")
        return self


class Confirmed(_Replication):
    """Another package found the same value; it counts, for both, when the protocols match exactly."""

    kind: ClassVar[str] = "replication.confirmed"


class Refuted(_Replication):
    """Another package found another value: the claim is contested, and nobody gains a point."""

    kind: ClassVar[str] = "replication.refuted"


class Side(Record):
    """One of two claims that do not agree."""

    package: str = Field(min_length=1)
    version: int = Field(ge=1)
    claim: str


class _Tension(Record):
    kind: ClassVar[str]
    tension: str = Field(min_length=1)
    sides: tuple[Side, Side]


class TensionOpened(_Tension):
    """Two claims were found in tension, of the class given (tension, contradiction, boundary …)."""

    kind: ClassVar[str] = "tension.opened"
    tension_class: str = Field(alias="class")


class TensionResolved(_Tension):
    """A tension was explained; `verified` when the protocol difference behind it was shown by runs that verify.

    `conditions` are the columns that both claims lacked.
    """

    kind: ClassVar[str] = "tension.resolved"
    source: Source
    verified: bool
    conditions: tuple[str, ...] = ()
    detail: str = ""


class Retracted(_OfPackage):
    """A version of a package was taken back."""

    kind: ClassVar[str] = "package.retracted"
    reason: str = Field(min_length=1)


Payload = Cited | BuiltOn | Used | Avoided | Confirmed | Refuted | TensionOpened | TensionResolved | Retracted
KINDS: dict[str, type[Payload]] = {
    kind.kind: kind
    for kind in (Cited, BuiltOn, Used, Avoided, Confirmed, Refuted, TensionOpened, TensionResolved, Retracted)
}
