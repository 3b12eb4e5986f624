import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.opening import Encoded
from maskwright.runtime.predictor import load_model
from maskwright.serve.engine import Busy, Engine, Late, Stopping


def png(value, size=(12, 9)):
    stream = BytesIO()
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(stream, "PNG")
    return Encoded(stream.getvalue(), f"{value}.png")


def at_size(answer):
    return np.concatenate([part for _, part in answer.in_rows()], axis=1)


@pytest.fixture
def predictor(tmp_path, write_model):
    write_model(tmp_path / "model.onnx")
    return load_model(tmp_path / "model.onnx", masks_only=True, callers=4)


@pytest.fixture
def engine(predictor):
    engine = Engine({"pebbles": predictor}, capacity=40, threads=8)
    yield engine
    engine.stop()


class Gate:
    """What is made of an answer: nothing, before the gate is opened."""

    def __init__(self):
        self.opened, self.waiting = threading.Event(), threading.Semaphore(0)

    def __call__(self, answer):
        self.waiting.release()
        assert self.opened.wait(20)
        return answer


def test_each_caller_gets_the_answer_to_his_own_picture(engine, predictor):
    values = [3 * n for n in range(40)]
    futures = [engine.submit("pebbles", png(value), lambda answer: answer, within=60) for value in values]
    for value, future in zip(values, futures, strict=True):
        answer = future.result(20)
        assert answer.size == (12, 9)
        expected = predictor.predict(np.full((12, 9, 3), value, np.uint8)).probabilities
        np.testing.assert_allclose(at_size(answer), expected, atol=1e-6)


def test_pictures_that_come_together_go_through_the_network_together(predictor):
    look, begun, opened, sizes = predictor.look, threading.Event(), threading.Event(), []

    def slow(pixels):
        sizes.append(len(pixels))
        begun.set()
        assert opened.wait(20)
        return look(pixels)

    object.__setattr__(predictor, "look", slow)
    engine = Engine({"pebbles": predictor}, capacity=40, threads=8)
    try:
        first = engine.submit("pebbles", png(7), lambda answer: answer, within=60)
        assert begun.wait(20)
        others = [engine.submit("pebbles", png(n), lambda answer: answer, within=60) for n in range(5)]
        waits_for(lambda: len(engine.networks["pebbles"]._waiting) == 5)
        opened.set()
        for future in (first, *others):
            future.result(20)
        assert sizes == [1, 5]
        assert engine.networks["pebbles"].batches[5] == 1
    finally:
        opened.set()
        engine.stop()


def waits_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_broken_picture_fails_alone(engine):
    good = [engine.submit("pebbles", png(n), lambda answer: answer.size, within=60) for n in range(9)]
    bad = engine.submit("pebbles", Encoded(png(1).content[:40], "torn.png"), lambda answer: answer, within=60)
    with pytest.raises(DataError, match="torn.png"):
        bad.result(20)
    assert [future.result(20) for future in good] == [(12, 9)] * 9


def test_beyond_its_capacity_callers_are_sent_away_and_told_for_how_long(predictor):
    engine, gate = Engine({"pebbles": predictor}, capacity=3, threads=1), Gate()
    futures = [engine.submit("pebbles", png(n), gate, within=60) for n in range(3)]
    with pytest.raises(Busy) as caught:
        engine.submit("pebbles", png(3), gate, within=60)
    assert caught.value.seconds >= 1
    gate.opened.set()
    for future in futures:
        future.result(20)
    waits_for(lambda: engine.taken == 0)
    engine.submit("pebbles", png(3), gate, within=60).result(20)  # it has recovered
    engine.stop()


def test_what_waited_too_long_is_not_begun(predictor):
    engine, gate = Engine({"pebbles": predictor}, capacity=3, threads=1), Gate()
    first = engine.submit("pebbles", png(1), gate, within=60)
    late = engine.submit("pebbles", png(2), gate, within=0.01)
    assert gate.waiting.acquire(timeout=20)
    time.sleep(0.05)
    gate.opened.set()
    first.result(20)
    with pytest.raises(Late):
        late.result(20)
    engine.stop()


