"""jsonl: one object a line, for programs that stream: first the scan, then what was found, cleared, skipped and unreadable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poisonscan.core.report import Report
from poisonscan.reports.json_report import JsonObject, dumped, to_json_dict

_LISTS = {"findings": "finding", "cleared": "cleared", "skipped": "skipped", "unreadable": "unreadable"}
_HEAD = ("schema", "tool", "dataset", "outcome", "score", "timings")


def render_jsonl(reports: Sequence[Report]) -> str:
    """Return one line per scan, finding, cleared, skipped and unreadable entry; `type` says which, `path` of which set."""
    return "".join(dumped(entry) + "\n" for report in reports for entry in _entries(report))


def _entries(report: Report) -> Iterator[JsonObject]:
    whole = to_json_dict(report)
    yield {"type": "scan", **{key: whole[key] for key in _HEAD}}
    for key, kind in _LISTS.items():
        items = whole[key]
        if isinstance(items, list):
            yield from ({"type": kind, "path": report.dataset.path, **item} for item in items)
