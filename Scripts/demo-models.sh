#!/usr/bin/env bash
# Makes the demo repository .demo/models: the trained digits model and three zoo networks.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "== demo models (.demo/models)"
rm -rf .demo/models.new
mkdir -p .demo/models.new
cp -r Models/digits .demo/models.new/
.build/release/sluice zoo build tiny squeezenet mobilenet_v2 --output .demo/models.new
rm -rf .demo/models
mv .demo/models.new .demo/models
