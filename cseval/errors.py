"""One error tree: every message says where, what was found, what was expected and what to do."""

from __future__ import annotations


class CsevalError(Exception):
    """Base of every error that a user can put right.

    Parameters
    ----------
    found : str
        What was found; the heart of the message.
    where : str, optional
        File, row, column, option or field the message is about.
    expected : str, optional
        What would have been accepted.
    todo : str, optional
        What the reader can do next, as an imperative sentence.
    """

    exit_code = 2

    def __init__(self, found: str, *, where: str = "", expected: str = "", todo: str = "") -> None:
        self.found = found
        self.where = where
        self.expected = expected
        self.todo = todo
        super().__init__(found)

    def __str__(self) -> str:
        message = f"{self.where}: {self.found}" if self.where else self.found
        if self.expected:
            message += f"; expected {self.expected}"
        message = message.rstrip(".") + "."
        if self.todo:
            message += f" {self.todo.rstrip('.')}."
        return message


class UsageError(CsevalError):
    """The command line or a function was called with something it does not take."""


class SpecError(CsevalError):
    """A programme, analysis or evaluation is declared inconsistently."""


class DataError(CsevalError):
    """An input file or panel is not what its format promises."""


class DesignError(CsevalError):
    """The comparison asked for cannot be made with these units and months."""


class EstimationError(CsevalError):
    """A quantity is not estimable from these data."""
