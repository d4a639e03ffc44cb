# %% [markdown]
# # 02 · Data loader
#
# **How do files become batches?**
#
# What you will learn:
#
# - to read any folder of pictures and captions into one table: CSV, JSON, class folders, boxes;
# - why training and evaluation must use *one* preprocessing, and what two of them do to a picture;
# - to open pictures that ordinary code spoils: sixteen bits, many bands;
# - to measure a loader, to decode once, and to count the false negatives that repeated captions put in a batch.
#
# Time: about 35 minutes to read and try. The cells take half a minute on two CPU cores; on a T4 we expect not much less
# (reckoned, not measured), as most of it is files being read.
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
DATA = "the sample"  # @param ["the sample", "my folder", "rsicd"]
MY_FOLDER = ""  # @param {type: "string"}
BATCH_SIZE = 64  # @param {type: "integer"}

# %% [markdown]
# `the sample` comes with the package. For `my folder` name yours in `MY_FOLDER`, a mounted drive too
# (`/content/drive/MyDrive/…`): any of the forms below. `rsicd` downloads RSICD's 10,921 photographs once, about
# half a gigabyte, into `data/rsicd`.

# %%
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms

import rsclip_lab as lab
from rsclip_lab import exercises, show
from rsclip_lab.data import Box, names_direction, sample_folder, turned
from rsclip_lab.environment import throughput

# %%
pd.set_option("display.max_colwidth", None)  # tables show their captions in full
lab.set_seed(0)
model = lab.load_model(MODEL, fallback="tiny")
model

# %% [markdown]
# ## One table, whatever the form
#
# Everything in this course starts from one table: a row a caption, with the picture's path, the caption, a number a
# picture, its split and its label. Whatever you have becomes that table, in one call:

# %%
read = {
    "the sample": lambda: lab.sample("coast"),
    "my folder": lambda: lab.read_captions(MY_FOLDER),
    "rsicd": lambda: lab.fetch_data("rsicd"),
}
captions = read[DATA]()
pictures = lab.distinct_images(captions)
print(f"{len(captions)} captions of {len(pictures)} pictures: {len(captions) / len(pictures):.1f} each")
captions[["caption", "image_id", "split", "label"]].head(7)

# %% [markdown]
# A picture has **five captions**, one a row, because five people would describe a scene in five ways. `image_id`
# says which rows belong together.
#
# What forms are there? The source tutorial keeps `caption.csv` and a folder `images`; RSICD and its relatives come as
# nested JSON; CLIP-rsicd wrote JSON lines; classification sets have a folder a class and no captions at all. The
# next cell writes the same three pictures in four forms. **Predict:** in which of them do captions get lost?

# %%
work = Path(tempfile.mkdtemp())
some = lab.sample("coast").drop_duplicates("label").head(3)
(work / "images").mkdir()
for image in some["image"]:
    lab.open_image(image).save(work / "images" / Path(image).name)
rows = [(Path(image).name, text) for image, text in zip(some["image"], some["caption"], strict=True)]
pd.DataFrame(rows, columns=["photo", "text"]).to_csv(work / "table.csv", index=False, encoding="gb18030")
lines = [json.dumps({"filename": f"rsicd_images/{name}", "captions": [text]}) for name, text in rows]
(work / "lines.jsonl").write_text("\n".join(lines))
entries = [{"filename": name, "split": "train", "sentences": [{"raw": text}]} for name, text in rows]
(work / "dataset.json").write_text(json.dumps({"images": entries}))
for place, (image, label) in enumerate(zip(some["image"], some["label"], strict=True)):
    kind = label.title().replace(" ", "")  # CargoShip
    (work / "classes" / kind).mkdir(parents=True)
    lab.open_image(image).save(work / "classes" / kind / f"{place}.png")

# %%
for source in ("table.csv", "lines.jsonl", "dataset.json", "classes"):
    table = lab.read_captions(work / source)
    print(f"{source:14}{len(table)} rows; the first: {table['caption'][0]!r}, label {table['label'][0]!r}")

# %% [markdown]
# None are lost in the first three; a foreign encoding, another header and a folder of the machine that the file came
# from made no difference. The class folders never had captions: they get a sentence with the class name in words, and
# the name as label. Such sentences are poor captions, for all pictures of a class have the same one; you will see
# below what that costs.
#
# ## Boxes become captions
#
# Detection sets have boxes and no sentences. RemoteCLIP made most of its training captions from them by rule
# ([Liu et al. 2024](https://arxiv.org/abs/2306.11029)): two sentences on what stands at the centre and what does
# not, three on kinds and counts. The sample has boxes too, in COCO's form:

