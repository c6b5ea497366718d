"""The routes of the model that runs on this machine: which there are, and fetching them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.types.base import Sent, Shape
from companion.app.types.status import FetchShape
from companion.daemon.api.routing import Resource, the_daemon
from companion.llm import catalog
from companion.llm.catalog import model_path

model = Resource("model")


class CatalogEntry(Shape):
    """A model of the catalogue. bytes: of its file. is_here: whether it is on this machine."""

    name: str
    title: str
    bytes: int
    is_here: bool


class ModelShape(Shape):
    """The configured model, and the catalogue of those that can be fetched.

    is_missing: it runs on this machine, and its file is not there.
    """

    name: str
    is_missing: bool
    catalog: list[CatalogEntry]


class NewFetch(Sent):
    """The model to fetch: a name of the catalogue. Nothing else can be fetched this way."""

    name: Annotated[str, Field(min_length=1, max_length=100)]


@model.reads("/model")
def read_model() -> ModelShape:
    """The configured model, and the catalogue. The status says how far a fetch is."""
    config = the_daemon().space.config
    return ModelShape(
        name=config.endpoint.model,
        is_missing=config.is_model_missing,
        catalog=[
            CatalogEntry(
                name=each.name,
                title=each.title,
                bytes=each.size or 0,
                is_here=model_path(each.name) is not None,
            )
            for each in catalog.CATALOG
        ],
    )


@model.does("/model/fetch", status=202, conflicts=True)
def fetch_model(body: NewFetch) -> FetchShape:
    """Fetch a model of the catalogue; 409 while another one is being fetched."""
    return the_daemon().model_fetch.start(body.name)
