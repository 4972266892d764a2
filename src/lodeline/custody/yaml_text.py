"""YAML text as a plain tree of mappings, lists, text, integers, booleans and null.

A table of the consortium must mean one thing to every reader, so this is a small part of YAML:
no anchors, tags or second document, no key twice, and no floating-point number anywhere (an amount
is text with its unit, a share an integer in ppm). Only the event stream of the library is used;
nothing is ever constructed from a tag.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import yaml

from lodeline.kernel.errors import LodelineError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a library built without its C part reads the same language, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]  # same interface

__all__ = [
    "MAX_DEPTH",
    "MAX_TEXT",
    "AnchorInTable",
    "DuplicateKey",
    "KeyNotText",
    "NumberNotInteger",
    "SeveralDocuments",
    "TableRefused",
    "TableTooDeep",
    "TableTooLong",
    "TableUnreadable",
    "TagInTable",
    "Tree",
    "parse_yaml",
]

Tree: TypeAlias = "str | int | bool | list[Tree] | dict[str, Tree] | None"

MAX_TEXT = 1 << 20
"""Longest table in characters."""
MAX_DEPTH = 12
"""Deepest nesting of mappings and lists."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*(_[0-9]+)*)", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF|nan|NaN|NAN)"
)


class TableRefused(LodelineError):
    """A table of data that cannot be taken; names the table."""

    table: str


class TableUnreadable(TableRefused):
    """Text that is not YAML."""

    line: int

    code = "table-unreadable"
    en = "{table}, line {line}: this is not YAML"
    fr = "{table}, ligne {line} : ce n'est pas du YAML"
    advice_en = "check the indentation, quotes and brackets there"
    advice_fr = "vérifiez l'indentation, les guillemets et les crochets à cet endroit"


class TableTooLong(TableRefused):
    """More text than any table has."""

    characters: int
    at_most: int

    code = "table-too-long"
    en = "{table} has {characters} characters, at most {at_most} are read"
    fr = "{table} a {characters} caractères, au plus {at_most} sont lus"
    advice_en = "give one table at a time"
    advice_fr = "donnez une table à la fois"


class TableTooDeep(TableRefused):
    """Mappings and lists nested too deeply."""

    line: int
    at_most: int

    code = "table-too-deep"
    en = "{table}, line {line}: nested more than {at_most} deep"
    fr = "{table}, ligne {line} : plus de {at_most} niveaux imbriqués"
    advice_en = "no table of this project needs that; write it flat"
    advice_fr = "aucune table de ce projet n'en a besoin ; écrivez-la à plat"


class DuplicateKey(TableRefused):
    """One key twice in a mapping, of which a reader would see only one."""

    line: int
    key: str

    code = "table-duplicate-key"
    en = "{table}, line {line}: the key “{key}” stands there twice"
    fr = "{table}, ligne {line} : la clé « {key} » y figure deux fois"
    advice_en = "keep the one that is meant"
    advice_fr = "gardez celle qui est voulue"


class KeyNotText(TableRefused):
    """A key that is no plain word."""

    line: int

    code = "table-key-not-text"
    en = "{table}, line {line}: a key must be text"
    fr = "{table}, ligne {line} : une clé doit être du texte"
    advice_en = "put the key in quotes"
    advice_fr = "mettez la clé entre guillemets"


class NumberNotInteger(TableRefused):
    """A number that is no plain decimal integer, such as 0.5, 1e6 or 012."""

    line: int
    text: str

    code = "table-number-not-integer"
    en = "{table}, line {line}: {text} is no plain integer"
    fr = "{table}, ligne {line} : {text} n'est pas un entier simple"
    advice_en = (
        "write shares in ppm as integers and amounts as text with a unit: “24.60 t”; "
        "put a lot's number in quotes"
    )
    advice_fr = (
        "écrivez les parts en ppm entiers, les quantités en texte avec leur unité : « 24,60 t » ; "
        "mettez le numéro d'un lot entre guillemets"
    )


