"""Pictures: axes and labelled curves in, artists out; nothing is computed here."""

from .curves import losses as losses
from .curves import terms as terms
from .figure import picture as picture
