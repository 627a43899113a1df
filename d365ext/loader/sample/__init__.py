"""The sample data of this project: invented companies, people and deals, in the files that the loader reads.

    names.toml   the cast: who exists, where, and what they buy
    draw         chance that is the same every time
    cast         companies and people
    deals        leads, opportunities, quotes and orders
    files        all of it as a folder of CSV files

The same day gives the same bytes: every draw is seeded, every id is a UUIDv5, only dates follow `today`.
"""

from d365ext.loader.sample.files import write_sample

__all__ = ["write_sample"]
