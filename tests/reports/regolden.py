"""Writes the golden files and the shipped schema anew: `python tests/reports/regolden.py`. Read the difference before you keep it."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2]), str(HERE.parent)]

from test_formats import GOLDEN, REPORTS, SUFFIXES  # noqa: E402

import poisonscan.reports  # noqa: E402
from poisonscan.reports import FORMATS, render  # noqa: E402
from poisonscan.reports.schema import made_schema  # noqa: E402


def main() -> None:
    """Write every golden file and the schema."""
    schema = Path(str(poisonscan.reports.__file__)).with_name("report.schema.json")
    schema.write_text(made_schema(), encoding="utf-8", newline="\n")
    for outcome, make in REPORTS.items():
        for fmt in FORMATS:
            (GOLDEN / f"{outcome}.{SUFFIXES[fmt]}").write_text(render(make(), fmt), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
