"""Detection sets: COCO, VOC, DOTA, YOLO and masks, whose boxes become five captions a picture by rule."""

from collections.abc import Callable, Iterator
from pathlib import Path

from rsclip_lab.data.readers.detection.boxes import Box
from rsclip_lab.data.readers.detection.coco import is_coco, read_coco
from rsclip_lab.data.readers.detection.dota import is_dota, read_dota
from rsclip_lab.data.readers.detection.masks import is_masks, masks_to_boxes, read_masks
from rsclip_lab.data.readers.detection.sentences import box_captions
from rsclip_lab.data.readers.detection.voc import is_voc, read_voc
from rsclip_lab.data.readers.detection.yolo import is_yolo, read_yolo
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.readers.records import Record

__all__ = ["Box", "box_captions", "detection_reader", "masks_to_boxes"]

# DOTA before YOLO: sets converted for YOLO keep DOTA's own files beside the new ones.
FORMATS = {is_coco: read_coco, is_voc: read_voc, is_dota: read_dota, is_yolo: read_yolo, is_masks: read_masks}


def detection_reader(source: Path) -> Callable[[Path, ImageFolder], Iterator[Record]] | None:
    """The reader of a detection set, called with the source and the folder of its pictures; None for what is none.

    source: a COCO JSON file, or a folder with `Annotations/*.xml` (or XML beside pictures), `labelTxt/*.txt`,
    `labels/*.txt` (or rows beside pictures and a list of classes), or `masks/` beside `images/`. Looks at names
    and first bytes only. Raises CaptionError for a folder that cannot be listed.
    """
    return next((read for recognises, read in FORMATS.items() if recognises(source)), None)
