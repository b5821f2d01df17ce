#!/usr/bin/env bash
# Installs the Debian 12 packages that synthserve needs. As root, or through sudo.
#   scripts/install-deps.sh               everything: building, testing, training, checking
#   scripts/install-deps.sh --build-only  what the server and the client are built with
# Does nothing, and needs no network, where all of them are there already.
set -euo pipefail

build=(
  ca-certificates curl g++ cmake ninja-build pkg-config
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libcli11-dev libeigen3-dev libpng-dev libsentencepiece-dev libspdlog-dev libssl-dev
  libtbb-dev libutf8proc-dev nlohmann-json3-dev prometheus-cpp-dev
)
everything=(
  "${build[@]}"
  ccache git libbenchmark-dev libgmock-dev libgtest-dev
  clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
  prometheus shellcheck
  python3 python3-grpc-tools python3-grpcio python3-numpy python3-protobuf python3-pytest python3-sentencepiece
  python3-sklearn
  python3-torch python3-tqdm python3-venv
)

case "${1:-}" in
  '') packages=("${everything[@]}") ;;
  --build-only) packages=("${build[@]}") ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
echo "installing: ${missing[*]}"
"${root[@]}" apt-get -qq update
# RUNLEVEL=1 keeps the prometheus package from starting a service of its own.
"${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
  apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}" >/dev/null
