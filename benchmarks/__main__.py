"""``python -m benchmarks [NAME…] [--quick]``: run benchmarks, print their tables and write ``benchmarks/results/NAME.json``."""

from __future__ import annotations

import argparse
from importlib import import_module

NAMES = ("chat", "search", "answers", "soak", "channels", "inbox", "broadcast")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"benchmarks: {', '.join(NAMES)}; default: all")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="few messages: does it run at all? Nothing is written")
    chosen = parser.parse_args()
    for name in chosen.names or NAMES:
        if name not in NAMES:
            parser.error(f"no benchmark «{name}»; there are: {', '.join(NAMES)}")
        import_module(f"benchmarks.{name}").main(quick=chosen.quick)


if __name__ == "__main__":
    main()
