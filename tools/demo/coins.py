"""Stand-ins for the pictures on CryptoCloud's CDN, which not every machine reaches."""

# The color of a coin's disc and the sign on it.
COINS = {
    "BTC": ("#f59e2a", "B"),
    "DAI": ("#f4b731", "D"),
    "ETH": ("#6675c9", "Ξ"),
    "LTC": ("#3b63a8", "Ł"),
    "PYUSD": ("#1c5fc4", "P"),
    "SOL": ("#8a5cf0", "S"),
    "TON": ("#2b9fe0", "T"),
    "TRX": ("#d83a3f", "T"),
    "USDC": ("#2f77c8", "$"),
    "USDT": ("#2ea386", "₮"),
}
NETWORKS = {
    "ARB": "#35658f",
    "BSC": "#e3b21c",
    "ERC": "#6675c9",
    "SOL": "#8a5cf0",
    "TON": "#2b9fe0",
    "TRC": "#d83a3f",
}


def draw(name: str) -> str:
    """Draw a coin, such as BTC, with a dot for its network, as in USDT_TRC."""
    ticker, _, network = name.partition("_")
    color, sign = COINS.get(ticker, ("#607080", ticker[:1]))
    badge = (
        f'<circle cx="50" cy="50" r="12" fill="{NETWORKS[network]}"'
        ' stroke="#fff" stroke-width="4"/>'
        if network in NETWORKS
        else ""
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<circle cx="32" cy="32" r="32" fill="{color}"/>'
        '<text x="32" y="45" fill="#fff" font-family="DejaVu Sans, sans-serif"'
        f' font-size="36" font-weight="bold" text-anchor="middle">{sign}</text>'
        f"{badge}</svg>"
    )
