"""Compare trainings on logical devices with those of one device; prints a line of JSON.

Usage: mirrored.py CASES; a list of [number of replicas, parameters, options] in JSON.
"""

import contextlib
import json
import sys

import tensorflow as tf

cases = json.loads(sys.argv[1])
n_devices = max(n for n, _, _ in cases)
tf.config.set_visible_devices([], "GPU")
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * n_devices
)

import numpy as np
from problem import largest_difference, learner, rows

from sk_yt8m.distributed import config_context

X, Y, weight = rows()


def trained(parameters, options, scope):
    with scope, config_context(gradient_dtype=options.get("gradient_dtype", "float32")):
        clf = learner(**parameters)
        if options.get("partial"):
            for number, part in enumerate(np.array_split(np.arange(len(X)), 3)):
                clf.partial_fit(X[part], Y[part])
                if number == options.get("leave scope after"):
                    scope.close()
        else:
            target = Y.argmax(axis=1) if options.get("classes") else Y
            clf.fit(X, target, sample_weight=weight if options.get("weighted") else None)
        return clf._fitted.network.weights, clf.predict_proba(X), clf.loss_curve_


def entered(strategy):
    stack = contextlib.ExitStack()
    stack.enter_context(strategy.scope())
    return stack


results = []
for n_replicas, parameters, options in cases:
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(n_replicas)])
    one = trained(parameters, options, contextlib.ExitStack())
    several = trained(parameters, options, entered(strategy))
    results.append(
        {
            "weights": float(largest_difference(several[0], one[0])),
            "scores": float(np.abs(several[1] - one[1]).max()),
            "losses": float(np.abs(np.subtract(several[2], one[2])).max()),
        }
    )
print(json.dumps(results))
