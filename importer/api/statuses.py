"""The classes of HTTP status."""

from __future__ import annotations


def is_ok(status: int) -> bool:
    return status // 100 == 2  # noqa: PLR2004  the class of a status is its first digit


def is_redirect(status: int) -> bool:
    return status // 100 == 3  # noqa: PLR2004


def is_client_error(status: int) -> bool:
    return status // 100 == 4  # noqa: PLR2004


def is_server_error(status: int) -> bool:
    return status // 100 >= 5  # noqa: PLR2004
