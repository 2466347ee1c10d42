#!/usr/bin/env bash
# ./dev test: installs, builds and runs every test. The last line is a plain summary.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
source tools/packages.sh
source tools/build.sh

preset=test
filter=()
fuzz_seconds=5
kills=0
while [ $# -gt 0 ]; do
  case "$1" in
    --asan) preset=asan ;;
    --tsan) preset=tsan ;;
    --label) filter+=(-L "$2"); fuzz_seconds=0; shift ;;
    --only) filter+=(-R "$2"); fuzz_seconds=0; shift ;;
    --fuzz-seconds) fuzz_seconds=$2; shift ;;
    --kill)
      kills=1000
      if [[ "${2:-}" =~ ^[0-9]+$ ]]; then
        kills=$2
        shift
      fi
      ;;
    *)
      cat >&2 <<'TEXT'
usage: ./dev test [--asan | --tsan] [--label LABEL] [--only REGEX] [--fuzz-seconds N]
       ./dev test [--asan | --tsan] --kill [N]
  labels: unit, model, crash, fault, house, client; --only takes ctest's regular expressions on names
  --fuzz-seconds 0 leaves out the smoke run of the fuzz targets (5 seconds each without it)
  --kill kills the server N times (1,000 without it) under load and checks what is left; about a second
  each, and it fails when it takes 6 seconds each
TEXT
      exit 2
      ;;
  esac
  shift
done

ensure_packages build test
if [ "$kills" -gt 0 ]; then
  build_preset "$preset" strata
  STRATA_BINARY=$PWD/build/$preset/strata exec python3 tests/clients/kill_load.py "$kills"
fi
build_preset "$preset" all

# Today's clients, from PyPI, in a folder of their own.
venv=$PWD/build/venv
if [ ! -x "$venv/bin/aws" ] || ! "$venv/bin/python3" -c 'import minio' 2>/dev/null; then
  echo "Installing the current boto3, aws CLI and minio into build/venv"
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check boto3 awscli minio
fi

export STRATA_BINARY=$PWD/build/$preset/strata
export STRATA_CLIENT_PYTHON=$venv/bin/python3
export PATH=$venv/bin:$PATH
export TSAN_OPTIONS="suppressions=$PWD/tests/support/tsan.supp"
report=$PWD/build/$preset/report.xml
status=0
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" \
  --output-junit "$report" "${filter[@]}" >"build/$preset/tests.log" 2>&1 || status=$?
grep -E 'Failed|\*\*\*|SKIPPED|\[  FAILED' "build/$preset/tests.log" | head -n 60 || true
[ $status -eq 0 ] || grep -B 2 -A 40 -E '\[  FAILED|Traceback|^FAIL' "build/$preset/tests.log" | head -n 300 || true

fuzz_failed=0 fuzz_passed=0
if [ "$fuzz_seconds" -gt 0 ] && [ "$preset" = test ]; then
  tools/fuzz.sh "$fuzz_seconds" | tee build/fuzz.log || true
  fuzz_passed=$(sed -n 's/^fuzz: \([0-9]*\) passed.*/\1/p' build/fuzz.log)
  fuzz_failed=$(sed -n 's/^fuzz: .* \([0-9]*\) failed/\1/p' build/fuzz.log)
  [ -n "$fuzz_failed" ] || fuzz_failed=1
fi

python3 - "$report" "${fuzz_passed:-0}" "$fuzz_failed" <<'TEXT'
import sys
import xml.etree.ElementTree as tree

suite = tree.parse(sys.argv[1]).getroot()
passed = failed = skipped = 0
for case in suite.iter("testcase"):
    status = case.get("status")
    if case.find("skipped") is not None or status in ("notrun", "disabled"):
        skipped += 1
        text = (case.findtext("system-out") or "").strip().splitlines()
        reason = next((line for line in text if "kip" in line), text[-1] if text else "")
        print(f"skipped: {case.get('name')}: {reason}")
    elif status == "run":
        passed += 1
    else:
        failed += 1
        print(f"failed: {case.get('name')}")
passed += int(sys.argv[2])
failed += int(sys.argv[3])
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
TEXT
