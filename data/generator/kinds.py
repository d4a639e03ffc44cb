"""All kinds, by side. The base model is trained on LAND alone; COAST is what the course teaches it."""

from .coast import aquaculture, construction, harbour, reef, ropes, ships
from .kind import Kind
from .land import (
    airport,
    bridge,
    commercial,
    desert,
    facilities,
    fields,
    golf,
    housing,
    meadow,
    mountain,
    orchard,
    playground,
    railway,
    school,
    stadium,
    transport,
    water,
    wetland,
    woods,
    works,
)


def _by_label(*families) -> dict[str, Kind]:
    return {kind.label: kind for family in families for kind in family.KINDS}


LAND = _by_label(
    meadow, fields, woods, desert, mountain, wetland, orchard, water, bridge, housing, commercial, school, transport,
    airport, railway, facilities, stadium, playground, golf, works,
)  # fmt: skip
COAST = _by_label(ships, aquaculture, ropes, construction, harbour, reef)
SIDES = {"land": LAND, "coast": COAST}
