"""`python -m campaigns`"""

import sys

from campaigns.command import main

sys.exit(main())