# %%
boxes_file = sample_folder("coast") / "annotations.json"
coco = json.loads(boxes_file.read_text())
kinds = {category["id"]: category["name"] for category in coco["categories"]}
entry = coco["images"][361]
found = [one for one in coco["annotations"] if one["image_id"] == entry["id"]]
boxes = [Box(kinds[one["category_id"]], x, y, x + w, y + h, bool(one["iscrowd"]))
         for one in found for x, y, w, h in [one["bbox"]]]  # fmt: skip
sentences = lab.box_captions(boxes, entry["width"], entry["height"], entry["file_name"])
show.plot_boxes(sample_folder("coast") / "images" / entry["file_name"], boxes, sentences)

# %% [markdown]
# Left the picture with its boxes, a colour a kind; right what the rule makes of them. All of it is true, and all of it
# is about things that can be boxed: no word of water, sand or colour. `lab.read_captions` does this for COCO, VOC,
# DOTA, YOLO and for masks by itself.
#
# ## What is in the set
#
# Here are the kinds, two pictures each, drawn at random:

# %%
show.plot_class_grid(captions, each=2)

# %% [markdown]
# Each row of the figure is one kind of scene, named on the left, seen from straight above. In the sample they are
# drawings, made by the project's generator, and every caption is true of its picture because the generator
# knows what it drew. (A set without labels has no rows to show.)
#
# ## The data set class
#
# PyTorch wants an object with a length and an item for each index. `ImageTextDataset` is the tutorial's
# class, with the same arguments and the same `(image, caption)` samples:

# %%
folder = sample_folder("coast")
dataset = lab.ImageTextDataset(folder / "caption.csv", folder / "images")
image, caption = dataset[0]
print(len(dataset), "samples; the first:", image.size, image.mode, "|", caption)

# %% [markdown]
# A network reads neither pictures nor words, only tensors. So two more things have to happen: the
# **tokenizer** turns the caption into whole numbers, the **preprocessing** turns the picture into an array
# of fixed size.
#
# ## Captions to numbers
#
# **Predict:** how many numbers does the tokenizer make of this caption? And does "A Cargo Ship" differ from
# "a cargo ship"?

# %%
tokens = model.tokenizer([caption])  # [1, context length]
print(tokens.shape)
print(tokens[0, :16].tolist(), "…")

# %% [markdown]
# Always the same count, the model's **context length**. The caption stands between a start token, 49406,
# and an end token, 49407; the rest is padding with zeros. What is between them are pieces of words:
# frequent words are one piece, rare ones are put together from several.

# %%
for text in ("a cargo ship", "A Cargo Ship", "aquaculture", "a photovoltaic array"):
    numbers = model.tokenizer.encode(text)
    print(f"{text!r:24}", numbers, [model.tokenizer.decoder[number] for number in numbers])

# %% [markdown]
# Upper and lower case give the same numbers: CLIP's tokenizer lower-cases. `</w>` marks the end of a word.
# A word in many pieces is one that its vocabulary was not made for; the model has to learn it from its
# parts. Add a word of your own field to the list: in how many pieces does it come back?
#
# ## Pictures to numbers: a flaw to see
#
# The tutorial *trained* on pictures squashed to a square and normalised with ImageNet's mean and standard
# deviation. It *evaluated* on pictures resized and centre-cropped and normalised with CLIP's. Both look
# harmless in code. **Predict:** will you see a difference by eye? In the shape, in the colours, or in both?
#
# To make the shape visible the picture here is wide: a strip cut from a scene with round storage tanks.

# %%
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
squash = transforms.Compose([transforms.Resize((model.image_size, model.image_size)), transforms.ToTensor()])
land = lab.sample("land", split="test")
wide = lab.open_image(land.loc[land["label"] == "storage tanks", "image"].iloc[0]).crop((0, 28, 128, 100))
in_training = transforms.Normalize(**IMAGENET)(squash(wide))
in_evaluation = model.preprocess(wide)
names = ["the file", "what training saw", "what evaluation saw"]
show.plot_batch([wide, in_training, in_evaluation], names, columns=3, mean=model.mean, std=model.std)

# %% [markdown]
# Left, the wide strip as it is in the file. Middle, training's view: squashed to a square, so that round
# tanks are tall ellipses, and with harder contrast, because ImageNet's standard deviations are smaller and
# dividing by them spreads the numbers further. Right, evaluation's view: round things stay round, the ends
# are cropped. (All are shown as a network with CLIP's normalisation reads them.)
#
# What does the network make of it? Compare the vectors of the two views, and for scale those of two different
# pictures of the same kind:

