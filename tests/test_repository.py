"""Tests that the repository's files agree with each other."""

from itertools import pairwise
import json
import os
from pathlib import Path
import re
import runpy
import struct
import subprocess
import sys
import tomllib
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from homeassistant import components

ROOT = Path(__file__).parents[1]
INTEGRATION = ROOT / "custom_components" / "cryptocloud"
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*"))
READMES = ["README.md", "README.ru.md"]
PAGES = [
    "automations",
    "dashboard",
    "instant-updates",
    "reliability",
    "sensors",
    "troubleshooting",
    "voice",
]
# The English pages, and the Russian ones that say the same
TRANSLATED = {"README.md": "README.ru.md"} | {
    f"docs/{page}.md": f"docs/ru/{page}.md" for page in PAGES
}
ENGLISH = {russian: english for english, russian in TRANSLATED.items()}

MANIFEST = json.loads((INTEGRATION / "manifest.json").read_text())
HACS = json.loads((ROOT / "hacs.json").read_text())
HACS_KEYS = ("filename", "hide_default_branch", "homeassistant", "zip_release")
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

PLACEHOLDER = "hass-cryptocloud"  # the name until the owner sets another
NAME = MANIFEST["documentation"].removeprefix("https://github.com/")


def list_files() -> list[Path]:
    """Return the files git has or would take."""
    output = subprocess.check_output(
        ["git", "-c", "safe.directory=*", "ls-files", "-zco", "--exclude-standard"],
        cwd=ROOT,
        text=True,
    )
    files = [ROOT / name for name in output.split("\0") if name]
    return [file for file in files if file.is_file()]


FILES = list_files()
TEXTS = {
    str(file.relative_to(ROOT)): file.read_text()
    for file in FILES
    if file.suffix != ".png"
}


def load_workflow(name: str) -> Any:
    """Return a workflow."""
    return yaml.safe_load(TEXTS[f".github/workflows/{name}.yaml"])


def get_pins(group: str) -> dict[str, str]:
    """Return the versions a dependency group names itself."""
    return dict(pin.split("==") for pin in GROUPS[group] if isinstance(pin, str))


def find_names(text: str) -> set[str]:
    """Return what a text calls the repository."""
    links = re.findall(r"github\.com/([\w.-]+)/([\w-]+)", text)
    links += re.findall(r"[?&]owner=([\w.-]+)&(?:amp;)?repository=([\w-]+)", text)
    repositories = {NAME.split("/")[1], PLACEHOLDER}
    badges = re.findall(r"img\.shields\.io/github/[\w/.-]+", text)
    return {
        *(f"{owner}/{name}" for owner, name in links if name in repositories),
        *(badge for badge in badges if f"/{NAME}" not in badge),
    }


@pytest.mark.parametrize(
    "file",
    [
        ".github/ISSUE_TEMPLATE/config.yml",
        "CONTRIBUTING.md",
        "README.md",
        "README.ru.md",
        "SECURITY.md",
        "custom_components/cryptocloud/manifest.json",
    ],
)
def test_repository_is_named(file: str) -> None:
    """Test that the places users come from lead to the repository."""
    assert find_names(TEXTS[file]) == {NAME}


def test_repository_has_one_name() -> None:
    """Test that no file leads to another repository of the project."""
    names = {file: find_names(text) - {NAME} for file, text in TEXTS.items()}
    assert not {file: others for file, others in names.items() if others}
    leftover = f"{PLACEHOLDER}/{PLACEHOLDER}"
    assert leftover == NAME or not [file for file in TEXTS if leftover in TEXTS[file]]


@pytest.mark.parametrize("file", READMES)
def test_my_link(file: str) -> None:
    """Test that the button to install the integration finds it."""
    owner, repository = NAME.split("/")
    query = f"owner={owner}&repository={repository}&category=integration"
    assert f"redirect/hacs_repository/?{query}" in TEXTS[file].replace("&amp;", "&")


def test_code_owners() -> None:
    """Test that Home Assistant and GitHub know the same owners."""
    owners = TEXTS[".github/CODEOWNERS"].split()
    assert owners == ["*", *MANIFEST["codeowners"]]


def test_manifest() -> None:
    """Test what Home Assistant's validation asks of the manifest."""
    assert list(MANIFEST) == sorted(
        MANIFEST, key=lambda key: (key != "domain", key != "name", key)
    )
    assert MANIFEST["domain"] == INTEGRATION.name
    assert MANIFEST["name"] == HACS["name"]
    assert MANIFEST["issue_tracker"] == f"{MANIFEST['documentation']}/issues"
    assert MANIFEST["version"] == "0.0.0"


