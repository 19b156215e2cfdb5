"""`python -m vitforge.serving BUNDLE`: serve one bundle until told to stop."""

import argparse
import sys
from pathlib import Path

from vitforge.errors import VitforgeError
from vitforge.serving.run import serve_bundle


def main() -> int:
    """Parse, bind, load, serve.

    Returns:
        Exit code: 0 after SIGTERM or SIGINT, 1 when it could not start.
    """
    parser = argparse.ArgumentParser(prog="python -m vitforge.serving", description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--name", default="model", help="registered model, told in answers")
    parser.add_argument("--version", default="", help="model version, told in answers")
    parser.add_argument("--variant", default="auto", choices=("auto", "fp32", "int8"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--threads", type=int, default=1, help="threads of one inference")
    parser.add_argument(
        "--announce", type=Path, help="file that tells the address once the server is up (JSON)"
    )
    parser.add_argument("--share-port", action="store_true", help="take over from an older server")
    arguments = parser.parse_args()
    sys.argv = sys.argv[:1]  # importing kserve parses the command line as its own
    try:
        serve_bundle(
            arguments.bundle,
            variant=arguments.variant,
            name=arguments.name,
            version=arguments.version,
            host=arguments.host,
            port=arguments.port,
            threads=arguments.threads,
            announce=arguments.announce,
            share_port=arguments.share_port,
        )
    except VitforgeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
