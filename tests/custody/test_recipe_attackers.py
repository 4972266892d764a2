"""Recipes that somebody with a majority of votes might propose, each to gain something."""

import msgspec
import pytest
from tests.custody import shipped
from tests.custody.shipped import balance, changed, port, recipe, with_balance

from lodeline.custody.check_balances import (
    CountsMisplaced,
    ElementsMixed,
    InputInTwoBalances,
    LossNotAllowed,
    LossWithoutResidue,
    MadeFromNothing,
    MetalFromElsewhere,
    OutputInNoBalance,
    RightFromElsewhere,
    ToleranceNotAlone,
)
from lodeline.custody.check_claims import (
    ClaimFromWrongForm,
    ClaimStrengthened,
    CreditChangesForm,
    CreditWrongKind,
    FormsInCircle,
)
from lodeline.custody.check_forms import CreditTooStrong, check_form
from lodeline.custody.check_ports import CoSignerMissing, FormDoesNotChange, FormNotInFamily
from lodeline.custody.forms import FormClass, FormTable
from lodeline.custody.recipes import ClaimMode, ClaimRule, Family, Recipe
from lodeline.custody.static_check import RecipeRefused, check_recipe
from lodeline.kernel.ids import ElementSymbol, FormName, RecipeName, StandardName

EVERY = (StandardName("*"),)


def refusal_of(candidate: Recipe) -> RecipeRefused:
    with pytest.raises(RecipeRefused) as refused:
        shipped.adopt(candidate)
    return refused.value


class TestAlchemist:
    """Makes the dear metal out of the cheap one."""

    def test_nickel_licence_to_cobalt_metal(self) -> None:
        wanted = balance("Ni.licence", "Co Ni.licence", recovery=10**6)
        refused = refusal_of(with_balance("mine-nickel", 0, wanted))
        assert isinstance(refused, ElementsMixed)
        assert refused.elements == ("Ni", "Co")

    def test_nickel_licence_to_cobalt_metal_under_a_wildcard(self) -> None:
        wanted = balance("X.licence", "Co X.licence X.tolerance", recovery=10**6, tolerance=1)
        assert isinstance(refusal_of(with_balance("mine-nickel", 0, wanted)), ElementsMixed)

    def test_copper_to_cobalt_in_the_leach(self) -> None:
        wanted = balance("Cu", "Co", recovery=950_000)
        assert isinstance(refusal_of(with_balance("leach-cobalt", 0, wanted)), ElementsMixed)

    def test_a_by_product_in_no_balance(self) -> None:
        """The copper of the leach would come from nowhere."""
        only_cobalt = changed("leach-cobalt", elements=(ElementSymbol("Co"),))
        only_cobalt = msgspec.structs.replace(
            only_cobalt,
            inputs=(port("cobalt-hydroxide", 1, 4),),
            floor=(),
        )
        refused = refusal_of(only_cobalt)
        assert isinstance(refused, OutputInNoBalance)
        assert (refused.form, refused.strand) == ("copper-cathode", "Cu")


class TestForger:
    """Makes rights, or metal out of rights that are for something else."""

    def test_quota_to_licence(self) -> None:
        both = changed(
            "export-cobalt",
            balances=(
                *recipe("export-cobalt").balances[:2],
                balance("Co.quota", "Co.quota Co.licence", recovery=10**6),
            ),
        )
        refused = refusal_of(both)
        assert isinstance(refused, RightFromElsewhere)
        assert refused.strand == "Co.licence"

    def test_metal_to_quota(self) -> None:
        wanted = balance("X", "X X.quota", recovery=10**6)
        refused = refusal_of(with_balance("export-cobalt", 0, wanted))
        assert isinstance(refused, RightFromElsewhere)
        assert refused.left == ("C",)

    def test_metal_back_to_licence(self) -> None:
        wanted = balance("X X.licence", "X X.licence", recovery=10**6)
        assert isinstance(refusal_of(with_balance("store", 0, wanted)), RightFromElsewhere)

    def test_quota_to_metal(self) -> None:
        wanted = balance("Co.quota", "Co Co.quota", recovery=10**6)
        assert isinstance(refusal_of(with_balance("export-cobalt", 2, wanted)), MetalFromElsewhere)

    def test_empty_left_outside_grants(self) -> None:
        wanted = balance("", "X.licence X X.tolerance", recovery=10**6, tolerance=1)
        assert isinstance(
            refusal_of(with_balance("mine-copper-cobalt", 0, wanted)), MadeFromNothing
        )

    def test_a_mine_called_a_grant(self) -> None:
        assert isinstance(
            refusal_of(changed("mine-copper-cobalt", family=Family.GRANT)), FormNotInFamily
        )

    def test_an_intake_licence_at_a_mine_where_it_could_bear_claims(self) -> None:
        inputs = (port("intake", 1, 1), port("assurance", 0, 2))
        refused = refusal_of(changed("mine-copper-cobalt", inputs=inputs))
        assert isinstance(refused, FormNotInFamily)
        assert refused.form_class is FormClass.INTAKE


