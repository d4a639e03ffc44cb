# %% [markdown]
# # 03 · Input checks
#
# **Is what goes in what I think it is?**
#
# What you will learn:
#
# - which faults real folders of pictures and captions have, and which of them make no noise;
# - to audit a folder, to read the report, to repair it, and to look at what was found before believing it;
# - to look at what really enters the network, after the preprocessing and after the tokenizer.
#
# Time: about 30 minutes to read and try. The cells take half a minute on two CPU cores; on a T4 we expect a little less
# (reckoned, not measured).
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
from PIL import Image, ImageEnhance

import rsclip_lab as lab
from rsclip_lab import exercises, show
from rsclip_lab.data import sample_folder, write_csv

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
# **The files.** A download that broke off; a disk that was full; a file that someone tidied away, and one that was
# renamed on a system where capitals do not count; a web server that answered with an error page instead of a picture.

# %%
files[3].write_bytes(files[3].read_bytes()[:900])  # the download broke off
files[65].write_bytes(b"")  # the disk was full
files[75].unlink()  # tidied away
files[85].rename(files[85].with_suffix(".JPG"))  # renamed
files[110].write_text("<html>404 Not Found</html>")  # an error page, saved as .jpg

# %% [markdown]
# **The pixels.** A picture prepared for print (four colours, CMYK); one whose name says JPEG and whose content is PNG;
# a thumbnail that slipped in; a tile beyond the edge of the scene, all black; and 12-bit values saved as if they were
# eight bits wide.

