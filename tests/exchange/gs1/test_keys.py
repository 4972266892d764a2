"""GS1 keys: every scheme both ways, every refusal, and what a reader of links must not believe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.exchange.gs1 import Gs1Key, canonical_link, read_link, read_urn
from lodeline.exchange.gs1.errors import (
    Gs1CharacterRefused,
    Gs1CheckDigitWrong,
    Gs1LengthWrong,
    Gs1PartsWrong,
    Gs1PercentWrong,
    Gs1PrefixLengthMissing,
    Gs1PrefixLengthWrong,
    Gs1QualifierUnknown,
    Gs1Refused,
    Gs1SchemeUnknown,
    Gs1WithoutLink,
    Gs1WithoutUrn,
)
from lodeline.exchange.gs1.schemes import BY_URN, Scheme
from lodeline.exchange.gs1.text import ALPHANUMERIC_82, DIGITS, check_digit, escape, unescape
from lodeline.exchange.gs1.urn import read_general

PAIRS = [
    ("urn:epc:id:sgtin:4012345.011111.9876", "01/04012345111118/21/9876"),
    ("urn:epc:id:sgtin:0614141.107346.2018", "01/10614141073464/21/2018"),
    ("urn:epc:id:sgtin:4012345.011111.a%2Fb!c.d", "01/04012345111118/21/a%2Fb%21c.d"),
    ("urn:epc:class:lgtin:4012345.012345.998877", "01/04012345123456/10/998877"),
    ("urn:epc:idpat:sgtin:4012345.098765.*", "01/04012345987652"),
    ("urn:epc:id:upui:4012345.098765.51qIgY)(", "01/04012345987652/235/51qIgY%29%28"),
    ("urn:epc:id:sscc:4012345.0000000333", "00/040123450000003338"),
    ("urn:epc:id:sgln:4012345.00011.987", "414/4012345000115/254/987"),
    ("urn:epc:id:sgln:4012345.00005.0", "414/4012345000054"),
    ("urn:epc:id:pgln:4012345.00225", "417/4012345002256"),
    ("urn:epc:id:pgln:401234500000.", "417/4012345000009"),
    ("urn:epc:id:grai:4012345.55555.987", "8003/04012345555554987"),
    ("urn:epc:idpat:grai:4012345.66666.*", "8003/04012345666663"),
    ("urn:epc:id:giai:4000001.111", "8004/4000001111"),
    ("urn:epc:id:gsrn:0614141.0000010253", "8018/061414100000102534"),
    ("urn:epc:id:gsrnp:4012345.0000098765", "8017/401234500000987658"),
    ("urn:epc:id:gdti:0614141.00001.1618034", "253/06141410000121618034"),
    ("urn:epc:id:sgcn:4012345.67890.04711", "255/401234567890104711"),
    ("urn:epc:id:ginc:4012345.333", "401/4012345333"),
    ("urn:epc:id:gsin:4012345.123456789", "402/40123451234567894"),
    ("urn:epc:id:itip:4012345.012345.01.02.987", "8006/040123451234560102/21/987"),
    ("urn:epc:id:cpi:4012345.AB%2FC-%231.123", "8010/4012345AB%2FC-%231/8011/123"),
    ("urn:epc:idpat:cpi:4012345.ABC.*", "8010/4012345ABC"),
]


@pytest.mark.parametrize(("urn", "path"), PAIRS)
def test_each_scheme_both_ways(urn: str, path: str) -> None:
    key = read_urn(urn)
    link = f"https://id.gs1.org/{path}"
    assert key.urn() == urn
    assert key.link() == link
    assert read_link(link).link() == link
    assert read_link(link).urn(key.prefix_length) == urn


def test_every_scheme_of_the_table_has_a_pair() -> None:
    named = {urn[: urn.rfind(":") + 1] for urn, _ in PAIRS}
    missing = set(BY_URN) - named
    assert missing == {
        "urn:epc:idpat:gdti:",
        "urn:epc:idpat:sgcn:",
        "urn:epc:idpat:itip:",
    }  # these three are met by the property below


# ------------------------------------------------------------------ links of other domains


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("https://example.com/shop/01/04012345111118/21/9876", "01/04012345111118/21/9876"),
        ("http://example.com:8080/01/04012345111118?17=261231#x", "01/04012345111118"),
        ("https://example.com/gtin/4012345111118/ser/9876/", "01/04012345111118/21/9876"),
        ("https://id.gs1.org/01/04012345111118/22/2A/10/L1/21/9", "01/04012345111118/21/9"),
        ("https://id.gs1.org/01/04012345111118/22/2A", "01/04012345111118"),
        ("https://id.gs1.org/01/04012345111118/10/00", "01/04012345111118/10/00"),
        ("https://id.gs1.org/gln/4012345000115", "414/4012345000115"),
        ("https://example.com/00/12/01/04012345111118", "01/04012345111118"),
        ("https://id.gs1.org/01/04012345111118/21/%41b%2f", "01/04012345111118/21/Ab%2F"),
        ("https://id.gs1.org/8006/040123451234560102/10/L7", "8006/040123451234560102/10/L7"),
    ],
)
def test_a_link_is_reduced_to_its_finest_level(text: str, path: str) -> None:
    assert canonical_link(text) == f"https://id.gs1.org/{path}"


def test_a_link_says_nothing_of_the_company_prefix() -> None:
    key = read_link("https://id.gs1.org/01/04012345111118/21/9876")
    with pytest.raises(Gs1PrefixLengthMissing) as refused:
        key.urn()
    assert refused.value.key == "04012345111118"
    assert key.urn(7) == "urn:epc:id:sgtin:4012345.011111.9876"
    assert key.urn(9) == "urn:epc:id:sgtin:401234511.0111.9876"


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("urn:epc:id:sgtin:4012345.011111", Gs1PartsWrong),
        ("urn:epc:id:sscc:4012345", Gs1PartsWrong),
        ("urn:epc:id:itip:4012345.012345.01.987", Gs1PartsWrong),
        ("urn:epc:id:itip:4012345.012345.1.02.987", Gs1LengthWrong),
        ("urn:epc:id:sgtin:4012345.01111.9876", Gs1LengthWrong),
        ("urn:epc:id:sgtin:4012345.011111.", Gs1LengthWrong),
        ("urn:epc:id:sgtin:4012345.011111." + "9" * 21, Gs1LengthWrong),
        ("urn:epc:id:sgtin:4012345.01111A.9876", Gs1CharacterRefused),
        ("urn:epc:id:sgtin:40123A5.011111.9876", Gs1CharacterRefused),
        ("urn:epc:id:sgtin:4012345.011111.9 6", Gs1CharacterRefused),
        ("urn:epc:id:sgtin:4012345.011111.é", Gs1CharacterRefused),
        ("urn:epc:idpat:sgtin:4012345.011111.9876", Gs1CharacterRefused),
        ("urn:epc:id:cpi:4012345.abc.1", Gs1CharacterRefused),
        ("urn:epc:id:sgtin:40123.01111111.9876", Gs1PrefixLengthWrong),
        ("urn:epc:id:sgtin:4012345678901..1", Gs1PrefixLengthWrong),
        ("urn:epc:id:sgtin:4012345.011111.9/6", Gs1PercentWrong),
        ("urn:epc:id:sgtin:4012345.011111.9%2", Gs1PercentWrong),
        ("urn:epc:id:sgtin:4012345.011111.%41", Gs1PercentWrong),
        ("urn:epc:id:sgtin:4012345.011111.%C3%A9", Gs1PercentWrong),
        ("urn:epc:id:nothing:4012345.011111.9876", Gs1SchemeUnknown),
        ("urn:epc:tag:sgtin-96:1.4012345.011111.9876", Gs1SchemeUnknown),
        ("", Gs1SchemeUnknown),
    ],
)
def test_an_epc_uri_that_is_none_is_refused(text: str, reason: type[Gs1Refused]) -> None:
    with pytest.raises(reason):
        read_urn(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://id.gs1.org/01/04012345111117", Gs1CheckDigitWrong),
        ("https://id.gs1.org/414/4012345000116", Gs1CheckDigitWrong),
        ("https://id.gs1.org/8006/040123451234570102", Gs1CheckDigitWrong),
        ("https://id.gs1.org/01/04012345111", Gs1LengthWrong),
        ("https://id.gs1.org/01/04012345111118/99/1", Gs1QualifierUnknown),
        ("https://id.gs1.org/01/04012345111118/21/1/10/2", Gs1QualifierUnknown),
        ("https://id.gs1.org/01/04012345111118/21/1/21/2", Gs1QualifierUnknown),
        ("https://id.gs1.org/01/04012345111118/21", Gs1QualifierUnknown),
        ("https://id.gs1.org/00/040123450000003338/21/1", Gs1QualifierUnknown),
        ("https://id.gs1.org/01/04012345111118/21/%ZZ", Gs1PercentWrong),
        ("https://id.gs1.org/01/04012345111118/21/%C3%A9", Gs1PercentWrong),
        ("https://id.gs1.org/01/04012345111118/21/a b", Gs1CharacterRefused),
        ("https://example.com/products", Gs1SchemeUnknown),
        ("ftp://id.gs1.org/01/04012345111118", Gs1SchemeUnknown),
        ("https://id.gs1.org/01", Gs1SchemeUnknown),
    ],
)
def test_a_link_that_is_none_is_refused(text: str, reason: type[Gs1Refused]) -> None:
    with pytest.raises(reason):
        read_link(text)


def test_a_mistyped_digit_is_told_with_both_digits() -> None:
    with pytest.raises(Gs1CheckDigitWrong) as refused:
        read_link("https://id.gs1.org/01/04012345111117")
    assert refused.value.fields() == {"key": "04012345111117", "expected": "8", "found": "7"}


@pytest.mark.parametrize("length", [5, 13])
def test_a_prefix_has_six_to_twelve_digits(length: int) -> None:
    with pytest.raises(Gs1PrefixLengthWrong) as refused:
        read_link("https://id.gs1.org/417/4012345000009").urn(length)
    assert refused.value.length == length


def test_an_asset_is_more_than_its_company() -> None:
    with pytest.raises(Gs1PrefixLengthWrong):
        read_link("https://id.gs1.org/8004/4012345").urn(7)
    with pytest.raises(Gs1PrefixLengthWrong):
        read_link("https://id.gs1.org/8004/4012AB5999").urn(7)


def test_a_lot_of_pieces_has_no_epc_uri() -> None:
    key = read_link("https://id.gs1.org/8006/040123451234560102/10/L7")
    with pytest.raises(Gs1WithoutUrn):
        key.urn(7)


def test_a_key_cannot_be_built_wrong() -> None:
    with pytest.raises(Gs1LengthWrong):
        Gs1Key(BY_URN["urn:epc:id:sscc:"], "040123450000003338", "1")


# ------------------------------------------------------------------ general identifiers


def test_a_general_identifier_has_no_link() -> None:
    assert read_general("urn:epc:id:gid:95100000.12345.400") == (95100000, 12345, 400)
    with pytest.raises(Gs1WithoutLink):
        canonical_link("urn:epc:id:gid:95100000.12345.400")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("urn:epc:id:gid:1.2", Gs1PartsWrong),
        ("urn:epc:id:gid:01.2.3", Gs1CharacterRefused),
        ("urn:epc:id:gid:a.2.3", Gs1CharacterRefused),
        (f"urn:epc:id:gid:{2**28}.2.3", Gs1LengthWrong),
        ("urn:epc:id:gid:.2.3", Gs1LengthWrong),
        ("urn:epc:id:sgtin:1.2.3", Gs1SchemeUnknown),
    ],
)
def test_a_general_identifier_that_is_none_is_refused(text: str, reason: type[Gs1Refused]) -> None:
    with pytest.raises(reason):
        read_general(text)


# ------------------------------------------------------------------ properties

DIGIT_TEXT = st.text(sorted(DIGITS), min_size=30, max_size=30)
SERIALS = st.text(sorted(ALPHANUMERIC_82), min_size=1, max_size=12)


@st.composite
def keys(draw: st.DrawFn) -> Gs1Key:
    """Any key of any scheme, with a right check digit."""
    scheme: Scheme = draw(st.sampled_from(sorted(BY_URN.values(), key=lambda s: s.head)))
    digits = draw(DIGIT_TEXT)
    length = draw(st.integers(6, 12))
    if scheme.digits:
        body = scheme.lead + digits[: scheme.digits]
        value = body + check_digit(body) + ("0203" if scheme.pieces else "")
    else:
        value = digits[: draw(st.integers(length + 1, 20))]
    serial = None
    if scheme.serial is not None:
        serial = draw(SERIALS) if scheme.serial.characters is ALPHANUMERIC_82 else digits[:5]
        if scheme.plain_zero and serial == "0":
            serial = None
    return Gs1Key(scheme, value, serial, length)


@pytest.mark.property
@given(keys())
def test_any_key_survives_both_spellings(key: Gs1Key) -> None:
    assert read_urn(key.urn()) == key
    back = read_link(key.link(), key.prefix_length)
    assert back == key
    assert back.link() == key.link()


@pytest.mark.property
@given(st.text(st.sampled_from("urn:epcidsgtl0123456789.%2F*/"), max_size=60))
def test_an_epc_uri_parses_to_itself_or_is_refused(tail: str) -> None:
    for head in ("urn:epc:id:sgtin:", "urn:epc:id:giai:", "urn:epc:idpat:cpi:", ""):
        text = head + tail
        try:
            key = read_urn(text)
        except Gs1Refused:
            continue
        assert key.urn().upper() == text.upper()
        assert read_urn(key.urn()) == key


@pytest.mark.property
@given(st.text(st.sampled_from("/0123456789ab%?2F"), max_size=60))
def test_a_link_parses_to_a_fixed_point_or_is_refused(tail: str) -> None:
    try:
        key = read_link(f"https://id.gs1.org/{tail}")
    except Gs1Refused:
        return
    assert read_link(key.link()) == key


@pytest.mark.property
@given(st.text(sorted(ALPHANUMERIC_82), max_size=30), st.booleans())
def test_escapes_are_undone(value: str, link: bool) -> None:
    assert unescape(escape(value, link=link), link=link) == value


@pytest.mark.property
@given(st.text(sorted(DIGITS), min_size=1, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(digits: str, place: int, shift: int) -> None:
    at = place % len(digits)
    wrong = str((int(digits[at]) + shift) % 10)
    assert check_digit(digits) != check_digit(digits[:at] + wrong + digits[at + 1 :])


# ------------------------------------------------------------------ one refusal for each rule


@pytest.mark.parametrize(
    ("urn", "part", "found"),
    [
        ("urn:epc:id:sgtin:4012345.01111.1", "reference", 5),
        ("urn:epc:id:sgln:4012345.000011.0", "reference", 6),
        ("urn:epc:id:itip:4012345.012345.1.02.9", "piece", 1),
        ("urn:epc:id:itip:4012345.012345.01.002.9", "piece", 3),
        (f"urn:epc:id:sgln:4012345.00001.{'7' * 21}", "serial", 21),
        (f"urn:epc:id:sgtin:4012345.011111.{'7' * 21}", "serial", 21),
    ],
)
def test_a_part_of_the_wrong_length_is_told_by_its_name(urn: str, part: str, found: int) -> None:
    with pytest.raises(Gs1LengthWrong) as refused:
        read_urn(urn)
    assert (refused.value.part, refused.value.found) == (part, found)


def test_a_serial_is_only_left_out_where_a_zero_says_so() -> None:
    with pytest.raises(Gs1LengthWrong) as refused:
        Gs1Key(BY_URN["urn:epc:id:sgtin:"], "04012345111118")
    assert (refused.value.part, refused.value.found) == ("serial", 0)
    assert Gs1Key(BY_URN["urn:epc:id:sgln:"], "4012345000115").serial is None
    with pytest.raises(Gs1CharacterRefused) as character:
        Gs1Key(BY_URN["urn:epc:id:sgln:"], "4012345000115", "a~b")
    assert (character.value.part, character.value.character) == ("serial", "~")


def test_the_last_character_that_may_be_escaped_is_a_tilde() -> None:
    with pytest.raises(Gs1CharacterRefused) as refused:
        read_link("https://id.gs1.org/01/04012345111118/10/a%7Eb")
    assert refused.value.character == "~"
    with pytest.raises(Gs1PercentWrong) as escaped:
        read_link("https://id.gs1.org/01/04012345111118/10/a%7Fb")
    assert escaped.value.near == "%7F"
