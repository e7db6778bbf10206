# SPDX-License-Identifier: MIT
"""YAML files of plain values, read strictly."""

from pathlib import Path

import yaml

from .errors import TrainingError


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping with a key that stands twice, of which YAML's loader would silently take the last one."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node, seen = super().compose_mapping_node(anchor), set()
        for key, _ in node.value:
            if (key.tag, str(key.value)) in seen:
                raise yaml.composer.ComposerError("in a mapping", node.start_mark, f"the key {key.value} stands twice", key.start_mark)
            seen.add((key.tag, str(key.value)))
        return node


def read_yaml(path: Path) -> object:
    """The value of a file, None for an empty one.

    Raises TrainingError for a file that cannot be read, is not UTF-8 or not YAML, or has a key twice.
    """
    advice = "Correct the file; configs/small.yaml is an example."
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # a safe loader
    except OSError as error:
        raise TrainingError(f"cannot read the configuration {path}", received=error.strerror, advice="Give one of configs/*.yaml.") from None
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path} is no text", expected="UTF-8", received=error, advice=advice) from None
    except (yaml.YAMLError, ValueError) as error:
        raise TrainingError(f"{path} is not YAML", received=error, advice=advice) from None


def number_advice(value: object) -> str:
    """How to write a number that YAML takes for text, such as 8e-4; nothing for anything else."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    mantissa, _, exponent = value.lower().partition("e")
    point = mantissa if "." in mantissa else f"{mantissa}.0"
    sign = exponent if exponent[:1] in ("", "-", "+") else f"+{exponent}"
    return f"YAML takes this for text: write {point}e{sign}, with a point and a sign." if exponent else "Write the number without quotes."
