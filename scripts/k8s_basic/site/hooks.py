"""MkDocs hooks, thin on purpose: MkDocs 1.6 is the last 1.x, and the Markdown must outlive it.

MkDocs builds the site once for each language; the Korean build comes first and also does what
is done once: the checks of the content, the examples and the licenses. What belongs to one build
of both lies in its configuration, which `serve` makes anew each time.
"""

from __future__ import annotations

import importlib.metadata
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from k8s_basic.content.checks import content_problems
from k8s_basic.content.pages import LANGUAGES, is_results
from k8s_basic.evidence.states import EvidenceError, homes
from k8s_basic.site import cards, plain, tables
from k8s_basic.site.marks import Evidence, Sheet
from k8s_basic.site.markup import GENERATED, Lessons
from k8s_basic.site.search import Pages

if TYPE_CHECKING:  # serving needs it, building doesn't, and it takes long to import
    from mkdocs.livereload import LiveReloadServer

log = logging.getLogger("mkdocs.k8s_basic")

THEME_SEARCH = ("assets/javascripts/lunr/", "assets/javascripts/workers/")


class Build:
    """What one build of all languages knows and collects."""

    def __init__(self, config: MkDocsConfig) -> None:
        self.config = config
        self.root = Path(config.config_file_path).resolve().parent
        self.site = Path(config.site_dir)
        self.url = (config.site_url or "/").rstrip("/") + "/"
        # The copy for reading from a folder; programs don't read that.
        self.offline = not config.use_directory_urls
        self.evidence = Evidence.load(self.root)
        self.lessons = Lessons()
        self.contents: dict[str, plain.Contents] = {}  # by language, those built so far
        # of the language that is built
        self.searched = Pages()
        self.nav: Navigation

    @classmethod
    def of(cls, config: MkDocsConfig) -> Build:
        """Return the build that a configuration belongs to."""
        build: Build = config.extra["build"]
        return build

    @property
    def language(self) -> str:
        """The language that is built."""
        return str(self.config.theme["language"])

    @property
    def is_first(self) -> bool:
        """Whether what is done once is done now."""
        return self.language == LANGUAGES[0]

    def place(self, page: Page) -> plain.Place:
        """Return what other programs are told of a page."""
        name = page.file.src_uri.removesuffix(".md").partition("/")[2]
        about = {key: str(page.meta.get(key, "")) for key in ("title", "description")}
        url = plain.address(self.url, self.language, name)
        return plain.Place(self.language, name, url=url, **about)

    def sheet(self, page: Page) -> Sheet:
        """Return what the marks and tables of a page are made from."""
        place, repository = self.place(page), (self.config.repo_url or "").rstrip("/")
        of = (self.evidence, self.language, place.name, page.url, repository)
        return Sheet(*of, directories=not self.offline)

    def topics(self) -> list[tuple[str, list[Page]]]:
        """Return the topics with their pages in the order of reading."""
        return [
            (section.title, [page for page in section.children if isinstance(page, Page)])
            for section in self.nav.items
            if isinstance(section, Section)
        ]

    def written(self, markdown: str) -> str:
        """Return a page with its lists written out, as Markdown."""
        topics = [(t, [page.file.src_uri for page in pages]) for t, pages in self.topics()]
        lists: dict[str, Callable[[], str]] = {
            "{{ lessons }}": lambda: tables.lessons(self.evidence.pages, self.language, topics),
            "{{ glossary }}": lambda: tables.glossary_table(self.root, self.language),
            "{{ restrictions }}": lambda: tables.restrictions_table(self.root, self.language),
        }
        for line, table in lists.items():
            markdown = markdown.replace(line, table()) if line in markdown else markdown
        return markdown


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Read the evidence, and let Markdown know what our pages have beyond it."""
    if "build" not in config.extra:
        try:
            build = config.extra["build"] = Build(config)
        except EvidenceError as invalid:
            raise PluginError(str(invalid)) from None
        config.markdown_extensions.append(build.lessons)  # type: ignore[arg-type]
    return config


def on_pre_build(config: MkDocsConfig) -> None:
    """Warn of everything wrong with the pages: with `strict`, a warning fails the build.

    Examples, terms and drift are judged by the static tests: a build takes them as they are.
    """
    build = Build.of(config)
    for problem in content_problems(build.root, wording=False) if build.is_first else ():
        log.warning("%s", problem)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Leave out the theme's search, as `search.py` has the site's own, and maps to its sources."""
    for file in list(files):
        if file.src_uri.startswith(THEME_SEARCH) or file.src_uri.endswith(".map"):
            files.remove(file)
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Keep the order of reading; its titles are translated after this."""
    Build.of(config).nav = nav
    return nav


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write lists and addresses out, and put the Markdown beside the page."""
    build = Build.of(config)
    markdown, place, lessons = build.written(markdown), build.place(page), build.lessons
    if not build.offline:
        file = build.site / page.url / plain.MARKDOWN
        file.parent.mkdir(parents=True, exist_ok=True)
        text = markdown
        for line in GENERATED:  # what only HTML has is named by its address
            text = text.replace(line, f"<{place.url}>")
        file.write_text(plain.markdown(build.root, text, place, build.url), encoding="utf-8")
    lessons.page, lessons.meta, lessons.site = build.sheet(page), dict(page.meta), build.url
    return lessons.with_addresses(markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the search read the page; what a page of results lists is found where it is said."""
    build = Build.of(config)
    if not is_results(build.place(page).name):
        build.searched.add(page.url, html)
    page.meta["search"] = {"exclude": True}  # from the theme's, which only lends its looks
    return html


def on_page_context(
    context: dict[str, Any], page: Page, config: MkDocsConfig, nav: Navigation
) -> dict[str, Any]:
    """Give the template what the head says to other programs: addresses of the page, its card."""
    build = Build.of(config)
    place = build.place(page)
    twins = plain.twins(place.name, build.url)
    card = cards.address(build.url, place.language, place.name)
    feed = plain.address(build.url, place.language, "index") + plain.FEED
    return {**context, "place": place, "twins": twins, "card": card, "feed": feed}


def on_post_template(output: str, *, template_name: str, config: MkDocsConfig) -> str:
    """Write the one 404 page, in both languages, with the first build only, and no sitemap yet."""
    # the sitemap of a build knows one language; see `_write_lists`
    once = template_name != "404.html" or Build.of(config).is_first
    return output if once and template_name != "sitemap.xml" else ""


def on_serve(server: LiveReloadServer, config: MkDocsConfig, **_: Any) -> LiveReloadServer:
    """Build again when a live run has left new evidence."""
    for home in filter(Path.is_dir, homes(Build.of(config).root).values()):
        server.watch(str(home))
    return server


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Publish the search's data, examples and evidence, and the licenses of what is shipped."""
    build = Build.of(config)
    build.searched.write(build.root, build.site, build.language)
    if not build.offline:
        _write_lists(build)
    if not build.is_first:
        return
    shutil.copytree(build.root / "examples", build.site / "examples", dirs_exist_ok=True)
    _copy_licenses(build.site / "assets" / "licenses")
    for part in build.evidence.parts():
        (copy := build.site / "evidence" / part["name"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(part["path"], copy)


def _write_lists(build: Build) -> None:
    """Write the feed of a language and, once all are built, llms.txt, sitemap and archive."""
    topics = [(title, [build.place(page) for page in pages]) for title, pages in build.topics()]
    places = [build.place(page) for page in build.nav.pages]
    about = str(build.config.site_description)
    built = plain.Contents(build.config.site_name, about, topics, places)
    feed = plain.feed(built, plain.last_changes(build.root), build.url)
    home = build.site / plain.address("", build.language, "index")
    (home / plain.FEED).write_text(feed, encoding="utf-8")
    build.contents[build.language] = built
    if set(build.contents) == set(LANGUAGES):
        (build.site / "llms.txt").write_text(plain.llms(build.contents), encoding="utf-8")
        sitemap = plain.sitemap([place.name for place in places], build.url)
        (build.site / "sitemap.xml").write_text(sitemap, encoding="utf-8")
        plain.archive(build.root / "examples", build.site / plain.EXAMPLES_ARCHIVE)


def _copy_licenses(folder: Path) -> None:
    """Copy the license of the theme and of the one icon set that the site uses.

    What the theme's scripts bundle carries no license text, so that lies in docs/assets/licenses.
    """
    theme = importlib.metadata.distribution("mkdocs-material")
    (folder / "mkdocs-material.txt").write_text(str(theme.read_text("licenses/LICENSE")), "utf-8")
    icons = theme.locate_file("material/templates/.icons/material/LICENSE")
    shutil.copy(str(icons), folder / "icons.txt")
