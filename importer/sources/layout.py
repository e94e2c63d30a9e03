"""Where the list stands in what was read: its header, its columns, what is said once above it. Knows no format.

What is not beyond doubt is an error that says what was found: a wrong guess would commission wrong serials.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from importer.errors import SourceError
from importer.rows.tables import ROLES
from importer.sources.headers import Match, fold, match, role_of, spoken
from importer.sources.options import SourceOptions
from importer.sources.recognition import find_scans, recognise, roles_at

HEADER_WITHIN = 50
"""A header further down than this is not looked for."""
MOST_COLUMNS = 1000
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """`skip` records stand above the first row of data; `header_row` is 0 where there is no header."""

    skip: int
    header_row: int
    headers: Sequence[str]
    positions: Mapping[str, int]
    given: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    @property
    def columns(self) -> dict[str, str]:
        """Role to header, as `Sheet` shows it."""
        return {r: self.headers[p] if self.header_row else f"column {p + 1}" for r, p in self.positions.items()}


def shown(cells: Sequence[str]) -> str:
    """Some cells in a message: quoted, each cut, not too many."""
    texts = [f'"{" ".join(c.split())[:40]}"' for c in cells if c.strip()]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return (", ".join(texts[:_SHOWN]) + more) or "nothing"


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
        raise SourceError(f"{name} is empty: a list has a header and one row per pack.")
    if not scores[best]:
        return _without_header(records, options, name)
    if len(head[best]) > MOST_COLUMNS:
        raise SourceError(f"{name} has more than {MOST_COLUMNS:,} columns: keep those of the list and import again.")
    return _with_header(records, best, options, name)


def _with_header(records: Sequence[Sequence[str]], at: int, options: SourceOptions, name: str) -> Layout:
    headers = [c.strip() for c in records[at]]
    found = match(headers, options.columns)
    given = _given(records[:at], found, options, name)
    found, scanned = _scanned(records[at + 1 :], found, given)
    _check_claims(headers, found, {*given, *scanned}, name)
    unused = [headers[p] for p in found.unknown]
    remarks = [f"{name}: columns not used: {shown(unused)}."] if unused else []
    remarks += [
        f'{name}: no column is headed "{h}", which the settings name for the {spoken(role)}.'
        for h, role in options.columns.items()
        if fold(h) not in map(fold, headers)
    ]
    if scanned:
        remarks.append(f"{name}: the {_listed(scanned)} is taken from the scanned codes in the serial's column.")
    positions = {role: found.claims[role][0] for role in ROLES if role in found.claims}
    return Layout(at + 1, at + 1, headers, positions, given, remarks)


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


def _listed(roles: Sequence[str]) -> str:
    *others, last = map(spoken, roles)
    return f"{', '.join(others)} and {last}" if others else last


def _check_claims(headers: Sequence[str], found: Match, given: Collection[str], name: str) -> None:
    for role in ROLES:
        claims = found.claims.get(role, ())
        if len(claims) > 1:
            names = shown([headers[p] for p in claims])
            raise SourceError(
                f'{name} has {len(claims)} columns for the {spoken(role)}: {names}. Choose one with --map {role}="…".',
                headers,
            )
    missing = [r for r in ROLES if r not in found.claims and r not in given]
    if missing:
        once = [f"--{r}" for r in missing if r != "serial"]
        also = f", or give one value for all rows with {' '.join(once)}" if once else ""
        raise SourceError(
            f"{name} has no column for the {', the '.join(map(spoken, missing))}. Found: {shown(headers)}. "
            f'Name the column with --map {missing[0]}="…"{also}.',
            headers,
        )


def _given(above: Sequence[Sequence[str]], found: Match, options: SourceOptions, name: str) -> dict[str, str]:
    """What one value says for all rows: the options, and what stands above the header for a column that lacks."""
    given = options.given()
    for role in given:
        if role in found.claims:
            raise SourceError(
                f"{name} has a column for the {spoken(role)}, and --{role} gives it too: leave out --{role}."
            )
    for role, value in _said_above(above).items():
        if role in found.claims:
            continue
        if given.setdefault(role, value) != value:
            raise SourceError(
                f'{name} says "{value}" for the {spoken(role)} above the list, --{role} says "{given[role]}": choose.'
            )
    return given


def _said_above(above: Sequence[Sequence[str]]) -> dict[str, str]:
    """`GTIN: 0400…` in one cell, or `GTIN` in one cell and its value in the next one."""
    said: dict[str, str] = {}
    for record in above:
        cells = [c.strip() for c in record if c.strip()]
        for cell, follows in zip(cells, [*cells, ""][1:], strict=True):
            label, _, rest = cell.partition(":")
            role, value = role_of(label), rest.strip() or follows
            if role in (None, "serial") or not value or role_of(value):
                continue
            said.setdefault(str(role), value)
    return said


def _without_header(records: Sequence[Sequence[str]], options: SourceOptions, name: str) -> Layout:
    given = options.given()
    if scans := _list_of_scans(records, given, name):
        return scans
    positions = recognise(records, [r for r in ROLES if r not in given])
    first = next(r for r in records if any(c.strip() for c in r))
    if positions is None:
        raise SourceError(
            f"{name} has no header that names its columns; its first row is {shown(first)}. Put a header above the "
            f"list, such as SerialNumber,GTIN,Batch,ExpirationDate."
        )
    remark = f"{name} has no header: its columns were recognised by their values."
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
    missing = [r for r in ROLES[1:] if r not in given and r not in scans.roles]
    if missing:
        once = " ".join(f"--{r}" for r in missing)
        raise SourceError(
            f"{name} is a list of scanned codes, which hold no {' and no '.join(map(spoken, missing))}: give one value "
            f"for all rows with {once}, or add the column."
        )
    row = above[-1] + 1 if above else 0
    taken = _listed(["serial", *(r for r in ROLES[1:] if r not in given)])
    remark = f"{name}: a list of scanned codes; {taken} are taken from them."
    return Layout(row, row, header or [""], {"serial": scans.position}, given, [remark])
