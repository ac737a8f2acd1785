"""From the packed form to what is loaded at each start: bf16 safetensors and a fast tokenizer.

Why once: reading a GGUF takes tens of seconds, the converted folder under two. bf16 halves the disk and keeps more than the four bits
the weights were stored in.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

from poisonscan.core.errors import ModelError


def convert_gguf(source: Path, name: str, target: Path) -> None:
    """Write the model in `source / name` to `target` as a transformers folder; ModelError where it cannot be read."""
    with quiet():
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(str(source), gguf_file=name)
            model = AutoModelForCausalLM.from_pretrained(str(source), gguf_file=name, **dtype_argument(torch.bfloat16), **_dequantise())
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, IndexError, struct.error) as error:
            raise ModelError(f"{name} could not be converted: {error}. Check the installed versions of transformers and gguf") from error
        model.save_pretrained(str(target), safe_serialization=True)
        tokenizer.save_pretrained(str(target))


def dtype_argument(dtype: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the argument that sets the dtype: it was renamed in transformers 4.56."""
    import transformers

    major, minor = (int(part) for part in transformers.__version__.split(".")[:2])
    return {"dtype" if (major, minor) >= (4, 56) else "torch_dtype": dtype}


def _dequantise() -> dict[str, Any]:
    """Return the argument that asks for plain weights: transformers 5 keeps them packed unless told, older releases never did."""
    try:
        from transformers import GgufConfig
    except ImportError:
        return {}
    return {"quantization_config": GgufConfig(dequantize=True)}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' own bars and notes off the terminal for the block: progress is ours to tell."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(), _bars_off():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _bars_off() -> Iterator[None]:
    """Make tqdm's bars mute for the block: the GGUF reader draws one whatever the library was told."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    drawn: Any = tqdm.__init__
    tqdm.__init__ = partialmethod(drawn, disable=True)
    try:
        yield
    finally:
        tqdm.__init__ = drawn
