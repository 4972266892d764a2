"""Publishing the log as files, and checking a log that somebody published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lodeline.engine.published_log import Fetch, PublishedReport, check_published, from_folder
from lodeline.engine.tile_files import Published, publish
from lodeline.engine.witnesses.client import WitnessClient, from_url
from lodeline.ledger.checkpoint import verify_checkpoint
from lodeline.ledger.log import Verify
from lodeline.ledger.trust import TrustFile
from lodeline.node.session import Session
from lodeline.node.trust import read_trust

__all__ = ["publish_log", "published_at", "verify_published"]


def publish_log(session: Session, folder: Path) -> Published:
    """Publish the log up to its last signed checkpoint into a folder, or advance what is there.

    Raises:
        CheckpointMissing: nobody has signed one yet.
        TooFewSignatures, …: it is not signed as the pinned trust file asks for; witnesses may
            cosign it later, and it is then published again.
        PublishedLogDiffers, PublishedLogShrank, PublishedFileAltered: as `publish`.
        DurableFileFailed: a file cannot be used.
    """
    note = session.ledger.signed_checkpoint()
    verify_checkpoint(note, read_trust(session.workspace.trust).policy().signers_only())
    return publish(session.ledger, note, folder)


@contextmanager
def published_at(place: str) -> Iterator[Fetch]:
    """Give what fetches the files of a log from a folder or an HTTP address."""
    if place.startswith(("http://", "https://")):
        with WitnessClient(place) as client:
            yield from_url(client)
    else:
        yield from_folder(Path(place))


def verify_published(place: str, trust: TrustFile, verify: Verify | None) -> PublishedReport:
    """Read a whole published log and check it against a trust file.

    With ``verify`` every rule and proof is checked again, too.

    Raises:
        LodelineError: the first thing that does not hold; as `check_published`.
    """
    with published_at(place) as fetch:
        return check_published(fetch, trust, verify)
