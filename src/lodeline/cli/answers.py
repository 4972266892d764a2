"""What a command says once the ledger has answered, and how people write dates and rights."""

from __future__ import annotations

from pathlib import Path

from lodeline.cli.terminal import Terminal
from lodeline.engine.interface import Receipt
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime, format_time, parse_time
from lodeline.ledger.entries import entry_id
from lodeline.node.requests import Request, encode_request, missing, needs_consent
from lodeline.node.session import Session
from lodeline.node.workspace import write_file

__all__ = ["UnknownRight", "answer", "last_second", "right_named"]

RIGHTS = ("intake", "licence", "quota")


class UnknownRight(LodelineError):
    """A word that names no right."""

    text: str
    known: tuple[str, ...]

    code = "right-unknown"
    en = "“{text}” is no right that an authority grants"
    fr = "« {text} » n'est pas un droit qu'une autorité accorde"
    advice_en = "write one of: {known}"
    advice_fr = "écrivez l'un de : {known}"


class DateMalformed(LodelineError):
    """A text that is no day."""

    text: str

    code = "date-malformed"
    en = "“{text}” is not a day"
    fr = "« {text} » n'est pas un jour"
    advice_en = "write it like 2026-12-31"
    advice_fr = "écrivez-le comme 2026-12-31"


def right_named(text: str) -> str:
    """Return a right by its name.

    Raises:
        UnknownRight: there is none of this name.
    """
    if text not in RIGHTS:
        raise UnknownRight(text, RIGHTS)
    return text


def last_second(day: str) -> BlockTime:
    """Return the last second (UTC) of a day written 2026-12-31.

    Raises:
        DateMalformed: it is no day.
    """
    try:
        return parse_time(f"{day.strip()}T23:59:59Z")
    except LodelineError as refused:
        raise DateMalformed(day) from refused


def _free_name(file: Path | None, number: str) -> Path:
    if file is None:
        return Path(f"{number}.request")
    return file.with_stem(f"{file.stem}-{number}") if file.exists() else file


def answer(
    terminal: Terminal, session: Session, outcome: Receipt | Request, file: Path | None
) -> None:
    """Say where an entry stands in the log, or write the request that others have to sign.

    A request is never lost to a file that is in its way: it gets a name of its own then.

    Raises:
        FileUnwritable: the request cannot be written.
    """
    if not isinstance(outcome, Request):
        terminal.say("answer.accepted", index=outcome.index, time=format_time(outcome.time))
        terminal.emit({"entry": outcome.index, "time": format_time(outcome.time)})
        return
    path = _free_name(file, entry_id(outcome.entry).hex()[:12])
    write_file(path, encode_request(outcome))
    waiting = missing(session.state, outcome)
    terminal.say("answer.request", file=path, missing=waiting)
    terminal.emit(
        {
            "request": str(path),
            "missing": list(waiting),
            "consent": needs_consent(session.state, outcome),
        }
    )