# %%
with torch.no_grad():
    views = model.image_features(torch.stack([in_evaluation, in_training]))
tanks = land.loc[land["label"] == "storage tanks", "image"].unique()[:8]
apart = model.encode_images(tanks)
print(f"cosine of the two views of one picture      {float(views[0] @ views[1]):.3f}")
between = (apart @ apart.T)[~np.eye(len(apart), dtype=bool)].mean()
print(f"cosine of two pictures of that kind, mean   {float(between):.3f}")

# %% [markdown]
# One picture should have a cosine of 1 with itself. How much of the way to "another picture of that kind" did
# the second preprocessing take? Now the colours alone, on accuracy: the same model, the same square pictures,
# once with the right mean and standard deviation and once with ImageNet's.

# %%
other = model.copy()
other.mean, other.std = IMAGENET["mean"], IMAGENET["std"]
store = lab.PixelStore.decode(land["image"].unique(), model.image_size, model.resize)
kinds = sorted(land["label"].unique())
classifier = lab.zero_shot_classifier(model, kinds)
labels = [kinds.index(label) for label in lab.distinct_images(land)["label"]]  # in the order of `store`
for name, reader in (("CLIP's", model), ("ImageNet's", other)):
    scores = reader.encode_images(store) @ classifier.T
    top1 = lab.topk_accuracy(scores, labels)[1]
    print(f"{name:11} mean and std: {100 * top1:.1f} % of {len(labels)} right")

# %% [markdown]
# Whether the difference is large or small on these drawings, it is free of any benefit, and nothing warns of
# it. The remedy is not care but construction: the preprocessing belongs to the model and comes from it. You
# just had to write `other.mean = …` to get it wrong; to get it right you write nothing.
#
# ## Opening what satellites deliver
#
# A photograph from a telephone has three bands of eight bits. Imagery has sixteen bits, four bands or thirteen, and
# code that was written for telephones does not complain. **Predict:** what does a 16-bit scene look
# like whose values lie between 200 and 3,000, if its bytes are taken as they are?

# %%
import tifffile

course = lab.sample("land", split="test").query("label == 'golf course'")["image"].iloc[0]
scene = np.asarray(lab.open_image(course)).astype(np.float32)
deep = (scene * 10 + 200).astype(np.uint16)  # reflectance times 10,000, as Sentinel-2 delivers it
green = (2 * scene[..., 1] - scene[..., 0] - scene[..., 2]).clip(0)  # plants shine in the infrared: made up here
infrared = (600 + 25 * green).astype(np.uint16)[..., None]
tifffile.imwrite(work / "16 bits.tif", deep, photometric="rgb")
tifffile.imwrite(work / "4 bands.tif", np.concatenate([deep[..., ::-1], infrared], axis=-1), planarconfig="contig")

