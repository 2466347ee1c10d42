#!/usr/bin/env bash
# Builds fio with the http and nbd engines from Debian's own source package into build/fio. Debian's
# binary has no http engine.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
source tools/packages.sh
target=$PWD/build/fio
if [ -x "$target/fio" ]; then exit 0; fi
ensure_packages compare

echo "Building fio with its http and nbd engines (about 15 s)"
work=$PWD/build/fio-source
rm -rf "$work"
mkdir -p "$work/lists/partial" "$target"
log=$target/build.log

# A source list and package state of our own: the machine's configuration stays as it is. Sources come
# from wherever the machine has its Debian packages from.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt-get indextargets --format "deb-src [signed-by=$keyring] \$(REPO_URI) \$(RELEASE) main" \
  'Identifier: Packages' 'Origin: Debian' 'Component: main' | sort -u >"$work/sources.list"
[ -s "$work/sources.list" ] || {
  echo "apt knows no Debian repository on this machine; run 'apt-get update' first" >&2
  exit 1
}
apt_options=(
  -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
  -o APT::Sandbox::User=root
)
{
  apt-get "${apt_options[@]}" update -q
  (cd "$work" && apt-get "${apt_options[@]}" source -q fio)
  cd "$work"/fio-*/
  ./configure --enable-libnbd --extra-cflags=-Wno-error
  make -j"$(nproc)"
} >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  echo "fio could not be built; the whole output is in $log" >&2
  exit 1
}
cp "$work"/fio-*/fio "$target/fio.new"
engines=$("$target/fio.new" --enghelp)
for engine in http nbd io_uring; do
  grep -qw "$engine" <<<"$engines" || {
    echo "the fio just built lacks the engine $engine; see $log" >&2
    exit 1
  }
done
mv "$target/fio.new" "$target/fio"
rm -rf "$work"
