# SPDX-License-Identifier: MIT
"""The C++ kernels are compiled with flags that the machine's compiler knows."""

import pytest

from qpvo_train.native import X86_FLAGS, compiler_flags


@pytest.mark.parametrize("exact", [False, True])
def test_flags_of_x86_are_for_x86_alone(exact: bool):
    x86, arm = (compiler_flags(exact=exact, machine=machine) for machine in ("x86_64", "aarch64"))
    assert arm == [flag for flag in x86 if flag not in X86_FLAGS] != x86
    assert not any(flag.startswith("-m") and flag != "-march=native" for flag in arm)
    assert ("-ffast-math" in arm) != exact
