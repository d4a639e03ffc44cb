# %% [markdown]
# # 02 · Data loader
#
# **How do files become batches?**
#
# What you will learn:
#
# - to read a folder of pictures and captions into one table, and to turn its rows into batches of tensors;
# - why training and evaluation must use *one* preprocessing, and what two of them do to a picture;
# - to measure the speed of a loader, and to count the false negatives that repeated captions put in a batch.
#
# Time: about 25 minutes to read and try; the cells take under a minute on two CPU cores, less on a GPU.
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
DATA = "coast"  # @param ["coast", "land"]
BATCH_SIZE = 64  # @param {type: "integer"}

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader
from torchvision import transforms

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.data import sample_folder
from rsclip_lab.environment import throughput

pd.set_option("display.max_colwidth", None)  # tables show their captions in full
lab.set_seed(0)
model = lab.load_model(MODEL, fallback="tiny")
model

# %% [markdown]
# ## The layout: one CSV file and a folder of pictures
#
# The source tutorial keeps its data in the simplest layout there is: `caption.csv`, with the file name in
# the first column and the caption in the second, and the pictures in `images/`. The sample uses the same
# one, with two more columns: `label` (the kind of scene) and `split`.

# %%
folder = sample_folder(DATA)
print(*sorted(path.name for path in folder.iterdir()), sep="   ")
print(*(folder / "caption.csv").read_text(encoding="utf-8").splitlines()[:7], sep="\n")
captions = lab.read_captions(folder)
pictures = lab.distinct_images(captions)
print(f"{len(captions)} captions of {len(pictures)} pictures: {len(captions) / len(pictures):g} each")
captions[["caption", "image_id", "split", "label"]].head(7)

# %% [markdown]
# Above, the file as it is; below, the table that `read_captions` makes of it. Look at the file names: the
# same one comes back. A picture has **five captions**, one a row, because five people would describe a
# scene in five ways. `image_id` says which rows belong to one picture.
#
# Here are the kinds, three pictures each, drawn at random:

# %%
show.plot_class_grid(captions, each=3)

# %% [markdown]
# Each row of the figure is one kind of scene, named on the left, seen from straight above. They are
# drawings, made by the project's generator, and every caption is true of its picture because the generator
# knows what it drew.
#
# ## The data set class
#
# PyTorch wants an object with a length and an item for each index. `ImageTextDataset` is the tutorial's
# class, with the same arguments and the same `(image, caption)` samples:

# %%
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
show.plot_batch(images[:8], texts[:8], columns=4, mean=model.mean, std=model.std)

# %% [markdown]
# Eight pictures of the batch with the caption that came with each, at the resolution that the model gets.
# Always look at such a figure before you train: pictures upright, colours natural, captions that fit.
#
# ## How fast is it?
#
# A training step can only start when its batch is there. **Predict:** how many pictures a second does the
# loader give on this machine, and how many does the model eat in training? Which of the two waits for the
# other?
#
# Three ways to get a batch are measured: files of the sample (128 pixels), files as large as real imagery
# often is (the same pictures, enlarged to 1024 pixels), and a `PixelStore`, which decodes every picture
# *once* to the model's size and keeps the bytes in a memory-mapped file.

# %%
work = Path(tempfile.mkdtemp())
files = list(pictures["image"][:32])
for file in files:
    lab.open_image(file).resize((1024, 1024)).save(work / Path(file).name, quality=90)
large = [work / Path(file).name for file in files]
store = lab.PixelStore.decode(pictures["image"], model.image_size, model.resize, folder=work)
store

# %%
def decoded(paths):
    return torch.stack([model.preprocess(lab.open_image(path)) for path in paths])


def gathered(count=32):
    return lab.normalise(store.gather(np.arange(count)), model.mean, model.std)


def learn(pixels):  # the forward and the backward pass of the picture side
    model.image_features(pixels).sum().backward()


