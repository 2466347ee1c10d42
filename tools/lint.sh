#!/usr/bin/env bash
# ./dev lint [--fix]: clang-format and clang-tidy of one pinned version, and the rules of the house.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
source tools/packages.sh
source tools/build.sh
ensure_packages build test lint fuzz
mapfile -t sources < <(git ls-files --cached --others --exclude-standard -- '*.h' '*.cc')
existing=()
for file in "${sources[@]}"; do [ -f "$file" ] && existing+=("$file"); done
sources=("${existing[@]}")

if [ "${1:-}" = --fix ]; then
  clang-format-19 -i "${sources[@]}"
  exit 0
fi
failed=0
mkdir -p build
clang-format-19 --dry-run -Werror "${sources[@]}" 2>&1 | grep -E 'error:' | head -n 20 && failed=1
[ $failed -eq 0 ] || echo "lint: './dev lint --fix' formats the files above" >&2

python3 tests/house/arrows_test.py || failed=1
python3 tests/house/names_test.py || failed=1
python3 tests/house/rules_test.py || failed=1
for script in dev .ci/run $(git ls-files -- '*.sh'); do bash -n "$script" || failed=1; done

if [ ! -f build/lint/compile_commands.json ] || [ -n "$(find . -name CMakeLists.txt -newer build/lint/compile_commands.json -not -path './build/*' -print -quit)" ]; then
  cmake --preset lint >build/lint.log 2>&1 || { tail -n 20 build/lint.log >&2; exit 1; }
else
  # New files are found by their globs.
  cmake build/lint >build/lint.log 2>&1 || { tail -n 20 build/lint.log >&2; exit 1; }
fi
python3 tools/tidy.py build/lint || failed=1
[ $failed -eq 0 ] && echo "lint: clean" || echo "lint: see above" >&2
exit $failed
