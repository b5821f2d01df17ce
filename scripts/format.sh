#!/usr/bin/env bash
# Formats the C++ sources in place; with --check changes nothing and fails where something would change.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[ "${1:-}" != --check ] || mode=(--dry-run -Werror)
git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-14 "${mode[@]}"
