# SPDX-License-Identifier: MIT
"""The one error that users of the training code are meant to read."""


class TrainingError(Exception):
    """Wrong input of any kind; its text says what was expected, what came and what to do."""

    def __init__(self, what: str, *, expected: object = None, received: object = None, advice: str = "") -> None:
        parts = [what]
        if expected is not None:
            parts.append(f"  expected: {expected}")
        if received is not None:
            parts.append(f"  received: {received}")
        if advice:
            parts.append(f"  {advice}")
        super().__init__("\n".join(parts))
