"""The package's errors and warnings, and how untrusted text is shown in them."""

import shlex


class InputError(ValueError):
    """The input cannot be used. The message says what was given, what is allowed and what to do.

    The command prints the message without a traceback and exits with code 2.
    """


class DamagedError(InputError):
    """A file of ours is not as it was written: it is cut short, or has other bytes."""


class StyleganWarning(UserWarning):
    """Something is not as expected, but the work goes on. The command prints only the message, on stderr."""


def refuse(problems: list[str]) -> None:
    """Raise InputError with all `problems`, one per line; do nothing if there are none."""
    if problems:
        raise InputError("\n".join(problems))


def printable(text: object, most: int | None = 300) -> str:
    """`text` on one line of at most `most` characters (None: any number), for names and values from untrusted files.

    Characters that control a terminal or cannot be encoded are escaped. The middle of a long text is left out.
    """
    try:
        text = str(text)
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        text = f"a value of type {type(text).__name__} that cannot be written"
    if most is not None and len(text) > 2 * most:
        text = text[:most] + text[-most:]  # what is left out need not be escaped
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if most is None or len(line) <= most:
        return line
    half = (most - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"


def shell(path: object) -> str:
    """A path, quoted for a shell, for the commands that messages suggest."""
    return shlex.quote(str(path))


def encodable(text: str, encoding: str | None) -> str:
    """`text`, with characters escaped that a stream of this encoding (None: UTF-8) cannot write."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


class FailedError(RuntimeError):
    """The input is right, but the work could not be done. The command exits with code 1."""


class DivergedError(FailedError):
    """A loss or a weight is no longer a finite number.

    problem: which one, and when. run, data: the run folder and the data set, quoted for a shell, if known.
    """

    def __init__(self, problem: str, run: str = "RUN", data: str = "DATA") -> None:
        self.problem = problem
        super().__init__(
            f"{problem}. The last good state is kept, but continuing from it would diverge again. Start a new run from "
            "its newest snapshot with a lower --lrate or a larger --r1-gamma: "
            f"stylegan train --data {data} --out NEW --init {run} --lrate RATE"
        )
