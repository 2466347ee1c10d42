#!/usr/bin/env bash
# Fetches Debian's 6.12 kernel into build/guest, unpacked and not installed: the tests boot it in
# QEMU. Prints the folder. Does nothing when it is there.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
folder=build/guest
if [ ! -e "$folder/ready" ]; then
  rm -rf "$folder"
  mkdir -p "$folder/packages"
  # The package of the newest one only names it.
  package=$(apt-cache depends linux-image-6.12-amd64 | sed -n 's/^ *Depends: \(linux-image-6.12[^ ]*\)$/\1/p' | head -n 1)
  [ -n "$package" ] || { echo "apt knows no linux-image-6.12-amd64 (bookworm-security has it)" >&2; exit 1; }
  (cd "$folder/packages" && apt-get -qq download "$package" >&2)
  dpkg -x "$folder"/packages/*.deb "$folder/root"
  rm -r "$folder/packages"
  touch "$folder/ready"
fi
echo "$folder/root"
