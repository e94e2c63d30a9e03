"""Where the list stands in what was read: its header, its columns, what is said once above it. Knows no format.

What is not beyond doubt is an error that says what was found: a wrong guess would commission wrong serials.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from importer.errors import SourceError
from importer.model import Message, Reject
from importer.rows.tables import ROLES
from importer.sources.headers import Match, fold, is_mangled, match, names_in, place_of
from importer.sources.noise import NoiseFinder, head_line, says_roles
from importer.sources.options import SourceOptions
from importer.sources.recognition import find_scans, is_gtin, recognise, roles_at

HEADER_WITHIN = 50
"""A header further down than this is not looked for."""
MOST_COLUMNS = 1000
_SHOWN = 12
_LEAST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """`skip` records stand above the first row of data; `header_row` is 0 where there is no header."""

    skip: int
    header_row: int
    headers: Sequence[str]
    positions: Mapping[str, int]
    given: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[Message] = ()
    #: The lines above the header, as `noise.head_line` gives them.
    above: Sequence[str] = ()
    #: By role, other columns of the same name: they must say the same as the role's own, or nothing.
    twins: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, str]:
        """Role to header, as `Sheet` shows it."""
        return {r: self.headers[p] if self.header_row else f"column {p + 1}" for r, p in self.positions.items()}


def shown(cells: Sequence[str]) -> list[str | int]:
    """Some cells as a message lists them: each cut, not too many, behind them the number of the others."""
    texts = [" ".join(c.split())[:40] for c in cells if c.strip()]
    return [*texts[:_SHOWN], *([len(texts) - _SHOWN] if len(texts) > _SHOWN else [])]


def score(cells: Sequence[str], chosen: Mapping[str, str]) -> int:
    """How much a record looks like the header of a list of serials; 0: not at all."""
    claims = match(cells, chosen).claims
    return len(claims) + 10 * ("serial" in claims)


def find_layout(records: Sequence[Sequence[str]], options: SourceOptions, name: str) -> Layout:
    """Find the header among the first records, or do without where the values leave no doubt."""
    head = [r if len(r) <= MOST_COLUMNS else r[: MOST_COLUMNS + 1] for r in records[:HEADER_WITHIN]]
    scores = [score(r, options.columns) for r in head]
    best = max(range(len(head)), key=scores.__getitem__, default=0)
    if not head or not any(any(c.strip() for c in r) for r in records):
        raise SourceError("list_empty", name=name)
    if options.header_row:
        if options.header_row > len(head):
            raise SourceError("header_row_missing", name=name, row=str(options.header_row), n=len(head))
        best = options.header_row - 1
    elif not scores[best]:
        return _without_header(records, options, name)
    if len(head[best]) > MOST_COLUMNS:
        raise SourceError("too_many_columns", name=name, most=MOST_COLUMNS)
    return _with_header(records, best, options, name)


def noise_in(layout: Layout, options: SourceOptions) -> NoiseFinder:
    """What knows the rows of a list that are no packs."""
    totals = len(layout.positions) > 1 and not options.fill_down
    return NoiseFinder(layout.headers, layout.positions, options.columns, layout.given, layout.above, totals=totals)


def _with_header(records: Sequence[Sequence[str]], at: int, options: SourceOptions, name: str) -> Layout:
    headers = [c.strip() for c in records[at]]
    rows = [r for r in records[at + 1 :] if any(c.strip() for c in r)]
    row_names = _has_row_names(headers, rows, options)
    if row_names:
        headers = ["", *headers]
    _check_chosen(headers, options, name)
    found = match(headers, options.columns)
    given = _given(records[:at], found, options, name)
    found, scanned = _scanned(records[at + 1 :], found, given)
    found, twins = _without_twins(headers, found, rows)
    _check_claims(headers, found, {*given, *scanned}, name)
    unused = [headers[p] for p in found.unknown]
    remarks = [Message("columns_unused", "", {"name": name, "columns": shown(unused)})] if unused else []
    if row_names:
        remarks.append(Message("row_names", "", {"name": name}))
    mangled = [headers[p] for places in found.claims.values() for p in places if is_mangled(headers[p])]
    if mangled:
        remarks.append(Message("headers_mangled", "", {"name": name, "headers": shown(mangled)}))
    if scanned:
        remarks.append(Message("scans_in_column", "", {"name": name, "roles": scanned}))
    positions = {role: found.claims[role][0] for role in ROLES if role in found.claims}
    above = [head_line(record) for record in records[:at]]
    return Layout(at + 1, at + 1, headers, positions, given, remarks, above, twins)


def _check_chosen(headers: Sequence[str], options: SourceOptions, name: str) -> None:
    """What a flag or the settings name must be there: another column would be sent in its place."""
    known = set(map(fold, headers))
    for header, role in options.columns.items():
        place = place_of(header)
        if fold(header) in known or (place is not None and place <= len(headers)):
            continue
        named = {"column": str(place)} if place else {"case": "header", "column": header[:40]}
        raise SourceError(
            "column_named_missing",
            role,
            name=name,
            **named,
            role_name=role,
            n=len(headers),
            found=shown(headers),
        ).with_headers(headers)


def _has_row_names(headers: Sequence[str], rows: Sequence[Sequence[str]], options: SourceOptions) -> bool:
    """Whether all rows have one field more than the header, in front, as `write.table` of R writes them: numbers that
    rise; proven where the GTIN's column only then holds GTINs.
    """
    if not rows or any(len(r) != len(headers) + 1 for r in rows) or not all(r[-1].strip() for r in rows):
        return False
    claims = match(headers, options.columns).claims.get("gtin", ())
    if len(claims) == 1:
        return all(is_gtin(r[claims[0] + 1].strip()) and not is_gtin(r[claims[0]].strip()) for r in rows)
    if len(rows) < _LEAST_ROWS:
        return False
    names = [r[0].strip() for r in rows]
    numbers = [int(n) for n in names if n.isascii() and n.isdigit()]
    return len(numbers) == len(names) and numbers == sorted(set(numbers)) and numbers[0] == 1


def _without_twins(
    headers: Sequence[str], found: Match, rows: Sequence[Sequence[str]]
) -> tuple[Match, dict[str, Sequence[int]]]:
    """Columns of one name are one where they say the same in all rows that were looked at, or one of them nothing."""
    claims = dict(found.claims)
    twins: dict[str, Sequence[int]] = {}
    for role, places in found.claims.items():
        if len(places) < 2 or len({fold(headers[p]) for p in places}) > 1:  # noqa: PLR2004  several
            continue
        columns = {p: [r[p].strip() if p < len(r) else "" for r in rows] for p in places}
        filled = [p for p in places if any(columns[p])] or list(places[:1])
        if rows and all(_agree(columns[filled[0]], columns[p]) for p in filled[1:]):
            claims[role] = [filled[0]]
            twins[role] = [p for p in places if p != filled[0]]
    return Match(claims, found.unknown), twins


def _agree(own: Sequence[str], other: Sequence[str]) -> bool:
    return all(not there or there == here for here, there in zip(own, other, strict=True))


def letters(place: int) -> str:
    """A column's letters in a spreadsheet, of its place from 0 on: A, Z, AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def twins_differ(role: str, places: Sequence[int], values: Sequence[str]) -> Reject:
    """The fault of a row in which two columns of one name say different things."""
    (one, other), (here, there) = places, (v.strip()[:40] for v in values)
    first = {"one": here, "one_place": str(one + 1), "one_letters": letters(one)}
    second = {"other": there, "other_place": str(other + 1), "other_letters": letters(other)}
    return Reject("columns_differ", role, {"role_name": role, **first, **second})


