"""Reading what comes from outside with code that was written for what is well-formed: any break is a refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from evidentia.errors import BadInputError, EvidentiaError
from evidentia.hub.imports.outside import plain

MOST_TOLD = 300
T = TypeVar("T")


def guarded(source: Path, read: Callable[[], T]) -> T:
    """What `read` returns. Raises BadInputError in one sentence naming `source` when it breaks in whatever way."""
    try:
        return read()
    except BadInputError:
        raise
    except EvidentiaError as error:
        raise BadInputError(f"{source}: {plain(str(error), MOST_TOLD)}") from error
    except OSError:
        raise
    except Exception as error:  # no reader can foresee all that may stand in a file from outside
        raise BadInputError(f"{source} cannot be read: {type(error).__name__}: {plain(str(error), 100)}") from error
