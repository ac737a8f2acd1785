"""What is installed is the package `poisonscan` and nothing else, with the catalogue in it, and it starts at once."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "transformers", "peft", "hdbscan", "sentence_transformers", "sklearn", "pyarrow", "scipy", "datasets", "ray", "pandas"}
HELP = """
import sys
from poisonscan.cli import main
sys.argv = ["poisonscan", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target), str(wheel))
    return target


def tree(folder):
    """Return every file under a folder of the checkout, by relative path, without what running it left behind."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in files}


def test_the_only_top_level_name_is_poisonscan(names):
    """No `detectors`, `tests` or `benchmarks` lands among the user's imports."""
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"poisonscan"}


def test_the_list_of_sources_is_packaged(names):
    """`bench fetch` of an installed package finds it beside the suites."""
    assert "poisonscan/sources.toml" in names


@pytest.mark.parametrize(("packaged", "folder"), [("poisonscan/detectors/", "detectors"), ("poisonscan/suites/", "benchmarks/suites")])
def test_data_folders_are_whole(names, packaged, folder):
    """Every file of the checkout's folder is in the wheel under the package, and none besides."""
    assert {name.removeprefix(packaged) for name in names if name.startswith(packaged)} == tree(ROOT / folder)


def test_all_code_is_in_the_wheel_and_is_typed(names):
    """Each file of the package, the marker for type checkers and the licence."""
    assert {f"poisonscan/{name}" for name in tree(ROOT / "poisonscan")} <= names
    assert "poisonscan/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_detectors_hold_no_code(names):
    """The catalogue is data an auditor can read."""
    assert not [name for name in names if name.startswith("poisonscan/detectors/") and name.endswith((".py", ".pyc", ".pkl", ".so"))]


def test_the_installed_package_finds_its_catalogue(installed):
    """Away from the checkout, the installed package is imported and knows the same detectors as the tree."""
    script = (
        "import poisonscan; from poisonscan.catalogue import bundled_catalogue as where;"
        "print(poisonscan.__file__); print(*sorted(found.parent.name for found in where().rglob('detector.toml')), sep='\\n')"
    )
    place, *ids = run(sys.executable, "-c", script, cwd=installed, env={**os.environ, "PYTHONPATH": str(installed)}).splitlines()
    assert Path(place).is_relative_to(installed)
    assert ids == sorted(found.parent.name for found in (ROOT / "detectors").rglob("detector.toml"))


@pytest.mark.parametrize(
    "statement",
    ["import poisonscan", "import poisonscan.models", HELP],
    ids=["import", "models", "help"],
)
def test_starting_loads_no_heavy_library(statement):
    """Model libraries are imported when a stage needs them, not before."""
    loaded = run(sys.executable, "-c", f"{statement}\nimport sys; print('LOADED', *sys.modules)", cwd=ROOT)
    assert not HEAVY & set(loaded.rpartition("LOADED")[2].split())
