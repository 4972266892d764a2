"""The keystore: opened by one passphrase, by nothing else, and never found half written."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.crypto.entropy import Secret, SystemEntropy
from lodeline.crypto.onetime import check_address
from lodeline.crypto.signatures import SignatureContext, SigningKey, sign, verify
from lodeline.holder import keystore as module
from lodeline.holder.keyfile import (
    KeystoreExists,
    KeystoreExposed,
    KeystoreMissing,
    KeystoreUnreadable,
    KeystoreUnwritable,
    create_keystore_file,
    read_keystore_file,
    replace_keystore_file,
)
from lodeline.holder.keystore import (
    LEAST_PASSPHRASE_CHARS,
    MAX_KEYSTORE_BYTES,
    STANDARD_COST,
    STANDARD_LIMITS,
    FacilityKeyMissing,
    FacilityKeyPresent,
    HolderKeys,
    KdfCost,
    KdfCostOutside,
    KdfLimits,
    KdfOutOfMemory,
    KeystoreNotOpened,
    KeystoreTooLarge,
    Passphrase,
    PassphraseTooShort,
    PassphraseUnusable,
    VaultKey,
    VaultKeyLength,
    change_passphrase,
    open_keystore,
    seal_keystore,
)
from lodeline.kernel.cbor import decode, encode
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MalformedName, SiteId

CHEAP = KdfCost(memory_kib=8, passes=1, lanes=1)
CHEAP_LIMITS = KdfLimits(least=CHEAP, most=KdfCost(memory_kib=64, passes=2, lanes=2))
ENTROPY = SystemEntropy()
RIGHT = Passphrase.typed("correct horse battery staple")
WRONG = Passphrase.typed("correct horse battery stapler")
MINE, PLANT = SiteId("kolwezi-3"), SiteId("kokkola-1")
KEYS = HolderKeys.generate([MINE, PLANT], ENTROPY)


def sealed_cheaply(keys: HolderKeys = KEYS, passphrase: Passphrase = RIGHT) -> bytes:
    return seal_keystore(keys, passphrase, ENTROPY, cost=CHEAP, limits=CHEAP_LIMITS)


def opened(sealed: bytes, passphrase: Passphrase = RIGHT) -> HolderKeys:
    return open_keystore(sealed, passphrase, limits=CHEAP_LIMITS)


def secrets_of(keys: HolderKeys) -> list[bytes]:
    own: list[Secret] = [keys.signing, keys.view, keys.spend, keys.vault]
    return [secret.reveal() for secret in [*own, *keys.facilities.values()]]


SEALED = sealed_cheaply()

# ------------------------------------------------------------------ round trips


def test_what_is_sealed_opens_to_the_same_keys() -> None:
    again = opened(SEALED)
    assert again == KEYS
    assert list(again.facilities) == sorted(KEYS.facilities)
    assert check_address(again.address) == KEYS.address


def test_the_standard_cost_seals_and_opens() -> None:
    keys = open_keystore(seal_keystore(KEYS, RIGHT, ENTROPY), RIGHT)
    assert keys == KEYS


@settings(max_examples=30)
@given(st.sets(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/@:-]{0,63}", fullmatch=True), max_size=6))
def test_any_sites_come_back(names: set[str]) -> None:
    keys = HolderKeys.generate([SiteId(name) for name in names], ENTROPY)
    assert opened(sealed_cheaply(keys)).facilities == keys.facilities


def test_a_facility_key_signs_for_its_site() -> None:
    key = opened(SEALED).facility(MINE)
    signature = sign(key, SignatureContext.SITE_OPERATION, b"hoisted")
    public = KEYS.facility(MINE).public
    verify(public, SignatureContext.SITE_OPERATION, b"hoisted", signature)


def test_two_sealings_share_neither_salt_nor_nonce() -> None:
    headers = [decode(sealed_cheaply()) for _ in range(5)]
    drawn = set()
    for header in headers:
        assert isinstance(header, dict)
        drawn |= {header["header"]["salt"], header["header"]["nonce"]}
    assert len(drawn) == 10


def test_a_changed_passphrase_opens_and_the_old_one_no_longer() -> None:
    changed = change_passphrase(SEALED, RIGHT, WRONG, ENTROPY, limits=CHEAP_LIMITS)
    assert opened(changed, WRONG) == KEYS
    with pytest.raises(KeystoreNotOpened):
        opened(changed, RIGHT)


def test_a_changed_passphrase_keeps_the_cost() -> None:
    dear = KdfCost(memory_kib=32, passes=2, lanes=2)
    sealed = seal_keystore(KEYS, RIGHT, ENTROPY, cost=dear, limits=CHEAP_LIMITS)
    changed = decode(change_passphrase(sealed, RIGHT, WRONG, ENTROPY, limits=CHEAP_LIMITS))
    assert isinstance(changed, dict)
    assert changed["header"]["cost"] == {"memory_kib": 32, "passes": 2, "lanes": 2}


# ------------------------------------------------------------------ refusals


def test_a_wrong_passphrase_is_refused() -> None:
    with pytest.raises(KeystoreNotOpened) as refused:
        opened(SEALED, WRONG)
    assert refused.value.length == len(SEALED)


def test_nobody_changes_a_passphrase_without_the_old_one() -> None:
    with pytest.raises(KeystoreNotOpened):
        change_passphrase(SEALED, WRONG, RIGHT, ENTROPY, limits=CHEAP_LIMITS)


def test_every_flipped_byte_is_refused_by_name() -> None:
    for place in range(len(SEALED)):
        for bit in (1, 0x80):
            altered = bytearray(SEALED)
            altered[place] ^= bit
            with pytest.raises(LodelineError):
                opened(bytes(altered))


def test_every_cut_is_refused_by_name() -> None:
    for length in range(len(SEALED)):
        with pytest.raises(LodelineError):
            opened(SEALED[:length])
    with pytest.raises(LodelineError):
        opened(SEALED + b"\x00")


@pytest.mark.fuzz
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_by_name(junk: bytes) -> None:
    with pytest.raises(LodelineError):
        opened(junk)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.binary(max_size=40) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.fuzz
@given(
    st.sampled_from(["type", "cost", "salt", "nonce", "memory_kib", "passes", "ciphertext"]), values
)
def test_any_value_in_any_field_is_refused_by_name(field: str, value: object) -> None:
    parsed = decode(SEALED)
    assert isinstance(parsed, dict)
    header = parsed["header"]
    holder = next(part for part in (parsed, header, header["cost"]) if field in part)
    if holder[field] == value:
        return
    holder[field] = value
    with pytest.raises(LodelineError):
        opened(encode(parsed))


def with_cost(cost: KdfCost) -> bytes:
    parsed = decode(SEALED)
    assert isinstance(parsed, dict)
    fields = {name: getattr(cost, name) for name in KdfCost.__struct_fields__}
    parsed["header"]["cost"] = fields
    return encode(parsed)


@pytest.mark.parametrize(
    ("cost", "parameter"),
    [
        (KdfCost(2**40, 3, 4), "memory_kib"),
        (KdfCost(1024 * 1024 + 1, 3, 4), "memory_kib"),
        (KdfCost(64 * 1024, 2**32, 4), "passes"),
        (KdfCost(64 * 1024, 3, 1000), "lanes"),
        (KdfCost(64 * 1024 - 1, 3, 4), "memory_kib"),
        (KdfCost(64 * 1024, 2, 4), "passes"),
        (KdfCost(64 * 1024, 3, 0), "lanes"),
        (KdfCost(-1, 3, 4), "memory_kib"),
    ],
)
def test_a_memory_bomb_or_a_cheap_cost_is_refused_before_it_is_paid(
    cost: KdfCost, parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("the derivation was started")

    monkeypatch.setattr(module, "Argon2id", never)
    with pytest.raises(KdfCostOutside) as refused:
        open_keystore(with_cost(cost), RIGHT)
    assert refused.value.parameter == parameter
    assert refused.value.found == getattr(cost, parameter)
    assert refused.value.least == getattr(STANDARD_LIMITS.least, parameter)
    assert refused.value.most == getattr(STANDARD_LIMITS.most, parameter)


def test_a_cheap_cost_needs_cheap_limits_on_both_sides() -> None:
    with pytest.raises(KdfCostOutside):
        open_keystore(SEALED, RIGHT)
    with pytest.raises(KdfCostOutside):
        seal_keystore(KEYS, RIGHT, ENTROPY, cost=CHEAP)


def test_memory_too_small_for_the_lanes_is_refused() -> None:
    with pytest.raises(KdfCostOutside) as refused:
        seal_keystore(KEYS, RIGHT, ENTROPY, cost=KdfCost(8, 1, 2), limits=CHEAP_LIMITS)
    assert (refused.value.found, refused.value.least) == (8, 16)


def test_a_machine_without_the_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "Argon2id", exhausted)
    with pytest.raises(KdfOutOfMemory) as refused:
        opened(SEALED)
    assert refused.value.memory_kib == CHEAP.memory_kib


def test_the_standard_is_the_recommendation_of_rfc_9106() -> None:
    """Source: RFC 9106 §4, second recommended option."""
    assert KdfCost(memory_kib=2**16, passes=3, lanes=4) == STANDARD_COST == STANDARD_LIMITS.least


def test_a_huge_file_is_refused_unparsed() -> None:
    with pytest.raises(KeystoreTooLarge) as refused:
        opened(bytes(MAX_KEYSTORE_BYTES + 1))
    assert refused.value.length == MAX_KEYSTORE_BYTES + 1


# ------------------------------------------------------------------ passphrases and keys


def test_a_short_new_passphrase_is_refused() -> None:
    short = Passphrase.typed("é" * (LEAST_PASSPHRASE_CHARS - 1))
    with pytest.raises(PassphraseTooShort) as refused:
        sealed_cheaply(passphrase=short)
    assert refused.value.length == LEAST_PASSPHRASE_CHARS - 1
    with pytest.raises(PassphraseTooShort):
        change_passphrase(SEALED, RIGHT, short, ENTROPY, limits=CHEAP_LIMITS)


def test_accents_open_however_they_are_composed() -> None:
    sealed = sealed_cheaply(passphrase=Passphrase.typed("minerai d\u00e9j\u00e0 pes\u00e9"))
    assert opened(sealed, Passphrase.typed("minerai de\u0301ja\u0300 pese\u0301")) == KEYS


@pytest.mark.parametrize(("text", "position"), [("a\nb", 2), ("\x00", 1), ("ab\ud800", 3)])
def test_a_passphrase_that_cannot_be_typed_is_refused(text: str, position: int) -> None:
    with pytest.raises(PassphraseUnusable) as refused:
        Passphrase.typed(text)
    assert refused.value.position == position


@given(st.text())
def test_any_passphrase_is_taken_or_refused_by_name(text: str) -> None:
    try:
        taken = Passphrase.typed(text)
    except PassphraseUnusable:
        return
    assert taken == Passphrase.typed(text)


def test_facility_keys_come_and_go_one_at_a_time() -> None:
    added = KEYS.with_facility(SiteId("terrafame"), SigningKey.generate(ENTROPY))
    assert set(added.facilities) == {MINE, PLANT, SiteId("terrafame")}
    assert added.without_facility(SiteId("terrafame")) == KEYS
    with pytest.raises(FacilityKeyPresent) as present:
        KEYS.with_facility(MINE, SigningKey.generate(ENTROPY))
    assert present.value.site == MINE
    for attempt in (KEYS.facility, KEYS.without_facility):
        with pytest.raises(FacilityKeyMissing) as missing:
            attempt(SiteId("nowhere"))
        assert missing.value.site == "nowhere"


def test_a_site_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(MalformedName) as refused:
        KEYS.with_facility(SiteId(""), SigningKey.generate(ENTROPY))
    assert refused.value.text == ""


def test_a_vault_key_of_another_length_is_refused() -> None:
    with pytest.raises(VaultKeyLength) as refused:
        VaultKey(bytes(31))
    assert refused.value.length == 31


def test_facilities_cannot_be_changed_from_outside() -> None:
    mine = {MINE: SigningKey.generate(ENTROPY)}
    keys = HolderKeys(KEYS.signing, KEYS.view, KEYS.spend, KEYS.vault, mine)
    mine.clear()
    assert MINE in keys.facilities


def test_nothing_secret_shows() -> None:
    shown = f"{KEYS!r} {KEYS} {RIGHT!r} {module._to_wire(KEYS)!r}"
    try:
        opened(SEALED, WRONG)
    except KeystoreNotOpened as refused:
        shown += f"{refused!r} {refused} {refused.problem('fr')}"
    found = [
        secret for secret in secrets_of(KEYS) if secret.hex() in shown or repr(secret) in shown
    ]
    assert len(secrets_of(KEYS)) == 6
    assert found == []
    assert "horse" not in shown


def test_secrets_are_not_in_the_clear_in_the_file() -> None:
    assert [secret for secret in secrets_of(KEYS) if secret in SEALED] == []


def test_secrets_are_neither_pickled_nor_copied() -> None:
    for secret in (KEYS.signing, KEYS.view, KEYS.spend, KEYS.vault, RIGHT):
        with pytest.raises(TypeError):
            pickle.dumps(secret)
        with pytest.raises(TypeError):
            copy.copy(secret)


# ------------------------------------------------------------------ on a disk


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_keystore_is_created_read_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "holder.keys"
    create_keystore_file(path, SEALED)
    assert path.stat().st_mode & 0o777 == 0o600
    assert opened(read_keystore_file(path)) == KEYS
    other = sealed_cheaply(passphrase=WRONG)
    replace_keystore_file(path, other)
    assert read_keystore_file(path) == other
    assert path.stat().st_mode & 0o777 == 0o600
    assert listing(tmp_path) == ["holder.keys"]


def test_creating_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "holder.keys"
    create_keystore_file(path, SEALED)
    with pytest.raises(KeystoreExists) as refused:
        create_keystore_file(path, b"other")
    assert refused.value.path == path
    assert read_keystore_file(path) == SEALED
    assert listing(tmp_path) == ["holder.keys"]


def test_replacing_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreMissing):
        replace_keystore_file(tmp_path / "holder.keys", SEALED)
    assert listing(tmp_path) == []


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    create_keystore_file(real, SEALED)
    link.symlink_to(real)
    replace_keystore_file(link, b"new")
    assert link.is_symlink()
    assert read_keystore_file(real) == b"new"


def test_a_missing_keystore_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeystoreMissing) as refused:
        read_keystore_file(tmp_path / "holder.keys")
    assert refused.value.path == tmp_path / "holder.keys"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_keystore_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "holder.keys"
    create_keystore_file(path, SEALED)
    path.chmod(mode)
    with pytest.raises(KeystoreExposed) as refused:
        read_keystore_file(path)
    assert refused.value.mode == f"{mode:04o}"


def test_what_is_not_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (tmp_path, pipe):
        with pytest.raises(KeystoreUnreadable) as refused:
            read_keystore_file(path)
        assert refused.value.path == path


def test_too_large_a_keystore_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "holder.keys"
    path.write_bytes(bytes(MAX_KEYSTORE_BYTES + 1))
    path.chmod(0o600)
    with pytest.raises(KeystoreTooLarge):
        read_keystore_file(path)
    with pytest.raises(KeystoreTooLarge):
        replace_keystore_file(path, bytes(MAX_KEYSTORE_BYTES + 1))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeystoreUnwritable) as refused:
        create_keystore_file(tmp_path / "nowhere" / "holder.keys", SEALED)
    assert refused.value.reason == os.strerror(errno.ENOENT)


def stopping_at(call: int) -> Callable[[int], None]:
    """An ``fsync`` that fails the ``call``-th time, as a full or dying disk does."""
    calls = 0
    real = os.fsync

    def flush(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    return flush


@pytest.mark.crash
@pytest.mark.parametrize("call", [1, 2])
def test_a_disk_that_fails_leaves_a_whole_keystore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    path, new = tmp_path / "holder.keys", sealed_cheaply(passphrase=WRONG)
    create_keystore_file(path, SEALED)
    monkeypatch.setattr(os, "fsync", stopping_at(call))
    with pytest.raises(KeystoreUnwritable) as refused:
        replace_keystore_file(path, new)
    assert refused.value.reason == os.strerror(errno.EIO)
    assert read_keystore_file(path) == (SEALED if call == 1 else new)
    assert listing(tmp_path) == ["holder.keys"]


DYING_WRITER = """
import os, sys
from pathlib import Path
from lodeline.holder.keyfile import replace_keystore_file

