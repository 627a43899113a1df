"""The one error of the local Dataverse, and the platform's own words and codes for the common ones.

Owns `Problem` and its makers. Must not know tables, rows or HTTP objects.
Source of codes: learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes, and
…/webapi/compose-http-requests-handle-errors for the body `{"error":{"code","message"}}` and the statuses.
"""

from __future__ import annotations

from collections.abc import Mapping

UNEXPECTED = "0x80040216"  # UnExpected: "An unexpected error occurred."


class Problem(Exception):  # noqa: N818  the platform's word for it would be fault; ours is Problem
    """A refusal that the client sees: HTTP status, platform code, message, and extra headers."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @classmethod
    def payload(cls, message: str) -> Problem:
        """400 ODataClientPayloadError: a body that does not fit the model."""
        return cls(400, "0x80048d19", message)

    @classmethod
    def bad_payload(cls, entity: str, inner: str) -> Problem:
        """400 ODataClientPayloadError in the platform's full wording, with the inner exception that says why.

        Source: learn.microsoft.com/troubleshoot/power-platform/dataverse/web-api-client-errors ("Error identified in
        Payload provided by the user for Entity …").
        """
        return cls.payload(
            f"Error identified in Payload provided by the user for Entity :'{entity}', For more information on this "
            "error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  "
            f"InnerException : {inner}"
        )

    @classmethod
    def undeclared_property(cls, name: str, table: str) -> Problem:
        """400: a column that the type does not have.

        Source: the page above ("Invalid property … was found in entity"); its code "0x0" there is of 2023, field
        reports of today show 0x80048d19 with the longer text.
        """
        return cls.bad_payload(
            table,
            f"Microsoft.Crm.CrmException: Invalid property '{name}' was found in entity "
            f"'Microsoft.Dynamics.CRM.{table}'. ---> Microsoft.OData.ODataException: The property '{name}' does not "
            f"exist on type 'Microsoft.Dynamics.CRM.{table}'. Make sure to only use property names that are defined by "
            "the type.",
        )

    @classmethod
    def undeclared_navigation(cls, name: str, table: str) -> Problem:
        """400: a bind to a navigation property that the type does not have (names are case-sensitive).

        Source: the page above ("An undeclared property … which only has property annotations").
        """
        return cls.bad_payload(
            table,
            f"Microsoft.OData.ODataException: An undeclared property '{name}' which only has property annotations in "
            "the payload but no property value was found in the payload. In OData, only declared navigation properties "
            "and declared named streams can be represented as properties without values.",
        )

    @classmethod
    def no_operation(cls, address: str) -> Problem:
        """404 with an empty code: an action called by GET or a function by POST.

        Source: the page above ("No HTTP resource was found that matches the request URI").
        """
        return cls(404, "", f"No HTTP resource was found that matches the request URI '{address}'.")

    @classmethod
    def no_column(cls, name: str, table: str) -> Problem:
        """400: a query names a property that the type does not have."""
        return cls(
            400, "0x80060888", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'."
        )

    @classmethod
    def no_resource(cls, segment: str) -> Problem:
        """404: a path segment that names nothing."""
        return cls(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")

    @classmethod
    def no_row(cls, table: str, row_id: str) -> Problem:
        """404 ObjectDoesNotExist. Source: data-plane field reports: "Entity 'x' With Id = … Does Not Exist"."""
        return cls(404, "0x80040217", f"Entity '{table}' With Id = {row_id} Does Not Exist")

    @classmethod
    def no_row_by_key(cls, table: str) -> Problem:
        """404 RecordNotFoundByEntityKey."""
        return cls(404, "0x80060891", f"A record with the specified key values does not exist in {table} entity")

    @classmethod
    def query(cls, message: str) -> Problem:
        """400: a query option that cannot be understood."""
        return cls(400, "0x80060888", message)

    @classmethod
    def not_implemented(cls, what: str) -> Problem:
        """501: something that Dataverse has and this server does not; names it."""
        return cls(501, "0x80060888", f"The local Dataverse does not implement {what}.")

    @classmethod
    def wrong_method(cls, method: str, what: str) -> Problem:
        """405: the resource is there, the verb does not fit it."""
        return cls(405, "0x80060888", f"The requested resource does not support http method '{method}': {what}.")
