#!/usr/bin/env bash
# Runs clang-tidy, and clang's own warnings with its thread-safety analysis, over every C++ source.
#   scripts/tidy.sh [PATTERN]   only the files whose path matches
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset tidy >/dev/null
cmake --build --preset tidy --target synth_proto synth_health_proto >/dev/null
run-clang-tidy-14 -quiet -p build/tidy -j "$(nproc)" "$PWD/(model|server|client|tests)/.*${1:-}.*\.cc\$" 2>/dev/null
