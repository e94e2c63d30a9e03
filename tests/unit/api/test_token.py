import asyncio
import base64
import json

import pytest
from saying import refused, said

from importer.api.tokens import DynamicTokens, StaticTokens, Token, header_value, lifetime_of
from importer.errors import AccessDenied, ConfigError, Unavailable


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl"


class Endpoint:
    """Gives out the tokens in turn, or fails; `now` is both clocks."""

    def __init__(self, *tokens: str | Exception) -> None:
        self.tokens = list(tokens)
        self.asked = 0
        self.now = 5000.0

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return token

    def clock(self) -> float:
        return self.now

    def dynamic(self) -> DynamicTokens:
        return DynamicTokens(self, clock=self.clock, now=self.clock)


async def test_all_workers_share_one_fetch() -> None:
    endpoint = Endpoint("t1")
    tokens = endpoint.dynamic()
    got = await asyncio.gather(*(tokens.get() for _ in range(8)))
    assert {token.value for token in got} == {"t1"}
    assert endpoint.asked == 1


async def test_a_token_that_all_workers_saw_refused_is_fetched_once() -> None:
    endpoint = Endpoint("t1", "t2", "t3")
    tokens = endpoint.dynamic()
    old = await tokens.get()

    async def worker() -> str:
        tokens.refused(old)
        return (await tokens.get()).value

    assert set(await asyncio.gather(*(worker() for _ in range(8)))) == {"t2"}
    tokens.refused(old)
    assert (await tokens.get()).value == "t2"
    assert endpoint.asked == 2


async def test_a_token_is_replaced_shortly_before_it_expires() -> None:
    endpoint = Endpoint(jwt(iat=0, exp=3600), "t2")
    tokens = endpoint.dynamic()
    first = await tokens.get()
    endpoint.now += 3539
    assert await tokens.get() == first
    endpoint.now += 2
    assert (await tokens.get()).value == "t2"


async def test_a_short_token_is_not_replaced_at_once() -> None:
    endpoint = Endpoint(jwt(iat=0, exp=20), "t2")
    tokens = endpoint.dynamic()
    first = await tokens.get()
    endpoint.now += 17
    assert await tokens.get() == first
    endpoint.now += 2
    assert (await tokens.get()).value == "t2"


async def test_a_token_that_seems_to_have_expired_already_is_used_until_it_is_refused() -> None:
    """A clock that is wrong must not fetch tokens without end."""
    endpoint = Endpoint(jwt(exp=1))
    tokens = endpoint.dynamic()
    await tokens.get()
    await tokens.get()
    assert endpoint.asked == 1


async def test_an_old_token_stays_at_hand_until_there_is_another() -> None:
    endpoint = Endpoint(jwt(iat=0, exp=20))
    tokens = endpoint.dynamic()
    assert tokens.current() is None
    token = await tokens.get()
    endpoint.now += 1000
    assert tokens.current() == token
    tokens.refused(token)
    assert tokens.current() is None


@pytest.mark.parametrize("failure", [Unavailable("away"), AccessDenied("wrong key")])
async def test_a_fetch_that_fails_fails_for_all_who_waited_for_it(failure: Exception) -> None:
    endpoint = Endpoint(failure)
    tokens = endpoint.dynamic()
    got = await asyncio.gather(*(tokens.get() for _ in range(8)), return_exceptions=True)
    assert [str(item) for item in got] == [str(failure)] * 8
    assert endpoint.asked == 1


async def test_after_a_failure_the_next_who_asks_tries_again() -> None:
    endpoint = Endpoint(Unavailable("away"), "t1")
    tokens = endpoint.dynamic()
    with pytest.raises(Unavailable):
        await tokens.get()
    assert (await tokens.get()).value == "t1"


async def test_a_cancelled_fetch_leaves_the_way_free() -> None:
    endpoint = Endpoint("t1")
    tokens = endpoint.dynamic()
    first = asyncio.ensure_future(tokens.get())
    await asyncio.sleep(0)
    first.cancel()
    assert (await tokens.get()).value == "t1"


async def test_each_token_is_told_to_what_hides_secrets() -> None:
    learned: list[str] = []
    tokens = DynamicTokens(Endpoint("t1"), learn=learned.append)
    await tokens.get()
    assert learned == ["t1"]


async def test_a_refused_static_token_denies_access_and_says_what_to_do() -> None:
    tokens = StaticTokens("s3cret-token\n")
    token = await tokens.get()
    assert token.value == "s3cret-token"
    tokens.refused(token)
    with refused(AccessDenied, "IMPORTER_API__TOKEN") as caught:
        await tokens.get()
    assert "s3cret" not in said(caught.value)


def test_no_repr_shows_a_token() -> None:
    assert "s3cret" not in repr(Token("s3cret"))
    assert "s3cret" not in repr(StaticTokens("s3cret"))


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        pytest.param(jwt(iat=100, exp=86_500), 86_400, id="exp-and-iat"),
        pytest.param(jwt(exp=1_060), 60, id="exp-alone"),
        pytest.param(jwt(exp=1_060.5), 60.5, id="fraction"),
        pytest.param(jwt(exp=999), None, id="expired"),
        pytest.param(jwt(iat=5, exp=5), None, id="no-time-at-all"),
        pytest.param(jwt(sub="x"), None, id="no-exp"),
        pytest.param(jwt(exp="tomorrow"), None, id="exp-in-words"),
        pytest.param("opaque", None, id="no-jwt"),
        pytest.param("a.b.c", None, id="looks-like-one"),
        pytest.param("a.%%%.c", None, id="no-base64"),
        pytest.param("a.\u00e4.c", None, id="not-ascii"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_lifetime_is_read_from_the_token_where_it_holds_one(token: str, seconds: float | None) -> None:
    assert lifetime_of(token, now=1000) == seconds


@pytest.mark.parametrize("value", ["", "  \n", "a\nb", "schl\u00fcssel", "a\0b"])
def test_a_value_that_no_header_can_carry_is_refused_without_being_shown(value: str) -> None:
    with refused(ConfigError, r"^channel_key ") as caught:
        header_value("channel_key", value)
    assert "schl" not in said(caught.value)


@pytest.mark.parametrize("value", ["ab\ncd", "schön", "a\x00b"], ids=["line-end", "not-ascii", "nul"])
async def test_a_token_that_no_header_can_carry_denies_access_and_is_not_shown(value: str) -> None:
    learned: list[str] = []
    tokens = DynamicTokens(Endpoint(value), learn=learned.append)
    with refused(AccessDenied, "no HTTP header can carry") as caught:
        await tokens.get()
    assert value not in said(caught.value)
    assert learned == [value]
