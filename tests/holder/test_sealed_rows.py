"""Rows on the disk: nothing shows, nothing moves, and an interrupted change leaves no trace."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.proofs.scenarios import ENTROPY

from lodeline.holder.keystore import VaultKey
from lodeline.holder.sealed_rows import (
    MIGRATIONS,
    Migration,
    NotAVault,
    RowBroken,
    SealedRows,
    VaultBusy,
    VaultExists,
    VaultMissing,
    VaultNewer,
    VaultNotYours,
)

KEY = VaultKey.generate(ENTROPY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def rows(path: Path) -> SealedRows:
    return SealedRows.create(path, KEY, ENTROPY)


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def values(rows: SealedRows, shelf: bytes = b"s") -> list[bytes]:
    return [row.value for row in rows.on_shelf("kind", shelf)]


def test_rows_keep_their_order_when_they_change(rows: SealedRows) -> None:
    places = [rows.put("kind", bytes([n]), b"s", bytes([n])) for n in range(3)]
    assert rows.put("kind", b"\0", b"s", b"new") == places[0]
    assert values(rows) == [b"new", b"\1", b"\2"]
    rows.put("kind", b"\1", b"t", b"moved")
    assert (values(rows), values(rows, b"t")) == ([b"new", b"\2"], [b"moved"])
    assert rows.remove("kind", b"\0")
    assert not rows.remove("kind", b"\0")
    assert rows.get("kind", b"\0") is None
    assert rows.get("other", b"\1") is None


def test_nothing_private_stands_in_the_file(path: Path, rows: SealedRows) -> None:
    secrets = [b"kinshasa-secret-name", b"kinshasa-secret-shelf", b"kinshasa-secret-value"]
    rows.put("secretkind", *secrets)
    assert rows.get("secretkind", secrets[0]) is not None
    rows.close()
    files = list(path.parent.iterdir())
    assert files
    for file in files:
        data = file.read_bytes()
        assert not any(text in data for text in (*secrets, b"secretkind", KEY.reveal()))
    assert path.stat().st_mode & 0o077 == 0


def test_the_same_name_and_value_look_different_in_two_vaults(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        rows = SealedRows.create(tmp_path / name, VaultKey.generate(ENTROPY), ENTROPY)
        rows.put("kind", b"name", b"shelf", b"value")
        rows.close()
        with raw(tmp_path / name) as connection:
            found += connection.execute("SELECT name, shelf, sealed FROM rows").fetchall()
    flat = [cell for row in found for cell in row]
    assert len(flat) == len(set(flat)) == 12


def test_another_holder_s_key_opens_nothing(path: Path, rows: SealedRows) -> None:
    rows.put("kind", b"n", b"s", b"v")
    rows.close()
    with pytest.raises(VaultNotYours) as refused:
        SealedRows.open(path, VaultKey.generate(ENTROPY), ENTROPY)
    assert refused.value.path == str(path)
    again = SealedRows.open(path, KEY, ENTROPY)
    assert values(again) == [b"v"]


@pytest.mark.parametrize("column", ["name", "shelf", "sealed"])
def test_an_altered_row_does_not_open(path: Path, rows: SealedRows, column: str) -> None:
    rows.put("kind", b"n", b"s", b"v")
    with raw(path) as connection:
        connection.execute(
            f"UPDATE rows SET {column} = CAST(substr({column}, 1, length({column}) - 1) || x'00'"
            " AS BLOB) WHERE place = 2"
        )
    with pytest.raises(RowBroken) as refused:
        list(rows.dump())
    assert refused.value.place == 2


def test_a_row_moved_to_another_place_does_not_open(path: Path, rows: SealedRows) -> None:
    """Somebody who may write the file tries to give one lot the numbers of another."""
    rows.put("kind", b"small", b"s", b"1 kg")
    rows.put("kind", b"large", b"s", b"9 t")
    with raw(path) as connection:
        large = "SELECT sealed FROM rows WHERE place = 3"
        connection.execute(f"UPDATE rows SET sealed = ({large}) WHERE place = 2")
    with pytest.raises(RowBroken):
        rows.get("kind", b"small")
    short = rows.get("kind", b"large")
    assert short is not None
    assert short.value == b"9 t"


def test_a_truncated_cell_does_not_open(path: Path, rows: SealedRows) -> None:
    rows.put("kind", b"n", b"s", b"v")
    with raw(path) as connection:
        connection.execute("UPDATE rows SET sealed = x'00' WHERE place = 2")
    with pytest.raises(RowBroken):
        rows.get("kind", b"n")


def test_a_change_is_whole_or_nothing(rows: SealedRows) -> None:
    class Stop(Exception):
        pass

    def interrupted() -> None:
        with rows.change():
            rows.put("kind", b"a", b"s", b"1")
            with rows.change():
                rows.put("kind", b"b", b"s", b"2")
            raise Stop

    with pytest.raises(Stop):
        interrupted()
    assert values(rows) == []
    with rows.change():
        rows.put("kind", b"a", b"s", b"1")
    assert values(rows) == [b"1"]


def test_two_writers_do_not_mix(
    path: Path, rows: SealedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeline.holder.sealed_rows._BUSY_SECONDS", 0)
    other = SealedRows.open(path, KEY, ENTROPY)
    with rows.change():
        rows.put("kind", b"a", b"s", b"1")
        with pytest.raises(VaultBusy):
            other.put("kind", b"b", b"s", b"2")
        assert values(other) == []
    other.put("kind", b"b", b"s", b"2")
    assert values(rows) == [b"1", b"2"]


def test_files_that_are_no_vault(tmp_path: Path, path: Path) -> None:
    with pytest.raises(VaultMissing):
        SealedRows.open(path, KEY, ENTROPY)
    path.write_bytes(b"not a database, but long enough to be mistaken for one" * 20)
    with pytest.raises(NotAVault):
        SealedRows.open(path, KEY, ENTROPY)
    with pytest.raises(VaultExists):
        SealedRows.create(path, KEY, ENTROPY)
    foreign = tmp_path / "foreign.db"
    with raw(foreign) as connection:
        connection.execute("CREATE TABLE rows (a)")
    before = foreign.read_bytes()
    with pytest.raises(NotAVault):
        SealedRows.open(foreign, KEY, ENTROPY)
    assert foreign.read_bytes() == before


# ------------------------------------------------------------------ migrations

SECOND = Migration(2, "a second table", ("CREATE TABLE extra (a BLOB) STRICT",))
BROKEN = Migration(2, "half a step", ("CREATE TABLE extra (a BLOB) STRICT", "CREATE NONSENSE"))


def versions(path: Path) -> list[int]:
    with raw(path) as connection:
        found = connection.execute("SELECT version FROM migrations ORDER BY version").fetchall()
    return [row[0] for row in found]


def test_a_migration_and_its_record_are_one_transaction(path: Path, rows: SealedRows) -> None:
    rows.put("kind", b"n", b"s", b"v")
    rows.close()
    with pytest.raises(sqlite3.OperationalError):
        SealedRows.open(path, KEY, ENTROPY, (*MIGRATIONS, BROKEN))
    assert versions(path) == [1]
    with raw(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'extra'")
        assert tables.fetchall() == []
    assert values(SealedRows.open(path, KEY, ENTROPY, (*MIGRATIONS, SECOND))) == [b"v"]
    assert versions(path) == [1, 2]
    SealedRows.open(path, KEY, ENTROPY, (*MIGRATIONS, SECOND)).close()
    assert versions(path) == [1, 2]


def test_a_newer_format_is_not_touched(path: Path, rows: SealedRows) -> None:
    rows.close()
    SealedRows.open(path, KEY, ENTROPY, (*MIGRATIONS, SECOND)).close()
    with pytest.raises(VaultNewer) as refused:
        SealedRows.open(path, KEY, ENTROPY)
    assert (refused.value.found, refused.value.known) == (2, 1)


@pytest.mark.crash
@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_writer_killed_inside_a_change_leaves_the_old_rows(
    path: Path, rows: SealedRows, writes: int
) -> None:
    rows.put("kind", b"kept", b"s", b"kept")
    rows.close()
    script = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from lodeline.crypto.entropy import SystemEntropy
        from lodeline.holder.keystore import VaultKey
        from lodeline.holder.sealed_rows import SealedRows
        key = VaultKey(bytes.fromhex(os.environ["KEY"]))
        rows = SealedRows.open(Path({str(path)!r}), key, SystemEntropy())
        with rows.change():
            for number in range({writes}):
                rows.put("kind", bytes([number]), b"s", b"lost")
            os._exit(9)
    """)
    environment = {**os.environ, "KEY": KEY.reveal().hex()}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert ended.returncode == 9
    assert values(SealedRows.open(path, KEY, ENTROPY)) == [b"kept"]
