"""`serve`: opens the models, binds the port, and answers until it is told to stop; what was taken is finished."""

import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from maskwright.errors import ConfigError, need
from maskwright.progress import Progress, Step, ignore
from maskwright.runs.opening import open_for_service
from maskwright.runtime.cores import available_cores
from maskwright.runtime.predictor import Predictor
from maskwright.serve.guard import is_local
from maskwright.serve.limits import Limits

HOST, PORT = "127.0.0.1", 8000
LEAST_TOKEN = 16  # characters
_GRACE = 30  # seconds to finish what was taken
_NAMED = re.compile(r"([A-Za-z0-9._-]{1,60})=(.+)", re.DOTALL)


@dataclass(frozen=True)
class Address:
    """Where the service is to be reached. token: what callers must know; None where only this machine can call."""

    host: str
    port: int
    token: str | None

    @property
    def url(self) -> str:
        """The address for browsers."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def run_service(
    models: Sequence[str | Path] | str | Path,
    *,
    host: str = HOST,
    port: int = PORT,
    token: str | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    limits: Limits | None = None,
    progress: Progress = ignore,
) -> None:
    """Answer requests until the process is told to stop (SIGINT, SIGTERM).

    models: runs or model files, each also as NAME=PATH; the first is the usual one. host: an address of this machine;
    any but its own loopback asks callers for a token, which is made where none is given. port: 0 for any that is free.
    Raises ConfigError, DataError, MissingDependency.
    """
    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        need(module, extra="serve", purpose="`serve`")
    import uvicorn

    from maskwright.serve.app import create_app
    from maskwright.serve.engine import Engine

    limits = limits or Limits()
    predictors = _opened([models] if isinstance(models, str | Path) else models, runtime, precision, progress)
    needed = token_for(host, token)
    with _bound(host, port) as listening:
        address = Address(host, listening.getsockname()[1], needed)
        threads = 2 * available_cores() + 4
        engine = Engine(predictors, capacity=limits.pictures, threads=threads, pixels=limits.pixels)
        app = create_app(engine, token=needed, limits=limits)
        config = uvicorn.Config(
            app, log_level="warning", server_header=False, timeout_graceful_shutdown=_GRACE, timeout_keep_alive=10
        )
        progress(Step("serve", text=_welcome(address, made=needed != token)))
        uvicorn.Server(config).run(sockets=[listening])
    progress(Step("serve", text="stopped"))


def token_for(host: str, token: str | None) -> str | None:
    """Return the token that callers must send; None where none was given and only this machine can call.

    Raises ConfigError for one that is too short to be a secret.
    """
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise ConfigError(
            f"A token needs {LEAST_TOKEN} plain characters or more.", where="--token",
            fix="leave it out: one is made and shown",
        )  # fmt: skip
    return token if token is not None or is_local(host) else secrets.token_urlsafe(24)


def _opened(
    models: Sequence[str | Path], runtime: str | None, precision: str | None, progress: Progress
) -> dict[str, Predictor]:
    predictors: dict[str, Predictor] = {}
    for model in models:
        stated = _NAMED.fullmatch(str(model))
        given = None if stated is None or Path(model).exists() else stated
        path = Path(given[2] if given else model)
        name = given[1] if given else re.sub(r"[^A-Za-z0-9._-]", "-", (path.resolve() if path.is_dir() else path).stem)
        if name in predictors:
            raise ConfigError(f"Two models are called '{name}'.", where=str(path), fix=f"name one: OTHER={path}")
        opened = open_for_service(path, runtime, precision)
        predictors[name] = opened.predictor
        view = "x".join(map(str, opened.predictor.description.size))
        said = f"{opened.predictor.runtime} {opened.predictor.precision}: {opened.why}"
        progress(Step("serve", text=f"model  {name}   {opened.predictor.description.mode} {view}   {said}"))
    if not predictors:
        raise ConfigError("There is no model to serve.", fix="give a run's folder, or a model.onnx")
    return predictors


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound. Raises ConfigError where that is not possible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"The service cannot listen there: {getattr(error, 'strerror', None) or error}.", where=f"{host}:{port}",
            fix="choose another --port (0 for any that is free), or an address of this machine",
        ) from error  # fmt: skip
    return bound


def _welcome(address: Address, *, made: bool) -> str:
    lines = [f"serve  {address.url}   stop with Ctrl+C"]
    if address.token is None:
        lines.append(f"next:  curl --data-binary @PICTURE {address.url}/predict -o mask.png")
    elif made:  # one that was given is known, and logs are read by others
        lines.append(f"token  {address.token}   callers send the header: Authorization: Bearer TOKEN")
        lines += [f"page   {address.url}/#token={quote(address.token, safe='')}"]
    return "\n".join(lines)
