# Building a CMake preset. Sourced by ./dev and the tools.

# build_preset PRESET TARGET...: configures once, then builds what changed; prints only what matters.
build_preset() {
  local preset=$1
  shift
  local folder=build/$preset log
  mkdir -p "$folder"
  log=$folder/build.log
  if [ ! -f "$folder/build.ninja" ]; then
    echo "Configuring build/$preset"
    if ! cmake --preset "$preset" >"$log" 2>&1; then
      tail -n 30 "$log" >&2
      return 1
    fi
  fi
  if ninja -C "$folder" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    return 0
  fi
  echo "Building build/$preset (a few minutes the first time)"
  if ! ninja -C "$folder" "$@" >"$log" 2>&1; then
    grep -E -A 12 'FAILED|error' "$log" | head -n 80 >&2
    echo "The build failed; the whole output is in $log" >&2
    return 1
  fi
}
