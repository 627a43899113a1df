"""Views, forms, charts, web resources, apps: their checks, and published against unpublished. verified: docs

Source of all cases unless they name another: powerapps-docs developer/model-driven-apps/ customize-entity-views.md,
customize-entity-forms.md, publish-customizations.md, web-resources.md, sample-charts.md,
create-manage-model-driven-apps-using-code.md.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.dataverse import Dataverse, error_of
from support.definitions import ODATA, PREFIX, Workshop, lookup

THING = f"{PREFIX}_thing"
VIEW_ID = "3f0c1f0a-7d1c-4a59-9a53-1b1d6a1f0001"
FETCH = f'<fetch><entity name="{THING}"><attribute name="{PREFIX}_name"/><attribute name="{THING}id"/></entity></fetch>'
LAYOUT = (
    f'<grid name="resultset" jump="{PREFIX}_name" select="1" icon="1" preview="1">'
    f'<row name="result" id="{THING}id"><cell name="{PREFIX}_name" width="150"/></row></grid>'
)
FORM = (
    '<form><tabs><tab id="{11111111-0000-4000-8000-000000000001}" name="t"><columns><column width="100%"><sections>'
    '<section id="{11111111-0000-4000-8000-000000000002}" name="s"><rows><row>'
    '<cell id="{11111111-0000-4000-8000-000000000003}">'
    '<control id="c" classid="{4273EDBD-AC1D-40D3-9FB2-095C621B552D}" datafieldname="COLUMN"/></cell>'
    "</row></rows></section></sections></column></columns></tab></tabs></form>"
)
CHART = (
    '<datadefinition><fetchcollection><fetch mapping="logical" aggregate="true">'
    f'<entity name="{THING}"><attribute name="{THING}id" aggregate="count" alias="n"/>'
    f'<attribute name="{PREFIX}_name" groupby="true" alias="g"/></entity></fetch></fetchcollection>'
    '<categorycollection><category><measurecollection><measure alias="n"/></measurecollection></category>'
    "</categorycollection></datadefinition>"
)


@pytest.fixture
def shop(dv: Dataverse) -> Workshop:
    """A publisher and a solution to work in, and a table."""
    made = Workshop(dv)
    made.table()
    return made


def view(**more: Any) -> dict[str, Any]:
    """A public view."""
    body = {"name": "All things", "returnedtypecode": THING, "querytype": 0, "fetchxml": FETCH, "layoutxml": LAYOUT}
    return body | more


def form(column: str = f"{PREFIX}_name", **more: Any) -> dict[str, Any]:
    """A main form."""
    body = {"name": "Main", "type": 2, "objecttypecode": THING, "formxml": FORM.replace("COLUMN", column)}
    return body | more


def publish(shop: Workshop, inside: str = f"<entities><entity>{THING}</entity></entities>") -> None:
    """Call PublishXml."""
    response = shop.dv.post("PublishXml", {"ParameterXml": f"<importexportxml>{inside}</importexportxml>"})
    assert response.status_code == 204, response.text


def test_a_view_is_upserted_by_an_id_of_ours(shop: Workshop) -> None:
    """metadata-plane.md §1.5: PATCH savedqueries(<fixed guid>), Upsert is a listed message."""
    response = shop.send("PATCH", f"savedqueries({VIEW_ID})", view())
    assert response.status_code == 204, response.text
    shop.dv.created.append(f"savedqueries({VIEW_ID})")
    found = shop.dv.get(f"savedqueries({VIEW_ID})").json()
    assert (found["name"], found["returnedtypecode"], found["querytype"]) == ("All things", THING, 0)
    assert found["fetchxml"] == FETCH


def test_a_new_view_is_published_and_can_be_used_at_once(shop: Workshop) -> None:
    """publish-customizations.md: new items need no publishing; predefined queries run with savedQuery=."""
    made = shop.made("savedqueries", view())
    shop.dv.create(f"{THING}s", {f"{PREFIX}_name": "one"})
    assert [each[f"{PREFIX}_name"] for each in shop.dv.rows(f"{THING}s?savedQuery={made}")] == ["one"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"fetchxml": "<fetch><entity"}, "0x80040303"),
        ({"fetchxml": FETCH.replace(f"{THING}id", "nothing")}, "0x80041103"),
        ({"fetchxml": FETCH.replace(f'"{THING}"', '"nothing"')}, "0x80041102"),
        ({"returnedtypecode": "account"}, "0x80040303"),
        ({"layoutxml": "<grid/>"}, "0x80040201"),
        ({"layoutxml": LAYOUT.replace(f'name="{PREFIX}_name" width', 'name="nothing" width')}, "0x80041103"),
        ({"name": None}, "0x80040200"),
        ({"querytype": 64}, "0x8004023b"),
    ],
)
def test_a_bad_view_is_refused(shop: Workshop, more: dict[str, Any], code: str) -> None:
    """Required members; "every cell must be in fetchxml as attribute"; only public views are created. Codes inferred
    but for those of queries (QueryBuilderNoEntity, QueryBuilderNoAttribute, InvalidFetchXml)."""
    assert error_of(shop.post("savedqueries", view(**more)))[:2] == (400, code)


def test_a_changed_view_waits_for_publishing(shop: Workshop) -> None:
    """publish-customizations.md: updates need publish; RetrieveUnpublished shows them before."""
    made = shop.made("savedqueries", view())
    assert shop.send("PATCH", f"savedqueries({made})", {"name": "Every thing"}).status_code == 204
    assert shop.dv.get(f"savedqueries({made})").json()["name"] == "All things"
    unpublished = shop.dv.get(f"savedqueries({made})/{ODATA}RetrieveUnpublished()?$select=name").json()
    assert unpublished["name"] == "Every thing"
    listed = shop.dv.rows(
        f"savedqueries/{ODATA}RetrieveUnpublishedMultiple()?$select=name&$filter=savedqueryid eq {made}"
    )
    assert [each["name"] for each in listed] == ["Every thing"]
    publish(shop)
    assert shop.dv.get(f"savedqueries({made})").json()["name"] == "Every thing"


def test_publishing_one_table_leaves_the_others_waiting(shop: Workshop) -> None:
    """publish-request-schema.md: ParameterXml names what is published; PublishAllXml takes everything."""
    made = shop.made("savedqueries", view())
    shop.send("PATCH", f"savedqueries({made})", {"name": "Every thing"})
    publish(shop, "<entities><entity>account</entity></entities>")
    assert shop.dv.get(f"savedqueries({made})").json()["name"] == "All things"
    assert shop.dv.post("PublishAllXml").status_code == 204
    assert shop.dv.get(f"savedqueries({made})").json()["name"] == "Every thing"


@pytest.mark.parametrize(
    "text", ["<importexportxml><entities>", "<other/>", "<importexportxml><poems/></importexportxml>"]
)
def test_a_bad_parameter_xml_is_refused(dv: Dataverse, text: str) -> None:
    """ParameterXml.xsd: entities, ribbons, dashboards, optionsets, sitemaps, webresources, appmodules."""
    assert error_of(dv.post("PublishXml", {"ParameterXml": text}))[0] == 400


def test_default_views_stay_active_and_are_one(shop: Workshop) -> None:
    """CannotDeactivateDefaultView 0x8004027a; "isdefault picks one"."""
    made = shop.made("savedqueries", view(isdefault=True))
    chosen = f"returnedtypecode eq '{THING}' and querytype eq 0 and isdefault eq true"
    found = shop.dv.rows(f"savedqueries?$select=savedqueryid&$filter={chosen}")
    assert [each["savedqueryid"] for each in found] == [made]
    off = shop.dv.patch(f"savedqueries({made})", {"statecode": 1, "statuscode": 2})
    assert error_of(off)[:2] == (400, "0x8004027a")


def test_views_that_exist_once_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteCannedView 0x8004022f: advanced find, associated, quick find and lookup views."""
    found = shop.dv.rows(f"savedqueries?$select=savedqueryid&$filter=returnedtypecode eq '{THING}' and querytype eq 64")
    assert error_of(shop.dv.delete(f"savedqueries({found[0]['savedqueryid']})"))[:2] == (400, "0x8004022f")


