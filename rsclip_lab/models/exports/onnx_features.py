"""Features of pictures and texts from the two ONNX files beside this one, without torch.

    pip install onnxruntime numpy pillow tokenizers
    python features.py picture.jpg "a satellite view of a beach" "a satellite view of a forest"

From Python, with unit vectors as float32 arrays, one row a picture or text:

    from features import OnnxClip
    model = OnnxClip()
    scores = model.scores(model.encode_images(["picture.jpg"]), model.encode_texts(["a beach", "a forest"]))
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


class OnnxClip:
    """The model in `folder`. Pictures of 8 bits a band; convert others (16-bit, many bands) to such first."""

    def __init__(self, folder=Path(__file__).parent):
        import onnxruntime

        self.folder = Path(folder)
        self.facts = json.loads((self.folder / "onnx.json").read_text(encoding="utf-8"))
        self.sessions = {
            kind: onnxruntime.InferenceSession(self.folder / tower["file"], providers=["CPUExecutionProvider"])
            for kind, tower in self.facts["towers"].items()
        }

    def encode_images(self, images, batch_size=32):
        """One path or PIL image, or a list -> [n, dim]."""
        images = [images] if isinstance(images, (str, Path, Image.Image)) else images
        return self._encode("image", [self.pixels(image) for image in images], batch_size)

    def encode_texts(self, texts, batch_size=256):
        """One string, or a list -> [n, dim]; needs `tokenizers`, and the tokenizer.json that most models have."""
        return self.encode_tokens(self.tokens([texts] if isinstance(texts, str) else texts), batch_size)

    def encode_tokens(self, tokens, batch_size=256):
        """Token ids [n, context] of the model's own tokenizer -> [n, dim]."""
        return self._encode("text", np.asarray(tokens, dtype=np.int64), batch_size)

    def scores(self, image_features, text_features):
        """[images, texts]: what a softmax over the texts (a sigmoid, where logit_bias is given) is taken of."""
        return self.facts["logit_scale"] * image_features @ text_features.T + (self.facts["logit_bias"] or 0)

    def pixels(self, image):
        """One picture -> [3, size, size], resized, cropped and normalised as in training."""
        if not isinstance(image, Image.Image):
            image = Image.open(image)
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"pictures of 8 bits a band are wanted, this one has the mode {image.mode}: convert it")
        facts = self.facts["preprocess"]
        image = resized(ImageOps.exif_transpose(image).convert("RGB"), **facts)
        values = np.asarray(image, dtype=np.float32) / 255
        values = (values - np.float32(facts["mean"])) / np.float32(facts["std"])
        return values.transpose(2, 0, 1)

    def tokens(self, texts):
        """Strings -> [n, context] int64."""
        name = self.facts["tokenizer"]["file"]
        if name is None:
            raise ValueError("this tokenizer has no portable form: make the tokens yourself, see encode_tokens")
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / name))
        return np.array([encoding.ids for encoding in tokenizer.encode_batch(list(texts))], dtype=np.int64)

    def _encode(self, kind, inputs, batch_size):
        tower, session = self.facts["towers"][kind], self.sessions[kind]
        starts = range(0, len(inputs), batch_size)
        batches = [np.stack(inputs[start : start + batch_size]) for start in starts]
        rows = [session.run([tower["output"]], {tower["input"]: batch})[0] for batch in batches]
        return np.concatenate(rows) if rows else np.empty((0, self.facts["dim"]), np.float32)


def resized(image, size, resize_mode, interpolation, fill_color=0, **_):
    """The picture at `size` x `size`: cropped to its middle ("shortest"), padded ("longest"), or squashed."""
    method = Image.Resampling[interpolation.upper()]
    width, height = image.size
    if resize_mode == "squash":
        return image.resize((size, size), method)
    if resize_mode == "longest":
        ratio = max(width, height) / size
        image = image.resize((round(width / ratio), round(height / ratio)), method)
        fill = tuple(fill_color) if isinstance(fill_color, list) else (fill_color,) * 3
        square = Image.new("RGB", (size, size), fill)
        square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
        return square
    shortest = min(width, height)
    image = image.resize((int(size * width / shortest), int(size * height / shortest)), method)
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def main(picture, *texts):
    model = OnnxClip()
    scores = model.scores(model.encode_images([picture]), model.encode_texts(texts))[0]
    weights = np.exp(scores - scores.max())
    for row in np.argsort(-scores):
        print(f"{weights[row] / weights.sum():6.1%}  {texts[row]}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit('usage: python features.py picture.jpg "one text" "another text"')
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:  # a picture that is not there, none, or of 16 bits
        sys.exit(f"features.py: {error}")
