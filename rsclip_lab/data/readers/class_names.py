"""Names of classes as words: "AnnualCrop" becomes "annual crop land", as a caption would say it."""

import os
import re

# The class lists as the sets' own folders and file names write them. EuroSAT (Helber et al. 2019), RESISC45 (Cheng
# et al. 2017), UC Merced (Yang & Newsam 2010), AID (Xia et al. 2017; RSICD, Lu et al. 2017, has the same thirty in
# lower case) and WHU-RS19 (Dai & Yang 2011).
CLASSES_OF_SETS = {
    "EuroSAT": "AnnualCrop Forest HerbaceousVegetation Highway Industrial Pasture PermanentCrop Residential River "
    "SeaLake",
    "RESISC45": "airplane airport baseball_diamond basketball_court beach bridge chaparral church "
    "circular_farmland cloud commercial_area dense_residential desert forest freeway golf_course "
    "ground_track_field harbor industrial_area intersection island lake meadow medium_residential "
    "mobile_home_park mountain overpass palace parking_lot railway railway_station rectangular_farmland river "
    "roundabout runway sea_ice ship snowberg sparse_residential stadium storage_tank tennis_court terrace "
    "thermal_power_station wetland",
    "UCMerced": "agricultural airplane baseballdiamond beach buildings chaparral denseresidential forest freeway "
    "golfcourse harbor intersection mediumresidential mobilehomepark overpass parkinglot river runway "
    "sparseresidential storagetanks tenniscourt",
    "AID": "Airport BareLand BaseballField Beach Bridge Center Church Commercial DenseResidential Desert Farmland "
    "Forest Industrial Meadow MediumResidential Mountain Park Parking Playground Pond Port RailwayStation Resort "
    "River School SparseResidential Square Stadium StorageTanks Viaduct",
    "WHU-RS19": "Airport Beach Bridge Commercial Desert Farmland footballField Forest Industrial Meadow Mountain "
    "Park Parking Pond Port railwayStation Residential River Viaduct",
}
# Where the rule alone gives words that nobody would say, or finds no border between them. Letters and digits only.
OVERRIDES = {
    "agricultural": "agricultural land",
    "annualcrop": "annual crop land",
    "bareland": "bare land",
    "baseballdiamond": "baseball diamond",
    "baseballfield": "baseball field",
    "commercial": "commercial area",
    "denseresidential": "dense residential area",
    "footballfield": "football field",
    "golfcourse": "golf course",
    "herbaceousvegetation": "herbaceous vegetation land",
    "industrial": "industrial area",
    "mediumresidential": "medium residential area",
    "mobilehomepark": "mobile home park",
    "parking": "parking lot",
    "parkinglot": "parking lot",
    "pasture": "pasture land",
    "permanentcrop": "permanent crop land",
    "railwaystation": "railway station",
    "residential": "residential area",
    "sealake": "sea or lake",
    "sparseresidential": "sparse residential area",
    "storagetanks": "storage tanks",
    "tenniscourt": "tennis court",
}
# Names of detection sets: DIOR (Li et al. 2020) and LoveDA (Wang et al. 2021).
OVERRIDES_OF_DETECTION_SETS = {
    "barren": "barren land",
    "basketballcourt": "basketball court",
    "golffield": "golf field",
    "groundtrackfield": "ground track field",
    "storagetank": "storage tank",
    "trainstation": "train station",
}
BORDERS = re.compile(
    r"[\W_]+"
    r"|(?<=[^\W\d_A-Z])(?=[A-Z])"  # annual|Crop
    r"|(?<=[A-Z])(?=[A-Z][a-z])"  # GIS|Map
    r"|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"  # tank|2, 2|tanks
)
NUMBERED = re.compile(r"(?P<name>.*[^\W\d_])(?:[\s_.-]*\(?\d+\)?)?")


def class_words(name: str) -> str:
    """The words of a class name, in lower case: CamelCase, snake_case, kebab-case and digits are taken apart.

    A number that only orders folders ("01_Airport") is dropped. Names of the usual sets (`CLASSES_OF_SETS`) become
    what a caption would say: "SeaLake" gives "sea or lake", "denseresidential" gives "dense residential area".
    """
    words = [word for word in BORDERS.split(name) if word] or [name]
    if len(words) > 1 and words[0].isdigit() and not words[1].isdigit():
        words = words[1:]
    overrides = OVERRIDES | OVERRIDES_OF_DETECTION_SETS
    return overrides.get(_key("".join(words)), " ".join(words).lower())


def label_of_file(name: str) -> str | None:
    """The class that a file name carries, as words: "rsicd_images/airport_1.jpg" gives "airport".

    The class must be one of `CLASSES_OF_SETS`, with or without a number after it; "00001.jpg" and "img_12.jpg"
    have none.
    """
    found = NUMBERED.fullmatch(os.path.splitext(bare_name(name))[0])
    return KNOWN_CLASSES.get(_key(found["name"])) if found else None


def bare_name(name: str) -> str:
    """The file name without its folders, whichever system wrote it."""
    return re.split(r"[/\\]", name)[-1]


def _key(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


KNOWN_CLASSES = {_key(name): class_words(name) for names in CLASSES_OF_SETS.values() for name in names.split()}
