"""The site: Sphinx, built without a network, with every example executed.

sphinx-build -W --keep-going docs build/site
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# The version that is documented, and no message of TensorFlow's in the examples' output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from properties import is_property

from sk_yt8m import __version__

project = "sk_yt8m"
author = "The sk_yt8m developers"
copyright = "The sk_yt8m developers, BSD 3-Clause licence"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "answers",
    "external_links",
    "metric_names",
    "page_language",
]
exclude_patterns = ["_templates", "pt/passos"]
templates_path = ["_templates"]
nitpicky = True
default_role = "autolink"
# A function in the templates' context cannot be pickled, which Sphinx only needs to build faster.
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

autosummary_generate = True
autosummary_context = {"is_property": is_property}
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples/gallery", "pt/passos"],
    "gallery_dirs": ["gallery", "pt/tutorial"],
    "filename_pattern": r"plot_",
    "within_subsection_order": "gallery_order.GalleryOrder",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sk_yt8m",),
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sk_yt8m"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
html_show_sourcelink = False
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": "sk_yt8m",
    },
    "header_links_before_dropdown": 7,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
