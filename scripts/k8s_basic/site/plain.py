"""Pages for programs that read: Markdown beside each page, llms.txt, a feed, an archive."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin
from xml.sax.saxutils import escape, quoteattr

from ..content import callouts, figures, recordings
from ..content.pages import LANGUAGES, MARKS, is_results

MARKDOWN = "index.md"
EXAMPLES_ARCHIVE = "downloads/k8s-basic-examples.zip"
FEED = "feed.xml"
FEED_LENGTH = 30  # entries
PERMANENT = (1980, 1, 1, 0, 0, 0)  # the date of each file of an archive, so that its bytes stay

_INCLUDE = re.compile(r'^(?P<indent> *)```yaml\n *--8<-- "(?P<path>[^"]+)"\n *```$', re.MULTILINE)
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>figure|output)\n *(?P<name>[a-z0-9-]+)\n *```$", re.MULTILINE
)
_MARKED = re.compile(
    r"^(?P<indent> *)```\s*\{ \.bash \.(?:"
    + "|".join(MARKS)
    + r') data-reason="(?P<reason>[^"]+)" \}$',
    re.MULTILINE,
)
_HEADING_ID = re.compile(r"^(#{1,6} .*?)[ \t]*\{#[a-z0-9-]+\}$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\[\]]*)\]\((?P<path>[\w./-]+\.md)(?P<anchor>#[\w-]+)?\)")


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

    def block(match: re.Match[str]) -> str:
        if match["kind"] == "figure":
            return f"{match['indent']}> {figures.read(root, match['name']).alt[place.language]}"
        recording = recordings.read(root, f"{place.name}/{match['name']}")
        lines = ["```text", *(recording.output if recording else "").split("\n")[:-1], "```"]
        return _indented(lines, match["indent"])

    def link(match: re.Match[str]) -> str:
        target = PurePosixPath(place.name).parent / match["path"].removesuffix(".md")
        name = urljoin("/", target.as_posix()).lstrip("/")  # urljoin resolves `..`
        return (
            f"[{match['text']}]({address(site_url, place.language, name)}{match['anchor'] or ''})"
        )

    def include(match: re.Match[str]) -> str:
        file = (root / "examples" / match["path"]).read_text(encoding="utf-8").rstrip("\n")
        lines = ["```yaml", f"# {site_url}examples/{match['path']}", *file.split("\n"), "```"]
        remarks = callouts.said(root, match["path"])
        lines += [""] * bool(remarks)
        for c in remarks:
            field = f"`{c.document}` `{c.path}`" if c.document else f"`{c.path}`"
            lines.append(f"- {field}: {c.text[place.language]}")
        return _indented(lines, match["indent"])

    text = _BLOCK.sub(block, text)
    text = _MARKED.sub(r"\g<indent>(\g<reason>)\n\n\g<indent>```bash", text)
    text = _HEADING_ID.sub(r"\1", _LINK.sub(link, text))
    text = _INCLUDE.sub(include, text).replace("{{ examples }}", f"{site_url}examples")
    text = text.replace("{{ site }}", site_url.rstrip("/"))
    head, found, rest = text.strip().partition("\n")
    return f"{head}\n\n{place.description}\n{found}{rest}\n"


def _indented(lines: list[str], indent: str) -> str:
    return "\n".join(indent + line if line else "" for line in lines)


def llms(contents: dict[str, Contents]) -> str:
    """Return llms.txt (https://llmstxt.org): each page's Markdown by language and topic."""
    name = next(iter(contents.values())).name
    lines = [f"# {name}", "", *(f"> {built.about}" for built in contents.values()), ""]
    lines += [
        "Each page exists in Korean and in English. An id in brackets behind a sentence, such as "
        "[WL-15], says that a test proves the sentence on a real cluster; manifests and outputs "
        "come from files that the tests use and record."
    ]
    for language, built in contents.items():
        for title, places in built.topics:
            lines += ["", f"## {title} ({language})", ""]
            lines += [f"- [{p.title}]({p.url}{MARKDOWN}): {p.description}" for p in places]
    return "\n".join(lines) + "\n"


def sitemap(names: list[str], site_url: str) -> str:
    """Return sitemap.xml: each page in each language, with the addresses of its twins.

    `x-default`, for readers of any other language, is the Korean page
    (https://developers.google.com/search/docs/specialty/international/localized-versions).
    """
    entries = "".join(
        f"<url>\n<loc>{address(site_url, language, name)}</loc>\n"
        + "".join(
            f'<xhtml:link rel="alternate" hreflang="{code}" href="{href}"/>\n'
            for code, href in twins(name, site_url).items()
        )
        + "</url>\n"
        for name in names
        for language in LANGUAGES
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:xhtml="http://www.w3.org/1999/xhtml">\n{entries}</urlset>\n'
    )


def twins(name: str, site_url: str) -> dict[str, str]:
    """Return the addresses of page `topic/page` by language, and that for all others."""
    found = {language: address(site_url, language, name) for language in LANGUAGES}
    return {**found, "x-default": found[LANGUAGES[0]]}


def last_changes(root: Path) -> dict[str, datetime]:
    """Return when each page was last changed, by path relative to the repository, from git.

    Empty where git or its history is missing, as in an archive of the sources.
    """
    command = ["git", "log", "--format=%x00%cI", "--name-only", "--", *_folders()]
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


def _folders() -> list[str]:
    return [f"docs/{language}" for language in LANGUAGES]


def feed(built: Contents, changed: dict[str, datetime], site_url: str) -> str:
    """Return an Atom feed (RFC 4287) of the pages of one language, the last changed first.

    `changed` says when each page was, by path; `site_url` ends in a slash.
    """
    language, title = built.places[0].language, built.name
    home = address(site_url, language, "index")
    dated = [
        (changed[path].astimezone(UTC), place)
        for place in built.places
        if not is_results(place.name)  # what changes there is no news
        if (path := f"docs/{language}/{place.name}.md") in changed
    ]
    dated.sort(key=lambda entry: (entry[0], entry[1].name), reverse=True)
    newest = dated[0][0] if dated else datetime.now(UTC)
    entries = "".join(_entry(date, place) for date, place in dated[:FEED_LENGTH])
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}">\n'
        f"<title>{escape(title)}</title>\n<id>{home}</id>\n<link href={quoteattr(home)}/>\n"
        f'<link rel="self" href={quoteattr(home + FEED)}/>\n'
        f"<updated>{_rfc3339(newest)}</updated>\n"
        f"<author><name>{escape(title)}</name></author>\n{entries}</feed>\n"
    )


def _entry(date: datetime, place: Place) -> str:
    # a page that changes again is a new entry to a reader, so its id carries the day
    return (
        f"<entry>\n<title>{escape(place.title)}</title>\n<link href={quoteattr(place.url)}/>\n"
        f"<id>{place.url}#changed-{date:%Y-%m-%d}</id>\n<updated>{_rfc3339(date)}</updated>\n"
        f"<summary>{escape(place.description)}</summary>\n</entry>\n"
    )


def _rfc3339(date: datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")


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
