"""Two spellings of one place are one target; two places, or two pools of one place, are two."""

from __future__ import annotations

import pytest

from importer.config.target import normal_base, normal_path, target_of

COMMISSION = "/v1/manufacturer/v2/api/serials/commission"


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        pytest.param("HTTPS://Api.Movilitas.Cloud", "https://api.movilitas.cloud", id="upper case"),
        pytest.param("https://api.movilitas.cloud:443/", "https://api.movilitas.cloud", id="default port, slash"),
        pytest.param("http://127.0.0.1:80", "http://127.0.0.1", id="default port of http"),
        pytest.param("http://host:443", "http://host:443", id="the other scheme's port is no default"),
        pytest.param("https://host:08443", "https://host:8443", id="port with a zero in front"),
        pytest.param("https://host.:8443", "https://host:8443", id="dot behind the host"),
        pytest.param("https://host//base/./x/../", "https://host/base", id="segments that say nothing"),
        pytest.param("https://host/%7euser/%2f", "https://host/~user/%2F", id="escapes"),
        pytest.param("http://[0:0::1]:8765", "http://[::1]:8765", id="IPv6"),
        pytest.param("http://127.1:8765", "http://127.0.0.1:8765", id="short IPv4"),
        pytest.param("https://fab.de", "https://fab.de", id="a name of hexadecimal letters"),
    ],
)
def test_an_address_has_one_spelling(spelled: str, normal: str) -> None:
    assert normal_base(spelled) == normal
    assert normal_base(normal) == normal


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        pytest.param(COMMISSION, COMMISSION, id="as documented"),
        pytest.param("/v1//manufacturer/./v2/api/x/../serials/%63ommission", COMMISSION, id="other spellings of it"),
        pytest.param(COMMISSION + "/", COMMISSION + "/", id="a slash at the end names another resource"),
        pytest.param("/..", "/", id="nothing above the root"),
        pytest.param("/a?b=%7E#c", "/a?b=~", id="query stays, fragment is never sent"),
    ],
)
def test_a_path_has_one_spelling(spelled: str, normal: str) -> None:
    assert normal_path(spelled) == normal


def test_a_pool_is_a_tenant_or_a_channel_key_that_is_not_shown() -> None:
    address = "https://api.movilitas.cloud" + COMMISSION
    one, other = target_of(address, "", "channel-A1"), target_of(address, "", "channel-B2")
    assert one != other
    assert one == target_of(address, "", "channel-A1")
    assert "channel-A1" not in one
    assert target_of(address, "acme", "channel-A1") == target_of(address, "acme", "channel-B2")
    assert target_of(address, "acme", "channel-A1") not in (one, other)
    assert target_of(address, one.rpartition(":")[2], "channel-B2") != one
