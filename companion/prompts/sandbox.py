"""A sandbox for Jinja2 templates in which none takes for ever or fills the memory.

Prompts are in the vault, and a vault may come from somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

import jinja2
from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

_MOST_WORK = 10_000_000  # characters, of texts read and made, and of loops' bodies
_STEP = 1_000  # of that, at least, for each round of a loop and each call
_LARGEST = 10**15  # of numbers
_WORK = "work so far"  # a name that no template can write
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int"),
    *("items", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr"),
    *("reverse", "round", "select", "selectattr", "sort", "string", "sum", "title", "trim"),
    *("truncate", "unique", "upper", "wordcount"),
)
_METHODS = frozenset(
    {
        *("capitalize", "count", "cycle", "endswith", "find", "get", "index", "isalpha", "isdigit"),
        *("items", "keys", "lower", "lstrip", "removeprefix", "removesuffix", "replace"),
        *("rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"),
        "values",
    }
)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, which also counts the work that a template makes."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return the result, of numbers or of two texts or lists. Raises SecurityError."""
        if operator == "+" and not isinstance(left, int | float):
            _spend(context, _size_of(left) + _size_of(right))
        elif operator == "**" or not all(isinstance(each, int | float) for each in (left, right)):
            raise SecurityError(f"{operator} is not for this")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int | float) and abs(result) > _LARGEST:
            raise OverflowError("its numbers grow too large")
        return result

    def call(self, context: Context, called: Any, *args: Any, **named: Any) -> Any:
        """Return what a function returns."""
        owner = getattr(called, "__self__", None)
        _spend(context, _STEP + _size_of(owner))
        if isinstance(owner, str) and called.__name__ == "replace":
            return _replace(context, owner, *args, **named)
        return super().call(context, called, *args, **named)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether a template may use the attribute."""
        is_known = attr in _METHODS or not callable(value)
        return is_known and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Let `str.format` be refused as an unsafe attribute: it can make long texts."""


class _Counted(NodeTransformer):
    """Has loops, lists, filters and `~` count their work."""

    def generic_visit(self, node: nodes.Node, *args: Any, **named: Any) -> nodes.Node:
        """Return the node, or what takes its place. Lists in lists would double by each level."""
        super().generic_visit(node, *args, **named)
        if isinstance(node, nodes.For):
            if node.recursive:
                raise jinja2.TemplateSyntaxError("a loop may not call itself", node.lineno)
            node.iter = _filtered(node.iter, "rounds")
        elif isinstance(node, nodes.Concat):
            return _filtered(nodes.List(node.nodes, lineno=node.lineno), "join")
        elif isinstance(node, nodes.List | nodes.Dict) or (
            isinstance(node, nodes.Tuple) and node.ctx == "load"
        ):
            return _filtered(node, "flat list")
        elif isinstance(node, nodes.Filter) and node.node is not None:
            node.node = _filtered(node.node, "counted")
        return node


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    """Return the expression with a filter that takes no arguments."""
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _spend(context: Context, work: int) -> None:
    """Count the work, in characters. Raises OverflowError if it is too much."""
    spent = context.parent[_WORK]
    spent[0] += work
    if spent[0] > _MOST_WORK:
        raise OverflowError("it makes too much text, or its loops take too long")


def _size_of(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


@pass_context
def _count_size(context: Context, value: Any) -> Any:
    _spend(context, _size_of(value))
    return value


@pass_context
def _count_rounds(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _spend(context, context.parent[_WORK][1])
        yield item


@pass_context
def _count_output(context: Context, value: Any) -> str:
    text = str(value)
    _spend(context, len(text))
    return text


@pass_context
def _join(context: Context, items: Any, d: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        items = FILTERS["map"](context, items, attribute=attribute)
    texts = [str(each) for each in items]
    _spend(context, sum(map(len, texts)) + len(d) * len(texts))
    return d.join(texts)


@pass_context
def _replace(context: Context, text: Any, old: str, new: str, count: int = -1) -> str:
    before = str(text)
    _spend(context, len(before) + before.count(old) * len(new))
    return before.replace(old, new, count)


def _check_flat(items: Any) -> Any:
    values = items.values() if isinstance(items, Mapping) else items
    if any(isinstance(each, list | tuple | dict) for each in values):
        raise SecurityError("a list may not hold lists")
    return items


_TEMPLATES = _Sandbox(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # what comes out is text for a model, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_count_output,
)
_OWN: dict[str, Callable[..., Any]] = {
    "join": _join,
    "replace": _replace,
    "counted": _count_size,
    "rounds": _count_rounds,
    "flat list": _check_flat,
}
_TEMPLATES.filters = {name: FILTERS[name] for name in _FILTERS} | _OWN
_TEMPLATES.globals = {"range": _TEMPLATES.globals["range"]}


def compile_source(text: str) -> tuple[jinja2.Template, nodes.Template]:
    """Return a template and its syntax tree. Raises TemplateSyntaxError, RecursionError."""
    tree = _TEMPLATES.parse(text)
    _Counted().visit(tree)
    return _TEMPLATES.from_string(tree), tree


def render(template: jinja2.Template, size: int, values: Mapping[str, object]) -> str:
    """Return the rendered text of a template of size characters.

    Raises OverflowError, in the template, if it makes too much.
    """
    return template.render({**values, _WORK: [0, max(size, _STEP)]})
