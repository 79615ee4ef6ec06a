"""The command line. Imports of anything heavy happen inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import errno
import sys


def main() -> None:
    """Run the command line; every known failure is one sentence and an exit code."""
    from evidentia.cli.app import app
    from evidentia.errors import EvidentiaError

    try:
        app(prog_name="evidentia")
    except EvidentiaError as error:
        print(f"evidentia: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        refused = _refused_by_the_disk(error)
        if not refused:
            raise
        told = f"{refused}; nothing acknowledged is lost: make room, then go on (`evidentia resume RUN`)"
        print(f"evidentia: {told}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("evidentia: interrupted", file=sys.stderr)
        sys.exit(130)


def _refused_by_the_disk(error: BaseException) -> str:
    """What to say where the system or SQLite refused a write, wherever it was; empty for any other error.

    A full disk is an I/O error to SQLite where it maps or syncs a file instead of writing it.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "No space left on the disk"
    if type(error).__module__ == "sqlite3" and "disk is full" in str(error):
        return "No space left on the disk"
    if type(error).__module__ == "sqlite3" and "disk I/O error" in str(error):
        return "The disk refused a write (disk I/O error), most likely with no space left"
    return ""
