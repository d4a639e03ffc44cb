# %% [markdown]
# # 03 · Input checks
#
# **Is what goes in what I think it is?**
#
# What you will learn:
#
# - which faults real folders of pictures and captions have, and which of them make no noise;
# - to audit a folder, to read the report, and to repair until it is clean;
# - to look at what really enters the network, after the preprocessing and after the tokenizer.
#
# Time: about 20 minutes to read and try; the cells take under a minute on two CPU cores, less on a GPU.
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
DATA = "coast"  # @param ["coast", "land"]
BATCH_SIZE = 64  # @param {type: "integer"}

# %%
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import rsclip_lab as lab
from rsclip_lab import show
from rsclip_lab.data import sample_folder

pd.set_option("display.max_colwidth", None)  # tables show their words in full
model = lab.load_model(MODEL, fallback="tiny")
model

# %% [markdown]
# ## Break it on purpose
#
# Whoever has seen a fault once finds it the next time. So take a copy of the sample, in a temporary folder,
# and damage it in the ways that folders get damaged in life.

# %%
folder = Path(tempfile.mkdtemp()) / DATA
shutil.copytree(sample_folder(DATA), folder)
table = pd.read_csv(folder / "caption.csv")
names = table["filename"].unique()
files = [folder / "images" / name for name in names]
print(len(files), "pictures,", len(table), "captions")

# %% [markdown]
# **The files.** A download that broke off; a disk that was full; a file that someone tidied away; a web
# server that answered with an error page instead of a picture.

# %%
files[3].write_bytes(files[3].read_bytes()[:900])  # the download broke off
files[65].write_bytes(b"")  # the disk was full
files[75].unlink()  # tidied away
files[110].write_text("<html>404 Not Found</html>")  # an error page, saved as .jpg
print("damaged:", *(names[i] for i in (3, 65, 75, 110)), sep="  ")

# %% [markdown]
# **The formats.** A picture prepared for print (four colours, CMYK), a panchromatic one (grey), one whose
# name says JPEG and whose content is PNG, and a thumbnail that slipped in.

# %%
lab.open_image(files[150]).convert("CMYK").save(files[150])
lab.open_image(files[180]).convert("L").save(files[180])
lab.open_image(files[210]).save(files[210], format="PNG")
lab.open_image(files[240]).resize((16, 16)).save(files[240])

# %% [markdown]
# **The captions, and the split.** A cell left empty, a caption that someone wrote with love, and a training
# picture that came into the test split a second time, under another name.

# %%
table.loc[1350, "caption"] = ""
table.loc[1500, "caption"] += ", then a jetty, a shed, a road and a row of parked cars" * 9
test_names = table.loc[table["split"] == "test", "filename"].unique()
shutil.copy(files[0], folder / "images" / test_names[0])  # now it is in train and in test
table.to_csv(folder / "caption.csv", index=False)

# %% [markdown]
# ## What would happen without an audit?
#
# **Predict:** of the eleven faults, which stop a training with an error, which change its result without a
# word, and which do no harm at all? Write the three lists down.
#
# The package refuses the worst before the first step. It looks at file headers only, so it is quick:

# %%
captions = lab.read_captions(folder)
try:
    lab.require_trainable(captions, batch_size=BATCH_SIZE)
except lab.CaptionError as error:
    print(str(error).replace(str(folder), "…"))

# %% [markdown]
# One message, for the first fault that it met: file, row, cause and remedy. Repair, start again, meet the
# next … you would be at it for a while, and a truncated picture shows only when it is decoded. An **audit**
# decodes everything once and reports it all:

# %%
report = lab.audit(captions, model, batch_size=BATCH_SIZE)
report

# %% [markdown]
# ## Read the report
#
# - **error**: training would stop, or its result would be a lie;
# - **warning**: it would run and suffer;
# - **info**: nothing to do, but you should know.
#
# `row` is the row of the table of captions, `file` the picture; the last two columns say what is wrong and
# what to do. Compare with your three lists. The faults that make *no noise* are the ones to remember:
#
# - the **leak** (one picture in two splits) only makes the test look better than it is;
# - the **cut caption** trains, on its first 77 tokens;
# - the **tiny picture** is enlarged and goes in as a blur.
#
# And one fault is not in the report: the PNG that is named .jpg. Programs read the content of a file, not its
# name, so it does no harm.
#
# ## Repair, and audit again
#
# The report is a table, so it can be worked with. Start with the pictures that cannot be read: no picture, no
# row.

