"""Mistakes in what people see (forms, scripts, charts, dashboards, app, roles) are told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365ext.definitions.load import load_solution
from d365ext.errors import DefinitionError, DefinitionErrors
from support.solutions import a_copy, edit

ACCOUNT = "forms/account-main.toml"
CHART = "charts/top-contacts.toml"
BOARD = "dashboards/sales-manager.toml"
APP = "app/pch_partnerchannel.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_copy(tmp_path)


def mistakes_in(folder: Path) -> list[DefinitionError]:
    with pytest.raises(DefinitionErrors) as caught:
        load_solution(folder)
    return list(caught.value.mistakes)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        # forms
        (ACCOUNT, 'tables = ["account"]', 'tables = ["acount"]', "did you mean 'account'?"),
        (ACCOUNT, 'type = "main"', 'type = "mian"', "Input should be"),
        (
            ACCOUNT,
            'column = "pch_customertype"',
            'column = "pch_custmertype"',
            "no column of account",
        ),
        (
            ACCOUNT,
            'view = "sales-partners"',
            'view = "sale-partners"',
            "did you mean 'sales-partners'?",
        ),
        (ACCOUNT, 'view = "customers", rel', 'view = "customer", rel', "did you mean 'customers'?"),
        (ACCOUNT, '_pipeline_customerid"', '_pipeline_custmerid"', "no relationship"),
        (
            ACCOUNT,
            'name = "pch_channel_links"',
            'name = "pch_channel_type"',
            "of two tabs or sections",
        ),
        (ACCOUNT, "width = 3", "column = 2", "The tab has 1 column, see 'widths'."),
        (ACCOUNT, '"account.js"]', '"accont.js"]', "did you mean 'account.js'?"),
        (ACCOUNT, 'script = "account.js"', 'script = "deal.js"', "is not in 'scripts' of this form"),
        (ACCOUNT, "account.onLoad", "account.onLaod", "defines no function"),
        (ACCOUNT, 'event = "onload"', 'event = "onchange"', "names its 'column'"),
        ("forms/pipeline-main.toml", "widths = [50, 50]", "widths = [50, 40]", "make 100 together, not 90"),
        ("forms/deal-main.toml", 'by = "pch_salespartnerid"', 'by = "pch_salespartner"', "no column of lead"),
        # charts, dashboards
        (CHART, "pch_contactid", "pch_contctid", "did you mean 'pch_contactid'?"),
        (CHART, "pch_wonvalue12m", "pch_wonvalue12", "did you mean 'pch_wonvalue12m'?"),
        (CHART, '"pch_pipeline"', '"pch_pipelin"', "did you mean 'pch_pipeline'?"),
        (CHART, "top = 10", "top = 0", "greater than or equal to 1"),
        (BOARD, 'view = "customers"', 'view = "custmers"', "did you mean 'customers'?"),
        (
            BOARD,
            'chart = "deal-funnel"',
            'chart = "deal-funel"',
            "did you mean 'deal-funnel'?",
        ),
        (
            BOARD,
            'view = "partner-deals-open"',
            'view = "partners"',
            "The chart is of opportunity",
        ),
        # app, roles
        (APP, 'table = "contact"', 'table = "contct"', "did you mean 'contact'?"),
        (APP, 'dashboard = "sales-manager"', 'dashboard = "sales"', "no dashboard 'sales'"),
        (APP, '"reader", ', '"raeder", ', "did you mean 'reader'?"),
        (
            APP,
            'table = "account"',
            'table = "account"\ndashboard = "sales-manager"',
            "either a 'table'",
        ),
        ("roles/reader.toml", "[table.pch_syncrun]", "[table.pch_syncrn]", "did you mean 'pch_syncrun'?"),
        ("roles/reader.toml", 'read = "organization"', 'read = "user"', "its only depth is 'organization'"),
        ("roles/reader.toml", 'read = "organization"', 'assign = "organization"', "there is no 'assign'"),
        ("roles/reader.toml", "read = ", "raed = ", "did you mean 'read'?"),
        # scripts and texts
        ("scripts/texts.fi.resx", 'name="not-linked"', 'name="not-linkd"', "The text 'not-linked' is missing."),
        ("scripts/texts.fi.resx", "</root>", "</rot>", "This is not XML"),
        ("scripts/deal.js", 'ns.text("linked"', 'ns.text("linkt"', "did you mean 'linked'?"),
    ],
)
def test_a_mistake_names_its_file(folder: Path, file: str, old: str, new: str, message: str) -> None:
    line = edit(folder / file, old, new)
    found = [each for each in mistakes_in(folder) if message in each.message]
    assert found, [str(each) for each in mistakes_in(folder)]
    assert Path(found[0].file) == folder / file
    assert found[0].line is None or abs(found[0].line - line) <= 4


def test_a_view_that_cannot_be_read_is_not_called_missing(folder: Path) -> None:
    edit(folder / "views/customers.toml", "columns", "= broken")
    assert {Path(each.file).name for each in mistakes_in(folder)} == {"customers.toml"}


def test_a_chart_and_a_dashboard_that_cannot_be_read_are_not_called_missing(folder: Path) -> None:
    edit(folder / "charts/deal-funnel.toml", "type", "= broken")
    edit(folder / "dashboards/partner-manager.toml", "label", "= broken")
    edit(folder / "roles/reader.toml", "name", "= broken")
    assert {Path(each.file).name for each in mistakes_in(folder)} == {
        "deal-funnel.toml",
        "partner-manager.toml",
        "reader.toml",
    }


def test_a_text_in_a_language_that_we_do_not_have_is_refused(folder: Path) -> None:
    (folder / "scripts/texts.fi.resx").rename(folder / "scripts/texts.de.resx")
    assert any("no language 'de'" in each.message for each in mistakes_in(folder))


def test_only_scripts_and_texts_stand_among_the_scripts(folder: Path) -> None:
    (folder / "scripts/notes.txt").write_text("", encoding="utf-8")
    assert [each.message for each in mistakes_in(folder)] == ["Only .js and .resx files stand here."]


def test_a_solution_has_one_app(folder: Path) -> None:
    (folder / "app/pch_other.toml").write_bytes((folder / APP).read_bytes())
    assert [each.message for each in mistakes_in(folder)] == ["A solution has one app."]


def test_a_cell_is_one_thing(folder: Path) -> None:
    edit(
        folder / ACCOUNT,
        'column = "pch_customertype"',
        'column = "pch_customertype"\nsubgrid = { view = "deals", relationship = "x" }',
    )
    assert any("either 'column' or 'subgrid'" in each.message for each in mistakes_in(folder))


def test_a_subgrid_has_a_label(folder: Path) -> None:
    file = folder / "forms/contact-main.toml"
    text = file.read_text(encoding="utf-8")
    line = next(each for each in text.splitlines() if each.startswith('label = { en = "Pipeline by role"'))
    file.write_text(text.replace(f"{line}\n", "", 1), encoding="utf-8")
    assert any("A subgrid needs a 'label'." in each.message for each in mistakes_in(folder))
