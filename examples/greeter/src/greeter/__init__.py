"""Says hello in a few languages."""

from greeter.greeting import LANGUAGES, UnknownLanguage, greet

__all__ = ["LANGUAGES", "UnknownLanguage", "greet"]
