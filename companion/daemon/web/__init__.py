"""The page: what the daemon shows to people in their browser; and what its views share."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, render_template

from companion.note.text import show_hidden


def show(template: str, **values: Any) -> Response:
    """Return a view as HTML."""
    body = render_template(template, **values)
    return Response(body, content_type="text/html; charset=utf-8")


def said(words: str, **more: object) -> Response:
    """Return what the page says about an action: it is read out, and stays for a while.

    more: what its script makes of the action.
    """
    return answer({"said": show_hidden(words), **more})


def answer(value: object) -> Response:
    """Return a value as JSON."""
    return Response(json.dumps(value), content_type="application/json")
