"""Terminal sessions out of documents: run as they are shown, and compared with what is shown."""

import io
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from lodeline.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple"

_BLOCK = re.compile(r"^```(?:console|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"\b[0-9a-f]{12,}\b")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_SIZE = re.compile(r"\d+ bytes")
_SPACES = re.compile(r"[\s\u00a0\u202f]+")


@dataclass(frozen=True)
class Shown:
    """One command of a session, and the lines of its output that are shown."""

    command: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


def sessions_in(document: Path) -> list[list[Shown]]:
    """Return the sessions of a document: the blocks in which a consortium is founded."""
    blocks = _BLOCK.findall(document.read_text(encoding="utf-8"))
    return [list(_commands(block)) for block in blocks if "$ lodeline init" in block]


def _commands(block: str) -> Iterator[Shown]:
    joined = block.replace("\\\n", " ")
    for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Shown(command, tuple(line for line in output.splitlines() if line.strip()))


def plain(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, word in ((_ID, "<id>"), (_TIME, "<time>"), (_SIZE, "<n> bytes")):
        text = pattern.sub(word, text)
    return _SPACES.sub(" ", text).strip()


def is_shown(line: str, printed: str) -> bool:
    """Return whether a shown line is a printed one, `…` standing for any text."""
    pattern = ".*".join(re.escape(part) for part in plain(line).split("…"))
    return re.fullmatch(pattern, plain(printed)) is not None


def missing_lines(shown: tuple[str, ...], printed: str) -> list[str]:
    """Return the shown lines that were not printed, in this order."""
    left = iter(printed.splitlines())
    return [line for line in shown if not any(is_shown(line, other) for other in left)]


def lodeline(*arguments: str, yes: bool = True) -> Ran:
    """Run the command line in this process, somebody at the terminal answering every question."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch("lodeline.cli.terminal.asked_at_terminal", return_value=yes),
        mock.patch("typer.confirm", return_value=yes),
        redirect_stderr(err),
    ):
        code = run(arguments, out, err)
    return Ran(code, out.getvalue(), err.getvalue())


def play(session: list[Shown]) -> Iterator[tuple[Shown, Ran]]:
    """Run the commands of a session in the present folder, numbers standing for LOT and OFFER."""
    last = ""
    for shown in session:
        if shown.command.startswith("export "):
            name, _, value = shown.command.removeprefix("export ").partition("=")
            os.environ[name] = shlex.split(value)[0]
            continue
        words = [_number(word, last) for word in shlex.split(shown.command)]
        assert words[0] == "lodeline"
        ran = lodeline(*words[1:])
        last = ran.out
        yield shown, ran


def _number(word: str, printed: str) -> str:
    if word == "OFFER":
        return str(re.findall(r"Offer ([0-9a-f]{12})", printed)[0])
    return str(_ID.findall(printed)[0]) if word == "LOT" else word
