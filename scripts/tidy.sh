#!/usr/bin/env bash
# Runs clang-tidy, and clang's own warnings with its thread-safety analysis, over every C++ source.
# What was clean before and has not changed is not checked again (scripts/cached_tidy.py).
#   scripts/tidy.sh [PATTERN]   only the files whose path matches
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset tidy >/dev/null
# clang-tidy needs the generated headers, and nothing compiled.
generated=()
for name in synth/v1/inference grpc/health/v1/health; do
  generated+=("proto/$name.pb.h" "proto/$name.grpc.pb.h")
done
cmake --build --preset tidy --target "${generated[@]}" >/dev/null
python3 scripts/cached_tidy.py build/tidy "^(model|server|client|tests)/.*${1:-}.*\\.cc\$"
