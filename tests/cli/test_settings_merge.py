"""Where settings come from, and that none comes from scanned data."""

from pathlib import Path

import pytest

from poisonscan.cli.settings_merge import checked, merged
from poisonscan.core.errors import ConfigError
from poisonscan.core.settings import Settings


def test_defaults(tmp_path):
    """With nothing said, the settings are the library's own."""
    merge = merged({})
    assert merge.settings == Settings()
    assert set(dict(merge.origins).values()) == {"default"}


def test_every_setting_can_be_set():
    """No field of Settings is without a parser, and every default passes its own."""
    from dataclasses import fields

    for field in fields(Settings):
        value = getattr(Settings(), field.name)
        if value is not None:
            assert checked(field.name, value, "test") == value


def test_pyproject_section_is_read(tmp_path):
    """[tool.poisonscan] of the working folder counts; dashes are as good as underscores."""
    (tmp_path / "pyproject.toml").write_text('[tool.poisonscan]\nfail-on = "high"\n')
    assert merged({}).settings.fail_on == "high"


def test_paths_in_a_file_count_from_its_folder(tmp_path, monkeypatch):
    """A settings file named from elsewhere still finds its own catalogue."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "mine.toml").write_text('catalogue = "pack"\n')
    assert merged({}, config=Path("conf/mine.toml")).settings.catalogue == Path("conf/pack")


@pytest.mark.parametrize(
    ("key", "nearest"), [("fail_onn", "fail_on"), ("dept", "depth"), ("budget", "budget_minutes")]
)
def test_unknown_key_names_the_nearest(tmp_path, key, nearest):
    """A mistyped key is an error that names the file and the key that was meant."""
    (tmp_path / "poisonscan.toml").write_text(f"{key} = 1\n")
    with pytest.raises(ConfigError, match=f"poisonscan.toml.*nearest is {nearest}"):
        merged({})


def test_unknown_variable_is_an_error(monkeypatch):
    """A mistyped POISONSCAN_ variable is an error too."""
    monkeypatch.setenv("POISONSCAN_DEPHT", "deep")
    with pytest.raises(ConfigError, match="nearest is depth"):
        merged({})


@pytest.mark.parametrize(
    ("key", "value"),
    [("depth", "shallow"), ("alpha", "2"), ("seed", "x"), ("offline", "perhaps"), ("mapping", "user"), ("max_rows", "-1"), ("alpha", True)],
)
def test_bad_values_are_named(key, value):
    """A value that does not fit names key and value."""
    with pytest.raises(ConfigError, match=key):
        checked(key, value, "test")


def test_settings_inside_scanned_data_are_not_honoured(tmp_path):
    """A poisonscan.toml in the vendor's folder cannot switch detectors off, and the user is told."""
    (tmp_path / "poisonscan.toml").write_text('ignore = ["PS201"]\n')
    merge = merged({}, scanned=["."])
    assert merge.settings.ignore == ()
    assert "not honoured" in merge.notes[0]
    (tmp_path / "data").mkdir()
    assert merged({}, scanned=["data"]).settings.ignore == ("PS201",)


def test_hub_offline_is_honoured(monkeypatch):
    """HF_HUB_OFFLINE makes a scan offline; our own variable is heard first."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert merged({}).settings.offline
    monkeypatch.setenv("POISONSCAN_OFFLINE", "false")
    assert not merged({}).settings.offline


def test_broken_file(tmp_path):
    """A settings file that is not TOML names itself."""
    (tmp_path / "poisonscan.toml").write_text("depth = \n")
    with pytest.raises(ConfigError, match="not TOML"):
        merged({})
