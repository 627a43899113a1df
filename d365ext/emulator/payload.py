"""From a JSON body to column values: `@odata.bind`, `_x_value`, nested rows, annotations."""

from .values import LookupValue

__all__ = ["LookupValue"]
