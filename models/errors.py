"""The named errors, each with the exit code that the command line returns for it."""

__all__ = ["SpikegateError", "InputError", "ToolMissing", "Mismatch", "Problems"]


class SpikegateError(Exception):
    """Base of every error that is reported in one line, without a traceback."""

    exit_code = 1


class InputError(SpikegateError, ValueError):
    """A parameter, file or folder that cannot be used: names it, its value, the limit and the fix."""

    exit_code = 2


class ToolMissing(SpikegateError, RuntimeError):
    """A program or package that is needed and absent: carries the install hint."""

    exit_code = 3


class Mismatch(SpikegateError):
    """Two engines that had to agree and did not: carries the first divergence."""

    exit_code = 1


class Problems:
    """Collects every problem of one input, so that they are reported together."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def require(self, ok: bool, message: str) -> None:
        """Note ``message`` unless ``ok``."""
        if not ok:
            self.messages.append(message)

    def raise_any(self) -> None:
        """Raise one `InputError` with all that was noted, or return."""
        if self.messages:
            raise InputError("\n".join(self.messages))
