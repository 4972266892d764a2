"""`lodeline grant`: licences, quotas, intakes and assurances for a site and the present month."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from lodeline.cli.terminal import terminal_of
from lodeline.custody.forms import FormClass
from lodeline.exchange.transform_file import ElementAmount, parse_element_amount
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ELEMENT_PATTERN, ElementSymbol, SiteId, check_name
from lodeline.kernel.time import format_time, parse_period
from lodeline.kernel.units import Milligrams, format_mass, parse_mass
from lodeline.node.granting import GrantOrder, default_claim
from lodeline.node.granting import grant as grant_order

__all__ = ["amounts_of", "grant"]

_KINDS = ("licence", "quota", "intake", "assurance")
_ELEMENT = re.compile(ELEMENT_PATTERN)


class GrantKindUnknown(LodelineError):
    """A word that names nothing that can be granted."""

    kind: str
    known: tuple[str, ...]

    code = "grant-kind-unknown"
    en = "“{kind}” is nothing that can be granted"
    fr = "« {kind} » ne peut être accordé"
    advice_en = "write one of: {known}"
    advice_fr = "écrivez l'un de : {known}"


class ElementTwice(LodelineError):
    """One element with two amounts."""

    element: str

    code = "element-twice"
    en = "{element} is given two amounts"
    fr = "{element} reçoit deux quantités"
    advice_en = "give each element once"
    advice_fr = "donnez chaque élément une fois"


def amounts_of(words: Sequence[str]) -> dict[ElementSymbol, Milligrams]:
    """Return amounts written ``"2500 t Co"`` or ``Co "2500 t"``, each element once.

    Raises:
        ElementTwice: an element with two amounts.
        QuantityError: an amount without unit or element, or otherwise unclear.
    """
    found: dict[ElementSymbol, Milligrams] = {}
    left = list(words)
    while left:
        amount = _next(left)
        if amount.element in found:
            raise ElementTwice(amount.element)
        found[amount.element] = amount.mass
    return found


def _next(left: list[str]) -> ElementAmount:
    word = left.pop(0)
    if _ELEMENT.match(word) and left:
        return ElementAmount(ElementSymbol(word), parse_mass(left.pop(0)))
    return parse_element_amount(word)


def grant(
    context: typer.Context,
    kind: Annotated[str, typer.Argument()],
    site: Annotated[str, typer.Argument()],
    amounts: Annotated[list[str], typer.Argument()],
    *,
    standard: Annotated[str | None, typer.Option()] = None,
    month: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Grant a right or an assurance."""
    terminal = terminal_of(context)
    if kind not in _KINDS:
        raise GrantKindUnknown(kind, _KINDS)
    order = GrantOrder(
        kind=FormClass(kind),
        site=SiteId(check_name(site)),
        amounts=amounts_of(amounts),
        standard=None if standard is None else default_claim(standard),
        month=None if month is None else parse_period(month),
    )
    with terminal.session() as session:
        grantor = session.workspace.member(terminal.options.member)
        written = [
            f"{format_mass(mass, terminal.lang)} {element}"
            for element, mass in order.amounts.items()
        ]
        terminal.say("grant.echo", kind=terminal.texts(f"form.{kind}"), amounts=written, site=site)
        granted = grant_order(session, grantor, order)
    terminal.say(
        "grant.done",
        index=granted.receipt.index,
        lot=granted.lot,
        to=granted.to,
        expires=format_time(granted.expires),
    )
    terminal.emit(
        {
            "entry": granted.receipt.index,
            "lot": granted.lot.hex(),
            "to": granted.to,
            "expires": format_time(granted.expires),
        }
    )
