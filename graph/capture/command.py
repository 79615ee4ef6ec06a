"""What a person is about to run: the command line, its script, the state of the folder, the environment."""

from __future__ import annotations

import ast
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from evidentia.errors import BadInputError
from evidentia.graph.capture.masking import mask_command, readable
from evidentia.graph.capture.passing import ACCOUNTING
from evidentia.graph.environment import PACKAGES, processor, version_of
from evidentia.workspace.canonical import sha256
from evidentia.workspace.records import OWN_COMMAND, Environment
from evidentia.workspace.secrets import find_secret

VARIABLES = (
    "LANG", "LANGUAGE", "LC_ALL", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
    "PYTHONHASHSEED",
)  # fmt: skip
"""The only environment variables that are recorded."""
_PLAIN_FLAGS = frozenset(["-u", "-B", "-E", "-s", "-S", "-I", "-P", "-q"])
_MOST_BYTES = 256 * 1024
_PYTHON = re.compile(r"^python(\d(\.\d+)?)?$")


@dataclass(frozen=True)
class Command:
    """A command line with what of it may be kept."""

    given: tuple[str, ...]
    kept: tuple[str, ...]
    masked: tuple[str, ...]
    program: Path
    folder: Path

    @property
    def text(self) -> str:
        """The command line as one would type it, on one line."""
        return " ".join(shlex.join(self.kept).split())

    @property
    def quoted(self) -> str:
        """The command line as Markdown code."""
        return f"`{self.text.replace('`', chr(39))}`"

    @cached_property
    def script(self) -> Script | None:
        """The Python program it runs, where it is one; None for other commands."""
        if not (_PYTHON.match(self.program.name) or self.program.resolve() == Path(sys.executable).resolve()):
            return None
        position, plain = 1, True
        while position < len(self.given) and self.given[position].startswith("-") and self.given[position] != "-c":
            plain = plain and self.given[position] in _PLAIN_FLAGS
            position += 1
        if position >= len(self.given):
            return None
        arguments = self.given[position + 1 :]
        if self.given[position] == "-c":
            if not arguments:
                return None
            return Script("-c", arguments[0].encode("utf-8", "surrogateescape"), arguments[1:], plain)
        data = _bytes(self.folder / self.given[position])
        return None if data is None else Script(readable(self.given[position]), data, arguments, plain)

    @cached_property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of the program's text: the script, or the first file the command names."""
        if self.script is not None:
            return {self.script.name: sha256(self.script.data)}
        named = [a for a in self.given if os.sep in a or a in self.given[1:]]
        for name in named:
            data = _bytes(self.folder / name)
            if data is not None:
                return {readable(name): sha256(data)}
        return {}

    def recorded_script(self, outputs: Sequence[str]) -> str:
        """The text a package holds for this command: the script itself, word for word, where that can be run again
        alone; else a reconstruction that starts the command by hand."""
        script = self.script
        if script is not None and not self.masked and script.stands_alone(self.folder, outputs):
            return script.transcribed()
        return reconstructed(self.kept)


@dataclass(frozen=True)
class Script:
    """A Python program with the arguments it is given. `plain` says that the interpreter had no option that changes
    what it does."""

    name: str
    data: bytes
    arguments: tuple[str, ...]
    plain: bool

    @property
    def text(self) -> str | None:
        """Its text; None where it is not UTF-8, too long, or holds a secret."""
        if len(self.data) > _MOST_BYTES or find_secret(self.data):
            return None
        try:
            return self.data.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None

    def stands_alone(self, folder: Path, outputs: Sequence[str]) -> bool:
        """Whether the text needs no other file of the folder, as far as its imports and outputs tell, and only
        packages that are here."""
        if self.text is None or not self.plain or any(Path(o).is_absolute() or ".." in Path(o).parts for o in outputs):
            return False
        try:
            parsed = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError):
            return False
        home = (folder / self.name).parent if self.name != "-c" else folder
        for node in ast.walk(parsed):
            if isinstance(node, ast.ImportFrom) and node.level:
                return False
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if not all(_importable(name.partition(".")[0], home) for name in names):
                return False
        return True

    def transcribed(self) -> str:
        """The text with its arguments set before its first statement, marked as transcribed."""
        assert self.text is not None
        lines = self.text.split("\n")
        if self.arguments:
            words = [self.name, *map(readable, self.arguments)]
            lines.insert(_first_statement(self.text) - 1, f"import sys; sys.argv = {words!r}  # as they were given")
        end = "" if lines[-1] == "" else "\n"
        told = "given on the command line" if self.name == "-c" else Path(self.name).name
        return "\n".join(lines) + f"{end}# Grounding: transcribed ({told}, as it was when the command began)\n"


def reconstructed(kept: Sequence[str]) -> str:
    """A script that starts a recorded command again, for people; a verifier does not run it."""
    words = "".join(f"    {word!r},\n" for word in kept)
    return (
        "# Grounding: reconstructed (a person's command as it was typed; it needs the folder it was typed in)\n"
        f"import subprocess\nimport sys\n\nCOMMAND = [\n{words}]\nsys.exit(subprocess.run(COMMAND).returncode)\n"
    )


def _first_statement(text: str) -> int:
    """The line of the first statement after the docstring and the imports from ``__future__``."""
    body = ast.parse(text).body
    for number, node in enumerate(body):
        doc = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not doc and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])
            return min(node.lineno, *(d.lineno for d in decorators), node.lineno)
    return text.count("\n") + 1


def _importable(name: str, home: Path) -> bool:
    if (home / f"{name}.py").exists() or (home / name).is_dir():
        return False
    if name in sys.stdlib_module_names:
        return True
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _bytes(path: Path) -> bytes | None:
    """A regular file's bytes, unless it is too large for a program's text."""
    try:
        if not path.is_file() or path.stat().st_size > 64 * _MOST_BYTES:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def read_command(given: Sequence[str], folder: Path) -> Command:
    """The command a person typed. Raises BadInputError when there is none, or no such program."""
    if not given or not given[0]:
        raise BadInputError("there is no command to record; give it after --, as in `evidentia capture -- python x.py`")
    found = shutil.which(given[0])
    if found is None:
        name = readable(given[0])
        raise BadInputError(f"the command {name!r} does not exist or may not be executed; nothing was recorded")
    kept, masked = mask_command(given)
    return Command(tuple(given), kept, masked, Path(found), folder)


def environment(command: Command) -> Environment:
    """Where the command runs. Packages are named only where it runs in the interpreter of this library."""
    same = command.program.parent.absolute() == Path(sys.executable).parent.absolute() and command.script is not None
    return Environment(
        python=platform.python_version() if same else "not asked for",
        platform=platform.platform(),
        processor=processor(),
        packages={name: version_of(name) for name in PACKAGES} if same else {},
        commit=commit_of(command.folder),
        sandbox=OWN_COMMAND,
        variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
        accounting=ACCOUNTING,
    )


def commit_of(folder: Path) -> str:
    """The commit of the folder's checkout, with ``+`` for changes that are not committed; empty without one."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return ""
    return head + ("+" if _git(folder, "status", "--porcelain", "-uno") else "")


def place_of(folder: Path) -> str:
    """The folder's path inside its checkout, or its name: not where it lies on this machine."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top and folder.resolve().is_relative_to(Path(top).resolve()):
        inside = folder.resolve().relative_to(Path(top).resolve())
        return str(Path(Path(top).name) / inside)
    return folder.resolve().name or "/"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments],
            capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, errors="backslashreplace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
