"""One profile for every property test: no chance that isn't seeded, and no clock that fails a test on a busy machine.

`pytest --hypothesis-profile=explore` looks at new cases, and more of them.
"""

from __future__ import annotations

import signal

from hypothesis import settings

# Where a tests' run was started with nohup, every command here would have to ignore SIGHUP, too.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


settings.register_profile("importer", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("importer")
