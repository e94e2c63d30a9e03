"""The version of this importer, as installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("serial-importer")
except PackageNotFoundError:  # run from a tree that was never installed
    VERSION = "0"
