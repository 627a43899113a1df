"""What every command's `--help` ends with: examples."""

from __future__ import annotations


def with_examples(*examples: tuple[str, str]) -> str:
    """Write the epilog of a command: each example as it is typed, and what it does.

    >>> print(with_examples(("d365ext doctor", "is everything in place?")))
    **Examples**
    <BLANKLINE>
    * `d365ext doctor`: is everything in place?
    """
    return "**Examples**\n\n" + "\n".join(f"* `{line}`: {what}" for line, what in examples)
