#!/usr/bin/env bash
# 80 % load on the demo models for SOAK_SECONDS (600), memory watched; fails if memory grows or a
# request fails.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" Scripts/soak.py "${SOAK_SECONDS:-600}"
