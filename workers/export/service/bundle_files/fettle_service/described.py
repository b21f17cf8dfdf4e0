"""Describe bodies and responses for the OpenAPI document (GET /openapi.json), since the application reads raw bytes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .forms import ChatBody, InferBody, LoadBody

REASONS = {
    400: "The request does not fit the protocol or the model.",
    401: "The API key, or the secret that loading needs, is missing or wrong.",
    403: "Pages of this origin may not send requests.",
    404: "There is no such model or path.",
    408: "The body did not come in time.",
    409: "The bundle is not loaded.",
    413: "The body is too large.",
    415: "The body is compressed.",
    421: "The service does not answer under this host name.",
    422: "The prediction is not finite, which JSON cannot say.",
    503: "Too many requests, bodies, or connections at once; or the service stops.",
    504: "The model does not answer in time.",
}
ALWAYS, WITH_BODY = (401, 403, 404, 421), (400, 408, 413, 415, 422, 503, 504)
MORE = {"load": (409,), "ready": (503,), "model_ready": (503,)}
BODIES: dict[str, type[BaseModel]] = {"infer": InferBody, "load": LoadBody, "chat": ChatBody}
"""Model of each JSON body, by the name of the handler method."""

PLACE = "#/components/schemas/{model}"
SCHEMAS: dict[str, Any] = models_json_schema([(form, "validation") for form in BODIES.values()], ref_template=PLACE)[1][
    "$defs"
]
"""JSON schemas of all bodies by their names."""


class Error(BaseModel):
    """The JSON body of a refused request: one sentence that names the error."""

    error: str


def described(endpoint: str) -> dict[str, Any]:
    """Return the arguments of FastAPI's `add_api_route` that describe a handler method."""
    content: dict[str, Any] = {}
    if endpoint in BODIES:
        content = {"application/json": {"schema": {"$ref": PLACE.format(model=BODIES[endpoint].__name__)}}}
    elif endpoint == "answer":
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    statuses = sorted((*ALWAYS, *(WITH_BODY if content else ()), *MORE.get(endpoint, ())))
    responses = {status: {"description": REASONS[status], "model": Error} for status in statuses}
    extra = {"openapi_extra": {"requestBody": {"required": True, "content": content}}} if content else {}
    return {"responses": responses, **extra}
