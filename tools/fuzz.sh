#!/usr/bin/env bash
# ./dev fuzz [SECONDS] [TARGET]: runs every fuzz target for SECONDS each, and checks that the harness
# finds the bug of the one target that must fail.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
source tools/packages.sh
source tools/build.sh
seconds=${1:-10}
only=${2:-}
ensure_packages build test fuzz

mapfile -t targets < <(cd tests/fuzz && ls ./*_fuzz.cc | sed 's|^\./||; s|\.cc$||')
build_preset fuzz "${targets[@]}"

# One target; its last words are in its folder's `result`: ok or failed, and what to print.
run_target() {
  local target=$1 work=build/fuzz/runs/$1 status=0 seeds=() runs
  rm -rf "$work/found" "$work/result"
  mkdir -p "$work/corpus" "$work/found"
  [ -d "tests/fuzz/corpus/$target" ] && seeds=("tests/fuzz/corpus/$target")
  timeout $((seconds * 3 + 60)) "build/fuzz/tests/fuzz/$target" "$work/corpus" "${seeds[@]}" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$work/found/" >"$work/log" 2>&1 || status=$?
  if [ "$target" = must_fail_fuzz ]; then
    # The harness itself is on trial: a run that finds nothing here would find nothing anywhere.
    if compgen -G "$work/found/crash-*" >/dev/null; then status=0; else status=1; fi
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  if [ $status -eq 0 ]; then
    echo "ok      $target (${runs:-some} inputs)" | tee "$work/result"
  else
    echo "FAILED  $target: see $work/log and $work/found" | tee "$work/result" >&2
    tail -n 25 "$work/log" >&2
  fi
}

[ -z "$only" ] || targets=("$only")
for target in "${targets[@]}"; do
  # As many at a time as there are cores.
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  run_target "$target" &
done
wait

passed=0 failed=0
for target in "${targets[@]}"; do
  if grep -q '^ok ' "build/fuzz/runs/$target/result" 2>/dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ $failed -eq 0 ]
