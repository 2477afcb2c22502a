"""What Sphinx has to know of these pages."""

import os
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # notebooks call grokode

import pages  # noqa: E402  # beside this file

project = "grokode"
author = copyright = "the grokode authors"
release = metadata.version("grokode")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "mathml"]
html_math_renderer = "mathml"
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["mathml.css"]
html_title = f"grokode {release}"

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"  # docstrings say more
autodoc_member_order = "bysource"


def setup(app: Any) -> None:
    """Make the pages that stand elsewhere in the repository, before any is read."""
    app.connect("builder-inited", lambda _: pages.write(HERE.parent, HERE / "generated"))
