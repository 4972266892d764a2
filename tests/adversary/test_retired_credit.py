"""A holder who sells retired book-and-claim credit a second time."""

from dataclasses import replace

import pytest
from tests.proofs.paper import broken_rules
from vectors.plans import PLANS

from lodeline.proofs.shape_errors import ClaimFromNothing


def test_credit_that_was_retired_on_material_is_not_issued_again() -> None:
    issue, retired = PLANS["book-issue"], PLANS["book-retire"].outputs[0]
    assert not broken_rules(issue)
    bare = replace(retired, claims={})
    credit = replace(issue.outputs[1], claims=PLANS["book-retire"].outputs[1].claims)
    again = replace(issue, inputs=(retired,), outputs=(bare, credit))
    with pytest.raises(ClaimFromNothing) as refused:
        broken_rules(again)
    assert refused.value.claim == "mine-a/book-and-claim"
