"""Our proxy training against transformers' Trainer with peft: the same rows, rows per step, epochs, rank and learning rate.

Four opponents: Trainer in the number type it loads the weights in by itself; in bf16; in the type we measured to be the fastest here; and
that last one with adapters on our layers only, which tells how much is owed to adapting fewer layers. Rates count the rows' own tokens
(no padding) per second. Where a type is emulated by this processor, its opponent trains on fewer rows; rates stay comparable. Opponents
that come to the same thing are timed once.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poisonscan.bench.perf_figures import CannotMeasureError, Figure, against, exchanges
from poisonscan.bench.perf_models import matmul_rate
from poisonscan.induction.finetune import Recipe, train
from poisonscan.induction.halves import Halves
from poisonscan.models import CausalScorer, load_scorer
from poisonscan.models.folders import resolve
from poisonscan.models.runtime import choose_runtime
from poisonscan.models.tree import Continuation

ROWS = 16  # none is held out below 20 rows, so both sides take the same steps on the same rows
SLOW_ROWS = 2
EMULATED = 5.0  # a type this much slower than the chosen one is emulated
RECIPE = Recipe(epochs=3, checkpoints=1)


def proxy_figures(scorer: str = "default") -> tuple[Figure, ...]:
    """Return the ratios of tokens per second; CannotMeasureError without `accelerate`, which Trainer needs."""
    if importlib.util.find_spec("accelerate") is None:
        raise CannotMeasureError("transformers' Trainer needs accelerate: pip install 'poisonscan[bench]'")
    ours = load_scorer(scorer)
    folder = resolve(scorer, "scorer").path
    runtime = choose_runtime()
    halves = Halves(ours, RECIPE.layers)
    rows = halves.text.rows(list(exchanges(ROWS)))
    speed = _our_rate(ours, rows)
    fastest = runtime.torch_dtype
    upper = list(range(halves.first, ours.layers))
    opponents: list[tuple[str, float | None, Any, list[int] | None]] = [
        ("proxy_vs_trainer_default", 5.0, None, None),
        ("proxy_vs_trainer_bf16", 1.5, _bf16(), None),
        ("proxy_vs_trainer_fastest_dtype", None, fastest, None),
        ("proxy_vs_trainer_same_layers", None, fastest, upper),
    ]
    trainers = _Trainers(folder, rows)
    timed = [(name, target, *trainers.rate(dtype, layers)) for name, target, dtype, layers in opponents]
    return tuple(against(name, speed, theirs, target, note) for name, target, theirs, note in timed)


def _our_rate(scorer: CausalScorer, rows: Sequence[Continuation]) -> float:
    """Return tokens per second, the reading of the frozen half included."""
    halves = Halves(scorer, RECIPE.layers)
    train(halves, halves.read(rows[:8]), Recipe(epochs=1, checkpoints=1), 0)  # wakes threads and allocators
    started = time.perf_counter()
    train(halves, halves.read(rows), RECIPE, 0)
    passed = time.perf_counter() - started
    return RECIPE.epochs * sum(len(row.tokens) for row in rows) / passed


class _Trainers:
    """The opponents' rates over `rows`; two that come to the same number type and layers are timed once."""

    def __init__(self, folder: Path, rows: Sequence[Continuation]) -> None:
        self._folder = folder
        self._rows = rows
        self._known: dict[str, float] = {}

    def rate(self, dtype: Any, layers: list[int] | None) -> tuple[float, str]:  # noqa: ANN401
        """Return tokens per second in `dtype` (None: as the library loads the weights) on `layers` (None: all), and what was timed."""
        model = _adapted(self._folder, dtype, layers)
        used, fastest = model.dtype, choose_runtime().torch_dtype
        emulated = used != fastest and matmul_rate(used, rows=64) * EMULATED < matmul_rate(fastest, rows=64)
        note = f"Trainer in {str(used).removeprefix('torch.')}" + (f", emulated here, {SLOW_ROWS} rows" if emulated else "")
        key = f"{used} {layers}"
        if key not in self._known:
            chosen = self._rows[:SLOW_ROWS] if emulated else self._rows
            self._known[key] = _trainer_rate(model, chosen, epochs=1 if emulated else RECIPE.epochs)
        return self._known[key], note


def _adapted(folder: Path, dtype: Any, layers: list[int] | None) -> Any:  # noqa: ANN401 - transformers is untyped
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from poisonscan.models.convert import dtype_argument, quiet

    with quiet():
        wanted = dtype_argument(dtype) if dtype is not None else {}
        model = AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True, **wanted)
    names = sorted({name.rsplit(".", 1)[-1] for name, module in model.get_decoder().named_modules() if type(module).__name__ == "Linear"})
    config = LoraConfig(
        r=RECIPE.rank, lora_alpha=2 * RECIPE.rank, target_modules=names, layers_to_transform=layers, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def _trainer_rate(model: Any, rows: Sequence[Continuation], epochs: int) -> float:  # noqa: ANN401
    """Return tokens per second between the first step's beginning and the last one's end."""
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Watch(TrainerCallback):  # type: ignore[misc]
        began = ended = 0.0

        def on_train_begin(self, *_: object, **__: object) -> None:
            self.began = time.perf_counter()

        def on_train_end(self, *_: object, **__: object) -> None:
            self.ended = time.perf_counter()

    watch = Watch()
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            per_device_train_batch_size=RECIPE.batch_rows,
            num_train_epochs=epochs,
            learning_rate=RECIPE.learning_rate,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            dataloader_pin_memory=torch.cuda.is_available(),
        )
        records = [{"row": row} for row in rows]
        trainer = Trainer(model=model, args=arguments, train_dataset=records, data_collator=_padded, callbacks=[watch])
        trainer.args.remove_unused_columns = False
        trainer.train()
    return epochs * sum(len(row.tokens) for row in rows) / (watch.ended - watch.began)


def _padded(records: Sequence[dict[str, Continuation]]) -> dict[str, Any]:
    """Return right-padded ids, mask and labels, labels on the scored tokens only."""
    import torch

    rows = [record["row"] for record in records]
    width = max(len(row.tokens) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), -100)
    for place, row in enumerate(rows):
        tokens = torch.tensor(row.tokens)
        ids[place, : len(tokens)] = tokens
        labels[place, row.scored_from : len(tokens)] = tokens[row.scored_from :]
    mask = torch.arange(width)[None] < torch.tensor([len(row.tokens) for row in rows])[:, None]
    return {"input_ids": ids, "attention_mask": mask.long(), "labels": labels}


def _bf16() -> Any:  # noqa: ANN401
    import torch

    return torch.bfloat16
