"""Each language says what is wrong with each hard row, cell and list, and leaves no hole in a sentence."""

from __future__ import annotations

import pytest
from test_hard_rows import found

from importer.words.catalogue import LANGUAGES
from importer.words.language import language


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize(("name", "form"), [("rows", "csv"), ("cells", "openpyxl"), ("cells", "office_ods")])
def test_what_is_wrong_with_a_hard_row_is_said(name: str, form: str, tag: str) -> None:
    rejects = found(name, form).rejects
    assert rejects
    for message in rejects.values():
        assert language(tag).title(message.code) != message.code.replace("_", " ")
        assert language(tag).sentence(message) != message.code.replace("_", " ")
        assert language(tag).tip(message)
