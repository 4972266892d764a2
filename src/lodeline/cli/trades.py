"""`lodeline offer`, `offers`, `accept`, `decline`, `withdraw`: lots that change hands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import last_second
from lodeline.cli.figures import contents_text
from lodeline.cli.progress import waiting
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.cli.transforms import say_sent
from lodeline.exchange.transform_file import parse_element_amount
from lodeline.holder.contents import Contents
from lodeline.holder.records import OfferSide, OfferState, StoredOffer
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId, MemberId, check_name
from lodeline.kernel.time import BlockTime, format_time
from lodeline.node.figures import contents_data
from lodeline.node.holding import Holding, holding
from lodeline.node.trading import (
    Offered,
    buyer_of,
    decline_for_part,
    encode_part,
    offer_named,
    offer_part,
    read_part,
)
from lodeline.node.trading import accept as accept_offer
from lodeline.node.trading import decline as decline_offer
from lodeline.node.trading import offer as offer_lots
from lodeline.node.trading import withdraw as withdraw_offer
from lodeline.node.workspace import FileExists, read_file, write_file

__all__ = ["accept", "decline", "offer", "offers", "withdraw"]

_DAYS = 14
_DAY = 86_400
_NOWHERE = Path("never.request")
"""Offers and answers to them are signed by one side alone, so no request file is ever written."""


class NothingOffered(LodelineError):
    """An offer without lots and without a buyer's wish."""

    code = "nothing-offered"
    en = "an offer names lots and a buyer, or the file of a part that a buyer takes"
    fr = "une offre nomme des lots et un acheteur, ou le fichier d'une partie qu'il prend"
    advice_en = "write `lodeline offer LOT --to MEMBER`, or `lodeline offer --part FILE`"
    advice_fr = "écrivez « lodeline offer LOT --to MEMBRE », ou « lodeline offer --part FICHIER »"


def offer(
    context: typer.Context,
    lots: Annotated[list[str] | None, typer.Argument()] = None,
    *,
    to: Annotated[str | None, typer.Option("--to")] = None,
    until: Annotated[str | None, typer.Option()] = None,
    part: Annotated[Path | None, typer.Option("--part")] = None,
) -> None:
    """Offer lots to a member, or the part of a lot that it takes."""
    terminal = terminal_of(context)
    if part is None and (not lots or to is None):
        raise NothingOffered
    with terminal.writing_or_reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            end = None if until is None else last_second(until)
            if part is not None:
                with waiting(terminal, "proving"):
                    made: tuple[Offered, ...] = (offer_part(own, read_part(read_file(part)), end),)
            else:
                made = _offer_lots(terminal, own, lots or [], to or "", end)
            for one in made:
                terminal.say("offer.made", offer=one.offer, lots=one.lots)
                say_sent(terminal, own, one.sent, _NOWHERE)


def _offer_lots(
    terminal: Terminal, own: Holding, lots: list[str], to: str, end: BlockTime | None
) -> tuple[Offered, ...]:
    held = own.lots_named(tuple(lots))
    buyer = MemberId(check_name(to))
    deadline = end or BlockTime(own.session.now() + _DAYS * _DAY)
    for lot in held:
        contents = contents_text(lot.contents, terminal.lang)
        terminal.say("offer.lot", lot=lot.lot_id, form=lot.public.form, contents=contents)
    terminal.say("offer.to", to=buyer, until=format_time(deadline))
    terminal.confirm("offer.confirm")
    with waiting(terminal, "proving"):
        return offer_lots(own, held, buyer, deadline)


def offers(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all")] = False,
) -> None:
    """List offers made and received."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            found = [
                made for made in own.vault.offers() if everything or made.state is OfferState.OPEN
            ]
            rows = [_row(terminal, own, made) for made in found]
            data = [_data(own, made) for made in found]
    terminal.table(("offer", "side", "other", "contains", "until", "status"), rows)
    terminal.emit(data)


def _row(terminal: Terminal, own: Holding, made: StoredOffer) -> tuple[str, ...]:
    return (
        made.offer_id.hex()[:12],
        terminal.texts(f"offer.side_{made.side.value}"),
        buyer_of(own, made) or "–",
        "\n".join(contents_text(item, terminal.lang) for item in _contents(own, made)),
        format_time(BlockTime(made.deadline)),
        terminal.texts(f"offer.{made.state.value}"),
    )


def _contents(own: Holding, made: StoredOffer) -> list[Contents]:
    """Return what changes hands: of an offer received the lots to come, of one made those given."""
    if made.side is OfferSide.RECEIVED:
        return [lot.contents for lot in made.taken]
    return [own.vault.lot(LotId(lot)).contents for lot in made.given if own.vault.holds(LotId(lot))]


def _data(own: Holding, made: StoredOffer) -> dict[str, object]:
    return {
        "offer": made.offer_id.hex(),
        "side": made.side.value,
        "to": buyer_of(own, made),
        "deadline": format_time(BlockTime(made.deadline)),
        "state": made.state.value,
        "sound": made.side is OfferSide.MADE or made.is_sound,
        "lots": [contents_data(item) for item in _contents(own, made)],
        "reason": made.reason,
    }


def accept(
    context: typer.Context,
    offer_number: Annotated[str | None, typer.Argument(metavar="offer")] = None,
    *,
    part: Annotated[str | None, typer.Option("--part")] = None,
    out: Annotated[Path | None, typer.Option("--out")] = None,
) -> None:
    """Accept an offer, or a part of it."""
    terminal = terminal_of(context)
    with terminal.writing_or_reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            offered = offer_named(own, offer_number, OfferSide.RECEIVED)
            _echo(terminal, own, offered)
            terminal.confirm("offer.confirm_accept" if part is None else "offer.confirm_part")
            if part is None:
                say_sent(terminal, own, accept_offer(own, offered), _NOWHERE)
                return
            path = out or Path(f"{offered.offer_id.hex()[:12]}.part")
            if path.exists():  # before anything is declined
                raise FileExists(str(path))
            sent, wanted = decline_for_part(own, offered, parse_element_amount(part))
            write_file(path, encode_part(wanted))
            terminal.say("offer.part", file=path)
            say_sent(terminal, own, sent, _NOWHERE)


def _echo(terminal: Terminal, own: Holding, offered: StoredOffer) -> None:
    for lot in offered.taken:
        contents = contents_text(lot.contents, terminal.lang)
        terminal.say("offer.lot", lot=lot.lot_id, form=lot.public.form, contents=contents)
        if lot.memo:
            terminal.say("offer.memo", memo=lot.memo)
    if not offered.is_sound:
        terminal.say("offer.unsound")
    now = own.session.now()
    if now > offered.deadline:
        terminal.say("offer.late", until=format_time(BlockTime(offered.deadline)))


def decline(
    context: typer.Context,
    offer_number: Annotated[str | None, typer.Argument(metavar="offer")] = None,
    reason: Annotated[str, typer.Option()] = "",
) -> None:
    """Decline an offer."""
    terminal = terminal_of(context)
    with terminal.writing_or_reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            offered = offer_named(own, offer_number, OfferSide.RECEIVED)
            say_sent(terminal, own, decline_offer(own, offered, reason), _NOWHERE)


def withdraw(
    context: typer.Context,
    offer_number: Annotated[str | None, typer.Argument(metavar="offer")] = None,
) -> None:
    """Take an offer back."""
    terminal = terminal_of(context)
    with terminal.writing_or_reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            made = offer_named(own, offer_number, OfferSide.MADE)
            say_sent(terminal, own, withdraw_offer(own, made), _NOWHERE)
