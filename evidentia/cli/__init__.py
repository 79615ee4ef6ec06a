"""The command line. Imports of anything heavy happen inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

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
    except KeyboardInterrupt:
        print("evidentia: interrupted", file=sys.stderr)
        sys.exit(130)
