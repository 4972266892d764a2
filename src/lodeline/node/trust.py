"""The trust file of a workspace: whose signatures are believed, pinned when it was founded.

It is JSON, so that it can be read, printed and compared by people. It never comes out of what it is
used to check: not from a bundle, not from a claim file, not from the ledger that is being verified.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import msgspec
from msgspec import structs

from lodeline.crypto.signatures import check_member_key
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId, MemberKey
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin
from lodeline.ledger.entries import Genesis, entry_id
from lodeline.ledger.records import Constants
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.ledger.state import State
from lodeline.ledger.trust import TrustFile
from lodeline.ledger.validators import validator_policy
from lodeline.node.workspace import Workspace, WorkspaceMissing, read_file, write_file

__all__ = [
    "TrustFileMalformed",
    "TrustMissing",
    "origin_of",
    "read_trust",
    "renewed",
    "trust_for",
    "trust_of",
    "verifier_key",
    "write_trust",
]

_MARK = "lodeline-trust-v1"


class TrustFileMalformed(LodelineError):
    """A file that is no trust file."""

    file: str
    reason: str

    code = "trust-file-malformed"
    en = "{file} is no trust file: {reason}"
    fr = "{file} n'est pas un fichier de confiance : {reason}"
    advice_en = "ask the consortium for its trust file, by another way than the bundle"
    advice_fr = "demandez au consortium son fichier de confiance, par une autre voie que le dossier"


class TrustMissing(LodelineError):
    """A check for which nobody said whose signatures are to be believed."""

    folder: str

    code = "trust-missing"
    en = "nothing says whose signatures to believe: no trust file was named, none is in {folder}"
    fr = "rien ne dit à quelles signatures se fier : aucun fichier nommé, aucun dans {folder}"
    advice_en = "name the consortium's trust file with --trust; a bundle never brings its own"
    advice_fr = "nommez le fichier de confiance avec --trust ; un dossier n'apporte jamais le sien"


def origin_of(chain: ChainId) -> Origin:
    """Return the first line of a ledger's checkpoints: its name."""
    return Origin(chain)


def verifier_key(chain: ChainId, member: MemberId, key: MemberKey) -> VerifierKey:
    """Return a member's signing key as the key under checkpoints.

    Raises:
        MemberKeyNotCanonical, …: the key binds nobody.
    """
    return VerifierKey(KeyName(f"{chain}/{member}"), check_member_key(key))


def trust_of(state: State, genesis: Genesis) -> TrustFile:
    """Return the trust file of a consortium as it stands now.

    Where members run validators, these sign checkpoints with keys of their own, and it takes more
    than two thirds of them: fewer than a third may be dishonest, and two such groups share an
    honest one (Pease, Shostak, Lamport 1980). Otherwise the voting members sign with their own
    keys, as many as a vote needs.
    """
    chain = genesis.chain
    validators = validator_policy(state)
    if validators is not None:
        known = tuple(verifier_key(chain, found.member, found.key) for found in validators.keys)
        policy = CheckpointPolicy(origin_of(chain), known, validators.threshold)
        trust = TrustFile.of(chain, entry_id(genesis), policy)
        return structs.replace(trust, signers="validators")
    keys = tuple(
        verifier_key(chain, member, record.member.key)
        for member, record in state.members.items()
        if record.votes
    )
    constants = Constants.of(genesis, entry_id(genesis))
    policy = CheckpointPolicy(origin_of(chain), keys, constants.votes_needed(len(keys)))
    return TrustFile.of(chain, entry_id(genesis), policy)


def renewed(workspace: Workspace, trust: TrustFile) -> TrustFile:
    """Return a trust file with the witnesses of the one that is pinned in a workspace, if any.

    Raises:
        FileUnreadable, TrustFileMalformed, …: as `read_trust`.
        PolicyRepeatsWitness: a witness has become a member that signs.
    """
    if not workspace.trust.exists():
        return trust
    pinned = read_trust(workspace.trust).policy()
    return trust.witnessed_by(pinned.witnesses, pinned.witness_threshold)


def write_trust(workspace: Workspace, trust: TrustFile, *, over: bool = False) -> None:
    """Pin a trust file in a workspace.

    Raises:
        FileExists: one is pinned, and it was not asked to be replaced.
        FileUnwritable: it cannot be written.
    """
    write_file(workspace.trust, _as_text(trust), over=over)


def _as_text(trust: TrustFile) -> bytes:
    fields = {"format": _MARK, **msgspec.to_builtins(trust)}
    return (json.dumps(fields, indent=2, ensure_ascii=False) + "\n").encode()


def read_trust(path: Path) -> TrustFile:
    """Read a trust file and hold its keys to making a policy.

    Raises:
        FileUnreadable: there is none.
        TrustFileMalformed: it is something else.
        VerifierKeyMalformed, PolicyRepeatsMember, ThresholdOutOfRange, …: keys that cannot be.
    """
    try:
        fields = json.loads(read_file(path), object_pairs_hook=partial(_once_each, str(path)))
    except ValueError as refused:
        raise TrustFileMalformed(str(path), "not JSON") from refused
    if not isinstance(fields, dict) or fields.pop("format", None) != _MARK:
        raise TrustFileMalformed(str(path), f"no format {_MARK}")
    try:
        trust = msgspec.convert(fields, TrustFile)
    except msgspec.ValidationError as refused:
        raise TrustFileMalformed(str(path), str(refused)) from refused
    trust.policy()
    return trust


def _once_each(file: str, pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; a name that stands twice could be read in two ways."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TrustFileMalformed(file, f"{twice!r} stands twice")
    return fields


def trust_for(named: Path | None, folder: Path) -> TrustFile:
    """Return the trust file that was named, else the one pinned in a folder.

    Raises:
        TrustMissing: neither.
        FileUnreadable, TrustFileMalformed, …: as `read_trust`.
    """
    if named is not None:
        return read_trust(named)
    try:
        return read_trust(Workspace.open_at(folder).trust)
    except WorkspaceMissing as refused:
        raise TrustMissing(str(folder)) from refused
