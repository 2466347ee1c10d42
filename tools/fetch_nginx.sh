#!/usr/bin/env bash
# Puts Debian's nginx into build/nginx unless the machine has one. It is unpacked, not installed: the
# package would start a server on port 80.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
target=$PWD/build/nginx
if [ -x "$target/usr/sbin/nginx" ] || [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null; then
  exit 0
fi
work=$target.new
rm -rf "$work"
mkdir -p "$work"
cd "$work"
if ! { apt-get -o APT::Sandbox::User=root download -q nginx && dpkg-deb -x nginx_*.deb .; } >fetch.log 2>&1; then
  tail -n 20 fetch.log >&2
  echo "nginx could not be fetched; 'apt-get update' may help, or install it" >&2
  exit 1
fi
rm -f nginx_*.deb
mv "$work" "$target"
