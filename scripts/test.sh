#!/usr/bin/env bash
# From a fresh checkout: installs what is missing, builds, and runs all tests, C++ and Python.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh
cmake --preset dev >/dev/null
cmake --build --preset dev
ctest --preset dev -j "$(nproc)"

python=$(scripts/python-env.sh)
"$python" -m pytest -q train/tests tests/scripts
SYNTH_BUILD="$PWD/build/dev" "$python" -m pytest -q tests/integration
