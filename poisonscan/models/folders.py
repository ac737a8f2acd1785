"""Which model a name stands for: "default", an asset of ours, a local folder, a GGUF file, or a Hub id; and the id it is reported under."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from poisonscan.core.errors import ModelError
from poisonscan.core.protocols import Progress, Silent
from poisonscan.models.assets import DEFAULT_ENCODER, DEFAULT_SCORER, find_asset
from poisonscan.models.weights import convert_file, hub_offline, obtain

HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that can be loaded, and the id (name@digest) that names these very weights."""

    path: Path
    id: str


def resolve(
    name: str, kind: Literal["scorer", "encoder"], *, cache: Path | None = None, offline: bool = False, progress: Progress | None = None
) -> ModelFolder:
    """Return the folder of the model called `name`, fetching it where needed and allowed.

    Raises:
        ModelError: no such model, or it cannot be fetched.
    """
    asset = (DEFAULT_SCORER if kind == "scorer" else DEFAULT_ENCODER) if name == "default" else find_asset(name)
    if asset is not None:
        if asset.kind != kind:
            raise ModelError(f"{asset.title} is no {kind} but a {asset.kind}; see `poisonscan models list`")
        return ModelFolder(obtain(asset, cache=cache, offline=offline, progress=progress), asset.model_id)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelFolder(folder, f"{folder.resolve().name}@{weights_digest(folder)}")
    if folder.suffix == ".gguf" and folder.is_file():
        if kind != "scorer":
            raise ModelError(f"{folder} is a GGUF file, which only a scorer can be read from; give an encoder as a folder or Hub id")
        return ModelFolder(*convert_file(folder, cache=cache, progress=progress))
    return _from_hub(name, offline=offline or hub_offline(), progress=progress or Silent())


def weights_digest(folder: Path) -> str:
    """Return the first 12 hex digits of the blake2b digest over the names and bytes of the safetensors files of a folder."""
    digest = blake2b()
    files = sorted(folder.rglob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder} holds no .safetensors weights; other formats can run code when loaded and are not read")
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode())
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]


def known_dimension(folder: Path) -> int | None:
    """Return the dimension of a sentence encoder's vectors from its folder, None where only the loaded model can tell.

    It is the pooling layer's where nothing but a normalisation follows that layer.
    """
    try:
        modules = json.loads((folder / "modules.json").read_bytes())
        kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
        if "Pooling" not in kinds or set(kinds[kinds.index("Pooling") + 1 :]) - {"Normalize"}:
            return None
        pooling = json.loads((folder / str(modules[kinds.index("Pooling")]["path"]) / "config.json").read_bytes())
        several = [name for name, chosen in pooling.items() if name.startswith("pooling_mode_") and chosen is True]
        return int(pooling["word_embedding_dimension"]) if len(several) <= 1 else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _from_hub(name: str, *, offline: bool, progress: Progress) -> ModelFolder:
    from huggingface_hub import snapshot_download

    progress.stage(f"fetching {name} from the model hub", 1)
    try:
        snapshot = Path(snapshot_download(name, allow_patterns=HUB_FILES, local_files_only=offline))
    except (OSError, ValueError) as error:  # the hub client's own errors derive from these
        reason = "fetching is off and it is not cached" if offline else str(error).splitlines()[0]
        raise ModelError(f"{name} is neither a folder, nor a .gguf file, nor one of ours (`poisonscan models list`), nor to be had: {reason}") from error
    progress.advance()
    return ModelFolder(snapshot, f"{name}@{snapshot.name[:12]}")
