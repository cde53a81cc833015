"""MkDocs hooks, thin on purpose: MkDocs 1.6 is the last 1.x, and the Markdown must outlive it.

MkDocs builds the site once for each language; the Korean build comes first and also does what
is done once: the checks of the content, the examples and the licenses.
"""

from __future__ import annotations

import html
import importlib.metadata
import logging
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

sys.path.insert(0, str(Path(__file__).parents[2]))

from k8s_basic.content import figures
from k8s_basic.content.checks import content_problems
from k8s_basic.content.pages import CLAIM, LANGUAGES, without_code_spans, without_fences
from k8s_basic.content.recordings import read
from k8s_basic.evidence.states import EvidenceError, homes
from k8s_basic.site import cards, plain, results
from k8s_basic.site.drawing import svg
from k8s_basic.site.marks import Evidence, Sheet, placeholder
from k8s_basic.site.remarks import with_callouts
from k8s_basic.site.search import Pages
from k8s_basic.site.tables import glossary_table, restrictions_table

if TYPE_CHECKING:  # serving needs it, building doesn't, and it takes long to import
    from mkdocs.livereload import LiveReloadServer

log = logging.getLogger("mkdocs.k8s_basic")

TEXT = {
    "ko": {
        "minutes": "읽는 데 {}분",
        "raw": "원본 YAML",
        "permalink": "이 절의 주소",
        "background": "켜 두기",
        "terminal": "터미널 필요",
        "not-run": "자동 확인 제외",
        "fails": "실패하는 명령",
        "output": "출력",
        "topic": "{number}쪽, 모두 {minutes}분",
        "lesson": "- [{title}]({path}): {description} ({minutes}분)",
    },
    "en": {
        "minutes": "{} min read",
        "raw": "Raw YAML",
        "permalink": "Link to this section",
        "background": "Keep it running",
        "terminal": "Needs a terminal",
        "not-run": "Not run by our checks",
        "fails": "Meant to fail",
        "output": "Output",
        "topic": "{number} pages, {minutes} min in all",
        "lesson": "- [{title}]({path}): {description} ({minutes} min)",
    },
}
THEME_SEARCH = ("assets/javascripts/lunr/", "assets/javascripts/workers/")
_INCLUDE = re.compile(r'^(?P<indent> *)```yaml\n\s*--8<-- "(?P<path>[^"]+)"', re.MULTILINE)
_FIGURE = re.compile(r"^```figure\n(?P<name>[a-z0-9-]+)\n```$", re.MULTILINE)
_DRAWING = re.compile(r'<div class="drawing" data-figure="(?P<name>[a-z0-9-]+)"></div>')
_TITLE = re.compile(r'<span class="filename">(?P<path>[\w./-]+\.yaml)</span>')
_MARKED = re.compile(
    r'<div class="language-bash (?P<mark>[a-z-]+) highlight" data-reason="(?P<reason>[^"]*)">'
)
_OUTPUT = re.compile(
    r'<div class="language-output highlight"><pre><span></span><code>'
    r'(?:<span class="go">)?(?P<name>[a-z0-9-]+)(?:</span>)?\n</code></pre></div>'
)

_evidence: list[Evidence] = []  # one, from the first build on
_not_run: list[str] = []
_searched = Pages()  # of the language that is built
_nav: list[Navigation] = []  # one, of the language that is built
_built: dict[str, plain.Contents] = {}  # by language, those built so far


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).resolve().parent


def _is_first_build(config: MkDocsConfig) -> bool:
    return str(config.theme["language"]) == LANGUAGES[0]


def _language(page: Page) -> str:
    return page.file.src_uri.partition("/")[0]


