"""Model files that are safe to open, and ways to the formats of other packages.

The method `save` of the three classifiers writes one safetensors file with the weights as numbers
and everything else as JSON text; `sk_yt8m.load` reads it. It holds no pickle and no code.
"""

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m.persistence._skops_types import trusted_types

__all__ = ["ModelFileError", "trusted_types"]
