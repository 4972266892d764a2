"""Typed reading of one mapping of a table; every refusal names the table and the key's path.

A `Row` remembers which keys were read; `close` refuses the rest, so that a misspelt key is never
taken for a default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeVar

from lodeline.custody.yaml_text import TableRefused, Tree, parse_yaml
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.kernel.units import (
    GramsPerKg,
    Milligrams,
    Ppm,
    parse_intensity,
    parse_mass,
)

__all__ = [
    "MissingKey",
    "NumberOutOfRange",
    "Row",
    "TwiceInTable",
    "UnknownKey",
    "ValueRefused",
    "WrongShape",
    "refuse_twice",
    "rows_of",
]

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

_DECIMAL = re.compile(r"[1-9][0-9]*(\.[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


_TEXT = ("text", "un texte")
_FLAG = ("true or false", "true ou false")
_INTEGER = ("an integer", "un entier")
_TEXTS = ("a list of texts", "une liste de textes")
_DIFFERENT = ("a list of different texts", "une liste de textes différents")
_MAPPING = ("a mapping", "une table de clés")
_MAPPINGS = ("a list of mappings", "une liste de tables de clés")
_DECIMAL_TEXT = ("a decimal number in quotes", "un nombre décimal entre guillemets")
_DAY_TEXT = ("a date such as 2026-01-31", "une date comme 2026-01-31")


class MissingKey(TableRefused):
    """A key that the table must have."""

    key: str

    code = "table-missing-key"
    en = "{table}: {key} is missing"
    fr = "{table} : il manque {key}"
    advice_en = "add the key; there is no default"
    advice_fr = "ajoutez la clé ; il n'y a pas de valeur par défaut"


class UnknownKey(TableRefused):
    """A key that no reader looks at."""

    key: str

    code = "table-unknown-key"
    en = "{table}: {key} means nothing here"
    fr = "{table} : {key} n'a pas de sens ici"
    advice_en = "check the spelling, or remove it"
    advice_fr = "vérifiez l'orthographe, ou enlevez-la"


class WrongShape(TableRefused):
    """A value of another shape than the key has."""

    key: str
    expected: str
    attendu: str
    """The same in French."""

    code = "table-wrong-shape"
    en = "{table}: {key} must be {expected}"
    fr = "{table} : {key} doit être {attendu}"
    advice_en = "compare with a neighbouring entry"
    advice_fr = "comparez avec une entrée voisine"


class NumberOutOfRange(TableRefused):
    """An integer outside the range of its key."""

    key: str
    value: int
    least: int
    greatest: int

    code = "table-number-out-of-range"
    en = "{table}: {key} is {value}, it must be from {least} to {greatest}"
    fr = "{table} : {key} vaut {value}, il faut de {least} à {greatest}"
    advice_en = "check the unit: shares are in ppm, widths in bits"
    advice_fr = "vérifiez l'unité : les parts sont en ppm, les largeurs en bits"


class ValueRefused(TableRefused):
    """A text that does not parse as what its key holds; the cause says why."""

    key: str
    value: str
    reason: str

    code = "table-value-refused"
    en = "{table}: {key} is “{value}” ({reason})"
    fr = "{table} : {key} vaut « {value} » ({reason})"
    advice_en = "write it like its neighbours: a date as 2026-01-31, an amount as 24.60 t"
    advice_fr = "écrivez-la comme ses voisines : une date 2026-01-31, une quantité 24.60 t"


class TwiceInTable(TableRefused):
    """Two entries of one name, of which a lookup would find only one."""

    name: str

    code = "table-entry-twice"
    en = "{table}: {name} is there twice"
    fr = "{table} : {name} y figure deux fois"
    advice_en = "rename one, or remove it"
    advice_fr = "renommez l'une, ou enlevez-la"


class Row:
    """One mapping of a table while it is read."""

    def __init__(self, table: str, path: str, tree: Tree) -> None:
        """Take a mapping.

        Raises:
            WrongShape: the tree is something else.
        """
        if not isinstance(tree, dict):
            raise WrongShape(table, path, *_MAPPING)
        self._table = table
        self._path = path
        self._tree = tree
        self._read: set[str] = set()

    def key(self, name: str) -> str:
        """Return the full path of a key, for a refusal."""
        return f"{self._path}.{name}"

    def has(self, name: str) -> bool:
        """Return whether the key is there and not null; it then counts as read."""
        self._read.add(name)
        return self._tree.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value:
            raise self._shape(name, _TEXT)
        return value

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        """Return a text as what `parse` makes of it; its refusal becomes the cause of ours."""
        return self._parse(name, self.text(name), parse)

    def choice(self, name: str, kind: type[E]) -> E:
        """Return the member of an enumeration whose value the text is."""
        return self._member(name, self.text(name), kind)

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Return the members of an enumeration whose values stand in a list."""
        return tuple(self._member(name, text, kind) for text in self.texts(name))

    def decimal(self, name: str) -> str:
        """Return a plain positive decimal as the text that it is, such as 58.933194."""
        text = self.text(name)
        if not _DECIMAL.fullmatch(text):
            raise self._shape(name, _DECIMAL_TEXT)
        return text

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self._shape(name, _FLAG)
        return value

    def integer(self, name: str, *, least: int, greatest: int) -> int:
        """Return an integer within an inclusive range."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._shape(name, _INTEGER)
        if not least <= value <= greatest:
            raise NumberOutOfRange(self._table, self.key(name), value, least, greatest)
        return value

    def ppm(self, name: str) -> Ppm:
        """Return a share, 0 to one million."""
        return Ppm(self.integer(name, least=0, greatest=PPM_ONE))

    def mass(self, name: str) -> Milligrams:
        """Return an amount written with its unit."""
        return self.parsed(name, parse_mass)

    def first_second(self, name: str) -> BlockTime:
        """Return midnight (UTC) at the beginning of a day written 2026-01-31."""
        return self._day(name, "T00:00:00Z")

    def first_second_after(self, name: str) -> BlockTime:
        """Return midnight (UTC) at the end of a day, which no longer belongs to it."""
        return BlockTime(self.last_second_of(name) + 1)

    def last_second_of(self, name: str) -> BlockTime:
        """Return the last second (UTC) of a day."""
        return self._day(name, "T23:59:59Z")

    def last_second(self, name: str) -> BlockTime | None:
        """Return the last second (UTC) of a day, or nothing where the key is absent or null."""
        return self.last_second_of(name) if self.has(name) else None

    def texts(self, name: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return a list of texts, none of them empty or twice."""
        if optional and not self.has(name):
            return ()
        value = self._take(name)
        if not isinstance(value, list):
            raise self._shape(name, _TEXTS)
        words = tuple(item for item in value if isinstance(item, str) and item)
        if len(words) != len(value) or len(set(words)) != len(words):
            raise self._shape(name, _DIFFERENT)
        return words

    def rows(self, name: str, *, optional: bool = False) -> tuple[Row, ...]:
        """Return a list of mappings."""
        if optional and not self.has(name):
            return ()
        value = self._take(name)
        if not isinstance(value, list):
            raise self._shape(name, _MAPPINGS)
        return tuple(
            Row(self._table, f"{self.key(name)}[{index}]", item) for index, item in enumerate(value)
        )

    def row(self, name: str, *, optional: bool = False) -> Row:
        """Return a mapping; an empty one where an optional key is absent."""
        if optional and not self.has(name):
            return Row(self._table, self.key(name), {})
        return Row(self._table, self.key(name), self._take(name))

    def names(self) -> tuple[str, ...]:
        """Return the keys in the order of the text, for mappings whose keys are data."""
        return tuple(self._tree)

    def intensity(self, name: str) -> GramsPerKg:
        """Return grams of CO2e per kilogram, written with its unit."""
        return self.parsed(name, parse_intensity)

    def close(self) -> None:
        """Refuse keys that nobody read.

        Raises:
            UnknownKey: the first of them.
        """
        for name in self._tree:
            if name not in self._read:
                raise UnknownKey(self._table, self.key(name))

    def _member(self, name: str, text: str, kind: type[E]) -> E:
        for member in kind:
            if member.value == text:
                return member
        words = ", ".join(str(member.value) for member in kind)
        raise self._shape(name, (f"one of {words}", f"l'un de {words}"))

    def _take(self, name: str) -> Tree:
        self._read.add(name)
        if name not in self._tree:
            raise MissingKey(self._table, self.key(name))
        return self._tree[name]

    def _day(self, name: str, suffix: str) -> BlockTime:
        text = self.text(name)
        if not _DATE.fullmatch(text):
            raise self._shape(name, _DAY_TEXT)
        return self._parse(name, text, lambda day: parse_time(day + suffix))

    def _parse(self, name: str, text: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(text)
        except LodelineError as refusal:
            raise ValueRefused(self._table, self.key(name), text, refusal.code) from refusal

    def _shape(self, name: str, shape: tuple[str, str]) -> WrongShape:
        return WrongShape(self._table, self.key(name), *shape)


def refuse_twice(table: str, names: Iterable[str]) -> None:
    """Refuse a name that two entries of a table share.

    Raises:
        TwiceInTable: the first such name.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TwiceInTable(table, name)
        seen.add(name)


def rows_of(table: str, text: str, name: str) -> tuple[Row, ...]:
    """Return the list of mappings under the one top-level key of a table.

    Raises:
        TableRefused: one of its reasons.
    """
    root = Row(table, table, parse_yaml(table, text))
    rows = root.rows(name)
    root.close()
    return rows
