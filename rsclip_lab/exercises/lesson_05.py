"""Lesson 05: how many pictures a claim needs, top-k, recall with several captions, and the mean over classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rsclip_lab.evaluation import mean_per_class, retrieval_recall, topk_accuracy
from rsclip_lab.evaluation.intervals import wilson_interval
from rsclip_lab.exercises.functions import Case, FunctionExercise
from rsclip_lab.exercises.inputs import normal, order
from rsclip_lab.exercises.kinds import NumberExercise
from rsclip_lab.exercises.values import as_loss


def pictures_needed(share: float, width: float) -> int:
    """The smallest test set whose 95 % Wilson interval around `share` is at most `width` wide."""

    def too_wide(count: int) -> bool:
        low, high = wilson_interval(share, count)
        return high - low > width

    low, high = 1, 2
    while too_wide(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if too_wide(middle) else (low, middle)
    return high


def scored(generator: torch.Generator) -> list[Case]:
    """Scores [pictures, classes], labels, k. The labels' scores are raised, so that about half are found."""
    cases = []
    for pictures, classes, k in ((40, 6, 1), (50, 8, 3), (30, 12, 5)):
        labels = torch.randint(classes, (pictures,), generator=generator, device="cpu")
        scores = normal(generator, pictures, classes) + 0.5 * F.one_hot(labels, classes)
        cases.append(Case(f"{pictures} pictures, {classes} classes and k={k}", (scores, labels, k)))
    return cases


def topk(scores: Tensor, labels: Tensor, k: int) -> float:
    return topk_accuracy(scores, labels, ks=(k,))[k]


def at_place_k(scores: Tensor, labels: Tensor, k: int) -> float:
    return topk(scores, labels, k) - (topk(scores, labels, k - 1) if k > 1 else 0.0)


def similarities(generator: torch.Generator) -> list[Case]:
    """Cosines [pictures, texts] with several captions a picture, not in the order of the pictures; and k."""
    cases = []
    for pictures, captions, k in ((12, 3, 1), (15, 5, 5), (20, 2, 3)):
        image_of_text = torch.tensor(order(generator, pictures * captions), device="cpu") % pictures
        cosines = normal(generator, pictures, len(image_of_text)) / 4
        cosines += 0.3 * (torch.arange(pictures, device="cpu")[:, None] == image_of_text)
        cases.append(Case(f"{pictures} pictures, {captions} captions each and k={k}", (cosines, image_of_text, k)))
    return cases


def recalls(cosines: Tensor, image_of_text: Tensor, k: int) -> dict:
    """The package's recall of a matrix of cosines: with the axes as texts, features and cosines are the same."""
    texts = torch.eye(cosines.shape[1], device="cpu")
    return retrieval_recall(cosines, texts, image_of_text, ks=(k,))


def found(cosines: Tensor, image_of_text: Tensor, k: int) -> Tensor:
    """[pictures, k]: whether the text at that rank is the picture's own."""
    own = image_of_text[cosines.topk(k, dim=1).indices]
    return own == torch.arange(len(cosines), device="cpu")[:, None]


def first_captions(cosines: Tensor, image_of_text: Tensor, k: int) -> Tensor:
    """Only the first caption of each picture counts as right."""
    pictures = torch.arange(len(cosines), device="cpu")[:, None]
    first = (image_of_text == pictures).int().argmax(dim=1)
    return (cosines.topk(k, dim=1).indices == first[:, None]).any(dim=1).float().mean()


def captions_each(cosines: Tensor, image_of_text: Tensor, k: int) -> Tensor:
    return torch.bincount(image_of_text, minlength=len(cosines))


def answered(generator: torch.Generator) -> list[Case]:
    """Answers and labels (class numbers) of classes that are not equally large, nor equally well known."""
    cases = []
    for sizes, right in (((40, 5, 5), (36, 1, 2)), ((30, 4, 10, 2), (6, 4, 9, 1))):
        labels = torch.tensor([kind for kind, size in enumerate(sizes) for _ in range(size)], device="cpu")
        answers = (labels + 1) % len(sizes)
        for kind, count in enumerate(right):
            answers[(labels == kind).nonzero()[:count]] = kind
        shuffled = order(generator, len(labels))
        cases.append(Case(f"classes of {', '.join(map(str, sizes))} pictures", (answers[shuffled], labels[shuffled])))
    return cases


def by_class(answers: Tensor, labels: Tensor) -> float:
    return mean_per_class(F.one_hot(answers, int(max(answers.max(), labels.max())) + 1).float(), labels)


