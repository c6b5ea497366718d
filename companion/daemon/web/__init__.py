"""The page: what the daemon shows to people in their browser; and what its views share."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from flask import Response, render_template, request
from pydantic import BaseModel

from companion.daemon.api.routing import read_body, read_query

M = TypeVar("M", bound=BaseModel)


def sent_query(model: type[M]) -> M:
    """Return the query of the current request as a model. Raises Refusal."""
    return read_query(model, request.query_string.decode("latin-1"))


def sent_body(model: type[M]) -> M:
    """Return the JSON object in the body of the current request as a model. Raises Refusal."""
    return read_body(model, request.get_data())


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
