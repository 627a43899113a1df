"""Cells: text to the value of a column, or one sentence that says why not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from d365ext.loader.cells import CellError, to_value
from d365ext.loader.shapes import Kind, Option
from support.tables import OPPORTUNITY_STATES, OPPORTUNITY_STATUSES, a_column

ID = "2E451703-C0FE-4D0B-9C4E-0123456789AB"


def read(text: str, kind: Kind, **more: Any) -> Any:
    return to_value(text, a_column("x", kind, **more))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (" Äänekoski ", Kind.TEXT, " Äänekoski "),
        ("42", Kind.WHOLE, 42),
        (" -7 ", Kind.WHOLE, -7),
        ("1234567890123.4500", Kind.MONEY, Decimal("1234567890123.45")),
        ("0.1", Kind.DECIMAL, Decimal("0.1")),
        ("Yes", Kind.YES_NO, True),
        ("0", Kind.YES_NO, False),
        ("FALSE", Kind.YES_NO, False),
        ("2026-02-28", Kind.DAY, "2026-02-28"),
        ("2026-02-28", Kind.MOMENT, "2026-02-28T00:00:00Z"),
        ("2026-02-28 14:30", Kind.MOMENT, "2026-02-28T14:30:00Z"),
        ("2026-02-28T14:30:00+02:00", Kind.MOMENT, "2026-02-28T12:30:00Z"),
        (ID, Kind.LOOKUP, ID.lower()),
        ("{" + ID + "}", Kind.ID, ID.lower()),
    ],
)
def test_a_good_cell_becomes_its_value(text: str, kind: Kind, value: Any) -> None:
    assert read(text, kind) == value


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("4.5", Kind.WHOLE, "'4.5' is no whole number."),
        ("1,250.00", Kind.MONEY, "'1,250.00' is no number (write digits with a point, such as 1250.50)."),
        ("1e3", Kind.MONEY, "'1e3' is no number (write digits with a point, such as 1250.50)."),
        ("NaN", Kind.DECIMAL, "'NaN' is no number (write digits with a point, such as 1250.50)."),
        ("perhaps", Kind.YES_NO, "'perhaps' is neither yes nor no."),
        ("31.12.2026", Kind.DAY, "'31.12.2026' is no date (write YYYY-MM-DD)."),
        ("20261231", Kind.DAY, "'20261231' is no date (write YYYY-MM-DD)."),
        ("2026-13-01", Kind.DAY, "'2026-13-01' is no date: month must be in 1..12 (write YYYY-MM-DD)."),
        ("soon", Kind.MOMENT, "'soon' is no date or time (write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ)."),
        ("42", Kind.LOOKUP, "'42' is no id (a GUID such as 2e451703-c0fe-4d0b-9c4e-0123456789ab)."),
        ("x", Kind.OTHER, "no CSV file can hold what this column holds."),
    ],
)
def test_a_bad_cell_says_what_is_wrong(text: str, kind: Kind, message: str) -> None:
    with pytest.raises(CellError) as raised:
        read(text, kind)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "limits", "message"),
    [
        ("abc", {"kind": Kind.TEXT, "length_max": 2}, "the text has 3 characters, the column holds 2."),
        ("101", {"kind": Kind.WHOLE, "high": Decimal(100)}, "101 is more than 100, the most that the column holds."),
        ("-1", {"kind": Kind.MONEY, "low": Decimal(0)}, "-1 is less than 0, the least that the column holds."),
        ("1.005", {"kind": Kind.MONEY, "decimals": 2}, "1.005 has more than the 2 decimals that the column keeps."),
    ],
)
def test_the_columns_limits_hold(text: str, limits: dict[str, Any], message: str) -> None:
    with pytest.raises(CellError) as raised:
        to_value(text, a_column("x", **limits))
    assert str(raised.value) == message


def test_zeros_at_the_end_are_no_decimals() -> None:
    assert read("1.5000", Kind.MONEY, decimals=2) == Decimal("1.5")


@pytest.mark.parametrize(("text", "value"), [("Open", 0), ("avoin", 0), (" won ", 1), ("2", 2)])
def test_a_choice_is_named_by_a_label_of_any_language_or_by_its_value(text: str, value: int) -> None:
    assert read(text, Kind.CHOICE, options=OPPORTUNITY_STATES) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Oppen", "'Oppen' is no option; did you mean 'Open'?"),
        ("zzz", "'zzz' is no option; there are Open, Won, Lost."),
        ("9", "'9' is no option; there are Open, Won, Lost."),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(CellError) as raised:
        read(text, Kind.CHOICE, options=OPPORTUNITY_STATES)
    assert str(raised.value) == message


def test_a_label_of_two_options_must_be_written_as_a_value() -> None:
    twice = (*OPPORTUNITY_STATUSES, Option(77, ("in progress",)))
    with pytest.raises(CellError, match="'In Progress' names several options; write one of the values 1, 77"):
        read("In Progress", Kind.CHOICE, options=twice)
    assert read("77", Kind.CHOICE, options=twice) == 77


def test_several_choices_are_separated_by_semicolons() -> None:
    assert read("Lost; 1", Kind.CHOICES, options=OPPORTUNITY_STATES) == "1,2"
