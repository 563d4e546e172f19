#!/bin/sh
# Writes Sources/WireMessages/Generated anew from Protos. Needed only after a .proto changed: the
# results are committed, so that nobody who builds has to build the generator.
#
# Wants `protoc` (3.15 or later, `apt-get install protobuf-compiler`) and `protoc-gen-swift`, built
# once from the version of swift-protobuf that Package.swift names:
#
#   git clone -b 1.39.0 https://github.com/apple/swift-protobuf
#   cd swift-protobuf && swift build --product protoc-gen-swift
#
# PROTOC and PROTOC_GEN_SWIFT name them where they are not on the path.
set -eu
cd "$(dirname "$0")/.."
protoc=${PROTOC:-protoc}
plugin=${PROTOC_GEN_SWIFT:-$(command -v protoc-gen-swift || true)}
if ! command -v "$protoc" >/dev/null; then
  echo "generate-protos: no protoc; install protobuf-compiler, or set PROTOC to the program" >&2
  exit 1
fi
if [ -z "$plugin" ]; then
  echo "generate-protos: no protoc-gen-swift; build it as this script's head says," \
    "or set PROTOC_GEN_SWIFT to the program" >&2
  exit 1
fi
out=Sources/WireMessages/Generated
mkdir -p "$out"
"$protoc" --proto_path=Protos --plugin="protoc-gen-swift=$plugin" \
  --swift_opt=Visibility=Public --swift_opt=UseAccessLevelOnImports=true \
  --swift_out="$out" Protos/*.proto
echo "generate-protos: wrote $(ls "$out" | wc -l) files to $out"
