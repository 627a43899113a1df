"""$apply: groupby, aggregate, filter, limits.

All cases: verified: docs. Source: MicrosoftDocs/powerapps-docs developer/data-platform/webapi/query/aggregate-data.md
unless said otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from support.dataverse import Dataverse, error_of
from support.query_scene import Scene

FORMATTED = "OData.Community.Display.V1.FormattedValue"


@pytest.fixture
def scene(dv: Dataverse) -> Scene:
    """A few accounts and contacts."""
    return Scene(dv)


def applied(scene: Scene, steps: str, **headers: str) -> list[dict[str, Any]]:
    """The rows of $apply over the accounts of the scene."""
    whole = quote(f"filter({scene.mine})/{steps}", safe="(),$'/")
    return scene.dv.rows(f"accounts?$apply={whole}", **headers)


def test_unique_values(scene: Scene) -> None:
    """ "List of unique statuses in the query"."""
    rows = applied(scene, "groupby((statuscode))", Prefer=f'odata.include-annotations="{FORMATTED}"')
    assert rows == [{f"statuscode@{FORMATTED}": "Active", "statuscode": 1}]


def test_counts_by_value(scene: Scene) -> None:
    """ "Count by status values"."""
    assert applied(scene, "groupby((statuscode),aggregate($count as count))") == [{"statuscode": 1, "count": 3}]


def test_sum_mean_least_and_greatest(scene: Scene) -> None:
    """ "Aggregate sum of revenue", "Average revenue based on status"; nulls are not counted."""
    (row,) = applied(
        scene,
        "aggregate(revenue with sum as total,revenue with average as mean,numberofemployees with min as least,"
        "numberofemployees with max as most)",
    )
    assert row == {"total": 20000.5, "mean": 10000.25, "least": 10, "most": 3000}


def test_money_has_a_formatted_total(scene: Scene) -> None:
    """ "Aggregate sum of revenue": "$440,000.00"."""
    wanted = f'odata.include-annotations="{FORMATTED}"'
    (row,) = applied(scene, "aggregate(revenue with sum as total)", Prefer=wanted)
    assert row[f"total@{FORMATTED}"].endswith("20,000.50")


def test_groups_of_a_related_column_are_named_table_underscore_column(scene: Scene) -> None:
    """ "Total account revenue by primary contact name"; null groups leave the column out."""
    rows = applied(scene, "groupby((primarycontactid/fullname),aggregate(revenue with sum as total))")
    named = {row.get("contact_fullname"): row["total"] for row in rows}
    assert named == {f"Anna {scene.tag}": 20000, None: 0.5}


def test_the_last_created_row(scene: Scene) -> None:
    """ "Last created record date and time"."""
    (row,) = applied(scene, "aggregate(createdon with max as lastCreate,createdon with min as firstCreate)")
    assert row["firstCreate"] <= row["lastCreate"]


def test_a_filter_goes_first(scene: Scene) -> None:
    """ "Primary contact names for accounts in 'WA'"."""
    rows = applied(scene, "filter(revenue gt 1)/groupby((primarycontactid/fullname))")
    assert rows == [{"contact_fullname": f"Anna {scene.tag}"}]


def test_dates_do_not_group(dv: Dataverse) -> None:
    """ "groupby with datetime values is not supported"; the status is inferred."""
    assert dv.get("accounts?$apply=groupby((createdon))").status_code == 400


def test_aggregates_do_not_order(dv: Dataverse) -> None:
    """The error is printed there; its status is inferred."""
    path = "accounts?$apply=groupby((statuscode),aggregate($count as n))&$orderby=n"
    status, _, message = error_of(dv.get(path))
    assert status == 400
    assert "The query node SingleValueOpenPropertyAccess is not supported" in message


@pytest.mark.parametrize(
    "steps", ["aggregate(name with sum as x)", "aggregate(nosuch with sum as x)", "groupby(statuscode)"]
)
def test_mistakes_are_400(dv: Dataverse, steps: str) -> None:
    """compose-http-requests-handle-errors.md: 400 for a bad argument."""
    assert dv.get(f"accounts?$apply={quote(steps)}").status_code == 400


@pytest.mark.parametrize("steps", ["compute(1 as x)", "aggregate(name with countdistinct as x)"])
def test_what_is_not_documented_is_refused_by_name(dv: Dataverse, steps: str) -> None:
    """ "You can't get a distinct number of values … with OData"; the status is inferred."""
    status, _, message = error_of(dv.get(f"accounts?$apply={quote(steps)}"))
    assert status in (400, 501)
    assert any(word in message for word in ("compute", "countdistinct"))


def test_a_collection_of_a_row_aggregates(scene: Scene) -> None:
    """PowerApps-Samples QueryData: accounts(id)/contact_customer_accounts?$apply=aggregate(…)."""
    path = f"accounts({scene.accounts['aiti']})/contact_customer_accounts?$apply=aggregate($count as n)"
    assert scene.dv.rows(path) == [{"n": 2}]
