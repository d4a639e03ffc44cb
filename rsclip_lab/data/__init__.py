"""Captions to a table, files to pixels, pixels to batches (notebook 02)."""

from rsclip_lab.data.augmentation import Augmentation, augment
from rsclip_lab.data.cache import CacheError
from rsclip_lab.data.dataset import ImageTextDataset
from rsclip_lab.data.false_negatives import false_negative_shares
from rsclip_lab.data.images import ImageError, ImageFacts, image_facts, normalise, open_image, resize_and_crop
from rsclip_lab.data.objects import read_objects, sample_counts, sample_objects
from rsclip_lab.data.public import fetch_data
from rsclip_lab.data.readers import class_words, label_of_file, read_captions
from rsclip_lab.data.readers.detection import Box, box_captions, masks_to_boxes
from rsclip_lab.data.readers.detection.english import noun
from rsclip_lab.data.sample import sample, sample_folder
from rsclip_lab.data.sampler import DistinctCaptionSampler
from rsclip_lab.data.shards import ShardStream
from rsclip_lab.data.store import PixelStore
from rsclip_lab.data.table import CaptionError, distinct_images, select_split, split_by_image
from rsclip_lab.data.thumbnails import thumbnail_grid
from rsclip_lab.data.wording.back_translation import back_translate
from rsclip_lab.data.wording.directions import names_direction, turned
from rsclip_lab.data.wording.prompts import REMOTE_SENSING_TEMPLATES, TEMPLATES, label_captions
from rsclip_lab.data.writers import write_csv, write_json_lines

__all__ = [
    "REMOTE_SENSING_TEMPLATES",
    "TEMPLATES",
    "Augmentation",
    "Box",
    "CacheError",
    "CaptionError",
    "DistinctCaptionSampler",
    "ImageError",
    "ImageFacts",
    "ImageTextDataset",
    "PixelStore",
    "ShardStream",
    "augment",
    "back_translate",
    "box_captions",
    "class_words",
    "distinct_images",
    "false_negative_shares",
    "fetch_data",
    "image_facts",
    "label_captions",
    "label_of_file",
    "masks_to_boxes",
    "names_direction",
    "normalise",
    "noun",
    "open_image",
    "read_captions",
    "read_objects",
    "resize_and_crop",
    "sample",
    "sample_counts",
    "sample_folder",
    "sample_objects",
    "select_split",
    "split_by_image",
    "thumbnail_grid",
    "turned",
    "write_csv",
    "write_json_lines",
]