def on_pre_build(config: MkDocsConfig) -> None:
    """Warn of everything wrong with the pages: with `strict`, a warning fails the build.

    Examples, terms and drift are judged by the static tests: a build takes them as they are.
    """
    if _is_first_build(config):
        root = _root(config)
        _not_run.clear()
        _built.clear()
        try:
            _evidence[:] = [Evidence.load(root)]
        except EvidenceError as invalid:
            raise PluginError(str(invalid)) from None
        for problem in content_problems(root, wording=False):
            log.warning("%s", problem)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Leave out the theme's search, as `search.py` has the site's own, and maps to its sources."""
    for file in list(files):
        if file.src_uri.startswith(THEME_SEARCH) or file.src_uri.endswith(".map"):
            files.remove(file)
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Keep the order of reading for the front page; its titles are translated after this."""
    _nav[:] = [nav]
    return nav


def _lessons(root: Path, language: str) -> str:
    """Return, as Markdown, every topic and its pages in the order of reading."""
    known = {p.name: p.meta for p in _evidence[0].pages if p.language == language}
    lines = []
    for section in (item for item in _nav[0].items if isinstance(item, Section)):
        pages = [child for child in section.children if isinstance(child, Page)]
        paths = [page.file.src_uri.partition("/")[2] for page in pages]
        abouts = [known[path.removesuffix(".md")] for path in paths]
        minutes = sum(about["minutes"] for about in abouts)
        lines.append(f"\n### {section.title} {{#topic-{paths[0].partition('/')[0]}}}\n")
        lines.append(TEXT[language]["topic"].format(number=len(paths), minutes=minutes) + "\n")
        for path, about in zip(paths, abouts):
            lines.append(TEXT[language]["lesson"].format(path=path, **about))
    return "\n".join(lines)


# What stands on a page as one line and is written when the site is built, as Markdown,
GENERATED = {
    "{{ lessons }}": _lessons,
    "{{ glossary }}": glossary_table,
    "{{ restrictions }}": restrictions_table,
}
# and as HTML.
RESULTS_LINE = "{{ verified_claims }}"
GENERATED_HTML = {
    "{{ proof }}": results.proof,
    "{{ verified_totals }}": results.totals,
    "{{ previews }}": results.previews,
    RESULTS_LINE: results.of_topic,
}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write out addresses of examples, names of included files, claims and generated lists."""
    for line, written in GENERATED.items():
        if line in markdown:
            markdown = markdown.replace(line, written(_root(config), _language(page)))
    _write_plain(markdown, page, config)
    prose = without_code_spans(without_fences(markdown))
    for match in reversed(list(CLAIM.finditer(prose))):
        mark = placeholder(match[1])
        markdown = markdown[: match.start()] + mark + markdown[match.end() :]
    markdown = _with_addresses(markdown, config)
    markdown = _FIGURE.sub(r'<div class="drawing" data-figure="\g<name>"></div>', markdown)
    return _INCLUDE.sub(
        lambda m: m[0].replace("```yaml", f'```yaml title="{m["path"]}"', 1), markdown
    )


def _write_plain(markdown: str, page: Page, config: MkDocsConfig) -> None:
    """Put the page's Markdown beside it; a table that only HTML has is named by its address."""
    if _is_offline(config):
        return
    place = _place(page, config)
    for line in GENERATED_HTML:
        markdown = markdown.replace(line, f"<{place.url}>")
    file = Path(config.site_dir) / page.url / plain.MARKDOWN
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(plain.markdown(_root(config), markdown, place, _site(config)), encoding="utf-8")


def _is_offline(config: MkDocsConfig) -> bool:
    """Tell whether this build is the copy for reading from a folder; programs don't read that."""
    return not config.use_directory_urls


def _site(config: MkDocsConfig) -> str:
    return (config.site_url or "/").rstrip("/") + "/"


def _place(page: Page, config: MkDocsConfig) -> plain.Place:
    language, _, name = page.file.src_uri.removesuffix(".md").partition("/")
    about = {key: str(page.meta.get(key, "")) for key in ("title", "description")}
    return plain.Place(language, name, url=plain.address(_site(config), language, name), **about)


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


