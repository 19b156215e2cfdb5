"""Run the benchmarks, or those named: `make bench`, `make bench NAME=demo`.

Afterwards the README's table is written anew from the results.
"""

import subprocess
import sys
from pathlib import Path

from table import write_table

HERE = Path(__file__).parent


def main() -> int:
    """Run each script in a process of its own; the exit status counts those that failed."""
    scripts = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    names = sys.argv[1:] or list(scripts)
    unknown = [name for name in names if name not in scripts]
    if unknown:
        print(f"no benchmark is called {unknown[0]}; there are: {', '.join(scripts)}")
        return 2
    failed = sum(
        subprocess.run([sys.executable, str(scripts[name])], check=False).returncode != 0
        for name in names
    )
    write_table()
    return failed


if __name__ == "__main__":
    sys.exit(main())
