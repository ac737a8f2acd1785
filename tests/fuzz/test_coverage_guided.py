"""The coverage-guided target, for a bounded time; its corpus, always."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from poisonscan.core.errors import ReadError
from poisonscan.readers import read_bytes

HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus").iterdir())
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt", "", ".jsonl.gz", ".json.zst")
SECONDS = os.environ.get("POISONSCAN_FUZZ_SECONDS", "5")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_corpus(path):
    """Every input kept from fuzzing, seeds and past crashes alike, is rows or a `ReadError`."""
    data = path.read_bytes()
    with contextlib.suppress(ReadError):
        assert len(read_bytes(data[1:], "a" + SUFFIXES[data[0] % len(SUFFIXES)])) > 0


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed; the test extra brings it on Linux up to Python 3.13")
def test_fuzzing_for_a_few_seconds(tmp_path):
    """Guided by coverage from the corpus, no input within the time makes the readers fail (POISONSCAN_FUZZ_SECONDS sets it)."""
    shutil.copytree(HERE / "corpus", tmp_path / "corpus")
    command = [sys.executable, str(HERE / "fuzz_readers.py"), str(tmp_path / "corpus"), f"-max_total_time={SECONDS}", "-rss_limit_mb=2000"]
    command += [f"-artifact_prefix={tmp_path}/", "-max_len=600", "-print_final_stats=1"]
    paths = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=float(SECONDS) + 120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "stat::number_of_executed_units" in done.stderr
