"""How much the service takes upon itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """pictures: under way or waiting at a time. bytes: of one request. held: bytes of all requests at a time.

    pixels: of one picture. seconds: for a request to arrive, and again for its picture's turn to come. files: of a
    batch.
    """

    pictures: int = 64
    bytes: int = 64 << 20
    held: int = 512 << 20
    pixels: int = 50_000_000
    seconds: float = 30.0
    files: int = 32
