"""ONNX Runtime, imported without its telemetry.

From 1.29 on its builds for Linux send usage events, and keep an identifier and a queue of events in the user's
cache folder, from the moment of the import. Only this variable, set before it, turns all of that off;
`disable_telemetry_events` comes too late.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # after the variable is set

__all__ = ["onnxruntime"]
