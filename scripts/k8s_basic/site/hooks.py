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
from k8s_basic.site.marks import WORDS, Evidence, Sheet
from k8s_basic.site.markup import GENERATED, Lessons
from k8s_basic.site.search import Pages

if TYPE_CHECKING:  # serving needs it, building doesn't, and it takes long to import
    from mkdocs.livereload import LiveReloadServer

log = logging.getLogger("mkdocs.k8s_basic")

THEME_SEARCH = ("assets/javascripts/lunr/", "assets/javascripts/workers/")


class Build:
    """What one build of all languages knows and collects."""

    def __init__(self, config: MkDocsConfig) -> None:
        self.root = Path(config.config_file_path).resolve().parent
        self.evidence = Evidence.load(self.root)
        self.lessons = Lessons()
        self.contents: dict[str, plain.Contents] = {}  # by language, those built so far
        # of the language that is built
        self.searched = Pages()
        self.nav: Navigation

    @property
    def topics(self) -> list[tuple[str, list[Page]]]:
        """The topics with their pages in the order of reading."""
        return [
            (section.title, [page for page in section.children if isinstance(page, Page)])
            for section in self.nav.items
            if isinstance(section, Section)
        ]

    def lessons_list(self, language: str) -> str:
        """Return, as Markdown, every topic and its pages."""
        known = {p.name: p.meta for p in self.evidence.pages if p.language == language}
        words, lines = WORDS[language], []
        for title, pages in self.topics:
            paths = [page.file.src_uri.partition("/")[2] for page in pages]
            abouts = [known[path.removesuffix(".md")] for path in paths]
            minutes = sum(about["minutes"] for about in abouts)
            lines.append(f"\n### {title} {{#topic-{paths[0].partition('/')[0]}}}\n")
            lines.append(words["pages"].format(number=len(paths), minutes=minutes) + "\n")
            for path, about in zip(paths, abouts):
                lines.append(words["about"].format(path=path, **about))
        return "\n".join(lines)


def _build(config: MkDocsConfig) -> Build:
    build: Build = config.extra["build"]
    return build


def _is_first(config: MkDocsConfig) -> bool:
    return str(config.theme["language"]) == LANGUAGES[0]


def _is_offline(config: MkDocsConfig) -> bool:
    """Tell whether this build is the copy for reading from a folder; programs don't read that."""
    return not config.use_directory_urls


def _site(config: MkDocsConfig) -> str:
    return (config.site_url or "/").rstrip("/") + "/"


