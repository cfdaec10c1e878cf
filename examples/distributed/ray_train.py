"""Train on the sample data in Ray Train's workers, which are started again when one is lost.

    python examples/distributed/ray_train.py --storage FOLDER

It needs ``pip install "sk-yt8m[ray]"``.
"""

import argparse
import os


def train(config):
    """Train in one worker; Ray Train has set TF_CONFIG."""
    from sk_yt8m.distributed import multi_worker_strategy

    strategy = multi_worker_strategy(timeout=120)

    import ray.train

    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m.datasets import load_sample

    X, Y = load_sample(return_X_y=True)
    clf = DeepMultiLabelClassifier(
        (64,), max_iter=config["epochs"], random_state=0, checkpoint_dir=config["checkpoints"]
    )
    with strategy.scope():
        clf.fit(X, Y)
    if ray.train.get_context().get_world_rank() == 0:
        clf.save(config["model"])
        print(f"model with loss {clf.loss_:.4f} written", flush=True)


def main():
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--storage", required=True, help="folder that all workers can reach")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    storage = os.path.abspath(given.storage)
    trainer = TensorflowTrainer(
        train,
        train_loop_config={
            "epochs": given.epochs,
            "checkpoints": os.path.join(storage, "checkpoints"),
            "model": os.path.join(storage, "model.safetensors"),
        },
        scaling_config=ScalingConfig(num_workers=given.workers),
        run_config=RunConfig(storage_path=storage, failure_config=FailureConfig(max_failures=3)),
    )
    trainer.fit()
    print(f"trained in {given.workers} workers: {storage}/model.safetensors")


if __name__ == "__main__":
    main()
