"""The house keeps its floors: a module imports only from lower ones, and no two folders on one floor import each other."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BANNED = {"utils", "helpers", "common", "misc", "base", "manager"}


def test_floors_are_kept():
    """import-linter finds no broken contract."""
    script = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_folder_of_the_package_has_a_floor():
    """A new folder or module must be given its place."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    placed = {name.strip().removeprefix("poisonscan.") for layer in contract["layers"] for name in layer.split("|")}
    present = {path.parent.name for path in (ROOT / "poisonscan").glob("*/__init__.py")}
    present |= {path.stem for path in (ROOT / "poisonscan").glob("*.py") if path.stem not in {"__init__", "__main__"}}
    assert present <= placed


def test_no_module_is_named_for_nothing():
    """A file called utils tells nobody what is in it."""
    named = {path.stem for path in (ROOT / "poisonscan").rglob("*") if path.is_dir() or path.suffix == ".py"}
    assert not named & BANNED
