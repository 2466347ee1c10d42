#!/usr/bin/env bash
# ./dev cert DIR: a self-signed certificate for localhost and loopback, and its key. A pair that is
# there is left alone.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
source tools/packages.sh

[ $# -eq 1 ] || { echo "usage: ./dev cert DIR" >&2; exit 2; }
command -v openssl >/dev/null || ensure_packages cert
mkdir -p "$1"
certificate=$1/public.crt key=$1/private.key
if [ -e "$certificate" ] || [ -e "$key" ]; then
  echo "There is a pair in $1 already: remove it first" >&2
  exit 1
fi
(
  umask 077
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
    -addext "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1" \
    -keyout "$key" -out "$certificate" 2>/dev/null
)
chmod 644 "$certificate"
echo "strata serve --tls-cert $certificate --tls-key $key"
