"""Class names become the words a caption would use, and file names of known sets give their class."""

import pytest

from rsclip_lab.data.readers import class_words, label_of_file
from rsclip_lab.data.readers.class_names import CLASSES_OF_SETS, OVERRIDES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AnnualCrop", "annual crop land"),
        ("HerbaceousVegetation", "herbaceous vegetation land"),
        ("SeaLake", "sea or lake"),
        ("denseresidential", "dense residential area"),
        ("dense_residential", "dense residential area"),
        ("DenseResidential", "dense residential area"),
        ("storagetanks", "storage tanks"),
        ("storage_tank", "storage tank"),
        ("baseballfield", "baseball field"),
        ("railwaystation", "railway station"),
        ("railway_station", "railway station"),
        ("viaduct", "viaduct"),
        ("thermal-power-station", "thermal power station"),
        ("WindTurbine", "wind turbine"),
        ("GISLayer", "gis layer"),
        ("tank2", "tank 2"),
        ("01_Airport", "airport"),
        ("3. Forest", "forest"),
        ("7", "7"),
        ("ÉtangVert", "étang vert"),
        ("农田", "农田"),
        ("__", "__"),
    ],
)
def test_names_become_words(name, words):
    assert class_words(name) == words


def test_the_lists_of_the_sets_are_whole_and_all_their_names_become_plain_words():
    counts = {"EuroSAT": 10, "RESISC45": 45, "UCMerced": 21, "AID": 30, "WHU-RS19": 19}
    assert {name: len(set(classes.split())) for name, classes in CLASSES_OF_SETS.items()} == counts
    for name in " ".join(CLASSES_OF_SETS.values()).split():
        words = class_words(name)
        assert words == words.lower() and words.replace(" ", "").isalpha()
        assert max(map(len, words.split())) <= len("intersection")  # no two words left together
        assert class_words(words) == words  # words of words stay


def test_an_override_stands_only_where_the_rule_gives_something_else():
    spelled = {name.replace("_", "").lower(): name for name in " ".join(CLASSES_OF_SETS.values()).split()}
    assert set(OVERRIDES) <= set(spelled)
    assert all(words != key for key, words in OVERRIDES.items())


@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("airport_1.jpg", "airport"),
        ("rsicd_images/airport_1.jpg", "airport"),
        ("C:\\rsicd\\storagetanks_12.jpg", "storage tanks"),
        ("agricultural00.tif", "agricultural land"),
        ("mediumresidential99.tif", "medium residential area"),
        ("baseball_diamond_001.jpg", "baseball diamond"),
        ("AnnualCrop_12.jpg", "annual crop land"),
        ("port (3).png", "port"),
        ("airport.jpg", "airport"),
        ("00001.jpg", None),
        ("img_12.jpg", None),
        ("a004.jpg", None),
        ("airport/00001.jpg", None),
        ("my_airport_1.jpg", None),
        ("airport_1_b.jpg", None),
        ("", None),
    ],
)
def test_labels_from_file_names(file, label):
    assert label_of_file(file) == label
