"""The settings of one validator, and where everything of it is kept.

    HOME/validator.toml       these settings
    HOME/founding.json        what the consortium started from
    HOME/ledger.db            the ledger
    HOME/checkpoint.key       seed of the key that signs checkpoints, in hexadecimal, 0600
    HOME/snapshots/           what newcomers start from
    HOME/comet/config, data   the consensus engine's own

What validators must have alike, the clock and the limits of a block, is in the founding.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from lodeline.engine.consortium.founding import BLOCK_BYTES, SUBMISSION_ROOM
from lodeline.engine.consortium.refusals import NoValidatorHere, SettingsNotRead
from lodeline.kernel.ids import ChainIdW, MemberIdW

__all__ = [
    "BLOCK_BYTES",
    "SNAPSHOT_ENTRIES",
    "SUBMISSION_ROOM",
    "ValidatorHome",
    "ValidatorSettings",
    "read_settings",
]

QUOTA_BYTES: Final = 2_000_000
"""Most bytes of one member that wait on a validator: a block's worth, since the consensus engine
shows the application no more than that of what waits, in the order of arrival."""
SNAPSHOT_ENTRIES: Final = 10_000
"""Entries after which a validator makes a snapshot."""

Count = Annotated[int, msgspec.Meta(ge=1, le=2**40)]
Line = Annotated[str, msgspec.Meta(max_length=512)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class ValidatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a validator is told about itself."""

    member: MemberIdW
    chain: ChainIdW
    abci: Line
    """Where the application listens for the consensus engine: ``unix://PATH`` or loopback TCP."""
    rpc: Line
    """Where the consensus engine answers the application: ``http://127.0.0.1:PORT``."""
    api: Line
    """Where the members' interface listens: ``HOST:PORT``."""
    peers: tuple[Line, ...] = ()
    """The other validators' interfaces, as URLs."""
    quota_bytes: Count = QUOTA_BYTES
    snapshot_entries: Count = SNAPSHOT_ENTRIES
    retain_blocks: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 0
    """Blocks that the consensus engine keeps, and those since the oldest snapshot; 0 keeps all."""
    workers: Annotated[int, msgspec.Meta(ge=0, le=1_024)] = 0
    """Processes that verify proofs, and where there are several, signatures; 0 for one a processor.
    Several validators on one small machine are quicker with 1 each."""
    tls_certificate: Line | None = None
    tls_key: Line | None = None
    accept_snapshots: tuple[Digest, ...] = ()
    """Digests of the snapshots that a newcomer may start from: signed by enough validators."""

    def encode(self) -> bytes:
        """Return the settings as TOML, as `read_settings` reads them."""
        fields: dict[str, object] = msgspec.to_builtins(self)
        lines = [f"{name} = {_toml(value)}" for name, value in fields.items() if value is not None]
        return ("\n".join(lines) + "\n").encode()


def _toml(value: object) -> str:
    """Return a number, text or list of texts as TOML; JSON writes them in the same way."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def read_settings(path: Path) -> ValidatorSettings:
    """Read the settings of a validator.

    Raises:
        NoValidatorHere: there is no such file.
        SettingsNotRead: it cannot be read, is not TOML, or a setting is unknown or unfit.
    """
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(fields, ValidatorSettings, strict=True)
    except FileNotFoundError as missing:
        raise NoValidatorHere(str(path.parent)) from missing
    except OSError as refused:
        reason = refused.strerror or type(refused).__name__
        raise SettingsNotRead(str(path), reason) from refused
    except (ValueError, msgspec.ValidationError) as refused:
        raise SettingsNotRead(str(path), str(refused)) from refused


@dataclass(frozen=True)
class ValidatorHome:
    """The folder of a validator."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Return the file of the settings."""
        return self.folder / "validator.toml"

    @property
    def founding(self) -> Path:
        """Return the file of the founding."""
        return self.folder / "founding.json"

    @property
    def ledger(self) -> Path:
        """Return the file of the ledger."""
        return self.folder / "ledger.db"

    @property
    def checkpoint_key(self) -> Path:
        """Return the file of the seed of the key that signs checkpoints."""
        return self.folder / "checkpoint.key"

    @property
    def snapshots(self) -> Path:
        """Return the folder of the snapshots."""
        return self.folder / "snapshots"

    @property
    def incoming(self) -> Path:
        """Return the folder of a snapshot that is being fetched."""
        return self.folder / "snapshots" / ".incoming"

    @property
    def engine(self) -> Path:
        """Return the consensus engine's own folder."""
        return self.folder / "comet"
