"""Names that follow from names."""

from __future__ import annotations

import pytest

from d365ext.emulator.documents.naming import plural


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("pch_pipeline", "pch_pipelines"),
        ("new_Company", "new_Companies"),
        ("new_Day", "new_Days"),
        ("new_Box", "new_Boxes"),
        ("new_Branch", "new_Branches"),
        ("new_Status", "new_Statuses"),
    ],
)
def test_a_sets_name_is_the_plural_of_its_tables(one: str, many: str) -> None:
    """new_bankaccount → new_bankaccounts is documented; the other endings are English."""
    assert plural(one) == many
