"""The Keras script of the write-up on DUTS: MobileNetV2 0.35 U-Net, tf.data with OpenCV, Dice loss, Adam. Pictures/s.

    python ordinary/keras_duts.py DATA --steps 12

As published but for the weights, which are random (speed does not depend on them). The first steps do not count.
"""

import argparse
import json
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from tensorflow.keras.applications import MobileNetV2
from tensorflow.keras.layers import Activation, BatchNormalization, Concatenate, Conv2D, Input, UpSampling2D
from tensorflow.keras.models import Model
from tensorflow.keras.optimizers import Adam

SIZE, BATCH, WARM_UP, SMOOTH = 256, 16, 3, 1e-15


def read_image(path: bytes) -> np.ndarray:
    """(256, 256, 3) float32 in 0..1."""
    image = cv2.resize(cv2.imread(path.decode(), cv2.IMREAD_COLOR), (SIZE, SIZE))
    return (image / 255.0).astype(np.float32)


def read_mask(path: bytes) -> np.ndarray:
    """(256, 256, 1) float32 in 0..1."""
    mask = cv2.resize(cv2.imread(path.decode(), cv2.IMREAD_GRAYSCALE), (SIZE, SIZE))
    return (mask / 255.0).astype(np.float32)[..., None]


def parse_pair(image: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Read both in Python."""
    image, mask = tf.numpy_function(lambda x, y: (read_image(x), read_mask(y)), [image, mask], [tf.float32, tf.float32])
    image.set_shape([SIZE, SIZE, 3])
    mask.set_shape([SIZE, SIZE, 1])
    return image, mask


def build_model() -> Model:
    """The write-up's network."""
    inputs = Input((SIZE, SIZE, 3), name="input_image")
    encoder = MobileNetV2(input_tensor=inputs, weights=None, include_top=False, alpha=0.35)
    x = encoder.get_layer("block_13_expand_relu").output
    skips = ["block_6_expand_relu", "block_3_expand_relu", "block_1_expand_relu", "input_image"]
    for name, filters in zip(skips, (64, 48, 32, 16), strict=True):
        x = Concatenate()([UpSampling2D((2, 2))(x), encoder.get_layer(name).output])
        for _ in range(2):
            x = Activation("relu")(BatchNormalization()(Conv2D(filters, (3, 3), padding="same")(x)))
    return Model(inputs, Activation("sigmoid")(Conv2D(1, (1, 1), padding="same")(x)))


def dice_loss(true: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """1 - Dice of the whole batch."""
    true, predicted = tf.reshape(true, [-1]), tf.reshape(predicted, [-1])
    both = tf.reduce_sum(true * predicted)
    return 1.0 - (2.0 * both + SMOOTH) / (tf.reduce_sum(true) + tf.reduce_sum(predicted) + SMOOTH)


class Clock(tf.keras.callbacks.Callback):
    """The time at the end of each step."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.ends = steps, []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Note the time, and end after enough steps."""
        self.ends.append(time.perf_counter())
        if len(self.ends) == self.steps:
            self.model.stop_training = True


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    options = parser.parse_args()
    files = [[str(p) for p in sorted((options.data / "train" / part).iterdir())] for part in ("images", "masks")]
    usable = len(files[0]) // BATCH * BATCH  # steps of one size
    batches = tf.data.Dataset.from_tensor_slices((files[0][:usable], files[1][:usable]))
    batches = batches.map(parse_pair, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(10)
    model, clock = build_model(), Clock(options.steps)
    model.compile(loss=dice_loss, optimizer=Adam(1e-4))
    epochs = -(-options.steps * BATCH // usable)
    history = model.fit(batches, epochs=epochs, callbacks=[clock], verbose=0)
    counted = clock.ends[WARM_UP - 1 : options.steps]
    seconds = sum(after - before for before, after in pairwise(counted))
    pictures = BATCH * (len(counted) - 1)
    loss = float(history.history["loss"][-1])
    print(json.dumps({"value": pictures / seconds, "pictures": pictures, "seconds": seconds, "loss": loss}))


if __name__ == "__main__":
    main()
