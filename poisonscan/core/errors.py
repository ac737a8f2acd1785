"""The error tree. Every message says what went wrong, where, and what to do next.

    PoisonscanError
    ├── UsageError            wrong call, wrong option, wrong configuration         -> exit 2
    │   ├── ConfigError       a settings file or an environment variable is wrong
    │   └── CatalogueError    a detector folder does not validate
    ├── ReadError             a set cannot be read at all                           -> exit 3
    │   └── NoRowsError       it can be opened, but holds no row we can read
    └── ModelError            weights are missing, damaged or cannot be fetched     -> exit 4 (incomplete)

Only the command line maps a class to an exit code.
"""

from __future__ import annotations


class PoisonscanError(Exception):
    """Root of every error the library raises on purpose."""


class UsageError(PoisonscanError):
    """The caller asked for something that does not exist or does not fit together."""


class ConfigError(UsageError):
    """A settings file, an environment variable or a lock file is wrong; names the file and the key."""


class CatalogueError(UsageError):
    """A detector folder does not validate; names the file, the key and the nearest valid key."""


class ReadError(PoisonscanError):
    """A set cannot be read at all; names the file and the remedy."""


class NoRowsError(ReadError):
    """A set was opened but no row of it could be understood; names the layouts tried."""


class ModelError(PoisonscanError):
    """Weights are missing, damaged or cannot be fetched; names the asset and the command that obtains it."""
