"""Floor 4: `Report` to text. One file per format, one place that neutralises hostile text, one place for the wording.

- escape, wording: what may be printed, and the sentences every format shares
- terminal, json_report, sarif, junit, github, gitlab, markdown, html: the formats; formats: the table of them
- wire, loading: the json report as types, and back to `Report`
"""

from __future__ import annotations

from poisonscan.reports.formats import FORMATS, format_of, render, render_many, write, write_many
from poisonscan.reports.json_report import to_json_dict
from poisonscan.reports.loading import from_json_dict, load_report, load_reports
from poisonscan.reports.schema import report_schema

__all__ = [
    "FORMATS",
    "format_of",
    "from_json_dict",
    "load_report",
    "load_reports",
    "render",
    "render_many",
    "report_schema",
    "to_json_dict",
    "write",
    "write_many",
]