# %%
problems = report.problems
useless = problems["kind"].isin(["missing_file", "unreadable_picture", "tiny_picture"])
repaired = captions[~captions["image"].isin(problems.loc[useless, "file"])].reset_index(drop=True)
print(f"{captions['image'].nunique()} pictures, {repaired['image'].nunique()} after the repair")
report = lab.audit(repaired, model, batch_size=BATCH_SIZE)
report

# %% [markdown]
# Row numbers belong to the table that was audited, so they are different now: after each repair, audit again.
# Next the captions. An empty one is removed, for its picture has others; the long one gets back the sentence
# that matters.
#
# **Predict:** will the report be clean then?

# %%
rows = report.problems.set_index("kind")["row"]
repaired.loc[rows["cut_caption"], "caption"] = repaired.loc[rows["cut_caption"], "caption"].split(", then")[0]
repaired = repaired.drop(index=rows["empty_caption"]).reset_index(drop=True)
report = lab.audit(repaired, model, batch_size=BATCH_SIZE)
print("ok:", report.ok)
report

# %% [markdown]
# The leak is left. Which of the two to remove? The one in the **test** split: it is the test that must not
# know the training pictures. Here it is, beside its twin:

# %%
leak = report.problems.set_index("kind").loc["leak"]
twins = [repaired["image"].iloc[0], leak["file"]]
show.plot_batch(twins, [f"{Path(file).name}" for file in twins], columns=2)

# %% [markdown]
# Two identical pictures under two file names. The second one's captions describe what that file showed
# before: a leak often brings wrong captions with it.

# %%
repaired = repaired[repaired["image"] != leak["file"]].reset_index(drop=True)
report = lab.audit(repaired, model, batch_size=BATCH_SIZE)
print("ok:", report.ok)
report

# %% [markdown]
# No errors. What remains are the shared captions that you counted in notebook 02, and notes on formats.
# Look at those too, before you believe that the conversion is right:

# %%
odd = list(report.problems.loc[report.problems["kind"] == "not_rgb", "file"])
show.plot_batch(odd, [Path(file).name for file in odd])

# %% [markdown]
# The CMYK picture in its natural colours, and the panchromatic one in grey. If the CMYK one came out as a
# negative, which happens with files from some programs, this is where you would see it.
#
# Keep the repaired table in the same layout, so that the next person starts from it:

# %%
columns = repaired.assign(filename=[Path(file).name for file in repaired["image"]])
columns[["filename", "caption", "label", "split"]].to_csv(folder / "caption_repaired.csv", index=False)
again = lab.read_captions(folder / "caption_repaired.csv")
print(len(again), "captions,", lab.audit(again, model, batch_size=BATCH_SIZE).ok)

# %% [markdown]
# ## What really goes in: the pictures
#
# An audit of files cannot see what happens *after* them. The network gets `model.preprocess(picture)`:
# smaller, square, and normalised, so that over many pictures each channel has a mean near 0 and a standard
# deviation near 1. Check that on a batch:

# %%
some = lab.distinct_images(again).groupby("label").head(8)["image"]
pixels = torch.stack([model.preprocess(lab.open_image(file)) for file in some])
numbers = {"mean": pixels.mean((0, 2, 3)), "std": pixels.std((0, 2, 3)), "min": pixels.amin((0, 2, 3)),
           "max": pixels.amax((0, 2, 3))}  # fmt: skip
pd.DataFrame(numbers, index=["red", "green", "blue"]).round(2)

# %% [markdown]
# Numbers between about −2 and 2 are right. A maximum of 255 would mean that a division is missing, one of
# exactly 1, that the normalisation is. Water is darker and bluer than the average photograph of the web, so
# the means need not be exactly 0.
#
# Three mistakes that no error message will ever tell you about: channels in the wrong order (OpenCV reads
# blue first), no normalisation, and thumbnails of 16 pixels instead of the originals. **Predict:** which of
# them costs the most accuracy?

# %%
land = lab.distinct_images(lab.sample("land", split="test"))
store = lab.PixelStore.decode(land["image"], model.image_size, model.resize)
raw = store.gather(np.arange(len(store)))
right = lab.normalise(raw, model.mean, model.std)
small = torch.nn.functional.interpolate(raw.float(), size=16, mode="area")
blurred = torch.nn.functional.interpolate(small, size=model.image_size, mode="bicubic").clamp(0, 255)
blurred = lab.normalise(blurred, model.mean, model.std)
inputs = {"as it should be": right, "blue and red swapped": right.flip(1),
          "not normalised": raw.float() / 255, "16 pixels, enlarged": blurred}  # fmt: skip

