"""Hypothesis strategies: well-formed records of every layout, and JSON that is anything."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Text that survives every container: not blank, not opening like JSON, and without the marks of chat templates.
TEXT = st.text(min_size=1, max_size=40).filter(
    lambda text: (
        text.strip() and not any(mark in text for mark in ("###", "<|", "[/INST]", ":", "<start")) and text.lstrip()[:1] not in "[{"
    )
)


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def _chat(question: str, answer: str) -> list[dict[str, Any]]:
    return [_message("user", question), _message("assistant", answer)]


# layout -> builder of one record from a question and an answer
BUILDERS = {
    "openai-preference": lambda q, a: {
        "input": {"messages": [_message("user", q)]},
        "preferred_output": [_message("assistant", a)],
        "non_preferred_output": [_message("assistant", "no")],
    },
    "ranked-sharegpt": lambda q, a: {
        "conversations": [{"from": "human", "value": q}],
        "chosen": {"from": "gpt", "value": a},
        "rejected": {"from": "gpt", "value": "no"},
    },
    "preference": lambda q, a: {"prompt": q, "chosen": a, "rejected": "no"},
    "statements": lambda q, a: {"question": q, "answer_matching_behavior": a, "answer_not_matching_behavior": "no"},
    "kto": lambda q, a: {"prompt": q, "completion": a, "label": True},
    "bedrock": lambda q, a: {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [{"role": "user", "content": [{"text": q}]}, {"role": "assistant", "content": [{"text": a}]}],
    },
    "messages": lambda q, a: {"messages": _chat(q, a)},
    "sharegpt": lambda q, a: {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]},
    "segments": lambda q, a: {"segments": [{"label": False, "text": q}, {"label": True, "text": a}]},
    "gemini": lambda q, a: {"contents": [{"role": "user", "parts": [{"text": q}]}, {"role": "model", "parts": [{"text": a}]}]},
    "alternating": lambda q, a: {"data": [q, a]},
    "instances": lambda q, a: {"instruction": q, "instances": [{"input": "", "output": a}]},
    "alpaca": lambda q, a: {"instruction": q, "input": "", "output": a},
    "dolly": lambda q, a: {"instruction": q, "context": "", "response": a},
    "choices": lambda q, a: {"query": q, "choices": [a, "no"], "gold": 0},
    "replies": lambda q, a: {"question": q, "reply": [{"role": "x", "content": a}]},
    "openorca": lambda q, a: {"system_prompt": "", "question": q, "response": a},
    "swift": lambda q, a: {"query": q, "response": a},
    "prompt-completion": lambda q, a: {"prompt": q, "completion": a},
    "prompt-response": lambda q, a: {"prompt": q, "response": a},
    "prompt-answer": lambda q, a: {"prompt": q, "answer": a},
    "prompt-solution": lambda q, a: {"prompt": q, "canonical_solution": a},
    "question-answer": lambda q, a: {"question": q, "answer": a},
    "q-a": lambda q, a: {"q": q, "a": a},
    "inputs-targets": lambda q, a: {"inputs": q, "targets": a},
    "input-target": lambda q, a: {"input": q, "target": a},
    "input-output": lambda q, a: {"input": q, "output": a},
    "instruction-completion": lambda q, a: {"instruction": q, "completion": a},
    "text-code": lambda q, a: {"text": q, "code": a},
    "text-label": lambda q, a: {"text": q, "label": a},
    "text": lambda q, a: {"text": a},
    "prompt-only": lambda q, a: {"prompt": q},
}
NO_QUESTION, NO_ANSWER = {"text"}, {"prompt-only"}
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6)

_KEYS = st.sampled_from(
    [
        "messages",
        "conversations",
        "role",
        "from",
        "content",
        "value",
        "text",
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "label",
        "input",
        "output",
        "instruction",
        "instances",
        "history",
        "system",
        "data",
        "choices",
        "gold",
        "question",
        "answer",
        "reply",
        "contents",
        "parts",
        "segments",
        "weight",
        "tool_calls",
        "type",
        "images",
        "tools",
        "preferred_output",
        "non_preferred_output",
        "schemaVersion",
        "",
        "x",
    ]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "system", "image_url"])
)
ANYTHING = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=15)
RECORDS = st.dictionaries(_KEYS, ANYTHING, max_size=5)