def _scanned(rows: Sequence[Sequence[str]], found: Match, given: Mapping[str, str]) -> tuple[Match, list[str]]:
    """The roles that have no column because scanned codes hold them, in the serial's column or one that plays it."""
    missing = [r for r in ROLES if r not in found.claims and r not in given]
    if not missing:
        return found, []
    if "serial" not in found.claims:
        scans = find_scans(rows)
        if scans is None or any(scans.position in claims for claims in found.claims.values()):
            return found, []
        unknown = [p for p in found.unknown if p != scans.position]
        found = Match({**found.claims, "serial": [scans.position]}, unknown)
    held = roles_at(rows, found.claims["serial"][0])
    return found, [r for r in missing if r in held]


def _check_claims(headers: Sequence[str], found: Match, given: Collection[str], name: str) -> None:
    for role in ROLES:
        claims = found.claims.get(role, ())
        if len(claims) > 1:
            raise _ambiguous(role, headers, claims, name)
    missing = [r for r in ROLES if r not in found.claims and r not in given]
    if missing:
        once = [f"--{r}" for r in missing if r != "serial"]
        also = {"case": "or_given", "options": " ".join(once)} if once else {}
        raise SourceError(
            "column_missing", name=name, roles=missing, found=shown(headers), first=missing[0], **also
        ).with_headers(headers)