def _with_addresses(text: str, config: MkDocsConfig) -> str:
    """Write addresses out: of the site, and of the examples, which are beside an offline reader."""
    examples = f"{_site(config)}examples"
    if _is_offline(config):
        # what a reader would fetch lies in a folder: it's copied, or read
        examples = "examples"
        text = re.sub(r"curl -\w*O (\{\{ examples \}\}/\S+)", r"cp \1 .", text)
        text = re.sub(r"curl (?:-\w+ )+(?=\{\{ examples \}\})", "cat ", text)
    return text.replace("{{ examples }}", examples).replace("{{ site }}", _site(config).rstrip("/"))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show description and reading time, addresses of manifests, marks, outputs and figures."""
    language = _language(page)
    text = TEXT[language]
    if language == LANGUAGES[0]:
        _not_run.extend(m["reason"] for m in _MARKED.finditer(html) if m["mark"] == "not-run")
    html = html.replace("</h1>", "</h1>\n" + _lead(page, text), 1)
    html = html.replace('title="Permanent link"', f'title="{text["permalink"]}"')
    html = _MARKED.sub(lambda match: _command_mark(match, text), html)
    html = _OUTPUT.sub(lambda match: _output(match["name"], page, config), html)
    html = _DRAWING.sub(lambda match: _drawing(match["name"], page, config), html)
    html = with_callouts(_root(config), html, language)
    html = _TITLE.sub(lambda match: _file_title(match["path"], page, text), html)
    if RESULTS_LINE not in html:  # what such a page lists is found where it is said
        _searched.add(page.url, html)
    page.meta["search"] = {"exclude": True}  # from the theme's, which only lends its looks
    return html


def _command_mark(match: re.Match[str], text: dict[str, str]) -> str:
    label = f"<strong>{text[match['mark']]}</strong> {match['reason']}"
    return f'<p class="command-mark {match["mark"]}">{label}</p>\n{match[0]}'


def _output(name: str, page: Page, config: MkDocsConfig) -> str:
    """Show a recording as it is; Markdown would expand its tabs and blank its empty lines."""
    name = f"{page.file.src_uri.partition('/')[2].removesuffix('.md')}/{name}"
    recording = read(_root(config), name)
    printed = html.escape(_with_addresses(recording.output if recording else "", config), False)
    return (
        '<div class="language-text output no-copy highlight" role="group" '
        f'data-recording="{name}" aria-label="{TEXT[_language(page)]["output"]}">'
        f"<pre><code>{printed}</code></pre></div>"
    )


def _drawing(name: str, page: Page, config: MkDocsConfig) -> str:
    figure = figures.read(_root(config), name)
    drawing = svg(figure, _language(page))
    return f'<div class="drawing" role="group" tabindex="0">{drawing}</div>'


def _file_title(path: str, page: Page, text: dict[str, str]) -> str:
    address = get_relative_url(f"examples/{path}", page.url)
    name = path.rpartition("/")[2]
    link = f'<a class="raw" href="{address}">{text["raw"]}</a>'
    return f'<span class="filename">{name} {link}</span>'


def _lead(page: Page, text: dict[str, str]) -> str:
    description = html.escape(str(page.meta.get("description", "")))
    minutes = text["minutes"].format(page.meta.get("minutes", "?"))
    return f'<p class="lead">{description} <span class="minutes">{minutes}</span></p>'


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Put the marks in place, and keep a script from asking for a sitemap (see `_quiet`).

    The search has read the page by now: marks are nothing to search for.
    """
    return _quiet(_with_evidence(output, page, config))


def _with_evidence(html: str, page: Page, config: MkDocsConfig) -> str:
    repository = (config.repo_url or "").rstrip("/")
    directories = bool(config.use_directory_urls)
    name = page.file.src_uri.partition("/")[2].removesuffix(".md")
    sheet = Sheet(_evidence[0], _language(page), name, page.url, repository, directories)
    for line, written in GENERATED_HTML.items():
        if (paragraph := f"<p>{line}</p>") in html:
            html = html.replace(paragraph, written(sheet))
    return sheet.with_marks(html)


