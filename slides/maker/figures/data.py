"""Lessons 02 and 03: how files become batches, and what can be wrong with them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import torch
from matplotlib.patches import Rectangle
from PIL import Image, ImageEnhance
from torchvision import transforms

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.data import Box, sample_folder
from rsclip_lab.show.style import RED, lecture_style, new_figure

from .drawing import figure
from .runs import DRAWN, base, sample

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
SCENE = 361  # of the coast's annotations: several kinds of objects, as in notebook 02


def _entry():
    coco = json.loads((sample_folder("coast") / "annotations.json").read_text("utf-8"))
    kinds = {category["id"]: category["name"] for category in coco["categories"]}
    entry = coco["images"][SCENE]
    return entry, kinds, [one for one in coco["annotations"] if one["image_id"] == entry["id"]]


@figure("show.plot_boxes", "lab.box_captions on a drawn picture", size=(1180, 400))
def boxes():
    entry, kinds, found = _entry()
    drawn = [Box(kinds[one["category_id"]], x, y, x + w, y + h, bool(one["iscrowd"]))
             for one in found for x, y, w, h in [one["bbox"]]]  # fmt: skip
    sentences = lab.box_captions(drawn, entry["width"], entry["height"], entry["file_name"])
    return show.plot_boxes(sample_folder("coast") / "images" / entry["file_name"], drawn, sentences)


@figure("slides", "a drawn picture; mask and box computed from it", size=(1100, 380))
@lecture_style
def mask_to_box():
    land = sample("land", "test")
    picture = np.asarray(lab.open_image(land.loc[land["label"] == "lake", "image"].iloc[0]))
    mask = picture.astype(int).sum(axis=-1) < 130  # this lake is the darkest thing in its picture
    rows, columns = np.where(mask)
    left, right, top, bottom = columns.min(), columns.max(), rows.min(), rows.max()
    made = new_figure(11, 4)
    for axes, words in zip(made.subplots(1, 3), ("the picture", "mask: water", "box: one lake"), strict=True):
        axes.imshow(mask if words.startswith("mask") else picture, cmap="cividis")
        axes.set_title(words, fontsize=20)
        axes.axis("off")
    made.axes[2].add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=RED, linewidth=4))
    return made


@figure("show.plot_class_grid", "the coast sample, drawn pictures", size=(640, 480))
def kinds():
    coast = sample("coast", "train")
    chosen = ["cargo ship", "submarine", "aquaculture cages", "container yard", "harbour crane", "reef"]
    return show.plot_class_grid(coast[coast["label"].isin(chosen)], each=4)


@figure("show.plot_batch", DRAWN, size=(1100, 400))
def two_views():
    model, land = base(), sample("land", "test")
    squash = transforms.Compose([transforms.Resize((model.image_size, model.image_size)), transforms.ToTensor()])
    wide = lab.open_image(land.loc[land["label"] == "storage tanks", "image"].unique()[4]).crop((0, 28, 128, 100))
    views = [wide, transforms.Normalize(**IMAGENET)(squash(wide)), model.preprocess(wide)]
    names = ["the file", "what training saw", "what evaluation saw"]
    return show.plot_batch(views, names, columns=3, mean=model.mean, std=model.std)


@figure("show.plot_batch", DRAWN, size=(1180, 290))
def augmented():
    store = lab.PixelStore.decode(sample("coast", "train")["image"].unique()[:1], base().image_size, base().resize)
    one = store.gather([0] * 4)
    versions = lab.augment(one, torch.Generator().manual_seed(1))
    return show.plot_batch([one[0], *versions], ["as it is", *[f"version {i + 1}" for i in range(4)]], columns=5)


@figure("show.plot_shared_captions", "one random batch of 64, drawn pictures of the coast sample", size=(620, 500))
def shared_captions():
    rows = sample("coast", "train").sample(frac=1, random_state=0).drop_duplicates("image_id")
    made = show.plot_shared_captions(rows["caption"].head(64).reset_index(drop=True))
    legend = made.axes[0].get_legend()  # on the diagonal otherwise, with letters of this size
    legend.set_loc("lower left")
    for words in legend.get_texts():
        words.set_text(words.get_text().replace(", ", ",\n"))
    return made


@figure(
    "show.plot_false_negatives",
    "the coast sample (drawn pictures), and the captions of RSICD's 8,734 training pictures, from CLIP-rsicd",
    size=(1000, 420),
)
def false_negatives():
    train = sample("coast", "train")
    labelled = lab.label_captions(train, "a satellite view of {label}", keep=False)
    shares = {
        "one sentence a class": lab.false_negative_shares(labelled)["normalised"],
        "this set": lab.false_negative_shares(train)["normalised"],
        "RSICD": pd.Series([1.8, 5.7, 13.4], index=[64, 256, 1024]) / 100,
    }
    return show.plot_false_negatives(shares)


@figure("show.plot_batch", "drawn pictures, damaged on purpose as in notebook 03", size=(1180, 380))
def quiet_faults():
    images = list(sample("coast", "train")["image"].unique())
    dark = lab.open_image(images[270]).point(lambda value: value // 20)
    tiny = lab.open_image(images[240]).resize((16, 16))
    red, green, blue = lab.open_image(images[5]).split()
    swapped = Image.merge("RGB", (blue, green, red))
    named = {"12 bits saved as 8": dark, "a thumbnail": tiny, "beyond the scene": Image.new("RGB", (128, 128)),
             "blue and red swapped": swapped}  # fmt: skip
    return show.plot_batch(list(named.values()), list(named), columns=4)


@figure("show.plot_batch", "a drawn picture and its changed copy", size=(700, 400))
def leak():
    picture = lab.open_image(sample("coast", "train")["image"].unique()[20])
    copy = ImageEnhance.Brightness(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).enhance(1.1)
    return show.plot_batch([picture, copy], ["in train", "in test: mirrored, brighter"], columns=2)


@figure(
    "show.plot_caption_lengths", "captions of the coast sample (drawn pictures), one made too long", size=(1000, 400)
)
def caption_lengths():
    tokenizer = base().tokenizer
    captions = sample("coast", "train")["caption"].unique()
    long = captions[0] + ", then a jetty, a shed, a road and a row of parked cars" * 9
    lengths = [len(tokenizer.encode(caption)) + 2 for caption in [*captions, long]]
    return show.plot_caption_lengths(lengths, context=77)


@figure("show.plot_batch", "one drawn picture, as the network reads it", size=(1180, 340))
def inputs():
    model = base()
    land = sample("land", "test")
    right = model.preprocess(lab.open_image(land.loc[land["label"] == "stadium", "image"].iloc[0]))
    mean, std = (torch.tensor(values)[:, None, None] for values in (model.mean, model.std))
    small = torch.nn.functional.interpolate((right * std + mean)[None], size=16, mode="area")
    blurred = torch.nn.functional.interpolate(small, size=model.image_size, mode="bicubic").clamp(0, 1)[0]
    pictures = {"as it should be": right, "blue and red swapped": right.flip(0), "not normalised": right * std + mean,
                "16 pixels, enlarged": (blurred - mean) / std}  # fmt: skip
    return show.plot_batch(list(pictures.values()), list(pictures), mean=model.mean, std=model.std)


def _matrix(name: str, kinds: list[str]):
    table = sample(name, "test")
    rows = table[table["label"].isin(kinds)].groupby("label").head(1)
    prompts = [f"a satellite view of {kind}" for kind in rows["label"]]
    similarity = (base().encode_images(list(rows["image"])) @ base().encode_texts(prompts).T).numpy()
    made = show.plot_similarity_matrix(similarity, list(rows["label"]), list(rows["label"]))
    made.axes[0].images[0].set_clim(0, 0.8)  # the same colours on both slides
    for cell, value in zip(made.axes[0].texts, similarity.flat, strict=True):
        cell.set_color("white" if value < 0.4 else "black")
    return made


@figure("show.plot_similarity_matrix", f"{DRAWN}, land", size=(620, 500))
def known_kinds():
    return _matrix("land", ["airport", "forest", "golf course", "river", "storage tanks"])


@figure("show.plot_similarity_matrix", f"{DRAWN}, coast", size=(620, 500))
def new_kinds():
    return _matrix("coast", ["cargo ship", "container yard", "reef", "submarine", "breeding ponds"])
