"""The network and the training of `tiny`, in open_clip's own terms."""

from rsclip_lab.training import FinetuneConfig

SEED = 0
ARCHITECTURE = {
    "embed_dim": 512,
    "vision_cfg": {
        "timm_model_name": "resnet10t",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": 96,
    },
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
}
# Crops enlarge what training sees, so a network reads best what is larger than its training pictures (Touvron et al.,
# "Fixing the train-test resolution discrepancy", 2019); at 128 px drawn pictures are read as they are stored.
READ_AT = 128
TOKEN_SIZE = 0.02  # standard deviation of the token table at the start, as open_clip draws it
PREPROCESS: dict = {}  # CLIP's own mean and std
RECIPE = FinetuneConfig(
    epochs=4,
    batch_size=64,
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup=0.05,
    min_crop=0.45,
    freeze_batch_norm=False,
    seed=SEED,
)
