"""All kinds, by side. The base model is trained on LAND alone; COAST is what the course teaches it."""

from .coast import aquaculture, harbour, reef, ships
from .kind import Kind
from .land import facilities, housing, open_country, transport, water


def _by_label(*families) -> dict[str, Kind]:
    return {kind.label: kind for family in families for kind in family.KINDS}


LAND = _by_label(open_country, water, housing, transport, facilities)
COAST = _by_label(ships, aquaculture, harbour, reef)
SIDES = {"land": LAND, "coast": COAST}
