"""The page's words in German."""

from __future__ import annotations

from collections.abc import Mapping

from importer.web.words.de import frame, lists, runs

WORDS: Mapping[str, str] = {**frame.WORDS, **lists.WORDS, **runs.WORDS}