def test_quality_scale() -> None:
    """Test that each rule has a status, and an exemption its reason."""
    rules = yaml.safe_load((INTEGRATION / "quality_scale.yaml").read_text())["rules"]
    # Home Assistant has no list of its rules, but integrations that list all of them.
    core = Path(components.__path__[0], "trmnl", "quality_scale.yaml")
    assert rules.keys() >= yaml.safe_load(core.read_text())["rules"].keys()
    assert len(rules) == 54
    for rule, entry in rules.items():
        match entry:
            case "done" | {"status": "done" | "exempt", "comment": str()}:
                continue
        raise AssertionError(f"{rule}: {entry}")


@pytest.mark.parametrize(("name", "size"), [("icon", 256), ("icon@2x", 512)])
def test_brand(name: str, size: int) -> None:
    """Test that the pictures have the sizes that Home Assistant asks for."""
    picture = (INTEGRATION / "brand" / f"{name}.png").read_bytes()
    assert struct.unpack(">8s8xII", picture[:24]) == (b"\x89PNG\r\n\x1a\n", size, size)


def test_hacs() -> None:
    """Test that the Marketplace finds a zip to install."""
    assert HACS.keys() == {"name", *HACS_KEYS}
    assert HACS["zip_release"] is True
    assert HACS["hide_default_branch"] is True
    asset = load_workflow("release")["jobs"]["release"]["env"]["ASSET"]
    assert HACS["filename"] == asset


def test_oldest_home_assistant() -> None:
    """Test that the oldest version named is the oldest tested."""
    named = HACS["homeassistant"]
    assert isinstance(named, str)
    tested = get_pins("oldest")["homeassistant"]
    assert named == f"{tested.rpartition('.')[0]}.0"


def test_tested_versions() -> None:
    """Test that the workflow runs on every version there is a group for."""
    matrix = load_workflow("tests")["jobs"]["test"]["strategy"]["matrix"]["ha"]
    groups = [group for group in GROUPS if "homeassistant" in get_pins(group)]
    assert sorted(matrix) == sorted(groups)
    locks = {file.stem for file in ROOT.glob("requirements/*.txt")}
    assert set(groups) <= locks


def test_dependabot_raises_tools() -> None:
    """Test that Dependabot raises what Home Assistant does not decide."""
    updates = yaml.safe_load(TEXTS[".github/dependabot.yml"])["updates"]
    (pip,) = (update for update in updates if update["package-ecosystem"] == "pip")
    allowed = [rule["dependency-name"] for rule in pip["allow"]]
    assert sorted(allowed) == sorted([*get_pins("lint"), *get_pins("tools")])


@pytest.mark.parametrize("workflow", [file.stem for file in WORKFLOWS])
def test_workflow_is_careful(workflow: str) -> None:
    """Test that actions are pinned, and rights and time limited."""
    content = load_workflow(workflow)
    assert content["permissions"] == {}
    assert content["concurrency"]["group"]
    for job in content["jobs"].values():
        assert job["permissions"]
        if "uses" in job:
            assert job["uses"].startswith("./.github/workflows/")
            continue
        assert job["timeout-minutes"]
        for step in job["steps"]:
            if "uses" not in step:
                continue
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
            if step["uses"].startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_release_is_published_last() -> None:
    """Test that a published release has its zip from the first moment."""
    steps = load_workflow("release")["jobs"]["release"]["steps"]
    commands = "\n".join(step.get("run", "") for step in steps)
    order = [
        "script/release.py",
        "--draft --verify-tag",
        'gh release upload "$TAG" "$ASSET"',
        "--draft=false",
    ]
    assert all(commands.count(command) == 1 for command in order)
    assert all(commands.index(a) < commands.index(b) for a, b in pairwise(order))


def pack_release(monkeypatch: pytest.MonkeyPatch, tag: str, target: Path) -> None:
    """Run what the release workflow runs."""
    monkeypatch.setattr(sys, "argv", ["script/release.py", tag, str(target)])
    runpy.run_path(str(ROOT / "script/release.py"), run_name="__main__")


@pytest.mark.parametrize("version", ["1.2.3", "1.2.3b1"])
def test_release_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Test that the zip is flat, whole and of the tag's version."""
    target = tmp_path / HACS["filename"]
    pack_release(monkeypatch, f"v{version}", target)
    with ZipFile(target) as archive:
        files = {name for name in archive.namelist() if not name.endswith("/")}
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest == MANIFEST | {"version": version}
    assert list(manifest) == list(MANIFEST)
    assert files == {
        str(file.relative_to(INTEGRATION))
        for file in FILES
        if file.is_relative_to(INTEGRATION)
    }


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3-beta", "main"])
def test_release_of_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    """Test that a tag that is no version makes no zip."""
    target = tmp_path / HACS["filename"]
    with pytest.raises(SystemExit, match=tag):
        pack_release(monkeypatch, tag, target)
    assert not target.exists()


