"""The part of SARIF 2.1.0 we write, under the names of the standard (OASIS, 27 March 2020)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Level = Literal["none", "note", "warning", "error"]


class Sarif(BaseModel):
    """Fields are written in camelCase; what is None is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class Message(Sarif):
    """Plain text."""

    text: str


class ArtifactLocation(Sarif):
    """A file, as a URI."""

    uri: str


class Region(Sarif):
    """A line; lines count from 1."""

    start_line: int


class PhysicalLocation(Sarif):
    """A place in a file."""

    artifact_location: ArtifactLocation
    region: Region | None = None


class Location(Sarif):
    """A place with a note on it; related locations are numbered."""

    physical_location: PhysicalLocation
    message: Message | None = None
    id: int | None = None


class Configuration(Sarif):
    """The level a rule has by default."""

    level: Level


class Rule(Sarif):
    """A detector."""

    id: str
    name: str
    short_description: Message
    default_configuration: Configuration
    properties: dict[str, str] = {}


class Result(Sarif):
    """A finding."""

    rule_id: str
    rule_index: int
    level: Level
    message: Message
    locations: list[Location]
    related_locations: list[Location]
    partial_fingerprints: dict[str, str]
    rank: float
    properties: dict[str, str | float | int | list[str] | None]


class Descriptor(Sarif):
    """Which rule a notification is about."""

    id: str


class Notification(Sarif):
    """What was not looked at, or could not be read."""

    level: Level
    message: Message
    associated_rule: Descriptor | None = None
    locations: list[Location] = []


class Invocation(Sarif):
    """Whether the scan looked at everything."""

    execution_successful: bool
    tool_execution_notifications: list[Notification]


class Driver(Sarif):
    """The tool."""

    name: str
    version: str
    information_uri: str
    rules: list[Rule]


class Tool(Sarif):
    """The tool, as SARIF wraps it."""

    driver: Driver


class Run(Sarif):
    """One scanned set."""

    tool: Tool
    invocations: list[Invocation]
    results: list[Result]
    column_kind: Literal["unicodeCodePoints"] = "unicodeCodePoints"
    properties: dict[str, str | float | int | bool | list[str] | None]


class Log(Sarif):
    """The whole file."""

    version: Literal["2.1.0"] = "2.1.0"
    runs: list[Run]
