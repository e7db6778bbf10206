# SPDX-License-Identifier: MIT
"""C++ kernels of the training code for the CPU: compiled on first use, called through ctypes."""

import ctypes
import functools
import hashlib
import os
import platform
import subprocess
import tempfile
from pathlib import Path

from ..errors import TrainingError

FLAGS = ["-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fopenmp", "-shared", "-fPIC", "-std=c++17"]
X86_FLAGS = ("-mprefer-vector-width=512",)


def compiler_flags(*, exact: bool, machine: str) -> list[str]:
    """machine: as platform.machine() has it."""
    flags = FLAGS if machine in ("x86_64", "AMD64") else [flag for flag in FLAGS if flag not in X86_FLAGS]
    if not exact:
        return flags
    return [flag for flag in flags if flag != "-ffast-math"] + ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]


@functools.cache
def build_library(name: str, *, exact: bool = False) -> ctypes.CDLL:
    """Loads native/<name>.cpp, compiling it when its text, the flags or the processor changed. `exact`: every operation is rounded as IEEE 754 says.

    Raises TrainingError when there is no compiler or the compilation fails.
    """
    source = Path(__file__).with_name(f"{name}.cpp")
    flags = compiler_flags(exact=exact, machine=platform.machine())
    key = hashlib.sha256(source.read_bytes() + " ".join(flags).encode() + _processor().encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "qpvo_train"
    library = folder / f"{name}-{key}.so"
    if not library.exists():
        _compile(source, flags, library)
    return ctypes.CDLL(str(library))


def _compile(source: Path, flags: list[str], library: Path) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        built = Path(scratch) / library.name
        try:
            subprocess.run(["g++", *flags, str(source), "-o", str(built)], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise TrainingError("no C++ compiler", expected="g++ on the PATH", received="none", advice="Install g++ (apt install g++).") from None
        except subprocess.CalledProcessError as error:
            raise TrainingError(
                f"cannot compile {source.name}", expected="g++ to succeed", received=error.stderr[-2000:], advice="g++ 9 or newer is needed."
            ) from None
        os.replace(built, library)


def _processor() -> str:
    """What -march=native depends on."""
    try:
        return next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return ""
