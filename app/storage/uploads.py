"""Registry of uploaded files, by keys that cannot be guessed."""

import secrets
import time
from pathlib import Path

__all__ = ["RETENTION_SECONDS", "Uploads"]

RETENTION_SECONDS = 3600
"""How long an uploaded image and what was computed of it are kept, in seconds."""


class Uploads:
    """Which files visitors have sent, by keys that cannot be guessed; a link names its image by one.

    Args:
        seconds: how long a key is good; the files themselves are Gradio's, which deletes them after that time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._files: dict[str, tuple[Path, str, float]] = {}

    def keep(self, path: Path, name: str) -> str:
        """The key of a file."""
        now = time.monotonic()
        for key, (_, _, until) in list(self._files.items()):
            if until < now:
                self._files.pop(key, None)
        key = secrets.token_urlsafe(12)
        self._files[key] = (path, name, now + self.seconds)
        return key

    def find(self, key: str) -> tuple[Path, str] | None:
        """Path and name; None where the file is no longer kept."""
        path, name, until = self._files.get(key, (Path(), "", 0.0))
        return (path, name) if until > time.monotonic() and path.is_file() else None
