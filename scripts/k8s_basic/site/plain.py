"""Pages for programs that read: Markdown beside each page, llms.txt, a feed, an archive."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin

from ..content import callouts, figures, recordings
from ..content.pages import INCLUDE, LANGUAGES, LINK, MARKED, Fence, fences, is_results
from .templating import render

MARKDOWN = "index.md"
EXAMPLES_ARCHIVE = "downloads/k8s-basic-examples.zip"
FEED = "feed.xml"
FEED_LENGTH = 30  # entries
PERMANENT = (1980, 1, 1, 0, 0, 0)  # the date of each file of an archive, so that its bytes stay

_HEADING_ID = re.compile(r"^(#{1,6} .*?)[ \t]*\{#[a-z0-9-]+\}$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """One page in one language: `name` is `topic/page`, `url` its full address."""

    language: str
    name: str
    title: str
    description: str
    url: str


@dataclass(frozen=True)
class Contents:
    """What the lists say of one language: the site's name and description, its pages by topic.

    `topics` holds titles and pages in the order of reading, `places` every page.
    """

    name: str
    about: str
    topics: list[tuple[str, list[Place]]]
    places: list[Place]


def address(site_url: str, language: str, name: str) -> str:
    """Return the full address of page `topic/page`; `site_url` ends in a slash."""
    prefix = "" if language == LANGUAGES[0] else f"{language}/"
    folder = re.sub(r"(^|/)index$", "", name)
    return f"{site_url}{prefix}{folder}" + ("/" if folder else "")


def markdown(root: Path, text: str, place: Place, site_url: str) -> str:
    """Return a page as Markdown that stands alone: files, outputs and addresses written out.

    `text` is the page without front matter. Ids of claims stay, as they say what was confirmed.
    """

    def link(match: re.Match[str]) -> str:
        path, mark, anchor = match["target"].partition("#")
        if not path.endswith(".md") or ":" in path:
            return match[0]
        target = PurePosixPath(place.name).parent / path.removesuffix(".md")
        name = urljoin("/", target.as_posix()).lstrip("/")  # urljoin resolves `..`
        return f"[{match['text']}]({address(site_url, place.language, name)}{mark}{anchor})"

    lines, done, at = text.split("\n"), [], 0
    for fence in [*fences(lines, 0), None]:
        prose = "\n".join(lines[at : fence.first - 1 if fence else len(lines)])
        done.append(LINK.sub(link, _HEADING_ID.sub(r"\1", prose)))
        if fence:
            opening = lines[fence.first - 1]
            indent = opening[: len(opening) - len(opening.lstrip())]
            block = _block(root, fence, place, site_url)
            done += [indent + line if line else "" for line in block]
            at = fence.last
    text = "\n".join(done).replace("{{ examples }}", f"{site_url}examples")
    head, found, rest = text.replace("{{ site }}", site_url.rstrip("/")).strip().partition("\n")
    return f"{head}\n\n{place.description}\n{found}{rest}\n"


def _block(root: Path, fence: Fence, place: Place, site_url: str) -> list[str]:
    """Return the lines of a fenced block, what it names written out."""
    named = "".join(fence.content).strip()
    include, marked = INCLUDE.match(named), MARKED.match(fence.info)
    if fence.info == "figure":
        return [f"> {figures.read(root, named).alt[place.language]}"]
    if fence.info == "output":
        recording = recordings.read(root, f"{place.name}/{named}")
        return ["```text", *(recording.output if recording else "").split("\n")[:-1], "```"]
    if fence.info == "yaml" and include:
        example = include["path"]
        file = (root / "examples" / example).read_text(encoding="utf-8").rstrip("\n")
        remarks = [
            f"- {f'`{c.document}` ' if c.document else ''}`{c.path}`: {c.text[place.language]}"
            for c in callouts.said(root, example)
        ]
        head = f"# {site_url}examples/{example}"
        return ["```yaml", head, *file.split("\n"), "```", *([""] if remarks else []), *remarks]
    if marked:
        return [f"({marked['reason']})", "", "```bash", *fence.content, "```"]
    return [f"```{fence.info}", *fence.content, "```"]


def llms(contents: dict[str, Contents]) -> str:
    """Return llms.txt (https://llmstxt.org): each page's Markdown by language and topic."""
    return render("llms.txt", name=next(iter(contents.values())).name, contents=contents)


def sitemap(names: list[str], site_url: str) -> str:
    """Return sitemap.xml: each page in each language, with the addresses of its twins.

    `x-default`, for readers of any other language, is the Korean page
    (https://developers.google.com/search/docs/specialty/international/localized-versions).
    """
    return render("sitemap.xml", pages=[twins(name, site_url) for name in names])


def twins(name: str, site_url: str) -> dict[str, str]:
    """Return the addresses of page `topic/page` by language, and that for all others."""
    found = {language: address(site_url, language, name) for language in LANGUAGES}
    return {**found, "x-default": found[LANGUAGES[0]]}


def last_changes(root: Path) -> dict[str, datetime]:
    """Return when each page was last changed, by path relative to the repository, from git.

    Empty where git or its history is missing, as in an archive of the sources.
    """
    folders = [f"docs/{language}" for language in LANGUAGES]
    command = ["git", "log", "--format=%x00%cI", "--name-only", "--", *folders]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    found: dict[str, datetime] = {}
    for commit in done.stdout.split("\0")[1:]:
        date, *files = (line for line in commit.split("\n") if line)
        for file in files:
            found.setdefault(file, datetime.fromisoformat(date))
    return found


def feed(built: Contents, changed: dict[str, datetime], site_url: str) -> str:
    """Return an Atom feed (RFC 4287) of the pages of one language, the last changed first.

    `changed` says when each page was, by path; `site_url` ends in a slash.
    """
    language = built.places[0].language
    dated = [
        (_rfc3339(changed[path]), place)
        for place in built.places
        if not is_results(place.name)  # what changes there is no news
        if (path := f"docs/{language}/{place.name}.md") in changed
    ]
    dated.sort(key=lambda entry: (entry[0], entry[1].name), reverse=True)
    return render(
        "feed.xml",
        language=language,
        name=built.name,
        home=address(site_url, language, "index"),
        newest=dated[0][0] if dated else _rfc3339(datetime.now(UTC)),
        entries=dated[:FEED_LENGTH],
    )


def _rfc3339(date: datetime) -> str:
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def archive(folder: Path, target: Path, more: dict[str, str] | None = None) -> None:
    """Write a folder's files into a ZIP file, below one folder; the same files give the same bytes.

    `more` maps names of further files to their text.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    files = {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()
    }
    files |= {name: text.encode() for name, text in (more or {}).items()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{target.stem}/{name}", PERMANENT)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            made.writestr(entry, content)
