#!/usr/bin/env bash
# ONNX Runtime 1.32.0 starts its telemetry on Linux when it is imported; disable_telemetry_events comes too late.
#
# Up to 1.28.0 its wheels for Linux had none; from 1.29.0 on, `import onnxruntime` alone writes a persistent device
# identifier and a database of events to be sent into the user's cache folder: before any session is made, and before a
# program has had the chance to call the documented `onnxruntime.disable_telemetry_events()`, after which the files stay.
# Only the environment variable ORT_DISABLE_TELEMETRY=1, set before the import, leaves no trace. (A variable CI, as build
# services set it, has the same effect: a test there does not notice.)
#
# Seen with onnxruntime 1.32.0 on Linux, x86-64:
#   imported: 2 files: deviceid, onnxruntime.db
#   imported, then disable_telemetry_events(): 2 files: deviceid, onnxruntime.db
#   imported with ORT_DISABLE_TELEMETRY=1: 0 files
#   imported with CI=1: 0 files
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnxruntime==1.32.0 numpy==2.4.6

# try NAME CODE [VARIABLE=VALUE]...: runs the code in an empty home folder and lists the files it leaves there.
try() {
    local name=$1 code=$2 home
    shift 2
    home=$(mktemp -d -p "$folder")
    env -u CI -u XDG_CACHE_HOME HOME="$home" "$@" venv/bin/python -c "$code"
    # the database's own journals come and go
    find "$home" -type f -not -name '*.db-*' -not -name '*.lock' -printf '%f\n' | LC_ALL=C sort |
        awk -v name="$name" '{ files = files (NR > 1 ? ", " : ": ") $0 } END { print name ": " NR " files" files }'
}

{
    try "imported" "import onnxruntime"
    try "imported, then disable_telemetry_events()" "import onnxruntime; onnxruntime.disable_telemetry_events()"
    try "imported with ORT_DISABLE_TELEMETRY=1" "import onnxruntime" ORT_DISABLE_TELEMETRY=1
    try "imported with CI=1" "import onnxruntime" CI=1
} | tee seen
diff seen - <<'SEEN'
imported: 2 files: deviceid, onnxruntime.db
imported, then disable_telemetry_events(): 2 files: deviceid, onnxruntime.db
imported with ORT_DISABLE_TELEMETRY=1: 0 files
imported with CI=1: 0 files
SEEN
