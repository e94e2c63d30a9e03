"""Every knob of the sandbox, with its default. Plain values: options.py reads them from text."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from importer.sandbox.faults import Fault

Twice = Literal["assigned", "error", "status"]


@dataclass(frozen=True, slots=True)
class Pick:
    """Some serials: those named, those that a regular expression finds, and a share of all the others.

    The share is chosen by a hash of seed and serial: the same serial is in it at whichever attempt.
    """

    serials: frozenset[str] = frozenset()
    pattern: str = ""
    share: float = 0.0

    def among(self, serials: Iterable[str], salt: str) -> frozenset[str]:
        if not (self.serials or self.pattern or self.share):
            return frozenset()
        return frozenset(serial for serial in serials if self._has(serial, salt))

    def _has(self, serial: str, salt: str) -> bool:
        if serial in self.serials or (self.pattern and re.search(self.pattern, serial)):
            return True
        if not self.share:
            return False
        digest = hashlib.blake2b(f"{salt}/{serial}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) < self.share * 2**64


@dataclass(frozen=True, slots=True)
class Settings:
    """All knobs. As text each is `name=value`; a set grows with each mention, and its first one replaces the default.

    Who may come in:
      api_key, api_secret   the pair that api_auth accepts; an empty api_key accepts any
      static_tokens         set of tokens that never expire
      channel_keys          set of keys; `channel_keys=` (the empty set) accepts any key, though not a missing one
      token_field           where api_auth puts the token: token, data.token, access_token, data.access_token
      token_lifetime        seconds
      token_claims          seconds that the JWT's exp claims, where it is not the truth
      token_opaque          yes: the token is no JWT
      revoke_after          a token, a static one too, is revoked once it was shown in so many requests
      auth_error            name of the error "Failed to authenticate", which is not public
      channel_error         name of the error for a missing or unknown channel key, which is not public
    Where:
      auth_path, commission_path, decommission_path
    Products:
      registered            set of GTINs; without it, all are
      unregistered          set of GTINs that are not, in any case
    How it says no:
      error_shape           the name in `error` (flat), `name` (name), `type` (type), `error.name` (nested)
      error_status          one HTTP status for all refusals but 413 and 429, 200 too; default: what fits
      names                 which bad serials a ValidationError's message names: all, first, none
      day_00                no: 00 as the day of an expiry is a ValidationError
    What a serial gets that was taken before, and what it gets when it comes with another batch or expiry:
      twice                 assigned (as if new), error (the whole request is refused, nothing taken), status (its own)
      twice_other           the same choice; default as `twice`. The first batch stays in the ledger
      twice_status          the status for `status`
    What a serial gets that is to be taken back:
      never_taken           what it gets where it was never taken: error (the whole request is refused), done (as if it
                            had been: for a sandbox that forgets)
      taken_back            what it gets the second time: done (as if new), error, status (`taken_back_status`)
      taken_back_status     the status for `status`
    Serials with a fate (NAME=SERIAL as often as wanted, NAME_pattern=REGEX, NAME_share=0.05):
      poison                the request that holds one is a ValidationError
      refused               answered with `refused_status` and not taken; the others are assigned
      missing               taken, and left out of the answer
      lost                  not taken, and left out of the answer
      contradicted          taken, and named twice in the answer, as Assigned and with `refused_status`
    Answers:
      extra                 so many serials in each answer that the request did not hold
      shuffle               yes: the answer's order is not the request's
    Limits:
      max_serials           per request
      max_serials_as        what one more gets: validation ("at most N serials"), 413
      max_bytes             per body; more is a 413
      rate                  requests per second to the two serials endpoints; above it comes a 429, which is not counted
      burst                 at most so many in any burst/rate seconds; default: rate, so at most `rate` in any second
      rate_retry_after      how that 429 says when: seconds, date, none
    And:
      faults                CLASS:KIND=WHEN, see options.py
      seed                  of all chance
      ledger                SQLite file that holds its ledger, answer by answer; it goes on with an old one
    """

    api_key: str = "sandbox-key"
    api_secret: str = "sandbox-secret"  # noqa: S105  made up
    static_tokens: frozenset[str] = frozenset({"sandbox-token"})
    channel_keys: frozenset[str] = frozenset({"sandbox-channel"})
    token_field: Literal["token", "data.token", "access_token", "data.access_token"] = "token"  # noqa: S105  a name
    token_lifetime: float = 86_400.0
    token_claims: float | None = None
    token_opaque: bool = False
    revoke_after: int | None = None
    auth_error: str = "AuthenticationError"
    channel_error: str = "ChannelError"
    auth_path: str = "/v1/api_auth"
    commission_path: str = "/v1/manufacturer/v2/api/serials/commission"
    decommission_path: str = "/v1/manufacturer/v2/api/serials/decommission"
    registered: frozenset[str] | None = None
    unregistered: frozenset[str] = frozenset()
    error_shape: Literal["flat", "name", "type", "nested"] = "flat"
    error_status: int | None = None
    names: Literal["all", "first", "none"] = "all"
    day_00: bool = True
    twice: Twice = "assigned"
    twice_other: Twice | None = None
    twice_status: str = "AlreadyExists"
    never_taken: Literal["error", "done"] = "error"
    taken_back: Literal["done", "error", "status"] = "done"
    taken_back_status: str = "AlreadyDecommissioned"
    poison: Pick = Pick()
    refused: Pick = Pick()
    refused_status: str = "Rejected"
    missing: Pick = Pick()
    lost: Pick = Pick()
    contradicted: Pick = Pick()
    extra: int = 0
    shuffle: bool = False
    max_serials: int | None = None
    max_serials_as: Literal["validation", "413"] = "validation"
    max_bytes: int | None = None
    rate: float | None = None
    burst: int | None = None
    rate_retry_after: Literal["seconds", "date", "none"] = "seconds"
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    ledger: Path | None = None
