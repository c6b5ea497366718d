"""The OpenAPI document is true: what it says is what the server does."""

import re

import jsonschema_rs

from companion.daemon.app import RESOURCES
from companion.daemon.guard import OPEN_ROUTES
from tests.daemon.attack_fixture import AttackedDaemon, attacked
from tests.daemon.conftest import Served

__all__ = ["attacked"]


def test_each_answer_is_as_documented(attacked: AttackedDaemon) -> None:
    """To one good request for each address, in a vault with a change and proposals."""
    attacked.daemon_fixture.run("Stub.md")
    attacked.daemon_fixture.run("A/Stub.md", propose=True)
    document = attacked.get("/openapi.json").json
    operations = [told for path in document["paths"].values() for told in path.values()]
    for address, told in zip(attacked.addresses, operations, strict=True):
        answer = attacked.send(address.request(attacked.headers))
        documented = told["responses"][str(answer.status)].get("content", {})
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in documented, address
        if kind.endswith("json"):
            schema = {"components": document["components"], **documented[kind]["schema"]}
            jsonschema_rs.validate(schema, answer.json)


def test_the_document_says_it_all(server: Served) -> None:
    answer = server.get("/openapi.json")
    document = answer.json
    assert document["openapi"].startswith("3.1")
    assert document["servers"][0]["url"] == "http://127.0.0.1:{port}"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert all(path.startswith("/api/v1/") for path in set(document["paths"]) - {"/healthz"})
    routes = {
        (method.upper(), path): told
        for path, operations in document["paths"].items()
        for method, told in operations.items()
    }
    is_open = {place for place, told in routes.items() if told.get("security") == []}
    assert is_open == OPEN_ROUTES
    assert len({told["operationId"] for told in routes.values()}) == len(routes)
    assert all(told["summary"] and told["description"] for told in routes.values())
    parameters = [each for told in routes.values() for each in told.get("parameters", ())]
    assert all(len(each["description"]) > 8 for each in parameters)
    models = {
        route.body.__name__: route.body for each in RESOURCES for route in each.routes if route.body
    }
    for told in routes.values():
        if sent := told.get("requestBody", {}).get("content", {}).get("application/json"):
            models[sent["schema"]["$ref"].split("/")[-1]].model_validate(sent["example"])
    references = set(re.findall(r'"#/components/schemas/(\w+)"', answer.body.decode()))
    assert references == set(document["components"]["schemas"])
