"""Takes a Python package from source to a verified install."""

__version__ = "0.1.0"
