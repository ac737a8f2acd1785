"""Lists of messages to turns: role names, content parts, tool calls, reasoning, loss weights.

Why tool calls and reasoning become text of the assistant's turn: the model is trained to produce them, so a latent may hide there.
What holds no text (pictures, sound) is counted as a fact and named in the notes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from poisonscan.core.dataset import Role, Turn
from poisonscan.readers.encodings import encodable
from poisonscan.readers.reading import Reading
from poisonscan.readers.records import MisfitError, quoted

ROLE_NAMES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "context": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "instruction": "user",
    "input": "user",
    "question": "user",
    "q": "user",
    "customer": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "agent": "assistant",
    "response": "assistant",
    "output": "assistant",
    "answer": "assistant",
    "a": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "function_response": "tool",
    "tool_response": "tool",
    "tool_result": "tool",
    "observation": "tool",
    "ipython": "tool",
}
SURROGATE = "surrogate"
NOT_SCANNED = "not scanned: "
_MEDIA = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "inlinedata": "image",
    "filedata": "file",
    "audio": "audio clip",
    "input_audio": "audio clip",
    "audio_url": "audio clip",
    "video": "video",
    "video_url": "video",
    "file": "file",
    "document": "file",
}
_ROLE_KEYS = ("role", "from", "speaker", "author")
_CONTENT_KEYS = ("content", "value", "text", "parts", "message", "utterance")
_WEIGHT_KEYS = ("weight", "train", "training", "loss")
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
_CALL_KEYS = ("tool_calls", "function_call")
_DEEPEST = 8


def turns_of(value: object, reading: Reading, facts: list[str]) -> tuple[Turn, ...]:
    """Return the turns of a message list, a single message, a JSON string of either, or columns of roles and contents.

    Raises:
        MisfitError: not messages, a role nobody knows, or content that is not text.
    """
    messages = [_turn(message, reading, facts) for message in _messages(value, reading)]
    if not messages:
        raise MisfitError("no messages")
    return _last_only(messages) if reading.last_only else tuple(messages)


def turn(role: Role, content: str, reading: Reading, facts: list[str]) -> Turn:
    """Return a turn with the weight its role has by default; text that cannot be encoded is repaired and noted."""
    return Turn(role, _repaired(content, facts), 1.0 if role in reading.trained else 0.0)


def is_messages(value: object) -> bool:
    """Return True for a message, a list of messages, or a JSON string of such a list."""
    if isinstance(value, str):
        return value.lstrip()[:1] in ("[", "{") and any(f'"{key}"' in value for key in _ROLE_KEYS)
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict) and any(key in value[0] for key in _ROLE_KEYS)
    return isinstance(value, dict) and any(key in value for key in _ROLE_KEYS)


def text_of(content: object, facts: list[str], depth: int = 0) -> str:
    """Return the text of a content value: a string, a number, or parts of which those without text become facts.

    Raises:
        MisfitError: parts nested beyond reason, or bytes that are not UTF-8.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if depth > _DEEPEST:
        raise MisfitError("content parts nested too deeply")
    if isinstance(content, list):
        texts = [text_of(part, facts, depth + 1) for part in content]
        return "\n".join(text for text in texts if text)
    if isinstance(content, Mapping):
        return _part(content, facts, depth)
    if isinstance(content, bytes):
        return _decoded(content)
    return json.dumps(content, default=str)


def as_json(value: object) -> str:
    """Return `value` as one line of JSON; a string as it is.

    Raises:
        MisfitError: nested too deeply.
    """
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError) as error:
        raise MisfitError("nested too deeply") from error


def _messages(value: object, reading: Reading) -> Sequence[object]:
    if isinstance(value, str):
        try:
            value = json.loads(value, strict=False)
        except (ValueError, RecursionError) as error:
            raise MisfitError("messages are a string that is not JSON") from error
    if isinstance(value, dict):
        value = _transposed(value, reading)
    if not isinstance(value, list):
        raise MisfitError("messages are not a list")
    return value


