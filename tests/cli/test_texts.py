"""Both languages say the same things, with the same values in them, and nothing is without help."""

import string
from collections.abc import Iterator
from itertools import pairwise

import pytest
from typer.core import TyperCommand, TyperGroup

from lodeline.cli.commands import COMMANDS, GROUPS, build
from lodeline.cli.texts import Texts, catalogue, texts_for
from lodeline.kernel.errors import Lang

LANGUAGES: tuple[Lang, ...] = ("en", "fr")


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_catalogues_have_the_same_keys() -> None:
    english, french = catalogue("en"), catalogue("fr")
    assert len(english) > 250
    assert set(english) == set(french)


def test_the_same_values_stand_in_both() -> None:
    english, french = catalogue("en"), catalogue("fr")
    differing = [key for key, text in english.items() if _values(text) != _values(french[key])]
    assert differing == []


def test_translations_are_translated() -> None:
    english, french = catalogue("en"), catalogue("fr")
    same = {key for key, text in english.items() if text == french[key] and len(text.split()) > 2}
    assert same == {"transform.title", "verify.step_holds"}


def test_french_punctuation_has_its_space() -> None:
    bad = [
        key
        for key, text in catalogue("fr").items()
        for sign in (";", "?", "!")
        if any(before not in " \u00a0\u202f(<{" for before, at in pairwise(text) if at == sign)
    ]
    assert bad == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_command_and_every_option_has_help(lang: Lang) -> None:
    commands = list(_all(build(texts_for(lang))))
    assert len(commands) > len(COMMANDS) + len(GROUPS)
    for path, command in commands:
        assert command.help, path
        for parameter in command.params:
            assert vars(parameter).get("help"), f"{path} {parameter.name}"


def _all(
    command: TyperGroup | TyperCommand, path: str = ""
) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            if isinstance(below, (TyperGroup, TyperCommand)):
                yield from _all(below, f"{path} {name}")


def test_no_text_is_left_over() -> None:
    """Help of commands that are gone would go unnoticed."""
    paths = {
        path.strip().replace(" ", "-") or "lodeline" for path, _ in _all(build(texts_for("en")))
    }
    written = {key.removeprefix("help.") for key in catalogue("en") if key.startswith("help.")}
    assert written == paths


def test_a_text_that_is_not_there_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        Texts("en")("no.such.key")
    assert Texts("fr").get("no.such.key") is None