def on_post_template(output: str, *, template_name: str, config: MkDocsConfig) -> str:
    """Write the one 404 page, in both languages, with the first build only, and no sitemap yet."""
    if template_name == "sitemap.xml":
        return ""  # that of a build knows one language; see `_write_lists`
    if template_name != "404.html":
        return output
    return _quiet(output) if _is_first_build(config) else ""


def _quiet(output: str) -> str:
    # The theme's own links to the other language are relative; main.html has full ones for
    # crawlers. The script looks for [rel=alternate] and expects the front page of a language
    # there: a 404 each time. HTML allows the blank, crawlers read it.
    output = re.sub(r'<link rel="alternate" href="[^"]*" hreflang="[^"]*">', "", output)
    return output.replace('<link rel="alternate"', '<link rel="alternate "')


def on_serve(server: LiveReloadServer, config: MkDocsConfig, **_: Any) -> LiveReloadServer:
    """Build again when a live run has left new evidence."""
    for home in homes(_root(config)).values():
        if home.is_dir():
            server.watch(str(home))
    return server


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Publish the search's data, examples and evidence, and the licenses of what is shipped."""
    site = Path(config.site_dir)
    _searched.write(_root(config), site, str(config.theme["language"]))
    if not _is_offline(config):
        _keep_contents(config)
        if set(_built) == set(LANGUAGES):
            _write_lists(_root(config), site, _site(config))
    if not _is_first_build(config):
        return
    shutil.copytree(_root(config) / "examples", site / "examples", dirs_exist_ok=True)
    _copy_licenses(site / "assets" / "licenses")
    runs = (*_evidence[0].runs, *(run for run, _ in _evidence[0].previews))
    for part in (part for run in runs for part in run["parts"]):
        (copy := site / "evidence" / part["name"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(part["path"], copy)
    log.info("%d command blocks are marked as not to be run by our checks", len(_not_run))


def _keep_contents(config: MkDocsConfig) -> None:
    """Keep of the language that was built what the lists for programs are made from."""
    nav = _nav[0]
    topics = [
        (section.title, [_place(p, config) for p in section.children if isinstance(p, Page)])
        for section in nav.items
        if isinstance(section, Section)
    ]
    places = [_place(page, config) for page in nav.pages]
    about = str(config.site_description)
    _built[str(config.theme["language"])] = plain.Contents(config.site_name, about, topics, places)


def _write_lists(root: Path, site: Path, site_url: str) -> None:
    """Write what is made of all languages at once: feeds, llms.txt, sitemap and archive."""
    changed = plain.last_changes(root)
    for language, built in _built.items():
        prefix = "" if language == LANGUAGES[0] else language
        text = plain.feed(built, changed, site_url)
        (site / prefix / plain.FEED).write_text(text, encoding="utf-8")
    contents = {language: _built[language] for language in LANGUAGES}
    (site / "llms.txt").write_text(plain.llms(contents), encoding="utf-8")
    names = [place.name for place in contents[LANGUAGES[0]].places]
    (site / "sitemap.xml").write_text(plain.sitemap(names, site_url), encoding="utf-8")
    plain.archive(root / "examples", site / plain.EXAMPLES_ARCHIVE)


def _copy_licenses(folder: Path) -> None:
    """Copy the license of the theme and of the one icon set that the site uses.

    What the theme's scripts bundle carries no license text, so that lies in docs/assets/licenses.
    """
    theme = importlib.metadata.distribution("mkdocs-material")
    (folder / "mkdocs-material.txt").write_text(str(theme.read_text("licenses/LICENSE")), "utf-8")
    icons = theme.locate_file("material/templates/.icons/material/LICENSE")
    shutil.copy(str(icons), folder / "icons.txt")
