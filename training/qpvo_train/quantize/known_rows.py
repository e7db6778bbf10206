# SPDX-License-Identifier: MIT
"""Rows of a table that takes long to measure, kept on disk one by one, so that an interrupted measurement goes on."""

import json
from collections.abc import Callable
from pathlib import Path

from ..whole_file import whole_file

Row = dict[str, float]


class KnownRows:
    """key: what the rows depend on; a file with another one counts for nothing. Without a path nothing is kept."""

    def __init__(self, path: Path | None = None, key: tuple = ()):
        self.path, self.key = path, repr(key)
        self.rows: dict[str, Row] = {} if path is None else self._read(path)

    def row(self, name: str, measure: Callable[[], Row]) -> Row:
        """The row of this name, measured unless it is known."""
        if name not in self.rows:
            self.rows[name] = measure()
            self._write()
        return self.rows[name]

    def _read(self, path: Path) -> dict[str, Row]:
        try:
            state = json.loads(path.read_text())
            return dict(state["rows"]) if state["key"] == self.key else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write(self) -> None:
        if self.path is None:
            return
        with whole_file(self.path) as part:
            part.write_text(json.dumps({"key": self.key, "rows": self.rows}))
