"""The map in importer/README.md: it names each room, and no file that is not there."""

import re
from pathlib import Path

import importer

HOUSE = Path(importer.__file__).parent
MAP = (HOUSE / "README.md").read_text("utf-8")


def test_every_room_is_on_the_map() -> None:
    rooms = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    assert {room for room in rooms if f"\n{room}/" not in MAP} == set()


def test_every_module_of_the_root_is_on_the_map() -> None:
    assert {path.name for path in HOUSE.glob("*.py") if path.name not in MAP} == {"__init__.py"}


def test_every_file_that_the_map_says_to_change_is_there() -> None:
    named = set(re.findall(r"`([a-z0-9_/]+\.(?:py|po|sql))`", MAP.partition("## Where to change what")[2]))
    assert named
    assert {name for name in named if not (HOUSE / name).exists()} == set()
