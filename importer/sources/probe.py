"""Opens a binary workbook in a process of its own first: a few wrong bytes make its reader ask for all the memory there
is, which ends the process, or panic. After that it is safe to open it here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from importer.errors import SourceError

_MOST_MEMORY = 3 << 30
_MOST_SECONDS = 120
_PANIC = 9
_PROGRAM = """
import sys
sys.path[:] = sys.argv[4:]
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
except (ImportError, ValueError, OSError):
    pass
try:
    from python_calamine import load_workbook
    workbook = load_workbook(sys.argv[1])
    for place in range(len(workbook.sheet_names)):
        workbook.get_sheet_by_index(place)
except BaseException as error:
    sys.exit(int(sys.argv[3]) if type(error).__name__ in ("PanicException", "MemoryError") else 0)
"""


def probe(path: Path) -> None:
    """Raise SourceError where the reader does not survive the workbook. What it can refuse in words is left to it."""
    command = [sys.executable, "-S", "-c", _PROGRAM, str(path.absolute()), str(_MOST_MEMORY), str(_PANIC), *sys.path]
    try:
        done = subprocess.run(  # noqa: S603  our own program; the path is an argument
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=_MOST_SECONDS, check=False,
        )  # fmt: skip
        survived = done.returncode == 0
    except subprocess.TimeoutExpired:
        survived = False
    if not survived:
        raise SourceError(f"{path.name} is damaged: open it in a spreadsheet and save it as .xlsx.")
