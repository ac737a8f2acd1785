"""`poisonscan calibrate`: null distributions from one's own trusted sets, for any scorer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonscan.cli import options as o
from poisonscan.cli.output import show
from poisonscan.cli.progress import shown_progress
from poisonscan.cli.settings_merge import merged
from poisonscan.core.errors import UsageError
from poisonscan.reports.escape import visible

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def calibrate(
    benign: Annotated[Path, typer.Option("--benign", metavar="DIR", help="A folder of sets known to be harmless, one a file or folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write; give it to `check --calibration`.")],
    scorer: o.Scorer = None,
    encoder: o.Encoder = None,
    depth: o.DepthOption = None,
    catalogue: o.Catalogue = None,
    select: o.Select = None,
    seed: o.Seed = None,
    offline: o.Offline = False,
    config: o.ConfigFile = None,
    no_progress: o.NoProgress = False,
) -> None:
    """Measure every detector on trusted sets and keep the results as the null distributions of this scorer."""
    if not benign.is_dir():
        raise UsageError(f"--benign {visible(str(benign), 300)}: not a folder; name one that holds trusted sets")
    given = {
        "scorer": scorer,
        "encoder": encoder,
        "depth": depth,
        "catalogue": catalogue,
        "select": tuple(select) if select else None,
        "seed": seed,
        "offline": offline or None,
    }
    settings = merged(given, scanned=[str(benign)], config=config).settings
    from poisonscan.bench.calibrate import calibrate_from_folder

    with shown_progress(wanted=not no_progress) as progress:
        calibrate_from_folder(benign, settings, out, progress)
    show(f"calibration written to {visible(str(out), 300)}; use it with `poisonscan check --calibration {visible(str(out), 300)}`")
