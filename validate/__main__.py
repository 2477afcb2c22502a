"""Run ``grokode validate`` as ``python -m grokode_validate``."""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    sys.argv[1:1] = ["validate"]
    runpy.run_module("grokode", run_name="__main__", alter_sys=True)
