"""Registry of uploaded files, by unguessable keys."""

import secrets
import time
from pathlib import Path

__all__ = ["RETENTION_SECONDS", "Uploads"]

RETENTION_SECONDS = 3600
"""How long an upload and everything computed from it are kept, in seconds."""


class Uploads:
    """Uploaded files under unguessable keys, by which links refer to them.

    Args:
        seconds: how long a key is valid; the files are Gradio's, which deletes them after that time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._files: dict[str, tuple[Path, str, float]] = {}

    def keep(self, path: Path, name: str) -> str:
        """Registers a file and returns its key."""
        now = time.monotonic()
        for key, (_, _, expiry) in list(self._files.items()):
            if expiry < now:
                self._files.pop(key, None)
        key = secrets.token_urlsafe(12)
        self._files[key] = (path, name, now + self.seconds)
        return key

    def find(self, key: str) -> tuple[Path, str] | None:
        """Path and name; None if the key has expired or the file no longer exists."""
        path, name, expiry = self._files.get(key, (Path(), "", 0.0))
        return (path, name) if expiry > time.monotonic() and path.is_file() else None
