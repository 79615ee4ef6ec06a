"""Writing an export whole or not at all, and never over something else."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from evidentia.errors import BadInputError


def place_file(out: Path, data: bytes) -> Path:
    """Write one file. The same bytes may be there already; BadInputError when something else is."""
    try:
        if out.exists():
            if out.is_file() and out.read_bytes() == data:
                return out
            raise BadInputError(f"{out} exists and is something else; move it away or name another with --out")
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".export-", dir=out.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInputError(f"cannot write {out}: {error.strerror}; name another place with --out") from error
    return out


@contextmanager
def placed_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which appears as `out` by one rename when the block ends well.

    Raises BadInputError when `out` is there already and is not an empty folder, or cannot be written.
    """
    building: Path | None = None
    try:
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            raise BadInputError(f"{out} exists already; move it away or name another with --out")
        out.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".export-", dir=out.parent))
        yield building
        os.chmod(building, 0o755)  # noqa: S103 - mkdtemp made it private; an export is for others
        os.replace(building, out)
    except OSError as error:
        raise BadInputError(f"cannot write {out}: {error.strerror}; name another place with --out") from error
    finally:
        if building is not None and building.exists():
            shutil.rmtree(building, ignore_errors=True)


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by relative path below a folder, durably."""
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
