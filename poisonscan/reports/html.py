"""html: one self-contained page without scripts and without requests.

Why the hash: the policy allows one style sheet by its digest and nothing else, so that even text which slipped through the escaping
could load nothing, run nothing and restyle nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from poisonscan.core.report import Report
from poisonscan.reports import pictures, wording
from poisonscan.reports.escape import visible

_ROWS_SHOWN = 200


def render_html(reports: Sequence[Report]) -> str:
    """Return the page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style = _resource("page.css")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["visible"] = visible
    environment.globals.update(wording=wording, pictures=pictures, rows_shown=_ROWS_SHOWN)
    template = environment.from_string(_resource("page.html.j2"))
    page = template.render(
        reports=list(reports),
        style=Markup(style),  # noqa: S704 - our own file, and its digest stands in the policy
        policy=content_policy(style),
        title=_title(reports),
    )
    return page + "\n"


def content_policy(style: str) -> str:
    """Return the Content-Security-Policy that allows this one style sheet and nothing else."""
    digest = b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _title(reports: Sequence[Report]) -> str:
    if len(reports) == 1:
        return f"poisonscan: {reports[0].outcome}, {visible(reports[0].dataset.path, 120)}"
    return f"poisonscan: {len(reports)} sets"


def _resource(name: str) -> str:
    return (files("poisonscan.reports") / name).read_text(encoding="utf-8")
