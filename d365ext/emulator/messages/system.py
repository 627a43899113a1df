"""Functions about the organization and its caller: WhoAmI, RetrieveVersion, RetrieveCurrentOrganization, record counts.

Source: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/whoami, retrieveversion,
retrievecurrentorganization and retrievetotalrecordcount, with the shapes printed in …/webapi/use-web-api-functions and
in Microsoft's FunctionsAndActions sample. Inferred: the counts are exact here (there: "within the last 24 hours").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d365ext.emulator.odata.function_parameters import member_parameter, texts_parameter
from d365ext.emulator.problems import Problem
from d365ext.emulator.security import privileges as security
from d365ext.emulator.seed.seed_ids import ORGANIZATION
from d365ext.emulator.session import Session
from d365ext.emulator.store.storage import quoted
from d365ext.emulator.web.http import Request, Response

VERSION = "9.2.24094.00196"


def who_am_i(session: Session, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET WhoAmI`."""
    found = session.raw.execute(
        "select businessunitid from systemuser where systemuserid = ?", (session.user_id,)
    ).fetchone()
    return _answer(
        request,
        "WhoAmIResponse",
        {
            "BusinessUnitId": found[0] if found else None,
            "UserId": session.user_id,
            "OrganizationId": ORGANIZATION,
        },
    )


def retrieve_version(session: Session, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET RetrieveVersion`."""
    return _answer(request, "RetrieveVersionResponse", {"Version": VERSION})


def retrieve_current_organization(session: Session, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET RetrieveCurrentOrganization(AccessType=…)`."""
    access = member_parameter(params, "AccessType", request)
    if access not in ("Default", "Internet", "Intranet"):
        raise Problem.payload(f"'{access}' is not a member of Microsoft.Dynamics.CRM.EndpointAccessType.")
    name = session.raw.execute("select name from organization limit 1").fetchone()[0]
    endpoints = {
        "WebApplication": f"{request.origin}/",
        "OrganizationService": f"{request.origin}/XRMServices/2011/Organization.svc",
        "OrganizationDataService": f"{request.origin}/XRMServices/2011/OrganizationData.svc",
    }
    detail = {
        "OrganizationId": ORGANIZATION,
        "FriendlyName": name,
        "OrganizationVersion": VERSION,
        "EnvironmentId": ORGANIZATION,
        "DatacenterId": "00000000-0000-0000-0000-000000000000",
        "Geo": "EMEA",
        "TenantId": "00000000-0000-0000-0000-000000000000",
        "UrlName": "local",
        "UniqueName": "local",
        "State": "Enabled",
        "Endpoints": {
            "Count": len(endpoints),
            "IsReadOnly": False,
            "Keys": list(endpoints),
            "Values": list(endpoints.values()),
        },
    }
    return _answer(request, "RetrieveCurrentOrganizationResponse", {"Detail": detail})


def retrieve_total_record_count(session: Session, params: Mapping[str, Any], request: Request) -> Response:
    """Answer `GET RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["account"]`."""
    names = texts_parameter(params, "EntityNames", request)
    counts = []
    for name in names:
        table = session.schema.table(name)
        security.require(session, table, "Read")
        counts.append(session.raw.execute(f"select count(*) from {quoted(table.logical)}").fetchone()[0])  # noqa: S608
    found = {"Count": len(names), "IsReadOnly": False, "Keys": names, "Values": counts}
    return _answer(request, "RetrieveTotalRecordCountResponse", {"EntityRecordCountCollection": found})


def _answer(request: Request, kind: str, members: Mapping[str, Any]) -> Response:
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.{kind}"
    return Response.json({"@odata.context": context, **members})