path, step = Path(sys.argv[1]), sys.argv[2]
sealed = sys.stdin.buffer.read()
flush, flushes = os.fsync, []

def end(*_, **__):
    os._exit(77)

def end_at_second(descriptor):
    flushes.append(descriptor)
    end() if len(flushes) == 2 else flush(descriptor)

{
    "open": lambda: setattr(os, "open", end),
    "write": lambda: setattr(os, "fdopen", end),
    "fsync": lambda: setattr(os, "fsync", end),
    "rename": lambda: setattr(Path, "replace", end),
    "folder": lambda: setattr(os, "fsync", end_at_second),
}[step]()
replace_keystore_file(path, sealed)
"""


@pytest.mark.crash
@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename", "folder"])
def test_a_machine_that_stops_leaves_a_whole_keystore(tmp_path: Path, step: str) -> None:
    """The writer is a process of its own and ends in the place of one step, without clean-up."""
    path, new = tmp_path / "holder.keys", sealed_cheaply(passphrase=WRONG)
    create_keystore_file(path, SEALED)
    command = [sys.executable, "-c", DYING_WRITER, str(path), step]
    writer = subprocess.run(command, input=new, capture_output=True, timeout=60, check=False)
    assert writer.returncode == 77, writer.stderr.decode()
    assert read_keystore_file(path) == (new if step == "folder" else SEALED)
    left = [name for name in listing(tmp_path) if name != "holder.keys"]
    assert [name for name in left if not name.endswith(".new")] == []
    replace_keystore_file(path, SEALED)
    assert read_keystore_file(path) == SEALED
