"""Stand-ins for workflows, for tests of what the commands make of options and results."""

from collections.abc import Callable
from typing import Any

from maskwright.progress import Step

Run = Callable[..., tuple[int, str, str]]
Workflow = Callable[[str, Any], "Calls"]


class Calls:
    """Stands in for a workflow: remembers what it was called with, returns or raises what it was given."""

    def __init__(self, answer: Any, remark: str = "a remark") -> None:
        self.answer, self.remark = answer, remark
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.arguments, self.options = arguments, options
        if "progress" in options and self.remark:
            options["progress"](Step("plan", text=self.remark))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer
