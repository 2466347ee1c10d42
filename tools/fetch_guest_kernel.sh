#!/usr/bin/env bash
# Fetches a kernel that the tests boot in QEMU, unpacked and not installed, and prints its folder.
# Does nothing when it is there.
#
#   fetch_guest_kernel.sh        Debian 12's 6.12, from the host's own sources, into build/guest
#   fetch_guest_kernel.sh new    the newest of Debian 13's backports, into build/guest-new: it has
#                                what ublk learnt after 6.12. apt's own sources stay as they are.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

fetch_old() {  # FOLDER
  # The package of the newest one only names it.
  local package
  package=$(apt-cache depends linux-image-6.12-amd64 | sed -n 's/^ *Depends: \(linux-image-6.12[^ ]*\)$/\1/p' | head -n 1)
  [ -n "$package" ] || { echo "apt knows no linux-image-6.12-amd64 (bookworm-security has it)" >&2; exit 1; }
  (cd "$1/packages" && apt-get -qq download "$package" >&2)
}

fetch_new() {  # FOLDER
  local apt=$PWD/$1/apt keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r "$keys" ] || { echo "no $keys: install debian-archive-keyring" >&2; exit 1; }
  # From where the host has its Debian 12.
  local mirror
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | sed -n 's/^bookworm //p' | head -n 1)
  [ -n "$mirror" ] || { echo "apt has no source of bookworm, from whose mirror to take trixie-backports" >&2; exit 1; }
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  echo "deb [signed-by=$keys] $mirror trixie-backports main" > "$apt/sources.list"
  local options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o APT::Update::Post-Invoke-Success::= -o APT::Sandbox::User=root -o Acquire::Retries=2
    -o Acquire::http::Timeout=20)
  apt-get -qq "${options[@]}" update >&2
  # In the order of its dependencies: the packages with the kernel and its modules, or one with both.
  local image packages=()
  image=$(apt-cache "${options[@]}" depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
  [ -n "$image" ] || { echo "trixie-backports has no linux-image-amd64" >&2; exit 1; }
  mapfile -t packages < <(apt-cache "${options[@]}" depends "$image" | sed -n 's/^ *Depends: \(linux-\(binary\|modules\)-[0-9][^ ]*\)$/\1/p')
  (cd "$1/packages" && apt-get -qq "${options[@]}" download "$image" "${packages[@]}" >&2)
  rm -r "$apt"
}

case ${1:-} in
  "") folder=build/guest fetch=fetch_old ;;
  new) folder=build/guest-new fetch=fetch_new ;;
  *) echo "usage: $0 [new]" >&2; exit 2 ;;
esac
if [ ! -e "$folder/ready" ]; then
  rm -rf "$folder"
  mkdir -p "$folder/packages"
  $fetch "$folder"
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$folder/root"; done
  rm -r "$folder/packages"
  touch "$folder/ready"
fi
echo "$folder/root"
