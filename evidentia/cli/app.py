"""The commands of `evidentia`, gathered from one file per group."""

from __future__ import annotations

import typer

from evidentia.cli import (
    capture,
    compare,
    exchange,
    fork,
    hub,
    library,
    mcp,
    packages,
    replicate,
    runs,
    steer,
    tensions,
    trees,
)

app = typer.Typer(
    name="evidentia",
    help="An AI scientist that shows its work: every branch becomes a package whose every number can be re-run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("run")(runs.run)
app.command("resume")(runs.resume)
app.command("steer")(steer.steer)
app.command("watch")(runs.watch)
app.command("runs")(runs.runs)
app.command("tree")(trees.tree)
app.command("replay")(trees.replay)
app.command("fork")(fork.fork)
app.command("compare")(compare.compare)
app.command("packages")(packages.packages)
app.command("show")(packages.show)
app.command("verify")(packages.verify)
app.command("review")(packages.review)
app.command("hub")(hub.hub)
app.command("mcp")(mcp.mcp)
app.add_typer(tensions.app)
app.command("replicate")(replicate.replicate)
app.command("export")(exchange.export)
app.command("import")(exchange.import_)
app.command("kernels")(library.kernels)
app.command("doctor")(library.doctor)
app.command("capture", context_settings={"allow_interspersed_args": False})(capture.capture)
app.add_typer(capture.note, name="note")


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """Print the version."""
    if show:
        from evidentia import __version__

        typer.echo(f"evidentia {__version__}")
        raise typer.Exit
