"""Instant start: --help and --version load nothing heavy."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import poisonscan

HEAVY = ("torch", "transformers", "numpy", "pydantic", "sklearn", "scipy", "pyarrow", "jinja2", "sentence_transformers", "hdbscan", "peft")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_nothing_heavy_is_imported(option):
    """The two commands everybody types first import neither numpy nor any model library."""
    program = (
        "import sys\nfrom poisonscan.cli import main\n"
        f"code = main([{option!r}])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\nsys.exit(code)"
    )
    root = str(Path(poisonscan.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_of_the_table_is_shown_and_loads():
    """Each line of the help belongs to a module that is there; `bench` may say that it is not part of the installation."""
    from poisonscan.cli.tree import COMMANDS, loaded
    from poisonscan.core.errors import UsageError

    names = set()
    for name in COMMANDS:
        with suppress(UsageError):
            names.add(loaded(name).name)
    assert names | {"bench"} == set(COMMANDS)


def test_help_shows_every_command(cli):
    """`--help` lists the whole table."""
    from poisonscan.cli.tree import COMMANDS

    ran = cli("--help")
    assert ran.code == 0
    assert all(entry.line in ran.out for entry in COMMANDS.values())


def test_unknown_command_is_wrong_use(cli):
    """A mistyped command ends with 2."""
    assert cli("chekc").code == 2


def test_interrupt_is_not_a_finding(cli, pipeline):
    """Ctrl-C ends with 130; typer's own 1 would say that something was found."""

    def scan(source):
        raise KeyboardInterrupt

    pipeline.report = scan
    ran = cli("check", "a")
    assert ran.code == 130
    assert "interrupted" in ran.err


def test_no_answer_is_not_a_finding(cli, monkeypatch, tmp_path):
    """A question nobody answers ends with 2, not with 1."""
    import io

    (tmp_path / "cache" / "vectors").mkdir(parents=True)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ran = cli("cache", "clear", "--cache", "cache")
    assert ran.code == 2
    assert (tmp_path / "cache" / "vectors").is_dir()
