"""`poisonscan models`, on toy weights from a toy index."""

import pytest
from test_weights import index, toy_asset  # noqa: F401 - the fixture
from typer.testing import CliRunner

from poisonscan.cli import models_command
from poisonscan.core.errors import ModelError, UsageError


@pytest.fixture
def call(index, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("POISONSCAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models_command, "ASSETS", (toy_asset(),))
    monkeypatch.setattr(models_command, "find_asset", {"toy": toy_asset()}.get)
    monkeypatch.setattr("poisonscan.models.bundle.find_asset", {"toy": toy_asset()}.get)
    return lambda *arguments: CliRunner().invoke(models_command.app, list(arguments))


def test_list_tells_what_is_cached(call):
    """Before and after a pull."""
    assert "not cached" in call("list").stdout
    assert call("pull", "toy").exit_code == 0
    assert "not cached" not in call("list").stdout


def test_verify_finds_damage_and_the_next_pull_mends_it(call, tmp_path):
    """Changed bytes of the same size: named, set aside, fetched anew."""
    assert call("pull", "toy").exit_code == 0
    assert "intact" in call("verify").stdout
    (found,) = (tmp_path / "cache/models").rglob("config.json")
    found.write_bytes(b"[]")
    result = call("verify")
    assert isinstance(result.exception, ModelError)
    assert "toy (deep/config.json)" in str(result.exception)
    assert call("pull", "toy").exit_code == 0
    assert found.read_bytes() == b"{}"


def test_verify_with_nothing_cached_is_an_error(call):
    """Silence would read as all is well."""
    assert isinstance(call("verify").exception, ModelError)
    assert isinstance(call("verify", "toy").exception, ModelError)


def test_a_bundle_goes_from_one_cache_to_another(call, tmp_path):
    """Export, import elsewhere, verify there."""
    bundle, far = str(tmp_path / "weights.zip"), str(tmp_path / "far")
    assert call("export", bundle, "toy").exit_code == 0
    assert "Toy@" in call("import", bundle, "--cache", far).stdout
    assert "intact" in call("verify", "--cache", far).stdout


def test_an_unknown_name_is_wrong_use(call):
    """And the names there are are listed."""
    result = call("pull", "toi")
    assert isinstance(result.exception, UsageError)
    assert "toy" in str(result.exception)
