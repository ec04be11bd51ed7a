"""What goes wrong because of what the user gave."""


class InputError(ValueError):
    """The input cannot be used: the message says what was given, what is allowed and what to do.

    The command prints the message without a traceback and exits with code 2.
    """


def refuse(problems: list[str]) -> None:
    """Raise InputError naming all `problems` at once, one a line; return where there are none."""
    if problems:
        raise InputError("\n".join(problems))
