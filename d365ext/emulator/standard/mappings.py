"""The column mappings of a plain organization between the tables that make one another.

Source: learn.microsoft.com/previous-versions/dynamicscrm-2016/administering-dynamics-365/dn531076 ("Default entity and
attribute mappings"); only its beginning (account → account, account → contact) could be read. The other pairs are
inferred from columns of the same name and meaning. A pair names its columns "same" on both sides, or "from:to".
"""

from __future__ import annotations

from collections.abc import Iterator

_ADDRESS1 = (
    "address1_addresstypecode address1_city address1_country address1_county address1_freighttermscode address1_line1 "
    "address1_line2 address1_line3 address1_name address1_postalcode address1_postofficebox "
    "address1_shippingmethodcode address1_stateorprovince address1_telephone1"
)
_LEAD_ADDRESS = (
    "address1_city address1_country address1_county address1_line1 address1_line2 address1_line3 address1_postalcode "
    "address1_postofficebox address1_stateorprovince"
)
_PERSON = (
    "firstname lastname middlename salutation jobtitle emailaddress1 emailaddress2 emailaddress3 fax mobilephone pager "
    "telephone1 telephone2 telephone3 websiteurl description preferredcontactmethodcode"
)
_DEAL = (
    "name customerid transactioncurrencyid pricelevelid campaignid discountamount discountpercentage freightamount "
    "emailaddress"
)
_DELIVERY = (
    "freighttermscode paymenttermscode shippingmethodcode requestdeliveryby willcall "
    "billto_city billto_contactname billto_country billto_fax billto_line1 billto_line2 billto_line3 billto_name "
    "billto_postalcode billto_stateorprovince billto_telephone "
    "shipto_city shipto_contactname shipto_country shipto_fax shipto_freighttermscode shipto_line1 shipto_line2 "
    "shipto_line3 shipto_name shipto_postalcode shipto_stateorprovince shipto_telephone"
)
_TOTALS = (
    "totalamount totalamountlessfreight totaldiscountamount totallineitemamount totallineitemdiscountamount totaltax"
)

_PAIRS = {
    ("account", "account"): "accountid:parentaccountid defaultpricelevelid transactioncurrencyid",
    ("account", "contact"): (
        f"accountid:parentcustomerid {_ADDRESS1} defaultpricelevelid paymenttermscode telephone1 transactioncurrencyid"
    ),
    ("account", "opportunity"): "accountid:parentaccountid accountid:customerid transactioncurrencyid",
    ("contact", "opportunity"): "contactid:parentcontactid contactid:customerid transactioncurrencyid",
    ("account", "lead"): "accountid:parentaccountid transactioncurrencyid",
    ("contact", "lead"): "contactid:parentcontactid transactioncurrencyid",
    ("account", "quote"): "accountid:customerid transactioncurrencyid",
    ("account", "salesorder"): "accountid:customerid transactioncurrencyid",
    ("lead", "account"): (
        f"companyname:name leadid:originatingleadid {_LEAD_ADDRESS} telephone1 fax websiteurl emailaddress1 sic "
        "revenue numberofemployees industrycode description transactioncurrencyid preferredcontactmethodcode"
    ),
    ("lead", "contact"): f"leadid:originatingleadid {_PERSON} {_LEAD_ADDRESS} transactioncurrencyid",
    ("lead", "opportunity"): (
        "subject:name leadid:originatingleadid transactioncurrencyid budgetamount budgetstatus campaignid "
        "confirminterest decisionmaker description emailaddress1:emailaddress estimatedamount:estimatedvalue "
        "estimatedclosedate evaluatefit initialcommunication need parentaccountid parentcontactid purchaseprocess "
        "purchasetimeframe qualificationcomments"
    ),
    ("opportunity", "quote"): f"opportunityid {_DEAL} {_TOTALS}",
    ("opportunity", "salesorder"): f"opportunityid {_DEAL} {_TOTALS}",
    # Totals come from the lines there; without tables of lines they are carried over, which comes to the same.
    ("quote", "salesorder"): f"quoteid opportunityid description {_DEAL} {_DELIVERY} {_TOTALS}",
}


def standard_mappings() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Give (source table, target table, [(source column, target column)]) for every pair."""
    for (source, target), text in _PAIRS.items():
        pairs = []
        for each in text.split():
            one, _, other = each.partition(":")
            pairs.append((one, other or one))
        yield source, target, pairs
