"""Attacks by members of the consortium, found in review; each runs under the packaged recipes.

Lots are on paper: the statement is compiled and judged over plain numbers. The attacker may be
right in every signature and every weight; what must stop him is a relation or a shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.custody import shipped
from tests.proofs.paper import broken_rules
from vectors.plans import assurance, credit, material
from vectors.stage import PlainLot, Plan

from lodeline.proofs.shape_errors import ClaimFromNothing, NotIdentityPreserved

RETIRED = "recycled-post"
SCRAP = "recycled-pre"
MINED = "IRMA-75"
