"""What /openapi.json says beyond the routes' own parameters: bodies, answers and refusals, with examples."""

from typing import Any

_ERROR = {
    "type": "object", "required": ["ok", "error"],
    "properties": {
        "ok": {"const": False},
        "error": {
            "type": "object", "required": ["what", "where", "fix"],
            "properties": {name: {"type": "string"} for name in ("what", "where", "fix")},
        },
    },
}  # fmt: skip
_BROKEN = {
    "ok": False,
    "error": {
        "what": "The file ends too early: part of the picture is missing.", "where": "lesion.jpg",
        "fix": "copy or download it again, or take it out of the folder",
    },
}  # fmt: skip
_POLYGONS = {
    "width": 640, "height": 480,
    "classes": [{"name": "background", "pixels": 307100, "share": 0.999674},
                {"name": "lesion", "pixels": 100, "share": 0.000326}],
    "polygons": {"type": "FeatureCollection", "features": [{
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[[5, 5], [15, 5], [15, 15], [5, 15], [5, 5]]]},
        "properties": {"objectType": "annotation", "pixels": 100,
                       "classification": {"name": "lesion", "color": [230, 85, 13]}},
    }]},
}  # fmt: skip
_BYTES = {"schema": {"type": "string", "format": "binary"}}


def _refusal(about: str) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": _ERROR, "example": _BROKEN}}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: _refusal("The picture cannot be read, or the request is not what it should be."),
    401: _refusal("The token is missing or wrong."),
    403: _refusal("The request comes from a page elsewhere."),
    404: _refusal("There is no such model."),
    406: _refusal("No answer has a type that the request accepts."),
    413: _refusal("The request is too large."),
    422: _refusal("A parameter has a value that it cannot have."),
    429: _refusal("The service is busy; Retry-After says for how many seconds."),
    503: _refusal("The service is stopping, or the picture's turn did not come in time."),
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The mask (PNG), polygons and areas (JSON), or an overlay (JPEG).",
        "content": {
            "image/png": _BYTES, "image/jpeg": _BYTES,
            "application/json": {"schema": {"type": "object"}, "example": _POLYGONS},
        },
    },
    **REFUSALS,
}  # fmt: skip
ONE_PICTURE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            **{media: _BYTES for media in ("image/jpeg", "image/png", "image/tiff", "application/octet-stream")},
            "multipart/form-data": {
                "schema": {
                    "type": "object", "required": ["picture"],
                    "properties": {"picture": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}  # fmt: skip
PICTURES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object", "required": ["pictures"],
                    "properties": {
                        "pictures": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
                    },
                }
            }
        },
    }
}  # fmt: skip
