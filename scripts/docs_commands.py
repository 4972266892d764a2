"""Write `docs/commands.md`: every command with its help in both languages, from the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from lodeline.cli.commands import build
from lodeline.cli.texts import texts_for

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"

_HEAD = """# Commands

Written by `scripts/docs_commands.py` from the program; `make docs` writes it again. A command that
is not here is not there. How they follow one another: [tutorial](tutorial.md).
"""


def page() -> str:
    """Return the text of the page."""
    english, french = (build(texts_for(lang)) for lang in ("en", "fr"))
    parts = [_HEAD, "```text", _text(english.help), "```", ""]
    parts += _below("lodeline", english, french)
    return "\n".join(parts).rstrip() + "\n"


def _text(help_text: str | None) -> str:
    return (help_text or "").replace("\b\n", "").strip()


def _below(path: str, english: TyperGroup, french: TyperGroup) -> Iterator[str]:
    for name, command in english.commands.items():
        other = french.commands[name]
        if isinstance(command, TyperGroup) and isinstance(other, TyperGroup):
            yield from _below(f"{path} {name}", command, other)
        elif isinstance(command, TyperCommand) and isinstance(other, TyperCommand):
            yield from _command(f"{path} {name}", command, other)


def _command(path: str, english: TyperCommand, french: TyperCommand) -> Iterator[str]:
    yield f"## `{path}`"
    yield ""
    yield f"{_text(english.help)}"
    yield ""
    yield f"*{_text(french.help)}*"
    yield ""
    rows = list(_parameters(english, french))
    if rows:
        yield "| | | |"
        yield "|---|---|---|"
        yield from rows
        yield ""


def _parameters(english: TyperCommand, french: TyperCommand) -> Iterator[str]:
    for one, other in zip(english.params, french.params, strict=True):
        if one.name == "help":
            continue
        if isinstance(one, TyperArgument) and isinstance(other, TyperArgument):
            shown, helps = f"{one.name}", (one.help, other.help)
        elif isinstance(one, TyperOption) and isinstance(other, TyperOption):
            shown, helps = one.opts[0], (one.help, other.help)
        else:
            continue
        cells = (f"`{shown}`" + (" (needed)" if one.required else ""), *map(_cell, helps))
        yield "| " + " | ".join(cells) + " |"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
