"""Each mistake that a writer can make is refused, with the file and the line of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from k8s_basic.content import recordings
from k8s_basic.content.checks import content_problems
from k8s_basic.content.in_step import FOLDER

KO, EN = "docs/ko/workloads/pod.md", "docs/en/workloads/pod.md"
EXAMPLE, TEST = "examples/workloads/pod/pod.yaml", "tests/live/workloads/test_pod.py"
RECORDING = "tests/live/recordings/workloads/pod/nothing.txt"
INCLUDE = '--8<-- "workloads/pod/pod.yaml"'

# What is wrong, the file, the text in it and what replaces it, where it must be found, the words.
TEXT_MISTAKES = [
    ("tab", EXAMPLE, "  name: web\nspec", "\tname: web\nspec", f"{EXAMPLE}:4:", "cannot start any"),
    ("duplicate key", EXAMPLE, "  name: web\nspec", "  name: web\n  name: web\nspec",
     f"{EXAMPLE}:5:", "duplication of key"),
    ("indentation", EXAMPLE, "    - name", "  - name", f"{EXAMPLE}:7:", "indentation"),
    ("misspelt field", EXAMPLE, "containerPort", "containerprot", f"{EXAMPLE}:10:",
     "did you mean containerPort?"),
    ("wrong type", EXAMPLE, "Port: 80", 'Port: "80"', f"{EXAMPLE}:10:", "integer"),
    ("missing field", EXAMPLE, "- name: web\n      image", "- image", f"{EXAMPLE}:7:", "'name'"),
    ("wrong kind", EXAMPLE, "kind: Pod", "kind: Pods", f"{EXAMPLE}:2:", "has no Pods"),
    ("kind in lower case", EXAMPLE, "kind: Pod", "kind: pod", f"{EXAMPLE}:2:", "has no pod"),
    ("wrong apiVersion", EXAMPLE, "apiVersion: v1", "apiVersion: apps/v1", f"{EXAMPLE}:2:",
     "has no Pod in apps/v1"),
    ("no kind", EXAMPLE, "kind: Pod\n", "", f"{EXAMPLE}:1:", "missing"),
    ("latest", EXAMPLE, "nginx:1.22.1", "nginx:latest", f"{EXAMPLE}:8:", "tag"),
    ("unlisted image", EXAMPLE, "nginx:1.22.1", "nginx:1.22.2", f"{EXAMPLE}:8:",
     "did you mean nginx:1.22.1?"),
    ("edited output", RECORDING, "not found", "is found", f"{RECORDING}:1:",
     "take it from git again or run ./scripts/record workloads/pod"),
    ("missing anchor", KO, "index.md#index", "index.md#indx", f"{KO}:20:", "did you mean index?"),
    ("missing page", EN, "index.md#index", "indx.md", f"{EN}:20:", "no page indx; did you mean"),
    ("no tag", EXAMPLE, "nginx:1.22.1", "registry:5000/nginx", f"{EXAMPLE}:8:", "tag"),
    ("namespace", EXAMPLE, "  name: web\nspec", "  name: web\n  namespace: a\nspec",
     f"{EXAMPLE}:5:", "remove 'namespace'"),
    ("missing example", KO, INCLUDE, '--8<-- "workloads/pod/pods.yaml"', f"{KO}:11:",
     "examples/workloads/pod/pods.yaml does not exist; did you mean workloads/pod/pod.yaml?"),
    ("missing address", EN, "}}/workloads/pod/pod.yaml", "}}/workloads/pod/po.yaml", f"{EN}:15:",
     "does not exist"),
    ("example not included", EN, f"```yaml\n{INCLUDE}\n```\n", "", f"{EXAMPLE}:1:",
     "no page in docs/en includes this file"),
    ("example not applied", TEST, "pod/pod.yaml", "pod/other.yaml", f"{EXAMPLE}:1:",
     "no live test applies"),
    ("other include", EN, INCLUDE, '--8<-- "workloads/../workloads/pod/pod.yaml"', f"{EN}:11:", ""),
    ("YAML by hand", KO, INCLUDE, "kind: Pod", f"{KO}:10:", "whole file"),
    ("part of a file", KO, "pod.yaml\"", "pod.yaml:2:4\"", f"{KO}:10:", "whole file"),
    ("output by hand", KO, "```bash\n", "```console\n", f"{KO}:14:", "output is never typed"),
    ("plain fence", KO, "```bash\n", "```\n", f"{KO}:14:", "plain text"),
    ("indented output", KO, "## 왜", "    NAME  READY\n\n## 왜", f"{KO}:18:", "indentation"),
    ("prompt", KO, "kubectl apply", "$ kubectl apply", f"{KO}:15:", "prompt"),
    ("mark without reason", KO, ' data-reason="없는 Pod입니다"', "", f"{KO}:22:", "not allowed"),
    ("unknown mark", EN, ".fails", ".breaks", f"{EN}:22:", "background, terminal, not-run, fails"),
    ("claim id typed wrong", KO, "[WL-12]", "[WL-13]", f"{KO}:20:", "no live test has"),
    ("claim id named", KO, "[WL-12]", "[WL-123]", f"{KO}:20:", "did you mean WL-12?"),
    ("claim id in lower case", EN, "[WL-12]", "[wl-12]", f"{EN}:20:", "write it like [WL-15]"),
    ("claim in one language", EN, " [WL-12]", "", f"{KO}:20:", f"WL-12 is not in {EN}"),
    ("claim twice", EN, "[WL-12]", "[WL-12] Again. [WL-3]", f"{EN}:20:", f"stands at {EN}:8"),
    ("claim in another section", EN, " [WL-3]\n", "\n\n## Who {#who}\n\nHe. [WL-3]\n", f"{KO}:8:",
     "stands in {#who}"),
    ("claim in a heading", EN, "## Why", "## Why [WL-12]", f"{EN}:18:", "heading"),
    ("claim in code", EN, "[WL-3]", "`[WL-3]`", f"{EN}:8:", "code"),
    ("claim in a block", EN, "kubectl get pod", "kubectl get [WL-3]", f"{EN}:23:", "code"),
    ("claim as a link", EN, "[WL-3]", "[WL-3](../index.md)", f"{EN}:8:", "behind the link"),
    ("claim that no page has", TEST, '"WL-3"', '"WL-3", "WL-4"', f"{TEST}:5:", "no page says WL-4"),
    ("claim of two tests", TEST, '"WL-12"', '"WL-12", "WL-3"', f"{TEST}:10:", f"{TEST}:5"),
    ("test that asserts a constant", TEST, 'assert lab.delete("pod/web")', "assert True",
     f"{TEST}:10:", "asserts a constant"),
    ("test that demands nothing", TEST, "assert lab.delete", "lab.delete", f"{TEST}:10:",
     "demands nothing"),
    ("claim without a part of its own", TEST, '"WL-12"', '"WL-12", "WL-3"', f"{TEST}:10:",
     'with lab.proves("WL-12")'),
    ("loop by hand", TEST, 'assert lab.delete("pod/web")', 'while lab.delete("pod/web"): pass',
     f"{TEST}:10:", "loops by hand"),
    ("claim computed", TEST, '@claim("WL-3")', "@claim(WL)", f"{TEST}:4:", "plain strings"),
    ("front matter key", KO, "minutes: 3", "minutes: 3\norder: 4", f"{KO}:1:", "'order'"),
    ("front matter type", KO, "minutes: 3", "minutes: three", f"{KO}:1:", "'minutes' (int)"),
    ("front matter missing", EN, "---\ntitle: Pod", "title: Pod", f"{EN}:1:", "front matter"),
    ("front matter differs", EN, "minutes: 3", "minutes: 4", f"{EN}:1:", "same number"),
    ("heading without id", KO, " {#why}", "", f"{KO}:18:", "id of its own"),
    ("heading id differs", EN, "{#why}", "{#whys}", f"{EN}:18:", "has no heading {#whys}"),
    ("heading of its own", EN, "## Why", "## More {#more}\n\n## Why", f"{EN}:18:", "{#more}"),
    ("wrong first heading", EN, "{#pod}", "{#pods}", f"{EN}:6:", "{#pod}"),
    ("command differs", EN, "kubectl get pod", "kubectl get  pod", f"{EN}:22:", "this command"),
    ("mark differs", EN, ".bash .fails", ".bash .terminal", f"{EN}:22:", "mark included"),
    ("link differs", EN, "index.md#index", "index.md", f"{EN}:20:", "no link to"),
    ("output typed", KO, "```output\nnothing", "```output\nNAME   READY", f"{KO}:26:",
     "output is never typed"),
    ("output of two lines", EN, "```output\n", "```output\nnothing\n", f"{EN}:26:", "never typed"),
    ("output below prose", KO, "\n\n```output", "\n\n출력입니다.\n\n```output", f"{KO}:28:",
     "directly below"),
    ("output below a manifest", EN, f"{INCLUDE}\n```\n", f"{INCLUDE}\n```\n\n```output\nx\n```\n",
     f"{EN}:14:", "directly below"),
    ("output of what nobody ran", KO, ".bash .fails", ".bash .not-run", f"{KO}:26:",
     "directly below"),
    ("output of another indentation", EN, "\n```output\nnothing\n```",
     "\n  ```output\n  nothing\n  ```", f"{EN}:26:", "directly below"),
    ("two outputs of one command", EN, "```output", "```output\nfirst\n```\n\n```output",
     f"{EN}:30:", "directly below"),
    ("output twice", KO, "pod.yaml\n```\n\n##", "pod.yaml\n```\n\n```output\nnothing\n```\n\n##",
     f"{KO}:30:", "stands twice"),
    ("output in one language", EN, "\n```output\nnothing\n```\n", "", f"{KO}:26:", "this output"),
    ("output that differs", EN, "```output\nnothing", "```output\nnone", f"{EN}:26:",
     "this output"),
    ("output not recorded", KO, "```output\nnothing", "```output\nnone", f"{KO}:26:",
     "not recorded yet: run ./scripts/record workloads/pod"),
    ("recorded command changed", EN, "kubectl get pod nothing", "kubectl get pods", f"{EN}:26:",
     "the command changed since it was recorded: run ./scripts/record workloads/pod"),
    ("recorded command edited", RECORDING, "$ kubectl get pod", "$ kubectl get pods", f"{KO}:26:",
     "the command changed"),
    ("recording without a command", RECORDING, "$ ", "", f"{EN}:26:", "the command changed"),
    ("raw HTML", EN, "The Pod", "The <b>Pod</b>", f"{EN}:8:", "HTML"),
    ("image", EN, "The Pod", "![Pod](a.png)", f"{EN}:8:", "images"),
    ("forbidden word", KO, "Pod가 응답", "파드가 응답", f"{KO}:8:", "use Pod"),
    ("forbidden over two lines", KO, "Pod가 응답", "Pod에\n의해 응답", f"{KO}:8:", "'에 의해'"),
    ("forbidden word in front matter", EN, "Run one", "Simply run one", f"{EN}:3:", "'Simply'"),
]  # fmt: skip


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def found(root: Path) -> list[str]:
    """Return what is wrong; that nobody has confirmed the text is not the mistake looked for."""
    problems = [str(problem) for problem in content_problems(root)]
    return [problem for problem in problems if not problem.endswith(f"commit {FOLDER}")]


def test_the_small_repository_is_in_order(tree: Path) -> None:
    assert found(tree) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "words"),
    [pytest.param(*mistake[1:], id=mistake[0]) for mistake in TEXT_MISTAKES],
)
def test_mistake_is_refused(
    tree: Path, name: str, old: str, new: str, where: str, words: str
) -> None:
    edit(tree, name, old, new)
    assert any(p.startswith(where) and words in p for p in found(tree)), found(tree)


def test_page_in_one_language_is_refused(tree: Path) -> None:
    (tree / EN).unlink()
    assert f"{KO}:1: {EN} is missing; write it too" in found(tree)


def test_missing_recording_is_refused_in_both_languages(tree: Path) -> None:
    (tree / RECORDING).unlink()
    advice = "not recorded yet: run ./scripts/record workloads/pod"
    assert found(tree) == [f"{EN}:26: {advice}", f"{KO}:26: {advice}"]


def test_recording_that_no_page_shows_is_refused(tree: Path) -> None:
    recordings.write(tree, "workloads/pod/nothink", "kubectl get pod nothing", "")
    [problem] = found(tree)
    assert problem.startswith(f"{RECORDING.replace('nothing', 'nothink')}:1: no page shows")
    assert "did you mean workloads/pod/nothing?" in problem


def test_test_in_another_file_is_refused(tree: Path) -> None:
    (tree / TEST).rename(tree / "tests/live/workloads/test_pods.py")
    assert any(p.startswith(f"{KO}:8:") and f"move the test to {TEST}" in p for p in found(tree))


def test_cluster_wide_name_is_refused(tree: Path) -> None:
    edit(
        tree,
        EXAMPLE,
        "apiVersion",
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\napiVersion",
    )
    assert any(p.startswith(f"{EXAMPLE}:4:") and "demo-" in p for p in found(tree))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("typed: [롤, 역할]", "typed: []"),
        ("typed: [롤, 역할]", "typed: [롤, 롤]"),
        ("typed: [롤, 역할]", "typed: 롤"),
        ("typed: [롤, 역할]", "typed: [403]"),
        ("{ko: Role, en: Role", "{ko: Role"),
    ],
)
def test_malformed_spellings_of_the_search_are_refused(tree: Path, old: str, new: str) -> None:
    edit(tree, "docs/glossary.yaml", old, new)
    assert any(p.startswith("docs/glossary.yaml:") for p in found(tree))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("workloads/pod: {ko: 파드, en: pod}", ""),
        ("workloads/pods: {ko: 파드, en: pod}", "did you mean workloads/pod?"),
        ("workloads/pod: {ko: 파드}", "exactly the texts ko and en"),
        ("workloads/pod: {ko: 파드, en: 1}", "exactly the texts ko and en"),
        ("workloads/pod: {ko: 파드, ko: 파드", "not YAML"),
        ("- workloads/pod", "mapping"),
    ],
)
def test_keywords_belong_to_pages_in_both_languages(tree: Path, words: str, said: str) -> None:
    (tree / "docs/keywords.yaml").write_text(words, encoding="utf-8")
    problems = [p for p in found(tree) if p.startswith("docs/keywords.yaml:")]
    assert bool(problems) == bool(said)
    assert all(said in problem for problem in problems)


def test_malformed_glossary_is_refused(tree: Path) -> None:
    edit(tree, "docs/glossary.yaml", "ko: 쿠버네티스, en", "ko: 쿠버네티스, eng")
    assert any(p.startswith("docs/glossary.yaml:") for p in found(tree))


@pytest.mark.parametrize(
    "text",
    [
        "- an item\n\n      of two paragraphs",
        "Code `kubectl get <name>` and ``a ` [b](c)`` stay, 파드 in `파드` too.",
        "| a | b |\n|---|---|\n| `[x][y]` | 1 < 2 |",
        '=== "Linux"\n\n    ```bash\n    ls\n    ```',
        '!!! warning "Look"\n\n    Text.',
    ],
)
def test_good_markdown_is_not_refused(tree: Path, text: str) -> None:
    for name in (KO, EN):
        edit(tree, name, "\n## ", f"\n{text}\n\n## ".replace(", 파드 in", ", in"))
    assert found(tree) == []


def build(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(root / "site")]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_strict_build_takes_what_is_in_order(tree: Path) -> None:
    done = build(tree)
    assert done.returncode == 0, done.stderr
    assert (tree / "site" / EXAMPLE).read_bytes() == (tree / EXAMPLE).read_bytes()


def test_strict_build_refuses_mistakes_and_names_them_all(tree: Path) -> None:
    edit(tree, KO, "[WL-12]", "[WL-13]")
    edit(tree, EN, "kubectl get pod", "kubectl get  pod")
    edit(tree, EN, INCLUDE, '--8<-- "workloads/pod/pods.yaml"')
    done = build(tree)
    assert done.returncode != 0
    for where in (f"{KO}:20:", f"{EN}:11:", f"{EN}:22:"):
        assert where in done.stderr, done.stderr


def test_topic_without_a_page_of_results_is_told(tree: Path) -> None:
    for language in ("ko", "en"):
        page = tree / "docs" / language / "verified" / "network.md"
        page.parent.mkdir()
        head = "---\ntitle: Results\ndescription: Results.\nminutes: 1\n---\n"
        page.write_text(f"{head}# Results {{#network}}\n", encoding="utf-8")
    problems = [str(problem) for problem in content_problems(tree, wording=False)]
    expected = "docs/ko/workloads/pod.md:1: marks lead to docs/ko/verified/workloads.md"
    assert any(problem.startswith(expected) for problem in problems)
