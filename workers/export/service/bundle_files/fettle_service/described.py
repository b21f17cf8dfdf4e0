"""Describe bodies and responses for the OpenAPI document (GET /openapi.json), since the application reads raw bytes."""

from __future__ import annotations

from typing import Any

from .protocol import DATATYPES

ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
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

_PARAMETERS = {"type": "object"}
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": list(DATATYPES.values())},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "array"},
        "parameters": _PARAMETERS,
    },
}
_OUTPUT = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "parameters": _PARAMETERS},
}
_MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {"role": {"enum": ["system", "user", "assistant"]}, "content": {"type": "string"}},
}
_STOP = {"type": "string", "minLength": 1}
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "infer": (
        "application/json",
        {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": "string"},
                "inputs": {"type": "array", "items": _TENSOR},
                "outputs": {"type": "array", "items": _OUTPUT},
                "parameters": _PARAMETERS,
            },
        },
    ),
    "answer": ("application/octet-stream", {"type": "string", "format": "binary"}),
    "load": (
        "application/json",
        {
            "type": "object",
            "required": ["parameters"],
            "properties": {
                "parameters": {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}
            },
        },
    ),
    "chat": (
        "application/json",
        {
            "type": "object",
            "required": ["messages"],
            "properties": {
                "messages": {"type": "array", "items": _MESSAGE, "minItems": 1, "maxItems": 500},
                "max_tokens": {"type": "integer", "minimum": 1, "maximum": 100_000},
                "temperature": {"type": "number", "minimum": 0, "maximum": 5},
                "seed": {"type": "integer", "minimum": 0},
                "stop": {"anyOf": [_STOP, {"type": "array", "items": _STOP, "maxItems": 4}]},
                "stream": {"type": "boolean"},
            },
        },
    ),
}
"""Media type and JSON schema of each body, by the name of the handler method."""


def described(endpoint: str) -> dict[str, Any]:
    """Return the arguments of FastAPI's `add_api_route` that describe a handler method."""
    statuses = ALWAYS + (WITH_BODY if endpoint in BODIES else ())
    statuses += {"load": (409,), "ready": (503,), "model_ready": (503,)}.get(endpoint, ())
    content = {"application/json": {"schema": ERROR}}
    found: dict[str, Any] = {
        "responses": {status: {"description": REASONS[status], "content": content} for status in sorted(statuses)}
    }
    if endpoint in BODIES:
        media_type, schema = BODIES[endpoint]
        found["openapi_extra"] = {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}
    return found
