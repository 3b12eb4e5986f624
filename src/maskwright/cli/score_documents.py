"""The JSON documents of scores: of a model on a set of pictures, and of several against each other."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """A JSON object whose named keys are promised."""

    model_config = ConfigDict(extra="allow")


class Done(Document):
    """The envelope of a command that did what it was asked for."""

    schema_: Literal[1] = Field(alias="schema")
    ok: Literal[True]


class Score(Document):
    """A value with its 95 % interval; null where it is not defined, with the reason beside it."""

    value: float | None
    low: float | None
    high: float | None


class Measures(Document):
    """The measures from counts. Two classes: of the foreground; more: the mean over what `mean_over` says."""

    dice: Score
    iou: Score
    precision: Score
    recall: Score
    specificity: Score
    accuracy: Score


class BothWays(Document):
    """Measures as a mean over pictures, and of all pixels counted together."""

    per_image: Measures
    pooled: Measures


class Trivial(Document):
    """What simple answers score: two that look at no picture, and classical ones that learn nothing from masks."""

    all_background: BothWays
    majority_class: BothWays
    otsu: BothWays | None = None
    kmeans: BothWays | None = None
    watershed: BothWays | None = None


class BoundaryMeasures(Document):
    """Measures of boundaries; distances are in pixels."""

    boundary_iou: Score
    boundary_f1: Score
    hd95: Score
    assd: Score


class Boundary(Document):
    """Measures of boundaries as means over pictures; with a known pixel size distances are told in its unit too."""

    per_image: BoundaryMeasures
    per_class: dict[str, BoundaryMeasures]
    unit: str


class Calibration(Document):
    """Whether probabilities mean what they say; null where there were none."""

    ece: float | None = Field(description="expected calibration error, 15 bins of equal width")
    mce: float | None
    brier: float | None
    nll: float | None


class Where(Document):
    """The score per picture against what the pictures are like."""

    factors: list[dict[str, Any]]
    said: list[str] = Field(description="sentences on what matters beyond chance")


class Agreement(Document):
    """People who marked the same pictures, with each other and with the model: dice and iou."""

    people: dict[str, Score]
    model: dict[str, Score]
    pictures: int


class Scores(BothWays):
    """The scores of a model on a set of pictures."""

    images: int = Field(description="how many pictures were scored")
    per_class: dict[str, BothWays] = Field(description="each class against the rest")
    trivial: Trivial
    mean_over: str = Field(description="which classes the mean is taken over, in words")
    runtime: str = Field(description="what ran the model file")
    precision: str = Field(description="precision of the network's part")
    boundary: Boundary | None = None
    saliency: dict[str, Any] | None = Field(default=None, description="F-beta, MAE, S-measure, E-measure")
    calibration: Calibration | None = None
    confusion: dict[str, Any] | None = Field(default=None, description="what each class is taken for")
    where: Where | None = None
    agreement: Agreement | None = None


class Evaluate(Done, Scores):
    """The scores of a model file."""

    command: Literal["evaluate"]
    folder: str | None = Field(default=None, description="with --output: where everything was written")
    report: str | None = Field(default=None, description="with --output: the page")


class SeedSpread(Document):
    """How far the seeds of one recipe lie apart."""

    deviation: float = Field(description="standard deviation of the seeds' means")
    least: float
    largest: float


class ComparedEntry(Score):
    """One entry of a comparison: its mean over the pictures that all have."""

    name: str
    places: list[str] = Field(description="the files of its scores, one a seed")
    pictures: int = Field(ge=0, description="that it was scored on, also those that others do not have")
    seeds: list[int] = Field(description="empty where not known")
    each: list[float] = Field(description="the mean of each seed, where there are several")
    spread: SeedSpread | None


class ScoreDifference(Document):
    """The difference of two entries, second minus first; the interval is null where there is none, with `reason`."""

    first: str
    second: str
    value: float
    low: float | None
    high: float | None
    told_apart: bool
    better: str | None = Field(description="the better one, null where they cannot be told apart")
    needed: int | None = Field(description="pictures (groups) with which such a difference would be told apart")
    needed_about: int | None = Field(description="the same in round numbers; null where they are told apart")
    pictures_higher: int = Field(ge=0, description="pictures on which the second is higher")
    pictures_lower: int = Field(ge=0)
    pictures_equal: int = Field(ge=0)
    text: str


class ComparedPicture(Document):
    """One picture and its score in each entry, by name; of several seeds their mean."""

    id: str
    group: str | None
    scores: dict[str, float]


class Compare(Done):
    """Entries against each other on the same pictures."""

    command: Literal["compare"]
    measure: str
    label: str
    better: Literal["higher", "lower"] | None
    images: int = Field(ge=0, description="pictures that all have")
    groups: int | None = Field(description="of related pictures; null where intervals are over pictures")
    undefined: int = Field(ge=0, description="pictures left out because the measure is not defined in every entry")
    entries: list[ComparedEntry]
    differences: list[ScoreDifference]
    simultaneous: bool = Field(description="several differences, whose intervals hold together")
    seeds_counted: bool = Field(description="the differences' intervals hold for other seeds too")
    says: list[str]
    notes: list[str]
    pictures: list[ComparedPicture]
    written: list[str] = Field(description="the files that were asked for")
