#!/usr/bin/env bash
# Builds the clients of tests/clients/sdk with the AWS SDKs, into build/sdk: of all whose toolchain is
# installed, or of those named (js go java rust). Downloads the SDKs with the languages' own tools.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

sources=$PWD/tests/clients/sdk
out=$PWD/build/sdk
wanted=("$@")
[ ${#wanted[@]} -gt 0 ] || wanted=(js go java rust)

# copy LANGUAGE: the sources in a folder where the tools may write.
copy() {
  mkdir -p "$out/$1"
  cp -r "$sources/$1/." "$out/$1/"
}

build_js() { npm install --silent --no-audit --no-fund; }
build_go() {
  go mod tidy
  go build -p 2 -o client .
}
build_java() {
  mvn -q -B package dependency:copy-dependencies -DoutputDirectory=target/jars
}
build_rust() { cargo build --quiet --jobs "${STRATA_SDK_JOBS:-2}"; }
declare -A tool=([js]=npm [go]=go [java]=mvn [rust]=cargo)

for language in "${wanted[@]}"; do
  if [ -z "${tool[$language]:-}" ]; then
    echo "There is no SDK client '$language': js, go, java or rust" >&2
    exit 2
  fi
  if ! command -v "${tool[$language]}" >/dev/null; then
    echo "$language: skipped, ${tool[$language]} is not installed"
    continue
  fi
  copy "$language"
  rm -f "$out/$language/ready"
  (cd "$out/$language" && "build_$language")
  touch "$out/$language/ready"
  echo "$language: built"
done
