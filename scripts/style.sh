#!/usr/bin/env bash
# All that can be checked without compiling, in some seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/format.sh --check
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
scripts/check_layers.py
