"""The vendor table as terminal text, as one HTML page and as Parquet."""

from __future__ import annotations

from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path

from poisonscan.batch.vendors import SetLine, VendorLine, VendorTable
from poisonscan.core.errors import UsageError
from poisonscan.reports.escape import visible
from poisonscan.reports.formats import write_text
from poisonscan.reports.html import content_policy
from poisonscan.reports.wording import number

_SETS_SHOWN = 20


def table_text(table: VendorTable) -> str:
    """Return the vendors, and the sets with the smallest q, 80 columns wide."""
    lines = [f"{'vendor':24} {'sets':>5} {'seen':>5} {'flagged':>7}  {'rate [95 %]':20} {'q':>9}"]
    lines += [_vendor_text(line) for line in table.vendors]
    lines += ["", f"sets by q (false-discovery rate {table.level:g})"]
    for line in table.sets[:_SETS_SHOWN]:
        mark = "*" if line.flagged else " "
        lines.append(f"{mark} q {number(line.q):>8}  score {number(line.score):>5}  {line.outcome:10} {visible(line.path, 120)}")
        if line.error:
            lines.append(f"    {visible(line.error, 200)}")
    if len(table.sets) > _SETS_SHOWN:
        lines.append(f"  and {len(table.sets) - _SETS_SHOWN} more (--parquet, --html)")
    return "\n".join(lines) + "\n"


def table_html(table: VendorTable) -> str:
    """Return one self-contained page under the same policy as the report on one set."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style = (files("poisonscan.reports") / "page.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(visible=visible, number=number)
    template = environment.from_string((files("poisonscan.batch") / "vendors.html.j2").read_text(encoding="utf-8"))
    page = template.render(table=table, style=Markup(style), policy=content_policy(style))  # noqa: S704 - our own file
    return page + "\n"


def write_table(table: VendorTable, place: Path) -> None:
    """Write the table by its suffix: .html, .parquet (one line a set), anything else text. Raises UsageError where it cannot be written."""
    if place.suffix.lower() == ".parquet":
        _write_parquet(table, place)
    else:
        write_text(place, table_html(table) if place.suffix.lower() in (".html", ".htm") else table_text(table))


def _write_parquet(table: VendorTable, place: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"str": pa.string(), "float": pa.float64(), "int": pa.int64(), "bool": pa.bool_()}
    schema = pa.schema([(field.name, kinds[str(field.type)]) for field in fields(SetLine)])
    temporary = place.with_name(f".{place.name}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([asdict(line) for line in table.sets], schema=schema), temporary)
        temporary.replace(place)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"{visible(str(place), 300)}: cannot be written ({error.strerror}). Choose another place") from error


def _vendor_text(line: VendorLine) -> str:
    rate = f"{line.rate:.2f} [{line.low:.2f}, {line.high:.2f}]" if line.looked_at else "not looked at"
    return f"{visible(line.vendor, 24):24} {line.sets:5} {line.looked_at:5} {line.flagged:7}  {rate:20} {number(line.q):>9}"
