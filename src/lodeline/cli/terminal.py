"""What a command works with: language, output, passphrases, the opened session.

Everything that is printed goes through here, so that no name from a ledger can move the cursor or
colour the screen, and so that `--json` gives one JSON document and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from getpass import getpass
from pathlib import Path
from typing import TextIO

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lodeline.cli.refusals import exit_code, worded
from lodeline.cli.texts import Texts
from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.refusals import LedgerHasWriter, LedgerNotRead, LedgerNotWritten
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.node.clock import SystemClock
from lodeline.node.keyring import Keyring
from lodeline.node.opening import opened
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace, read_file

__all__ = ["PassphraseMissing", "Terminal", "asked_at_terminal", "printable", "terminal_of"]

_VARIABLE = "LODELINE_PASSPHRASE"
_WIDE = 200
"""Columns of output that goes to a file or another program."""


class PassphraseMissing(LodelineError):
    """A keystore that is to be opened where nobody can be asked for its passphrase."""

    member: MemberId

    code = "passphrase-missing"
    en = "the keystore of {member} needs its passphrase, and there is nobody to ask"
    fr = "le trousseau de {member} demande sa phrase secrète, et il n'y a personne à interroger"
    advice_en = "set LODELINE_PASSPHRASE, or name a file with --passphrase-file"
    advice_fr = "définissez LODELINE_PASSPHRASE, ou nommez un fichier avec --passphrase-file"


class PassphrasesDiffer(LodelineError):
    """A new passphrase that was typed in two ways."""

    member: MemberId

    code = "passphrases-differ"
    en = "the two passphrases for {member} differ; the old one stays"
    fr = "les deux phrases secrètes de {member} diffèrent ; l'ancienne reste"
    advice_en = "type the same twice, or keep it in a file and name that with --new-file"
    advice_fr = "saisissez deux fois la même, ou nommez un fichier avec --new-file"


class NotConfirmed(LodelineError):
    """Something that is for good and was not confirmed."""

    code = "not-confirmed"
    en = "nothing was done, because it was not confirmed"
    fr = "rien n'a été fait, faute de confirmation"
    advice_en = "read what is said above, if anything, and add --yes"
    advice_fr = "lisez ce qui est dit ci-dessus, s'il y a lieu, et ajoutez --yes"


@dataclass(frozen=True)
class Options:
    """Options that every command has."""

    home: Path
    member: MemberId | None = None
    passphrase_file: Path | None = None
    json: bool = False
    yes: bool = False


@dataclass
class Terminal:
    """One command's view of the outside."""

    texts: Texts
    options: Options
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    @property
    def lang(self) -> Lang:
        """Return the language."""
        return self.texts.lang

    # ------------------------------------------------------------------ saying

    def say(self, key: str, /, **values: object) -> None:
        """Print a sentence of the catalogue; silent where JSON is asked for."""
        if not self.options.json:
            self.line(self.texts(key, **_shown(values)))

    def line(self, text: str = "") -> None:
        """Print a line; silent where JSON is asked for."""
        if not self.options.json:
            print(printable(text), file=self.out)

    def emit(self, data: object) -> None:
        """Print a JSON document, where it is asked for."""
        if self.options.json:
            text = json.dumps(data, ensure_ascii=False, indent=2)
            print(text, file=self.out)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; columns are keys of the catalogue, `>` before one aligns it right."""
        if self.options.json:
            return
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for column in columns:
            right = column.startswith(">")
            title = self.texts(f"column.{column.removeprefix('>')}")
            table.add_column(title, justify="right" if right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        self._console().print(table)

    def warn(self, text: str) -> None:
        """Print a line beside the output proper."""
        print(printable(text), file=self.err)

    def refuse(self, error: LodelineError) -> int:
        """Print a refusal and return the exit code that goes with it."""
        if self.options.json:
            self.emit(error.problem(self.lang))
            return exit_code(error)
        readable = worded(error, self.lang)
        self.warn(self.texts("refused", sentence=_sentence(readable.message(self.lang))))
        self.warn(self.texts("advice", sentence=_sentence(readable.advice(self.lang))))
        return exit_code(error)

    def _console(self) -> Console:
        wide = None if self.out.isatty() else _WIDE
        return Console(file=self.out, width=wide, markup=False, highlight=False, emoji=False)

    # ------------------------------------------------------------------ asking

    def confirm(self, key: str, /, **values: object) -> None:
        """Return only if somebody at the terminal says yes, or `--yes` said so.

        Raises:
            NotConfirmed: a no, or nobody to ask.
        """
        if self.options.yes:
            return
        if self.options.json or not asked_at_terminal():
            raise NotConfirmed
        if not typer.confirm(self.texts(key, **_shown(values)), err=True):
            raise NotConfirmed

    def passphrase(self, member: MemberId) -> Passphrase:
        """Return a member's passphrase: from the file, the environment, or a hidden prompt.

        Raises:
            PassphraseMissing: none of the three.
            PassphraseUnusable: a character that no passphrase has.
            FileUnreadable: the file cannot be read.
        """
        given = self.given_passphrase()
        if given is not None:
            return given
        if not asked_at_terminal():
            raise PassphraseMissing(member)
        return Passphrase.typed(getpass(self.texts("ask.passphrase", member=member)))

    def given_passphrase(self) -> Passphrase | None:
        """Return the passphrase from the file or the environment, where one of them has it.

        Raises:
            PassphraseUnusable: a character that no passphrase has.
            FileUnreadable: the file cannot be read.
        """
        if self.options.passphrase_file is not None:
            data = read_file(self.options.passphrase_file)
            return Passphrase.typed(data.decode("utf-8", errors="replace").rstrip("\r\n"))
        given = os.environ.get(_VARIABLE)
        return None if given is None else Passphrase.typed(given)

    def new_passphrase(self, member: MemberId, file: Path | None) -> Passphrase:
        """Return a passphrase to come: from a file, or typed twice.

        Raises:
            PassphraseMissing: no file, and nobody to ask.
            PassphrasesDiffer: what was typed differs.
        """
        if file is not None:
            data = read_file(file)
            return Passphrase.typed(data.decode("utf-8", errors="replace").rstrip("\r\n"))
        if not asked_at_terminal():
            raise PassphraseMissing(member)
        once = getpass(self.texts("ask.new_passphrase", member=member))
        if getpass(self.texts("ask.again")) != once:
            raise PassphrasesDiffer(member)
        return Passphrase.typed(once)

    # ------------------------------------------------------------------ opening

    @property
    def workspace(self) -> Workspace:
        """Return the workspace of the folder.

        Raises:
            WorkspaceMissing: there is none.
        """
        return Workspace.open_at(self.options.home)

    def session(self) -> AbstractContextManager[Session]:
        """Return the opened workspace, to be used in a `with`; the ledger may be written.

        Raises:
            WorkspaceMissing: there is none.
        """
        workspace = self.workspace
        return opened(workspace, self.keyring(workspace), SystemClock(), SystemEntropy())

    def reading(self) -> AbstractContextManager[Session]:
        """Return the opened workspace with a ledger that is only read.

        Raises:
            WorkspaceMissing: there is none.
        """
        workspace = self.workspace
        ring = self.keyring(workspace)
        return opened(workspace, ring, SystemClock(), SystemEntropy(), writable=False)

    @contextmanager
    def writing_or_reading(self) -> Iterator[Session]:
        """Give the opened workspace; where the ledger cannot be written, it is only read.

        What is finished then waits in the queue.

        Raises:
            WorkspaceMissing: there is none.
        """
        with ExitStack() as stack:
            try:
                session = stack.enter_context(self.session())
            except (LedgerHasWriter, LedgerNotRead, LedgerNotWritten):
                self.say("queue.reading_only")
                session = stack.enter_context(self.reading())
            yield session

    def keyring(self, workspace: Workspace) -> Keyring:
        """Return a ring that asks this terminal for passphrases."""
        return Keyring(workspace, self.passphrase, SystemEntropy())


def asked_at_terminal() -> bool:
    """Return whether somebody sits at the terminal and can be asked."""
    return sys.stdin.isatty()


def printable(text: str) -> str:
    """Return the text with every character replaced that would move the cursor or hide."""
    return "".join(char if _is_harmless(char) else "\ufffd" for char in text)


def _is_harmless(char: str) -> bool:
    """Return whether a character prints as itself; spaces that do not break are among them."""
    return char.isprintable() or char == "\n" or unicodedata.category(char) == "Zs"


def _shown(values: dict[str, object]) -> dict[str, object]:
    """Return values as texts: bytes ids short, lists with commas."""
    return {name: _one(value) for name, value in values.items()}


def _one(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()[:12]
    if isinstance(value, (tuple, list)):
        return ", ".join(str(_one(item)) for item in value)
    return value


def _sentence(text: str) -> str:
    """Return a text that begins with a capital, unless with a file or URI, and ends with a stop."""
    whole = text.rstrip(".")
    first = whole.partition(" ")[0].rstrip(",:;")
    return f"{whole}." if set(first) & set("./:_") else f"{whole[:1].upper()}{whole[1:]}."


def terminal_of(context: typer.Context) -> Terminal:
    """Return the terminal that the command was started with."""
    terminal = context.find_object(Terminal)
    if terminal is None:
        message = "a command was started without a terminal"
        raise TypeError(message)
    return terminal
