"""DVC: outputs that git does not have, with the identity and the size that their pointers carry."""

from datalint.source.dvc.store import top_of
from datalint.source.dvc.tracking import Tracked, Tracking, expanded, overlaid, stages_above, stages_of, within

__all__ = ["Tracked", "Tracking", "expanded", "overlaid", "stages_above", "stages_of", "top_of", "within"]