class AnchorInTable(TableRefused):
    """An anchor or an alias, which make text mean something that does not stand there."""

    line: int

    code = "table-anchor"
    en = "{table}, line {line}: anchors and aliases are not read"
    fr = "{table}, ligne {line} : les ancres et les alias ne sont pas lus"
    advice_en = "write the value out"
    advice_fr = "écrivez la valeur en entier"


class TagInTable(TableRefused):
    """A YAML tag, which asks a reader to construct something."""

    line: int
    tag: str

    code = "table-tag"
    en = "{table}, line {line}: the tag {tag} is not read"
    fr = "{table}, ligne {line} : l'étiquette {tag} n'est pas lue"
    advice_en = "write plain text, integers, lists and mappings"
    advice_fr = "écrivez du texte, des entiers, des listes et des tables simples"


class SeveralDocuments(TableRefused):
    """More or less than one document in the text."""

    documents: int

    code = "table-several-documents"
    en = "{table} has {documents} documents, exactly one is read"
    fr = "{table} contient {documents} documents, un seul est lu"
    advice_en = "remove the lines of three hyphens"
    advice_fr = "enlevez les lignes de trois tirets"


class _Builder:
    """Puts a tree together from parser events with a stack of its own: depth is bounded by us."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._open: list[list[Tree] | dict[str, Tree]] = []
        self._keys: list[str | None] = []
        self.documents: list[Tree] = []

    def take(self, event: yaml.Event) -> None:
        """Take the next event of the stream."""
        line = 0 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise AnchorInTable(self._table, line)
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            self._refuse_extras(event, line)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._start({}, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._start([], line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def _refuse_extras(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int
    ) -> None:
        if event.anchor is not None:
            raise AnchorInTable(self._table, line)
        if event.tag is not None:
            raise TagInTable(self._table, line, event.tag)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        plain = event.implicit[0]
        if self._awaits_key():
            self._take_key(event.value, line)
        else:
            self._put(self._plain(event.value, line) if plain else event.value, line)

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and self._keys[-1] is None

    def _take_key(self, key: str, line: int) -> None:
        mapping = self._open[-1]
        if key in mapping:
            raise DuplicateKey(self._table, line, key)
        self._keys[-1] = key

    def _plain(self, text: str, line: int) -> Tree:
        words: dict[str, Tree] = {"": None, "null": None, "true": True, "false": False}
        if text in words:
            return words[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            raise NumberNotInteger(self._table, line, text)
        return text

    def _start(self, container: list[Tree] | dict[str, Tree], line: int) -> None:
        if self._awaits_key():
            raise KeyNotText(self._table, line)
        if len(self._open) == MAX_DEPTH:
            raise TableTooDeep(self._table, line, MAX_DEPTH)
        self._put(container, line)
        self._open.append(container)
        self._keys.append(None)

    def _put(self, value: Tree, line: int) -> None:
        if not self._open:
            self.documents.append(value)
            return
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
            return
        key = self._keys[-1]
        if key is None:
            raise KeyNotText(self._table, line)
        container[key] = value
        self._keys[-1] = None


def parse_yaml(table: str, text: str) -> Tree:
    """Return the tree that a table's text stands for.

    Args:
        table: the name by which refusals speak of it.
        text: one YAML document of at most `MAX_TEXT` characters.

    Raises:
        TableRefused: one of its reasons, with table and line.
    """
    if len(text) > MAX_TEXT:
        raise TableTooLong(table, len(text), MAX_TEXT)
    builder = _Builder(table)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise TableUnreadable(table, 0 if mark is None else mark.line + 1) from error
    except yaml.YAMLError as error:
        raise TableUnreadable(table, 0) from error
    except UnicodeEncodeError as error:  # a lone surrogate, which the C part cannot read
        raise TableUnreadable(table, 0) from error
    if len(builder.documents) != 1:
        raise SeveralDocuments(table, len(builder.documents))
    return builder.documents[0]
