"""The kinds of the ways that people travel: parking lot, airport, road interchange, railway station, bridge."""

from ..kind import Kind
from . import airport, bridge, railway
from .interchange import road_interchange
from .parking import parking_lot

KINDS = [
    Kind(
        "parking lot", ("a parking lot", "a car park"), parking_lot, (45, 420), ("parking",), seasonal=False
    ),
    Kind(
        "road interchange",
        ("a road interchange", "a highway interchange"),
        road_interchange,
        (200, 640),
        ("road", "ramp"),
    ),
    *airport.KINDS,
    *railway.KINDS,
    *bridge.KINDS,
]
