"""Kinds of the ways that cars travel: parking lot, road interchange."""

from ..kind import Kind
from .interchange import road_interchange
from .parking import parking_lot

KINDS = [
    Kind("parking lot", ("a parking lot", "a car park"), parking_lot, (62, 430), ("parking",), seasonal=False),
    Kind(
        "road interchange",
        ("a road interchange", "a highway interchange"),
        road_interchange,
        (200, 640),
        ("road", "ramp"),
    ),
]
