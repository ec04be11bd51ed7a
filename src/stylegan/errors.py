"""What goes wrong: because of what the user gave, or because a training run diverged."""


class InputError(ValueError):
    """The input cannot be used: the message says what was given, what is allowed and what to do.

    The command prints the message without a traceback and exits with code 2.
    """


def refuse(problems: list[str]) -> None:
    """Raise InputError naming all `problems` at once, one a line; return where there are none."""
    if problems:
        raise InputError("\n".join(problems))


class DivergedError(RuntimeError):
    """A loss or a weight is no longer a finite number. problem: which, and when."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}. The last good state is kept, but from there it goes the same way again: start anew with a "
            "smaller --lrate or a larger --r1-gamma, and a new --out"
        )