def test_no_registry_is_named() -> None:
    """Test that no file binds the project to a package registry's host."""
    # Their names, put together here, so that this file does not name them itself
    names = {
        "com": ("npmjs", "yarnpkg", "archive.ubuntu"),
        "org": ("pypi", "pythonhosted", "npmjs", "deb.debian", "security.debian"),
    }
    hosts = [f"{name}.{end}" for end, group in names.items() for name in group]
    named = [(file, host) for file in TEXTS for host in hosts if host in TEXTS[file]]
    assert not named


def test_scripts_are_executable() -> None:
    """Test that what names its interpreter can be run."""
    scripts = [file for file, text in TEXTS.items() if text.startswith("#!")]
    assert {"script/demo", "script/test", "script/lint", ".ci/run"} <= set(scripts)
    assert not [file for file in scripts if not os.access(ROOT / file, os.X_OK)]


CODE = re.compile(r"^ *```(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def find_headings(page: str) -> list[tuple[str, str]]:
    """Return the level of each heading of a page, and its anchor on GitHub."""
    found = re.findall(r"^(#+) (.+)", CODE.sub("", TEXTS[page]), re.MULTILINE)
    return [
        (level, re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"))
        for level, title in found
    ]


def find_links(page: str) -> list[str]:
    """Return what a page links to and shows, as paths from the root."""
    links = re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", TEXTS[page]))
    folder = Path(page).parent
    return [
        link
        if ":" in link
        else os.path.normpath(folder / link)
        if link[0] != "#"
        else f"{page}{link}"
        for link in links
    ]


def translate_link(link: str) -> str:
    """Return what a link leads to, whatever the language: a heading by its number."""
    page, hash_, anchor = link.partition("#")
    if ":" in page:
        return link
    if hash_:
        anchor = str([name for _, name in find_headings(page)].index(anchor))
    return f"{ENGLISH.get(page, page)}{hash_}{anchor}".replace(".ru.png", ".png")


@pytest.mark.parametrize("page", [name for name in TEXTS if name.endswith(".md")])
def test_links(page: str) -> None:
    """Test that links between files lead somewhere."""
    for link in find_links(page):
        path, _, anchor = link.partition("#")
        if ":" not in path:
            assert (ROOT / path).exists(), link
            assert not anchor or anchor in [name for _, name in find_headings(path)]


def test_pictures() -> None:
    """Test that pages show the pictures there are, in their own language."""
    shown = set()
    for page in TEXTS:
        if page.endswith(".md"):
            pictures = {link for link in find_links(page) if link.endswith(".png")}
            assert {".ru." in name for name in pictures} <= {page in ENGLISH}
            shown |= pictures
    images = [name for name in map(str, FILES) if "/docs/images/" in name]
    assert shown == {str(Path(name).relative_to(ROOT)) for name in images}


def find_rows(page: str) -> list[tuple[int, list[str]]]:
    """Return the width of each row of a page's tables, and the numbers in it."""
    rows = re.findall(r"^\|.*", re.sub(r"\]\(.*?\)", "", TEXTS[page]), re.MULTILINE)
    # Each language separates thousands and decimals in its own way.
    return [
        (
            row.replace(r"\|", "").count("|"),
            sorted(re.findall(r"\d+", re.sub(r"(?<=\d)[,. ](?=\d)", "", row))),
        )
        for row in rows
    ]


@pytest.mark.parametrize(("english", "russian"), TRANSLATED.items())
def test_translated_pages_in_step(english: str, russian: str) -> None:
    """Test that both languages have the same headings, tables, code and links."""
    for page in (english, russian):
        assert find_headings(page)[0][0] == "#"
    levels = [[level for level, _ in find_headings(p)] for p in (english, russian)]
    assert levels[0] == levels[1]
    assert find_rows(english) == find_rows(russian)
    code = [
        [re.sub(r"#.*", "", block) for block in CODE.findall(TEXTS[page])]
        for page in (english, russian)
    ]
    assert code[0] == code[1]
    links = [sorted(map(translate_link, find_links(p))) for p in (english, russian)]
    assert links[0] == links[1]


@pytest.mark.parametrize("page", ENGLISH)
def test_russian_pages_keep_to_russian(page: str) -> None:
    """Test that Russian pages lead to English ones only where there is no other."""
    pages = [link.partition("#")[0] for link in find_links(page)]
    assert [page for page in pages if page in TRANSLATED] == [ENGLISH[page]]
