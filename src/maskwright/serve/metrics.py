"""What the service counts of itself, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from maskwright.serve.engine import Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts of one service; several in a process do not mix."""

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "maskwright_requests", "Requests by path and status.", ["path", "status"], registry=self._registry
        )
        self._pictures = Counter(
            "maskwright_pictures", "Pictures by model and outcome.", ["model", "outcome"], registry=self._registry
        )
        self._seconds = Histogram(
            "maskwright_request_seconds", "Seconds of a request.", ["path"], registry=self._registry,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )  # fmt: skip
        taken = Gauge("maskwright_pictures_taken", "Pictures under way or waiting.", registry=self._registry)
        taken.set_function(lambda: engine.taken)
        capacity = Gauge("maskwright_capacity", "Pictures that may be taken at a time.", registry=self._registry)
        capacity.set(engine.capacity)
        self._batches = Gauge(
            "maskwright_batches", "Batches so far by model and pictures in them.", ["model", "pictures"],
            registry=self._registry,
        )  # fmt: skip
        self._engine = engine

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Take note of a request. path: of the service's own routes."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def looked_at(self, model: str, outcome: str) -> None:
        """Take note of a picture. outcome: "ok", "refused", "busy" or "late"."""
        self._pictures.labels(model, outcome).inc()

    def text(self) -> bytes:
        """Return all counts as Prometheus reads them."""
        for name, network in self._engine.networks.items():
            for pictures, times in enumerate(network.batches):
                if times:
                    self._batches.labels(name, str(pictures)).set(times)
        return generate_latest(self._registry)
