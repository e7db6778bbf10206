#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# All that a machine with a GPU shows, without Node: builds qpvo_gpu_bench and runs it, the stand-in in PyTorch, and the judgement.
#
#   scripts/gpu/measure.sh <folder> [minutes]
#
# <folder> gets the output of each step, <step>.txt, the records, *.json, and steps.txt. After a step that fails the next ones run all the same, but without the program there
# is only the judgement; the exit code is 1 then. minutes (10): steps for which no time is left are not run, what matters most comes first, and the judgement comes last in any case.
#
#   QPVO_PYTHON        Python with PyTorch for CUDA (python3); without it there is nothing to hold the frames against
#   QPVO_COMMIT        of the source, where this is no clone
#   QPVO_GPU_PROGRAM   a finished qpvo_gpu_bench, which is then not built
#   QPVO_SANITIZER     compute-sanitizer, where it is not on PATH
set -uo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  sed -n '3,15p' "$0" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1" || exit 2
out=$(cd "$1" && pwd)
end=$((SECONDS + 60 * ${2:-10}))
kept=20 # seconds for the judgement
python=${QPVO_PYTHON:-python3}
sanitizer=${QPVO_SANITIZER:-compute-sanitizer}
build=$root/build/gpu
program=${QPVO_GPU_PROGRAM:-$build/native/gpu/qpvo_gpu_bench}
commit=${QPVO_COMMIT:-$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)}
failed=()
cd "$root" || exit 2
: >"$out/steps.txt"

note() {
  echo "$*" | tee -a "$out/steps.txt"
}

# step <name> <most seconds> <command...>: output in <name>.txt, the outcome in steps.txt.
step() {
  local name=$1 limit=$2 left=$((end - kept - SECONDS)) begin=$SECONDS code
  shift 2
  if [ "$left" -lt 5 ]; then
    note "NOT RUN  $name: no time left"
    failed+=("$name")
    return 1
  fi
  timeout --kill-after=10 "$((left < limit ? left : limit))" "$@" >"$out/$name.txt" 2>&1
  code=$?
  case $code in
    0) note "ok       $name ($((SECONDS - begin)) s)" ;;
    124 | 137) note "CUT OFF  $name after $((SECONDS - begin)) s" ;;
    *) note "FAILED   $name with exit code $code: $(tail -n 1 "$out/$name.txt")" ;;
  esac
  [ "$code" -eq 0 ] || failed+=("$name")
  return "$code"
}

# frame <precision> <windows>
frame() {
  step "frame-$1-$2" 60 "$program" frame --network base --size 752x480 --precision "$1" --windows "$2" --commit "$commit" --json "$out/frame-$1-$2.json"
}

# eager <windows>
eager() {
  PYTHONPATH=$root/training step "pytorch-$1" 90 "$python" -m qpvo_train time-frame --config training/configs/base.yaml --windows "$1" --size 752x480 \
    --frames 30 --device cuda --out "$out/pytorch-$1.json"
}

# sanitize <tool>: of the small rows.
sanitize() {
  step "sanitizer-$1" 60 "$sanitizer" --tool "$1" --error-exitcode 1 "$program" check --small
}

# program_there: as it was given, else built of these sources; shows why not.
program_there() {
  if [ -n "${QPVO_GPU_PROGRAM:-}" ]; then
    [ -x "$program" ]
    return
  fi
  if ! step configure 60 cmake -S "$root" -B "$build" -DQPVO_GPU_BENCH=ON -DCMAKE_BUILD_TYPE=Release; then
    cat "$out/configure.txt" 2>/dev/null
    return 1
  fi
  step build 420 cmake --build "$build" --target qpvo_gpu_bench --parallel "$(nproc)" && return
  tail -n 20 "$out/build.txt" 2>/dev/null
  return 1
}

# measure: all that takes the program.
measure() {
  step check 90 "$program" check
  for model in models/*/; do
    step "golden-$(basename "$model")" 60 "$program" check --only golden --golden "${model%/}"
  done
  for windows in default fast; do
    for precision in fp16 int8; do frame "$precision" "$windows"; done
  done
  for windows in default fast; do eager "$windows"; done
  step time 90 "$program" time --commit "$commit" --json "$out/time.json"
  step soak 150 "$program" soak --network base --size 752x480 --precision int8 --windows fast --commit "$commit" --json "$out/soak.json"
  if command -v "$sanitizer" >/dev/null; then
    for tool in memcheck racecheck synccheck; do sanitize "$tool"; done
  else
    note "NOT RUN  sanitizers: no $sanitizer here"
  fi
}

step device 20 nvidia-smi
if program_there; then
  measure
else
  note "NOT RUN  all that takes qpvo_gpu_bench: there is none"
  failed+=(qpvo_gpu_bench)
fi

kept=0 end=$((SECONDS + 30))
PYTHONPATH=$root/training step judgement 30 "$python" -m qpvo_train.gpu_targets "$out" --out "$out/judged.json"
cat "$out/judgement.txt"
[ ${#failed[@]} -eq 0 ] && exit 0
note "not ok: ${failed[*]}"
exit 1
