#!/usr/bin/env bash
# Runs the Swift tests, then the conformance tests with real clients against a real server, and
# closes with one line that counts both.
set -uo pipefail
cd "$(dirname "$0")/.."

swift_log=$(mktemp)
python_log=$(mktemp)
trap 'rm -f "$swift_log" "$python_log"' EXIT
passed=0
failed=0

echo "== building (debug)"
swift build --build-tests || { echo "0 passed, 1 failed"; exit 1; }

echo "== Swift tests"
# Six times as long as they take: who hangs must not hold everybody up.
timeout --kill-after=30 1800 swift test --skip-build 2>&1 | tee "$swift_log"
swift_status=${PIPESTATUS[0]}
# Swift Testing closes with "Test run with N tests in M suites passed|failed ... with K issues".
total=$(sed -nE 's/.*Test run with ([0-9]+) tests?.*/\1/p' "$swift_log" | tail -n 1)
bad=$(grep -cE '^✘ Test ("|[A-Za-z_]+\(.*\)).* failed after' "$swift_log" || true)
if [ "$swift_status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then bad=1; fi
[ "$swift_status" -eq 0 ] && bad=0
passed=$((passed + ${total:-0} - bad))
failed=$((failed + bad))
[ "$passed" -ge 0 ] || passed=0

echo "== conformance tests (real clients)"
.venv/bin/python -m pytest -q --no-header -p no:cacheprovider Tests/Conformance 2>&1 | tee "$python_log"
python_status=${PIPESTATUS[0]}
# pytest closes with "N failed, N passed, N errors in ...", each only where it is not 0.
tally() {
    tail -n 1 "$python_log" | grep -oE "[0-9]+ ($1)" | awk '{ sum += $1 } END { print sum + 0 }'
}
good=$(tally passed)
bad=$(tally 'failed|errors?')
if [ "$python_status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then bad=1; fi
passed=$((passed + ${good:-0}))
failed=$((failed + ${bad:-0}))

# Whoever sees only the end of a long log must see what failed.
if [ "$failed" -gt 0 ]; then
    echo
    echo "== what failed"
    grep -hE '^✘|^(FAILED|ERROR) |: (error|Fatal error):|: Fatal error|error: Exited' "$swift_log" "$python_log" |
        head -n 60
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
