"""Home Assistant, its integration pointed at another address of the API."""

import argparse
import ctypes
from pathlib import PurePosixPath
from signal import SIGTERM
import sys
from urllib.parse import urlsplit

from custom_components.cryptocloud import coin
from custom_components.cryptocloud.api import CryptoCloudClient
from custom_components.cryptocloud.models import Currency
from homeassistant.__main__ import main
from homeassistant.components.auth import indieauth

get_picture = coin.get_picture


def is_own_page(
    client_id: str, *, request_scheme: str = "", request_netloc: str = ""
) -> bool:
    """Accept logins from Home Assistant's own pages only.

    As no password is asked for, any web site could otherwise have the browser fetch
    it an owner's token. Home Assistant 2026.6 does not pass the request.
    """
    own = f"{request_scheme}://{request_netloc}/"
    host = urlsplit(client_id).hostname
    return host in ("127.0.0.1", "localhost") and (
        not request_netloc or client_id == own
    )


def get_own_picture(currency: Currency) -> str | None:
    """Return a picture that is there without the internet, too."""
    address = get_picture(currency)
    return address and f"/local/{PurePosixPath(urlsplit(address).path).name}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--api-url", default=CryptoCloudClient.base_url)
    args, sys.argv[1:] = parser.parse_known_args()
    if args.api_url != CryptoCloudClient.base_url:
        CryptoCloudClient.base_url = args.api_url
        coin.get_picture = get_own_picture
    indieauth.verify_client_id = is_own_page
    if sys.platform == "linux":
        # When the demo is killed, Home Assistant stops too.
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, SIGTERM)
    sys.exit(main())