EXERCISES = (
    NumberExercise(
        number="05.1",
        title="How many test pictures?",
        question="85 % are right. How many test pictures make the 95 % Wilson interval 4 points wide (0.04 from "
        "low to high)?",
        hints=(
            "Read it off the table of widths: 1,027 pictures give 0.044. A little more, then.",
            "Half the width takes four times the pictures, so the number goes with 1 / width². Or try: "
            "`low, high = wilson_interval(0.85, n)`.",
        ),
        evidence=("share", "width"),
        right=pictures_needed,
        tolerance=0.04,
        relative=True,
        mistakes={
            "that would be plus and minus 4 points; 4 points are the whole width": lambda p, w: pictures_needed(
                p, 2 * w
            ),
            "that makes plus and minus 1 point; half of 4 points is 2": lambda p, w: pictures_needed(p, w / 2),
            "the width goes with 1 over the square root of the number": lambda p, w: 1027 * 0.044 / w,
        },
        because="Differences of fewer points than that are no news, unless both models saw the same pictures.",
    ),
    FunctionExercise(
        number="05.2",
        title="Top-k accuracy",
        question="Write my_topk(scores, labels, k): the share of pictures whose label is among the k highest scores. "
        "scores [pictures, classes], labels [pictures] class numbers.",
        hints=(
            "`scores.topk(k, dim=1).indices` are the numbers of the k best classes, [pictures, k].",
            "Compare them with `labels[:, None]`, ask for `.any(dim=1)`, and take the mean.",
        ),
        form="my_topk(scores, labels, k)",
        wanted="a share from 0 to 1",
        cases=scored,
        right=topk,
        read=as_loss,
        mistakes={
            "that is top-1, whatever k is": lambda scores, labels, k: topk(scores, labels, 1),
            "those are the k lowest scores: sort from high to low": lambda scores, labels, k: topk(
                -scores, labels, k
            ),
            "that is the number of pictures: divide by all": lambda scores, labels, k: (
                topk(scores, labels, k) * len(labels)
            ),
            "only the k-th place counts here: first to k-th are asked for": at_place_k,
            "that is top-(k+1): the places go from 0 to k - 1": lambda scores, labels, k: topk(scores, labels, k + 1),
            "divided by k as well: one right answer among the k is enough": lambda scores, labels, k: (
                topk(scores, labels, k) / k
            ),
            "those are the wrong ones: 1 minus it is asked for": lambda scores, labels, k: (
                1 - topk(scores, labels, k)
            ),
        },
        because="With k at the number of classes it is 1, whatever the model knows.",
    ),
    FunctionExercise(
        number="05.3",
        title="Recall@k with several captions",
        question="Write my_recall(cosines, image_of_text, k): the share of pictures with one of their own captions, "
        "or more, among the k nearest texts. cosines [pictures, texts]; image_of_text [texts]: whose it is.",
        hints=(
            "`image_of_text[cosines.topk(k, dim=1).indices]` tells for each picture whose captions were found.",
            "Compare that with the picture's own number, `torch.arange(len(cosines))[:, None]`; one hit will do.",
        ),
        form="my_recall(cosines, image_of_text, k)",
        wanted="a share from 0 to 1",
        cases=similarities,
        right=lambda *args: recalls(*args)["image_to_text"][args[-1]],
        read=as_loss,
        mistakes={
            "that is text to picture: the queries here are the pictures": lambda *args: recalls(*args)[
                "text_to_image"
            ][args[-1]],
            "all captions of a picture have to be found in this one; one is enough": lambda *args: (
                (found(*args).sum(dim=1) == captions_each(*args)).float().mean()
            ),
            "the share of the captions that are found: a picture with one of them counts in full": lambda *args: (
                found(*args).sum(dim=1) / captions_each(*args)
            ).mean(),
            "that is precision, the share of the k that are its own: one is enough": lambda *args: (
                found(*args).float().mean()
            ),
            "only the first caption of each picture counts here: each of them is right": first_captions,
            "that takes text i for picture i's: image_of_text says whose it is": lambda cosines, image_of_text, k: (
                (cosines.topk(k, dim=1).indices == torch.arange(len(cosines), device="cpu")[:, None])
                .any(dim=1)
                .float()
                .mean()
            ),
            "that is R@1, whatever k is": lambda cosines, image_of_text, k: recalls(cosines, image_of_text, 1)[
                "image_to_text"
            ][1],
        },
        because="This is the definition of the published tables; the package's needs no sorting.",
    ),
    FunctionExercise(
        number="05.4",
        title="Mean over classes",
        question="Write my_mean_per_class(answers, labels): the accuracy of each class, and of those the mean. Both "
        "are class numbers [pictures].",
        hints=(
            "For each class that there is: of its pictures, how many have the right answer?",
            "`[(answers[labels == c] == c).float().mean() for c in labels.unique()]`, and then the mean of that.",
        ),
        form="my_mean_per_class(answers, labels)",
        wanted="a share from 0 to 1",
        cases=answered,
        right=by_class,
        read=as_loss,
        mistakes={
            "that is the accuracy over all pictures: large classes weigh more": lambda a, y: (a == y).float().mean(),
            "that goes by the answers (precision): take the pictures whose label is the class": lambda a, y: by_class(
                y, a
            ),
            "that is the sum over the classes: divide by their number": lambda a, y: by_class(a, y) * len(y.unique()),
            "that is one accuracy for each class: take their mean": lambda a, y: torch.stack(
                [(a[y == kind] == kind).float().mean() for kind in y.unique()]
            ),
        },
        because="Here every kind has as many test pictures, so both are the same; in your own set they will not be.",
    ),
)
