"""The import rules of pyproject.toml hold."""

import pytest
from importlinter.application.use_cases import SUCCESS, lint_imports
from importlinter.configuration import configure


def test_the_import_rules_hold(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    assert lint_imports(cache_dir=None) == SUCCESS, capsys.readouterr().out
