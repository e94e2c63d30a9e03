"""Ask pip-audit about the versions of constraints.txt. Ends with 1 where one of them is known to be vulnerable. Where
its data can't be reached, it says so and ends with 0: a registry's mirror need not have them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_PINS = Path(__file__).with_name("constraints.txt")
_PATIENCE = 60


def main(pip_audit: str) -> int:
    command = [pip_audit, "--requirement", str(_PINS), "--no-deps", "--disable-pip", "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        print(f"pip-audit could not reach its data ({type(error).__name__}): nothing was audited")
        return 0
    known = [package for package in packages if "version" in package]
    for package in known:
        for fault in package["vulns"]:
            print(f"{package['name']} {package['version']}: {fault['id']}, mended in {fault['fix_versions']}")
    print(f"pip-audit knew {len(known)} of {len(packages)} packages")
    if not known:
        print("its data can't be reached from here: nothing was audited")
    return int(any(package["vulns"] for package in known))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
