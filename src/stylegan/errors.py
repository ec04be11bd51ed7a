"""What goes wrong, because of the input or because a training run diverged, and how it is shown."""

import shlex


class InputError(ValueError):
    """The input cannot be used: the message says what was given, what is allowed and what to do.

    The command prints the message without a traceback and exits with code 2.
    """


class DamagedError(InputError):
    """A file of ours that is not what was written: cut short, or with other bytes."""


class StyleganWarning(UserWarning):
    """Something is not as expected, and the work goes on. The command prints the message alone, on stderr."""


def refuse(problems: list[str]) -> None:
    """Raise InputError naming all `problems` at once, one a line; return where there are none."""
    if problems:
        raise InputError("\n".join(problems))


def printable(text: object, most: int | None = 300) -> str:
    """`text` on one line of at most `most` characters: names and values of a hostile file go through here.

    What a terminal would obey, and what cannot be encoded, is escaped; of a long text the middle is left out.
    """
    try:
        text = str(text)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = f"a value of type {type(text).__name__} that cannot be written"
    if most is not None and len(text) > 2 * most:
        text = text[:most] + text[-most:]  # what is left out need not be escaped
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if most is None or len(line) <= most:
        return line
    half = (most - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"


def shell(path: object) -> str:
    """A path as one word of a command that a message advises."""
    return shlex.quote(str(path))


def encodable(text: str, encoding: str | None) -> str:
    """`text` with escapes for what a stream of this encoding (None: UTF-8) cannot write."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


class FailedError(RuntimeError):
    """What was asked for could not be done, though the input is right. The command exits with code 1."""


class DivergedError(FailedError):
    """A loss or a weight is no longer a finite number. problem: which, and when. run, data: run folder and
    data set as words of a command, where known.
    """

    def __init__(self, problem: str, run: str = "RUN", data: str = "DATA") -> None:
        self.problem = problem
        super().__init__(
            f"{problem}. The last good state is kept, but continuing from it would diverge again. Start a new run from "
            "its newest snapshot with a smaller --lrate or a larger --r1-gamma: "
            f"stylegan train --data {data} --out NEW --init {run} --lrate RATE"
        )
