"""One-time keys: found by their owner alone, spent by their owner alone."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.generators import OWNER_BASE, TAG_BASE
from lodeline.crypto.group import (
    GROUP_ORDER,
    BadPoint,
    BadScalar,
    Scalar,
    decode_point,
    encode_point,
    encode_scalar,
    scalar,
)
from lodeline.crypto.onetime import (
    Address,
    EntryMarks,
    OutputMark,
    OwnerSecretZero,
    SpendKey,
    SpendKeyZero,
    SpendPublic,
    check_address,
    derive_for_recipient,
    owner_secret,
    recognise,
    recognise_all,
    tag,
)
from lodeline.crypto.sealing import (
    EphemeralKey,
    ExchangeKeySmallOrder,
    OutputIndex,
    ScanKey,
    ViewPrivateKey,
    ViewPublicKey,
    ViewTag,
)
from lodeline.kernel.cbor import decode_struct, encode_struct
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import OneTimeKey

CONTEXT = b"lodeline-test"
FIRST = OutputIndex(0)
IDENTITY_BYTES = bytes([0xC0]) + bytes(47)


def public(secret: Scalar) -> OneTimeKey:
    return OneTimeKey(encode_point(OWNER_BASE * secret))


class Wallet:
    """A holder with both keys."""

    def __init__(self, number: int) -> None:
        self.view = ViewPrivateKey(bytes([number]) * 32)
        self.spend = SpendKey(encode_scalar(scalar(1_000_003 * number)))
        self.address = Address(spend=self.spend.public, view=self.view.public)

    def finds(self, entry: EntryMarks) -> list[int]:
        return [owned.index for owned in recognise_all(self.view, self.spend.public, entry)]


BUYER, RIVAL, SELLER = Wallet(1), Wallet(2), Wallet(3)


def entry_for(ephemeral: EphemeralKey, *recipients: Wallet) -> EntryMarks:
    """An entry with one output for each recipient, as its sender makes it."""
    marks = []
    for number, recipient in enumerate(recipients):
        index = OutputIndex(number)
        owner, shown = derive_for_recipient(recipient.address, ephemeral, index, CONTEXT)
        marks.append(OutputMark(index, shown, owner))
    return EntryMarks(ephemeral.scan_key, CONTEXT, tuple(marks))


EPHEMERAL = EphemeralKey(bytes(range(32)))
ENTRY = entry_for(EPHEMERAL, BUYER, SELLER, BUYER)


def found_offset(wallet: Wallet, entry: EntryMarks, place: int = 0) -> Scalar:
    return recognise_all(wallet.view, wallet.spend.public, entry)[place].offset


# ------------------------------------------------------------------ the owner


def test_each_holder_finds_exactly_his_own() -> None:
    assert BUYER.finds(ENTRY) == [0, 2]
    assert SELLER.finds(ENTRY) == [1]
    assert RIVAL.finds(ENTRY) == []


@settings(max_examples=25)
@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.integers(1, GROUP_ORDER - 1),
    st.integers(0, 15),
)
def test_the_owner_of_any_keys_finds_and_can_spend(
    ephemeral: bytes, view: bytes, spend: int, index: int
) -> None:
    seer, spender = ViewPrivateKey(view), SpendKey(encode_scalar(scalar(spend)))
    sender, place = EphemeralKey(ephemeral), OutputIndex(index)
    address = check_address(Address(spender.public, seer.public))
    owner, shown = derive_for_recipient(address, sender, place, CONTEXT)
    mark = OutputMark(place, shown, owner)
    offset = recognise(seer, spender.public, sender.scan_key, CONTEXT, mark)
    assert offset is not None
    assert public(owner_secret(spender, offset)) == owner


def test_the_tag_is_the_inverse_power() -> None:
    secret = owner_secret(BUYER.spend, found_offset(BUYER, ENTRY))
    assert decode_point(tag(secret)) * secret == TAG_BASE


def test_tags_of_different_lots_differ() -> None:
    secrets = [owner_secret(BUYER.spend, found_offset(BUYER, ENTRY, place)) for place in (0, 1)]
    assert tag(secrets[0]) != tag(secrets[1])


def test_everything_is_found_again_from_keys_and_ledger() -> None:
    """Restoration: a fresh wallet from the same secrets, and nothing else, derives the same."""
    before = [owner_secret(BUYER.spend, found_offset(BUYER, ENTRY, n)) for n in (0, 1)]
    view = ViewPrivateKey(BUYER.view.reveal())
    spend = SpendKey(BUYER.spend.reveal())
    after = [
        owner_secret(spend, owned.offset) for owned in recognise_all(view, spend.public, ENTRY)
    ]
    assert [tag(secret) for secret in before] == [tag(secret) for secret in after]


# ------------------------------------------------------------------ others


def test_an_auditor_with_the_view_key_finds_but_cannot_spend() -> None:
    view, spend_public = ViewPrivateKey(BUYER.view.reveal()), BUYER.spend.public
    owned = recognise_all(view, spend_public, ENTRY)
    assert [output.index for output in owned] == [0, 2]
    for output in owned:
        owner = ENTRY.outputs[output.index].owner
        # All that the auditor has as a scalar is the offset, and it is not the private key.
        assert public(output.offset) != owner


def test_the_sender_does_not_know_the_private_key_of_what_he_sent() -> None:
    """The attacker has the ephemeral key and his own spend key; neither gives k."""
    stolen = owner_secret(SELLER.spend, found_offset(BUYER, ENTRY))
    assert public(stolen) != ENTRY.outputs[0].owner


def test_one_recipient_never_has_the_same_key_twice() -> None:
    keys = set()
    for number in range(10):
        entry = entry_for(EphemeralKey(bytes([number]) * 32), BUYER, BUYER, BUYER)
        keys |= {mark.owner for mark in entry.outputs}
    assert len(keys) == 30


def test_the_context_separates_chains() -> None:
    other = EntryMarks(ENTRY.scan_key, b"another-chain", ENTRY.outputs)
    assert BUYER.finds(other) == []


def test_a_thief_who_puts_his_own_key_under_a_copied_tag_is_not_believed() -> None:
    """Output 0 keeps the buyer's view tag and names the rival's key."""
    stolen = entry_for(EPHEMERAL, RIVAL).outputs[0].owner
    mark = OutputMark(FIRST, ENTRY.outputs[0].view_tag, stolen)
    assert recognise(BUYER.view, BUYER.spend.public, ENTRY.scan_key, CONTEXT, mark) is None


def test_every_altered_part_of_a_mark_hides_the_output() -> None:
    good = ENTRY.outputs[0]
    wrong_tag = ViewTag(bytes([good.view_tag[0] ^ 1, good.view_tag[1]]))
    altered = [
        OutputMark(OutputIndex(5), good.view_tag, good.owner),
        OutputMark(FIRST, wrong_tag, good.owner),
        OutputMark(FIRST, good.view_tag, ENTRY.outputs[1].owner),
        OutputMark(FIRST, good.view_tag, OneTimeKey(bytes(48))),
    ]
    for mark in altered:
        assert recognise(BUYER.view, BUYER.spend.public, ENTRY.scan_key, CONTEXT, mark) is None
    assert recognise(BUYER.view, BUYER.spend.public, ENTRY.scan_key, CONTEXT, good) is not None


@pytest.mark.parametrize("scan_key", [bytes(32), b"\xff" * 32, b"", bytes(31)])
def test_a_scan_key_nobody_honest_made_is_nobodys(scan_key: bytes) -> None:
    assert BUYER.finds(EntryMarks(ScanKey(scan_key), CONTEXT, ENTRY.outputs)) == []


# ------------------------------------------------------------------ addresses and keys


def test_an_address_travels_canonically() -> None:
    encoded = encode_struct(BUYER.address)
    assert decode_struct(encoded, Address) == BUYER.address


@pytest.mark.parametrize(
    "spend", [IDENTITY_BYTES, bytes(48), b"\xff" * 48], ids=["identity", "zero", "ones"]
)
def test_an_address_without_a_usable_spend_key_is_refused(spend: bytes) -> None:
    address = Address(spend=SpendPublic(spend), view=BUYER.view.public)
    with pytest.raises(BadPoint) as refused:
        check_address(address)
    assert refused.value.encoding == spend
    with pytest.raises(BadPoint):
        derive_for_recipient(address, EPHEMERAL, FIRST, CONTEXT)


def test_an_address_whose_notes_everybody_could_read_is_refused() -> None:
    address = Address(spend=BUYER.spend.public, view=ViewPublicKey(bytes(32)))
    with pytest.raises(ExchangeKeySmallOrder):
        check_address(address)
    with pytest.raises(ExchangeKeySmallOrder):
        derive_for_recipient(address, EPHEMERAL, FIRST, CONTEXT)


@given(st.binary(max_size=60), st.binary(max_size=40))
def test_any_address_is_usable_or_refused_by_name(spend: bytes, view: bytes) -> None:
    address = Address(spend=SpendPublic(spend), view=ViewPublicKey(view))
    with pytest.raises(LodelineError):
        check_address(address)


def test_a_spend_key_of_zero_or_in_a_second_encoding_is_refused() -> None:
    with pytest.raises(SpendKeyZero):
        SpendKey(bytes(32))
    over = (GROUP_ORDER + 1).to_bytes(32, "little")
    with pytest.raises(BadScalar) as refused:
        SpendKey(over)
    assert refused.value.encoding == over


def test_an_offset_that_cancels_the_spend_key_is_refused() -> None:
    with pytest.raises(OwnerSecretZero):
        owner_secret(BUYER.spend, -BUYER.spend.value)
    with pytest.raises(OwnerSecretZero):
        tag(Scalar(0))


def test_nothing_secret_shows() -> None:
    owned = recognise_all(BUYER.view, BUYER.spend.public, ENTRY)[0]
    shown = f"{BUYER.spend!r} {BUYER.view} {EPHEMERAL} {owned}"
    assert str(owned.offset) not in shown
    assert str(BUYER.spend.value) not in shown
    for secret in (BUYER.spend, BUYER.view, EPHEMERAL):
        assert secret.reveal().hex() not in shown
    assert not isinstance(BUYER.spend, msgspec.Struct)


def test_fresh_spend_keys_differ() -> None:
    assert len({SpendKey.generate(SystemEntropy()).public for _ in range(10)}) == 10
