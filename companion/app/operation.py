"""Operations: methods of Vault that are also routes of the HTTP API, each with its address.

The daemon makes its routes from them, and a RemoteVault sends requests to them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from pydantic import BaseModel

from companion.app.types.base import Sent

if TYPE_CHECKING:
    from companion.app.types.status import Scope

F = TypeVar("F", bound=Callable[..., object])

_VARIABLE = re.compile(r"<\w+>")


@dataclass(frozen=True)
class Operation:
    """A method as a route: it takes the numbers in its rule, and at most one model.

    rule: its address, with variables such as `<change>`. scope: the scope that a token needs.
    conflicts: whether it may answer 409. is_quick: it takes some milliseconds.
    """

    function: Callable[..., object]
    verb: str
    rule: str
    scope: Scope
    conflicts: bool = False
    is_quick: bool = False

    @property
    def hints(self) -> dict[str, Any]:
        """The types of its arguments, by name, and of its answer, as `return`."""
        from companion.app.types import changes, notes, proposals, spending, status

        types: dict[str, Any] = {}
        for module in (changes, notes, proposals, spending, status):
            types |= vars(module)
        return get_type_hints(self.function, localns=types)

    @property
    def answer(self) -> type[BaseModel]:
        """The model that it answers with."""
        return cast(type[BaseModel], self.hints["return"])

    @property
    def takes(self) -> type[Sent] | None:
        """The model that it takes: as a query with GET, as a body with POST."""
        types = self.hints.values()
        return next((t for t in types if isinstance(t, type) and issubclass(t, Sent)), None)

    @property
    def summary(self) -> str:
        """What it does, in words: the first paragraph of its docstring, without the errors."""
        paragraph = (inspect.getdoc(self.function) or "").partition("\n\n")[0]
        words = " ".join(paragraph.split()).partition(" Raises ")[0].removeprefix("Return ")
        return words[:1].upper() + words[1:]

    def address(self, arguments: Sequence[object]) -> str:
        """Return its address with these arguments."""
        numbers = (str(each) for each in arguments if isinstance(each, int))
        path = _VARIABLE.sub(lambda _: next(numbers), self.rule)
        queries = [each.as_query() for each in arguments if isinstance(each, Sent)]
        return f"{path}?{queries[0]}" if queries and self.verb == "GET" else path


def reads(rule: str, scope: Scope = "read", **options: Any) -> Callable[[F], F]:
    """Decorate a method that answers GET. options: of its Operation."""
    return _decorate("GET", rule, scope, **options)


def does(rule: str, scope: Scope = "all", **options: Any) -> Callable[[F], F]:
    """Decorate a method that answers POST. options: of its Operation."""
    return _decorate("POST", rule, scope, **options)


def _decorate(verb: str, rule: str, scope: Scope, **options: Any) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        vars(function)["operation"] = Operation(function, verb, rule, scope, **options)
        return function

    return decorate


def operation_of(method: Callable[..., object]) -> Operation:
    """Return the operation for a method of Vault."""
    return cast(Operation, vars(method)["operation"])
