"""How refusals behave: their texts, their fields, their way across a process boundary."""

import copy
import json
import pickle
import string
from enum import Enum
from typing import ClassVar

import pytest

# Imported for their errors: the registry sees only what is imported.
import lodeline.kernel.cbor
import lodeline.kernel.time
import lodeline.kernel.units  # noqa: F401
from lodeline.kernel.errors import Lang, LodelineError, all_errors
from lodeline.kernel.ids import LotId

LANGS: tuple[Lang, ...] = ("en", "fr")
KERNEL_ERRORS = [
    error for error in all_errors().values() if error.__module__.startswith("lodeline.kernel.")
]


class Colour(Enum):
    RED = "red"


class BagLost(LodelineError):
    """A refusal for these tests, with a field of every kind."""

    code: ClassVar[str] = "test-bag-lost"
    en: ClassVar[str] = "bag {bag} of {weight} g is lost, seals {seals}, seen {seen}, {colour}"
    fr: ClassVar[str] = "le sac {bag} de {weight} g est perdu, scellés {seals}, vu {seen}, {colour}"
    advice_en: ClassVar[str] = "look for {bag}"
    advice_fr: ClassVar[str] = "cherchez {bag}"
    status: ClassVar[int] = 404

    bag: LotId
    weight: int
    seals: tuple[str, ...] = ()
    seen: str | None = None
    colour: Colour = Colour.RED


class Family(LodelineError):
    """A family for these tests."""


def lost() -> BagLost:
    return BagLost(LotId(b"\xab" * 32), weight=7, seals=("x", "y"))


def test_fields_are_constructor_parameters_by_position_or_name() -> None:
    error = lost()
    assert error.bag == b"\xab" * 32
    assert error.fields() == {
        "bag": b"\xab" * 32,
        "weight": 7,
        "seals": ("x", "y"),
        "seen": None,
        "colour": Colour.RED,
    }


def test_the_texts_show_ids_short_lists_joined_and_nothing_as_none() -> None:
    error = lost()
    assert error.message("en") == "bag abababababab of 7 g is lost, seals x, y, seen none, red"
    assert error.message("fr").endswith("vu aucun, red")
    assert str(error) == error.explain("en")
    assert error.advice("fr") in error.explain("fr")


def test_an_error_crosses_a_process_boundary_with_its_fields() -> None:
    for again in (pickle.loads(pickle.dumps(lost())), copy.copy(lost()), copy.deepcopy(lost())):
        assert type(again) is BagLost
        assert again.fields() == lost().fields()


def test_an_error_travels_like_any_exception() -> None:
    with pytest.raises(LodelineError) as caught:
        raise lost() from ValueError("the cause")
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.with_traceback(None) is caught.value


def test_errors_are_told_apart_by_identity() -> None:
    assert lost() != lost()
    assert len({lost(), lost()}) == 2


def test_problem_details_are_json_and_round_no_number() -> None:
    problem = lost().problem("fr")
    assert json.loads(json.dumps(problem)) == problem
    assert problem["type"] == "urn:lodeline:problem:test-bag-lost"
    assert problem["status"] == 404
    assert problem["bag"] == "ab" * 32
    assert problem["weight"] == "7"
    assert problem["seals"] == ["x", "y"]
    assert problem["seen"] is None
    assert problem["colour"] == "red"
    assert problem["detail"] == lost().message("fr")


def test_problem_details_sort_sets() -> None:
    class SitesUnknown(LodelineError):
        """A refusal with a set."""

        code: ClassVar[str] = "test-sites-unknown"
        en: ClassVar[str] = "sites {sites}"
        fr: ClassVar[str] = "sites {sites}"
        advice_en: ClassVar[str] = "none"
        advice_fr: ClassVar[str] = "aucun"

        sites: frozenset[str]

    error = SitesUnknown(sites=frozenset({"c", "a", "b"}))
    assert error.problem("en")["sites"] == ["a", "b", "c"]
    assert error.message("en") == "sites a, b, c"


def test_a_family_cannot_be_raised() -> None:
    with pytest.raises(TypeError):
        Family()
    with pytest.raises(TypeError):
        LodelineError()


def test_a_missing_field_is_the_programmers_mistake() -> None:
    with pytest.raises(TypeError):
        BagLost(LotId(b""))  # type: ignore[call-arg]  # what the test is about


def define(code: str, en: str = "{value}", advice_fr: str = "aucun", field: str = "value") -> None:
    namespace = {
        "__module__": __name__,
        "__qualname__": f"Defined{code}{en}",
        "__annotations__": {field: int},
        "code": code,
        "en": en,
        "fr": en,
        "advice_en": "none",
        "advice_fr": advice_fr,
    }
    type("Defined", (LodelineError,), namespace)


def test_a_code_belongs_to_one_class() -> None:
    define("test-defined-once")
    with pytest.raises(TypeError):
        define("test-defined-once", en="another {value}")


@pytest.mark.parametrize(
    "code", ["", "Upper-Case", "under_score", "-lead", "trail-", "two--dashes"]
)
def test_a_code_is_kebab_case(code: str) -> None:
    with pytest.raises(TypeError):
        define(code)


def test_a_text_may_only_name_fields() -> None:
    with pytest.raises(TypeError):
        define("test-names-a-stranger", en="{stranger}")
    with pytest.raises(TypeError):
        define("test-without-advice", advice_fr="")


@pytest.mark.parametrize("field", ["type", "status", "detail", "instance", "problem", "args"])
def test_a_field_may_not_hide_a_member_of_the_problem_or_a_method(field: str) -> None:
    with pytest.raises(TypeError):
        define(f"test-hides-{field}", en=f"{{{field}}}", field=field)


def test_the_kernel_has_errors_to_look_at() -> None:
    assert len(KERNEL_ERRORS) > 30


@pytest.mark.parametrize("error", KERNEL_ERRORS, ids=lambda error: str(error.code))
def test_every_kernel_error_speaks_two_languages(error: type[LodelineError]) -> None:
    assert error.__doc__
    assert error.en != error.fr
    assert error.advice_en != error.advice_fr
    for text in (error.en, error.fr, error.advice_en, error.advice_fr):
        assert not text.endswith(".")
        assert list(string.Formatter().parse(text))


def test_the_registry_is_sorted_and_complete() -> None:
    known = all_errors()
    assert list(known) == sorted(known)
    assert known["test-bag-lost"] is BagLost
    assert all(error.code == code for code, error in known.items())