# %%
lab.open_image(files[150]).convert("CMYK").save(files[150])
lab.open_image(files[210]).save(files[210], format="PNG")
lab.open_image(files[240]).resize((16, 16)).save(files[240])
Image.new("RGB", (128, 128)).save(files[260])
lab.open_image(files[270]).point(lambda value: value // 20).save(files[270], quality=95)

# %% [markdown]
# **The captions.** A cell left empty, a "n/a", a caption that someone wrote with love, one that went through the wrong
# encoding, one in another language, one with the marks of a web page; and a label written in two ways.

# %%
table["caption"] = table["caption"].astype(object)
table.loc[1350, "caption"] = ""
table.loc[1355, "caption"] = "n/a"
table.loc[1500, "caption"] += ", then a jetty, a shed, a road and a row of parked cars" * 9
table.loc[1510, "caption"] = "un bÃ¢timent prÃ¨s du port"
table.loc[1520, "caption"] = "许多小船停在港口里"
table.loc[1530, "caption"] = "a ship<br>at&nbsp;sea"
table.loc[table["filename"] == names[300], "label"] = table.loc[1500, "label"].title() + " "

# %% [markdown]
# **The split.** A training picture that came into the test split a second time, under another name. And a sly one: a
# second training picture, mirrored, a little brighter, and compressed anew, as one finds it on another web page.

# %%
test_names = table.loc[table["split"] == "test", "filename"].unique()
shutil.copy(files[0], folder / "images" / test_names[0])  # now it is in train and in test
copy = ImageEnhance.Brightness(lab.open_image(files[20]).transpose(Image.Transpose.FLIP_LEFT_RIGHT)).enhance(1.1)
copy.save(folder / "images" / test_names[5], quality=60)
table.to_csv(folder / "caption.csv", index=False)

# %% [markdown]
# ## What would happen without an audit?
#
# **Predict:** of these nineteen faults, which stop a training with an error, which change its result without a
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
# A line is a kind of problem, with its count, its first case and the remedy; every single case stands in
# `report.problems`, with its row and its file. Compare with your three lists. The faults that make *no noise* are the
# ones to remember:
#
# - the **leaks** (one picture in two splits) only make the test look better than it is;
# - the **cut caption** trains, on its first 77 tokens;
# - the **tiny**, the **dark** and the **blank** picture go in as a blur, as night and as nothing;
# - a caption in **another language** becomes tokens too, and teaches noise.
#
# The browser shows every case: choose a kind of problem, and step through its pictures and captions. What you edit there
# is written to a copy. (Where no panel is shown, as on GitHub, you see its picture only.)

# %%
lab.DataBrowser(captions, report)

# %% [markdown]
# Here are the quiet ones, as files and as the network would get them. Always look before you believe a program:

# %%
problems = report.problems.set_index("kind")
quiet = ["not_rgb", "tiny_picture", "dark_picture", "blank_picture"]
odd = [problems.loc[[kind], "file"].iloc[0] for kind in quiet]
show.plot_batch(odd, [f"{kind}: {Path(file).name}" for kind, file in zip(quiet, odd, strict=True)])

# %% [markdown]
# From the left: the printed picture in natural colours, so the conversion is right; the thumbnail; the 12-bit picture,
# so dark that one sees nothing, though all its detail is there; the empty tile.
#
# And the leaks. **Predict:** could you have found the second one by comparing files, or by comparing pixels?

# %%
by_name = {Path(image).name: image for image in captions["image"]}
pairs = [(files[0], by_name[test_names[0]]), (files[20], by_name[test_names[5]])]
words = ["in train", "in test: a copy", "in train", "in test: mirrored, brighter, compressed"]
show.plot_batch([image for pair in pairs for image in pair], words)

# %%
for kind in ("leak", "near_leak"):
    for detail in problems.loc[[kind], "detail"] if kind in problems.index else ["none found"]:
        print(f"{kind:10}", detail)

# %% [markdown]
# The first pair has equal pixels. The second has hardly one in common: it was found by a *perceptual hash*, a number made of the
# picture's coarse structure, the same however it is turned or mirrored; candidates are then compared in detail, because
# two pictures of plain water have the same structure too. In RSICD and its relatives such copies are real: people found
# test pictures of one set in the training part of another (RemoteCLIP issues 13 and 26).
#
# ## Repair, and audit again
#
# Much of this can be repaired by rule: no picture, no row; a test picture that is known from training leaves the
# test. `fix()` does that and writes down every row it touched:

# %%
repair = report.fix(cut_captions="shorten")
print(repair)
repair.log.assign(file=[Path(file).name for file in repair.log["file"]]).drop_duplicates(["file", "kind"])

# %% [markdown]
# **Predict:** which of the faults are still there?

# %%
repaired = repair.captions
report = lab.audit(repaired, model, batch_size=BATCH_SIZE)
print("ok:", report.ok)
report

# %% [markdown]
# No errors: `report.ok`. What a program cannot decide is left to you: the caption in another language could be
# translated, the damaged one written again, the two spellings of a label made one, the dark picture stretched. And one
# fault never came up: the file whose ending was written in capitals. `read_captions` takes a name that differs in
# capitals only for the file that is there.
#
# Keep the repaired table in the same layout, so that the next person starts from it:

# %%
write_csv(repaired, folder / "caption_repaired.csv", folder / "images")
again = lab.read_captions(folder / "caption_repaired.csv")
print(len(again), "captions,", again["image"].nunique(), "pictures")

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
land = lab.distinct_images(lab.sample("land", split="test"))[::2]  # half of it, to save your time
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
# normalisation is missing; and as a blur. Now half of the land test pictures, classified without any training:

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

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("03.1")` gives a hint, and once more a stronger one.
#
# **03.1 Which check finds it?** Seven of the faults from the beginning. Under which kind did the first report have each?
# Write the kind in quotes, as in the second column of the report.

# %%
answer = {
    "a download that broke off": ...,
    "a tile beyond the edge of the scene": ...,
    "12-bit values saved as 8 bits": ...,
    "a training picture in the test split, under another name": ...,
    "a training picture in the test split, mirrored and brighter": ...,
    "a caption of a hundred words": ...,
    'a caption that says "n/a"': ...,
}
exercises.check("03.1", answer)

# %% [markdown]
# **03.2 Copies across splits.** Write the check for leaks. You get a table with a row a picture: `image` is its name,
# `split` is train, val or test, and two rows have the same `content` when the pixels are the same. Return the names of
# the test pictures that a model has seen in training.

# %%
def my_leaks(table):  # columns image, split, content -> names
    return ...


exercises.check("03.2", my_leaks)

# %% [markdown]
# **03.3 What is cut off.** How many tokens of the long caption does the model never read? The figure of the lengths and the
# cell above it have the numbers.

# %%
answer = ...
exercises.check("03.3", answer, model=model, caption=long)

# %% [markdown]
# ### To try
#
# **Another fault.** Break a file in a way of your own (turn it by 90 degrees, swap its channels, give it the captions of
# another picture), audit, and see whether it is found. What would a check have to know to find it?

# %%
victim = Path(again["image"].iloc[5])
red, green, blue = lab.open_image(victim).split()
Image.merge("RGB", (blue, green, red)).save(victim)  # as OpenCV would have read it
lab.audit(again, model, batch_size=BATCH_SIZE).problems["kind"].value_counts()

# %% [markdown]
# **A batch too large.** From which `batch_size` on does the audit warn, and why is it only a warning?

# %%
my_batch_size = 512
few = lab.audit(again, batch_size=my_batch_size).problems
few[few["kind"] == "few_pictures"]

# %% [markdown]
# ## Recap
#
# - Faults that stop a training are the harmless ones. Leaks, cut captions and wrong channels make no noise.
# - Audit, look, repair, audit again, until `report.ok`; keep the repaired table and the log.
# - Look at pictures after the preprocessing and at captions after the tokenizer.
# - Before training, the similarity matrix shows what the model knows and what it does not.
#
# Next: [04 · Fine-tuning](04_fine_tuning.ipynb): does it learn, and is it learning the right thing?
