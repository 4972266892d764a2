"""Files of a validator: settings and founding, read strictly; the process that needs them."""

import json
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.engine.consortium.founding import (
    BLOCK_BYTES,
    BLOCK_PROOFS,
    SUBMISSION_ROOM,
    BlockLimits,
    ClockKind,
    Founding,
    read_founding,
)
from lodeline.engine.consortium.process import SystemClock, main, workers
from lodeline.engine.consortium.refusals import (
    FoundingMalformed,
    NoValidatorHere,
    SettingsNotRead,
)
from lodeline.engine.consortium.settings import (
    ValidatorHome,
    ValidatorSettings,
    read_settings,
)
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import parse_time

SETTINGS = ValidatorSettings(
    member=MemberId("miner"),
    chain=ChainId("test.example/chain"),
    abci='unix:///run/lodeline/«é» "quoted"\\abci.sock',
    rpc="http://127.0.0.1:26657",
    api="0.0.0.0:8443",
    peers=("https://a.example", "https://b.example"),
    tls_certificate="/etc/lodeline/cert.pem",
    accept_snapshots=("0a" * 32,),
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "validator.toml"
    path.write_bytes(data)
    return path


def test_settings_read_back(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, SETTINGS.encode())) == SETTINGS


def test_the_usual_block_has_room_for_the_engine_s_own_part() -> None:
    usual = BlockLimits()
    assert (usual.block_bytes, usual.block_proofs) == (BLOCK_BYTES, BLOCK_PROOFS)
    assert usual.submission_room == SUBMISSION_ROOM


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "surprise = 1\n",
        lambda text: text.replace("member", "membre"),
        lambda text: text.replace("quota_bytes = ", "quota_bytes = -"),
        lambda text: text.replace("snapshot_entries = 1", 'snapshot_entries = "1'),
        lambda text: text + "block_bytes = 2000000\n",  # not a validator's own to set
        lambda text: text + "block_proofs = 256\n",
        lambda text: text.replace("0a0a", "0A0A"),
        lambda text: text.replace("test.example/chain", "no chain"),
        lambda text: text[:-3],
    ],
)
def test_settings_with_a_mistake_are_refused(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    text = change(SETTINGS.encode().decode())
    assert text != SETTINGS.encode().decode()
    with pytest.raises(SettingsNotRead):
        read_settings(written(tmp_path, text.encode()))


def test_no_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoValidatorHere) as missing:
        read_settings(tmp_path / "validator.toml")
    assert missing.value.folder == str(tmp_path)
    with pytest.raises(SettingsNotRead):
        read_settings(written(tmp_path, b"\xff"))


def test_every_file_of_a_home_has_its_own_place(tmp_path: Path) -> None:
    home = ValidatorHome(tmp_path)
    places = [home.settings, home.founding, home.ledger, home.checkpoint_key, home.snapshots]
    assert len({*places, home.engine, home.incoming}) == 7
    assert all(tmp_path in place.parents for place in places)


# ---------------------------------------------------------------------------- founding


LIMITS = st.builds(BlockLimits, st.integers(500_000, 20_000_000), st.integers(1, 100_000))


@given(st.sampled_from(ClockKind), st.lists(st.binary(min_size=1, max_size=90), min_size=1), LIMITS)
def test_a_founding_reads_back(clock: ClockKind, entries: list[bytes], limits: BlockLimits) -> None:
    founding = Founding(clock, tuple(entries), limits)
    again = read_founding(founding.encode())
    assert again == founding
    assert again.digest == founding.digest


def test_everything_in_a_founding_is_in_its_digest() -> None:
    some = Founding(ClockKind.BLOCK, (b"a", b"bc"))
    others = [
        Founding(ClockKind.STORY, (b"a", b"bc")),
        Founding(ClockKind.BLOCK, (b"ab", b"c")),
        Founding(ClockKind.BLOCK, (b"bc", b"a")),
        Founding(ClockKind.BLOCK, (b"a",)),
        Founding(ClockKind.BLOCK, (b"a", b"bc"), BlockLimits(block_bytes=BLOCK_BYTES + 1)),
        Founding(ClockKind.BLOCK, (b"a", b"bc"), BlockLimits(block_proofs=BLOCK_PROOFS + 1)),
    ]
    assert len({found.digest for found in (some, *others)}) == 7


def test_a_founding_may_be_laid_out_differently() -> None:
    """The consensus engine writes the document again in its own file."""
    founding = Founding(ClockKind.BLOCK, (b"a", b"bc"))
    compact = json.dumps(json.loads(founding.encode()), separators=(",", ":"), sort_keys=True)
    assert read_founding(compact.encode()) == founding


def document(**changes: object) -> bytes:
    fields = {
        "format": "lodeline-founding-v1",
        "clock": "block",
        "limits": {"block_bytes": 2_000_000, "block_proofs": 256},
        "entries": [b64encode(b"a").decode()],
    }
    return msgspec.json.encode({**fields, **changes})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        document()[:-1],
        document(format="lodeline-founding-v2"),
        document(clock="sun"),
        document(limits=None),
        document(limits={"block_bytes": 499_999}),
        document(limits={"block_bytes": 20_000_001}),
        document(limits={"block_proofs": 0}),
        document(limits={"block_seconds": 1}),
        document(entries=[]),
        document(entries=["!"]),
        document(entries=["YQ"]),
        document(entries=[""]),
        document(entries=[b64encode(bytes(65_001)).decode()]),
        document(surprise=1),
    ],
)
def test_another_document_is_refused(data: bytes) -> None:
    with pytest.raises(FoundingMalformed):
        read_founding(data)


# ---------------------------------------------------------------------------- the process


def test_the_process_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 2
    assert main([str(tmp_path)]) == 1
    assert "validator.toml" in capsys.readouterr().err


def test_the_machine_s_clock_is_of_this_century() -> None:
    assert SystemClock().now() > parse_time("2025-01-01T00:00:00Z")


def test_nothing_to_verify_needs_no_process() -> None:
    with workers(1) as found:
        assert found.verify(()) == ()
