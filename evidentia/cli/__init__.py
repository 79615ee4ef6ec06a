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
        if not _disk_is_full(error):
            raise
        told = "No space left on the disk; nothing acknowledged is lost: make room, then go on (`evidentia resume RUN`)"
        print(f"evidentia: {told}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("evidentia: interrupted", file=sys.stderr)
        sys.exit(130)


def _disk_is_full(error: BaseException) -> bool:
    """Whether a write was refused for want of room, by the system or by SQLite; wherever it was."""
    sqlite = type(error).__module__ == "sqlite3" and "disk is full" in str(error)
    return sqlite or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))
