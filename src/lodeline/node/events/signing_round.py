"""How the signatures of others come to an entry that an event became."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from msgspec import structs

from lodeline.crypto.signatures import SignatureContext
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.ledger.case import active_member, check_member_signature
from lodeline.ledger.entries import entry_id
from lodeline.node.cosigning import co_sign, looked_at
from lodeline.node.holding import Holding
from lodeline.node.requests import Request, encode_request, missing, read_request
from lodeline.node.workspace import MemberNotHere, read_file, write_file

__all__ = ["FolderRound", "HouseRound", "RequestOfAnother", "Round"]


class RequestOfAnother(LodelineError):
    """A file that holds another entry's request than its name says."""

    file: str
    entry: Hash32

    code = "request-of-another"
    en = "{file} does not hold the request of entry {entry}"
    fr = "{file} ne contient pas la demande de l'écriture {entry}"
    advice_en = "remove the file: the request is written anew by the next turn"
    advice_fr = "ôtez le fichier : la demande sera réécrite au prochain tour"


class Round(Protocol):
    """Brings requests to those who sign them."""

    def signed(self, own: Holding, request: Request) -> Request:
        """Return a request with the signatures that there are by now."""

    def settled(self, request: Request) -> None:
        """Take note that nobody has to sign a request any more."""


@dataclass(frozen=True)
class FolderRound:
    """Requests as files in a folder: given to the signers, and put back when they have signed.

    A file holds `ENTRY.request`; the signer uses ``lodeline cosign`` on it. What comes back is
    believed only as far as its signatures: the entry stays the one that was proved here.
    """

    folder: Path

    def signed(self, own: Holding, request: Request) -> Request:
        """Return the request with the signatures in its file, which is made where it is not there.

        Raises:
            CborError, WrongShape, RequestOfAnother: the file is not this request any more.
            MemberSignatureInvalid, UnknownMember, …: a signature in it is not what it should be.
            FileUnwritable: it cannot be written.
        """
        file = self._file(request)
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_file(file, encode_request(request))
            return request
        found = read_request(read_file(file))
        if entry_id(found.entry) != entry_id(request.entry):
            raise RequestOfAnother(str(file), Hash32(entry_id(request.entry)))
        state, waiting = own.session.state, missing(own.session.state, request)
        new = {each.member: each for each in found.signatures if each.member in waiting}
        for signature in new.values():
            record = active_member(state, MemberId(signature.member))
            identity = entry_id(request.entry)
            check_member_signature(record, signature, SignatureContext.CO_SIGNATURE, identity)
        return structs.replace(request, signatures=(*request.signatures, *new.values()))

    def settled(self, request: Request) -> None:
        """Remove the file."""
        self._file(request).unlink(missing_ok=True)

    def _file(self, request: Request) -> Path:
        return self.folder / f"{entry_id(request.entry).hex()}.request"


@dataclass(frozen=True)
class HouseRound:
    """Signers whose keys are in the same workspace: a group of companies, or a demonstration.

    Each looks at what it is shown before it signs: numbers that are not those of the entry are
    refused. Whether the numbers are true nobody asks here.
    """

    def signed(self, own: Holding, request: Request) -> Request:
        """Return the request signed by everybody whose keys are here.

        Raises:
            PieceDoesNotMatch, NoteNotOpened, …: what is shown is not what is signed.
        """
        for member in missing(own.session.state, request):
            try:
                own.session.keys(member)
            except MemberNotHere:
                continue
            looked_at(own.session, request, member)
            request = co_sign(own.session, request, member).request
        return request

    def settled(self, request: Request) -> None:
        """Nothing is left lying about."""
        del request
