#!/bin/sh
# Puts ONNX Runtime's library into .engine/ of this checkout: libonnxruntime.so out of the PyPI
# wheel `onnxruntime`, in the version that Scripts/engine.lock names. Nothing is installed
# elsewhere; a second run finds the library there and ends at once.
#
#   Scripts/setup-engine.sh [WHEEL]     WHEEL: a wheel that is already here, instead of pip's;
#                                       one of onnxruntime-gpu brings the CUDA provider along
#
# PYTHON names the interpreter to use, python3 otherwise.
set -eu
wheel=${1:-}
case $wheel in
"" | /*) ;;
*) wheel=$PWD/$wheel ;;
esac
cd "$(dirname "$0")/.."

fail() {
    echo "setup-engine: $*" >&2
    exit 1
}

version=$(sed -n 's/^onnxruntime=//p' Scripts/engine.lock)
[ -n "$version" ] || fail "Scripts/engine.lock has no line onnxruntime=VERSION; restore the file"
home=.engine
library=$home/libonnxruntime.so.$version

if [ -z "$wheel" ] && [ -s "$library" ] && [ "$(cat "$home/version" 2>/dev/null)" = "$version" ]; then
    echo "setup-engine: ONNX Runtime $version is in $home"
    exit 0
fi

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "no $python; install it (apt-get install python3" \
    "python3-pip), or set SLUICE_ONNXRUNTIME to a libonnxruntime.so that you have"

mkdir -p "$home"
scratch=$(mktemp -d "$home/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# Prints the words that start pip, making a throwaway environment where the system has none.
find_pip() {
    if "$python" -m pip --version >/dev/null 2>&1; then
        echo "$python"
    elif "$python" -m venv "$scratch/venv" >/dev/null 2>&1; then
        echo "$scratch/venv/bin/python"
    fi
}

download() {
    "$1" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$scratch" "onnxruntime==$version" 2>"$scratch/log" && return
    # Pythons without a wheel of their own: the library inside is the same for all of them.
    "$1" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.12 --platform "manylinux_2_28_$(uname -m)" \
        --dest "$scratch" "onnxruntime==$version" 2>>"$scratch/log"
}

if [ -z "$wheel" ]; then
    pip=$(find_pip)
    [ -n "$pip" ] || fail "$python has neither pip nor venv; install one (apt-get install" \
        "python3-pip), or set SLUICE_ONNXRUNTIME to a libonnxruntime.so that you have"
    echo "setup-engine: fetching ONNX Runtime $version (24 MB)"
    if ! download "$pip"; then
        tail -n 3 "$scratch/log" >&2
        fail "pip could not fetch onnxruntime $version; check the network and pip's index, or" \
            "pass a wheel: Scripts/setup-engine.sh onnxruntime-$version-....whl"
    fi
    wheel=$(find "$scratch" -name 'onnxruntime-*.whl' | head -n 1)
fi
[ -s "$wheel" ] || fail "there is no wheel at '$wheel'; give the path of a file"

# Unpacks the library and asks it for its version.
"$python" - "$wheel" "$scratch" "$version" <<'PYTHON' || exit 1
import ctypes, os, shutil, sys, zipfile

wheel, scratch, version = sys.argv[1:]


def stop(message):
    sys.exit("setup-engine: " + message)


wanted = {
    "onnxruntime/capi/libonnxruntime.so." + version: "libonnxruntime.so",
    "onnxruntime/LICENSE": "LICENSE",
    "onnxruntime/ThirdPartyNotices.txt": "ThirdPartyNotices.txt",
}
try:
    with zipfile.ZipFile(wheel) as archive:
        # The CUDA provider must lie beside the library that opens it.
        for name in archive.namelist():
            base = os.path.basename(name)
            if base in ("libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"):
                wanted[name] = base
        for name, target in wanted.items():
            with archive.open(name) as source:
                with open(os.path.join(scratch, target), "wb") as sink:
                    shutil.copyfileobj(source, sink)
except (OSError, KeyError, zipfile.BadZipFile) as problem:
    stop(f"{wheel} is no wheel of onnxruntime {version}: {problem}")


class ApiBase(ctypes.Structure):
    _fields_ = [
        ("api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)),
        ("version", ctypes.CFUNCTYPE(ctypes.c_char_p)),
    ]


try:
    library = ctypes.CDLL(os.path.abspath(os.path.join(scratch, "libonnxruntime.so")))
except OSError as problem:
    stop(f"the library does not load on this machine: {problem}")
library.OrtGetApiBase.restype = ctypes.POINTER(ApiBase)
found = library.OrtGetApiBase().contents.version().decode()
if found != version:
    stop(f"the wheel holds ONNX Runtime {found}, not {version}; check Scripts/engine.lock")
PYTHON

mv "$scratch/LICENSE" "$scratch/ThirdPartyNotices.txt" "$home/"
for provider in "$scratch"/libonnxruntime_providers_*.so; do
    if [ -e "$provider" ]; then mv "$provider" "$home/"; fi
done
mv "$scratch/libonnxruntime.so" "$library"
ln -sf "libonnxruntime.so.$version" "$home/libonnxruntime.so"
echo "$version" >"$home/version"
echo "setup-engine: ONNX Runtime $version is in $home"
