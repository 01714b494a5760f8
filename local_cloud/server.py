"""MiniStack with the plug-in, in a process of its own: `python -m local_cloud.server`.

Started by local_cloud.services, which sets MiniStack's own settings (port, TLS, IAM) and the two of the plug-in in
the environment; a test may add LOCAL_CLOUD_RECORD, a file for plugin.questions. All state is in memory and ends with
the process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

MODULE = "local_cloud.server"
ENGINE_URL = "PERSONALIZE_ENGINE_URL"
ROLES_URL = "PERSONALIZE_ROLES_URL"
RECORD = "LOCAL_CLOUD_RECORD"


def main(more: Callable[[], None] | None = None) -> int:
    """Serve until ended. `more`: seams of a test, put in place after the plug-in's."""
    from ministack import app

    from local_cloud import plugin
    from local_cloud.plugin.seams import SeamMoved, wrap

    # Taken out: functions inherit the environment, and must not find a way around the policies in it.
    urls = {"engine_url": os.environ.pop(ENGINE_URL), "roles_url": os.environ.pop(ROLES_URL)}
    record = os.environ.pop(RECORD, "")
    settings = plugin.Settings(**urls, record=Path(record) if record else None)
    try:
        # MiniStack would also serve on 443 where it may: two runs at once would meet there.
        wrap(app, "_port_is_bindable", "host, port", lambda original: lambda host, port: False)
        plugin.install(settings)
        if more:
            more()
    except SeamMoved as moved:
        print(f"The local cloud cannot start: {moved}", file=sys.stderr)
        return 1
    sys.argv = sys.argv[:1]
    app.main()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
