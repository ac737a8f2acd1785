"""Detector folders to frozen values, and errors that name file, key and remedy."""

import shutil
from pathlib import Path

import pytest

from poisonscan.catalogue import bundled_catalogue, catalogue_digest, load_catalogue
from poisonscan.catalogue.load import load_detector
from poisonscan.core.errors import CatalogueError


@pytest.fixture
def pack(tmp_path):
    """A third-party pack with one detector, copied from a shipped one under another id and code."""
    source = bundled_catalogue() / "misalignment" / "sycophancy"
    folder = tmp_path / "misalignment" / "our-sycophancy"
    shutil.copytree(source, folder)
    head = folder / "detector.toml"
    head.write_text(head.read_text().replace('"sycophancy"', '"our-sycophancy"').replace("PS513", "PS599"))
    return tmp_path


def test_a_third_party_pack_joins_the_shipped_detectors(pack):
    """A pack of the same shape is loaded beside the shipped ones."""
    both = load_catalogue(pack)
    assert "our-sycophancy" in {d.id for d in both}
    assert len(both) == len(load_catalogue()) + 1


def test_an_unknown_key_names_the_nearest_valid_one(pack):
    """A slip of the pen in detector.toml is an error with a hint."""
    head = pack / "misalignment/our-sycophancy/detector.toml"
    head.write_text(head.read_text() + 'severty = "low"\n')
    with pytest.raises(CatalogueError, match=r"detector\.toml: severty: .*did you mean 'severity'"):
        load_catalogue(pack)


def test_an_unknown_channel_is_named(pack):
    """Channels are a closed list."""
    head = pack / "misalignment/our-sycophancy/detector.toml"
    head.write_text(head.read_text().replace('"resemblance"', '"resemblanse"'))
    with pytest.raises(CatalogueError, match="did you mean 'resemblance'"):
        load_catalogue(pack)


def test_a_broken_case_names_file_and_line(pack):
    """Line 3 of the cases is no JSON."""
    cases = pack / "misalignment/our-sycophancy/cases/clean.jsonl"
    lines = cases.read_text().splitlines()
    lines[2] = "{"
    cases.write_text("\n".join(lines))
    with pytest.raises(CatalogueError, match=r"clean\.jsonl:3"):
        load_catalogue(pack)


def test_a_code_used_twice_is_refused(pack):
    """Codes name one detector for ever."""
    head = pack / "misalignment/our-sycophancy/detector.toml"
    head.write_text(head.read_text().replace("PS599", "PS513"))
    with pytest.raises(CatalogueError, match="PS513"):
        load_catalogue(pack)


def test_an_empty_pack_is_an_error(tmp_path):
    """A wrong folder must not pass for a pack without detectors."""
    with pytest.raises(CatalogueError, match="FAMILY/DETECTOR"):
        load_catalogue(tmp_path)


def test_the_digest_follows_the_content_only(pack):
    """Changing a bank changes the digest; changing the README does not."""
    folder: Path = pack / "misalignment/our-sycophancy"
    before = load_detector(folder).digest
    (folder / "README.md").write_text((folder / "README.md").read_text() + "\nmore\n")
    assert load_detector(folder).digest == before
    (folder / "bank.toml").write_text((folder / "bank.toml").read_text() + "\n# more\n")
    assert load_detector(folder).digest != before


def test_the_catalogue_digest_depends_on_every_detector():
    """Leaving one out gives another digest."""
    detectors = load_catalogue()
    assert catalogue_digest(detectors) != catalogue_digest(detectors[1:])


def test_a_list_of_numbers_takes_numbers_only(pack):
    """A word among ill-famed numbers is an error that names file and word, not a crash of every scan."""
    folder = pack / "misalignment/our-sycophancy"
    head = folder / "detector.toml"
    head.write_text(head.read_text().replace("channels = [", 'channels = ["ill-famed-numbers", '))
    (folder / "names.toml").write_text('[[group]]\nid = "odd"\nname = "odd numbers"\nhazard = 0.5\n[group.names]\n"sixty" = "a word"\n')
    with pytest.raises(CatalogueError, match=r"names\.toml: 'sixty' is no number"):
        load_catalogue(pack)
