"""What the command line says, in both languages, from two catalogues with the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lodeline.custody.yaml_text import Tree, parse_yaml
from lodeline.kernel.errors import Lang

__all__ = ["Texts", "catalogue", "texts_for"]


@cache
def catalogue(lang: Lang) -> Mapping[str, str]:
    """Return every text of a language by its key, nested keys joined by dots.

    Raises:
        TableRefused: the catalogue is not in the part of YAML that is read.
        TypeError: a text of the catalogue is no text.
    """
    name = f"texts_{lang}.yaml"
    text = resources.files("lodeline.cli").joinpath(name).read_text(encoding="utf-8")
    return dict(_flat("", parse_yaml(name, text)))


def _flat(prefix: str, tree: Tree) -> list[tuple[str, str]]:
    if isinstance(tree, dict):
        lead = f"{prefix}." if prefix else ""
        return [item for key, below in tree.items() for item in _flat(lead + key, below)]
    if not isinstance(tree, str):
        message = f"{prefix} is no text: quote it"
        raise TypeError(message)
    return [(prefix, tree)]


@dataclass(frozen=True)
class Texts:
    """The texts of one language."""

    lang: Lang

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its values put in; a key that is not there is a mistake of ours."""
        return catalogue(self.lang)[key].format(**values)

    def get(self, key: str) -> str | None:
        """Return a text as it stands, or nothing where there is none."""
        return catalogue(self.lang).get(key)


def texts_for(lang: Lang) -> Texts:
    """Return the texts of a language."""
    return Texts(lang)
