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
# Time: about 30 minutes to read and try. The cells take two minutes on two CPU cores, half a minute when lesson 04 has
# left its runs; on a T4 we expect half a minute (reckoned, not measured).
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What works on them shows how the
# tools behave; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
MY_PICTURES = ""  # @param {type: "string"}
EPOCHS = 8  # @param {type: "integer"}
LONGER_RUN = False  # @param {type: "boolean"}
KEEP_RUNS_ON = "this machine"  # @param ["this machine", "Google Drive"]

# %%
import shutil
from pathlib import Path

import pandas as pd

import rsclip_lab as lab
from rsclip_lab import exercises, show
from rsclip_lab.data import noun

base = lab.load_model(MODEL, fallback="tiny")
runs, config = lab.training.run_folder(KEEP_RUNS_ON, base.name), lab.FinetuneConfig(epochs=EPOCHS)
coast, land = lab.sample("coast", "train"), lab.sample("land", "train")
name = "replay_longer" if LONGER_RUN else "replay"
run = lab.training.load_or_finetune(runs / name, base, coast, config, replay=land, any_epochs=not LONGER_RUN)
model = run.model
print(f"{run.config.epochs} epochs")
model

# %% [markdown]
# This is the run of lesson 04 that learned the coast and kept the land. If it is not on this machine, one of `EPOCHS`
# epochs has just been trained. Lesson 04 trains two epochs only, which finds less: in the first figure below 4 of 12
# pictures, where eight epochs find 12. With `LONGER_RUN` in the form one of `EPOCHS` epochs is trained beside it, in a
# minute and a half on two cores.
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
found_texts = [index.search_text(query, k=4) for query in QUERIES]
show.plot_results(found_texts, wanted=list(QUERIES.values()), labels=labels)

# %% [markdown]
# Under each picture its rank and its cosine with the query; ✓ marks the label that was asked for, ✗ another. A cosine is
# no probability: right answers of this small model reach 0.8, those of a published CLIP rarely more than 0.35. Only the
# *order* means something.
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
examples = [next(image for image, label in labels.items() if label == kind) for kind in ("submarine", "stadium")]
like = [index.search_image(image, k=4, itself=False) for image in examples]
show.plot_results(like, wanted=[labels[image] for image in examples], labels=labels)

# %% [markdown]
# Pictures are compared with pictures here, and no word is needed. `itself=False` leaves out the picture that was asked
# with, which would otherwise be its own best match.
#
# ### Search for yourself
#
# Ask for something that is in the sample in words that are not in its captions ("a place where planes wait"). When does
# it fail? The button under a picture asks for more like it. (Where no panel is shown, as on GitHub, you see its picture.)

# %%
panel = lab.SearchWidget(index, labels=labels, k=4)
panel.ask("a place where planes wait")
panel

# %% [markdown]
# ## Where is it?
#
# The answer for a whole picture can be followed back through the network: which places spoke for the text, and how
# much? That is a map (its name is LayerCAM). Its highest value says how well the text fits the picture: ½ is no better
# than words that fit any picture. So a map of something that is not there should be dark.
#
# **Predict:** in which of these maps will the cross, the highest place, miss?

# %%
objects = lab.sample_objects("coast", "test")
kinds_in = objects.groupby("image")["kind"].nunique()
scene = next(image for image in objects.loc[objects["kind"] == "cage", "image"].unique() if kinds_in[image] >= 3)
here = objects[objects["image"] == scene].groupby("kind")
texts = {kind: f"several {noun(kind)[1]}" for kind in [*here.groups, "jet"]}  # no jet is there
maps = dict(zip(texts.values(), lab.text_heatmaps(model, scene, list(texts.values())), strict=True))
boxes = {texts[kind]: found[["left", "top", "right", "bottom"]].to_numpy() for kind, found in here}
show.plot_heatmap(scene, maps, boxes)

# %% [markdown]
# White frames are the true boxes, which the sample knows exactly because it was drawn. Such maps look convincing even
# where they are wrong, so they have to be measured: in the **pointing game** a map wins when its highest place lies in
# a box of the kind that was asked for. Who wins against it by always pointing at the centre of the picture?

# %%
some = objects[objects["image"].isin(sorted(objects["image"].unique())[::2])]
pointing = lab.localisation(lambda image, kinds: lab.text_heatmaps(model, image, [f"several {noun(kind)[1]}" for kind in kinds]), some)
show.plot_localisation({"heatmap": pointing})

# %% [markdown]
# Nobody ever told this network where anything is: it was trained to answer with *one* vector for a picture of 128
# pixels. Still its maps find half of the small boats, and several times as many things as the centre does. And they
# miss most of what they are asked for: of trucks, all. Believe a map no further than this figure goes, and measure it on
# your own boxes (`lab.read_objects` reads COCO's). Where the thing that gives a scene its name stands in the middle, as
# in the land scenes, the centre is harder to beat.
#
# ## One label, or several?
#
# `lab.predict` gives probabilities. By default exactly one text is taken to be true, and they sum to 1. With
# `several=True` each is judged by itself, against neutral words.

