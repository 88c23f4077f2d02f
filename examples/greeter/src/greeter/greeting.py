"""One greeting a language, and the function that fills it."""

_GREETINGS = {
    "cy": "Helo, {name}!",
    "de": "Hallo, {name}!",
    "en": "Hello, {name}!",
    "fr": "Bonjour, {name} !",
    "ja": "こんにちは、{name}さん！",
}

#: Codes of the languages that can be spoken (ISO 639-1), sorted.
LANGUAGES = tuple(sorted(_GREETINGS))


class UnknownLanguage(ValueError):
    """The language asked for is not one of ``LANGUAGES``."""


def greet(name: str, language: str = "en") -> str:
    """Returns a greeting for ``name``; white space around it is dropped.

    Raises ``ValueError`` for a name that is empty and ``UnknownLanguage`` for a language
    that cannot be spoken.
    """
    name = name.strip()
    if not name:
        raise ValueError("there is nobody to greet")
    try:
        greeting = _GREETINGS[language]
    except KeyError:
        raise UnknownLanguage(f"no greeting in {language!r}, only in {', '.join(LANGUAGES)}") from None
    return greeting.format(name=name)
