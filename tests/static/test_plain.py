"""What programs read of a page: Markdown, llms.txt, sitemap, feed, the archive and the card."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content.pages import LANGUAGES, read_pages
from k8s_basic.site import cards, plain
from k8s_basic.site.build import draw_cards
from k8s_basic.site.plain import Place
from PIL import Image

SITE = "https://example.com/site/"
ATOM = "{http://www.w3.org/2005/Atom}"
PLACE = Place("en", "network/service", "Service", "A name.", f"{SITE}en/network/service/")


def test_markdown_of_a_page_stands_alone() -> None:
    text = (
        "# Service {#service}\n\nSee [DNS](dns.md#names) and [Pod](../workloads/pod.md).\n\n"
        '```yaml\n--8<-- "network/clusterip/service-multiport.yaml"\n```\n\n'
        '``` { .bash .fails data-reason="no such name" }\n'
        "kubectl apply -f {{ examples }}/network/clusterip/service-multiport.yaml\n```\n\n"
        "```figure\nservice-endpoints\n```\n\nIt holds. [NW-1]\n"
    )
    told = plain.markdown(ROOT, text, PLACE, SITE)
    assert told.startswith("# Service\n\nA name.\n")
    assert f"[DNS]({SITE}en/network/dns/#names)" in told
    assert f"[Pod]({SITE}en/workloads/pod/)" in told
    manifest = (EXAMPLES / "network/clusterip/service-multiport.yaml").read_text(encoding="utf-8")
    assert (
        f"```yaml\n# {SITE}examples/network/clusterip/service-multiport.yaml\n{manifest}```" in told
    )
    assert "(no such name)\n\n```bash\n" in told
    assert f"kubectl apply -f {SITE}examples/network/clusterip/service-multiport.yaml" in told
    assert "```figure" not in told and "\n> " in told
    assert "It holds. [NW-1]" in told


def test_markdown_of_every_page_has_nothing_left_to_fill_in() -> None:
    for page in read_pages(ROOT):
        place = Place(page.language, page.name, "T", "D", SITE)
        told = plain.markdown(ROOT, "\n".join(page.lines[page.body :]), place, SITE)
        for mark in ("--8<--", "```output", "```figure", "data-reason", "{{ examples }}", ".md)"):
            assert mark not in told, f"{page.path}: {mark}"
        for output in page.items("outputs"):
            recording = plain.recordings.read(ROOT, output.text)
            assert recording
            shown = recording.output.replace("{{ examples }}", f"{SITE}examples")
            assert all(line in told for line in shown.split("\n")), output.text


def contents(*places: Place) -> plain.Contents:
    """Return what is known of a language with one topic, the network."""
    pages = list(places)
    return plain.Contents("K & B", f"About {pages[0].language}.", [("Network", pages)], pages)


def test_feed_begins_with_what_changed_last_and_leaves_out_what_has_no_date() -> None:
    other = Place("en", "network/dns", "DNS & names", "Names.", f"{SITE}en/network/dns/")
    unknown = Place("en", "network/new", "New", "New.", f"{SITE}en/network/new/")
    changed = {
        "docs/en/network/service.md": datetime(2026, 1, 2, tzinfo=UTC),
        "docs/en/network/dns.md": datetime(2026, 1, 3, tzinfo=UTC),
    }
    root = ElementTree.fromstring(plain.feed(contents(PLACE, other, unknown), changed, SITE))
    assert root.findtext(f"{ATOM}title") == "K & B"
    assert root.findtext(f"{ATOM}updated") == "2026-01-03T00:00:00Z"
    titles = [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")]
    assert titles == ["DNS & names", "Service"]


def test_feed_of_a_folder_without_history_is_empty_and_sound(tmp_path: Path) -> None:
    assert plain.last_changes(tmp_path) == {}
    root = ElementTree.fromstring(plain.feed(contents(PLACE), {}, SITE))
    assert list(root.iter(f"{ATOM}entry")) == []


def test_every_page_has_its_last_change_from_history() -> None:
    known = plain.last_changes(ROOT)
    if not (ROOT / ".git").exists():
        pytest.skip("this copy has no git history")
    assert known, "git tells nothing of its history"
    assert {page.path for page in read_pages(ROOT)} & set(known)


def test_archive_holds_every_example_as_it_is_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (tmp_path / name / plain.EXAMPLES_ARCHIVE for name in "ab")
    for target in (first, second):
        plain.archive(EXAMPLES, target, {"README.txt": "read me"})
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        held = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    files = {f.relative_to(EXAMPLES).as_posix(): f.read_bytes() for f in EXAMPLES.rglob("*.yaml")}
    assert held == {**files, "README.txt": b"read me"}


def test_card_can_write_every_title_and_description() -> None:
    for page in read_pages(ROOT):
        text = f"{page.meta['title']}{page.meta['description']}"
        assert cards.missing_letters(text) == set(), page.path


def test_letter_that_the_font_lacks_is_found() -> None:
    assert cards.missing_letters("Pod 파드 漢") == {"漢"}


def test_card_has_the_size_that_is_shown_whole_and_differs_by_its_text(tmp_path: Path) -> None:
    for name, title in (("a", "Pod"), ("b", "Pod"), ("c", "Service")):
        cards.write(tmp_path / f"{name}.png", "K8s Basic", title, "말 " * 300)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == cards.SIZE
    one, same, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert one == same != other


def test_each_page_gets_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(cards, "write", lambda file, *_: drawn.append(file))
    draw_cards(ROOT, tmp_path)
    assert len(drawn) == len(set(drawn)) == len(read_pages(ROOT))
    assert {file.relative_to(tmp_path / cards.FOLDER).parts[0] for file in drawn} == set(LANGUAGES)
