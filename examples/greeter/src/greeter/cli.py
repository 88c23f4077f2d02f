"""The ``greet`` command."""

import argparse
import sys
from collections.abc import Sequence

from greeter.greeting import LANGUAGES, greet


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one greeting and returns the exit code: 0, or 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="greet", description="Says hello.")
    parser.add_argument("name", help="whom to greet")
    parser.add_argument("--language", default="en", choices=LANGUAGES)
    chosen = parser.parse_args(arguments)
    try:
        print(greet(chosen.name, chosen.language))
    except ValueError as error:
        print(f"greet: {error}", file=sys.stderr)
        return 2
    return 0