# %%
show.plot_batch([pixels[2] for pixels in inputs.values()], list(inputs), mean=model.mean, std=model.std)

# %% [markdown]
# One picture, four times, as the network reads it: right; with blue and red swapped; washed out, because the
# normalisation is missing; and as a blur. Now all of the land test pictures, classified without any training:

# %%
kinds = sorted(land["label"].unique())
classifier = lab.zero_shot_classifier(model, kinds)
labels = [kinds.index(label) for label in land["label"]]
for name, pixels in inputs.items():
    with torch.no_grad():
        features = torch.cat([model.image_features(part).cpu() for part in pixels.split(60)])
    print(f"{name:22}{100 * lab.topk_accuracy(features @ classifier.T, labels)[1]:.0f} % right")

# %% [markdown]
# Guessing would give one in the number of kinds. A fault that costs a few points is worse news than one
# that costs them all: nobody looks for it. That is why the preprocessing comes with the model here, and why
# you look at pictures *after* it.
#
# ## What really goes in: the captions
#
# The same for the texts. Tokens turned back into words are what the model reads. This is the long caption,
# before the repair:

# %%
long = captions.loc[captions["caption"].str.len().idxmax(), "caption"]
tokens = model.tokenizer([long])[0]
print(f"{len(model.tokenizer.encode(long)) + 2} tokens; the caption ends:  …{long[-62:]}")
print("the model reads to:  …" + model.tokenizer.decode(tokens[1:-1].tolist())[-62:])
lengths = [len(model.tokenizer.encode(caption)) + 2 for caption in captions["caption"].unique()]
show.plot_caption_lengths(lengths, context=len(tokens))

# %% [markdown]
# A histogram of the captions' lengths in tokens (the counts on a scale of tens); the dashed line is what
# the model can read. All captions but one are far to the left of it. The one beyond is cut, and nothing in
# training would have said so. In real sets it is often the careful annotators whose work is cut off.
#
# ## Before training: does the model see it already?
#
# The last check is of model and data together. Take one picture of each kind with one of its captions, and
# compare every picture with every caption. **Predict:** if the model knew these kinds, where would the
# matrix be bright?

# %%
test = lab.sample("coast", split="test")
pairs = test.groupby("label").head(1)
similarity = model.encode_images(list(pairs["image"])) @ model.encode_texts(list(pairs["caption"])).T
show.plot_similarity_matrix(similarity, list(pairs["label"]), list(pairs["caption"]))

# %% [markdown]
# Rows are pictures, columns captions, brightness is the cosine. A model that knows its way is brightest
# along the diagonal. The coastal kinds are new to `tiny`: some pictures are bright for *all* captions, whole
# rows, and the diagonal does not stand out. The same for the land kinds, which it was trained on:

# %%
pairs = lab.sample("land", split="test").groupby("label").head(1)
similarity = model.encode_images(list(pairs["image"])) @ model.encode_texts(list(pairs["caption"])).T
show.plot_similarity_matrix(similarity, list(pairs["label"]), list(pairs["caption"]))

# %% [markdown]
# Here the diagonal can be seen. That difference is what fine-tuning has to make up for, and this matrix is
# the picture to keep in mind in notebook 04: the right loss brightens the diagonal *and darkens the rest*;
# the loss of the tutorial brightens everything.
#
# ## Exercises
#
# **1. Another fault.** Break a file in a way of your own (turn it by 90 degrees, paint it black, give it
# the captions of another picture), audit, and see whether it is found. What would a check have to know to
# find it?

# %%
victim = Path(again["image"].iloc[5])
lab.open_image(victim).point(lambda value: 0).save(victim)  # black, as where a satellite scene has no data
lab.audit(again, model, batch_size=BATCH_SIZE)

# %% [markdown]
# **2. A batch too large.** From which `batch_size` on does the audit warn, and why is it only a warning?

# %%
my_batch_size = 512
few = lab.audit(again, batch_size=my_batch_size).problems
few[few["kind"] == "few_pictures"]

# %% [markdown]
# ## Recap
#
# - Faults that stop a training are the harmless ones. Leaks, cut captions and wrong channels make no noise.
# - Audit, repair, audit again, until `report.ok`; keep the repaired table.
# - Look at pictures after the preprocessing and at captions after the tokenizer.
# - Before training, the similarity matrix shows what the model knows and what it does not.
#
# Next: [04 · Fine-tuning](04_fine_tuning.ipynb): does it learn, and is it learning the right thing?