def test_a_column_that_a_view_shows_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteInUseComponent 0x8004F01F; without the view it can."""
    name = shop.column(THING, "String", "More")
    query, layout = (text.replace(f"{PREFIX}_name", name) for text in (FETCH, LAYOUT))
    made = shop.made("savedqueries", view(fetchxml=query, layoutxml=layout))
    address = f"EntityDefinitions(LogicalName='{THING}')/Attributes(LogicalName='{name}')"
    assert error_of(shop.dv.delete(address))[:2] == (400, "0x8004F01F")
    assert shop.dv.delete(f"savedqueries({made})").status_code == 204
    assert shop.dv.delete(address).status_code == 204


def test_a_form_shows_columns_that_exist(shop: Workshop) -> None:
    """A form depends on its columns; that a missing one is refused on the write is inferred."""
    made = shop.made("systemforms", form())
    assert shop.dv.get(f"systemforms({made})?$select=objecttypecode").json()["objecttypecode"] == THING
    assert error_of(shop.post("systemforms", form("nothing")))[0] == 400
    assert error_of(shop.post("systemforms", form(formxml="<form><tabs>")))[:2] == (400, "0x80040201")
    name = shop.column(THING, "String", "More")
    shop.send("PATCH", f"systemforms({made})", {"formxml": FORM.replace("COLUMN", name)})
    publish(shop)
    address = f"EntityDefinitions(LogicalName='{THING}')/Attributes(LogicalName='{name}')"
    assert error_of(shop.dv.delete(address))[:2] == (400, "0x8004F01F")


def test_an_edited_form_is_read_unpublished(shop: Workshop) -> None:
    """Documented: "Idempotent form editing must read the unpublished version" (metadata-plane.md §1.3)."""
    made = shop.made("systemforms", form())
    changed = FORM.replace("COLUMN", f"{PREFIX}_name").replace('name="t"', 'name="renamed"')
    assert shop.send("PATCH", f"systemforms({made})", {"formxml": changed}).status_code == 204
    assert 'name="t"' in shop.dv.get(f"systemforms({made})?$select=formxml").json()["formxml"]
    read = shop.dv.get(f"systemforms({made})/{ODATA}RetrieveUnpublished()?$select=formxml").json()
    assert read["formxml"] == changed


def test_a_library_must_be_there_before_the_form(shop: Workshop) -> None:
    """metadata-plane.md §5.7: "The library must already exist … it becomes a dependency"."""
    library = f'<formLibraries><Library name="{PREFIX}_/a.js" libraryUniqueId="{{1}}"/></formLibraries></form>'
    text = FORM.replace("COLUMN", f"{PREFIX}_name").replace("</form>", library)
    assert error_of(shop.post("systemforms", form(formxml=text)))[0] == 400
    resource = shop.made("webresourceset", script())
    shop.made("systemforms", form(formxml=text))
    assert error_of(shop.dv.delete(f"webresourceset({resource})"))[:2] == (400, "0x8004F01F")


def test_a_dashboard_belongs_to_no_table(shop: Workshop) -> None:
    """EntityTypeSpecifiedForDashboard 0x8004E30B; create-dashboard.md leaves objecttypecode out."""
    text = FORM.replace(' datafieldname="COLUMN"', "")
    shop.made("systemforms", {"name": "Board", "type": 0, "formxml": text})
    bad = {"name": "Board", "type": 0, "formxml": text, "objecttypecode": THING}
    assert error_of(shop.post("systemforms", bad))[:2] == (400, "0x8004E30B")


def script(name: str = "a.js", **more: Any) -> dict[str, Any]:
    """A web resource."""
    content = base64.b64encode(b"// nothing").decode()
    body = {"name": f"{PREFIX}_/{name}", "displayname": name, "webresourcetype": 3, "content": content}
    return body | more


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"name": "nobody_/a.js"}, "0x8004F118"),
        ({"name": ""}, "0x8004F116"),
        ({"name": f"{PREFIX}_/a b.js"}, "0x8004F117"),
        ({"name": f"{PREFIX}_//a.js"}, "0x8004F117"),
        ({"name": f"{PREFIX}_/a.aspx"}, "0x8004F119"),
        ({"name": f"{PREFIX}_/there.js"}, "0x8004F115"),
        ({"webresourcetype": 13}, "0x8004F111"),
        ({"content": "not base64!"}, "0x80048d19"),
        ({"content": base64.b64encode(b"x" * 5_300_000).decode()}, "0x8004F114"),
    ],
)
def test_a_bad_web_resource_is_refused(shop: Workshop, more: dict[str, Any], code: str) -> None:
    """WebResource… of the code table; the size is Organization.MaxUploadFileSize, 5 MB by default."""
    shop.made("webresourceset", script("there.js"))
    assert error_of(shop.post("webresourceset", script() | more))[:2] == (400, code)


def test_a_changed_script_waits_for_publishing(shop: Workshop) -> None:
    """metadata-plane.md §7: PATCH webresourceset(id) {"content"} + PublishXml webresources."""
    made = shop.made("webresourceset", script())
    content = base64.b64encode(b"// something").decode()
    shop.send("PATCH", f"webresourceset({made})", {"content": content})
    assert shop.dv.get(f"webresourceset({made})?$select=content").json()["content"] != content
    publish(shop, f"<webresources><webresource>{{{made}}}</webresource></webresources>")
    assert shop.dv.get(f"webresourceset({made})?$select=content").json()["content"] == content


def test_a_chart_counts_what_its_query_returns(shop: Workshop) -> None:
    """sample-charts.md: datadescription and presentationdescription; InvalidFetchCollection, InvalidPresentation…"""
    body = {
        "name": "Things",
        "primaryentitytypecode": THING,
        "datadescription": CHART,
        "presentationdescription": "<Chart><Series><Series ChartType='Column'/></Series></Chart>",
    }
    shop.made("savedqueryvisualizations", body)
    bad = body | {"datadescription": CHART.replace('measure alias="n"', 'measure alias="m"')}
    assert error_of(shop.post("savedqueryvisualizations", bad))[:2] == (400, "0x8004E019")
    bad = body | {"presentationdescription": "<Poem/>"}
    assert error_of(shop.post("savedqueryvisualizations", bad))[:2] == (400, "0x8004E002")


def test_labels_of_rows_in_other_languages(shop: Workshop) -> None:
    """learn.microsoft.com/…/setloclabels and retrieveloclabels (IncludeUnpublished); RetrieveProvisionedLanguages."""
    languages = shop.dv.get("RetrieveProvisionedLanguages()").json()["RetrieveProvisionedLanguages"]
    assert {1033, 1035} <= set(languages)
    made = shop.made("savedqueries", view())
    row = {"@odata.type": f"{ODATA}savedquery", "savedqueryid": made}
    labels = [{"Label": "Asiat", "LanguageCode": 1035}, {"Label": "Things", "LanguageCode": 1033}]
    body = {"EntityMoniker": row, "AttributeName": "name", "Labels": labels}
    assert shop.dv.post("SetLocLabels", body).status_code == 204
    aliases = f"@p1={{'@odata.id':'savedqueries({made})'}}&@p2='name'&@p3=true"
    path = "RetrieveLocLabels(EntityMoniker=@p1,AttributeName=@p2,IncludeUnpublished=@p3)"
    found = shop.dv.get(f"{path}?{aliases}").json()["Label"]["LocalizedLabels"]
    assert {each["LanguageCode"]: each["Label"] for each in found} == {1033: "Things", 1035: "Asiat"}
    assert shop.dv.get(f"savedqueries({made})?$select=name").json()["name"] == "Things"
    shop.dv.patch(f"savedqueries({made})", {"name": "Renamed"})
    unpublished = shop.dv.get(f"{path}?{aliases}").json()["Label"]["LocalizedLabels"]
    assert {each["LanguageCode"]: each["Label"] for each in unpublished} == {1033: "Renamed", 1035: "Asiat"}
    published = shop.dv.get(f"{path}?{aliases.replace('true', 'false')}").json()["Label"]["LocalizedLabels"]
    assert {each["LanguageCode"]: each["Label"] for each in published} == {1033: "Things", 1035: "Asiat"}
    bad = body | {"AttributeName": "fetchxml"}
    assert error_of(shop.dv.post("SetLocLabels", bad))[:2] == (400, "0x80044198")


SITE_MAP = '<SiteMap><Area Id="a"><Group Id="g"><SubArea Id="s" Entity="ENTITY"/></Group></Area></SiteMap>'


def test_an_app_with_its_site_map_validates(shop: Workshop) -> None:
    """create-manage-…: POST appmodules, AddAppComponents, ValidateApp, PublishXml; the prefix is prepended."""
    app = shop.made("appmodules", {"name": "Things", "uniquename": "Things"})
    assert shop.dv.get(f"appmodules({app})?$select=uniquename").json()["uniquename"] == f"{PREFIX}_Things"
    first = shop.dv.get(f"ValidateApp(AppModuleId={app})").json()["AppValidationResponse"]
    assert first["ValidationSuccess"] is False
    site_map = shop.made("sitemaps", {"sitemapname": "Things", "sitemapxml": SITE_MAP.replace("ENTITY", THING)})
    parts = [
        {"@odata.type": f"{ODATA}sitemap", "sitemapid": site_map},
        {"@odata.type": f"{ODATA}entity", "entityid": shop.definition(THING)["MetadataId"]},
    ]
    assert shop.dv.post("AddAppComponents", {"AppId": app, "Components": parts}).status_code == 204
    after = shop.dv.get(f"ValidateApp(AppModuleId={app})").json()["AppValidationResponse"]
    assert after["ValidationSuccess"] is True
    assert {each["ErrorType"] for each in after["ValidationIssueList"]} == {"Warning"}
    listed = shop.dv.rows(f"RetrieveAppComponents(AppModuleId={app})")
    assert sorted(each["componenttype"] for each in listed) == [1, 62]
    assert shop.dv.post("RemoveAppComponents", {"AppId": app, "Components": parts[:1]}).status_code == 204
    assert len(shop.dv.rows(f"RetrieveAppComponents(AppModuleId={app})")) == 1
    publish(shop, f"<appmodules><appmodule>{app}</appmodule></appmodules>")


@pytest.mark.parametrize(
    ("entity_set", "body", "code"),
    [
        ("appmodules", {"name": "X", "uniquename": "Things"}, "0x8005011F"),
        ("appmodules", {"name": "X", "uniquename": "not good"}, "0x80040200"),
        ("sitemaps", {"sitemapname": "X", "sitemapxml": ""}, "0x8004F402"),
        ("sitemaps", {"sitemapname": "X", "sitemapxml": SITE_MAP.replace("ENTITY", "nothing")}, "0x8005E00C"),
        ("sitemaps", {"sitemapname": "X", "sitemapxml": "<SiteMap><Area/></SiteMap>"}, "0x80040201"),
    ],
)
def test_a_bad_app_or_site_map_is_refused(shop: Workshop, entity_set: str, body: dict[str, Any], code: str) -> None:
    """DuplicateAppModuleUniqueName 0x8005011F, EmptySiteMapXml 0x8004F402; the other codes inferred."""
    shop.made("appmodules", {"name": "Things", "uniquename": "Things"})
    assert error_of(shop.post(entity_set, body))[:2] == (400, code)


def test_the_unique_name_of_an_app_cannot_change(shop: Workshop) -> None:
    """CannotUpdateAppModuleUniqueName 0x80050119."""
    app = shop.made("appmodules", {"name": "Things", "uniquename": "Things"})
    assert error_of(shop.dv.patch(f"appmodules({app})", {"uniquename": "Other"}))[:2] == (400, "0x80050119")


def test_a_view_joins_tables_and_names_their_columns_by_alias(shop: Workshop) -> None:
    """customize-entity-views.md: link-entity with an alias, cell "alias.column"; conditions may name the alias."""
    shop.made("RelationshipDefinitions", lookup("PartnerId", "account", THING))
    shop.column("account", "String", "Town")
    joined = (
        f'<link-entity name="account" from="accountid" to="{PREFIX}_partnerid" alias="a" link-type="outer">'
        f'<attribute name="{PREFIX}_town"/><order attribute="name"/></link-entity>'
        f'<filter><condition entityname="a" attribute="name" operator="not-null"/></filter></entity>'
    )
    query = FETCH.replace("</entity>", joined)
    layout = LAYOUT.replace("</row>", f'<cell name="a.{PREFIX}_town" width="100"/></row>')
    shop.made("savedqueries", view(fetchxml=query, layoutxml=layout))
    town = f"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='{PREFIX}_town')"
    assert error_of(shop.dv.delete(town))[:2] == (400, "0x8004F01F")
    for wrong in ('entityname="b"', 'alias="a" from="nothing"', 'attribute="nothing"'):
        word = wrong.split("=")[0]
        bad = query.replace(
            {"entityname": 'entityname="a"', "alias": 'from="accountid"', "attribute": 'attribute="name"'}[word],
            wrong.removeprefix('alias="a" '),
            1,
        )
        assert error_of(shop.post("savedqueries", view(fetchxml=bad)))[0] == 400, wrong


def test_all_columns_of_a_view(shop: Workshop) -> None:
    """fetchxml-schema.md: <all-attributes/> returns every column."""
    query = f'<fetch><entity name="{THING}"><all-attributes/></entity></fetch>'
    shop.made("savedqueries", view(fetchxml=query))
    empty = "<fetch><filter/></fetch>"
    assert error_of(shop.post("savedqueries", view(fetchxml=empty)))[:2] == (400, "0x80040303")


def test_what_a_form_names_cannot_be_deleted(shop: Workshop) -> None:
    """dependency-tracking-solution-components.md: views, charts and relationships that a form's controls name."""
    made = shop.made("savedqueries", view())
    relationship = shop.made("RelationshipDefinitions", lookup("ThingId", THING, "contact"))
    parameters = (
        f"<parameters><ViewId>{{{made.upper()}}}</ViewId><TargetEntityType>contact</TargetEntityType>"
        f"<RelationshipName>{PREFIX}_{THING}_contact_ThingId</RelationshipName>"
        f"<AvailableViewIds>{{{made}}}</AvailableViewIds></parameters></control>"
    )
    text = FORM.replace("COLUMN", f"{PREFIX}_name").replace('"/></cell>', '">' + parameters + "</cell>", 1)
    shop.made("systemforms", form(formxml=text))
    assert error_of(shop.dv.delete(f"savedqueries({made})"))[:2] == (400, "0x8004F01F")
    assert error_of(shop.dv.delete(f"RelationshipDefinitions({relationship})"))[:2] == (400, "0x8004F01F")


