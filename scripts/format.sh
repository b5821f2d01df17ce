#!/usr/bin/env bash
# Formats the C++ and Python sources in place; with --check changes nothing and fails where something would change.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i) ruff_mode=()
[ "${1:-}" != --check ] || mode=(--dry-run -Werror) ruff_mode=(--diff)
git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-14 "${mode[@]}"
"$(scripts/python-env.sh lint)" -m ruff format --quiet "${ruff_mode[@]}"
