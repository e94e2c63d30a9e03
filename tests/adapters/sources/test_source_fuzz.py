from pathlib import Path

import pytest
from fuzzing import damaged, originals, read

FILES = originals()


@pytest.mark.parametrize("block", range(8))
def test_a_damaged_list_is_read_or_refused_in_one_line(block: int, tmp_path: Path) -> None:
    for number in range(block * 40, block * 40 + 40):
        name, data = damaged(FILES, seed=7, number=number)
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(data)
        assert read(path).wrong == "", path.name
