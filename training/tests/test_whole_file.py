# SPDX-License-Identifier: MIT
"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from qpvo_train.whole_file import whole_file


def test_a_file_appears_whole_in_a_folder_that_is_made(tmp_path: Path):
    path = tmp_path / "new" / "table.json"
    with whole_file(path) as part:
        part.write_text("all of it")
        assert part.suffix == ".json" and not path.exists()
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_earlier_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "table.json"
    path.write_text("earlier")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]
