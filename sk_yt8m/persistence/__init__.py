"""Model files that are safe to open.

`sk_yt8m.load` reads what `DeepMultiLabelClassifier.save` wrote: one safetensors file that holds the
weights as numbers and everything else as JSON text. No pickle and no Keras object is in it, and
none is read.
"""

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m.persistence._model_file import load

__all__ = ["ModelFileError", "load"]
