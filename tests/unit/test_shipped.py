"""The folders that come with the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365ext import shipped
from d365ext.errors import UsageError


def test_a_checkout_has_them_at_its_top() -> None:
    assert (shipped.shipped("config") / "default.toml").is_file()


def test_a_wheel_has_them_beside_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "d365ext"
    (package / "_shipped" / "config").mkdir(parents=True)
    (tmp_path / "config").mkdir()  # something else in site-packages: not ours
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert shipped.shipped("config") == package / "_shipped" / "config"


def test_a_folder_that_is_missing_is_said() -> None:
    with pytest.raises(UsageError, match="no folder 'nosuch'"):
        shipped.shipped("nosuch")
