"""$filter: what each expression finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from d365ext.emulator.odata.parser import parse_filter
from d365ext.emulator.problems import Problem
from support.query_world import EUR, TEAM, USER, World, a_world, guid

ACCOUNTS = [
    {"name": "Äiti Oy", "numberofemployees": 10, "revenue": 200_000_000, "rating": 150, "statecode": 0},
    {"name": "äiti ab", "numberofemployees": None, "revenue": None, "rating": None, "statecode": 0},
    {"name": "Brink 100% Ltd", "numberofemployees": 30, "revenue": 5_000, "rating": -25, "statecode": 1},
    {"name": None, "numberofemployees": 40, "revenue": -1, "rating": 0, "statecode": None},
]


@pytest.fixture
def world() -> Iterator[World]:
    with a_world({"account": ACCOUNTS}) as made:
        yield made


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("name eq 'ÄITI OY'", [1]),
        ("name ne 'äiti oy'", [2, 3, 4]),
        ("name eq null", [4]),
        ("name ne null", [1, 2, 3]),
        ("null eq name", [4]),
        ("contains(name,'ÄITI')", [1, 2]),
        ("not contains(name,'ÄITI')", [3, 4]),
        ("startswith(name,'ä')", [1, 2]),
        ("endswith(name,'OY')", [1]),
        ("contains(name,'100[%]')", [3]),
        ("contains(name,'_iti _y')", [1]),
        ("startswith(name,'[a-c]rink')", [3]),
        ("contains(name,null)", []),
        ("numberofemployees gt 10", [3, 4]),
        ("10 lt numberofemployees", [3, 4]),
        ("not (numberofemployees gt 10)", [1]),
        ("numberofemployees ge 10.5", [3, 4]),
        ("numberofemployees eq 10.5", []),
        ("numberofemployees ne 10.5", [1, 2, 3, 4]),
        ("numberofemployees lt 1e30", [1, 3, 4]),
        ("revenue eq 20000", [1]),
        ("revenue eq 0.5", [3]),
        ("revenue gt 0.49995", [1, 3]),
        ("revenue lt -0.00005", [4]),
        ("revenue le -0.0001", [4]),
        ("rating eq 1.5", [1]),
        ("rating lt 0", [3]),
        ("statecode eq 0 and revenue ne null", [1]),
        ("statecode eq 1 or statecode eq null", [3, 4]),
        ("(statecode eq 1 or statecode eq 0) and not (name eq 'äiti ab')", [1, 3]),
        ("numberofemployees gt null", []),
        ("true", [1, 2, 3, 4]),
        ("contains(name,'oy') eq true", [1]),
        ("contains(name,'oy') eq false", [2, 3, 4]),
    ],
)
def test_expressions_find_rows(world: World, where: str, found: list[int]) -> None:
    names = world.names(where, column="accountid")
    assert names == [guid(each) for each in found]


def test_columns_of_one_row_compare_with_each_other(world: World) -> None:
    """Source: webapi/query/filter-rows.md, "Column comparison"."""
    world.add("contact", guid(1), fullname="Anna", jobtitle="ANNA")
    world.add("contact", guid(2), fullname="Anna", jobtitle=None)
    assert world.names("fullname eq jobtitle", of="contacts", column="contactid") == [guid(1)]
    assert world.names("fullname ne jobtitle", of="contacts", column="contactid") == [guid(2)]
    assert world.names("revenue gt rating", column="accountid") == [guid(1), guid(3)]


def test_booleans_choices_and_dates_compare_by_value(world: World) -> None:
    world.add("account", guid(9), creditonhold=1, createdon="2024-05-01T10:00:00Z", opensince="2024-05-01")
    for where in (
        "creditonhold eq true",
        "creditonhold",
        "createdon eq 2024-05-01T10:00:00Z",
        "createdon eq 2024-05-01T13:00:00+03:00",
        "createdon gt 2024-05-01",
        "createdon gt '2024-05-01T09:59:59Z'",
        "createdon ge 2024-05-01T09:59:59.9999999Z",
        "createdon lt 2024-05-01T10:00:00.5Z",
        "opensince eq 2024-05-01",
        "opensince lt 2024-05-01T00:00:01Z",
    ):
        assert world.names(where, column="accountid") == [guid(9)], where
    assert world.names("opensince gt 2024-05-01T00:00:00Z") == []


def test_lookups_compare_with_ids_quoted_or_not(world: World) -> None:
    world.add("account", guid(9), ownerid=("team", TEAM))
    for where in (f"_ownerid_value eq {TEAM}", f"_ownerid_value eq '{TEAM.upper()}'"):
        assert world.names(where, column="accountid") == [guid(9)]


def test_lookups_are_followed_and_only_to_their_own_table(world: World) -> None:
    world.add("contact", guid(1), fullname="Anna", ownerid=("systemuser", USER))
    world.add("account", guid(9), name="Nine", primarycontactid=guid(1), ownerid=("systemuser", USER))
    world.add("deal", guid(1), title="a", customerid=("account", guid(9)))
    world.add("deal", guid(2), title="b", customerid=("contact", guid(1)))
    assert world.names("primarycontactid/fullname eq 'anna'", column="accountid") == [guid(9)]
    assert world.names("primarycontactid/owninguser/fullname eq 'Aino Admin'", column="accountid") == [guid(9)]
    assert len(world.names("primarycontactid/fullname ne 'Bo'", column="accountid")) == 5
    assert world.names("customerid_account/name eq 'Nine'", of="deals", column="title") == ["a"]
    assert world.names("customerid_contact/fullname ne null", of="deals", column="title") == ["b"]


def test_lambdas_look_into_collections(world: World) -> None:
    world.add("contact", guid(1), fullname="Anna", jobtitle="CEO", parentcustomerid=("account", guid(1)))
    world.add("contact", guid(2), fullname="Bo", jobtitle=None, parentcustomerid=("account", guid(1)))
    world.add("contact", guid(3), fullname="Cy", jobtitle="ceo", parentcustomerid=("account", guid(2)))
    world.add("contact", guid(4), fullname="Di", jobtitle="ceo", parentcustomerid=("contact", guid(3)))
    world.add("tag", guid(1), label="Gold")
    world.add("account_tag", guid(1), accountid=guid(3), tagid=guid(1))
    nav = "contact_customer_accounts"
    cases = {
        f"{nav}/any()": [1, 2],
        f"not {nav}/any()": [3, 4],
        f"{nav}/any(c:c/jobtitle eq 'ceo')": [1, 2],
        f"{nav}/all(c:c/jobtitle eq 'ceo')": [2, 3, 4],
        f"{nav}/any(c:c/contact_customer_contacts/any())": [2],
        f"{nav}/any(c:contains(c/fullname,'B') and c/jobtitle eq null)": [1],
        f"{nav}/any(c:c/parentcustomerid_account/name eq 'äiti ab')": [2],
        f"{nav}/any(c:c/jobtitle eq 'CEO' and c/deal_customer_contacts/any(d:d/title ne 'N/A'))": [],
        "account_tags/any(t:t/label eq 'gold')": [3],
    }
    for where, found in cases.items():
        assert world.names(where, column="accountid") == [guid(each) for each in found], where
    where = "contact_customer_contacts/any(x:x/fullname eq 'Di')"
    assert world.names(where, of="contacts", column="fullname") == ["Cy"]


@pytest.mark.parametrize(
    ("where", "status", "words"),
    [
        ("nosuch eq 1", 400, "Could not find a property named 'nosuch' on type 'Microsoft.Dynamics.CRM.account'."),
        ("ownerid eq 1", 400, "Could not find a property named 'ownerid'"),
        ("primarycontactid/nosuch eq 1", 400, "'nosuch' on type 'Microsoft.Dynamics.CRM.contact'"),
        ("Name eq 'x'", 400, "'Name'"),
        ("name eq 5", 400, "Found operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'"),
        ("statecode eq '0'", 400, "'Edm.Int32' and 'Edm.String'"),
        ("creditonhold eq 1", 400, "incompatible types"),
        ("_ownerid_value eq 'x'", 400, "incompatible types"),
        ("createdon gt 'soon'", 400, "incompatible types"),
        ("name eq numberofemployees", 400, "incompatible types"),
        ("contains(numberofemployees,'1')", 400, "No function signature"),
        ("contains(name)", 400, "No function signature"),
        ("nosuch(name)", 400, "unknown function with name 'nosuch'"),
        ("tolower(name) eq 'x'", 501, "tolower"),
        ("numberofemployees add 1 eq 2", 501, "add"),
        ("name in ('a','b')", 501, "in"),
        ("name eq 'a' b", 400, "position 12"),
        ("name EQ 'a'", 400, "position"),
        ("name eq 'O'Brian'", 400, "position"),
        ("name", 400, "incompatible types"),
        ("'x'", 400, "not a condition"),
        ("primarycontactid/account_primary_contact/any(a:a/name eq 'x')", 400, "behind a lookup"),
        ("nosuch/any()", 400, "nosuch"),
        ("Microsoft.Dynamics.CRM.Nosuch(PropertyName='name')", 400, "Nosuch"),
        ("Microsoft.Dynamics.CRM.EqualUserTeams(PropertyName='ownerid')", 501, "EqualUserTeams"),
        ("Microsoft.Dynamics.CRM.EqualRoleBusinessId(PropertyName='ownerid')", 501, "EqualRoleBusinessId"),
        ("Microsoft.Dynamics.CRM.NotLike(PropertyName='name',PropertyValue='a')", 400, "unknown function"),
        (" or ".join(["name eq 'x'"] * 501), 400, "Number of conditions"),
    ],
)
def test_what_cannot_be_is_refused(world: World, where: str, status: int, words: str) -> None:
    with pytest.raises(Problem) as caught:
        world.names(where)
    assert caught.value.status == status
    assert words in caught.value.message


@pytest.mark.parametrize("opening", ["(", "not (", "contact_customer_accounts/any(c:", "contains(", "[", '{"a":'])
def test_ten_thousand_levels_are_refused_and_do_no_harm(opening: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_filter((opening * 10_000)[:120_000] + "name eq 'x'" + ")" * 10_000)
    assert caught.value.status == 400


def test_query_functions_take_names_and_values(world: World) -> None:
    crm = "Microsoft.Dynamics.CRM."
    world.add(
        "account",
        guid(9),
        ownerid=("systemuser", USER),
        createdon="2024-05-15T09:00:00Z",
        opensince="2024-04-30",
        colours="1,3",
        transactioncurrencyid=EUR,
    )
    cases = {
        f'{crm}In(PropertyName=\'name\',PropertyValues=["ÄITI oy","o\'x"])': [1],
        f"{crm}In(PropertyName='numberofemployees',PropertyValues=['10','40'])": [1, 4],
        f"{crm}NotIn(PropertyName='numberofemployees',PropertyValues=[10,40])": [2, 3, 9],
        f'{crm}Between(PropertyName=\'numberofemployees\',PropertyValues=["5","30"])': [1, 3],
        f"{crm}EqualUserId(PropertyName='ownerid')": [9],
        f"{crm}LastXHours(PropertyName='createdon',PropertyValue=4)": [9],
        f"{crm}LastXHours(PropertyName='createdon',PropertyValue='3')": [],
        f"{crm}OlderThanXHours(PropertyName='createdon',PropertyValue=3)": [9],
        f"{crm}Today(PropertyName='createdon')": [9],
        f"{crm}LastMonth(PropertyName='opensince')": [9],
        f"{crm}ThisFiscalYear(PropertyName='opensince')": [9],
        f"{crm}On(PropertyName='createdon',PropertyValue=2024-05-15)": [9],
        f"{crm}OnOrAfter(PropertyName='createdon',PropertyValue='2024-05-16')": [],
        f"{crm}InFiscalPeriodAndYear(PropertyName='opensince',PropertyValue1=2,PropertyValue2=2024)": [9],
        f"{crm}ContainValues(PropertyName='colours',PropertyValues=['3','2'])": [9],
        f"{crm}DoesNotContainValues(PropertyName='colours',PropertyValues=['3'])": [1, 2, 3, 4],
        f"not {crm}ContainValues(PropertyName='colours',PropertyValues=['3'])": [1, 2, 3, 4],
    }
    for where, found in cases.items():
        assert world.names(where, column="accountid") == [guid(each) for each in found], where


def test_hierarchies_are_walked_up_and_down(world: World) -> None:
    """Source: query-hierarchical-data.md."""
    for number, parent in ((10, None), (11, 10), (12, 11), (13, 10)):
        world.add("account", guid(number), name=str(number), parentaccountid=parent and guid(parent))
    crm = "Microsoft.Dynamics.CRM."

    def found(function: str, of: int) -> list[str]:
        where = f"{crm}{function}(PropertyName='accountid',PropertyValue={guid(of)}) and accountid ge '{guid(10)}'"
        return world.names(where)

    assert found("Under", 10) == ["11", "12", "13"]
    assert found("UnderOrEqual", 11) == ["11", "12"]
    assert found("Above", 12) == ["10", "11"]
    assert found("AboveOrEqual", 12) == ["10", "11", "12"]
    assert found("NotUnder", 11) == ["10", "13"]


def test_parameter_aliases_stand_for_values_and_properties(world: World) -> None:
    """Source: webapi/query/overview.md, "Use parameter aliases with query options"; an unassigned one is null."""
    rows = world.rows("accounts?$select=name&$orderby=@p1%20desc&$filter=@p1%20ne%20@p3&@p1=numberofemployees")
    assert [row["accountid"] for row in rows] == [guid(4), guid(3), guid(1)]
    rows = world.rows(
        "accounts?$filter=Microsoft.Dynamics.CRM.In(PropertyName=@a,PropertyValues=@b)&@a='name'&@b=[\"Äiti Oy\"]"
    )
    assert [row["name"] for row in rows] == ["Äiti Oy"]
