"""Home Assistant, its integration pointed at another address of the API."""

import argparse
import ctypes
from signal import SIGTERM
import sys

from custom_components.cryptocloud.api import CryptoCloudClient
from homeassistant.__main__ import main
from homeassistant.components.auth import indieauth


def is_own_page(client_id: str, *, request_scheme: str, request_netloc: str) -> bool:
    """Accept logins from Home Assistant's own pages only.

    As no password is asked for, any web site could otherwise have the browser fetch
    it an owner's token.
    """
    host = request_netloc.rpartition(":")[0]
    own = f"{request_scheme}://{request_netloc}/"
    return host in ("127.0.0.1", "localhost") and client_id == own


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--api-url", default=CryptoCloudClient.base_url)
    args, sys.argv[1:] = parser.parse_known_args()
    CryptoCloudClient.base_url = args.api_url
    indieauth.verify_client_id = is_own_page
    if sys.platform == "linux":
        # When the demo is killed, Home Assistant stops too.
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, SIGTERM)
    sys.exit(main())
