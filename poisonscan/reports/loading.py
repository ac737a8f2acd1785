"""json back to `Report`. A report is input like any other: what does not fit is named, never guessed."""

from __future__ import annotations

import json
from pathlib import Path

from poisonscan.core.errors import UsageError
from poisonscan.core.report import SCHEMA, Report
from poisonscan.reports.escape import visible
from poisonscan.reports.json_report import SEVERAL

_BYTES = 512 * 1024 * 1024


def load_report(path: str | Path) -> Report:
    """Read one json report. Raises UsageError naming file and key where it is not one, or holds several."""
    reports = load_reports(path)
    if len(reports) != 1:
        raise UsageError(f"{visible(str(path))}: holds {len(reports)} reports where one is expected; scan the sets one by one")
    return reports[0]


def load_reports(path: str | Path) -> tuple[Report, ...]:
    """Read a json report, or a file of several made by one `check`. Raises UsageError naming file and key."""
    shown = visible(str(path), 400)
    value = _parsed(Path(path), shown)
    if isinstance(value, dict) and value.get("schema") == SEVERAL and isinstance(value.get("reports"), list):
        return tuple(from_json_dict(item, shown) for item in value["reports"])
    return (from_json_dict(value, shown),)


def from_json_dict(value: object, shown: str = "report") -> Report:
    """Return the report `to_json_dict` made `value` from. Raises UsageError naming the first key that does not fit."""
    from pydantic import ValidationError

    from poisonscan.reports.wire import WireReport

    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise UsageError(f'{shown}: not a poisonscan report: no "schema": "{SCHEMA}". Write one with `poisonscan check --output json=FILE`')
    try:
        return WireReport.model_validate(value).core()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = visible(".".join(str(part) for part in first["loc"]))
        raise UsageError(f"{shown}: {where}: {visible(first['msg'])}. Scan the set again with this version") from error


def _parsed(path: Path, shown: str) -> object:
    try:
        if path.stat().st_size > _BYTES:
            raise UsageError(f"{shown}: larger than {_BYTES} bytes, so not a report of ours")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{shown}: cannot be read ({error.strerror}). Write one with `poisonscan check --output json=FILE`") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown}: not JSON. Write a report with `poisonscan check --output json=FILE`") from error
