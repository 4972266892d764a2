"""A member at work: session, keys and vault together, the vault brought up to date with the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lodeline.crypto.onetime import Address
from lodeline.holder.keystore import HolderKeys
from lodeline.holder.records import HeldLot, LotStatus
from lodeline.holder.scanning import Followed, follow
from lodeline.holder.vault import Vault
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, LotId, MemberId
from lodeline.ledger.merkle import LeafIndex
from lodeline.node.session import Session

__all__ = ["Holding", "LotPrefixAmbiguous", "LotPrefixUnknown", "VaultAhead", "holding"]

_LEAST_PREFIX = 6


class LotPrefixUnknown(LodelineError):
    """A name that is no form of a free lot, and begins no number of a lot."""

    prefix: str

    code = "lot-prefix-unknown"
    en = "no lot of yours has a number that begins with {prefix}, or is free and of that form"
    fr = "aucun lot à vous n'a un numéro débutant par {prefix}, ni n'est libre et de cette forme"
    advice_en = "copy the number from `lodeline lots --all`"
    advice_fr = "recopiez le numéro depuis « lodeline lots --all »"


class LotPrefixAmbiguous(LodelineError):
    """A name that several lots have, or too few characters of a number."""

    prefix: str
    matching: int

    code = "lot-prefix-ambiguous"
    en = "{prefix} does not tell one lot from another: {matching} lots are called so"
    fr = "{prefix} ne distingue pas un lot d'un autre : {matching} lots s'appellent ainsi"
    advice_en = "give more characters of the number, at least six"
    advice_fr = "donnez plus de caractères du numéro, au moins six"


class VaultAhead(LodelineError):
    """A vault that has followed more of a log than there is."""

    member: MemberId
    followed: int
    size: int

    code = "vault-ahead"
    en = "the vault of {member} has followed {followed} entries, this ledger has {size}"
    fr = "le coffre de {member} a suivi {followed} écritures, ce registre en a {size}"
    advice_en = "the ledger is an older copy: put the newer one back; do not delete the vault"
    advice_fr = "le registre est une copie plus ancienne : remettez la récente ; gardez le coffre"


@dataclass(frozen=True)
class Holding:
    """One member's view: what is on the ledger, and what only he knows of it."""

    session: Session
    member: MemberId
    keys: HolderKeys
    vault: Vault

    @property
    def address(self) -> Address:
        """Return where lots for this member are sent."""
        return self.keys.address

    def update(self) -> Followed:
        """Follow the log to its end.

        Raises:
            VaultAhead: the vault knows a longer log.
            LodelineError: a leaf that is none, or of another ledger.
        """
        position, size = self.vault.position, self.session.ledger.size
        if position > size:
            raise VaultAhead(self.member, position, size)
        leaves = self.session.ledger.entries(LeafIndex(position), size)
        return follow(self.vault, self.keys, self.session.chain, leaves, position)

    def unspent(self) -> tuple[HeldLot, ...]:
        """Return the lots that can be used now, oldest first."""
        return self.vault.lots(LotStatus.UNSPENT)

    def lot_named(self, name: str) -> HeldLot:
        """Return the lot whose number begins so, or the only free lot of a form.

        Lots that are free come before lots that are not.

        Raises:
            LotPrefixUnknown, LotPrefixAmbiguous: none, or not one.
        """
        if FormName(name) in self.session.state.tables.forms:
            found = [lot for lot in self.unspent() if lot.public.form == name]
            return self._only(name, found, enough=True)
        word = name.lower()
        found = [lot for lot in self.vault.lots() if lot.lot_id.hex().startswith(word)]
        free = [lot for lot in found if lot.status is LotStatus.UNSPENT]
        chosen = free if len(found) > 1 and len(free) == 1 else found
        return self._only(name, chosen, enough=len(word) >= _LEAST_PREFIX)

    def _only(self, name: str, found: list[HeldLot], *, enough: bool) -> HeldLot:
        if not found:
            raise LotPrefixUnknown(name)
        if len(found) > 1 or not enough:
            raise LotPrefixAmbiguous(name, len(found))
        return found[0]

    def lots_named(self, prefixes: tuple[str, ...]) -> tuple[HeldLot, ...]:
        """Return the lots whose numbers begin so, in the order given.

        Raises:
            LotPrefixUnknown, LotPrefixAmbiguous: as `lot_named`.
        """
        return tuple(self.lot_named(prefix) for prefix in prefixes)

    def known(self) -> dict[LotId, HeldLot]:
        """Return every lot that the vault knows, by id."""
        return {lot.lot_id: lot for lot in self.vault.lots()}


@contextmanager
def holding(session: Session, member: MemberId) -> Iterator[Holding]:
    """Give a member's view, its vault made at first use and brought up to date.

    Raises:
        MemberNotHere, KeystoreNotOpened, …: the keys.
        VaultNotYours, VaultNewer, NotAVault, VaultBusy: the vault.
        VaultAhead: the vault knows a longer log than this.
    """
    keys = session.keys(member)
    path = session.workspace.vault(member)
    if path.exists():
        vault = Vault.open(path, keys.vault, session.entropy)
    else:
        vault = Vault.create(path, keys.vault, session.entropy)
    with vault:
        view = Holding(session, member, keys, vault)
        view.update()
        yield view
