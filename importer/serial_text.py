"""The serials of a chunk as they lie in the ledger and go over the wire: one text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

_JSON_ESCAPES = (b'"', b"\\")


class SerialText(Sequence[str]):
    """Serials, each followed by a line feed (which no legal serial holds).

    A sequence of strings where single ones are asked for; until then it costs nothing per serial. `count` is believed.
    """

    __slots__ = ("_count", "_each", "_plain", "text")

    def __init__(self, text: bytes, count: int) -> None:
        self.text = text
        self._count = count
        self._each: tuple[str, ...] | None = None
        self._plain: bool | None = None

    @classmethod
    def of(cls, serials: Iterable[str]) -> SerialText:
        each = tuple(serials)
        return cls("".join([f"{serial}\n" for serial in each]).encode("ascii"), len(each))

    @property
    def plain(self) -> bool:
        """Whether each serial stands in JSON as it is."""
        if self._plain is None:
            self._plain = not any(escape in self.text for escape in _JSON_ESCAPES)
        return self._plain

    def joined(self, between: bytes) -> bytes:
        """The serials with something between them instead of line feeds."""
        return self.text[:-1].replace(b"\n", between)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...

    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self._taken_apart()[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._taken_apart())

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, SerialText) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"SerialText.of({list(self)!r})"

    def _taken_apart(self) -> tuple[str, ...]:
        if self._each is None:
            self._each = tuple(self.text[:-1].decode("ascii").split("\n")) if self.text else ()
        return self._each
