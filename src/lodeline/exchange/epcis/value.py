"""The type of JSON values in which events are held."""

from decimal import Decimal
from typing import TypeAlias

__all__ = ["JsonObject", "JsonValue"]

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
"""A JSON value; numbers are exact, see `lodeline.exchange.epcis.number`."""
JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object. Stored events are read, never changed in place."""
