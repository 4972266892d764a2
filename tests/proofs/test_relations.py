"""Linear forms are a module over the integers, and rules keep one fixed order."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.custody.lots import Slot, SlotKind
from lodeline.proofs.relations import (
    ZERO_FORM,
    InRange,
    LinearForm,
    Place,
    Ref,
    Rule,
    RuleNumber,
    Side,
    Statement,
)

REFS = [Ref(side, index) for side in Side for index in range(3)]
VALUES: dict[Ref, int] = {ref: pow(3, position, 10**9) - 5 for position, ref in enumerate(REFS)}

factors = st.integers(-(2**80), 2**80)
forms = st.builds(
    lambda terms, constant: LinearForm(tuple(terms.items()), constant),
    st.dictionaries(st.sampled_from(REFS), factors.filter(bool), max_size=5),
    factors,
)


def value(form: LinearForm) -> int:
    return form.constant + sum(factor * VALUES[ref] for ref, factor in form.terms)


def same(first: LinearForm, second: LinearForm) -> bool:
    return dict(first.terms) == dict(second.terms) and first.constant == second.constant


@given(forms, forms, forms)
def test_addition_is_that_of_the_numbers(a: LinearForm, b: LinearForm, c: LinearForm) -> None:
    assert value(a + b) == value(a) + value(b)
    assert same(a + b, b + a)
    assert same((a + b) + c, a + (b + c))
    assert same(a + ZERO_FORM, a)


@given(forms, forms, factors)
def test_multiples_and_differences_are_those_of_the_numbers(
    a: LinearForm, b: LinearForm, factor: int
) -> None:
    assert value(a * factor) == value(a) * factor == value(factor * a)
    assert value(a - b) == value(a) - value(b)
    assert same(-a, a * -1)
    assert same(a - a, ZERO_FORM)
    assert not (a - a)


@given(forms, forms)
def test_a_cancelled_number_leaves_no_trace(a: LinearForm, b: LinearForm) -> None:
    """A term with the factor zero would bind a commitment that nothing speaks of."""
    assert all(factor for _, factor in (a + b - b).terms)
    assert same(a + b - b, a)
    assert (a * 0).terms == ()


def test_a_form_is_empty_exactly_when_it_says_nothing() -> None:
    assert not LinearForm()
    assert LinearForm(constant=1)
    assert LinearForm.of(REFS[0])
    assert not LinearForm.total([])
    assert dict(LinearForm.total([REFS[0], REFS[1], REFS[0]]).terms) == {REFS[0]: 2, REFS[1]: 1}


def test_rules_stand_in_the_order_of_number_balance_claim_and_output() -> None:
    ordered = [
        Rule(RuleNumber.T2_NOTHING_CREATED, Place(5, "z", 9)),
        Rule(RuleNumber.T4_CLAIMS, Place(-1, "Co a/segregated")),
        Rule(RuleNumber.T7_CUSTODY_MODEL, Place(0, "b", 3)),
        Rule(RuleNumber.T7_CUSTODY_MODEL, Place(1, "a", 0)),
        Rule(RuleNumber.T7_CUSTODY_MODEL, Place(1, "a", 1)),
        Rule(RuleNumber.T7_CUSTODY_MODEL, Place(1, "b", 0)),
        Rule(RuleNumber.T10_RATIOS, Place(-1)),
    ]
    turned = ordered[3:] + ordered[:3]
    assert sorted(turned, key=Rule.sort_key) == ordered


def test_a_name_crosses_processes_and_stays_the_same_key() -> None:
    """Names key dictionaries; a cached hash from another process would lose them."""
    ref = Ref(Side.OUTPUT, 3, Slot(SlotKind.EMISSIONS))
    known = {ref: 1}
    back = pickle.loads(pickle.dumps(ref))
    assert known[back] == 1
    assert "_hash" not in back.__dict__ or hash(back) == hash(ref)


@pytest.mark.parametrize("other", [Ref(Side.INPUT, 3), Ref(Side.OUTPUT, 4), Ref(Side.OUTPUT, 3)])
def test_names_differ_in_side_index_and_slot(other: Ref) -> None:
    assert Ref(Side.OUTPUT, 3, Slot(SlotKind.EMISSIONS)) != other


def test_range_bits_are_the_sum_of_all_widths() -> None:
    rule = Rule(RuleNumber.T5_RANGES)
    ranges = tuple(InRange(rule, ZERO_FORM, bits) for bits in (1, 7, 52))
    assert Statement(0, (), (), (), ranges).range_bits == 60


def test_texts_name_the_rule_and_its_place() -> None:
    rule = Rule(RuleNumber.T4_CLAIMS, Place(claim="Co a/segregated", output=2, detail="metal"))
    assert str(rule) == "T4 metal Co a/segregated output 2"
    assert str(Ref(Side.PROCESS, 1)) == "process 1"
