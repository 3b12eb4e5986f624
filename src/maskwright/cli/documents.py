"""The JSON documents of the commands as models: what the JSON Schemas in `schemas/` are made from.

A key named here is a promise to programs; more keys may stand beside them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from maskwright.cli.score_documents import Compare, Document, Done, Evaluate, Scores


class Error(Document):
    """What is wrong, where, and how to put it right; the last two may be empty."""

    what: str
    where: str
    fix: str


class Failed(Document):
    """The document of a command that could not do what it was asked for."""

    schema_: Literal[1] = Field(alias="schema")
    command: str
    ok: Literal[False]
    error: Error


class Finding(Document):
    """One thing that `check` found; `sample` is null where it concerns the whole set."""

    kind: str
    level: Literal["error", "warning", "note"]
    sample: str | None
    what: str
    where: str
    fix: str
    evidence: Any


class Planned(Document):
    """How a training would look at the pictures, if it followed the same recipe."""

    mode: Literal["whole", "tile"]
    size: Annotated[list[int], Field(min_length=2, max_length=2, description="height and width")]
    scale: float
    reasons: dict[str, str]


class ToDo(Document):
    """One thing to do, of at most three."""

    action: str
    level: Literal["error", "warning"]
    kinds: list[str] = Field(description="the kinds of findings that it puts right")
    pictures: int = Field(ge=1, description="how many pictures or files these are about")


class Mended(Document):
    """A clean copy of the set that was checked."""

    folder: str
    changes: str = Field(description="the CSV file with one line for each change")
    pairs: int = Field(ge=0, description="pairs in the copy")
    left_out: int = Field(ge=0, description="pairs of the source that are not in the copy")
    actions: dict[str, int] = Field(description="lines of the file by what was done")
    kinds: dict[str, int] = Field(description="of what was mended, how many of each kind")
    remaining: dict[str, int] = Field(description="findings in the copy by level")
    seconds: float = Field(ge=0)


class Check(Done):
    """What a data folder holds, and what is wrong with it."""

    command: Literal["check"]
    pairs: int = Field(ge=0)
    images: int = Field(ge=0)
    masks: int = Field(ge=0)
    classes: list[str]
    encoding: Any = Field(description="how the masks hold classes")
    planned: Planned | None = Field(description="null where no mask can be read")
    findings: list[Finding] = Field(description="worst first")
    levels: dict[Literal["error", "warning", "note"], int] = Field(description="how many findings of each level")
    to_do: list[ToDo] = Field(description="what matters most, first things first")
    next: list[str] = Field(description="commands to type next")
    written: str | None = Field(default=None, description="with --write: the description that was written")
    page: str | None = Field(default=None, description="with --html: the page")
    mended: Mended | None = Field(default=None, description="with --fix: the copy")


class Tracked(Document):
    """One tracker's copy of a run."""

    tracker: str
    where: str = Field(description="how to look at it")
    complete: bool
    error: str = Field(description="why it is not complete, or empty")


class Train(Done):
    """A finished training."""

    command: Literal["train"]
    run: str = Field(description="the run's folder")
    model: str = Field(description="the model file")
    ensemble: str | None = Field(default=None, description="with folds: the file of all their models")
    seconds: float = Field(ge=0)
    scores: Scores
    tracked: list[Tracked] = Field(default=[], description="one for each --track")


class Output(Document):
    """One picture that was predicted."""

    input: str
    mask: str = Field(description="the mask file that was written")
    seconds: float = Field(ge=0, description="from file to file; 0 where everything was there already")
    overlay: str | None = Field(default=None, description="the mask over its picture, where that was wanted")
    files: dict[str, list[str]] = Field(default={}, description="of the further kinds that were wanted, by kind")


class Failure(Document):
    """One picture that could not be predicted."""

    input: str
    error: Error


class Predict(Document):
    """What was predicted; `ok` is false, and `error` there, when a picture failed."""

    schema_: Literal[1] = Field(alias="schema")
    ok: bool
    command: Literal["predict"]
    outputs: list[Output]
    failures: list[Failure]
    files: dict[str, str] = Field(default={}, description="of all pictures together, by kind")
    runtime: str = Field(description="what ran the model file")
    precision: str = Field(description="of the network")
    why: str = Field(description="why these, in words; 'stated' where the user said so")
    error: Error | None = None


class Compared(Document):
    """How a model file's masks differ from the fp32 file's, in one runtime."""

    runtime: str
    precision: str
    pictures: int = Field(ge=1)
    pixels: int = Field(ge=1)
    differing_pixels: int = Field(ge=0)
    dice_network: float = Field(description="mean Dice of the fp32 file")
    dice_file: float = Field(description="mean Dice in this precision")
    worst: str
    worst_share: float
    passed: bool


class Export(Done):
    """What was made of a run's model file."""

    command: Literal["export"]
    to: Literal["int8", "bf16"]
    path: str
    bytes_before: int = Field(ge=1)
    bytes_after: int = Field(ge=1)
    part: str = Field(description="of the run's data that was compared")
    forced: bool = Field(description="whether it was written in spite of the gate")
    reports: list[Compared] = Field(min_length=1)


class RecipeLine(Document):
    """One recipe; parameters are counted as its source counts them."""

    name: str
    task: str
    network: str
    parameters: int = Field(ge=0)
    trainable: int = Field(ge=0)
    buffers: int = Field(ge=0)
    source: str
    count: Literal["pytorch", "keras"] = Field(
        description="keras counts batch norm's moving averages, pytorch does not"
    )


class RecipeField(Document):
    """One key of a recipe."""

    key: str
    type: str
    default: Any
    description: str


class Recipes(Done):
    """The recipes that come with maskwright."""

    command: Literal["recipes"]
    recipes: list[RecipeLine] | None = None
    fields: list[RecipeField] | None = None


