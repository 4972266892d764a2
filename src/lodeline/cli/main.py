"""The `lodeline` command: reads options, hands over to a command, turns refusals into sentences.

Options that every command has may stand anywhere: `lodeline lots --as pit` and `lodeline --as pit
lots` are the same. Exit codes: 0 done, 1 a check failed, 2 refused, 3 wrong use or an unusable
file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO, cast

import typer
from typer.exceptions import TyperException

from lodeline.cli.commands import build
from lodeline.cli.refusals import OK, USAGE
from lodeline.cli.terminal import Options, Terminal
from lodeline.cli.texts import texts_for
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import MemberId, check_name
from lodeline.node.workspace import DEFAULT_FOLDER, LANGUAGES, Workspace

__all__ = ["main", "run"]

_VALUED: Final = ("--home", "--as", "--lang", "--passphrase-file")
_FLAGS: Final = ("--json", "--yes")


@dataclass
class _Split:
    """An argument list, parted into the options of every command and the rest."""

    rest: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    wanting: str | None = None
    """An option whose value does not follow."""


def _split(arguments: Sequence[str]) -> _Split:
    """Take the options of every command out of an argument list; after `--` nothing is taken."""
    split = _Split()
    left = list(arguments)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            split.rest += [word, *left]
            break
        if word in _FLAGS:
            split.flags.add(word)
        elif name in _VALUED and equals:
            split.values[name] = value
        elif word in _VALUED:
            if not left:
                split.wanting = word
                break
            split.values[word] = left.pop(0)
        else:
            split.rest.append(word)
    return split


def _options(split: _Split) -> Options:
    home = split.values.get("--home") or os.environ.get("LODELINE_HOME") or DEFAULT_FOLDER
    member = split.values.get("--as")
    file = split.values.get("--passphrase-file")
    return Options(
        home=Path(home),
        member=None if member is None else MemberId(check_name(member)),
        passphrase_file=None if file is None else Path(file),
        json="--json" in split.flags,
        yes="--yes" in split.flags,
    )


def _language(split: _Split) -> Lang:
    """Return the language asked for: option, environment, settings of the folder, English."""
    home = split.values.get("--home") or os.environ.get("LODELINE_HOME") or DEFAULT_FOLDER
    asked = split.values.get("--lang") or os.environ.get("LODELINE_LANG")
    if asked is None:
        asked = Workspace(Path(home)).settings().lang
    return cast(Lang, asked) if asked in LANGUAGES else "en"


def run(arguments: Sequence[str], out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Run one command and return its exit code; prints to the given streams."""
    split = _split(arguments)
    out, err = out or sys.stdout, err or sys.stderr
    terminal = Terminal(texts_for("en"), Options(Path(DEFAULT_FOLDER)), out, err)
    try:
        terminal = Terminal(texts_for(_language(split)), _options(split), out, err)
        return _invoke(split, terminal)
    except LodelineError as refusal:
        return terminal.refuse(refusal)
    except OSError as failure:
        terminal.warn(terminal.texts("failed", reason=failure.strerror or type(failure).__name__))
        return USAGE


def _invoke(split: _Split, terminal: Terminal) -> int:
    if split.wanting is not None or split.values.get("--lang", "en") not in LANGUAGES:
        terminal.warn(terminal.texts("usage.value", option=split.wanting or "--lang"))
        return USAGE
    command = build(terminal.texts)
    try:
        code = command.main(
            list(split.rest), prog_name="lodeline", standalone_mode=False, obj=terminal
        )
    except typer.Abort:
        terminal.warn(terminal.texts("aborted"))
        return USAGE
    except typer.Exit as leave:
        return leave.exit_code
    except TyperException as misuse:
        terminal.warn(terminal.texts("usage.wrong", reason=misuse.format_message()))
        return USAGE
    return code if isinstance(code, int) else OK


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))