def test_a_handler_needs_its_library_and_ids_are_unique(shop: Workshop) -> None:
    """metadata-plane.md §5.2, §5.7: ids unique in the form; handlers name a library that the form loads."""
    plain = FORM.replace("COLUMN", f"{PREFIX}_name")
    handler = (
        '<events><event name="onload"><Handlers><Handler functionName="f" libraryName="x"/></Handlers></event></events>'
    )
    assert error_of(shop.post("systemforms", form(formxml=plain.replace("</form>", f"{handler}</form>"))))[0] == 400
    twice = plain.replace("000000000003", "000000000002")
    assert error_of(shop.post("systemforms", form(formxml=twice)))[0] == 400
    assert error_of(shop.post("systemforms", form(name=None)))[:2] == (400, "0x80040200")


def test_a_table_of_an_app_cannot_be_deleted(shop: Workshop) -> None:
    """An app and its site map need the table; when they are gone, it can go."""
    app = shop.made("appmodules", {"name": "Things", "uniquename": "Things"})
    site_map = shop.made("sitemaps", {"sitemapname": "Things", "sitemapxml": SITE_MAP.replace("ENTITY", THING)})
    parts = [
        {"@odata.type": f"{ODATA}sitemap", "sitemapid": site_map},
        {"@odata.type": f"{ODATA}entity", "entityid": shop.definition(THING)["MetadataId"]},
    ]
    assert shop.dv.post("AddAppComponents", {"AppId": app, "Components": parts}).status_code == 204
    table = f"EntityDefinitions(LogicalName='{THING}')"
    assert " by 2 other components" in error_of(shop.dv.delete(table))[2]
    assert error_of(shop.dv.delete(f"sitemaps({site_map})"))[:2] == (400, "0x8004F01F")
    assert shop.dv.delete(f"appmodules({app})").status_code == 204
    assert shop.dv.delete(f"sitemaps({site_map})").status_code == 204
    assert shop.dv.delete(table).status_code == 204


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ({"@odata.type": f"{ODATA}entity", "entityid": "11111111-1111-4111-8111-111111111111"}, 404),
        ({"@odata.type": f"{ODATA}savedquery", "savedqueryid": "11111111-1111-4111-8111-111111111111"}, 404),
        ({"@odata.type": f"{ODATA}account", "accountid": "11111111-1111-4111-8111-111111111111"}, 501),
    ],
)
def test_an_app_takes_components_that_exist(shop: Workshop, part: dict[str, Any], status: int) -> None:
    """Rows that are not there: 404; what no app shows: refused by name."""
    app = shop.made("appmodules", {"name": "Things", "uniquename": "Things"})
    response = shop.dv.post("AddAppComponents", {"AppId": app, "Components": [part]})
    assert error_of(response)[0] == status
    missing = {"AppId": "11111111-1111-4111-8111-111111111111", "Components": []}
    assert error_of(shop.dv.post("AddAppComponents", missing))[0] == 404


