"""The figures of `examples/reproduce_notebook.py`, beside those that the notebook printed.

python examples/benchmarks/notebook.py --data FOLDER
"""

import argparse
import sys
from pathlib import Path

from _record import add_options, write

sys.path.append(str(Path(__file__).parents[1]))
from reproduce_notebook import NOTEBOOK, PRINTED, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    parser.add_argument("--max-iter", type=int, default=NOTEBOOK["max_iter"], help="epochs (10)")
    add_options(parser)
    args = parser.parse_args()
    found = figures(args.data, args.max_iter, "float32")
    rows = [
        {"figure": name, "here": figure, "notebook": PRINTED.get(name)}
        for name, figure in found.items()
    ]
    for row in rows:
        print(row)
    write(args, {"figures": rows}, seeds=[0])


if __name__ == "__main__":
    main()
