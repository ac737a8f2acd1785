"""parquet, arrow and feather files: columns to records, a small batch at a time.

Why columns are left out: pictures, sound and vectors hold no text, and one batch of them can fill the memory; they are named in the notes.
Why nothing is memory-mapped: a file that shrinks under a map kills the process; a file that shrinks under a read is an error we can report.
Binary cells are only ever decoded as UTF-8; nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from poisonscan.core.dataset import Location
from poisonscan.core.errors import ReadError
from poisonscan.readers.archives import is_packed
from poisonscan.readers.blobs import Blob
from poisonscan.readers.column_names import KNOWN_COLUMNS
from poisonscan.readers.limits import Limits
from poisonscan.readers.records import Items, Record, quoted

if TYPE_CHECKING:
    import pyarrow as pa

LEFT_OUT = "column not scanned: "
_BATCH = 512


def read_parquet(blob: Blob, limits: Limits) -> Items:
    """Yield one record for each row of a parquet file.

    Raises:
        ReadError: damaged, encrypted, packed once more, or claiming more rows than the limits allow.
    """
    import pyarrow.parquet as pq

    with blob.open() as stream:
        if is_packed(stream.read(4)):
            raise ReadError(f"{quoted(blob.name, 200)}: a packed table. Unpack it first; parquet and arrow have their own compression.")
        stream.seek(0)
        try:
            file = pq.ParquetFile(stream, memory_map=False, buffer_size=1 << 16, pre_buffer=False)
            _check_rows(file.metadata.num_rows, blob, limits)
            names, facts = _columns(file.schema_arrow)
            yield from _records(file.iter_batches(batch_size=_BATCH, columns=names), facts, blob)
        except _arrow_errors() as error:
            raise _damaged(blob, error) from error


def read_arrow(blob: Blob, limits: Limits) -> Items:
    """Yield one record for each row of an arrow stream or file (feather 2).

    Raises:
        ReadError: damaged, or more rows than the limits allow.
    """
    import pyarrow as pa

    with blob.open() as stream:
        try:
            reader = _arrow_reader(stream)
            names, facts = _columns(reader.schema)
            batches = (
                piece
                for batch in _arrow_batches(reader)
                for piece in _pieces(pa.RecordBatch.from_arrays([batch.column(name) for name in names], names=names), blob, limits)
            )
            yield from _records(batches, facts, blob)
        except _arrow_errors() as error:
            raise _damaged(blob, error) from error


def _records(batches: Iterator[Any], facts: tuple[str, ...], blob: Blob) -> Items:
    count = 0
    for batch in batches:
        for value in batch.to_pylist():
            count += 1
            yield Record(Location(blob.name, record=count), value, facts if count == 1 else ())


def _pieces(batch: pa.RecordBatch, blob: Blob, limits: Limits) -> Iterator[pa.RecordBatch]:
    batch.validate(full=True)
    _check_rows(batch.num_rows, blob, limits)
    for start in range(0, batch.num_rows, _BATCH):
        yield batch.slice(start, _BATCH)


def _arrow_reader(stream: Any) -> Any:  # noqa: ANN401  (pyarrow has no types)
    import pyarrow as pa

    magic = stream.read(6)
    stream.seek(0)
    return pa.ipc.open_file(stream) if magic == b"ARROW1" else pa.ipc.open_stream(stream)


def _arrow_batches(reader: Any) -> Iterator[Any]:  # noqa: ANN401  (pyarrow has no types)
    if hasattr(reader, "num_record_batches"):
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)
    else:
        yield from reader


def _columns(schema: Any) -> tuple[list[str], tuple[str, ...]]:  # noqa: ANN401  (pyarrow has no types)
    """Return the columns worth reading and a fact for each one left out."""
    kept = [field.name for field in schema if _may_hold_text(field)]
    left_out = [field.name for field in schema if field.name not in set(kept)]
    return kept, tuple(LEFT_OUT + quoted(name) for name in left_out)


def _may_hold_text(field: Any) -> bool:  # noqa: ANN401  (pyarrow has no types)
    import pyarrow as pa

    kind = field.type
    if _is_binary(kind):
        return field.name.lower() in KNOWN_COLUMNS
    if pa.types.is_struct(kind):
        return not any(_is_binary(kind.field(i).type) for i in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = kind.value_type
        return not pa.types.is_floating(inner) and _may_hold_text(pa.field("element", inner))
    return True


def _is_binary(kind: Any) -> bool:  # noqa: ANN401  (pyarrow has no types)
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _check_rows(count: int, blob: Blob, limits: Limits) -> None:
    if count > limits.rows or count < 0:
        raise ReadError(
            f"{quoted(blob.name, 200)}: claims {count:,} rows; at most {limits.rows:,} are read. "
            "Split the set, or check where the file comes from."
        )


def _damaged(blob: Blob, error: Exception) -> ReadError:
    return ReadError(f"{quoted(blob.name, 200)}: damaged or not readable as a table ({quoted(error, 160)}). Write or fetch it again.")


def _arrow_errors() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OSError, KeyError, ValueError, OverflowError, UnicodeDecodeError)
