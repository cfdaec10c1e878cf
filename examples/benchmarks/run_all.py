"""Run the benchmarks one after the other, and write the figures that the pages show.

    python examples/benchmarks/run_all.py --data FOLDER                # those of some minutes each
    python examples/benchmarks/run_all.py --data FOLDER --only scale quality-best
    python examples/benchmarks/run_all.py --quick                      # a trial, thrown away
    python docs/figures.py                                             # then, into the pages

Times need a machine on which nothing else runs; with --shared the files say that other programs
ran, and the pages refuse to show their times.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIGURES = HERE.parents[1] / "docs" / "results" / "figures"


@dataclass(frozen=True)
class Job:
    """A file of figures: the script that writes it, and its options."""

    script: str
    options: str = ""
    quick: str | None = None
    data: bool = False
    long: bool = False

    def command(self, name: str, args: argparse.Namespace, folder: Path) -> list[str]:
        """Return the command that writes ``NAME.json``."""
        words = (self.quick if args.quick else self.options).replace("MODEL", str(folder / name))
        command = [sys.executable, str(HERE / self.script), *words.split()]
        if self.data and args.data is not None and not args.quick:
            command += ["--data", str(args.data)]
        if args.shared:
            command.append("--shared")
        return [*command, "--json", str(args.out / f"{name}.json")]


JOBS = {
    "fit": Job(
        "fit.py",
        "--rows 4096 --rounds 2",
        "--rows 512 --rounds 1 --only float32 scikeras skorch MLP",
        data=True,
    ),
    "predict": Job("predict.py", "", "--rows 512"),
    "predict-on-disk": Job("predict.py", "--on-disk 1000000", "--on-disk 2000"),
    "many_fits": Job("many_fits.py", "", "--only (16,)"),
    "small_data": Job("small_data.py", "--folds 3", "--folds 2 --only wine"),
    "metrics": Job("metrics.py", "", "--videos 200"),
    "tags": Job("tags.py", "", "--rows 2000 --labels 300"),
    "read_csv": Job("read_csv.py", "", "--shards 1", data=True),
    "read_tfrecords": Job(
        "read_tfrecords.py", "", "--shards 2 --videos 100 --frames 5 --repeats 1"
    ),
    "partial_fit": Job("partial_fit.py", "", "--batches 2 --rounds 1"),
    "parallel": Job("parallel.py", "", "--rows 512 --epochs 1"),
    "neighbors": Job(
        "neighbors.py", "--model MODEL.safetensors --repeats 1", "--rows 512", data=True
    ),
    "neighbors-million": Job(
        "neighbors.py", "--references 1000000 --repeats 1", "--references 9000", long=True
    ),
    "time_to_quality": Job("time_to_quality.py", "--limit 300", data=True, long=True),
    "baselines": Job("baselines.py", data=True, long=True),
    "notebook": Job("notebook.py", data=True, long=True),
    "quality-fast": Job("quality.py", "--preset fast --seeds 3", data=True, long=True),
    "quality-default": Job("quality.py", "--seeds 3", data=True, long=True),
    "quality-neighbors": Job("quality.py", "--preset neighbors", data=True, long=True),
    "quality-held-out-fast": Job("quality.py", "--preset fast --hold-out 41", data=True, long=True),
    "quality-held-out": Job("quality.py", "--hold-out 41", data=True, long=True),
    "quality-wide": Job("quality.py", "--preset wide", data=True, long=True),
    "quality-best": Job("quality.py", "--preset best", data=True, long=True),
    "tried": Job("tried.py", "--model MODEL.safetensors", data=True, long=True),
    "scale": Job("scale.py", "--max-memory 2000", "--n-videos 3000", long=True),
    "scale_out": Job("scale_out.py", "--parts fit", long=True),
    "search_engines": Job("search_engines.py", "", long=True),
    "many_videos": Job("many_videos.py", "", long=True),
}


def main() -> int:
    """Run the chosen benchmarks, and return the status of the process."""
    usual = ", ".join(name for name, job in JOBS.items() if not job.long)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the course's CSV files")
    parser.add_argument("--only", nargs="+", choices=JOBS, metavar="NAME", help=f"these ({usual})")
    parser.add_argument("--out", type=Path, help="folder for the files (docs/results/figures)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all run")
    parser.add_argument("--shared", action="store_true", help="other programs run here")
    args = parser.parse_args()
    names = args.only or [name for name, job in JOBS.items() if not job.long]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        args.out = args.out or (Path(folder) if args.quick else FIGURES)
        for name in names:
            if args.quick and JOBS[name].quick is None:
                print(f"== {name}: has no quick run", flush=True)
                continue
            print(f"== {name}", flush=True)
            start = time.perf_counter()
            done = subprocess.run(JOBS[name].command(name, args, Path(folder)), check=False)
            written = (args.out / f"{name}.json").exists()
            print(f"== {name}: {time.perf_counter() - start:.0f} s\n", flush=True)
            if done.returncode or not written:
                failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
