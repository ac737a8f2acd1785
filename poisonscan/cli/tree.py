"""The commands, where they live, and one line on each.

Why a table: `--help` must come at once, so the list is shown without loading a single command.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from poisonscan.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


# ExitCode.INTERRUPTED and ExitCode.USAGE; exit_codes is not imported here because it brings numpy along
_INTERRUPTED, _NO_ANSWER = 130, 2


class Entry(NamedTuple):
    """A command: the module that holds its typer `app`, and its line in the list."""

    module: str
    line: str


COMMANDS = {
    "check": Entry("poisonscan.cli.check", "Scan one or more sets."),
    "batch": Entry("poisonscan.cli.batch_command", "Scan many sets, resumable; status and vendor table."),
    "explain": Entry("poisonscan.cli.explain", "Show the evidence behind one finding of a report."),
    "sweep": Entry("poisonscan.cli.sweep", "Ask what the values of a slot turn on, absent ones included."),
    "rules": Entry("poisonscan.cli.rules", "List the detectors."),
    "rule": Entry("poisonscan.cli.rule", "Show what one detector looks for."),
    "diff": Entry("poisonscan.cli.diff", "Compare two reports or two deliveries of a set."),
    "quarantine": Entry("poisonscan.cli.quarantine", "Split the implicated rows out of a set."),
    "baseline": Entry("poisonscan.cli.baseline_command", "Accept known findings, with a reason."),
    "lock": Entry("poisonscan.cli.lock_command", "Write the verdicts of reports to poisonscan.lock."),
    "verify": Entry("poisonscan.cli.verify", "Check sets against poisonscan.lock, without a model."),
    "models": Entry("poisonscan.cli.models_command", "List, fetch, check, export and import the weights."),
    "calibrate": Entry("poisonscan.cli.calibrate", "Make null distributions from one's own trusted sets."),
    "bench": Entry("poisonscan.bench.app", "Reproduce the published quality and cost."),
    "config": Entry("poisonscan.cli.config_command", "Show the settings in force."),
    "schema": Entry("poisonscan.cli.schema", "Print the JSON Schema of the json report."),
    "cache": Entry("poisonscan.cli.cache_command", "Show or clear the cache."),
    "doctor": Entry("poisonscan.cli.doctor", "Say what this machine can run."),
}


class LazyGroup(TyperGroup):
    """The root: knows the names of the commands, and loads the one that is called."""

    _listing = False

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - given by typer
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - typer's own type moved between versions
        """Return the command; while help is drawn, only its name and line."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=entry.line, short_help=entry.line)
        return loaded(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own types moved between versions
        """Draw the help without loading the commands."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own types moved between versions
        """Run the command. Left to itself typer ends with 1 on an interrupt, a closed pipe or no answer, which here means a finding."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            typer.echo("poisonscan: interrupted", err=True)
            raise typer.Exit(_INTERRUPTED) from interrupt
        except BrokenPipeError as closed:
            raise typer.Exit(0) from closed
        except (typer.Abort, EOFError) as refused:
            typer.echo("poisonscan: error: no answer; say yes with an option (--help)", err=True)
            raise typer.Exit(_NO_ANSWER) from refused


def loaded(name: str) -> Any:  # noqa: ANN401 - typer's own type moved between versions
    """Import the command `name` and return it, under that name."""
    where = COMMANDS[name].module
    try:
        app: typer.Typer = import_module(where).app
    except ModuleNotFoundError as error:
        if error.name != where:
            raise
        raise UsageError(f"{name} is not part of this installation; install the whole of poisonscan") from error
    several = len(app.registered_commands) > 1 or bool(app.registered_groups) or app.registered_callback is not None
    # get_command would put the options of shell completion into every group
    command = typer.main.get_group(app) if several else typer.main.get_command(app)
    command.name = name
    return command


def _show_version(wanted: bool) -> None:
    if wanted:
        from poisonscan import __version__

        typer.echo(f"poisonscan {__version__}")
        raise typer.Exit


def root() -> Callable[..., object]:
    """Return the root command."""
    app = typer.Typer(cls=LazyGroup, add_completion=True, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
    version = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit.")

    @app.callback(help="Scans fine-tuning data for harmful latents no single row shows.")
    def poisonscan(version: bool = version) -> None:
        """Take the options that come before the command."""

    return typer.main.get_command(app)