class TestDoubleCounter:
    """Uses one thing twice."""

    def test_one_input_in_two_balances(self) -> None:
        """Each lot of ore would leave once as hydroxide and once as stock."""
        doubled = changed(
            "leach-cobalt",
            balances=(
                balance("X", "X", recovery=950_000),
                balance("X", "X.tolerance", recovery=0),
                balance("X.tolerance", "", recovery=0),
            ),
            claims=(),
        )
        refused = refusal_of(doubled)
        assert isinstance(refused, InputInTwoBalances)
        assert (refused.strand, refused.first, refused.second) == ("Co", 0, 1)

    def test_tolerance_turned_to_metal_at_every_step(self) -> None:
        wanted = balance("X.tolerance", "X", recovery=10**6)
        assert isinstance(refusal_of(with_balance("split", 1, wanted)), ToleranceNotAlone)

    def test_export_as_tolerance_that_no_quota_counts(self) -> None:
        uncounted = balance("Co.quota", "Co.quota", "Co", recovery=10**6)
        assert isinstance(refusal_of(with_balance("export-cobalt", 2, uncounted)), CountsMisplaced)


class TestSmuggler:
    """Lets metal disappear where nobody looks."""

    def test_metal_lost_whole_in_a_process(self) -> None:
        wanted = balance("X", "")
        assert isinstance(refusal_of(with_balance("make-pack", 0, wanted)), LossNotAllowed)

    def test_loss_with_no_residue(self) -> None:
        silent = changed(
            "refine-cobalt-metal",
            outputs=(port("cobalt-metal", 1, 4), port("assurance", 0, 2)),
            allocation=recipe("refine-cobalt-metal").allocation[:1],
        )
        refused = refusal_of(silent)
        assert isinstance(refused, LossWithoutResidue)
        assert (refused.element, refused.min_recovery_ppm) == ("Co", 960_000)

    def test_write_off_that_only_the_owner_signs(self) -> None:
        assert isinstance(refusal_of(changed("write-off", co_signers=())), CoSignerMissing)


