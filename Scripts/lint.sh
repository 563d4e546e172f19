#!/usr/bin/env bash
# Formatting of the Swift sources and the syntax of the scripts; prints what is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files --cached --others --exclude-standard '*.swift' | grep -v /Generated/ |
    xargs swift format lint --strict --parallel
for script in Scripts/*.sh .ci/run; do bash -n "$script"; done
for script in Scripts/*.py Tests/Conformance/*.py; do
    python3 - "$script" <<'CHECK'
import ast, sys
ast.parse(open(sys.argv[1]).read(), sys.argv[1])
CHECK
done