def test_stopping_finishes_what_was_taken_and_takes_no_more(predictor):
    engine, gate = Engine({"pebbles": predictor}, capacity=9, threads=1), Gate()
    futures = [engine.submit("pebbles", png(n), gate, within=60) for n in range(4)]
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(engine.stop)
        waits_for(lambda: engine._stopping)
        with pytest.raises(Stopping):
            engine.submit("pebbles", png(9), gate, within=60)
        assert not stopping.done()
        gate.opened.set()
        stopping.result(20)
    assert [future.result(0).size for future in futures] == [(12, 9)] * 4


def test_a_failing_network_is_told_to_those_it_looked_at_and_to_no_one_later(predictor):
    look, failing = predictor.look, [True]

    def sometimes(pixels):
        if failing.pop() if failing else False:
            raise DataError("out of memory", where="model.onnx", fix="")
        return look(pixels)

    object.__setattr__(predictor, "look", sometimes)
    engine = Engine({"pebbles": predictor}, capacity=9, threads=2)
    with pytest.raises(DataError, match="out of memory"):
        engine.submit("pebbles", png(1), lambda answer: answer, within=60).result(20)
    assert engine.submit("pebbles", png(1), lambda answer: answer.size, within=60).result(20) == (12, 9)
    engine.stop()


@pytest.mark.parametrize("error", [MemoryError, ZeroDivisionError])
def test_an_error_of_the_network_that_nobody_expected_reaches_each_of_its_callers(predictor, error):
    begun, opened, look = threading.Event(), threading.Event(), predictor.look

    def failing(pixels):
        begun.set()
        assert opened.wait(20)
        if len(pixels) > 1:
            raise error("no luck")
        return look(pixels)

    object.__setattr__(predictor, "look", failing)
    engine = Engine({"pebbles": predictor}, capacity=9, threads=8)
    first = engine.submit("pebbles", png(7), lambda answer: answer, within=60)
    assert begun.wait(20)
    others = [engine.submit("pebbles", png(n), lambda answer: answer, within=60) for n in range(4)]
    waits_for(lambda: len(engine.networks["pebbles"]._waiting) == 4)
    opened.set()
    first.result(20)
    for future in others:
        with pytest.raises(error, match="no luck"):
            future.result(20)
    engine.stop()
    assert engine.taken == 0


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(predictor):
    engine = Engine({"pebbles": predictor}, capacity=9, threads=2, pixels=100)
    with pytest.raises(DataError, match="108 pixels; this service takes up to 100"):
        engine.submit("pebbles", png(7), lambda answer: answer, within=60).result(20)
    engine.stop()


def test_stopping_gives_up_on_what_does_not_end(predictor):
    engine, gate = Engine({"pebbles": predictor}, capacity=9, threads=1), Gate()
    endless = engine.submit("pebbles", png(1), gate, within=60)
    waiting = engine.submit("pebbles", png(2), gate, within=60)
    assert gate.waiting.acquire(timeout=20)
    engine.stop(within=0.05)
    assert waiting.cancelled() and not endless.done()
    gate.opened.set()
    endless.result(20)


def test_models_that_see_tiles_are_served_too(tmp_path, write_model):
    write_model(tmp_path / "tiles.onnx", mode="tile", overlap=2)
    predictor = load_model(tmp_path / "tiles.onnx")
    engine = Engine({"tiles": predictor}, capacity=4, threads=2)
    answer = engine.submit("tiles", png(90, (30, 40)), lambda answer: answer, within=60).result(20)
    expected = predictor.predict(np.full((30, 40, 3), 90, np.uint8)).probabilities
    np.testing.assert_allclose(at_size(answer), expected, atol=1e-6)
    engine.stop()
