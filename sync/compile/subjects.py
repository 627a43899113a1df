"""Whom rows of pch_pipeline are wanted for, what they are called, and which ids they have. Pure."""

from __future__ import annotations

from uuid import UUID, uuid5

from d365ext.definitions.rollups import Level, Role, Rollups

NAMESPACE = UUID("6f0c8e0e-5d0b-5b6f-9d57-0c7b5d3b1f2a")
"""Ours, for the ids of pipeline rows. Never change it: every row would be deleted and made again."""

PARTNER_TYPES = {Role.SALES: 737_860_001, Role.PRODUCTION: 737_860_002}
"""The options of pch_customertype that say that an account is a partner."""

LINKS = {
    "pch_salespartner1id": Role.SALES,
    "pch_salespartner2id": Role.SALES,
    "pch_productionpartnerid": Role.PRODUCTION,
}
"""The partner links of an end customer."""

_NAME_LENGTH = 160
"""Of a partner or customer within pch_name, which has 400 letters; account.name itself has 160."""


def pipeline_id(level: Level, role: Role | None, *subject: UUID) -> UUID:
    """Give the id of a row: the same subject has the same row for ever, so that writing twice is writing once.

    >>> pipeline_id(Level.CUSTOMER, None, UUID(int=1))
    UUID('c0227e1a-0921-5143-9732-4ed2227c11f3')
    """
    parts = [str(level.option)] + ([str(role.option)] if role else []) + [str(each) for each in subject]
    return uuid5(NAMESPACE, "/".join(parts))


def _uuid5_sql(text: str) -> str:
    """The same in SQL: SHA-1 of namespace and name, with version and variant put in.

    Source:  rfc-editor.org/rfc/rfc9562, 5.5.
    """
    digest = f"sha1(unhex('{NAMESPACE.hex}') || encode({text}))"
    variant = f"translate(substr({digest}, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab')"
    return (
        f"cast(substr({digest}, 1, 12) || '5' || substr({digest}, 14, 3) || {variant} || substr({digest}, 18, 15)"
        " as UUID)"
    )


LINK_SQL = "\n  union\n".join(
    f"  select c.accountid as customer, {role.option} as role, c.{column} as partner"
    f" from account c join account p on p.accountid = c.{column}"
    for column, role in LINKS.items()
)
"""Each partner that a customer names today, once for each role."""


def subject_sql(rollups: Rollups) -> str:
    """Make the query for whom a row is wanted: who has a deal, who has a link, who is typed as a partner."""
    columns = "level, role, partner, contact, customer"
    none = "null::UUID"
    parts = [f'select {columns} from "{name}_credit"' for name in rollups.sources]
    parts += [
        f"select {Level.PARTNER.option}, role, partner, {none}, {none} from link",
        f"select {Level.CUSTOMER.option}, null, {none}, {none}, customer from link",
        f"select {Level.PARTNER_CUSTOMER.option}, role, partner, {none}, customer from link",
    ]
    parts += [
        f"select {Level.PARTNER.option}, {role.option}, accountid, {none}, {none} from account"
        f" where pch_customertype = {option}"
        for role, option in PARTNER_TYPES.items()
    ]
    return "  " + "\n  union\n  ".join(parts)


def _name_sql(name: str) -> str:
    return f"trim(left(trim({name}), {_NAME_LENGTH}))"


NAMED_SQL = f"""\
  select {_uuid5_sql("concat_ws('/', s.level, s.role, s.partner, s.contact, s.customer)")} as id,
    s.*,
    case when s.level = {Level.CONTACT.option} then ca.accountid else s.partner end as shown_partner,
    nullif(case s.level
      when {Level.PARTNER.option} then {_name_sql("p.name")}
      when {Level.CONTACT.option} then {_name_sql("c.fullname")}
      when {Level.CUSTOMER.option} then {_name_sql("cu.name")}
      else trim(coalesce({_name_sql("p.name")}, '') || ' – ' || coalesce({_name_sql("cu.name")}, ''))
    end, '') as name
  from subject s
  left join account p on p.accountid = s.partner
  left join contact c on c.contactid = s.contact
  left join contact_account ca on ca.contactid = s.contact
  left join account cu on cu.accountid = s.customer
  where (s.partner is null or p.accountid is not null)
    and (s.contact is null or c.contactid is not null)
    and (s.customer is null or cu.accountid is not null)"""
"""Subjects with what their row shows. One whose account or contact is gone is left out: a row cannot look it up."""
