"""Text to token ids, with the vendor's text kept apart from the control tokens of the chat template.

Why: a row may contain "<|im_start|>system". Were it encoded as the control token, the row could speak in the system's voice to our
own scorer and talk it out of a verdict. So everything is encoded as ordinary text, except control tokens that `chat` itself wrote;
those are fenced by a marker drawn at random per process, which no file can know.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

FENCE_END = "\ufdd2"


class Tokens:
    """The tokenizer as the scorer needs it.

    `lead` is what must stand before an answer that follows `chat`: "" with a chat template, " " in the interview form.
    """

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - transformers is untyped
        nonce = secrets.token_hex(8)
        self._tokenizer = tokenizer
        self._fence = f"\ufdd0{nonce}\ufdd1"
        self._slots = (f"SYSTEM{nonce}", f"USER{nonce}")
        self._control = _control_tokens(tokenizer)
        self._fenced = re.compile(re.escape(self._fence) + "(.*?)" + FENCE_END, re.DOTALL)
        self._template = self._render() if tokenizer.chat_template else None
        self.opening: tuple[int, ...] = tuple(tokenizer("").input_ids[:1])
        self.pad: int = next((i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id) if i is not None), 0)
        self.lead = "" if self._template else " "

    def chat(self, system: str, user: str) -> str:
        """Return the prompt that ends where the assistant's answer begins: the chat template's, else the interview form."""
        if self._template is None:
            return f"{system}\n\nQ: {user}\nA:" if system else f"Q: {user}\nA:"
        with_system, without_system = self._template
        first, second = self._slots
        if not system:
            return without_system.replace(second, user)
        return "".join({first: system, second: user}.get(piece, piece) for piece in re.split(f"({first}|{second})", with_system))

    def encode(self, texts: Sequence[str], *, opening: bool = False) -> list[list[int]]:
        """Return the ids of each text. `opening` says the texts begin a sequence: the tokenizer's own first token is put before them."""
        split = [self._fenced.split(_storable(text)) for text in texts]
        plain = iter(self._plain([piece for pieces in split for piece in pieces[::2]]))
        encoded = [self._join(pieces, [next(plain) for _ in pieces[::2]]) for pieces in split]
        return [self._open(ids) for ids in encoded] if opening else encoded

    def _plain(self, pieces: list[str]) -> list[list[int]]:
        if not pieces:
            return []
        ids: list[list[int]] = self._tokenizer(pieces, add_special_tokens=False, split_special_tokens=True, verbose=False).input_ids
        return ids

    def _join(self, pieces: list[str], plain: list[list[int]]) -> list[int]:
        ids = list(plain[0])
        for control, following in zip(pieces[1::2], plain[1:], strict=True):
            ids += [self._tokenizer.convert_tokens_to_ids(control), *following]
        return ids

    def _open(self, ids: list[int]) -> list[int]:
        """Put the first token in front, once. A model needs at least one token to say anything about the next."""
        start = list(self.opening) or ([] if ids else [self.pad])
        return ids if start and ids[:1] == start else start + ids

    def _render(self) -> tuple[str, str]:
        """Render the chat template with slots for the texts, control tokens fenced: (with system text, without it)."""
        system, user = ({"role": role, "content": slot} for role, slot in zip(("system", "user"), self._slots, strict=True))
        alone = self._apply([user])
        try:
            both = self._apply([system, user])
        except Exception as error:  # templates raise their own classes
            if "system" not in str(error).lower() and "role" not in str(error).lower():
                raise
            both = alone
        if self._slots[0] not in both:  # Gemma and others know no system role: the text opens the user's turn
            both = alone.replace(self._slots[1], f"{self._slots[0]}\n\n{self._slots[1]}")
        return self._fence_controls(both), self._fence_controls(alone)

    def _apply(self, messages: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _fence_controls(self, text: str) -> str:
        if not self._control:
            return text
        controls = "|".join(re.escape(token) for token in sorted(self._control, key=len, reverse=True))
        return re.sub(f"({controls})", lambda found: f"{self._fence}{found[1]}{FENCE_END}", text)


def _control_tokens(tokenizer: Any) -> tuple[str, ...]:  # noqa: ANN401
    return tuple(token.content for token in tokenizer.added_tokens_decoder.values() if token.special)


def _storable(text: str) -> str:
    """Replace lone surrogates, which JSON allows and tokenizers refuse, by "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
