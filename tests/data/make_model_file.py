"""Write the model file of this version and the predictions that later versions must give.

Run once for each released version: ``python tests/data/make_model_file.py``.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

import sk_yt8m

FOLDER = Path(__file__).parent


def main() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(64, 5)).round(3), columns=list("abcde"))
    names = ["Game", "Vehicle", "Música", "7"]
    Y = pd.DataFrame((X.to_numpy() @ rng.normal(size=(5, 4)) > 1).astype(int), columns=names)
    clf = sk_yt8m.DeepMultiLabelClassifier(
        hidden_layer_sizes=(6, 3), activation="gelu", precision="float32", random_state=0
    )
    for _ in range(3):
        clf.partial_fit(X, Y)
    name = f"model-{sk_yt8m.__version__}"
    clf.save(FOLDER / f"{name}.safetensors", include_training_state=True)
    expected = {
        "X": X.head(8).to_numpy().tolist(),
        "probabilities": clf.predict_proba(X.head(8)).tolist(),
        "label_names": names,
        "feature_names": list(X.columns),
        "losses": clf.loss_curve_,
        "samples_seen": clf.t_,
        "hidden_layer_sizes": clf.hidden_layer_sizes,
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(expected, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
