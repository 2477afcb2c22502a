"""What the network would do if it stayed lazy, and how good its initial kernel can be."""

from ..dynamics.decay import heavy_ball as heavy_ball
from .alignment import PopulationAlignment as PopulationAlignment
from .alignment import centered_alignment as centered_alignment
from .alignment import column_centered_alignment as column_centered_alignment
from .alignment import sample_alignment as sample_alignment
from .learning_curve import average_regression as average_regression
from .learning_curve import sampled_regression as sampled_regression
from .learning_curve import samples_to_reach as samples_to_reach
from .linearized import lazy_losses as lazy_losses
from .linearized import linearize as linearize
from .regression import best_ridge as best_ridge
from .regression import generalized_cross_validation as generalized_cross_validation
from .regression import kernel_regression as kernel_regression
from .sample_kernel import SampleKernel as SampleKernel
from .spectrum import population_spectrum as population_spectrum

__all__ = [
    "PopulationAlignment",
    "SampleKernel",
    "average_regression",
    "best_ridge",
    "centered_alignment",
    "column_centered_alignment",
    "generalized_cross_validation",
    "heavy_ball",
    "kernel_regression",
    "lazy_losses",
    "linearize",
    "population_spectrum",
    "sample_alignment",
    "sampled_regression",
    "samples_to_reach",
]
