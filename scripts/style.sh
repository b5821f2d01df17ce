#!/usr/bin/env bash
# All that can be checked without compiling, in some seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/format.sh --check
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
python=$(scripts/python-env.sh lint)
"$python" -m ruff check --quiet
"$python" -m mypy --no-error-summary
scripts/check_layers.py
scripts/check_prose.py
(cd deploy/prometheus && promtool check config prometheus.yml && promtool test rules rules_test.yml)
