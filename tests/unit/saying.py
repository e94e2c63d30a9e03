"""What an error says in English, for tests that pin its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from importer.errors import ImporterError
from importer.model import Message, Said
from importer.words.language import language


def said(what: BaseException | Message | Said) -> str:
    if isinstance(what, str | Mapping):
        return language("en").part(what)
    if isinstance(what, ImporterError):
        return language("en").say(what.message)
    return language("en").say(what) if isinstance(what, Message) else str(what)


@contextmanager
def refused(kind: type[BaseException], match: str) -> Iterator[Any]:
    """Like `pytest.raises`, held against what the error says to people."""
    with pytest.raises(kind) as caught:
        yield caught
    assert re.search(match, said(caught.value)), said(caught.value)
