"""A set on the Hugging Face Hub, named `hf://owner/name` or `hf://owner/name:split`, streamed through the `datasets` extra."""

from __future__ import annotations

from poisonscan.core.dataset import Location
from poisonscan.core.errors import ReadError
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, Record, quoted

PREFIX = "hf://"


def read_hub(source: str, limits: Limits, *, offline: bool) -> Items:
    """Yield one record for each row of a Hub set (split "train" unless named). Code from the Hub is never run.

    Raises:
        ReadError: offline, the extra is not installed, or the Hub does not give the set.
    """
    name, _, split = source.removeprefix(PREFIX).partition(":")
    if offline:
        raise ReadError(f"{quoted(source, 200)}: needs the network, and --offline is set. Download it first and pass the folder.")
    try:
        import datasets
    except ImportError as error:
        raise ReadError(f"{quoted(source, 200)}: needs the 'hub' extra: pip install 'poisonscan[hub]'.") from error
    try:
        rows = datasets.load_dataset(name, split=split or "train", streaming=True)
        for count, value in enumerate(rows, start=1):
            if count > limits.rows:
                raise ReadError(f"{quoted(source, 200)}: more than {limits.rows:,} rows. Download a part of it and pass the file.")
            yield Record(Location(source, record=count), value)
    except (OSError, ValueError, RuntimeError) as error:
        raise ReadError(f"{quoted(source, 200)}: the Hub did not give it ({quoted(error, 160)}). Check the name and the split.") from error
