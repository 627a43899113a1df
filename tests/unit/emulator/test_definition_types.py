"""The model of definitions: every name in it leads somewhere."""

from __future__ import annotations

import pytest

from d365ext.emulator.documents.definition_types import NAMESPACE, column_type, definition_type, model
from d365ext.emulator.documents.documents import column_document
from d365ext.emulator.problems import Problem
from d365ext.emulator.store.schema import ColumnType

WRITTEN = model()
EDM = {"Boolean", "DateTimeOffset", "Decimal", "Double", "Guid", "Int16", "Int32", "Int64", "String"}


def known(name: str) -> bool:
    """Whether a type's name is one of Edm, an enumeration, a complex type or a definition type."""
    bare = name.removeprefix("Collection(").removesuffix(")")
    if bare.startswith("Edm."):
        return bare.removeprefix("Edm.") in EDM
    return bare in {*WRITTEN["enums"], *WRITTEN["complex"], *WRITTEN["types"], "asyncoperation"}


def test_every_property_has_a_known_type() -> None:
    """Of definition types, of complex types, and of navigation properties."""
    unknown = [
        (owner, name, kind)
        for owner, written in WRITTEN["types"].items()
        for name, kind in [
            *((name, kind) for name, (kind, _) in written["properties"].items()),
            *written["navigation"].items(),
        ]
        if not known(kind)
    ]
    unknown += [
        (owner, name, kind)
        for owner, properties in WRITTEN["complex"].items()
        for name, kind in properties.items()
        if not known(kind)
    ]
    assert unknown == []


def test_an_enumerations_default_is_one_of_its_members() -> None:
    """Else a fresh definition would say what no enumeration knows."""
    for owner, written in WRITTEN["types"].items():
        for name, (kind, default) in written["properties"].items():
            if kind in WRITTEN["enums"] and default is not None:
                assert default in WRITTEN["enums"][kind], (owner, name)


@pytest.mark.parametrize("kind", list(ColumnType))
def test_every_column_type_has_a_definition_type(kind: ColumnType) -> None:
    """The type said in a document is the type found from its AttributeTypeName."""
    document = column_document("t", "t_Name", kind)
    assert document["@odata.type"] == f"#{NAMESPACE}{column_type(document).name}"


def test_inherited_properties_come_first() -> None:
    """MetadataId stands before what is the type's own."""
    assert next(iter(definition_type("MoneyAttributeMetadata").properties)) == "MetadataId"


def test_a_type_that_is_not_there_is_no_resource() -> None:
    """A cast to it is a 404."""
    with pytest.raises(Problem) as refused:
        definition_type("EnumAttributeMetadata")
    assert refused.value.status == 404


def test_a_default_fills_what_a_document_does_not_say() -> None:
    """And nothing else."""
    kind = definition_type("EntityKeyMetadata")
    filled = kind.filled({"LogicalName": "k", "Extra": 1})
    assert (filled["LogicalName"], filled["EntityKeyIndexStatus"], filled["Extra"]) == ("k", "Pending", 1)
    assert "Extra" not in kind.view({"Extra": 1})
