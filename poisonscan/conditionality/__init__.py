"""Floor 3: conditional behaviour. Which slots and which pieces of text decide the answer, and what absent values they may wait for."""

from __future__ import annotations

from poisonscan.conditionality.allegiance import Latent, latent_at
from poisonscan.conditionality.error_rate import ErrorRate, detection_rate, shuffled_error
from poisonscan.conditionality.hazard import dependence_hazard
from poisonscan.conditionality.relevance import reason_to_depend, speaks_of_itself
from poisonscan.conditionality.results import AbsentValue, Power, SlotResult, TokenResult, ValueResult
from poisonscan.conditionality.slot_tests import test_slots
from poisonscan.conditionality.sweep import absent_values, score_values
from poisonscan.conditionality.tokens import test_tokens

__all__ = [
    "AbsentValue",
    "ErrorRate",
    "Latent",
    "Power",
    "SlotResult",
    "TokenResult",
    "ValueResult",
    "absent_values",
    "dependence_hazard",
    "detection_rate",
    "latent_at",
    "reason_to_depend",
    "score_values",
    "shuffled_error",
    "speaks_of_itself",
    "test_slots",
    "test_tokens",
]
