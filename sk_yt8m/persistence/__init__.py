"""Model files that are safe to open.

`DeepMultiLabelClassifier.save` writes one safetensors file with the weights as numbers and
everything else as JSON text; `sk_yt8m.load` reads it. It holds no pickle and no code.
"""

from sk_yt8m._files.errors import ModelFileError

__all__ = ["ModelFileError"]
