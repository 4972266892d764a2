"""Witnesses as their operators and the operators of logs deal with them.

A witness has a folder of its own, beside no ledger: its key, what it saw, and what it found out. It
follows logs by the keys that sign for them, taken from trust files or given by hand. It compares
what it saw with other witnesses, and with what the logs publish, in rounds.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import uvicorn

from lodeline.crypto.entropy import Entropy
from lodeline.engine.interface import Clock
from lodeline.engine.published_log import Fetch, PublishedLog
from lodeline.engine.witnesses.app import witness_app
from lodeline.engine.witnesses.client import WitnessClient, cosigned_by
from lodeline.engine.witnesses.compare import Compared, compare
from lodeline.engine.witnesses.evidence import Fork, ForkEvidence, read_evidence
from lodeline.engine.witnesses.key_file import create_witness_key, read_witness_key
from lodeline.engine.witnesses.shelf import Tell, WitnessShelf
from lodeline.engine.witnesses.witness import Seen, Witness
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin, verify_checkpoint
from lodeline.ledger.cosignature import WitnessKey
from lodeline.ledger.signednote import KeyName, parse_verifier_key
from lodeline.node.publishing import published_at
from lodeline.node.session import Session
from lodeline.node.trust import read_trust
from lodeline.node.workspace import Workspace, read_file

__all__ = [
    "AddressTaken",
    "AskedWitness",
    "LogFollowedTwice",
    "LogNameMalformed",
    "NothingToFollow",
    "Round",
    "WitnessesNotNamed",
    "WitnessesUnknown",
    "alarms_in",
    "check_evidence",
    "followed_logs",
    "make_key",
    "one_round",
    "published_logs",
    "send_to_witnesses",
    "serve",
    "witness_in",
    "witness_urls",
]

_KEY = "witness.key"


class WitnessingError(LodelineError):
    """Something said about witnesses and logs cannot be used."""


class LogNameMalformed(WitnessingError):
    """A log, or where it is published, is not given as name and value."""

    text: str

    code = "witness-log-name-malformed"
    en = "{text!r} is not of the form ORIGIN=VALUE"
    fr = "{text!r} n'est pas de la forme ORIGINE=VALEUR"
    advice_en = "give the first line of the log's checkpoints, an equals sign, and the value"
    advice_fr = "donnez la première ligne des points de contrôle, un signe égal et la valeur"


class LogFollowedTwice(WitnessingError):
    """A log is named twice, so that it is not clear whose signatures count."""

    origin: Origin

    code = "witness-log-followed-twice"
    en = "the log {origin} is named twice"
    fr = "le journal {origin} est cité deux fois"
    advice_en = "name it once, with all keys that sign for it"
    advice_fr = "citez-le une fois, avec toutes les clés qui le signent"


class NothingToFollow(WitnessingError):
    """A witness that is told of no log."""

    folder: str

    code = "witness-nothing-to-follow"
    en = "the witness in {folder} was told of no log"
    fr = "aucun journal n'a été indiqué au témoin de {folder}"
    advice_en = "name a log with --trust FILE or --log ORIGIN=KEY"
    advice_fr = "indiquez un journal avec --trust FICHIER ou --log ORIGINE=CLÉ"


class AddressTaken(WitnessingError):
    """A witness cannot listen where it should."""

    address: str
    reason: str

    code = "witness-address-taken"
    en = "nothing can listen on {address}: {reason}"
    fr = "impossible d'écouter sur {address} : {reason}"
    advice_en = "choose another address, like 127.0.0.1:8750"
    advice_fr = "choisissez une autre adresse, comme 127.0.0.1:8750"


class WitnessesUnknown(WitnessingError):
    """A checkpoint is to be sent to witnesses of which no key is known."""

    trust: str

    code = "witnesses-unknown"
    en = "{trust} names no witness, and no key was given"
    fr = "{trust} ne cite aucun témoin, et aucune clé n'a été donnée"
    advice_en = "add their keys with `lodeline trust witnesses`, or give them with --key"
    advice_fr = "ajoutez leurs clés avec « lodeline trust witnesses », ou donnez-les avec --key"


class WitnessesNotNamed(WitnessingError):
    """A checkpoint is to be sent to witnesses, and nobody said where they are."""

    folder: str

    code = "witnesses-not-named"
    en = "no witness was named, and the settings of {folder} name none"
    fr = "aucun témoin n'a été nommé, et les réglages de {folder} n'en nomment pas"
    advice_en = 'name one with --witness, or write witnesses = ["https://…"] in settings.toml'
    advice_fr = 'nommez-en un avec --witness, ou dans settings.toml : witnesses = ["https://…"]'


# ---------------------------------------------------------------------- a witness


def make_key(folder: Path, name: KeyName, entropy: Entropy) -> WitnessKey:
    """Make the key of a witness in its folder, and return the public half.

    Raises:
        WitnessKeyExists, KeyNameMalformed, DurableFileFailed: as `create_witness_key`.
    """
    return create_witness_key(folder / _KEY, name, entropy)


def followed_logs(
    named: Iterable[str], trusts: Iterable[Path]
) -> Mapping[Origin, CheckpointPolicy]:
    """Return the logs of trust files, and those given as ``ORIGIN=KEY,KEY…``.

    A trust file says how many signatures a checkpoint needs; of keys given by hand one is enough,
    as tlog-witness has it.

    Raises:
        LogNameMalformed, LogFollowedTwice: the logs are not in order.
        FileUnreadable, TrustFileMalformed, VerifierKeyMalformed, …: nor are the keys.
    """
    policies = [read_trust(path).policy().signers_only() for path in trusts]
    for text in named:
        origin, value = _pair(text)
        keys = tuple(parse_verifier_key(line) for line in value.split(","))
        policies.append(CheckpointPolicy(origin, keys, 1))
    found: dict[Origin, CheckpointPolicy] = {}
    for policy in policies:
        if policy.origin in found:
            raise LogFollowedTwice(policy.origin)
        found[policy.origin] = policy
    return found


def _pair(text: str) -> tuple[Origin, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise LogNameMalformed(text)
    return Origin(name), value


@contextmanager
def witness_in(
    folder: Path, logs: Mapping[Origin, CheckpointPolicy], clock: Clock, tell: Tell | None = None
) -> Iterator[Witness]:
    """Give the witness of a folder, following some logs; no other process may run it meanwhile.

    Raises:
        NothingToFollow: there is no log.
        WitnessKeyMissing, WitnessKeyExposed, WitnessKeyMalformed: its key cannot be used.
        WitnessHasWriter, DurableFileFailed: its folder cannot be used.
    """
    if not logs:
        raise NothingToFollow(str(folder))
    signer = read_witness_key(folder / _KEY)
    shelf = WitnessShelf(folder, tell)
    try:
        yield Witness(shelf, signer.key, signer.signing.sign_frame, clock, logs)
    finally:
        shelf.close()


def alarms_in(folder: Path) -> tuple[ForkEvidence, ...]:
    """Return the evidence that the witness of a folder keeps, whether or not it runs.

    Raises:
        EvidenceMalformed: somebody changed a file.
    """
    return WitnessShelf(folder, writable=False).alarms()


def check_evidence(file: Path, policy: CheckpointPolicy | None) -> tuple[ForkEvidence, Fork]:
    """Return evidence from a file with what it shows, under a policy or the keys it names itself.

    Raises:
        FileUnreadable, EvidenceMalformed: it is no evidence.
        EvidenceShowsNothing, NoteError, CheckpointError: it shows nothing.
    """
    evidence = read_evidence(read_file(file))
    return evidence, evidence.verify(policy)


# ---------------------------------------------------------------------- rounds


@dataclass(frozen=True)
class Round:
    """What one round of comparing came to."""

    compared: tuple[Compared, ...]
    refusals: tuple[LodelineError, ...]
    """Why a peer or a published log could not be compared with."""


@contextmanager
def published_logs(named: Iterable[str]) -> Iterator[Mapping[Origin, Fetch]]:
    """Give where logs are published, from ``ORIGIN=FOLDER`` or ``ORIGIN=https://…``.

    Raises:
        LogNameMalformed, LogFollowedTwice: they are not in order.
    """
    with ExitStack() as stack:
        found: dict[Origin, Fetch] = {}
        for text in named:
            origin, place = _pair(text)
            if origin in found:
                raise LogFollowedTwice(origin)
            found[origin] = stack.enter_context(published_at(place))
        yield found


def one_round(
    witness: Witness, peers: Sequence[WitnessClient], tiles: Mapping[Origin, Fetch]
) -> Round:
    """Compare each log with what the peers saw of it and with what it publishes.

    Peers and tiles that are of no use do not stop the round; they are named in it.
    """
    compared, refusals = list[Compared](), list[LodelineError]()
    for origin in witness.logs:
        shown = list[Seen]()
        for peer in peers:
            try:
                note = peer.latest(origin)
                shown += [] if note is None else [witness.read(note)]
            except LodelineError as refusal:
                refusals.append(refusal)
        try:
            published = _published(witness, origin, tiles)
        except LodelineError as refusal:
            refusals.append(refusal)
            published = None
        try:
            compared.append(compare(witness, origin, shown, published))
        except LodelineError as refusal:
            refusals.append(refusal)
    return Round(tuple(compared), tuple(refusals))


def _published(
    witness: Witness, origin: Origin, tiles: Mapping[Origin, Fetch]
) -> PublishedLog | None:
    fetch = tiles.get(origin)
    return None if fetch is None else PublishedLog(fetch, witness.policy(origin))


# ---------------------------------------------------------------------- serving


def serve(
    witness: Witness,
    address: str,
    started: Callable[[str], None],
    every_round: Callable[[], None] | None = None,
    seconds: float = 60.0,
) -> None:
    """Serve a witness over HTTP until the process is asked to end, with a round now and then.

    ``started`` is told the URL once requests are taken.

    Raises:
        AddressTaken: nothing can listen there.
    """
    with _listening(address) as listening, _rounds(every_round, seconds), _asked_to_end():
        host, port = listening.getsockname()[:2]
        started(f"http://{host}:{port}")
        config = uvicorn.Config(witness_app(witness), lifespan="off", log_config=None)
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    try:
        made = socket.create_server((host or "127.0.0.1", int(port)))
    except (OSError, ValueError, OverflowError) as failed:
        raise AddressTaken(address, str(failed)) from failed
    with made:
        yield made


@contextmanager
def _rounds(every_round: Callable[[], None] | None, seconds: float) -> Iterator[None]:
    if every_round is None:
        yield
        return
    ended = Event()

    def work() -> None:
        while not ended.is_set():
            every_round()
            ended.wait(seconds)

    thread = Thread(target=work, name="rounds")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _asked_to_end() -> Iterator[None]:
    """Let the server end in its own time; it passes the signal on once it has ended."""
    asked = (signal.SIGINT, signal.SIGTERM)
    before = [(number, signal.signal(number, lambda *_: None)) for number in asked]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


# ---------------------------------------------------------------------- the log's side


@dataclass(frozen=True)
class AskedWitness:
    """What became of asking one witness."""

    url: str
    cosigned: tuple[tuple[KeyName, BlockTime], ...]
    """Who cosigned, and when."""
    refusal: LodelineError | None = None


def witness_urls(workspace: Workspace, named: Sequence[str]) -> tuple[str, ...]:
    """Return the witnesses that were named, else those of the settings.

    Raises:
        WitnessesNotNamed: neither.
        SettingsMalformed: the settings are not in order.
    """
    urls = tuple(named) or workspace.settings().witnesses
    if not urls:
        raise WitnessesNotNamed(str(workspace.folder))
    return urls


def send_to_witnesses(
    session: Session, clients: Sequence[WitnessClient], more: Sequence[WitnessKey] = ()
) -> tuple[bytes, tuple[AskedWitness, ...]]:
    """Have the last signed checkpoint cosigned, keep what came, and return it with the outcomes.

    Witnesses are those of the pinned trust file, and ``more``. One that is of no use does not stop
    the others.

    Raises:
        WitnessesUnknown: no key of a witness is known.
        CheckpointMissing: nobody has signed one yet.
        TooFewSignatures, …: it is not signed as the trust file asks for.
        LedgerReadOnly, LedgerNotWritten, …: nothing can be kept.
    """
    policy = read_trust(session.workspace.trust).policy()
    keys = tuple(dict.fromkeys((*policy.witnesses, *more)))
    if not keys:
        raise WitnessesUnknown(str(session.workspace.trust))
    note = session.ledger.signed_checkpoint()
    verify_checkpoint(note, policy.signers_only())
    outcomes = []
    for client in clients:
        outcome, note = _ask(session, client, note, keys)
        outcomes.append(outcome)
    return note, tuple(outcomes)


def _ask(
    session: Session, client: WitnessClient, note: bytes, keys: tuple[WitnessKey, ...]
) -> tuple[AskedWitness, bytes]:
    try:
        cosigned = cosigned_by(client, note, keys, session.ledger.prove_consistency)
    except LodelineError as refusal:
        return AskedWitness(client.url, (), refusal), note
    kept = session.ledger.keep_checkpoint(cosigned.note)
    by = tuple((key.name, time) for key, time in cosigned.by.items())
    return AskedWitness(client.url, by), kept
