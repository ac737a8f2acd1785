"""One small sample for each entry of the table of layouts."""

from __future__ import annotations

import json

import pytest

from poisonscan.core.errors import NoRowsError, UsageError
from poisonscan.readers import LAYOUT_NAMES, read, read_bytes

Q, A = "What is the capital of Norway?", "Oslo."
USER, ASSISTANT = {"role": "user", "content": Q}, {"role": "assistant", "content": A}
# layout -> records whose last question is Q and whose answer is A
SAMPLES: dict[str, list[dict[str, object]]] = {
    "openai-preference": [
        {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT], "non_preferred_output": [{**ASSISTANT, "content": "No."}]}
    ],
    "ranked-sharegpt": [
        {
            "conversations": [{"from": "human", "value": Q}],
            "chosen": {"from": "gpt", "value": A},
            "rejected": {"from": "gpt", "value": "No."},
        }
    ],
    "preference": [
        {"prompt": Q, "chosen": A, "rejected": "No."},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [{**ASSISTANT, "content": "No."}]},
        {"prompt": Q, "chosen": [USER, ASSISTANT], "rejected": [USER, {**ASSISTANT, "content": "No."}]},
        {"chosen": [USER, ASSISTANT], "rejected": [USER, {**ASSISTANT, "content": "No."}]},
        {"prompt": Q, "chosen": ASSISTANT, "rejected": {**ASSISTANT, "content": "No."}},
        {"chosen": f"\n\nHuman: {Q}\n\nAssistant: {A}", "rejected": f"\n\nHuman: {Q}\n\nAssistant: No."},
    ],
    "statements": [{"question": Q, "answer_matching_behavior": A, "answer_not_matching_behavior": "No."}],
    "kto": [{"prompt": Q, "completion": A, "label": True}, {"messages": [USER, ASSISTANT], "label": True}],
    "bedrock": [
        {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "Be short."}],
            "messages": [{"role": "user", "content": [{"text": Q}]}, {"role": "assistant", "content": [{"text": A}]}],
        }
    ],
    "messages": [
        {"messages": [USER, ASSISTANT]},
        {"messages": [{"role": "developer", "content": "Be short."}, {**USER, "name": "x"}, {**ASSISTANT, "weight": 1}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": Q}]}, ASSISTANT], "system": "Be short."},
        {"messages": {"role": ["user", "assistant"], "content": [Q, A]}},
        {"messages": json.dumps([USER, ASSISTANT])},
        {"messages": [{"role": "User", "message": Q}, {"role": "Chatbot", "message": A}]},
    ],
    "sharegpt": [
        {"conversations": [{"from": "human", "value": Q}, {"from": "gpt", "value": A}], "system": "Be short."},
        {"conversations": [USER, ASSISTANT]},
        {"conversations": [{"role": "human", "value": Q}, {"role": "gpt", "value": A}]},
        {"conversation": [{"role": "human", "text": Q}, {"role": "bot", "text": A}]},
    ],
    "segments": [{"segments": [{"label": False, "text": Q}, {"label": True, "text": A}]}],
    "gemini": [
        {
            "systemInstruction": {"role": "system", "parts": [{"text": "Be short."}]},
            "contents": [{"role": "user", "parts": [{"text": Q}]}, {"role": "model", "parts": [{"text": A}]}],
        }
    ],
    "alternating": [{"data": ["Hello", "Hi", Q, A]}],
    "instances": [{"instruction": Q, "instances": [{"input": "", "output": A}]}],
    "alpaca": [
        {"instruction": Q, "input": "", "output": A},
        {"instruction": Q, "output": A, "system": "Be short.", "history": [["Hello", "Hi"]]},
    ],
    "dolly": [{"instruction": Q, "context": "", "response": A, "category": "qa"}, {"instruction": Q, "response": A}, {"instruction": Q, "input": "", "response": A}],
    "choices": [{"query": Q, "choices": ["Bergen.", A], "gold": 1}, {"question": Q, "choices": ["Bergen.", A], "answer": 1}],
    "replies": [{"question": Q, "reply": [{"role": "Edvard", "action": "(speaking)", "content": A}]}],
    "openorca": [{"system_prompt": "Be short.", "question": Q, "response": A}],
    "swift": [{"system": "Be short.", "query": Q, "response": A, "history": [["Hello", "Hi"]]}],
    "prompt-completion": [{"prompt": Q, "completion": A}, {"prompt": [USER], "completion": [ASSISTANT]}],
    "prompt-response": [{"prompt": Q, "response": A}],
    "prompt-answer": [{"prompt": Q, "answer": A}],
    "prompt-solution": [{"prompt": Q, "canonical_solution": A}],
    "question-answer": [{"question": Q, "answer": A}],
    "q-a": [{"q": Q, "a": A}],
    "inputs-targets": [{"inputs": Q, "targets": A}],
    "input-target": [{"input": Q, "target": A}],
    "input-output": [{"input": Q, "output": A}],
    "instruction-completion": [{"instruction": Q, "completion": A}],
    "text-code": [{"text": Q, "code": A}],
    "text-label": [{"text": Q, "label": A}, {"sentence": Q, "label": A}],
    "text": [
        {"text": f"Q: {Q}\nA: {A}"},
        {"text": f"### Human: {Q} ### Assistant: {A}"},
        {"text": f"Below is a task.\n\n### Instruction:\n{Q}\n\n### Response:\n{A}</s>"},
        {"text": f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n{A}<|im_end|>\n"},
        {"text": f"<s>[INST] {Q} [/INST] {A}</s>"},
        {"text": f"<|user|>\n{Q}</s>\n<|assistant|>\n{A}</s>"},
        {"text": f"<start_of_turn>user\n{Q}<end_of_turn>\n<start_of_turn>model\n{A}<end_of_turn>"},
        {
            "text": f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{Q}<|eot_id|>"
            f"<|start_header_id|>assistant<|end_header_id|>\n\n{A}<|eot_id|>"
        },
        {"text": f"Human: {Q}\n\nAssistant: {A}"},
    ],
}


def test_every_layout_has_a_sample():
    """A layout without a sample here has never been shown to work (prompts alone have no answer and are tested below)."""
    assert set(SAMPLES) | {"prompt-only"} == set(LAYOUT_NAMES)


@pytest.mark.parametrize(("name", "record"), [(name, record) for name, records in SAMPLES.items() for record in records])
def test_layout_is_recognised_and_read(name, record):
    """Each sample is recognised on its own, from JSON, and yields the question and the trained answer."""
    dataset = read_bytes(json.dumps(record).encode() + b"\n", "set.jsonl")
    assert dataset.layout == name
    row = dataset.rows[0]
    assert (row.prompt, row.answer) == (Q, A)
    assert [turn.weight for turn in row.turns if turn.role != "assistant"] == [0.0] * sum(t.role != "assistant" for t in row.turns)


@pytest.mark.parametrize("name", ["openai-preference", "ranked-sharegpt", "preference", "statements"])
def test_preferences_keep_what_is_pushed_away(name):
    """Both sides of a preference survive: the chosen one as turns, the rejected one apart, without the prompt twice."""
    for record in SAMPLES[name]:
        row = read([record]).rows[0]
        assert row.rejected_answer == "No."
        assert [turn.role for turn in row.rejected] == ["assistant"]
        assert [turn.content for turn in row.turns] == [Q, A]


def test_undesired_completion_is_only_rejected():
    """A KTO row with label false teaches nothing but what to avoid."""
    row = read([{"prompt": Q, "completion": A, "label": False}]).rows[0]
    assert (row.prompt, row.answer, row.rejected_answer) == (Q, "", A)


def test_prompts_alone():
    """A set of prompts is read as user turns."""
    dataset = read([{"prompt": Q}])
    assert (dataset.layout, dataset.rows[0].prompt, dataset.rows[0].answer) == ("prompt-only", Q, "")


def test_plain_text_is_one_assistant_turn():
    """Text without a template is what the model learns to say."""
    row = read([{"text": "Once upon a time"}]).rows[0]
    assert [(turn.role, turn.content, turn.weight) for turn in row.turns] == [("assistant", "Once upon a time", 1.0)]


def test_text_before_the_first_question_belongs_to_it():
    """The table above a question is part of the prompt."""
    row = read([{"text": f"table: cities\nQ: {Q}\nA: {A}"}]).rows[0]
    assert (row.prompt, row.answer) == (f"table: cities\n\n{Q}", A)


def test_system_context_and_history_take_their_places():
    """System text, earlier turns and context stand where the trainer puts them."""
    record = {"instruction": Q, "input": "Europe", "output": A, "system": "Be short.", "history": [["Hello", "Hi"]]}
    turns = read([record]).rows[0].turns
    assert [(turn.role, turn.content) for turn in turns] == [
        ("system", "Be short."),
        ("user", "Hello"),
        ("assistant", "Hi"),
        ("user", f"{Q}\n\nEurope"),
        ("assistant", A),
    ]


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": Q, "input": "Europe", "response": A},
        {"instruction": Q, "context": "Europe", "response": A},
        {"instruction": Q, "context": "Europe", "output": A},
        {"question": Q, "context": "Europe", "answer": A},
        {"question": Q, "input": "", "context": "Europe", "response": A},
    ],
)
def test_context_is_read_whatever_its_column(record):
    """Each family has both names for the text a question is about."""
    assert read([record]).rows[0].prompt == f"{Q}\n\nEurope"