class TestGreenwasher:
    """Wants a claim on material that has not earned it, or a stronger one."""

    def test_a_mines_standard_drawn_from_traded_hydroxide(self) -> None:
        rule = ClaimRule((StandardName("IRMA-100"),), 0, ClaimMode.DRAW)
        refused = refusal_of(changed("refine-cobalt-sulfate", claims=(rule,)))
        assert isinstance(refused, ClaimFromWrongForm)
        assert refused.form == "cobalt-hydroxide"

    def test_recycled_content_from_virgin_sulfate(self) -> None:
        inputs = (port("cell-scrap cobalt-sulfate", 1, 2), port("assurance"))
        refused = refusal_of(changed("recycle-scrap", inputs=inputs))
        assert isinstance(refused, ClaimFromWrongForm)
        assert refused.form == "cobalt-sulfate"

    def test_post_consumer_content_from_scrap_that_was_never_sold(self) -> None:
        rule = ClaimRule((StandardName("recycled-post"),), 0, ClaimMode.DRAW)
        assert isinstance(refusal_of(changed("recycle-scrap", claims=(rule,))), ClaimFromWrongForm)

    def test_a_draw_on_any_form_while_the_table_is_still_small(self) -> None:
        """Once adopted, forms that join the table later could enter through the same port."""
        small = FormTable(
            tuple(
                form
                for form in shipped.forms().all()
                if form.form_class in (FormClass.SCRAP, FormClass.ASSURANCE)
                or form.name == "recycling-residue"
            )
        )
        inputs = (port("*", 1, 2), port("assurance"))
        early = changed(
            "recycle-scrap",
            inputs=inputs,
            outputs=(port("recycling-residue", 1, 2), port("assurance")),
            balances=(*recipe("recycle-scrap").balances, balance("X.tolerance", "")),
            allocation=recipe("recycle-scrap").allocation[1:],
        )
        with pytest.raises(ClaimFromWrongForm) as refused:
            check_recipe(early, small, shipped.standards(), shipped.allocation(), ())
        assert refused.value.form == "*"

    def test_a_deposit_from_any_form_while_the_table_is_still_small(self) -> None:
        small = FormTable(
            tuple(
                shipped.forms()[FormName(name)]
                for name in ("cobalt-sulfate", "refinery-residue", "credit", "assurance")
            )
        )
        early = changed(
            "refine-cobalt-sulfate-mass-balance",
            inputs=(port("*", 1, 2),),
            outputs=(port("refinery-residue", 1, 2), port("credit")),
        )
        with pytest.raises(FormDoesNotChange) as refused:
            check_recipe(early, small, shipped.standards(), shipped.allocation(), ())
        assert refused.value.form == "*"

    def test_a_claim_laundered_through_credit_to_segregated(self) -> None:
        stronger = changed("refine-cobalt-sulfate-take-up", custody="segregated")
        refused = refusal_of(stronger)
        assert isinstance(refused, ClaimStrengthened)
        assert refused.at_most == "mass-balance"

    def test_a_credit_form_that_would_keep_a_claim_segregated(self) -> None:
        credit = msgspec.structs.replace(
            shipped.forms()[FormName("credit")], strongest="segregated"
        )
        with pytest.raises(CreditTooStrong) as refused:
            check_form(credit)
        assert refused.value.strongest == "segregated"

    def test_book_and_claim_credit_taken_for_mass_balance(self) -> None:
        inputs = (port("cobalt-hydroxide", 1, 4), port("assurance"), port("book-credit", 1, 2))
        outputs = recipe("refine-cobalt-sulfate-take-up").outputs[:3]
        swapped = changed("refine-cobalt-sulfate-take-up", inputs=inputs, outputs=outputs)
        assert isinstance(refusal_of(swapped), CreditWrongKind)

    def test_a_credit_kept_fresh_for_ever(self) -> None:
        """What was carried once would leave as fresh credit and be carried again."""
        inputs = (port("cobalt-hydroxide", 1, 4), port("assurance"), port("credit-carried", 1, 2))
        refused = refusal_of(changed("refine-cobalt-sulfate-take-up", inputs=inputs))
        assert isinstance(refused, CreditChangesForm)
        assert (refused.taken, refused.given) == (("credit-carried",), ("credit",))

    def test_two_harmless_steps_that_make_a_circle(self) -> None:
        """Sulfate to metal and metal to sulfate: each may be adopted, not both."""
        forth = self._step("forth", "cobalt-sulfate", "cobalt-metal")
        back = self._step("back", "cobalt-metal", "cobalt-sulfate")
        tables = shipped.forms(), shipped.standards(), shipped.allocation()
        check_recipe(forth, *tables, ())
        check_recipe(back, *tables, ())
        with pytest.raises(FormsInCircle) as refused:
            check_recipe(back, *tables, (forth,))
        assert refused.value.forms == ("cobalt-metal",)
        assert refused.value.beside == ("forth",)

    def test_a_circle_over_three_steps(self) -> None:
        steps = [
            self._step("first", "cobalt-sulfate", "cobalt-metal"),
            self._step("second", "cobalt-metal", "refinery-residue"),
        ]
        tables = shipped.forms(), shipped.standards(), shipped.allocation()
        last = self._step("third", "refinery-residue", "cobalt-sulfate")
        check_recipe(last, *tables, steps[:1])
        with pytest.raises(FormsInCircle):
            check_recipe(last, *tables, steps)

    @staticmethod
    def _step(name: str, taken: str, given: str) -> Recipe:
        return changed(
            "refine-cobalt-sulfate-mass-balance",
            name=RecipeName(name),
            inputs=(port(taken, 1, 4),),
            outputs=(port(given, 1, 4), port("credit", 0, 2)),
            balances=(balance("X", "X", recovery=10**6),),
            claims=(ClaimRule(EVERY, 0, ClaimMode.DEPOSIT),),
            allocation=tuple(
                item
                for item in (
                    *recipe("refine-cobalt-sulfate").allocation,
                    *recipe("refine-cobalt-metal").allocation[:1],
                )
                if item.form == given
            ),
        )
