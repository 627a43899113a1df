"""XML inside columns: read safely or refused."""

from __future__ import annotations

import pytest

from d365ext.emulator.components.xml_text import TEXT_MAX, parse
from d365ext.emulator.problems import Problem

BOMB = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'


@pytest.mark.parametrize("text", ["", "  ", None, "<a", "<b/>", BOMB, OUTSIDE, "<a>" + "x" * TEXT_MAX + "</a>"])
def test_text_that_is_not_the_xml_it_should_be_is_a_400(text: object) -> None:
    """Empty, broken, another root, entities, endless."""
    with pytest.raises(Problem) as refused:
        parse(text, "the text", "a")
    assert refused.value.status == 400
    assert "the text" in refused.value.message


def test_good_xml_is_parsed() -> None:
    """Umlauts and all."""
    assert parse("<a>Näkymä</a>", "the text", "a").text == "Näkymä"
