"""sarif 2.1.0: one run for each set, one result for each finding, its heaviest rows as related locations.

Why one result a finding and not one a row: the finding is about the rows together; a thousand results would each say what none of
them shows, and code scanning cuts off at 5,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote

from poisonscan.core.dataset import Location as Place
from poisonscan.core.evidence import Finding, RowShare
from poisonscan.core.report import Report
from poisonscan.reports import sarif_model as sarif
from poisonscan.reports import wording
from poisonscan.reports.escape import visible
from poisonscan.reports.identity import finding_key
from poisonscan.reports.json_report import dumped, finite

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_INFORMATION = "https://arxiv.org/abs/2512.09742"
_RELATED = 50
_LEVELS: dict[str, sarif.Level] = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# code scanning sorts by this number: above 9 critical, 7 high, 4 medium, below that low
_SECURITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.0"}
_RANKS = {"low": 30.0, "medium": 60.0, "high": 90.0}


def render_sarif(reports: Sequence[Report]) -> str:
    """Return the log as JSON."""
    log = sarif.Log(runs=[_run(report) for report in reports])
    body = log.model_dump(by_alias=True, exclude_none=True)
    return dumped({"$schema": _SCHEMA, **body}, indent=2) + "\n"


def _run(report: Report) -> sarif.Run:
    rules = _rules(report)
    order = {rule.id: number for number, rule in enumerate(rules)}
    return sarif.Run(
        tool=sarif.Tool(
            driver=sarif.Driver(name="poisonscan", version=visible(report.tool.version, 40), information_uri=_INFORMATION, rules=rules)
        ),
        invocations=[sarif.Invocation(execution_successful=report.outcome != "incomplete", tool_execution_notifications=_gaps(report))],
        results=[_result(report, finding, order[visible(finding.code, 20)]) for finding in report.findings],
        properties={
            "outcome": report.outcome,
            "score": finite(report.score),
            "verdict": wording.verdict(report),
            "datasetDigest": report.dataset.digest,
            "rows": report.dataset.rows,
            "catalogue": report.tool.catalogue,
            "scorer": visible(report.tool.scorer),
            "encoder": visible(report.tool.encoder),
            "calibrated": report.tool.calibrated,
        },
    )


def _rules(report: Report) -> list[sarif.Rule]:
    rules: dict[str, sarif.Rule] = {}
    for finding in report.findings:
        code = visible(finding.code, 20)
        rules.setdefault(code, _rule(code, finding.detector, visible(finding.title, 200), finding.severity))
    others = [(entry.code, entry.detector) for entry in report.cleared] + [(entry.code, entry.detector) for entry in report.skipped]
    for code, detector in others:
        rules.setdefault(visible(code, 20), _rule(visible(code, 20), detector, visible(detector, 80), "info"))
    return [rules[code] for code in sorted(rules)]


def _rule(code: str, detector: str, title: str, severity: str) -> sarif.Rule:
    return sarif.Rule(
        id=code,
        name=visible(detector, 80),
        short_description=sarif.Message(text=title),
        default_configuration=sarif.Configuration(level=_LEVELS[severity]),
        properties={"security-severity": _SECURITY[severity]},
    )


def _result(report: Report, finding: Finding, rule_index: int) -> sarif.Result:
    infos = {row.index: row for row in report.rows}
    top = sorted(finding.rows, key=lambda share: (-share.share, share.row))[:_RELATED]
    places = [(share, infos[share.row].location) for share in top if share.row in infos]
    first = _location(places[0][1]) if places else _location(Place(report.dataset.path))
    return sarif.Result(
        rule_id=visible(finding.code, 20),
        rule_index=rule_index,
        level=_LEVELS[finding.severity],
        message=sarif.Message(text=wording.sentence(finding)),
        locations=[first],
        related_locations=[_related(number, share, place) for number, (share, place) in enumerate(places, start=1)],
        partial_fingerprints={"poisonscan/v1": finding_key(report, finding)},
        rank=_RANKS[finding.confidence],
        properties={
            "severity": finding.severity,
            "confidence": finding.confidence,
            "scope": finding.scope,
            "stage": visible(finding.stage, 40),
            "slice": visible(finding.slice.name),
            "sliceRows": len(finding.slice),
            "p": finite(finding.p),
            "effect": wording.effect_text(finding.effect),
            "named": [f"{visible(named.kind, 30)}: {visible(named.value, 80)}" for named in finding.named],
        },
    )


def _related(number: int, share: RowShare, place: Place) -> sarif.Location:
    note = sarif.Message(text=f"row {share.row} carries {share.share:.1%} of the evidence")
    return _location(place).model_copy(update={"id": number, "message": note})


def _location(place: Place) -> sarif.Location:
    line = place.line or place.record
    region = sarif.Region(start_line=line) if line else None
    return sarif.Location(
        physical_location=sarif.PhysicalLocation(artifact_location=sarif.ArtifactLocation(uri=file_uri(place.file)), region=region)
    )


def file_uri(file: str) -> str:
    """Return a relative URI reference for a relative path, a file URI for an absolute one; Windows paths too."""
    windows = PureWindowsPath(file)
    path: PurePath = windows if windows.drive or "\\" in file else PurePosixPath(file)
    text = path.as_posix()
    encoded = quote(text.encode("utf-8", "surrogatepass"), safe="/")
    if windows.drive:
        return "file:///" + quote(text.encode("utf-8", "surrogatepass"), safe="/:").lstrip("/")
    return f"file://{encoded}" if path.is_absolute() else encoded


def _gaps(report: Report) -> list[sarif.Notification]:
    skipped = [
        sarif.Notification(
            level="warning" if entry.limits else "note",
            message=sarif.Message(text=f"not looked at: {visible(entry.detector, 80)}: {visible(entry.reason, 300)}"),
            associated_rule=sarif.Descriptor(id=visible(entry.code, 20)),
        )
        for entry in report.skipped
    ]
    unreadable = [
        sarif.Notification(
            level="warning",
            message=sarif.Message(text=f"unreadable: {visible(entry.reason, 300)}"),
            locations=[_location(entry.location)],
        )
        for entry in report.unreadable
    ]
    return skipped + unreadable
