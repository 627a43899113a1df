"""Queries: list and its pages, the builder with every operator of its filters, FetchXML, discovery of columns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ledger import Ledger, World
from PowerPlatform.Dataverse.models.filters import col, raw
from PowerPlatform.Dataverse.models.query_builder import ExpandOption

BOOK = Ledger()

NAMES = ["Åke & Söner + 1", "Birch 50%", "Cedar_tree", "Douglas 'Fir'", "Elm", "Fig"]
INCOMES = [10, 20, 30, 40, 50, None]


@BOOK.works("(rows to query)")
async def prepare(at: World) -> None:
    rows = [
        {"lastname": name, "jobtitle": "Tree", "annualincome": income, "parentcustomerid_account@odata.bind": bind}
        for (name, income), bind in zip(
            zip(NAMES, INCOMES, strict=True), [f"/accounts({at.kept['account']})"] * len(NAMES), strict=True
        )
    ]
    at.kept["trees"] = await at.done(at.client.records.create("contact", rows))


async def _found(at: World, condition: Any) -> list[str]:
    query = at.client.query.builder("contact").select("lastname").where(col("jobtitle") == "Tree").where(condition)
    return [row["lastname"] for row in await at.done(query.order_by("lastname").execute())]


@BOOK.works("records.list with filter, select, orderby, top")
async def listed(at: World) -> None:
    found = await at.done(
        at.client.records.list(
            "contact",
            filter=(col("annualincome") >= 20) & (col("jobtitle") == "Tree"),
            select=["lastname"],
            orderby=["annualincome desc"],
            top=3,
        )
    )
    assert [row["lastname"] for row in found] == ["Elm", "Douglas 'Fir'", "Cedar_tree"]


@BOOK.works("records.list follows @odata.nextLink; count and expand")
async def listed_whole(at: World) -> None:
    found = await at.done(
        at.client.records.list(
            "contact",
            filter="jobtitle eq 'Tree'",
            select=["lastname"],
            expand=["parentcustomerid_account($select=name)"],
            page_size=2,
            count=True,
        )
    )
    assert len(found) == 6
    assert {row["parentcustomerid_account"]["name"] for row in found} == {"Contoso"}


@BOOK.works("records.list_pages")
async def listed_by_pages(at: World) -> None:
    pages = await at.pages(at.client.records.list_pages("contact", filter="jobtitle eq 'Tree'", page_size=4))
    assert [len(page) for page in pages] == [4, 2]


@BOOK.works("a value with letters, quotes, &, + and spaces")
async def awkward_values(at: World) -> None:
    for name in NAMES:
        assert await _found(at, col("lastname") == name) == [name], name


FILTERS: dict[str, tuple[Any, list[str]]] = {
    "!=": (col("lastname") != "Elm", [name for name in NAMES if name != "Elm"]),
    "> and <=": ((col("annualincome") > 20) & (col("annualincome") <= 40), ["Cedar_tree", "Douglas 'Fir'"]),
    "or, not": (~((col("lastname") == "Elm") | (col("annualincome") < 40)), ["Douglas 'Fir'"]),
    "in_": (col("lastname").in_(["Elm", "Fig"]), ["Elm", "Fig"]),
    "not_in": (col("lastname").not_in(["Elm", "Fig"]), NAMES[:4]),
    "between": (col("annualincome").between(20, 30), ["Birch 50%", "Cedar_tree"]),
    "not_between": (col("annualincome").not_between(20, 50), NAMES[:1]),
    "is_null": (col("annualincome").is_null(), ["Fig"]),
    "is_not_null": (col("annualincome").is_not_null(), NAMES[:5]),
    "contains": (col("lastname").contains("0%"), ["Birch 50%"]),
    "startswith": (col("lastname").startswith("Doug"), ["Douglas 'Fir'"]),
    "endswith": (col("lastname").endswith("TREE"), ["Cedar_tree"]),
    "like": (col("lastname").like("%r%"), ["Birch 50%", "Cedar_tree", "Douglas 'Fir'", "Åke & Söner + 1"]),
    "not_like": (col("lastname").not_like("E%"), [name for name in NAMES if name != "Elm"]),
    "raw": (raw("Microsoft.Dynamics.CRM.Today(PropertyName='createdon')"), NAMES),
    "datetime": (col("createdon") > datetime.now(UTC) - timedelta(hours=1), NAMES),
    "date": (col("createdon") > date(2020, 1, 31), NAMES),
    "a moment as text": (col("createdon") > "2020-01-31T12:00:00Z", NAMES),
}


def _each_filter(name: str) -> None:
    condition, expected = FILTERS[name]

    @BOOK.works(f"query.builder, filter {name}")
    async def filtered(at: World) -> None:
        assert sorted(await _found(at, condition)) == sorted(expected)


for _name in FILTERS:
    _each_filter(_name)


@BOOK.works("query.builder: select, expand with options, count, formatted values")
async def built(at: World) -> None:
    tasks = ExpandOption("contact_customer_accounts").select("lastname").filter("jobtitle eq 'Tree'")
    query = at.client.query.builder("account").select("name", "statuscode").where(col("name") == "Contoso")
    query = query.expand("primarycontactid", tasks.order_by("lastname", descending=True).top(2))
    (row,) = await at.done(query.count().include_formatted_values().execute())
    assert row["primarycontactid"]["lastname"] == "Byron"
    assert [child["lastname"] for child in row["contact_customer_accounts"]] == ["Åke & Söner + 1", "Fig"]
    assert row["statuscode@OData.Community.Display.V1.FormattedValue"] == "Active"


@BOOK.works("query.builder.execute_pages, include_annotations, to_dataframe")
async def built_pages(at: World) -> None:
    def query() -> Any:
        made = at.client.query.builder("contact").select("lastname").where(col("jobtitle") == "Tree")
        return made.order_by("lastname").page_size(5).include_annotations("*")

    pages = await at.pages(query().execute_pages())
    assert [len(page) for page in pages] == [5, 1]
    frame = (await at.done(query().execute())).to_dataframe()
    assert len(frame) == len(NAMES)


FETCH = """<fetch count="4" aggregate="{aggregate}"><entity name="contact">{columns}
  <filter><condition attribute="jobtitle" operator="eq" value="Tree"/></filter>{more}</entity></fetch>"""


@BOOK.works("query.fetchxml, all pages by their cookies")
async def fetched(at: World) -> None:
    columns = "<attribute name='lastname'/><order attribute='lastname'/>"
    more = "<link-entity name='account' from='accountid' to='parentcustomerid' alias='a'><attribute name='name'/>"
    xml = FETCH.format(aggregate="false", columns=columns, more=more + "</link-entity>")
    pages = await at.pages(at.client.query.fetchxml(xml).execute_pages())
    assert [len(page) for page in pages] == [4, 2]
    found = await at.done(at.client.query.fetchxml(xml).execute())
    assert {row["lastname"] for row in found} == set(NAMES)
    assert {row["a.name"] for row in found} == {"Contoso"}


@BOOK.works("query.fetchxml, aggregate")
async def fetched_aggregate(at: World) -> None:
    columns = "<attribute name='annualincome' alias='total' aggregate='sum'/>"
    xml = FETCH.replace(' count="4"', "").format(aggregate="true", columns=columns, more="")
    (row,) = await at.done(at.client.query.fetchxml(xml).execute())
    assert row["total"] == 150


@BOOK.works("query.sql_columns")
async def columns_for_sql(at: World) -> None:
    columns = await at.done(at.client.query.sql_columns("account"))
    assert [column["name"] for column in columns if column["is_pk"]] == ["accountid"]
    by_name = {column["name"]: column for column in columns}
    assert (by_name["name"]["is_name"], by_name["name"]["label"]) == (True, "Account Name")


@BOOK.works("query.odata_expands")
async def expands(at: World) -> None:
    found = await at.done(at.client.query.odata_expands("contact"))
    to_account = next(each for each in found if each["nav_property"] == "parentcustomerid_account")
    assert (to_account["target_entity_set"], to_account["lookup_attribute"]) == ("accounts", "parentcustomerid")


@BOOK.works("query.odata_select, odata_expand, odata_bind", trees=("sync",))
async def discovery(at: World) -> None:
    assert "name" in at.client.query.odata_select("account")
    navigation = at.client.query.odata_expand("opportunity", "transactioncurrency")
    assert navigation == "transactioncurrencyid"
    bind = at.client.query.odata_bind("account", "transactioncurrency", at.kept["account"])
    assert bind == {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({at.kept['account']})"}


@BOOK.works("flush_cache")
async def flush(at: World) -> None:
    assert await at.done(at.client.flush_cache("picklist")) >= 0