def _place(page: Page, config: MkDocsConfig) -> plain.Place:
    language, _, name = page.file.src_uri.removesuffix(".md").partition("/")
    about = {key: str(page.meta.get(key, "")) for key in ("title", "description")}
    return plain.Place(language, name, url=plain.address(_site(config), language, name), **about)


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
    if _is_first(config):
        for problem in content_problems(_build(config).root, wording=False):
            log.warning("%s", problem)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Leave out the theme's search, as `search.py` has the site's own, and maps to its sources."""
    for file in list(files):
        if file.src_uri.startswith(THEME_SEARCH) or file.src_uri.endswith(".map"):
            files.remove(file)
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Keep the order of reading; its titles are translated after this."""
    _build(config).nav = nav
    return nav


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write generated lists and addresses out, put the Markdown beside the page and convert it."""
    build, place = _build(config), _place(page, config)
    lists = {
        "{{ lessons }}": build.lessons_list,
        "{{ glossary }}": lambda language: tables.glossary_table(build.root, language),
        "{{ restrictions }}": lambda language: tables.restrictions_table(build.root, language),
    }
    for line, written in lists.items():
        if line in markdown:
            markdown = markdown.replace(line, written(place.language))
    if not _is_offline(config):
        _write_plain(markdown, page, config)
    repository = (config.repo_url or "").rstrip("/")
    directories = bool(config.use_directory_urls)
    lessons = build.lessons
    lessons.page = Sheet(
        build.evidence, place.language, place.name, page.url, repository, directories
    )
    lessons.meta, lessons.site = dict(page.meta), "" if _is_offline(config) else _site(config)
    return lessons.with_addresses(markdown)


def _write_plain(markdown: str, page: Page, config: MkDocsConfig) -> None:
    """Put the page's Markdown beside it; a table that only HTML has is named by its address."""
    place = _place(page, config)
    for line in GENERATED:
        markdown = markdown.replace(line, f"<{place.url}>")
    file = Path(config.site_dir) / page.url / plain.MARKDOWN
    file.parent.mkdir(parents=True, exist_ok=True)
    text = plain.markdown(_build(config).root, markdown, place, _site(config))
    file.write_text(text, encoding="utf-8")


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the search read the page; what a page of results lists is found where it is said."""
    if not is_results(_place(page, config).name):
        _build(config).searched.add(page.url, html)
    page.meta["search"] = {"exclude": True}  # from the theme's, which only lends its looks
    return html


def on_page_context(
    context: dict[str, Any], page: Page, config: MkDocsConfig, nav: Navigation
) -> dict[str, Any]:
    """Give the template what the head says to other programs: addresses of the page, its card."""
    place = _place(page, config)
    context["place"] = place
    context["twins"] = plain.twins(place.name, _site(config))
    context["card"] = cards.address(_site(config), place.language, place.name)
    context["feed"] = plain.address(_site(config), place.language, "index") + plain.FEED
    return context


def on_post_template(output: str, *, template_name: str, config: MkDocsConfig) -> str:
    """Write the one 404 page, in both languages, with the first build only, and no sitemap yet."""
    # the sitemap of a build knows one language; see `_write_lists`
    once = template_name != "404.html" or _is_first(config)
    return output if once and template_name != "sitemap.xml" else ""


def on_serve(server: LiveReloadServer, config: MkDocsConfig, **_: Any) -> LiveReloadServer:
    """Build again when a live run has left new evidence."""
    for home in homes(_build(config).root).values():
        if home.is_dir():
            server.watch(str(home))
    return server


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Publish the search's data, examples and evidence, and the licenses of what is shipped."""
    build, site = _build(config), Path(config.site_dir)
    language = str(config.theme["language"])
    build.searched.write(build.root, site, language)
    if not _is_offline(config):
        _write_lists(config, build, language)
    if not _is_first(config):
        return
    shutil.copytree(build.root / "examples", site / "examples", dirs_exist_ok=True)
    _copy_licenses(site / "assets" / "licenses")
    for part in build.evidence.parts():
        (copy := site / "evidence" / part["name"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(part["path"], copy)


def _write_lists(config: MkDocsConfig, build: Build, language: str) -> None:
    """Write the feed of a language and, once all are built, llms.txt, sitemap and archive."""
    site, site_url = Path(config.site_dir), _site(config)
    topics = [(title, [_place(page, config) for page in pages]) for title, pages in build.topics]
    places = [_place(page, config) for page in build.nav.pages]
    about = str(config.site_description)
    built = plain.Contents(config.site_name, about, topics, places)
    prefix = "" if language == LANGUAGES[0] else language
    feed = plain.feed(built, plain.last_changes(build.root), site_url)
    (site / prefix / plain.FEED).write_text(feed, encoding="utf-8")
    build.contents[language] = built
    if set(build.contents) == set(LANGUAGES):
        (site / "llms.txt").write_text(plain.llms(build.contents), encoding="utf-8")
        names = [place.name for place in places]
        (site / "sitemap.xml").write_text(plain.sitemap(names, site_url), encoding="utf-8")
        plain.archive(build.root / "examples", site / plain.EXAMPLES_ARCHIVE)


def _copy_licenses(folder: Path) -> None:
    """Copy the license of the theme and of the one icon set that the site uses.

    What the theme's scripts bundle carries no license text, so that lies in docs/assets/licenses.
    """
    theme = importlib.metadata.distribution("mkdocs-material")
    (folder / "mkdocs-material.txt").write_text(str(theme.read_text("licenses/LICENSE")), "utf-8")
    icons = theme.locate_file("material/templates/.icons/material/LICENSE")
    shutil.copy(str(icons), folder / "icons.txt")
