"""Pictures: axes and labelled curves in, artists out; nothing is computed here."""

from .curves import alignment as alignment
from .curves import lazy as lazy
from .curves import losses as losses
from .curves import terms as terms
from .curves import weight_norm as weight_norm
from .figure import picture as picture
from .kernel import kernel_picture as kernel_picture
from .overlay import overlay_picture as overlay_picture
from .sweep import sweep_picture as sweep_picture

__all__ = [
    "alignment",
    "kernel_picture",
    "lazy",
    "losses",
    "overlay_picture",
    "picture",
    "sweep_picture",
    "terms",
    "weight_norm",
]
