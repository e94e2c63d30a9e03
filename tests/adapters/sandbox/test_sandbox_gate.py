import base64
import json
from typing import Any

import pytest
from sandbox_client import sandbox


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


@pytest.mark.parametrize("field", ["token", "data.token", "access_token", "data.access_token"])
async def test_the_token_stands_in_the_chosen_field_and_lets_in(field: str) -> None:
    async with sandbox(f"token_field={field}") as client:
        found = (await client.auth()).json
        for name in field.split("."):
            found = found[name]
        came = await client.commission(headers={**client.headers, "x-access-token": found})
    assert came.status == 200


async def test_a_token_is_a_jwt_with_its_expiry_and_the_api_key() -> None:
    async with sandbox("token_lifetime=60") as client:
        token = (await client.auth()).json["token"]
        now = client.clock()
    assert payload(token)["exp"] == now + 60
    assert payload(token)["api_key"] == "sandbox-key"


async def test_a_token_can_be_opaque() -> None:
    async with sandbox("token_opaque=yes") as client:
        token = (await client.auth()).json["token"]
        came = await client.commission(headers={**client.headers, "x-access-token": token})
    assert "." not in token
    assert came.status == 200


async def test_each_token_is_another() -> None:
    async with sandbox() as client:
        tokens = {(await client.auth()).json["token"] for _ in range(3)}
    assert len(tokens) == 3


async def test_a_token_is_refused_once_it_has_expired() -> None:
    async with sandbox("token_lifetime=60", "auth_error=JwtError") as client:
        headers = {**client.headers, "x-access-token": (await client.auth()).json["token"]}
        client.clock.now += 59
        in_time = await client.commission(headers=headers)
        client.clock.now += 1
        late = await client.commission(headers=headers)
    assert in_time.status == 200
    assert (late.status, late.json["error"]) == (401, "JwtError")
    assert late.json["message"] == "Failed to authenticate: the token has expired"


async def test_a_token_may_claim_another_expiry_than_is_true() -> None:
    async with sandbox("token_lifetime=60", "token_claims=600") as client:
        token = (await client.auth()).json["token"]
        claimed = payload(token)["exp"] - client.clock()
        client.clock.now += 61
        came = await client.commission(headers={**client.headers, "x-access-token": token})
    assert claimed == 600
    assert came.status == 401


@pytest.mark.parametrize(
    ("key", "secret"), [("sandbox-key", "wrong"), ("wrong", "sandbox-secret"), ("", "")], ids=["secret", "key", "none"]
)
async def test_a_wrong_pair_gets_no_token(key: str, secret: str) -> None:
    async with sandbox() as client:
        came = await client.auth(key, secret)
    assert (came.status, came.json["error"]) == (401, "AuthenticationError")


async def test_an_empty_api_key_accepts_any_pair() -> None:
    async with sandbox("api_key=") as client:
        came = await client.auth("any", "pair")
    assert came.status == 200


async def test_the_pair_can_be_chosen() -> None:
    async with sandbox("api_key=k", "api_secret=s") as client:
        assert [(await client.auth("k", "s")).status, (await client.auth()).status] == [200, 401]


@pytest.mark.parametrize(
    ("changed", "status", "name"),
    [
        pytest.param({"x-access-token": ""}, 401, "NoTokenError", id="no token"),
        pytest.param({"x-access-token": "other"}, 401, "AuthenticationError", id="unknown token"),
        pytest.param({"x-channel-key": ""}, 403, "ChannelError", id="no channel key"),
        pytest.param({"x-channel-key": "other"}, 403, "ChannelError", id="unknown channel key"),
    ],
)
async def test_a_wrong_header_is_refused_by_name(changed: dict[str, str], status: int, name: str) -> None:
    async with sandbox() as client:
        came = await client.commission(headers={**client.headers, **changed})
        assert client.taken() == set()
    assert (came.status, came.json["error"]) == (status, name)


async def test_static_tokens_and_channel_keys_can_be_chosen() -> None:
    async with sandbox("static_tokens=t1", "static_tokens=t2", "channel_keys=", "channel_error=NoChannel") as client:
        came = await client.commission(headers={"x-access-token": "t2", "x-channel-key": "any"})
        old = await client.commission()
        without = await client.commission(headers={"x-access-token": "t1"})
    assert [came.status, old.status, without.status] == [200, 401, 403]
    assert without.json["error"] == "NoChannel"


async def test_a_token_is_revoked_after_so_many_requests() -> None:
    async with sandbox("revoke_after=2") as client:
        came = [await client.commission() for _ in range(3)]
        fresh = (await client.auth()).json["token"]
        again = await client.commission(headers={**client.headers, "x-access-token": fresh})
    assert [one.status for one in came] == [200, 200, 401]
    assert came[2].json["message"] == "Failed to authenticate: the token was revoked"
    assert again.status == 200


async def test_a_fault_revokes_the_token_of_its_request_for_good() -> None:
    async with sandbox("commission:revoke=at:2") as client:
        came = [await client.commission("A1"), await client.commission("A2"), await client.commission("A3")]
        assert client.taken() == {"A1"}
    assert [one.status for one in came] == [200, 401, 401]
