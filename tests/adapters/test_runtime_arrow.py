from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
import pyarrow as pa
from importer.runtime import loaded
loaded()
column = pa.array(np.arange(3))
assert "pandas" not in sys.modules
print(pa.table({"n": column}).to_pandas()["n"].sum())
"""


def test_arrow_finds_pandas_where_a_frame_is_wanted_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("3\n", "")
