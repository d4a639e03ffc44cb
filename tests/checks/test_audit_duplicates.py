"""Copies of pictures: found however they were saved, and not seen where there are none."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from rsclip_lab.checks import audit, fingerprints
from rsclip_lab.data import distinct_images, open_image, sample

T = Image.Transpose


def recompressed(image):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=50)
    return Image.open(data).convert("RGB")


COPIES = {
    "recompressed": recompressed,
    "resized": lambda image: image.resize((90, 90), Image.Resampling.BICUBIC),
    "recoloured": lambda image: ImageEnhance.Contrast(ImageEnhance.Brightness(image).enhance(1.1)).enhance(1.1),
    "turned": lambda image: image.transpose(T.ROTATE_90),
    "mirrored": lambda image: recompressed(image.transpose(T.FLIP_LEFT_RIGHT)),
}


@pytest.fixture(scope="module")
def pictures():
    """One picture of each kind of the land sample, 28 in all, smooth ones among them."""
    return [open_image(file) for file in distinct_images(sample("land")).groupby("label")["image"].first()]


@pytest.fixture
def table_of(tmp_path):
    def write(pictures, splits, labels=None):
        files = [str(tmp_path / f"{number}.png") for number in range(len(pictures))]
        for file, picture in zip(files, pictures, strict=True):
            picture.save(file)
        captions = [f"picture number {number} from above" for number in range(len(files))]
        columns = {"image": files, "caption": captions, "image_id": range(len(files)), "split": splits}
        return pd.DataFrame({**columns, "label": labels or [None] * len(files)}, dtype=object)

    return write


def kinds(report):
    return report.problems.groupby("kind")["row"].agg(list).to_dict()


@pytest.mark.parametrize("change", COPIES)
def test_changed_copies_in_another_split_are_leaks_and_nothing_else_is(pictures, table_of, change):
    copies = [COPIES[change](picture) for picture in pictures]
    report = audit(table_of(pictures + copies, ["train"] * 28 + ["test"] * 28))
    rows = kinds(report)["near_leak"]
    assert set(rows) <= set(range(28, 56)) and len(rows) >= 27 and not report.ok
    assert "leak" not in kinds(report)


def test_a_changed_copy_within_a_split_is_a_warning(pictures, table_of):
    report = audit(table_of([*pictures, recompressed(pictures[3])], ["train"] * 29))
    assert kinds(report)["near_copy"] == [28] and report.ok


def test_a_leak_stands_at_the_row_of_the_split_that_must_not_know(pictures, table_of):
    same = [pictures[0]] * 3 + [pictures[1]] * 2
    found = kinds(audit(table_of(same + pictures[2:], ["test", "val", "train", "val", "test"] + ["train"] * 26)))
    assert found["leak"] == [0, 1, 3] and "repeated_picture" not in found


def test_pictures_that_share_a_frame_or_a_black_corner_only_are_not_copies(pictures, table_of):
    def framed(picture):
        pixels = np.array(picture)
        pixels[:12], pixels[-12:], pixels[:, :12] = 255, 255, 255
        pixels[np.add.outer(np.arange(128), np.arange(128)) > 190] = 0
        return Image.fromarray(pixels)

    found = kinds(audit(table_of([framed(picture) for picture in pictures], ["train", "test"] * 14)))
    assert not set(found) & {"leak", "near_leak", "near_copy"}


def test_one_picture_with_two_labels_is_told(pictures, table_of):
    table = table_of([pictures[0], pictures[0], *pictures[2:]], ["train"] * 28, ["a", "b"] + ["A", "a "] * 13)
    report = audit(table)
    assert "'a' and 'b'" in report.problems.set_index("kind").loc["label_conflict", "detail"]
    assert kinds(report)["label_conflict"] == [1]


def test_black_pictures_are_not_called_copies(table_of):
    blank = [Image.new("RGB", (64, 64))] * 4
    assert set(kinds(audit(table_of(blank, ["train", "test"] * 2)))) >= {"blank_picture"}
    assert "leak" not in kinds(audit(table_of(blank, ["train", "test"] * 2)))


def test_close_hashes_are_found_as_by_comparing_all_with_all():
    random = np.random.default_rng(0)
    hashes = random.integers(0, 256, (600, 8), dtype=np.uint8)
    for row in range(300):  # copies with up to six bits changed
        bits = np.unpackbits(hashes[row])
        bits[random.choice(64, row % 7, replace=False)] ^= 1
        hashes[300 + row] = np.packbits(bits)
    distance = (np.unpackbits(hashes, axis=1)[:, None] != np.unpackbits(hashes, axis=1)[None]).sum(2)
    near = {(i, j) for i, j in np.argwhere(distance <= 6).tolist() if i < j}
    found = {tuple(pair) for pair in fingerprints._close(hashes).tolist()}
    assert len(near) >= 300 and near <= found
    assert all(distance[pair] <= fingerprints.MAX_DISTANCE for pair in found)
