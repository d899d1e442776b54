"""Who looks after which assets."""

from typing import Final

DATA_TEAM: Final = "team:data"
MARKETING_TEAM: Final = "team:marketing"
