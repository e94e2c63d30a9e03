"""One profile for every property test: no chance that isn't seeded, and no clock that fails a test on a busy machine.

`pytest --hypothesis-profile=explore` looks at new cases, and more of them.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("importer", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("importer")