def _ambiguous(role: str, headers: Sequence[str], claims: Sequence[int], name: str) -> SourceError:
    places = [
        {"code": "column_at", "header": headers[p][:40], "place": str(p + 1), "letters": letters(p)}
        for p in claims[:_SHOWN]
    ]
    names = {fold(headers[p]) for p in claims}
    choice = headers[claims[-1]][:40]
    one = {"case": "by_name", "header": choice} if len(names) == len(claims) else {"one": str(claims[0] + 1)}
    return SourceError(
        "column_ambiguous",
        role,
        name=name,
        n=len(claims),
        places=places,
        role_name=role,
        **one,
        place=str(claims[-1] + 1),
    ).with_headers(headers)


def _given(above: Sequence[Sequence[str]], found: Match, options: SourceOptions, name: str) -> dict[str, str]:
    """What one value says for all rows: the options, and what stands above the header for a column that lacks."""
    given = options.given()
    for role in given:
        if role in found.claims:
            raise SourceError("given_twice", role, name=name, role_name=role)
    for role, value in _said_above(above).items():
        if role in found.claims:
            continue
        if given.setdefault(role, value) != value:
            raise SourceError("given_contradicts", role, name=name, role_name=role, above=value, given=given[role])
    return given


def _said_above(above: Sequence[Sequence[str]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for record in above:
        said = {**says_roles(record), **said}
    return said


def _without_header(records: Sequence[Sequence[str]], options: SourceOptions, name: str) -> Layout:
    given = options.given()
    if scans := _list_of_scans(records, given, name):
        return scans
    positions = recognise(records, [r for r in ROLES if r not in given])
    first = next(r for r in records if any(c.strip() for c in r))
    joined = next((c for r in records[:HEADER_WITHIN] for c in r if len(names_in(c)) > 1), None)
    if positions is None and joined:
        raise SourceError("header_joined", name=name, header=" ".join(joined.split())[:80])
    if positions is None:
        raise SourceError("header_missing", name=name, found=shown(first))
    remark = Message("header_recognised", "", {"name": name})
    return Layout(0, 0, [""] * len(first), positions, given, [remark])


def _list_of_scans(records: Sequence[Sequence[str]], given: Mapping[str, str], name: str) -> Layout | None:
    """A list of scanned codes needs no header, and one that it has may say anything."""
    scans = find_scans(records)
    if scans is None:
        return None
    above = [i for i in range(scans.first) if any(c.strip() for c in records[i])]
    header = [c.strip() for c in records[above[-1]]] if above else []
    if len(above) > 1 or {len(r) for r in records[scans.first :] if r} != {len(header) or 1}:
        return None
    missing = [r for r in ROLES[1:] if r not in given and r not in scans.roles] if scans.roles else []
    if missing:
        once = " ".join(f"--{r}" for r in missing)
        raise SourceError("scans_lack_column", name=name, roles=missing, options=once)
    row = above[-1] + 1 if above else 0
    taken = ["serial", *(r for r in ROLES[1:] if r not in given)]
    remark = Message("scans_listed", "", {"name": name, "roles": taken})
    return Layout(row, row, header or [""], {"serial": scans.position}, given, [remark])
