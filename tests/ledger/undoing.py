"""Undoing in tests: reversals and re-grants with every signature that they need."""

from collections.abc import Sequence

from msgspec import structs
from tests.ledger.world import CHAIN, ENTROPY, NO_PROOF, World, made_by

from lodeline.crypto.signatures import SignatureContext
from lodeline.kernel.ids import Hash32, LotId, TransformId
from lodeline.ledger.entries import (
    Regrant,
    RegrantBody,
    RestoredLot,
    Reversal,
    ReversalBody,
    Transform,
    entry_id,
)
from lodeline.proofs.body import lot_id, transform_id

MINING = "mine-copper-cobalt"


def restored_of(world: World, lots: Sequence[LotId]) -> tuple[RestoredLot, ...]:
    return tuple(
        RestoredLot(structs.replace(world.public(lot), owner=world.fresh()), b"note", b"\0\0")
        for lot in lots
    )


def reversal_of(world: World, of: Transform, **changes: object) -> Reversal:
    """Return the reversal of a transform with every signature that it needs."""
    used = [spent.lot for spent in of.body.inputs]
    body = ReversalBody(
        CHAIN,
        1,
        transform_id(of.body),
        tuple(world.tag(lot) for lot in made_by(of)),
        restored_of(world, used),
        Hash32(ENTROPY.bytes(32)),
    )
    return signed_reversal(world, of, structs.replace(body, **changes))


def signed_reversal(world: World, of: Transform, body: ReversalBody) -> Reversal:
    bare = Reversal(body, NO_PROOF, (), None, ())
    identity = entry_id(bare)
    signatures = tuple(
        world.parties[signer.member].sign(SignatureContext.CO_SIGNATURE, identity)
        for signer in of.body.signers
    )
    site = None if of.body.site is None else world.site_signature(of.body.site, identity)
    owners = [world.public(spent.lot).owner for spent in of.body.inputs]
    consents = world.owner_signatures(owners, identity)
    return structs.replace(bare, signatures=signatures, site_signature=site, consents=consents)


def mined_by_transform(world: World) -> Transform:
    licence = world.granted()
    entry = world.make(MINING, [licence], [world.ore(), world.licence()])
    world.apply(entry)
    return entry


def given_back(entry: Reversal) -> LotId:
    return lot_id(TransformId(entry_id(entry)), 0)


def regrant_of(world: World, lot: LotId, voters: Sequence[str] = (), **changes: object) -> Regrant:
    replacement = structs.replace(world.public(lot), owner=world.fresh())
    replacement = structs.replace(replacement, **changes)
    body = RegrantBody(
        CHAIN,
        world.state.acts,
        lot,
        RestoredLot(replacement, b"note", b"\0\0"),
        Hash32(ENTROPY.bytes(32)),
    )
    return signed_regrant(world, body, voters)


def signed_regrant(world: World, body: RegrantBody, voters: Sequence[str] = ()) -> Regrant:
    bare = Regrant(body, ())
    names = voters or ("authority", "audit-a", "refiner")
    signatures = tuple(
        world.parties[name].sign(SignatureContext.VOTE, entry_id(bare)) for name in names
    )
    return structs.replace(bare, signatures=signatures)
