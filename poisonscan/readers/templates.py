"""Rows of bare text that already carry a chat template: cut them back into turns.

Why: in a `text` column question and answer are one string, but only the answer says what the model is pulled to.
All patterns are alternations of fixed strings at fixed places, so that no row can make them slow.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from poisonscan.core.dataset import Role
from poisonscan.readers.messages import ROLE_NAMES

# A text with more markers than that is no conversation, and stays whole.
_MOST_TURNS = 5000
_TALKERS = "Human|Assistant|User|System|Instruction|Input|Response|Question|Answer|Output|Context"
_LLAMA2: dict[str, Role] = {"[INST]": "user", "[/INST]": "assistant"}


@dataclass(frozen=True, slots=True)
class Template:
    """A template: the text it cannot do without, the marker before each turn (group 1 names the role), and what closes a turn.

    `opening` says who speaks the text before the first marker.
    """

    name: str
    needs: str
    marker: re.Pattern[str]
    closing: tuple[str, ...] = ()
    opening: Role = "system"


@dataclass(frozen=True, slots=True)
class Piece:
    """One turn found in a text."""

    role: Role
    text: str


TEMPLATES: tuple[Template, ...] = (
    Template(
        "chatml",
        "<|im_start|>",
        re.compile(r"<\|im_start\|>[ ]?(system|developer|user|assistant|tool)\b[ ]?\n?"),
        ("<|im_end|>", "<|endoftext|>"),
    ),
    Template(
        "llama-3",
        "<|start_header_id|>",
        re.compile(r"<\|start_header_id\|>(system|user|assistant|ipython|tool)<\|end_header_id\|>"),
        ("<|eot_id|>", "<|begin_of_text|>", "<|end_of_text|>"),
    ),
    Template("gemma", "<start_of_turn>", re.compile(r"<start_of_turn>(user|model|system)\b"), ("<end_of_turn>", "<bos>", "<eos>")),
    Template("zephyr", "<|assistant|>", re.compile(r"<\|(system|user|assistant|tool)\|>"), ("</s>", "<|end|>", "<|endoftext|>")),
    Template("llama-2", "[/INST]", re.compile(r"(\[/?INST\])"), ("</s>", "<s>")),
    Template(
        "headings", "###", re.compile(rf"(?m)^[ ]?#{{2,3}} ?({_TALKERS})[ ]?:?[ ]?$|#{{2,3}} ?({_TALKERS}): ?"), ("</s>", "<|endoftext|>")
    ),
    Template("talkers", ":", re.compile(r"(?m)^(Human|Assistant|User|Bot|System|AI): ?"), ("</s>", "<|endoftext|>")),
    Template("questions", "A:", re.compile(r"(?m)^(Q|A): ?"), ("</s>", "<|endoftext|>"), opening="user"),
    Template("long-questions", "Answer:", re.compile(r"(?m)^(Question|Answer): ?"), ("</s>", "<|endoftext|>"), opening="user"),
)


def split(text: str) -> tuple[Piece, ...]:
    """Return the turns of `text` by the first template that yields a user and an assistant turn, () where none does."""
    for template in TEMPLATES:
        if template.needs in text:
            pieces = _merged(_pieces(text, template))
            roles = [piece.role for piece in pieces]
            if "user" in roles and "assistant" in roles[roles.index("user") :]:
                return pieces
    return ()


def _pieces(text: str, template: Template) -> list[Piece]:
    marks = list(itertools.islice(template.marker.finditer(text), _MOST_TURNS + 1))
    if not 0 < len(marks) <= _MOST_TURNS:
        return []
    pieces = []
    before = _closed(text[: marks[0].start()], template)
    if before:
        pieces.append(Piece(template.opening, before))
    for mark, following in zip(marks, [*(later.start() for later in marks[1:]), len(text)], strict=True):
        name = next(group for group in mark.groups() if group)
        role = _LLAMA2.get(name) or ROLE_NAMES[name.lower()]
        pieces.append(Piece(role, _closed(text[mark.end() : following], template)))
    return pieces


def _closed(text: str, template: Template) -> str:
    text = text.strip()
    for closing in template.closing:
        text = text.removeprefix(closing).removesuffix(closing).strip()
    return text


def _merged(pieces: list[Piece]) -> tuple[Piece, ...]:
    groups = itertools.groupby(pieces, key=lambda piece: piece.role)
    return tuple(Piece(role, "\n\n".join(piece.text for piece in group)) for role, group in groups)
