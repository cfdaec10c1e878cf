"""Compare trainings on logical devices with those of one device; prints a line of JSON.

Usage: mirrored.py CASES; a list of [number of replicas, parameters, options] in JSON.
"""

import contextlib
import json
import sys
from functools import cache

import numpy as np
import tensorflow as tf
from problem import differences, learner, rows

from sk_yt8m.distributed import config_context


def make_devices(n):
    tf.config.set_visible_devices([], "GPU")
    (cpu,) = tf.config.list_physical_devices("CPU")
    one = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [one] * n)


def trained(parameters, options, scope):
    X, Y, weight = rows()
    dtype = options.get("gradient_dtype", "float32")
    with scope, config_context(gradient_dtype=dtype):
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


@cache
def mirrored(n_replicas):
    # TensorFlow mixes up what two strategies of the same devices send.
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(n_replicas)])


def compared(n_replicas, parameters, options):
    strategy = mirrored(n_replicas)
    one = trained(parameters, options, contextlib.ExitStack())
    scope = contextlib.ExitStack()
    scope.enter_context(strategy.scope())
    several = trained(parameters, options, scope)
    weights, largest = differences(several[0], one[0])
    return {
        "weights": weights,
        "largest": largest,
        "scores": float(np.abs(several[1] - one[1]).max()),
        "losses": float(np.abs(np.subtract(several[2], one[2])).max()),
    }


if __name__ == "__main__":
    cases = json.loads(sys.argv[1])
    make_devices(max(n for n, _, _ in cases))
    print(json.dumps([compared(*case) for case in cases]))
