"""Views: the parts of the page that it fetches as HTML."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, render_template, request


def show(template: str, **values: Any) -> Response:
    """Return a view as HTML, or 304 where the page shows the same already."""
    body = render_template(template, **values)
    response = Response(body, content_type="text/html; charset=utf-8")
    response.set_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
    if request.method == "GET":
        response.make_conditional(request)
    return response


def said(words: str) -> Response:
    """Return what the page says about an action: it is read out, and stays for a while."""
    return answer({"said": words})


def answer(value: object) -> Response:
    """Return a value as JSON."""
    return Response(json.dumps(value), content_type="application/json")
