"""The words of docs/leaks.md; the figures are put in by leaks_page.py."""

INTRODUCTION = """# A split that leaks, measured

Carvana's pictures are views of cars: {pictures} pictures here, but only {cars} cars. A random split puts views of one
car into training and test; maskwright's folds keep each car together. How much does that change the score, and which of
the two is right?

`benchmarks/leaks/run.py` trains the same recipe both ways, and writes this page (`--page`) from its `results.json`.

- Network: U-Net over {encoder} ({weights}), {height}x{width}, {epochs} epochs, batch {batch_size}, {folds} folds,
  {seeds}.
- Pictures and masks are reduced to {picture_width} pixels in width first, and scored at that size, so that the whole
  experiment takes minutes: {minutes:.0f} minutes of one processor core for each seed ({machine}).
- The set-up was chosen for its time, and for a Dice above 0.95 in one fold by car; nothing had been trained by picture
  when it was chosen.
"""

WHOLE = """
## What each split prints

All {pictures} pictures, {folds} folds, each picture scored by the model that did not train on it. The intervals (95 %)
are those that maskwright prints: over pictures where each stands for itself, over cars where they are kept together.

{table}
"""

TRUE = """
## What is true

A third of the cars is taken away from everything. The other cars are trained on and scored out of fold, both ways, as
above (*printed*). Then the very models that made these scores are scored on the cars taken away (*true*; the mean of
the folds' models, intervals over cars). This is done three times, so that each car is taken away once.

{thirds}

Picture by picture, over all of these: its printed score, from when its car was among the others, less its true score,
from when its car had been taken away; by models trained on equally many pictures. Above zero, a split promises too
much. Intervals are over cars.

{optimism}

The same, one way of splitting against the other:

{between}
"""

FILES = """
## What such a run leaves for use

On the cars taken away: `model.onnx`, trained on all the other cars, and `ensemble.onnx`, the folds' models as one. The
scores are means over pictures; *the folds' single models* are the true scores above.

{table}
"""

MEANING = """
## What it means

- In these runs the split by picture promised too much: its printed Dice less what the very same models reach on cars
  that they have never seen is {by_picture}; for the split by car it is {by_car}. In {higher} of {runs} pairs of runs
  the split by picture printed the higher Dice. The interval of the difference between the two, {between}, {settled}:
  {cars} cars are few, and that the direction was the same each time is all that they can show.
- It also claims to know the score too well. Its intervals for Dice are {narrow:.3f} wide on average, those over cars
  {wide:.3f}. The true Dice lay within the printed interval in {within_picture} of {trials} cases by picture and in
  {within_car} of {trials} by car; the cars taken away are themselves only a few, and their own intervals are wide.
- The models are no worse for it: on new cars those of both ways score alike (by picture less by car: {true}). What
  leaks is the number, not the network.
- The gap is small here: one studio, one background, one large object in each picture. This page says nothing on sets
  whose related pictures have more in common, such as frames of one film or slices of one patient.
- The ensemble is no free gain: on new cars it scores {ensemble:.3f}, its single models {single:.3f}, and `model.onnx`,
  which has trained on all the pictures that the folds held out from one another, {final:.3f} (Dice, folds by car).

What else was tried: pictures at their full size with five folds at 128x192 were given up before any score was read,
since they took too long. No other set-up was trained. Seed 0 was run twice, with the same scores: the first time only
their means had been kept.
"""
