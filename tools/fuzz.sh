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

passed=0 failed=0
for target in "${targets[@]}"; do
  [ -n "$only" ] && [ "$only" != "$target" ] && continue
  work=build/fuzz/runs/$target
  rm -rf "$work/found"
  mkdir -p "$work/corpus" "$work/found"
  seeds=()
  [ -d "tests/fuzz/corpus/$target" ] && seeds=("tests/fuzz/corpus/$target")
  log=$work/log
  status=0
  timeout $((seconds * 3 + 60)) "build/fuzz/tests/fuzz/$target" "$work/corpus" "${seeds[@]}" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$work/found/" >"$log" 2>&1 || status=$?
  if [ "$target" = must_fail_fuzz ]; then
    # The harness itself is on trial: a run that finds nothing here would find nothing anywhere.
    if compgen -G "$work/found/crash-*" >/dev/null; then status=0; else status=1; fi
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [ $status -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok      $target (${runs:-some} inputs)"
  else
    failed=$((failed + 1))
    echo "FAILED  $target: see $log and $work/found" >&2
    tail -n 25 "$log" >&2
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ $failed -eq 0 ]
