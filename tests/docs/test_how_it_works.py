"""The figures of `how-it-works.md`: the toy group, and the worked example with a real proof."""

from __future__ import annotations

import functools
import re

from tests.custody import shipped
from tests.docs.pages import DOCS, table_rows
from vectors.seeded import Seeded
from vectors.stage import Committer, PlainLot, Plan, Scene, stage

from lodeline.custody.lots import slots
from lodeline.proofs.batch import verify_batch
from lodeline.proofs.prover import Witness
from lodeline.proofs.relations import Ref, Side

TEXT = (DOCS / "how-it-works.md").read_text(encoding="utf-8")
MINE, REFINER = "IRMA-75/segregated", "RMAP-refiner/segregated"
SITE, EXPIRES = "refinery", 1_900_000_000


def section(title: str) -> str:
    return re.split(r"^## ", TEXT.partition(title)[2], maxsplit=1, flags=re.MULTILINE)[0]


def marked_rows(name: str) -> list[list[str]]:
    return table_rows(TEXT.partition(f"<!-- example: {name} -->")[2].split("\n\n")[1])


def number(cell: str) -> int | None:
    return None if cell in ("–", "") else int(cell.replace(",", ""))


# ------------------------------------------------------------------ the toy group

P, Q, G, H = 2039, 1019, 4, 9


def toy(value: int, blinding: int) -> int:
    return pow(G, value, P) * pow(H, blinding, P) % P


def test_the_toy_group_is_one() -> None:
    assert pow(G, Q, P) == pow(H, Q, P) == 1
    assert all(Q % small for small in range(2, 32))


def test_the_toy_commitments_are_right() -> None:
    rows = table_rows(section("2. A commitment hides and binds"))
    found = [(int(row[0].split()[0]), int(row[1]), int(row[2])) for row in rows]
    assert found == [(72, 411, toy(72, 411)), (40, 805, toy(40, 805)), (32, 100, toy(32, 100))]


def test_the_toy_sum_difference_and_proof_are_right() -> None:
    total = toy(40, 805) * toy(32, 100) % P
    difference = toy(72, 411) * pow(total, -1, P) % P
    secret = (411 - 905) % Q
    assert (total, difference, secret) == (2026, 1564, 525)
    assert difference == pow(H, secret, P)
    answers = [(77 + challenge * secret) % Q for challenge in (300, 5)]
    assert answers == [651, 664]
    announced = pow(H, 77, P)
    assert (announced, pow(H, 651, P)) == (1780, 1106)
    assert announced * pow(difference, 300, P) % P == 1106
    assert (651 - 664) * pow(295, -1, Q) % Q == secret
    for shown in ("2026", "1564", "651", "664", "1780", "1106"):
        assert shown in section("3. Why sums of hidden") + section("4. Proving that one knows")


def test_the_toy_wrap_around_is_right() -> None:
    assert toy(100, 500) * toy(991, 430) % P == toy(72, 930)
    assert (100 + 991) % Q == 72


# ------------------------------------------------------------------ the worked example


def plain(row: list[str]) -> PlainLot:
    form = row[1]
    cobalt, tolerance, mine, mine_tolerance, refined, emissions, primary = map(number, row[2:])
    if form == "assurance":
        claims = {("Co.assurance", REFINER): refined or 0}
        return PlainLot(form, {"Co.assurance": None}, claims, expires=EXPIRES, site=SITE)
    amounts = {"Co": cobalt, "Co.tolerance": tolerance}
    borne = {
        ("Co", MINE): mine,
        ("Co", REFINER): refined,
        ("Co.tolerance", MINE): mine_tolerance,
    }
    return PlainLot(
        form,
        {strand: mg for strand, mg in amounts.items() if mg is not None},
        {key: mg for key, mg in borne.items() if mg is not None},
        emissions,
        primary,
    )


@functools.cache
def example() -> Scene:
    rows = {row[0]: row for row in marked_rows("lots")}
    lots = {name: plain(row) for name, row in rows.items() if name != "process"}
    process = rows["process"]
    plan = Plan(
        shipped.recipe("refine-cobalt-sulfate"),
        tuple(lot for name, lot in lots.items() if name.startswith("input")),
        tuple(lot for name, lot in lots.items() if name.startswith("output")),
        (number(process[7]) or 0, number(process[8]) or 0),
        SITE,
    )
    hand = Committer(Seeded("worked example"))
    return stage(plan, hand, shipped.forms().all(), shipped.standards().all())


def complete_witness(scene: Scene) -> Witness:
    """The witness with the differences of products, which the prover adds."""
    witness, statement = scene.witness, scene.subject.statement
    numbers = dict(witness.numbers)
    blank = next(iter(numbers.values()))[1]
    for index, product in enumerate(statement.products):
        x, z = (witness.value(statement.totals[i]) for i in (product.x, product.z))
        value = x * witness.value(product.y) - z * witness.value(product.w)
        numbers[Ref(Side.PRODUCT, index)] = (value, blank)
    return Witness(numbers, witness.secrets)


def test_the_example_is_proved_and_verified() -> None:
    scene = example()
    task = scene.task(scene.prove(Seeded("worked example, proof")))
    (verdict,) = verify_batch([task])
    assert verdict.refusal is None


def test_every_relation_of_the_second_table_is_one_of_the_statement() -> None:
    scene = example()
    witness = complete_witness(scene)
    found = [
        (int(item.rule.number), witness.value(item.form), item.bits)
        for item in scene.subject.statement.ranges
    ]
    rows = marked_rows("relations")
    assert len(rows) >= 15
    for row in rows:
        label = re.match(r"T(\d+)", row[0])
        assert label is not None
        wanted = (int(label.group(1)), number(row[2]), number(row[3]))
        assert wanted in found, row
        found.remove(wanted)


def test_the_equalities_named_in_the_text_hold() -> None:
    scene = example()
    witness = complete_witness(scene)
    zeros = scene.subject.statement.zeros
    assert all(witness.value(item.form) == 0 for item in zeros)
    count = {int(item.rule.number): 0 for item in zeros}
    for item in zeros:
        count[int(item.rule.number)] += 1
    assert count == {6: 1, 7: 5, 9: 2}
    product = witness.numbers[Ref(Side.PRODUCT, 0)][0]
    assert product == -1_584_000_000
    assert "−1,584,000,000" in TEXT


def test_the_commitments_are_counted_right() -> None:
    scene = example()
    before = sum(1 for lot in scene.spent for _ in slots(lot))
    after = sum(1 for lot in scene.body.outputs for _ in slots(lot)) + 2
    assert f"the {before} commitments of the inputs and {after} new ones" in TEXT
