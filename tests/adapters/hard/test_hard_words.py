"""The page says in German what is wrong with each hard row, cell and list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import test_hard_lists as lists
from outcomes import staged
from test_hard_rows import found

from importer.errors import SourceError
from importer.web.previews import for_the_page
from importer.web.words.codes import PROBLEMS
from importer.web.words.translating import german


def _params(test: Any) -> list[Any]:
    return list(test.pytestmark[0].args[1])


@pytest.mark.parametrize(("name", "form"), [("rows", "csv"), ("cells", "openpyxl"), ("cells", "office_ods")])
def test_what_is_wrong_with_a_hard_row_is_said_in_german(name: str, form: str) -> None:
    rejects = found(name, form).rejects
    assert rejects
    assert [message for _, message in rejects.values() if not german(message)] == []
    assert {code for code, _ in rejects.values()} - set(PROBLEMS) == set()


@pytest.mark.parametrize(
    ("content", "_sent", "_codes", "options"), _params(lists.test_each_hard_list_comes_to_what_it_must)
)
def test_what_is_remarked_on_a_hard_list_is_said_in_german(
    tmp_path: Path, content: str | bytes, _sent: list[str], _codes: dict[str, str], options: dict[str, Any]
) -> None:
    path = tmp_path / "list"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    result = staged(path, **options)
    said = [*(message for _, message in result.rejects.values()), *result.remarks]
    assert [message for message in said if not german(message)] == []


@pytest.mark.parametrize(("content", "_words"), _params(lists.test_what_can_not_be_read_says_what_to_do))
def test_why_a_hard_list_can_not_be_read_is_said_in_german(tmp_path: Path, content: str, _words: str) -> None:
    (tmp_path / "list").write_text(content, "utf-8")
    with pytest.raises(SourceError) as refused:
        staged(tmp_path / "list")
    assert german(for_the_page(refused.value))