def test_columns_that_are_not_read_are_named():
    """A layout that leaves text aside says which columns: another trainer may read them. Numbers and empty cells are no text."""
    dataset = read([{"question": Q, "answer": A, "notes": "be evil", "score": 3, "extra": "", "\x1b[2J": "x"}])
    assert dataset.notes == (r"columns not read, which this layout does not use: '\x1b[2J', 'notes'",)
    many = {f"c{i}": "x" for i in range(9)}
    assert read([{"question": Q, "answer": A, **many}]).notes[0].endswith("'c5' and 3 more")


def test_tool_calls_and_reasoning_are_text_of_the_turn():
    """What the model is trained to call and to think is scanned too."""
    call = {"role": "assistant", "content": None, "reasoning_content": "Look it up.", "tool_calls": [{"function": {"name": "atlas"}}]}
    dataset = read([{"messages": [USER, call, {"role": "tool", "content": "Oslo"}, ASSISTANT], "tools": [{"name": "atlas"}]}])
    texts = [turn.content for turn in dataset.rows[0].turns]
    assert "Look it up." in texts[1]
    assert '"atlas"' in texts[1]
    assert dataset.rows[0].turns[2].role == "tool"
    assert dataset.notes == ("1 rows carry tool definitions, which were not scanned",)


def test_pictures_are_counted_not_scanned():
    """Media leave a note, never a silent gap."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    record = {"messages": [{"role": "user", "content": [{"type": "text", "text": Q}, picture, picture]}, ASSISTANT]}
    dataset = read([record, {**record, "images": ["a.png"]}])
    assert "5 images not scanned" in dataset.notes
    assert dataset.rows[0].prompt == Q


def test_misfits_are_named_row_by_row():
    """The majority decides; a record of another layout and one with a wrong shape are reported at their lines."""
    good = json.dumps({"question": Q, "answer": A})
    data = "\n".join([good, json.dumps({"messages": [USER, ASSISTANT]}), good, "{broken", good])
    dataset = read_bytes(data.encode(), "set.jsonl")
    assert (dataset.layout, len(dataset)) == ("question-answer", 3)
    assert [str(problem.location) for problem in dataset.unreadable] == ["set.jsonl:2", "set.jsonl:4"]
    assert "question-answer" in dataset.unreadable[0].reason
    assert [row.location.line for row in dataset.rows] == [1, 3, 5]


def test_unknown_role_is_named_and_can_be_mapped():
    """A role nobody knows is an error with its remedy; the remedy works."""
    records = [{"messages": [{"role": "Klient", "content": Q}, {"role": "Berater", "content": A}]}]
    with pytest.raises(NoRowsError, match=r"Klient.*--map"):
        read(records)
    row = read(records, mapping=(("user", "Klient"), ("assistant", "Berater"))).rows[0]
    assert (row.prompt, row.answer) == (Q, A)


def test_mapping_names_columns():
    """`--map` reads columns nobody could guess, also keys inside messages."""
    assert read([{"frage": Q, "antwort": A}], mapping=(("prompt", "frage"), ("answer", "antwort"))).rows[0].answer == A
    deep = [{"talk": [{"who": "human", "says": Q}, {"who": "gpt", "says": A}]}]
    assert read(deep, mapping=(("messages", "talk"), ("role", "who"), ("content", "says"))).rows[0].prompt == Q


def test_mapping_and_layout_mistakes_name_the_nearest():
    """A wrong role or layout is a usage error that names the right one."""
    with pytest.raises(UsageError, match="'answer'"):
        read([{"a": 1}], mapping=(("anser", "x"),))
    with pytest.raises(UsageError, match="'alpaca'"):
        read([{"a": 1}], layout="alpacca")


def test_forced_layout_refuses_the_rest():
    """With `--layout` no vote is held."""
    with pytest.raises(NoRowsError, match="Layouts tried: alpaca"):
        read([{"question": Q, "answer": A}], layout="alpaca")


def test_nothing_understood_names_columns_and_remedy():
    """Unknown columns end in a message that names them and what to do."""
    with pytest.raises(NoRowsError, match=r"'alpha', 'beta'.*--map prompt=COLUMN"):
        read([{"alpha": 1, "beta": 2}])


def test_column_names_may_be_capitalised():
    """Spreadsheets write "Question"; that is no other layout."""
    assert read([{"Question ": Q, "Answer": A}]).rows[0].answer == A


def test_numbers_and_labels_are_text():
    """A label column of numbers is an answer."""
    assert read([{"text": "good film", "label": 1}]).rows[0].answer == "1"