def _transposed(value: Mapping[str, object], reading: Reading) -> list[object]:
    """Return one message in a list, or {"role": [...], "content": [...]} as a list of messages."""
    columns = {key: column for key, column in value.items() if isinstance(column, list)}
    role = _first_key(value, (reading.role_key,) if reading.role_key else _ROLE_KEYS)
    if role not in columns:
        return [value]
    size = len(columns[role])
    return [{key: column[i] for key, column in columns.items() if i < len(column)} for i in range(size)]


def _turn(message: object, reading: Reading, facts: list[str]) -> Turn:
    if type(message) is dict and len(message) == 2 and not reading.role_key and not reading.content_key:
        # The common case, {"role", "content"} with plain text, without the look-ups of the general one.
        name, content = message.get("role"), message.get("content")
        if isinstance(name, str) and isinstance(content, str):
            role = _role(name, reading)
            return Turn(role, _repaired(content, facts), 1.0 if role in reading.trained else 0.0)
    return _general_turn(message, reading, facts)


def _general_turn(message: object, reading: Reading, facts: list[str]) -> Turn:
    if not isinstance(message, Mapping):
        raise MisfitError("a message is not an object")
    name = message.get(_first_key(message, (reading.role_key,) if reading.role_key else _ROLE_KEYS))
    role = _role(name, reading)
    content = text_of(message.get(_first_key(message, (reading.content_key,) if reading.content_key else _CONTENT_KEYS)), facts)
    if len(message) > 2:
        content = _with_extras(message, content)
    return Turn(role, _repaired(content, facts), _weight(message, role, reading))


def _role(name: object, reading: Reading) -> Role:
    if isinstance(name, str) and not reading.roles and name in ROLE_NAMES:
        return ROLE_NAMES[name]
    if isinstance(name, Mapping):  # OpenAI exports: {"author": {"role": "user"}}
        name = name.get("role")
    if not isinstance(name, str):
        raise MisfitError("a message without a role")
    key = name.strip().lower()
    role = dict(reading.roles).get(key) if reading.roles else None
    role = role or ROLE_NAMES.get(key)
    if role is None:
        raise MisfitError(f"a message with the role {quoted(name, 30)}; map it with --map user=... or --map assistant=...")
    return role


def _first_key(message: Mapping[str, object], keys: Sequence[str]) -> str:
    return next((key for key in keys if key in message), "")


def _with_extras(message: Mapping[str, object], content: str) -> str:
    """Return the content with the reasoning before it and the tool calls behind it."""
    thought = next((text for key in _REASONING_KEYS if isinstance(text := message.get(key), str) and text), "")
    calls = [as_json(value) for key in _CALL_KEYS if (value := message.get(key))]
    pieces = [f"<think>\n{thought}\n</think>"] if thought else []
    return "\n".join(piece for piece in (*pieces, content, *calls) if piece)


def _weight(message: Mapping[str, object], role: Role, reading: Reading) -> float:
    """Return the loss weight in [0, 1]: explicit marks may lower that of a trained role, never raise another's."""
    if role not in reading.trained:
        return 0.0
    for key in _WEIGHT_KEYS:
        value = message.get(key)
        if isinstance(value, (bool, int, float)) and value == value:
            return min(1.0, max(0.0, float(min(max(value, 0), 1))))
    return 1.0


def _part(part: Mapping[str, object], facts: list[str], depth: int) -> str:
    kind = str(part.get("type", "")).lower()
    for key in ("text", "content", "value"):
        if key in part:
            return text_of(part[key], facts, depth + 1)
    thought = part.get("thinking")
    if isinstance(thought, str):
        return f"<think>\n{thought}\n</think>"
    media = _MEDIA.get(kind) or next((name for key, name in _MEDIA.items() if key in {str(k).lower() for k in part}), None)
    if media is not None:
        facts.append(NOT_SCANNED + media)
        return ""
    return as_json(part) if part else ""


def _last_only(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    last = max((i for i, each in enumerate(turns) if each.weight > 0), default=-1)
    return tuple(each if i == last else Turn(each.role, each.content, 0.0) for i, each in enumerate(turns))


def _repaired(content: str, facts: list[str]) -> str:
    if content.isascii():
        return content
    try:
        content.encode()
    except UnicodeEncodeError:
        facts.append(SURROGATE)
        return encodable(content)
    return content


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise MisfitError("binary content, not text") from error