class Demo(Done):
    """What the demo made."""

    command: Literal["demo"]
    run: str
    model: str
    seconds: float = Field(ge=0)
    scores: Scores
    sheet: str = Field(description="overlay sheet, PNG")
    predictions: str = Field(description="folder of the masks of pictures that were in no part")


class Info(Done):
    """What a model file says of itself."""

    command: Literal["info"]
    classes: dict[str, Any]
    mode: Literal["whole", "tile"]
    size: Annotated[list[int], Field(min_length=2, max_length=2)]
    bands: int
    network: str
    threshold: float | None
    temperature: float = Field(description="what logits are divided by before they become probabilities; 1: nothing")


class Augment(Done):
    """A set that was written with changed copies of its training pictures."""

    command: Literal["augment"]
    folder: str = Field(description="the new folder; it reads without any option")
    pictures: int = Field(ge=0, description="pictures of the old set in it")
    copies: int = Field(ge=0, description="copies in it, with those that were there before")
    augmented: int = Field(ge=0, description="pictures that got new copies")
    parts: dict[str, int] = Field(description="pictures in each part; empty where training will use folds")
    split: str = Field(description="how the pictures were split, in words")
    seconds: float = Field(ge=0)


class ShownPair(Document):
    """One pair on a sheet."""

    id: str
    part: str = Field(description="its official part, or empty")
    shares: dict[str, float] = Field(description="share of the mask of each class that it shows, without background")
    ignored: float = Field(description="share of pixels that count in nothing")


class ShownClass(Document):
    """One class of a set."""

    name: str
    colour: Annotated[list[int], Field(min_length=3, max_length=3)]
    pixels: float = Field(description="its share of all pixels that count")
    masks: float = Field(description="the share of masks that show it")


class Unreadable(Document):
    """A pair that was passed over."""

    id: str
    error: Error


class Show(Done):
    """A sheet of pairs."""

    command: Literal["show"]
    sheet: str = Field(description="the PNG")
    pairs: int = Field(ge=0, description="pairs of the set, or of the part that was asked for")
    looked_at: int = Field(ge=0, description="masks from which shares and choice were taken")
    shown: list[ShownPair]
    classes: list[ShownClass]
    failures: list[Unreadable] = Field(default=[], description="pairs that cannot be read, and why")


class FindLr(Done):
    """What `train --find-lr` found."""

    command: Literal["find-lr"]
    folder: str
    curve: str = Field(description="the PNG")
    suggestion: float | None = Field(description="peak rate of decoder and head; null where the loss did not fall")
    settings: dict[str, float] = Field(description="keys of a recipe that make use of it")
    recipe_rate: float = Field(description="what the recipe says now")
    why: str
    steps: int = Field(ge=0)
    seconds: float = Field(ge=0)
    next: str = Field(description="the command of a training with it")


class PlanLine(Document):
    """One set-up of a training; step and epoch are given for each phase."""

    name: str
    encoder: str
    decoder_channels: list[int] | None = Field(description="null for the network's usual ones")
    weights: str
    weights_at_hand: bool = Field(description="nothing would have to be fetched")
    size: Annotated[list[int], Field(min_length=2, max_length=2, description="height and width")]
    precision: str
    step_seconds: list[float]
    epoch_seconds: list[float] = Field(description="validation included")
    epochs: list[int] = Field(description="advised, or what fits into the minutes")
    seconds: float = Field(ge=0, description="of the whole command")
    terms: dict[str, float] = Field(description="what these seconds go into")
    memory: float | None = Field(description="expected peak in bytes, of the process or the GPU; null: not known here")
    fits: bool | None = Field(description="into the minutes; null where none are stated")


class Plan(Done):
    """What a training would be and what it would take."""

    command: Literal["plan"]
    data: str
    recipe: str
    parts: dict[str, int] = Field(description="pictures of one training")
    folds: int = Field(ge=0, description="0: none")
    mode: Literal["whole", "tile"]
    batch_size: int = Field(ge=1)
    device: str
    reasons: dict[str, str]
    options: list[PlanLine]
    minutes: float | None
    taken: str | None = Field(description="the set-up that `train` would take; null where nothing fits")
    least_minutes: float = Field(ge=0, description="for one epoch of the quickest set-up")
    seconds: float = Field(ge=0, description="that planning took")


class PublicSetLine(Document):
    """One public set that can be fetched."""

    name: str
    title: str
    task: str
    pictures: int = Field(ge=0)
    bytes: int = Field(ge=0, description="to download")
    exact: bool = Field(description="every size is published; else roughly")
    checksums: bool = Field(description="every archive has a published checksum")
    licence: str
    home: str
    account: str = Field(description="whose token is needed; empty: nobody's")


class FetchedArchive(Document):
    """One archive of a fetched set; address, bytes and checksum are null where its folders were there already."""

    name: str
    address: str | None
    bytes: int | None
    checksum: str | None
    compared: bool = Field(description="equal to a published checksum")
    there: bool


class FetchedSet(PublicSetLine):
    """A set that lies in its folder now."""

    citation: str
    folder: str
    archives: list[FetchedArchive]


class Fetch(Done):
    """The sets that can be fetched, or the one that was."""

    command: Literal["fetch"]
    sets: list[PublicSetLine] | None = None
    fetched: FetchedSet | None = None


DOCUMENTS: dict[str, type[Document]] = {
    "augment": Augment,
    "check": Check,
    "compare": Compare,
    "demo": Demo,
    "evaluate": Evaluate,
    "fetch": Fetch,
    "find-lr": FindLr,
    "info": Info,
    "plan": Plan,
    "export": Export,
    "predict": Predict,
    "recipes": Recipes,
    "show": Show,
    "train": Train,
}