# %%
rates = {
    "decode files of 1024 pixels": throughput(lambda: decoded(large), 32),
    "decode files of 128 pixels": throughput(lambda: decoded(files), 32),
    "PixelStore: gather and normalise": throughput(gathered, 32),
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
for name in list(rates)[:3]:
    waiting = (1 / rates[name]) / (1 / rates[name] + 1 / hungry)
    print(f"{name:34} {rates[name]:9,.0f} pictures/s; training would wait {100 * waiting:.0f} % of its time")
paths = list(pictures["image"][:16])
print("PixelStore against decoding, largest difference:", float((decoded(paths) - gathered(16)).abs().max()))

# %% [markdown]
# That is this model on this machine. A GPU moves the dashed line far to the right and leaves the loaders
# where they are, for decoding is work of the CPU. Two cores, as in a free Colab, then starve it, however
# good the GPU is. Decoding once and gathering afterwards is the way out, and, as the last line says, it
# gives the same pixels. The `.npy` file that holds them is found again the next time, as long as the
# pictures have not changed.
#
# ## Augmentation
#
# A few hundred pictures are soon known by heart. Augmentation shows each of them a little differently every
# time. **Predict:** which changes may a satellite picture undergo and keep its caption true? Turned upside
# down? Mirrored? Recoloured? Cropped to a tenth?

# %%
generator = torch.Generator().manual_seed(1)
one = store.gather([0] * 7)
versions = lab.augment(one, generator)
show.plot_batch([one[0], *versions], ["as it is", *[f"version {i + 1}" for i in range(7)]], columns=4)

# %% [markdown]
# The first picture is the original, the other seven are random versions of it: cropped, turned by quarter
# turns, mirrored, slightly recoloured. Seen from above there is no "up", so all turns are allowed, which
# for a holiday photograph they would not be. The colours change only lightly: that water is blue and a
# field is brown carries meaning. It is done for a whole batch at once, on the model's device, after the
# gather.
#
# ## False negatives: repeated captions in a batch
#
# CLIP's loss says: of all captions in the batch only the one on the diagonal is right for a picture. That
# is false when two pictures have the *same* caption. The tutorial had 16 fixed captions for the whole set,
# and batches of 32. **Predict:** how many rows of such a batch share their caption with another row? And
# with five varied captions a picture, one of them drawn at random?

# %%
train = captions[captions["split"] == "train"]


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
# With 16 fixed captions nearly every row is hit. Varied captions cure most of it, not all. In RSICD (8,734
# training pictures), with one caption drawn for each picture, 1.3 % of the rows of a batch of 64 share theirs
# with another row, 4.5 % of a batch of 256, 11.5 % of 1,024: the larger the batch, the more.
#
# The cure for the rest is to tell the loss: encode each *distinct* caption once, and say which pictures it
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
pd.crosstab(lab.distinct_images(ours)["label"], lab.distinct_images(ours)["split"])[["train", "val", "test"]]

# %% [markdown]
# Split by rows, the test asks about pictures that were learned by heart. `split_by_image` keeps all
# captions of a picture together, and takes, as the table shows, the same share of every kind.
#
# The sample comes with its split, so the following notebooks use that one.
#
# ## Exercises
#
# **1. Batch size and false negatives.** Predict the share for batches of 16 and of 256 before you run the
# cell. Then set `DATA = "land"` above. Which set has the more varied captions?

# %%
for size in (16, 64, 256):
    shares = [draw(size, seed).duplicated(keep=False).mean() for seed in range(50)]
    print(f"batch of {size:3}: {100 * np.mean(shares):.0f} %")

# %% [markdown]
# **2. How much crop?** Lower `min_crop` until the captions stop being true. What is lost first, the kind or
# its details?

# %%
min_crop = 0.2
four = np.linspace(0, len(store) - 1, 4).astype(int)
crops = lab.augment(store.gather(four), torch.Generator().manual_seed(2), min_crop=min_crop)
show.plot_batch(crops, pictures["label"][four], columns=4)

# %% [markdown]
# The figure shows four strongly cropped pictures with their kind. Ask of each: would you still know?
#
# ## Recap
#
# - One table of captions, one row a caption; `image_id` keeps the captions of a picture together.
# - Tokenizer and preprocessing come from the model. Two preprocessings are two different sets of pictures.
# - Decode once, gather afterwards: the same pixels, without starving the model.
# - Repeated captions are false negatives; vary the captions, and give the loss `caption_ids`.
# - Split by picture.
#
# Next: [03 · Input checks](03_input_checks.ipynb): is what goes in what you think it is?
