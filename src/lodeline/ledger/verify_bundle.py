"""A stranger checks a bundle: no network, no secret, no key but those of his own trust file.

The steps, each a function below; the next one runs only if this one holds:

1. the file arrived as it was written, in the one writing that it can have;
2. enough of the members that the reader trusts signed the checkpoint, and it is not too old;
3. every entry stands in the log of that checkpoint, at its place and before its time;
4. the log was founded by the genesis that the reader trusts;
5. no act of governance is kept back: the state counts as many as are shown;
6. where the bundle stops, the earlier checkpoint is signed too, the log continues it, and the lots
   taken from it stood there unspent and not recalled;
7. every entry is accepted again by the ledger's own rules, and every proof verified again;
8. the lot is there, and a product opens to the identifier on the thing itself;
9. at the checkpoint the lot was unspent and under no recall;
10. every claim in the bundle is about this lot, for this reader, and its proof holds.

Step 7 runs the state machine itself on the part of the log that is shown. So every check that a
validator made is made again: roles and signatures as of the date, recipes in force, licences and
their expiry, tags used once, the proofs. What was left out could only have forbidden something;
that nothing did is what the members signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from lodeline.crypto.generators import BLINDING, VALUE
from lodeline.crypto.group import decode_scalar, encode_point, scalar
from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import Family
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Commitment, FormName, TransformId, short
from lodeline.kernel.time import BlockTime, format_time
from lodeline.ledger.apply import apply
from lodeline.ledger.bundle import Bundle, Stop, StoppedLot, decode_bundle
from lodeline.ledger.bundle_report import BundleFacts, Report, Sentence, StepReport, who_signed
from lodeline.ledger.change import Change
from lodeline.ledger.checkpoint import (
    Checkpoint,
    CheckpointPolicy,
    verify_checkpoint,
    verify_growth,
    verify_logged,
)
from lodeline.ledger.claim_file import Asked, CheckedClaim, verify_claim_file
from lodeline.ledger.entries import Genesis, Govern, RequireProtocol, entry_id
from lodeline.ledger.log import BATCH, Leaf, Verify, read_leaf
from lodeline.ledger.protocols import check_all_known, required_by
from lodeline.ledger.records import ActCount, LotRecord, MakingKind
from lodeline.ledger.refusals_bundles import (
    BundleGenesisMissing,
    BundleGovernanceIncomplete,
    BundleLotSpent,
    BundleLotUnknown,
    BundleOfAnotherConsortium,
    BundleOutOfOrder,
    BundleStopForm,
    BundleStopTooLate,
    BundleStopUnfounded,
    BundleTimeDiffers,
    BundleTooOld,
    ClaimOfAnotherLot,
    ClaimsWithoutReader,
    ProductNotOpened,
)
from lodeline.ledger.refusals_entries import WrongChain
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, digest_of, state_key
from lodeline.ledger.statemap import (
    PresenceProof,
    StateMapError,
    verify_absence,
    verify_presence,
)
from lodeline.ledger.tasks import batches, tasks_for
from lodeline.ledger.trust import TrustFile
from lodeline.proofs.body import lot_id
from lodeline.proofs.view import product_number

__all__ = ["examine_bundle", "verify_bundle"]


def verify_bundle(
    data: bytes, trust: TrustFile, verify: Verify, asked: Asked | None = None
) -> Report:
    """Return the report of a bundle that holds in every step.

    ``verify`` is ``proofs.batch.verify_batch``, alone or with processes bound to it. ``asked`` says
    who reads, as claims are made for one reader; a bundle with claims is refused without it.

    Raises:
        LodelineError: the first step that does not hold, by its reason.
    """
    report = examine_bundle(data, trust, verify, asked)
    if report.refusal is not None:
        raise report.refusal
    return report


def examine_bundle(
    data: bytes, trust: TrustFile, verify: Verify, asked: Asked | None = None
) -> Report:
    """Return the report of a bundle, up to and with the first step that does not hold.

    For showing: whoever only needs a yes or no uses `verify_bundle`, which cannot be overlooked.
    """
    examination = _Examination(data, trust, verify, asked)
    done: list[StepReport] = []
    for number, (title, step) in enumerate(examination.steps(), start=1):
        try:
            done.append(StepReport(number, title, step()))
        except LodelineError as refusal:
            done.append(StepReport(number, title, None, refusal))
            return Report(tuple(done), None)
    return Report(tuple(done), examination.facts(), examination.state)


@dataclass
class _Examination:
    """What is known of the bundle so far; each step adds to it."""

    data: bytes
    trust: TrustFile
    verify: Verify
    asked: Asked | None
    state: State = field(default_factory=State)
    leaves: list[tuple[int, Leaf]] = field(default_factory=list)
    earlier: Checkpoint | None = None
    claims: list[CheckedClaim] = field(default_factory=list)
    proofs: int = 0

    def steps(self) -> Iterable[tuple[Sentence, Callable[[], Sentence]]]:
        """Yield the steps in order."""
        yield Sentence("the file", "le fichier"), self.check_file
        yield Sentence("the checkpoint", "le point de contrôle"), self.check_checkpoint
        yield Sentence("the log", "le journal"), self.check_log
        yield Sentence("the founding", "la fondation"), self.check_genesis
        yield Sentence("governance", "la gouvernance"), self.check_governance
        yield Sentence("where the past stops", "où le passé s'arrête"), self.check_stop
        yield Sentence("rules and proofs", "règles et preuves"), self.check_entries
        yield Sentence("the product", "le produit"), self.check_product
        yield Sentence("its state", "son état"), self.check_state
        yield Sentence("claims", "les déclarations"), self.check_claims

    # -------------------------------------------------------------- 1 to 3: file and log

    def check_file(self) -> Sentence:
        """Step 1."""
        self.bundle: Bundle = decode_bundle(self.data)
        count = len(self.bundle.entries)
        return Sentence(
            f"complete, {count} entries, every byte as it was written",
            f"complet, {count} écritures, chaque octet tel qu'écrit",
        )

    def check_checkpoint(self) -> Sentence:
        """Step 2."""
        self.policy: CheckpointPolicy = self.trust.policy()
        self.checkpoint: Checkpoint = verify_checkpoint(self.bundle.checkpoint, self.policy)
        at, oldest = self.checkpoint, None if self.asked is None else self.asked.oldest
        if oldest is not None and at.time < oldest:
            raise BundleTooOld(at.time, oldest)
        who = who_signed(self.trust)
        return Sentence(
            f"{who.en} signed the log of {at.size} entries at {format_time(at.time)}",
            f"{who.fr} ont signé le journal de {at.size} écritures à {format_time(at.time)}",
        )

    def check_log(self) -> Sentence:
        """Step 3."""
        before = -1
        for item in self.bundle.entries:
            index = int(item.proof.index)
            if index <= before:
                raise BundleOutOfOrder(before, index)
            before = index
            verify_logged(self.checkpoint, item.leaf, item.proof)
            leaf = read_leaf(item.leaf)
            if leaf.time > self.checkpoint.time:
                raise BundleTimeDiffers(leaf.time, self.checkpoint.time)
            self.leaves.append((index, leaf))
        return Sentence(
            f"all {len(self.leaves)} entries stand in that log",
            f"les {len(self.leaves)} écritures figurent toutes dans ce journal",
        )

    # -------------------------------------------------------------- 4 to 6: what it rests on

    def check_genesis(self) -> Sentence:
        """Step 4."""
        index, leaf = self.leaves[0]
        entry = leaf.entry
        if index != 0 or not isinstance(entry, Genesis):
            raise BundleGenesisMissing(index)
        found = entry_id(entry)
        if found != self.trust.genesis_id:
            raise BundleOfAnotherConsortium(self.trust.genesis_id, found)
        if entry.chain != self.trust.chain:
            raise WrongChain(ChainId(self.trust.chain), entry.chain)
        self.genesis: Genesis = entry
        return Sentence(
            f"the consortium is “{entry.title}”, founded by the genesis that you trust",
            f"le consortium est « {entry.title} », fondé par l'écriture que vous reconnaissez",
        )

    def check_governance(self) -> Sentence:
        """Step 5."""
        acts = sum(isinstance(leaf.entry, Govern) for _, leaf in self.leaves)
        key, proof = state_key(StateKind.GOVERNANCE), self.bundle.acts
        if isinstance(proof, PresenceProof) is not bool(acts):
            raise BundleGovernanceIncomplete(acts)
        try:
            if isinstance(proof, PresenceProof):
                count = digest_of(ActCount(acts))
                verify_presence(self.checkpoint.state, key, count, proof)
            else:
                verify_absence(self.checkpoint.state, key, proof)
        except StateMapError as refused:
            raise BundleGovernanceIncomplete(acts) from refused
        check_all_known(required_by(self._required()).items(), self.checkpoint.time)
        return Sentence(
            f"all {acts} votes of the members up to the checkpoint are shown",
            f"les {acts} votes des membres jusqu'au point de contrôle sont tous montrés",
        )

    def _required(self) -> Iterable[RequireProtocol]:
        """Yield the votes on versions of the protocol; that the log has them was verified."""
        for _, leaf in self.leaves:
            if isinstance(leaf.entry, Govern):
                yield from (act for act in leaf.entry.body.acts if isinstance(act, RequireProtocol))

    def check_stop(self) -> Sentence:
        """Step 6."""
        self.state.whole = False
        stop = self.bundle.stop
        if stop is None:
            return Sentence(
                "nothing is taken on trust: the past goes back to the grants",
                "rien n'est pris de confiance : le passé remonte jusqu'aux octrois",
            )
        # The witnesses saw the later log, which is shown below to continue the earlier one.
        earlier = verify_checkpoint(stop.checkpoint, self.policy.signers_only())
        verify_growth(earlier, self.checkpoint, stop.growth)
        self.earlier = earlier
        self._check_stopped(stop, earlier)
        return Sentence(
            f"{len(stop.lots)} lots are taken as the checkpoint of {format_time(earlier.time)} has "
            "them",
            f"{len(stop.lots)} lots sont pris tels qu'au point de contrôle du "
            f"{format_time(earlier.time)}",
        )

    def _check_stopped(self, stop: Stop, earlier: Checkpoint) -> None:
        ids = [item.lot for item in stop.lots]
        if not ids or ids != sorted(set(ids)) or self.bundle.lot in ids:
            raise BundleStopUnfounded(len(ids))
        for item in stop.lots:
            if lot_id(TransformId(item.maker), item.output) != item.lot:
                raise BundleLotUnknown(item.lot)
            shown = (
                (StateKind.UNSPENT, item.lot, digest_of(item.public), item.unspent),
                (StateKind.MAKING, item.maker, digest_of(item.making), item.made),
            )
            for kind, part, value, proof in shown:
                verify_presence(earlier.state, state_key(kind, part), value, proof)
            flag = state_key(StateKind.FLAG, item.lot)
            verify_absence(earlier.state, flag, item.not_recalled)
            self.state.commit(_as_it_was(item))

    # -------------------------------------------------------------- 7: rules and proofs

    def check_entries(self) -> Sentence:
        """Step 7."""
        for part in batches(self.leaves, BATCH, lambda item: item[1].entry):
            tasks = tasks_for(self.state, [leaf.entry for _, leaf in part])
            verdicts = {verdict.key: verdict for verdict in self.verify(tasks)}
            self.proofs += len(tasks)
            for index, leaf in part:
                # The record of each entry is then the one that the whole log has of it.
                self.state.size = index
                apply(self.state, leaf.entry, leaf.time, verdicts)
        self._check_stopped_in_time()
        return Sentence(
            f"every entry keeps the rules that were in force, and {self.proofs} proofs were "
            "verified again: nothing created, nothing used twice, every licence and signature good",
            f"chaque écriture respecte les règles alors en vigueur, et {self.proofs} preuves ont "
            "été revérifiées : rien de créé, rien d'employé deux fois, licences et signatures "
            "valables",
        )

    def _check_stopped_in_time(self) -> None:
        """Refuse a lot trusted as unspent at the earlier checkpoint that was used before it."""
        stop, earlier = self.bundle.stop, self.earlier
        if stop is None or earlier is None:
            return
        for item in stop.lots:
            if self._form_class(item.public.form) is FormClass.CREDIT:
                raise BundleStopForm(item.lot, item.public.form)
            consumer = self.state.consumers.get(item.lot)
            making = None if consumer is None else self.state.makings.get(consumer)
            if making is not None and making.index < earlier.size:
                raise BundleStopTooLate(item.lot, int(earlier.size), making.index)

    def _form_class(self, form: FormName) -> FormClass:
        return self.state.tables.forms[form].form_class

    # -------------------------------------------------------------- 8 to 10: the lot itself

    def check_product(self) -> Sentence:
        """Step 8."""
        lot = self.state.lot(self.bundle.lot)
        if lot is None:
            raise BundleLotUnknown(self.bundle.lot)
        opening = self.bundle.product
        if lot.product is None:
            if opening is not None:
                raise ProductNotOpened(self.bundle.lot, opening.identifier)
            return Sentence(
                f"the lot {short(self.bundle.lot)} is “{lot.form}”, no finished product",
                f"le lot {short(self.bundle.lot)} est « {lot.form} », non un produit fini",
            )
        if opening is None:
            raise ProductNotOpened(self.bundle.lot, "")
        number = scalar(product_number(self.genesis.chain, opening.identifier))
        point = VALUE * number + BLINDING * decode_scalar(opening.blinding)
        if Commitment(encode_point(point)) != lot.product:
            raise ProductNotOpened(self.bundle.lot, opening.identifier)
        return self._product_found(opening.identifier, lot.form)

    def _product_found(self, identifier: str, form: FormName) -> Sentence:
        least = ", ".join(
            f"{item.strand} ≥ {item.milligrams} mg" for item in self.state.tables.forms[form].least
        )
        return Sentence(
            f"the lot is the product “{identifier}” of the form “{form}”"
            + (f", with at least {least}" if least else ""),
            f"le lot est le produit « {identifier} » de la forme « {form} »"
            + (f", avec au moins {least}" if least else ""),
        )

    def check_state(self) -> Sentence:
        """Step 9."""
        lot = self.bundle.lot
        public = self.state.lot(lot)
        if public is None or not self.state.is_unspent(lot):
            raise BundleLotSpent(lot)
        root = self.checkpoint.state
        unspent = state_key(StateKind.UNSPENT, lot)
        verify_presence(root, unspent, digest_of(public), self.bundle.unspent)
        verify_absence(root, state_key(StateKind.FLAG, lot), self.bundle.not_recalled)
        when = format_time(self.checkpoint.time)
        return Sentence(
            f"unspent and under no recall at {when}", f"non consommé et sans rappel à {when}"
        )

    def check_claims(self) -> Sentence:
        """Step 10."""
        found = self.bundle.claims
        if not found:
            return Sentence("the bundle states no figures", "le dossier n'énonce aucun chiffre")
        if self.asked is None:
            raise ClaimsWithoutReader(len(found))
        product = None if self.bundle.product is None else self.bundle.product.identifier
        asked = replace(self.asked, chain=self.genesis.chain, product=product)
        for data in found:
            claim = verify_claim_file(data, self.policy, asked)
            if claim.lots != (self.bundle.lot,):
                raise ClaimOfAnotherLot(self.bundle.lot, claim.lots)
            self.claims.append(claim)
        return Sentence(
            f"{len(found)} claims about this very lot hold, for you",
            f"{len(found)} déclarations sur ce lot même tiennent, pour vous",
        )

    # -------------------------------------------------------------- what it is about

    def facts(self) -> BundleFacts:
        """Return what the bundle is about; every step has held."""
        lot = self.state.lot(self.bundle.lot)
        assert lot is not None  # noqa: S101 - step 8
        stopped = () if self.bundle.stop is None else self.bundle.stop.lots
        makings = dict(self.state.makings.items())
        shown = {
            maker: making
            for maker, making in makings.items()
            if making.kind is MakingKind.TRANSFORM and maker not in {item.maker for item in stopped}
        }
        sites = {making.site for making in makings.values() if making.site is not None}
        return BundleFacts(
            lot=self.bundle.lot,
            form=lot.form,
            identifier=None if self.bundle.product is None else self.bundle.product.identifier,
            consortium=self.genesis.title,
            synthetic=self.genesis.synthetic,
            checkpoint=self.checkpoint,
            transforms=len(shown),
            proofs=self.proofs,
            sites=tuple(sorted(sites)),
            grants=tuple(sorted(self.state.grants.items(), key=lambda item: item[0])),
            intakes=sum(making.family == Family.INTAKE.value for making in makings.values()),
            taken_on_trust=tuple(item.lot for item in stopped),
            stopped_at=None if self.earlier is None else BlockTime(self.earlier.time),
            claims=tuple(self.claims),
        )


def _as_it_was(item: StoppedLot) -> Change:
    """Return the change that puts a lot there as an earlier state had it."""
    record = LotRecord(item.public, item.maker, item.output, carried=False, equals=None)
    return Change(
        lots={item.lot: record},
        owner_keys={item.public.owner: item.lot},
        makings={item.maker: item.making},
    )