def test_a_chart_is_of_the_table_of_its_query(shop: Workshop) -> None:
    """VisualizationOtcNotFoundError 0x8004E015 stands for a query of another table [inferred]; changes are checked."""
    body = {
        "name": "Things",
        "primaryentitytypecode": THING,
        "datadescription": CHART,
        "presentationdescription": "<Chart/>",
    }
    assert error_of(shop.post("savedqueryvisualizations", body | {"primaryentitytypecode": "account"}))[0] == 400
    assert error_of(shop.post("savedqueryvisualizations", body | {"name": None}))[:2] == (400, "0x80040200")
    empty = "<datadefinition><fetchcollection/></datadefinition>"
    assert error_of(shop.post("savedqueryvisualizations", body | {"datadescription": empty}))[0] == 400
    made = shop.made("savedqueryvisualizations", body)
    change = {
        "datadescription": CHART.replace('alias="g"', 'alias="n2"').replace('measure alias="n"', 'measure alias="x"')
    }
    assert error_of(shop.dv.patch(f"savedqueryvisualizations({made})", change))[0] == 400
    assert shop.dv.patch(f"savedqueryvisualizations({made})", {"name": "All"}).status_code == 204


def test_each_kind_is_published_by_its_own_element(shop: Workshop) -> None:
    """publish-request-schema.md: dashboards by id, site maps by any <sitemap/>; tables and choices must exist."""
    board = shop.made(
        "systemforms", {"name": "Board", "type": 0, "formxml": FORM.replace(' datafieldname="COLUMN"', "")}
    )
    site_map = shop.made("sitemaps", {"sitemapname": "Things", "sitemapxml": SITE_MAP.replace("ENTITY", THING)})
    shop.dv.patch(f"systemforms({board})", {"name": "New board"})
    shop.dv.patch(f"sitemaps({site_map})", {"sitemapname": "New map"})
    publish(shop, f"<dashboards><dashboard>{{{board}}}</dashboard></dashboards>")
    assert shop.dv.get(f"systemforms({board})").json()["name"] == "New board"
    assert shop.dv.get(f"sitemaps({site_map})").json()["sitemapname"] == "Things"
    publish(shop, "<sitemaps><sitemap/></sitemaps>")
    assert shop.dv.get(f"sitemaps({site_map})").json()["sitemapname"] == "New map"
    for inside in (
        "<entities><entity>nothing</entity></entities>",
        "<optionsets><optionset>no</optionset></optionsets>",
    ):
        body = {"ParameterXml": f"<importexportxml>{inside}</importexportxml>"}
        assert error_of(shop.dv.post("PublishXml", body))[0] == 404
    assert error_of(shop.dv.post("PublishXml", {}))[0] == 400