# %%
as_it_is = Image.fromarray((deep // 256).astype(np.uint8))  # the upper byte, as naive code does
opened = {
    "16 bits, upper byte": as_it_is,
    "16 bits, open_image": lab.open_image(work / "16 bits.tif"),
    "blue, green, red, infrared: first three bands": lab.open_image(work / "4 bands.tif"),
    "bands=(2, 1, 0)": lab.open_image(work / "4 bands.tif", bands=(2, 1, 0)),
    "bands=(3, 2, 1): vegetation in red": lab.open_image(work / "4 bands.tif", bands=(3, 2, 1)),
}
show.plot_batch(list(opened.values()), list(opened), columns=5)

# %% [markdown]
# On the left, what naive code makes of sixteen bits: almost black, and no error. Beside it the same file stretched from
# its 2nd to its 98th percentile. Sentinel-2 stores blue before red, so the first three bands are a picture in false
# colours; `bands=` puts them right, or shows the infrared, in which plants are bright. `open_image` is the one door
# that all pictures of this package come through.
#
# ## A captioned batch
#
# With the model's own preprocessing in the data set, PyTorch's `DataLoader` shuffles, stacks and gives
# batches:

# %%
dataset = lab.ImageTextDataset(folder / "caption.csv", folder / "images", transform=model.preprocess)
loader = DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)
images, texts = next(iter(loader))
tokens = model.tokenizer(list(texts))
print("images", list(images.shape), images.dtype, " tokens", list(tokens.shape), tokens.dtype)
show.plot_batch(images[:2], texts[:2], columns=2, mean=model.mean, std=model.std)

# %% [markdown]
# Two pictures of the batch with the caption that came with each, at the resolution that the model gets.
# Always look at such a figure before you train: pictures upright, colours natural, captions that fit.
#
# ## How fast is it?
#
# A training step can only start when its batch is there. **Predict:** how many pictures a second does the
# loader give on this machine, and how many does the model eat in training? Which of the two waits for the
# other?
#
# Four ways to get a batch are measured: files of the sample (128 pixels), files as large as real imagery
# often is (the same pictures, enlarged to 1024 pixels), and a `PixelStore`, which decodes every picture
# *once* to the model's size and keeps the bytes in a memory-mapped file; from it as they are, and augmented.

# %%
files = list(pictures["image"][:32])
(work / "large").mkdir()
large = [work / "large" / f"{place}.jpg" for place in range(len(files))]
for file, target in zip(files, large, strict=True):
    lab.open_image(file).resize((1024, 1024)).save(target, quality=90)
start = time.perf_counter()
store = lab.PixelStore.decode(pictures["image"], model.image_size, model.resize, folder=work)
once = time.perf_counter() - start
print(f"{store}, decoded in {once:.1f} s")

# %%
def decoded(paths):
    return torch.stack([model.preprocess(lab.open_image(path)) for path in paths])


def gathered(count=32):
    return lab.normalise(store.gather(np.arange(count)), model.mean, model.std)


def augmented(count=32):
    drawn = lab.Augmentation.drawn(count, torch.Generator().manual_seed(0))
    return drawn.normalised(store.gather(np.arange(count)), model.mean, model.std)


def learn(pixels):  # the forward and the backward pass of the picture side
    model.image_features(pixels).sum().backward()


# %%
rates = {
    "decode files of 1024 pixels": throughput(lambda: decoded(large), 32),
    "decode files of 128 pixels": throughput(lambda: decoded(files), 32),
    "PixelStore: gather, augment, normalise": throughput(augmented, 32),
    "PixelStore: gather, normalise": throughput(gathered, 32),
}
batch = gathered().to(model.device, memory_format=torch.channels_last)  # as `finetune` lays it out
with lab.select_precision(model.device).context():
    rates["the model in training"] = throughput(lambda: learn(batch), 32, device=model.device)
show.plot_throughput(rates, needed="the model in training")

# %% [markdown]
# Bars of pictures a second, on a scale where each gridline is ten times the one before. The grey bar and the
# dashed line are what the model can eat. A blue bar reaches past that line; an orange one ends before it, a
# loader that lets the model starve. In figures, with decoding and training taking turns:

# %%
hungry = rates["the model in training"]
for name in list(rates)[:4]:
    waiting = (1 / rates[name]) / (1 / rates[name] + 1 / hungry)
    print(f"{name:40} {rates[name]:9,.0f} pictures/s; training would wait {100 * waiting:.0f} % of its time")
paths = list(pictures["image"][:16])
print("PixelStore against decoding, largest difference:", float((decoded(paths) - gathered(16)).abs().max()))

# %% [markdown]
# That is this model on this machine. A GPU moves the dashed line far to the right and leaves the loaders
# where they are, for decoding is work of the CPU. Two cores, as in a free Colab, then starve it, however
# good the GPU is. Decoding once and gathering afterwards is the way out, and, as the last line says, it
# gives the same pixels. Seen over a whole training:

# %%
again = len(pictures) / rates["decode files of 128 pixels"]
from_store = len(pictures) / rates["PixelStore: gather, normalise"]
show.plot_passes({"open every file in every pass": (again, again), "decode once": (once, from_store)}, passes=18)

# %% [markdown]
# The orange line pays for decoding in every pass, the blue one in the first alone. The pixels stay in a folder: the
# next run finds them. If the first pass is interrupted, it goes on where it was; if a picture changes, that one is
# decoded again. Try it: the second call has nothing to do.

# %%
start = time.perf_counter()
store = lab.PixelStore.decode(pictures["image"], model.image_size, model.resize, folder=work)
print(f"the second call: {time.perf_counter() - start:.2f} s")

# %% [markdown]
# ## Augmentation
#
# A few hundred pictures are soon known by heart. Augmentation shows each of them a little differently every
# time. **Predict:** which changes may a satellite picture undergo and keep its caption true? Turned upside
# down? Mirrored? Recoloured? Cropped to a tenth?

# %%
generator = torch.Generator().manual_seed(1)
one = store.gather([0] * 5)
versions = lab.augment(one, generator)
show.plot_batch([one[0], *versions], ["as it is", *[f"version {i + 1}" for i in range(5)]], columns=6)

# %% [markdown]
# The first picture is the original, the other five are random versions of it: cropped, turned by quarter
# turns, mirrored, slightly recoloured. Seen from above there is no "up", so all turns are allowed, which
# for a holiday photograph they would not be. The colours change only lightly: that water is blue and a
# field is brown carries meaning. It is done for a whole batch at once, on the model's device, after the
# gather.
#
# One thing does not survive a turn: a caption that says *left*, *north* or *top*. **Predict:** what does "a jetty on
# the left" become when the picture is mirrored, and what when it is turned?

# %%
sample = lab.sample("coast")
said = sample[sample["caption"].map(names_direction)]
print(f"{len(said)} of the sample's {len(sample)} captions name a direction")
example = said[said["caption"].str.contains("upper right")].iloc[0]
picture = torch.from_numpy(np.array(lab.open_image(example["image"]))).permute(2, 0, 1)
mirrored, quarter = picture.flip(2), picture.transpose(1, 2)
words = [example["caption"], turned(example["caption"], 1), turned(example["caption"], 4)]
show.plot_batch([picture, mirrored, quarter], [text or "(cannot be said: not turned)" for text in words], columns=3)

# %% [markdown]
# Left as it is, in the middle mirrored, right with its axes swapped, each with its caption rewritten so that it stays
# true. Where a wording cannot be rewritten, `finetune` does not turn that picture.
#
# ## False negatives: repeated captions in a batch
#
# CLIP's loss says: of all captions in the batch only the one on the diagonal is right for a picture. That
# is false when two pictures have the *same* caption. The tutorial had 16 fixed captions for the whole set,
# and batches of 32. **Predict:** how many rows of such a batch share their caption with another row? And
# with five varied captions a picture, one of them drawn at random?

# %%
train = captions[captions["split"].fillna("train") == "train"]  # all of it where no split is named


def draw(batch_size, seed):
    """One batch: that many pictures, and one of the captions of each."""
    rows = train.sample(frac=1, random_state=seed).drop_duplicates("image_id")
    return rows["caption"].head(batch_size).reset_index(drop=True)


shares = [draw(BATCH_SIZE, seed).duplicated(keep=False).mean() for seed in range(200)]
print(f"five varied captions, batch of {BATCH_SIZE}: {100 * np.mean(shares):.0f} % of the rows share theirs")

# %%
random = np.random.default_rng(0)
fixed = [pd.Series(random.integers(16, size=32)).duplicated(keep=False).mean() for _ in range(200)]
print(f"16 fixed captions, batch of 32: {100 * np.mean(fixed):.0f} %")
drawn = draw(BATCH_SIZE, seed=0)
show.plot_shared_captions(drawn)

# %% [markdown]
# The figure is one batch, sorted by caption: rows are pictures, columns captions. Blue is the pair that the
# loss takes for true. Orange are pairs with the *same text* that it takes for false: it pushes a picture away
# from a sentence that describes it.
#
# With 16 fixed captions nearly every row is hit. Varied captions cure most of it, not all, and the larger the batch,
# the more. In closed form, for any batch size:

# %%
labelled = lab.label_captions(train.fillna({"label": "land"}), "a satellite view of {label}", keep=False)
rsicd = pd.Series([1.8, 5.7, 13.3], index=[64, 256, 1024]) / 100  # `false_negative_shares` of its training split
show.plot_false_negatives(
    {
        "one sentence a class": lab.false_negative_shares(labelled)["normalised"],
        "this set": lab.false_negative_shares(train)["normalised"],
        "RSICD": rsicd,
    }
)

# %% [markdown]
# One sentence a class, as class folders give it, makes nearly every row of a batch a false negative. RSICD's captions
# (its 8,734 training pictures, as CLIP-rsicd published them with back-translations), written by people, still repeat:
# 13 % of the rows of a batch of 1,024.
#
# There are two cures. The first is to choose: a sampler that deals the captions so that none comes twice in a batch, as
# far as the set allows it, and that says how far.

# %%
sampler = lab.DistinctCaptionSampler(train, batch_size=BATCH_SIZE)
repeats = [train.loc[train.index[rows], "caption"].duplicated().sum() for rows in sampler]
print(f"{len(repeats)} batches, {sum(repeats)} repeated captions; pictures that must repeat one: {sampler.must_repeat}")

# %% [markdown]
# The second is to tell the loss: encode each *distinct* caption once, and say which pictures it
# belongs to. That is `caption_ids`, and `lab.finetune` does it by itself:

# %%
caption_ids, distinct = pd.factorize(drawn)
print(f"{len(drawn)} pictures, {len(distinct)} distinct captions")
print("caption_ids:", caption_ids[:20].tolist(), "…")
print(f"least value the loss can take: {lab.clip_loss_floor(torch.from_numpy(caption_ids)):.3f}")

# %% [markdown]
# A caption that is true of three pictures shares its probability among them, so the loss cannot reach 0 any
# more. Notebook 04 draws that floor into its plots.
#
# ## Split by picture, never by row
#
# Some pictures must be kept aside, to validate and to test. The tempting way is to shuffle the rows of the
# table and to cut. **Predict:** with five rows a picture and a fifth of the rows for the test, how many
# test pictures will the model have seen in training?

# %%
rows = captions.assign(split=np.where(random.random(len(captions)) < 0.2, "test", "train"))
ours = lab.split_by_image(captions, validation=0.1, test=0.2, seed=0)
for name, table in (("rows shuffled", rows), ("split_by_image", ours)):
    sides = {split: set(group) for split, group in table.groupby("split")["image_id"]}
    seen = len(sides["test"] & sides["train"]) / len(sides["test"])
    print(f"{name:16}{100 * seen:.0f} % of the test pictures are in the training split too")
ours = lab.distinct_images(ours).fillna({"label": "(no label)"})
pd.crosstab(ours["label"], ours["split"])[["train", "val", "test"]]

# %% [markdown]
# Split by rows, the test asks about pictures that were learned by heart. `split_by_image` keeps all
# captions of a picture together, and takes, as the table shows, the same share of every kind.
#
# The sample comes with its split, so the following notebooks use that one.

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("02.1")` gives a hint, and once more a stronger one.
#
# **02.1 Taking turns.** A loader decodes files of 1024 pixels, then the model trains on them, then the loader goes on. How
# many pictures a second is that on this machine?

# %%
loader, training = rates["decode files of 1024 pixels"], rates["the model in training"]
print(f"the loader {loader:.0f}, the model in training {training:.0f} pictures a second")
answer = ...
exercises.check("02.1", answer, loader=loader, model=training)

# %% [markdown]
# **02.2 False negatives.** Write the share of a batch's rows whose caption another row has, too. Of three equal captions
# all three rows count.

# %%
def my_shared(captions):  # a list of captions -> a share from 0 to 1
    return ...


exercises.check("02.2", my_shared)

# %% [markdown]
# **02.3 Back to a picture.** The network gets normalised pixels; you want to look at them. Undo the normalisation.

# %%
def my_picture(x, mean, std):  # [pictures, 3, height, width], three numbers, three numbers -> values from 0 to 1
    return ...


exercises.check("02.3", my_picture)

# %% [markdown]
# ### To try
#
# **Batch size and false negatives.** Predict the share for batches of 16 and of 256 before you run the cell. Then read
# `lab.sample("land")` into `captions` above. Which set has the more varied captions?

# %%
for size in (16, 64, 256):
    shares = [draw(size, seed).duplicated(keep=False).mean() for seed in range(50)]
    print(f"batch of {size:3}: {100 * np.mean(shares):.0f} %")

# %% [markdown]
# **How much crop?** Lower `min_crop` until the captions stop being true. What is lost first, the kind or its details?

# %%
min_crop = 0.2
three = np.linspace(0, len(store) - 1, 3).astype(int)
crops = lab.augment(store.gather(three), torch.Generator().manual_seed(2), min_crop=min_crop)
show.plot_batch(crops, pictures["label"].fillna("?")[three], columns=3)

# %% [markdown]
# The figure shows three strongly cropped pictures with their kind. Ask of each: would you still know?

# %% [markdown]
# ## Recap
#
# - Whatever form captions come in, one table, one row a caption; `image_id` keeps those of a picture together.
# - Tokenizer and preprocessing come from the model. Two preprocessings are two different sets of pictures.
# - Open pictures through one door: sixteen bits and many bands are its business.
# - Decode once, gather afterwards: the same pixels, without starving the model.
# - Captions that name a direction must follow the turns of their picture.
# - Repeated captions are false negatives; vary them, deal them apart, or give the loss `caption_ids`.
# - Split by picture.
#
# Next: [03 · Input checks](03_input_checks.ipynb): is what goes in what you think it is?
