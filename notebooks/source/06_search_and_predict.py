# %% [markdown]
# # 06 · Search and predict
#
# **What is it good for?**
#
# What you will learn:
#
# - to search a collection with a sentence, and with a picture;
# - to ask *where* in a picture a text is, and to check such a map against true boxes;
# - to ask for one label or for several, and to look after the words you ask with;
# - to do all of it on a folder of your own.
#
# Time: about 30 minutes to read and try; the cells take about a minute on two CPU cores when lesson 04 has left its
# runs, two to three minutes otherwise, less on a GPU.
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What works on them shows how the
# tools behave; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
MY_PICTURES = ""  # @param {type: "string"}
EPOCHS = 8  # @param {type: "integer"}
KEEP_RUNS_ON = "this machine"  # @param ["this machine", "Google Drive"]

# %%
import shutil
from pathlib import Path

import pandas as pd

import rsclip_lab as lab
from rsclip_lab import show

base = lab.load_model(MODEL, fallback="tiny")
runs, config = lab.training.run_folder(KEEP_RUNS_ON, base.name), lab.FinetuneConfig(epochs=EPOCHS)
coast, land = lab.sample("coast", "train"), lab.sample("land", "train")
run = lab.training.load_or_finetune(runs / "replay", base, coast, config, replay=land, any_epochs=True)
model = run.model
model

# %% [markdown]
# This is the run of lesson 04 that learned the coast and kept the land. If it is not on this machine, it has just
# been trained.
#
# ## A collection becomes an index
#
# To search, every picture is encoded **once**, and its vector is kept beside the path of its file. From then on a
# search is one product: the query's vector with all of theirs. No picture is opened again.
#
# Our collection is all test pictures, coast and land. The model has seen none of them.

# %%
collection = pd.concat([lab.sample("coast", "test"), lab.sample("land", "test")], ignore_index=True)
labels = dict(zip(collection["image"], collection["label"], strict=True))
index = lab.SearchIndex.build(model, collection)
index

# %% [markdown]
# ## Text → pictures
#
# **Predict:** the last of these four is a relation between two things, not a kind. Will the model find it?

# %%
QUERIES = {
    "a satellite view of a cargo ship": "cargo ship",
    "round cages in the sea": "aquaculture cages",
    "an airport with parked airplanes": "airport",
    "a small boat to the left of a ship": None,
}
found = [index.search_text(query, k=6) for query in QUERIES]
show.plot_results(found, wanted=list(QUERIES.values()), labels=labels)

# %% [markdown]
# Under each picture its rank and its cosine with the query; green frames have the label that was asked for, red ones
# another. Note how small the cosines are, even of right answers: text and picture vectors live in different parts of
# the space, and only their *order* means something.
#
# "To the left of" is where models like this fail: they see what is in a picture much better than how it is arranged.
#
# One query is an anecdote. All test captions, each asked for its own picture, are lesson 05's retrieval recall.
#
# ## Picture → pictures
#
# The same index answers a picture. **Predict:** will a submarine find submarines, or anything long and grey on
# water?

# %%
asked = [next(image for image, label in labels.items() if label == kind) for kind in ("submarine", "reef", "stadium")]
like = [index.search_image(image, k=6, itself=False) for image in asked]
show.plot_results(like, wanted=[labels[image] for image in asked], labels=labels)

# %% [markdown]
# Here cosines are high: pictures are compared with pictures. `itself=False` leaves out the picture that was asked
# with, which would otherwise be its own best match.
#
# ## Where is it?
#
# The last layer of the network still has a grid of places. Comparing *each place* with the text, instead of their mean,
# gives a map. 1 means that a place shows what the text says, ½ that it fits no better than words that fit any picture.
#
# **Predict:** in which of these maps will the cross, the highest place, miss?

# %%
boxes = lab.sample_objects("land", "test")
scene = boxes[boxes["kind"] == "airplane"]["image"].iloc[0]
here = boxes[boxes["image"] == scene].groupby("kind")
texts = {f"several {lab.search.plural(kind)}": kind for kind in here.groups}
maps = lab.text_heatmaps(model, scene, list(texts))
frames = {text: here.get_group(kind)[["left", "top", "right", "bottom"]].to_numpy() for text, kind in texts.items()}
show.plot_heatmap(scene, dict(zip(texts, maps, strict=True)), frames)