# %%
asked = ["a cargo ship", "a small boat", "an airport", "houses"]
picture = next(image for image, label in labels.items() if label == "cargo ship")
both = {"one of them": lab.predict(model, picture, asked), "each by itself": lab.predict(model, picture, asked, several=True)}
pd.concat(both).droplevel("image").round(3)

# %% [markdown]
# In the first row the texts compete: whatever the picture, something wins. In the second several may be high, or none.
# Neither row is calibrated (lesson 05 shows how to find out), and the second less than the first, as this network was
# trained to choose.
#
# The prediction panel has both, with your own words and pictures: type, and the bars follow. Each bar can be asked where in
# the picture it is. **Predict:** what becomes of the percentages when you add a fifth text that fits nothing?

# %%
lab.PredictionWidget(model, base=base, images=[picture], prompts=asked)

# %% [markdown]
# Before prompts go on a page, the doctor looks at them:

# %%
lab.prompt_doctor(model, ["a cargo ship", "a freighter", "un bateau dans le port", "a glacier", "ship " * 90])

# %% [markdown]
# ## An index is kept, grows and shrinks
#
# An index is saved with the identity of its model. Vectors of one model mean nothing to another, so a wrong one is
# refused.

# %%
index.save("outputs/index")
try:
    lab.SearchIndex.load("outputs/index", base)
except lab.ModelError as error:
    print(error)

# %%
again = lab.SearchIndex.load("outputs/index", model)
some = [found.images[0] for found in found_texts]
print(len(again), "→", len(again.delete(some)), "→", len(again.append(some)))

# %% [markdown]
# How large can it grow? Up to 50,000 pictures every query is compared with all of them, in milliseconds. Above that, faiss
# groups the vectors and a query reads the nearest groups only (`pip install "rsclip-lab[search]"`). How many groups that
# takes is tried out when the index is built, for picture queries and for text queries, which lie far from every
# picture and need more. Beyond one machine, `lab.SearchDatabase` does the same in LanceDB, in a folder or an object
# store (`[database]`).

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("06.1")` gives a hint, and once more a stronger one.
#
# **06.1 Count the hits.** Look at the first figure again. Three queries ask for a kind, with four places each. What share of
# these places shows that kind? Two decimals.

# %%
answer = ...
exercises.check("06.1", answer, found=found_texts, wanted=list(QUERIES.values()), labels=labels)

# %% [markdown]
# **06.2 The nearest pictures.** Write a search: the rows of the k vectors with the largest cosine with the query, the best
# first. These vectors have any length.

# %%
def my_nearest(query, vectors, k):  # [dim], [pictures, dim], a number -> k row numbers
    return ...


exercises.check("06.2", my_nearest)

# %% [markdown]
# **06.3 Each text by itself.** Write what `several=True` does, with one neutral text: the sigmoid of each text against it.

# %%
def my_each_by_itself(cosines, neutral, logit_scale):  # [texts], its cosine, a number -> [texts]
    return ...


exercises.check("06.3", my_each_by_itself)

# %% [markdown]
# ### To try
#
# **More like this, but.** Add two vectors: a picture's and a text's. What do you get for a harbour crane plus "sea"?

# %%
crane = next(image for image, label in labels.items() if label == "harbour crane")
mixed = model.encode_images(crane) + 1.0 * model.encode_texts("a satellite view of the sea")  # your weights here
show.plot_results(index.search_vectors(mixed, k=4), labels=labels)

# %% [markdown]
# **Before.** Build the index with `base` instead of `model`, and ask the first four queries again. Which still work, and why?

# %% [markdown]
# ## Your own pictures
#
# Put the path of a folder into `MY_PICTURES` above (in Colab: upload one, or mount your drive) and run the cell again.
# Everything below it is searched, whatever the folders inside. Until then a folder of sample pictures stands in for yours.

# %%
if not MY_PICTURES:
    mine = Path("my_pictures")
    mine.mkdir(exist_ok=True)
    for image in list(labels)[::20]:
        shutil.copy(image, mine)
my_index = lab.SearchIndex.build(model, MY_PICTURES or mine, folder="outputs/my_index")
my_index

# %% [markdown]
# `folder=` keeps the work: stopped half-way, the same call goes on, and later only new and changed pictures are
# encoded. Pictures that cannot be read are left out and listed in `my_index.unreadable`.

# %%
QUERY = "a ship at sea"  # @param {type: "string"}
my_index.search_text(QUERY, k=6)

# %% [markdown]
# ## Recap
#
# - Every picture is encoded once; a search is a product of vectors. Text and picture queries use the same index.
# - A cosine is no probability; only the order means something.
# - A map of where a text is looks better than it is: measure it.
# - One of several texts, or each by itself: decide before you show a percentage.
# - An index belongs to its model.
#
# Next: [07 · Your own data](07_your_own_data.ipynb): now with mine.
