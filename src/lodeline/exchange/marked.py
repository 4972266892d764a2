"""YAML that people write by hand, read strictly, so that a refusal names the line.

The text is first held to the same small part of YAML as the consortium's tables (no anchors, tags,
doubled keys or floating-point numbers: `lodeline.custody.yaml_text`); here each value keeps its
line, and a key that nobody asked for is refused instead of passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import yaml

from lodeline.custody.yaml_text import TableUnreadable, parse_yaml
from lodeline.kernel.errors import LodelineError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a library built without its C part reads the same language, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]  # same interface

__all__ = ["Field", "FileRefused", "KeyMissing", "KeyUnknown", "Mapped", "ValueWrong", "read_map"]

T = TypeVar("T")


class FileRefused(LodelineError):
    """A file that somebody wrote cannot be taken; names file and line."""

    file: str
    line: int


class KeyUnknown(FileRefused):
    """A key that has no meaning there, most often a typing mistake."""

    key: str
    known: tuple[str, ...]

    code = "file-key-unknown"
    en = "{file}, line {line}: “{key}” means nothing here"
    fr = "{file}, ligne {line} : « {key} » n'a pas de sens ici"
    advice_en = "use one of: {known}"
    advice_fr = "prenez parmi : {known}"


class KeyMissing(FileRefused):
    """Something that must be said is not."""

    key: str

    code = "file-key-missing"
    en = "{file}, line {line}: “{key}” is missing"
    fr = "{file}, ligne {line} : « {key} » manque"
    advice_en = "add it there"
    advice_fr = "ajoutez-la à cet endroit"


class ValueWrong(FileRefused):
    """A value of another kind than what stands in that place."""

    key: str
    wanted: str

    code = "file-value-wrong"
    en = "{file}, line {line}: “{key}” should be {wanted}"
    fr = "{file}, ligne {line} : « {key} » devrait être : {wanted}"
    advice_en = "write it in that form; put words with a colon in quotes"
    advice_fr = "écrivez-la ainsi ; mettez entre guillemets ce qui contient un deux-points"


class ValueRefused(FileRefused):
    """A value that was read and cannot be used; the reason is another refusal."""

    key: str
    reason_en: str
    remedy_en: str
    reason_fr: str
    remedy_fr: str

    code = "file-value-refused"
    en = "{file}, line {line}: “{key}”: {reason_en}"
    fr = "{file}, ligne {line} : « {key} » : {reason_fr}"
    advice_en = "{remedy_en}"
    advice_fr = "{remedy_fr}"


@dataclass(frozen=True)
class Field:
    """One value with its place."""

    file: str
    key: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """Return the line, counted from 1."""
        return int(self.node.start_mark.line) + 1

    def wrong(self, wanted: str) -> ValueWrong:
        """Return the refusal of this value."""
        return ValueWrong(self.file, self.line, self.key, wanted)

    def text(self) -> str:
        """Return the value as the text that stands there; a number keeps its writing.

        Raises:
            ValueWrong: it is a list, a mapping or empty.
        """
        if not isinstance(self.node, yaml.ScalarNode) or not str(self.node.value).strip():
            raise self.wrong("text")
        return str(self.node.value)

    def read(self, parse: Callable[[str], T]) -> T:
        """Return what `parse` makes of the text; its refusal is given with the line.

        Raises:
            ValueWrong: it is no text.
            ValueRefused: `parse` refused it.
        """
        text = self.text()
        try:
            return parse(text)
        except LodelineError as refused:
            raise ValueRefused(
                self.file,
                self.line,
                self.key,
                refused.message("en"),
                refused.advice("en"),
                refused.message("fr"),
                refused.advice("fr"),
            ) from refused

    def items(self) -> tuple[Field, ...]:
        """Return the items of a list; a single value stands for a list of one.

        Raises:
            ValueWrong: it is empty.
        """
        if isinstance(self.node, yaml.SequenceNode):
            return tuple(Field(self.file, self.key, item) for item in self.node.value)
        self._refuse_nothing()
        return (self,)

    def mapped(self) -> Mapped:
        """Return the value as a mapping.

        Raises:
            ValueWrong: it is none.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("a mapping")
        return Mapped(self.file, self.node)

    def is_map(self) -> bool:
        """Return whether the value is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    def _refuse_nothing(self) -> None:
        if isinstance(self.node, yaml.ScalarNode) and not str(self.node.value).strip():
            raise self.wrong("a value or a list")


class Mapped:
    """A mapping whose keys are asked for one by one."""

    def __init__(self, file: str, node: yaml.MappingNode) -> None:
        self._file = file
        self._line = int(node.start_mark.line) + 1
        self._fields = {
            str(key.value): Field(file, str(key.value), value) for key, value in node.value
        }
        self._lines = {str(key.value): int(key.start_mark.line) + 1 for key, _ in node.value}

    @property
    def line(self) -> int:
        """Return the line on which the mapping begins."""
        return self._line

    def known(self, *keys: str) -> None:
        """Refuse any other key than these.

        Raises:
            KeyUnknown: the first key that is none of them.
        """
        for key in self._fields:
            if key not in keys:
                raise KeyUnknown(self._file, self._lines[key], key, keys)

    def get(self, key: str) -> Field | None:
        """Return a value, or nothing where the key does not stand there."""
        return self._fields.get(key)

    def need(self, key: str) -> Field:
        """Return a value that must be there.

        Raises:
            KeyMissing: it is not.
        """
        found = self._fields.get(key)
        if found is None:
            raise KeyMissing(self._file, self._line, key)
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key does not stand there."""
        found = self._fields.get(key)
        return () if found is None else tuple(item.text() for item in found.items())

    def entries(self) -> Iterator[tuple[str, Field]]:
        """Yield every key with its value, for mappings whose keys are data."""
        yield from self._fields.items()


def read_map(file: str, text: str) -> Mapped:
    """Return the mapping that a file's text is.

    Args:
        file: the name by which refusals speak of it.
        text: one YAML document.

    Raises:
        TableRefused: it is not in the part of YAML that is read; names the line.
        ValueWrong: it is no mapping.
    """
    parse_yaml(file, text)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as refused:
        raise TableUnreadable(file, 0) from refused
    if not isinstance(node, yaml.MappingNode):
        raise ValueWrong(file, 1, file, "a mapping")
    return Mapped(file, node)
