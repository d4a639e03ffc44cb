"""The tutorial's data set class: `(image, caption)` samples for a torch DataLoader."""

from collections.abc import Callable
from pathlib import Path

from torch.utils.data import Dataset

from rsclip_lab.data.images import open_image
from rsclip_lab.data.readers import read_captions


class ImageTextDataset(Dataset):
    """One sample a caption: the picture it describes, in RGB, and the caption.

    It opens a file for every sample, which is easy to follow and, on few cores, slow: training uses
    `PixelStore`, which gives the same pictures from the same table (`.captions`).
    """

    def __init__(self, annotations_file: str | Path, img_dir: str | Path, transform: Callable | None = None):
        """annotations_file, img_dir: as `read_captions` takes them; transform: PIL picture in, anything out.

        For a model's own view of the pictures pass its `preprocess`. Raises CaptionError as `read_captions`
        does.
        """
        self.captions = read_captions(annotations_file, img_dir)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, index: int) -> tuple[object, str]:
        row = self.captions.iloc[index]
        image = open_image(row["image"])
        return (self.transform(image) if self.transform else image), row["caption"]
