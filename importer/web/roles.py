"""Who may do what: a role for each person, and a rule for each route. `guard.permitted` asks here; pages ask, too, and
hide what is refused. A route that changes something and has no rule is open to no role.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from aiohttp import web

from importer.web.site import Site
from importer.web.uploads import Upload


class Role(IntEnum):
    """Each may do what those before it may."""

    NOBODY = 0
    """Known to the proxy, and in none of the groups of `web.group_roles`."""
    VIEWER = 1
    """Sees all, changes nothing."""
    PLANNER = 2
    """Uploads and corrects; confirms, stops and discards own lists."""
    RELEASER = 3
    """Confirms, stops and discards those of others, too."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The least role for a list or run of one's own, and for that of another person."""

    own: Role
    others: Role

    def allows(self, role: Role, *, own: bool) -> bool:
        return role >= (self.own if own else self.others)


_ALL = Rule(Role.NOBODY, Role.NOBODY)
_SEE = Rule(Role.VIEWER, Role.VIEWER)
_WORK = Rule(Role.PLANNER, Role.PLANNER)
_DECIDE = Rule(Role.PLANNER, Role.RELEASER)
RULES = {
    "/login": _ALL,
    "/logout": _ALL,
    "/uploads": _WORK,
    "/uploads/{upload}/": _WORK,
    "/uploads/{upload}/confirm": _DECIDE,
    "/uploads/{upload}/discard": _DECIDE,
    "/uploads/{upload}/restore": _DECIDE,
    "/runs/{run}/": _DECIDE,
    "/runs/{run}/follow-up": _WORK,
}
"""By the route, without /api. One that ends with / holds for all that begins so and has no rule of its own."""
CONFIRM = "/uploads/{upload}/confirm"


def rule_of(path: str, *, changes: bool) -> Rule | None:
    """The rule of a route; None: nobody may. What changes nothing and has no rule of its own may be seen."""
    path = path.removeprefix("/api")
    if path in RULES:
        return RULES[path]
    if not changes:
        return _SEE
    begin = max((one for one in RULES if one.endswith("/") and path.startswith(one)), key=len, default="")
    return RULES.get(begin)


def role_of(site: Site, name: str, groups: str) -> Role:
    """The role of a person. `groups`: what a trusted proxy says, separated by commas. Raises ConfigError."""
    wanted = site.settings.web
    if wanted.trusted_header and wanted.groups_header:
        known = [wanted.group_roles.get(group.strip(), "nobody") for group in groups.split(",")]
        return max(Role[name.upper()] for name in known)
    if wanted.trusted_header:
        return Role.PLANNER
    return Role[site.users.role_of(name).upper()] if site.users.closed else Role.RELEASER


def is_own(site: Site, name: str, upload: Upload | None, run: str = "", began_by: str = "") -> bool:
    """Whether a list, or a run, is that person's."""
    job = site.jobs.of(run) if run else None
    if upload is None and job:
        upload = site.uploads.get(job.upload)
    if upload is None and run:
        upload = site.uploads.of_run(run)
    return name in {began_by, job.by if job else "", upload.by if upload else ""} - {""}


def may_release(site: Site, name: str, hands: Collection[str]) -> bool:
    """Whether four eyes have seen it, if they must: nobody releases what went through his or her own hands."""
    return not site.settings.web.four_eyes or name not in hands


def must_allow(
    site: Site, path: str, role: Role, name: str, upload: Upload | None, *, own: bool, changes: bool
) -> None:
    """Raise web.HTTPForbidden for what the role does not include."""
    rule = rule_of(path, changes=changes)
    if rule is None or not rule.allows(role, own=own):
        raise web.HTTPForbidden(text="no_role" if role is Role.NOBODY else "role")
    if path.removeprefix("/api") != CONFIRM or not site.settings.web.four_eyes:
        return
    if role < Role.RELEASER:
        raise web.HTTPForbidden(text="role")
    if upload and not may_release(site, name, upload.hands):
        raise web.HTTPForbidden(text="four_eyes")


class May:
    """What the person who asks may do, for pages: empty, or the code of why not."""

    def __init__(self, site: Site, role: Role, name: str) -> None:
        self._site = site
        self._role = role
        self._name = name

    @property
    def work(self) -> bool:
        return self._role >= Role.PLANNER

    def with_upload(self, what: str, number: str) -> str:
        """confirm, discard or restore a list."""
        upload = self._site.uploads.get(number)
        return self._asked(f"/uploads/{{upload}}/{what}", upload, own=is_own(self._site, self._name, upload))

    def act(self, run: str, began_by: str) -> str:
        """Pause, stop, go on with or retry a run, or resolve its unknown rows."""
        return self._asked("/runs/{run}/", None, own=is_own(self._site, self._name, None, run, began_by))

    def _asked(self, path: str, upload: Upload | None, *, own: bool) -> str:
        try:
            must_allow(self._site, path, self._role, self._name, upload, own=own, changes=True)
        except web.HTTPForbidden as refused:
            return refused.text or ""
        return ""
