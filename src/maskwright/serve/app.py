"""The service's routes: `POST /predict` and `/predict/batch`, `GET /model`, `/models`, `/health`, `/metrics`; the page.

Each turns a request into one call of the engine and its answer into bytes. No name that a request carries is ever
opened as a file: it is repeated in errors, and that is all.
"""

import asyncio
import base64
import json
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from maskwright.errors import MaskwrightError
from maskwright.images.opening import Encoded
from maskwright.runtime.predictor import Predictor
from maskwright.serve.answers import FORMS, accepted_form
from maskwright.serve.engine import Busy, Engine, Late, Stopping
from maskwright.serve.guard import Guard
from maskwright.serve.limits import Limits
from maskwright.serve.metrics import CONTENT_TYPE, Metrics
from maskwright.serve.openapi import ANSWERS, ONE_PICTURE, PICTURES, REFUSALS
from maskwright.serve.pages import add_page

_NAME = 200  # characters of a sent file's name that are repeated
_GRACE = 10.0  # seconds to finish what nobody waits for any more
_FIELDS = 16  # of a form beside its files; nobody reads them


class Refused(Exception):
    """A request that cannot be answered, with the status and the words to say so."""

    def __init__(self, status: int, what: str, fix: str, *, where: str = "", after: float | None = None) -> None:
        super().__init__(what)
        self.status, self.after = status, after
        self.error = {"what": what, "where": where, "fix": fix}

    def response(self) -> JSONResponse:
        """Return it as HTTP wants it."""
        headers = {} if self.after is None else {"Retry-After": str(math.ceil(self.after))}
        return JSONResponse({"ok": False, "error": self.error}, self.status, headers)


def create_app(engine: Engine, *, token: str | None = None, limits: Limits | None = None) -> FastAPI:
    """Return the application. The first of the engine's models is the usual one. token: see `Guard`."""
    service = _Service(engine, Metrics(engine), limits or Limits())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(engine.stop, _GRACE)

    app = FastAPI(
        title="maskwright", description="Segmentation masks for pictures.", docs_url=None, redoc_url=None,
        lifespan=lifespan, version="1",
    )  # fmt: skip
    service.add_routes(app)
    open_paths = add_page(app) | {"/health"}
    app.add_exception_handler(Refused, lambda _, error: error.response())
    app.add_exception_handler(Exception, _our_error)
    app.add_exception_handler(HTTPException, _http_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _wrong_values)  # type: ignore[arg-type]
    app.add_middleware(Guard, token=token, limits=service.limits, open_paths=open_paths)
    app.middleware("http")(service.counted)  # outermost: it counts what the guard refuses too
    return app


