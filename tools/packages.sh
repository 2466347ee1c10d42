# What Debian 12 packages each task needs, and their installation. Sourced by ./dev and the tools.

packages_build=(
  g++ cmake ninja-build pkg-config ccache git ca-certificates
  liburing-dev librocksdb-dev libxxhash-dev libisal-dev libssl-dev libpugixml-dev libcli11-dev
  libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev libfmt-dev prometheus-cpp-dev
)
packages_test=(
  libgtest-dev librapidcheck-dev python3 python3-venv curl
  fio libnbd-bin fuse3 qemu-utils e2fsprogs xfsprogs mount util-linux rclone python3-boto3 openssl
  postgresql qemu-system-x86 busybox-static nbd-client
  python3-matplotlib s3fs chromium  # the comparison: its charts, a mounted bucket, a look at its page
  s3cmd restic  # and s3fs, rclone: clients of S3
)
packages_cert=(openssl)
packages_lint=(clang-19 clang-tidy-19 clang-format-19)
packages_fuzz=(clang-19 libclang-rt-19-dev)
packages_compare=(
  gcc make dpkg-dev libnbd-dev libcurl4-openssl-dev libssl-dev libaio-dev zlib1g-dev
  python3 python3-matplotlib                                   # what measures, and draws
  libnbd-bin fuse3 e2fsprogs mount util-linux s3fs rclone      # a volume attached, a bucket mounted
)
packages_bench=(
  wrk fio openssl python3 libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g  # the last five are nginx's
)
packages_bench_block=(
  fio nbdkit python3 qemu-utils qemu-system-common         # the last has qemu-storage-daemon
  qemu-system-x86 busybox-static nbd-client curl           # a guest that has ublk
)
packages_bench_full=(postgresql xfsprogs libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g)  # the last are nginx's
packages_profile=(linux-perf)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# ensure_packages GROUP...: installs what is missing of the groups; silent when nothing is.
ensure_packages() {
  local wanted=() missing=() group
  for group in "$@"; do
    local -n list="packages_$group"
    wanted+=("${list[@]}")
  done
  mapfile -t missing < <(
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
      <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
        sed -n 's/^installed //p' | sort -u))
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "Strata builds on Debian 12's packages; please install: ${missing[*]}" >&2
    return 1
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "Could not install the packages; the whole output is in $log" >&2
    return 1
  fi
  rm -f "$log"
}
