"""The public sets that `fetch_data` knows: where each lies, at which revision, with which hashes and licence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicSet:
    """Files of one data set repository of the Hugging Face hub, pinned to a commit and to their hashes."""

    name: str
    repository: str
    revision: str  # a full commit
    files: dict[str, str]  # path in the repository: sha256
    megabytes: int  # to download
    contents: str  # what it holds, in words
    licence: str
    citation: str
    keep: str | None = None  # in an archive: the folder that is the set, or a file in it (a glob); None: parquet
    draws_split: bool = False  # the set has no split of its own


# Commits, hashes and sizes as the hub's own pages state them (git-lfs pointers in the commits of arampacha/rsicd
# and torchgeo/ucmerced, file pages of torchgeo/eurosat and isaaccorley/Sydney-Captions). The commits of EuroSAT and
# UC Merced stand in torchvision (datasets/eurosat.py) and TorchGeo (datasets/ucmerced.py) as well. For RESISC45's
# archive commit and sha256 were found in public projects that load it, one of them a port of TorchGeo's class.
SETS = {
    entry.name: entry
    for entry in (
        PublicSet(
            name="rsicd",
            repository="arampacha/rsicd",
            revision="820466c8716e3ccdacde5cb2eb15a2f0f11ccdfe",
            files={
                "data/train-00000-of-00001.parquet": (
                    "637ce48273746c9a9bc7ea65f84bdcc0173257243f5ab6ae3258e013b58f8310"
                ),
                "data/valid-00000-of-00001.parquet": (
                    "06ef6d6a455a0c80667e93e490a0e9603ded172c45106c67bcaa4997fa865b91"
                ),
                "data/test-00000-of-00001.parquet": (
                    "e707fd90b59fe22a9a222d48b969226715f3eccf78e2b0f382f0a5565a98acda"
                ),
            },
            megabytes=526,
            contents="10,921 aerial pictures of 224 x 224 pixels, five captions each",
            licence="none stated; the pictures come from Google Earth, Baidu Map, MapABC and Tianditu",
            citation=(
                "Exploring Models and Data for Remote Sensing Image Caption Generation, "
                "IEEE TGRS 56(4), 2018, doi:10.1109/TGRS.2017.2776321"
            ),
        ),
        PublicSet(
            name="eurosat",
            repository="torchgeo/eurosat",
            revision="c877bcd43f099cd0196738f714544e355477f3fd",
            files={"EuroSAT.zip": "8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd"},
            megabytes=94,
            contents="27,000 Sentinel-2 pictures (RGB) of 64 x 64 pixels in 10 classes",
            licence="MIT",
            citation=(
                "EuroSAT: A Novel Dataset and Deep Learning Benchmark for Land Use and Land Cover Classification, "
                "IEEE JSTARS 12(7), 2019, doi:10.1109/JSTARS.2019.2918242"
            ),
            keep="2750",
            draws_split=True,
        ),
        PublicSet(
            name="resisc45",
            repository="isaaccorley/resisc45",
            revision="883edc0eee77b2c84225472f10f126e3ed83fa6e",
            files={"NWPU-RESISC45.zip": "beeecd0b63656290ae6d65cf7763185b0c1c4c54a753ef8088d6fba3faaf1f53"},
            megabytes=427,
            contents="31,500 pictures from Google Earth of 256 x 256 pixels in 45 classes",
            licence="CC BY-NC 4.0 (not for commercial use)",
            citation=(
                "Remote Sensing Image Scene Classification: Benchmark and State of the Art, "
                "Proceedings of the IEEE 105(10), 2017, doi:10.1109/JPROC.2017.2675998"
            ),
            keep="NWPU-RESISC45",
            draws_split=True,
        ),
        PublicSet(
            name="ucmerced",
            repository="torchgeo/ucmerced",
            revision="7c5ef3454d9b1cccfa7ccde0c01fc8f00a45909a",
            files={"UCMerced_LandUse.zip": "06c539ef28703a58fb07bd2837991ac7c48b813b00bb12ac197efd813a18daeb"},
            megabytes=332,
            contents="2,100 aerial pictures of 256 x 256 pixels in 21 classes",
            licence="public domain (USGS National Map)",
            citation=(
                "Bag-of-visual-words and spatial extensions for land-use classification, "
                "ACM SIGSPATIAL 2010, doi:10.1145/1869790.1869829"
            ),
            keep="UCMerced_LandUse/Images",
            draws_split=True,
        ),
        PublicSet(
            name="sydney",
            repository="isaaccorley/Sydney-Captions",
            revision="4b357e804147b78f6daf2deaed77260c53441bb5",
            files={"Sydney_captions.zip": "56c719de915c75986bc4d85c708eed447d50b8ae757bcd1e95a26487f8b7b3a6"},
            megabytes=355,
            contents="613 aerial pictures of 500 x 500 pixels, five captions each",
            licence="Apache-2.0 as the hub states it; the pictures come from Google Earth",
            citation=(
                "Deep semantic understanding of high resolution remote sensing image, "
                "CITS 2016, doi:10.1109/CITS.2016.7546397"
            ),
            keep="**/dataset.json",
        ),
    )
}
