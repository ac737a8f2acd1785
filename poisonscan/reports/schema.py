"""The JSON Schema of the json report, shipped beside the code."""

from __future__ import annotations

import json
from importlib.resources import files

from poisonscan.reports.json_report import JsonObject


def report_schema() -> str:
    """Return the text of the shipped `report.schema.json` (JSON Schema 2020-12)."""
    return (files("poisonscan.reports") / "report.schema.json").read_text(encoding="utf-8")


def made_schema() -> str:
    """Return the schema as made from `wire`; a test holds the shipped file equal to it."""
    from poisonscan.reports.wire import WireReport

    schema: JsonObject = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://poisonscan.invalid/report/1",
        **WireReport.model_json_schema(by_alias=True),
        "title": "poisonscan.report/1",
    }
    return json.dumps(schema, indent=2) + "\n"
