"""What an XML document may hold at most, and what its parsers raise, in words. Entities and DTDs are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from importer.errors import SourceError
from importer.sources.files import cut_off

MOST_NESTED = 200
MOST_SILENT = 4 << 20
"""Bytes without the begin of an element. The parser looks at all of a token again for each block that it grows by: an
attribute of 40 MB took it 30 s.
"""


class WatchedXml:
    """A document on its way to the parser. Who takes its elements sets `silent` to 0 at the begin of each."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self.silent = 0

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self.silent += len(block)
        if self.silent > MOST_SILENT:
            raise SourceError("text_too_long", name=self._name, most=MOST_SILENT)
        return block

    def elements(self) -> Iterator[tuple[str, Any]]:
        """Their begins and ends, as `iterparse` has them."""
        return cast(Iterator[tuple[str, Any]], iterparse(cast(Any, self), ("start", "end"), forbid_dtd=True))

    def too_deep(self) -> SourceError:
        return SourceError("elements_too_deep", name=self._name, most=MOST_NESTED)


@contextmanager
def sound_xml(name: str) -> Iterator[None]:
    """What a parser raises within, as SourceError."""
    try:
        yield
    except ParseError as error:
        raise cut_off(name, error) from error
    except DefusedXmlException as error:
        raise SourceError("document_type_declared", case="list", name=name) from error
    except (LookupError, ValueError) as error:
        why = " ".join(str(error).split())[:100]
        raise SourceError("encoding_declared", name=name, reason=why) from error
