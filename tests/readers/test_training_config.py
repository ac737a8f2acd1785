"""The user's own training configuration as the mapping."""

from __future__ import annotations

import json

import pytest

from poisonscan.core.errors import ConfigError
from poisonscan.readers import read


def _set(tmp_path, *records):
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def _config(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_axolotl_chat_template(tmp_path):
    """Field names, role names and roles to train come from the YAML."""
    data = _set(tmp_path, {"talk": [{"who": "klient", "says": "q"}, {"who": "berater", "says": "a"}]})
    config = _config(
        tmp_path,
        "axolotl.yml",
        """
datasets:
  - path: elsewhere/other.jsonl
    type: alpaca
  - path: data/set.jsonl
    type: chat_template
    field_messages: talk
    message_property_mappings: {role: who, content: says}
    roles: {user: [klient], assistant: [berater]}
    roles_to_train: [user, assistant]
""",
    )
    row = read(data, training_config=config).rows[0]
    assert [(t.role, t.content, t.weight) for t in row.turns] == [("user", "q", 1.0), ("assistant", "a", 1.0)]


def test_axolotl_own_fields_and_inputs(tmp_path):
    """A custom instruction format is read by its fields; train_on_inputs gives prompts weight."""
    data = _set(tmp_path, {"ask": "q", "reply": "a", "sys": "s"})
    config = _config(
        tmp_path,
        "a.yaml",
        "train_on_inputs: true\ndatasets:\n  - path: x\n    type: {field_instruction: ask, field_output: reply, field_system: sys}\n",
    )
    row = read(data, training_config=config).rows[0]
    assert [(t.role, t.content, t.weight) for t in row.turns] == [("system", "s", 1.0), ("user", "q", 1.0), ("assistant", "a", 1.0)]


def test_axolotl_without_field_names_leaves_detection_on(tmp_path):
    """A plain entry says only which roles are trained on."""
    data = _set(tmp_path, {"instruction": "q", "output": "a"})
    config = _config(tmp_path, "a.yaml", "datasets:\n  - path: set.jsonl\n    type: alpaca\n")
    assert read(data, training_config=config).layout == "alpaca"


def test_llama_factory_tags(tmp_path):
    """dataset_info.json with ShareGPT formatting and its own tags."""
    data = _set(tmp_path, {"chat": [{"r": "U", "c": "q"}, {"r": "B", "c": "a"}], "sys": "s"})
    info = {
        "other": {"file_name": "other.json"},
        "mine": {
            "file_name": "set.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "chat", "system": "sys"},
            "tags": {"role_tag": "r", "content_tag": "c", "user_tag": "U", "assistant_tag": "B"},
        },
    }
    row = read(data, training_config=_config(tmp_path, "dataset_info.json", json.dumps(info))).rows[0]
    assert [(t.role, t.content) for t in row.turns] == [("system", "s"), ("user", "q"), ("assistant", "a")]


def test_llama_factory_alpaca_and_ranking(tmp_path):
    """Alpaca formatting has default column names; ranking reads both sides."""
    data = _set(tmp_path, {"instruction": "q", "answer": "a", "chosen": "c", "rejected": "r"})
    plain = {"mine": {"file_name": "set.jsonl", "columns": {"response": "answer"}}}
    assert read(data, training_config=_config(tmp_path, "one.json", json.dumps(plain))).rows[0].answer == "a"
    ranking = {
        "mine": {
            "file_name": "set.jsonl",
            "ranking": True,
            "columns": {"prompt": "instruction", "chosen": "chosen", "rejected": "rejected"},
        }
    }
    row = read(data, training_config=_config(tmp_path, "two.json", json.dumps(ranking))).rows[0]
    assert (row.answer, row.rejected_answer) == ("c", "r")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets:\n - path: a\n - path: b\n", "none of them is"),
        ("just text", "not a table"),
        ("{}", "neither an Axolotl"),
        ("a: [1, 2", "cannot be read"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
        ("datasets:\n - path: set.jsonl\n   roles_to_train: [narrator]\n", "narrator"),
    ],
)
def test_wrong_configurations_say_so(tmp_path, text, message):
    """A configuration that cannot be used names the file and the reason, and never runs code."""
    data = _set(tmp_path, {"instruction": "q", "output": "a"})
    with pytest.raises(ConfigError, match=message):
        read(data, training_config=_config(tmp_path, "c.yaml", text))


def test_mapping_adds_to_the_configuration(tmp_path):
    """`--map` wins over the file."""
    data = _set(tmp_path, {"ask": "q", "reply": "a", "other": "b"})
    config = _config(tmp_path, "a.yaml", "datasets:\n  - path: x\n    type: {field_instruction: ask, field_output: reply}\n")
    assert read(data, training_config=config, mapping=(("answer", "other"),)).rows[0].answer == "b"
