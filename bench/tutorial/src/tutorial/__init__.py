"""Something to build."""


def answer() -> int:
    return 42
