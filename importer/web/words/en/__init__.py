"""The page's words in English."""

from __future__ import annotations

from collections.abc import Mapping

from importer.web.words.en import frame, lists, runs

WORDS: Mapping[str, str] = {**frame.WORDS, **lists.WORDS, **runs.WORDS}
