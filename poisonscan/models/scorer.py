"""The scorer: a causal language model read through log-probabilities, never through sampled prose.

Texts are tokenised piece by piece exactly as given (prefix, question, option), so the caller puts the space or line break
where it belongs: "Q: ... A:" is followed by " Berlin". What follows `chat` begins with `lead`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonscan.models.forward import Causal, Prefix
from poisonscan.models.scores import ScoreCache, score_keys
from poisonscan.models.tokens import Tokens
from poisonscan.models.tree import Continuation, pack

TREE_TOKENS = 512
BATCH_TOKENS = 1024
BATCH_ROWS = 64
DRAWS_TOGETHER = 8
MAX_PREFIX = 4096
MAX_ROW_PREFIX = 1024


class CausalScorer:
    """Scores options and answers with a transformers model (`model`) and its fast tokenizer (`tokenizer`).

    The model may be trained or get adapters between calls: scores are looked up in `known` and added to it only while weights and hooks
    are those the scorer was made with. Prefixes over MAX_PREFIX tokens
    (MAX_ROW_PREFIX for the prefix of one answer) lose their middle; control tokens in the texts are read as ordinary text.

    `together` is how many prefixes are read in one pass.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - untyped library
        tokenizer: Any,  # noqa: ANN401
        *,
        id: str,  # noqa: A002 - the protocol's name
        known: ScoreCache | None = None,
    ) -> None:
        self.id = id
        self.model = model
        self.tokenizer = tokenizer
        self._causal = Causal(model)
        self._tokens = Tokens(tokenizer)
        self.lead = self._tokens.lead
        self.together = 1 if model.device.type == "cpu" else DRAWS_TOGETHER
        self._known = known
        self._made_with = self._causal.state()

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return int(self._causal.config.num_hidden_layers)

    def chat(self, system: str, user: str) -> str:
        """Return the prompt up to the answer, in the model's own chat form, else as an interview; "" for no system text.

        The string fences its control tokens with a marker that differs from run to run: pass it on, do not store or hash it.
        """
        return self._tokens.chat(system, user)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the length in tokens of each text."""
        return [len(ids) for ids in self._tokens.encode(texts)]

    def option_logprobs(self, prefix: str, questions: Sequence[str], options: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Return, for each question asked after `prefix`, the summed log-probability in nats of each of its options, (n_options,).

        The prefix is read once, each question once; options are branches of one token tree (see `tree`). What was scored before
        after the same prefix is not scored again (see `scores`).
        """
        return self.option_logprobs_each([prefix], questions, options)[0]

    def option_logprobs_each(
        self, prefixes: Sequence[str], questions: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[NDArray[np.float32]]]:
        """As `option_logprobs` after each of `prefixes`; `together` of them share every pass."""
        read = [self._cut(ids, MAX_PREFIX) for ids in self._tokens.encode(prefixes, opening=True)]
        totals = self._remembered(read, self._continuations(questions, options)).astype(np.float32)
        ends = np.cumsum([len(of_question) for of_question in options])
        return [np.split(of_prefix, ends[:-1]) if len(ends) else [] for of_prefix in totals]

    def answer_logprobs(self, prefixes: Sequence[str], answers: Sequence[str], max_tokens: int) -> list[NDArray[np.float32]]:
        """Return, for each (prefix, answer), the log-probability in nats of each of its first `max_tokens` tokens."""
        before = [self._cut(ids, MAX_ROW_PREFIX) for ids in self._tokens.encode(prefixes, opening=True)]
        return self._answers(before, self._tokens.encode(answers), max_tokens, None)

    def answer_logprobs_shared(
        self, shared_prefix: str, prefixes: Sequence[str], answers: Sequence[str], max_tokens: int
    ) -> list[NDArray[np.float32]]:
        """As `answer_logprobs` of `shared_prefix + prefix`, with the shared part read once for all rows."""
        shared = self._cut(self._tokens.encode([shared_prefix], opening=True)[0], MAX_PREFIX)
        before = [self._cut(ids, MAX_ROW_PREFIX) for ids in self._tokens.encode(prefixes)]
        with self._causal.reading():
            known = self._causal.prefill(shared)
        return self._answers(before, self._tokens.encode(answers), max_tokens, known)

    def chat_logprobs(self, system: str, users: Sequence[str], answers: Sequence[str], max_tokens: int) -> list[NDArray[np.float32]]:
        """As `answer_logprobs` of `chat(system, user)`, with everything up to the first word of the user read once."""
        return self.answer_logprobs_shared(*self._chats(system, users, answers), max_tokens)

    def answer_states(self, users: Sequence[str], answers: Sequence[str], max_tokens: int) -> NDArray[np.float32]:
        """Return the mean hidden state, halfway up the layers, of the first `max_tokens` tokens of each answer to each user, (n, d).

        Answers follow `chat` without a system text. Nothing above the middle layer is computed. An answer without tokens has zeros.
        Raises ModelError where the middle of the model cannot be read.
        """
        shared, asked, led = self._chats("", users, answers)
        before = [self._cut(ids, MAX_ROW_PREFIX) for ids in self._tokens.encode(asked)]
        after = [ids[:max_tokens] for ids in self._tokens.encode(led)]
        states = np.zeros((len(after), int(self._causal.config.hidden_size)), np.float32)
        half = self._causal.lower(self.layers // 2)
        with self._causal.reading():
            opening = self._causal.prefill(self._tokens.encode([shared], opening=True)[0], half)
            fed = [[*b, *a] for b, a in zip(before, after, strict=True)]
            for places in _batches([len(ids) for ids in fed]):
                hidden = self._causal.batch_hidden([fed[i] for i in places], self._tokens.pad, opening, half)
                for i, of_row in zip(places, hidden, strict=True):
                    if after[i]:
                        states[i] = of_row[len(before[i]) : len(fed[i])].float().mean(dim=0).cpu().numpy()
        return states

    def _chats(self, system: str, users: Sequence[str], answers: Sequence[str]) -> tuple[str, list[str], list[str]]:
        """Return what all chats with `system` share up to the first word of the user, then each user's rest, and each answer after `lead`."""
        shared, _, rest = self._tokens.chat(system, SPLIT).partition(SPLIT)
        return shared, [user + rest for user in users], [self.lead + answer for answer in answers]

    def _remembered(self, read: Sequence[list[int]], continuations: Sequence[Continuation]) -> NDArray[np.float64]:
        """Return the score of each continuation after each prefix, (p, n): looked up where it is known, else computed and kept."""
        if self._known is None or self._causal.state() != self._made_with:
            return self._totals(read, continuations)
        keys = [score_keys(ids, continuations) for ids in read]
        found = self._known.get([key for of_prefix in keys for key in of_prefix])
        alike: dict[tuple[int, ...], list[int]] = {}
        for number, of_prefix in enumerate(keys):
            if missing := tuple(i for i, key in enumerate(of_prefix) if key not in found):
                alike.setdefault(missing, []).append(number)
        fresh: dict[bytes, float] = {}
        for missing, numbers in alike.items():
            totals = self._totals([read[number] for number in numbers], [continuations[i] for i in missing])
            fresh |= {keys[n][i]: float(totals[row, column]) for row, n in enumerate(numbers) for column, i in enumerate(missing)}
        if fresh:
            self._known.put(fresh)
            found |= fresh
        return np.asarray([[found[key] for key in of_prefix] for of_prefix in keys], np.float64).reshape(len(read), len(continuations))

    def _totals(self, read: Sequence[list[int]], continuations: Sequence[Continuation]) -> NDArray[np.float64]:
        totals = np.zeros((len(read), len(continuations)), np.float64)
        if not continuations:
            return totals
        with self._causal.reading():
            for start in range(0, len(read), self.together):
                prefixes = self._causal.prefills(read[start : start + self.together], self._tokens.pad)
                for tree in pack(continuations, TREE_TOKENS):
                    scores = self._causal.tree_logprobs(prefixes, tree)
                    at = np.arange(start, start + len(prefixes))[:, None], tree.owners[None]
                    np.add.at(totals, at, scores[:, tree.edges].astype(np.float64))
        return totals

    def _continuations(self, questions: Sequence[str], options: Sequence[Sequence[str]]) -> list[Continuation]:
        asked = self._tokens.encode(questions)
        flat = iter(self._tokens.encode([option for of_question in options for option in of_question]))
        return [
            Continuation((*question, *next(flat)), len(question))
            for question, of_question in zip(asked, options, strict=True)
            for _ in of_question
        ]

    def _answers(
        self, before: list[list[int]], answers: list[list[int]], max_tokens: int, shared: Prefix | None
    ) -> list[NDArray[np.float32]]:
        after = [ids[:max_tokens] for ids in answers]
        scores: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(after)
        scored = [row for row, ids in enumerate(after) if ids]
        with self._causal.reading():
            for places in _batches([len(before[row]) + len(after[row]) for row in scored]):
                rows = [scored[place] for place in places]
                for row, values in zip(rows, self._batch([before[r] for r in rows], [after[r] for r in rows], shared), strict=True):
                    scores[row] = values
        return scores

    def _batch(self, before: list[list[int]], after: list[list[int]], shared: Prefix | None) -> list[NDArray[np.float32]]:
        """Score one padded batch. Token j of an answer is predicted at position len(before) + j - 1; -1 is the shared prefix's end."""
        import torch

        fed = [[*b, *a[:-1]] for b, a in zip(before, after, strict=True)]
        if max(map(len, fed)):
            hidden = self._causal.batch_hidden(fed, self._tokens.pad, shared)
        else:  # one-token answers right after the shared prefix: nothing is left to read
            hidden = torch.empty((len(fed), 0, int(self._causal.config.hidden_size)), dtype=self.model.dtype, device=self.model.device)
        if shared is not None:
            hidden = torch.cat([shared.last.expand(len(fed), 1, -1), hidden], dim=1)
        lag = 0 if shared is not None else 1
        width = hidden.shape[1]
        rows = [i * width + len(b) - lag + j for i, (b, a) in enumerate(zip(before, after, strict=True)) for j in range(len(a))]
        tokens = [token for a in after for token in a]
        flat = self._causal.edge_logprobs(hidden.flatten(0, 1), np.asarray(rows, np.int64), np.asarray(tokens, np.int64))
        return np.split(flat, np.cumsum([len(a) for a in after])[:-1])

    def _cut(self, ids: list[int], limit: int) -> list[int]:
        """Take the middle out of an over-long prefix: its head holds the instructions, its tail the question."""
        room = min(limit, int(getattr(self._causal.config, "max_position_embeddings", limit) * 3 // 4))
        return ids if len(ids) <= room else ids[: room // 4] + ids[len(ids) - (room - room // 4) :]


SPLIT = "\ufdd3"  # a Unicode noncharacter: stands where the user's text will be


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield groups of indices of similar length, at most BATCH_ROWS rows and BATCH_TOKENS padded tokens each."""
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if group and (len(group) == BATCH_ROWS or (len(group) + 1) * lengths[group[0]] > BATCH_TOKENS):
            yield group
            group = []
        group.append(index)
    if group:
        yield group
