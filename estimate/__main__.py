import sys

from estimate.command import main

sys.exit(main())