def test_xml_that_would_explode_is_refused(shop: Workshop) -> None:
    """Entities in XML: refused at once (an XML bomb must not be read)."""
    bomb = '<!DOCTYPE fetch [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><fetch>&b;</fetch>'
    assert error_of(shop.post("savedqueries", view(fetchxml=bomb)))[:2] == (400, "0x80040303")


def test_a_column_that_only_a_chart_counts_cannot_be_deleted(shop: Workshop) -> None:
    """CannotDeleteInUseComponent 0x8004F01F, until the chart is gone."""
    name = shop.column(THING, "String", "Town")
    body = {
        "name": "Towns",
        "primaryentitytypecode": THING,
        "datadescription": CHART.replace(f"{PREFIX}_name", name),
        "presentationdescription": "<Chart/>",
    }
    chart = shop.made("savedqueryvisualizations", body)
    address = f"EntityDefinitions(LogicalName='{THING}')/Attributes(LogicalName='{name}')"
    assert error_of(shop.dv.delete(address))[:2] == (400, "0x8004F01F")
    assert shop.dv.delete(f"savedqueryvisualizations({chart})").status_code == 204
    assert shop.dv.delete(address).status_code == 204


def test_labels_of_a_row_that_is_not_there(dv: Dataverse) -> None:
    """ObjectDoesNotExist 0x80040217, reading and writing."""
    missing = "11111111-1111-4111-8111-111111111111"
    row = {"@odata.type": f"{ODATA}savedquery", "savedqueryid": missing}
    body = {"EntityMoniker": row, "AttributeName": "name", "Labels": []}
    assert error_of(dv.post("SetLocLabels", body))[:2] == (404, "0x80040217")
    aliases = f"@p1={{'@odata.id':'savedqueries({missing})'}}&@p2='name'&@p3=true"
    path = "RetrieveLocLabels(EntityMoniker=@p1,AttributeName=@p2,IncludeUnpublished=@p3)"
    assert error_of(dv.get(f"{path}?{aliases}"))[:2] == (404, "0x80040217")
