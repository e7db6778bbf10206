# SPDX-License-Identifier: MIT
"""Files that are written whole or not at all: an interrupted write, or a second process at the same file, leaves the earlier one as it was."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A hidden path of the same suffix beside `path`, whose folder is made, to write to: it becomes `path` when the block ends, and goes when the block raises."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
