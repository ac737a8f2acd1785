"""The README says what the program does: every command is in its table, every exit code in its list."""

from pathlib import Path

from poisonscan.cli.exit_codes import ExitCode
from poisonscan.cli.tree import COMMANDS
from poisonscan.reports import FORMATS

TEXT = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_command_and_format_is_named():
    """A command or format added without a word in the README is noticed."""
    table = TEXT.split("## Commands")[1].split("## Exit codes")[0]
    assert [name for name in COMMANDS if f"`{name}" not in table] == []
    assert [name for name in FORMATS if name not in table] == []


def test_every_exit_code_is_named():
    """The codes 0 to 5 stand in the README."""
    table = TEXT.split("## Exit codes")[1]
    assert all(f"| {code.value} |" in table for code in ExitCode if code is not ExitCode.INTERRUPTED)