class _Service:
    def __init__(self, engine: Engine, metrics: Metrics, limits: Limits) -> None:
        self.engine, self.metrics, self.limits = engine, metrics, limits
        self._usual = next(iter(engine.predictors))

    def add_routes(self, app: FastAPI) -> None:
        """Tell the application what there is."""
        app.post("/predict", openapi_extra=ONE_PICTURE, responses=ANSWERS, response_class=Response)(self.predict)
        app.post("/predict/batch", openapi_extra=PICTURES, responses=REFUSALS)(self.predict_batch)
        app.get("/models")(self.models)
        app.get("/model", responses=REFUSALS)(self.model)
        app.get("/health")(self.health)
        app.get("/metrics", response_class=Response)(self.metrics_text)

    async def predict(
        self, request: Request, model: "ModelName" = None, answer: "AnswerName" = None, threshold: "Threshold" = None
    ) -> Response:
        """Answer for one picture: its bytes as the body, or the first file of a form.

        What the answer is, the Accept header says (image/png: the mask; application/json: polygons and areas;
        image/jpeg: an overlay), or `answer`.
        """
        name, form = self._model(model, threshold), _form(request, answer)
        pictures = await self._pictures(request, most=1)
        content = await self._answer(name, pictures[0], form, threshold)
        return Response(content, media_type=FORMS[form].media, headers={"Cache-Control": "no-store"})

    async def predict_batch(
        self, request: Request, model: "ModelName" = None, answer: "AnswerName" = None, threshold: "Threshold" = None
    ) -> Response:
        """Answer for the files of a form, in their order: polygons and areas, or with `answer` files in base64.

        Each has its own status; one that fails touches no other.
        """
        name, form = self._model(model, threshold), answer or "polygons"
        if form not in FORMS:
            raise _no_such_answer(form)
        pictures = await self._pictures(request, most=self.limits.files)
        results = await asyncio.gather(*(self._entry(name, picture, form, threshold) for picture in pictures))
        return JSONResponse({"ok": all(one["ok"] for one in results), "results": results})

    async def models(self) -> dict[str, Any]:
        """List the models, the usual one first."""
        return {"models": [_card(name, one) for name, one in self.engine.predictors.items()]}

    async def model(self, model: "ModelName" = None) -> dict[str, Any]:
        """Return a model's card: classes, size, threshold, where it comes from, scores."""
        name = self._model(model)
        predictor = self.engine.predictors[name]
        return {**_card(name, predictor), **json.loads(predictor.description.to_json())}

    async def health(self) -> Response:
        """Tell whether pictures are taken."""
        stopping = self.engine.stopping
        content = {"ok": not stopping, "taken": self.engine.taken, "capacity": self.engine.capacity}
        return JSONResponse(content, 503 if stopping else 200)

    async def metrics_text(self) -> Response:
        """Return counts and times as Prometheus reads them."""
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    async def counted(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        """Take note of each request."""
        begun, status = time.monotonic(), 500
        try:
            response = await go_on(request)
            status = response.status_code
            return response
        finally:
            path = getattr(request.scope.get("route"), "path", "other")
            self.metrics.answered(path, status, time.monotonic() - begun)

    def _model(self, name: str | None, threshold: float | None = None) -> str:
        name = self._usual if name is None else name
        if name not in self.engine.predictors:
            raise Refused(404, "There is no such model.", f"ask for one of: {', '.join(self.engine.predictors)}")
        if threshold is not None and self.engine.predictors[name].description.threshold is None:
            raise Refused(
                400, "The model takes the likeliest of several classes: there is no threshold.", "leave it out"
            )
        return name

    async def _pictures(self, request: Request, *, most: int) -> list[Encoded]:
        """Return the pictures of a request: files of a form, or the body itself."""
        try:
            body = await request.body()
        except ClientDisconnect:
            raise Refused(400, "The request ended early.", "send it again") from None
        if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            if not body:
                raise Refused(400, "The request holds no picture.", "send a picture's bytes, or a form with a file")
            return [Encoded(body)]
        parser = MultiPartParser(_form_headers(request), _pieces(body), max_files=most, max_fields=_FIELDS)
        parser.spool_max_size = self.limits.bytes + 1  # files stay in memory: nothing of a request touches the disk
        try:
            form = await parser.parse()
        except (MultiPartException, KeyError, ValueError) as error:
            said = str(error)[:_NAME] or "it is damaged"
            raise Refused(400, f"The form cannot be read: {said}", f"send up to {most} files as form data") from None
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        pictures = [Encoded(await file.read(), (file.filename or "picture")[:_NAME]) for file in files]
        await form.close()
        if not pictures:
            raise Refused(400, "The form holds no file.", "send the picture as a file")
        return pictures

    async def _answer(self, name: str, picture: Encoded, form: str, threshold: float | None) -> bytes:
        description, make = self.engine.predictors[name].description, FORMS[form].make
        outcome = "refused"
        try:
            future = self.engine.submit(
                name, picture, lambda answer: make(answer, description, threshold), within=self.limits.seconds
            )
            content = await asyncio.wrap_future(future)
            outcome = "ok"
            return content
        except MaskwrightError as error:
            raise Refused(400, error.what, error.fix, where=error.where) from None
        except Busy as busy:
            outcome = "busy"
            fix = "try again after the seconds that Retry-After names"
            raise Refused(429, "The service is busy.", fix, after=busy.seconds) from None
        except Late:
            outcome = "late"
            raise Refused(503, "The picture's turn did not come in time.", "try again later", after=1) from None
        except Stopping:
            raise Refused(503, "The service is stopping.", "try again later", after=5) from None
        finally:
            self.metrics.looked_at(name, outcome)

    async def _entry(self, name: str, picture: Encoded, form: str, threshold: float | None) -> dict[str, Any]:
        try:
            content = await self._answer(name, picture, form, threshold)
        except Refused as refused:
            return {"name": picture.name, "ok": False, "status": refused.status, "error": refused.error}
        if form == "polygons":
            return {"name": picture.name, "ok": True, "status": 200, **json.loads(content)}
        file = base64.b64encode(content).decode()
        return {"name": picture.name, "ok": True, "status": 200, "media": FORMS[form].media, "file": file}


ModelName = Annotated[str | None, Query(description="one of /models; the first one if left out", examples=["lesions"])]
AnswerName = Annotated[
    str | None,
    Query(description="; ".join(f"{name}: {form.about}" for name, form in FORMS.items()), examples=list(FORMS)),
]
Threshold = Annotated[
    float | None, Query(ge=0, le=1, description="cut probabilities here, not where the model's own threshold is")
]


def _form_headers(request: Request) -> Headers:
    """Return what the parser is to know: the boundary, and no charset, by which a caller would choose the codec."""
    kind, _, rest = request.headers["content-type"].partition(";")
    boundary = next((part for part in rest.split(";") if part.strip().lower().startswith("boundary=")), "")
    return Headers({"content-type": f"{kind};{boundary}"})


async def _pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
    yield b""


def _form(request: Request, answer: str | None) -> str:
    if answer is not None:
        if answer not in FORMS:
            raise _no_such_answer(answer)
        return answer
    form = accepted_form(request.headers.get("accept", "*/*"))
    if form is None:
        accepted = "image/png, application/json or image/jpeg"
        raise Refused(406, "No answer has a type that the request accepts.", f"accept one of {accepted}")
    return form


def _no_such_answer(name: str) -> Refused:
    return Refused(400, "There is no such answer.", f"ask for one of: {', '.join(FORMS)}", where=name[:_NAME])


def _card(name: str, predictor: Predictor) -> dict[str, Any]:
    description = predictor.description
    return {
        "name": name, "classes": list(description.classes.names), "runtime": predictor.runtime,
        "precision": predictor.precision, "mode": description.mode, "size": list(description.size),
    }  # fmt: skip


async def _http_error(_: Request, error: HTTPException) -> Response:
    fix = "see /openapi.json"
    return JSONResponse({"ok": False, "error": {"what": str(error.detail), "where": "", "fix": fix}}, error.status_code)


async def _our_error(_: Request, error: Exception) -> Response:
    content = {"what": "The service failed.", "where": "", "fix": "try again; the service's own output says more"}
    return JSONResponse({"ok": False, "error": content}, 500)


async def _wrong_values(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first.get("loc", ()))
    content = {"what": str(first.get("msg", "a value is wrong")), "where": where, "fix": "see /openapi.json"}
    return JSONResponse({"ok": False, "error": content}, 422)
