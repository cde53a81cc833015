"""The check that both languages say the same: what it takes for a change, and what it doesn't."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content import bilingual, in_step
from k8s_basic.content.in_step import drift, read_record, record_groups
from k8s_basic.content.pages import read_pages

SITE = {
    "docs/ko/workloads/pod.md": """\
---
title: Pod
description: Pod 하나를 띄우고 60초 안에 응답하는지 봅니다.
minutes: 3
---
# Pod {#pod}

Pod는 컨테이너를 묶는 가장 작은 단위입니다. 매니페스트 하나로 Pod를 띄웁니다.

```bash
kubectl apply -f {{ examples }}/workloads/pod.yaml
kubectl wait --for=condition=Ready pod/web --timeout=60s
```

## 왜 {#why}

kubelet이 컨테이너를 시작하고 상태를 API 서버에 알립니다. 지운 Pod는 다시 생기지 않습니다.
[WL-12] 메모리는 128Mi, 디스크는 1048576바이트까지 쓸 수 있고, 30초 안에 끝나지 않으면 강제로
종료됩니다. [WL-3] 자세한 설명은 [Job](job.md#job)에 있습니다.

## 순서 {#order}

- `restartPolicy`가 `Always`이면 컨테이너를 늘 다시 시작합니다.
- `OnFailure`이면 실패했을 때만 다시 시작합니다.

1. 스케줄러가 노드를 고릅니다.
2. kubelet이 이미지를 내려받습니다.
3. 컨테이너가 시작됩니다.

| 상태 | 뜻 | 재시작 |
|---|---|---|
| Running | 실행되고 있습니다 | 3번 |
| Failed | 실패했습니다 | 5번 |

## 자주 걸리는 문제 {#what-bites}

이미지 이름이 틀리면 Pod는 `ImagePullBackOff`에 머무릅니다. 레지스트리에 접속할 수 있는지 먼저
확인하세요. 그다음 세 노드에서 같은 이미지를 받아 봅니다. 볼륨이 가득 차면 노드의 디스크를
비웁니다.

``` { .bash .fails data-reason="그런 Pod는 없습니다" }
kubectl get pod nothing
```
""",
    "docs/en/workloads/pod.md": """\
---
title: Pod
description: Run a Pod and see it answer within 60 seconds.
minutes: 3
---
# Pod {#pod}

A Pod is the smallest unit that groups containers. One manifest starts a Pod.

```bash
kubectl apply -f {{ examples }}/workloads/pod.yaml
kubectl wait --for=condition=Ready pod/web --timeout=60s
```

## Why {#why}

The kubelet starts the containers and reports their status to the API server. A deleted Pod
doesn't come back. [WL-12] It may use up to 128Mi of memory and 1048576 bytes of disk, and it's
killed if it doesn't end within 30 seconds. [WL-3] The details are in [Job](job.md#job).

## Order {#order}

- With `restartPolicy` at `Always`, the container is always started again.
- With `OnFailure`, it's started again only after a failure.

1. The scheduler picks a node.
2. The kubelet downloads the image.
3. The container starts.

| State | Meaning | Restarts |
|---|---|---|
| Running | it is running | 3 times |
| Failed | it has failed | 5 times |

## What bites {#what-bites}

With a wrong image name, the Pod stays in `ImagePullBackOff`. First check that you can reach the
registry. Then download the same image on three nodes. When the volume is full, clear the disk
of the node.

``` { .bash .fails data-reason="there is no such Pod" }
kubectl get pod nothing
```
""",
    "docs/ko/workloads/job.md": """\
---
title: Job
description: 끝나는 일을 맡깁니다.
minutes: 3
---
# Job {#job}

Job은 컨테이너가 성공할 때까지 Pod를 만듭니다. 끝난 Pod는 지울 때까지 남습니다. 지운 것은
사라집니다. 이 모드에서는 지울 수 있는 노드를 모두 받는 편이 좋고, 받은 이미지는 그대로 씁니다.
그러면 이미지를 받으며 기다립니다.

## 병렬 {#parallel}

여러 Pod가 한꺼번에 일을 나누어 맡습니다. 하나가 실패하면 나머지가 이어서 처리합니다. 개수는
`parallelism`으로 정하고, 노드마다 고르게 퍼집니다.
""",
    "docs/en/workloads/job.md": """\
---
title: Job
description: Hand over work that ends.
minutes: 3
---
# Job {#job}

A Job creates Pods until a container succeeds. The Pods that ended stay until you delete them.
What was deleted is gone. In this mode the node receives all images, ready to read, and a
container may start or stop on any node it form.

## In parallel {#parallel}

Several Pods share the work between them. If one of them fails, the others carry on with the
rest. The number of Pods is `parallelism`, spread evenly over the nodes.
""",
    "docs/figures/parts.yaml": """\
width: 12
alt:
  ko: kubelet은 노드에서 컨테이너 2개를 시작합니다.
  en: The kubelet starts 2 containers on the node.
boxes:
  - {id: node, at: [0, 0, 6, 4], ko: 워커 노드, en: worker node, style: group}
  - {id: api, at: [1, 1, 4, 2], text: kube-apiserver}
arrows:
  - {from: node, to: api, ko: 상태 보고, en: reports status}
""",
    "docs/glossary.yaml": """\
meanings:
  node:
    ko: 클러스터에 속한 서버 한 대
    en: A machine of the cluster
terms:
  - {ko: 노드, en: node, note: "기계"}
""",
    "scripts/k8s_basic/site/words.yaml": """\
ko:
  states: {held: "{version}에서 맞습니다."}
en:
  states: {held: "Holds on {version}."}
""",
    "docs/callouts/workloads/pod.yaml": """\
- path: spec.containers.0.image
  ko: 태그는 늘 적습니다.
  en: Always write a tag.
- in: Service/web
  path: metadata.name
  ko: 주소가 됩니다.
  en: It becomes an address.
- in: Pod/web
  path: metadata.name
  ko: 적지 않으면 거부됩니다.
  en: Without it, the Pod is refused.
""",
}
KO, EN = "docs/ko/workloads/pod.md", "docs/en/workloads/pod.md"
KO_JOB, EN_JOB = "docs/ko/workloads/job.md", "docs/en/workloads/job.md"
BOTH = (KO, EN)
FIGURE, GLOSSARY = "docs/figures/parts.yaml", "docs/glossary.yaml"
WORDS = "scripts/k8s_basic/site/words.yaml"
CALLOUTS = "docs/callouts/workloads/pod.yaml"

Edit = tuple[str, str, str]  # file, text, what replaces it
SPLIT = "workloads/pod#what-bites was split into workloads/pod#each and workloads/pod#what-bites"


def ko(old: str, new: str) -> Edit:
    return KO, old, new


def en(old: str, new: str) -> Edit:
    return EN, old, new


def cut(file: str, first: str, last: str = "") -> str:
    """Return the part of a file from `first` up to `last`, or to its end."""
    text = SITE[file]
    start = text.index(first)
    return text[start : text.index(last, start + 1)] if last else text[start:]


SERVICE_CALLOUT = cut(CALLOUTS, "- in: Service/web", "- in: Pod/web")


def moved(first: tuple[str, str], last: tuple[str, str], to: tuple[Edit, Edit]) -> list[Edit]:
    """Return edits that cut the text between `first` and `last` and put it into `to`."""
    edits = []
    for file, one, two, (target, old, new) in zip(BOTH, first, last, to):
        part = cut(file, one, two)
        edits += [(file, part, ""), (target, old, new.replace("…", part))]
    return edits


# What is edited, and what comes of it: nothing ("quiet"), it is recorded without a question
# ("recorded"), or the languages and texts named as changed on that side only.
SCENARIOS: dict[str, tuple[list[Edit], str]] = {
    # Form
    "line wraps": ([en("The kubelet starts", "The kubelet\nstarts")], "quiet"),
    "two spaces and one at the end": ([ko("고릅니다.\n", "고릅니다.  \n")], "quiet"),
    "emphasis": ([en("smallest unit", "*smallest* unit")], "quiet"),
    "bold in Korean": ([ko("가장 작은", "**가장 작은**")], "quiet"),
    "comma": ([ko("쓸 수 있고, 30초", "쓸 수 있고 30초")], "quiet"),
    "semicolon for a full stop": (
        [en("status to the API server. A", "status to the API server; a")],
        "quiet",
    ),
    "curly quotes": ([en("doesn't come", "doesn’t come")], "quiet"),
    "capital letter": ([en("| it is running", "| It is running")], "quiet"),
    "one paragraph made two": ([ko("알립니다. 지운", "알립니다.\n\n지운")], "quiet"),
    "list marks": ([en("- With `OnF", "* With `OnF")], "quiet"),
    "table aligned anew": (
        [ko("| 상태 | 뜻 | 재시작 |\n|---|---|---|", "| 상태   | 뜻 | 재시작 |\n|:---|---|---:|")],
        "quiet",
    ),
    "sentences of a paragraph changed places": (
        [
            ko(
                "Pod는 컨테이너를 묶는 가장 작은 단위입니다. 매니페스트 하나로 Pod를 띄웁니다.",
                "매니페스트 하나로 Pod를 띄웁니다. Pod는 컨테이너를 묶는 가장 작은 단위입니다.",
            )
        ],
        "quiet",
    ),
    "contraction written out": ([en("doesn't come", "does not come")], "quiet"),
    "thousands written with commas": ([en("1048576 bytes", "1,048,576 bytes")], "quiet"),
    "space between number and unit": ([en("128Mi", "128 Mi")], "quiet"),
    "quotes in front matter": ([en("title: Pod", 'title: "Pod"')], "quiet"),
    # Slips of the pen
    "English letter": ([en("details", "detials")], "quiet"),
    "English double letter": ([en("smallest unit", "smalest unit")], "quiet"),
    "American spelling": ([en("groups containers", "groups contaniers")], "quiet"),
    "English article": ([en("The container starts", "Container starts")], "quiet"),
    "English word twice": ([en("reports their", "reports reports their")], "quiet"),
    "hyphen": ([en("downloads the", "down-loads the")], "quiet"),
    "Korean particle after a kind": ([ko("Pod를 띄웁니다", "Pod을 띄웁니다")], "quiet"),
    "Korean particle after code": ([ko("`restartPolicy`가", "`restartPolicy`이")], "quiet"),
    "Korean particle after a Korean word": ([ko("컨테이너를 묶는", "컨테이너을 묶는")], "quiet"),
    "Korean words written together": ([ko("쓸 수 있고", "쓸수 있고")], "quiet"),
    "Korean word written apart": ([ko("내려받습니다", "내려 받습니다")], "quiet"),
    "Korean negation written together": ([ko("끝나지 않으면", "끝나지않으면")], "quiet"),
    "Korean vowel": ([ko("컨테이너를 늘", "컨태이너를 늘")], "quiet"),
    "Korean foreign word": ([ko("레지스트리에", "레지스터리에")], "quiet"),
    "Korean ending misspelt": ([ko("종료됩니다", "종료됍니다")], "quiet"),
    "Korean syllables swapped": ([ko("스케줄러가", "스줄케러가")], "quiet"),
    "Korean letter typed wrong at the end": ([ko("시작됩니다", "시작됩니댜")], "quiet"),
    "letters and spaces at once": ([ko("쓸 수 있고", "쓸수 잇고")], "quiet"),
    "slips on both sides": (
        [ko("레지스트리에", "레지스터리에"), en("details", "detials")],
        "quiet",
    ),
    "slip in a heading": ([en("## Order", "## Ordre")], "quiet"),
    "one slip written everywhere": (
        [(KO, "컨테이너", "컨태이너"), (KO, "컨테이너", "컨태이너"), (KO, "컨테이너", "컨태이너")],
        "quiet",
    ),
    # Values
    "number": ([ko("30초 안에", "20초 안에")], "ko why"),
    "number with its unit": ([en("128Mi", "128Gi")], "en why"),
    "unit written as a word": ([en("30 seconds", "30 minutes")], "en why"),
    "milli for mega": ([en("128Mi", "128mi")], "en why"),
    "number as a word": ([en("three nodes", "two nodes")], "en what-bites"),
    "Korean number as a word": ([ko("세 노드", "두 노드")], "ko what-bites"),
    "code span": ([en("`Always`", "`Never`")], "en order"),
    "code span with a letter less": ([ko("`OnFailure`", "`OnFailur`")], "ko order"),
    "mark of code taken away": ([ko("`Always`", "Always")], "ko order"),
    "claim": ([en(" [WL-3]", "")], "en why"),
    "link target": ([ko("job.md#job", "job.md#parallel")], "ko why"),
    "link text": ([en("[Job](", "[parallel work](")], "en why"),
    "command": ([ko("--timeout=60s", "--timeout=90s")], "ko pod"),
    "include": (
        [
            en(
                "```bash\nkubectl apply",
                '```yaml\n--8<-- "workloads/pod.yaml"\n```\n\n```bash\nkubectl apply',
            )
        ],
        "en pod",
    ),
    "mark of a block": ([en(".bash .fails", ".bash .terminal")], "en what-bites"),
    "reason of a block": ([ko("그런 Pod는 없습니다", "이름이 없습니다")], "ko what-bites"),
    # Words
    "English negation gone": ([en("doesn't come", "does come")], "en why"),
    "now became not": ([en("it's killed", "it's not killed")], "en why"),
    "Korean negation gone": ([ko("생기지 않습니다", "생깁니다")], "ko why"),
    "있 became 없": ([ko("있습니다", "없습니다")], "ko why"),
    "못 came": ([ko("이미지를 받아", "이미지를 못 받아")], "ko what-bites"),
    "안 came before a word": ([ko("강제로 종료됩니다", "강제로 종료 안됩니다")], "ko why"),
    "one letter makes another known word": ([en("a node.", "a mode.")], "en order"),
    "prefix turns the meaning": ([en("you can reach", "you cannot reach")], "en what-bites"),
    "plural": ([en("the same image on", "the same images on")], "en what-bites"),
    "past tense": ([ko("띄웁니다", "띄웠습니다")], "ko pod"),
    "Korean ending that makes another time": ([ko("지운 Pod", "지울 Pod")], "ko why"),
    "Korean particle of another role": ([ko("노드를 고릅니다", "노드가 고릅니다")], "ko order"),
    "word added": ([ko("강제로 종료", "곧 강제로 종료")], "ko why"),
    "word taken away": ([en("only after", "after")], "en order"),
    "word replaced": ([en("reports their", "hides their")], "en why"),
    "words changed places": ([en("containers and reports", "reports and containers")], "en why"),
    "sentence added": ([en("The details", "That takes a while. The details")], "en why"),
    "sentence taken away": ([ko(" 매니페스트 하나로 Pod를 띄웁니다.", "")], "ko pod"),
    "table cell": ([ko("실행되고 있습니다", "기다리고 있습니다")], "ko order"),
    "cells of a table changed places": (
        [
            en("it is running | 3", "it has failed | 3"),
            en("| it has failed | 5", "| it is running | 5"),
        ],
        "en order",
    ),
    "list item added": ([ko("3. 컨테이너가", "3. 볼륨을 연결합니다.\n4. 컨테이너가")], "ko order"),
    "steps of a numbered list changed places": (
        [
            ko(
                "1. 스케줄러가 노드를 고릅니다.\n2. kubelet이 이미지를 내려받습니다.",
                "1. kubelet이 이미지를 내려받습니다.\n2. 스케줄러가 노드를 고릅니다.",
            )
        ],
        "ko order",
    ),
    "list item changed": ([en("downloads the image", "checks the image")], "en order"),
    "heading": ([en("## Order", "## What happens when")], "en order"),
    "many slips in one text": (
        [
            en("smallest unit that groups containers", "smalest unitt thta gruops contaniers"),
            en("One manifest starts", "One manifset strats"),
        ],
        "en pod",
    ),
    # Both sides
    "the same number on both sides": (
        [ko("30초", "20초"), en("within 30 ", "within 20 ")],
        "recorded",
    ),
    "a sentence on both sides": (
        [
            ko("자세한", "오래 걸리지 않습니다. 자세한"),
            en("The details", "It doesn't take long. The details"),
        ],
        "recorded",
    ),
    "a heading on both sides": (
        [ko("## 순서", "## 차례"), en("## Order", "## Sequence")],
        "recorded",
    ),
    "a command on both sides": (
        [ko("--timeout=60s", "--timeout=90s"), en("--timeout=60s", "--timeout=90s")],
        "recorded",
    ),
    "a typo here doesn't hide a change there": (
        [ko("강제로", "강재로"), en("reports their", "hides their")],
        "en why",
    ),
    "a change here isn't hidden by a typo there": (
        [ko("30초", "20초"), en("details", "detials")],
        "ko why",
    ),
    "formatting here doesn't hide a change there": (
        [en("kubelet starts", "*kubelet* starts"), ko("상태를", "오류를")],
        "ko why",
    ),
    "a command on both sides doesn't hide a sentence on one": (
        [
            ko("--timeout=60s", "--timeout=90s"),
            en("--timeout=60s", "--timeout=90s"),
            ko("매니페스트 하나로", "이제 매니페스트 하나로"),
        ],
        "ko pod",
    ),
    "a link on both sides doesn't hide a sentence on one": (
        [
            ko("job.md#job", "job.md#parallel"),
            en("job.md#job", "job.md#parallel"),
            en("The details", "More details"),
        ],
        "en why",
    ),
    "another value on one side, other words on the other": (
        [ko("30초 안에", "20초 안에"), en("reports their status", "tells their status")],
        "ko why",
    ),
    "a heading here, a sentence there": (
        [ko("## 순서", "## 차례"), en("The container starts.", "The container starts at last.")],
        "en order, ko order",
    ),
    "a change in one text doesn't excuse another text": (
        [ko("가장 작은", "기본"), en("First check", "Check")],
        "ko pod, en what-bites",
    ),
    "all taken back": ([ko("30초", "20초"), ko("20초", "30초")], "quiet"),
    # Moved, split, merged, renamed
    "section moved within its page": (
        moved(
            ("## 순서", "## Order"),
            ("## 자주", "## What"),
            (ko("## 왜", "…## 왜"), en("## Why", "…## Why")),
        ),
        "quiet",
    ),
    "section renamed": (
        [ko("{#order}", "{#steps}"), en("{#order}", "{#steps}")],
        "recorded: workloads/pod#order was renamed to workloads/pod#steps",
    ),
    "section renamed with its title": (
        [ko("순서 {#order}", "단계 {#steps}"), en("Order {#order}", "Steps {#steps}")],
        "recorded: workloads/pod#order was renamed to workloads/pod#steps",
    ),
    "section renamed, title changed on one side": (
        [ko("{#order}", "{#steps}"), en("Order {#order}", "Steps {#steps}")],
        "en steps: workloads/pod#order was renamed to workloads/pod#steps",
    ),
    "section renamed and a number changed on one side": (
        [ko("{#why}", "{#reason}"), en("{#why}", "{#reason}"), ko("30초", "20초")],
        "ko reason: workloads/pod#why was renamed to workloads/pod#reason",
    ),
    "section renamed with a typo on one side": (
        [ko("{#why}", "{#reason}"), en("{#why}", "{#reason}"), en("details", "detials")],
        "recorded: workloads/pod#why was renamed to workloads/pod#reason",
    ),
    "section moved to another page": (
        moved(
            ("## 왜", "## Why"),
            ("## 순서", "## Order"),
            ((KO_JOB, "## 병렬", "…## 병렬"), (EN_JOB, "## In", "…## In")),
        ),
        "recorded: workloads/pod#why was moved to workloads/job#why",
    ),
    "section moved to another page and changed on one side": (
        [
            *moved(
                ("## 왜", "## Why"),
                ("## 순서", "## Order"),
                ((KO_JOB, "## 병렬", "…## 병렬"), (EN_JOB, "## In", "…## In")),
            ),
            (EN_JOB, "A deleted Pod doesn't", "A deleted Pod does"),
        ],
        "en job#why: workloads/pod#why was moved to workloads/job#why",
    ),
    "section split": (
        [
            ko("그다음 세", "\n\n## 노드마다 {#each}\n\n그다음 세"),
            en("Then download", "\n\n## On each node {#each}\n\nThen download"),
        ],
        f"recorded: {SPLIT}",
    ),
    "section split and changed on one side": (
        [
            ko("그다음 세", "\n\n## 노드마다 {#each}\n\n그다음 네"),
            en("Then download", "\n\n## On each node {#each}\n\nThen download"),
        ],
        f"ko each: {SPLIT}",
    ),
    "sections merged": (
        [ko("## 왜 {#why}\n", ""), en("## Why {#why}\n", "")],
        "recorded: workloads/pod#pod and workloads/pod#why were merged into workloads/pod#pod",
    ),
    "sections merged and a sentence lost on one side": (
        [
            ko("## 왜 {#why}\n", ""),
            en("## Why {#why}\n", ""),
            ko("지운 Pod는 다시 생기지 않습니다. [WL-12] ", ""),
        ],
        "ko pod: workloads/pod#pod and workloads/pod#why were merged into workloads/pod#pod",
    ),
    "sentence moved to another section on both sides": (
        [
            ko("매니페스트 하나로 Pod를 띄웁니다.", ""),
            ko(
                "kubelet이 컨테이너를 시작",
                "매니페스트 하나로 Pod를 띄웁니다. kubelet이 컨테이너를 시작",
            ),
            en(" One manifest starts a Pod.", ""),
            en("The kubelet starts", "One manifest starts a Pod. The kubelet starts"),
        ],
        "recorded: sentences moved between workloads/pod#pod and workloads/pod#why",
    ),
    "sentence moved to another section on one side": (
        [
            ko("매니페스트 하나로 Pod를 띄웁니다.", ""),
            ko(
                "kubelet이 컨테이너를 시작",
                "매니페스트 하나로 Pod를 띄웁니다. kubelet이 컨테이너를 시작",
            ),
        ],
        "ko why: sentences moved between workloads/pod#pod and workloads/pod#why",
    ),
    "sentence moved on both sides doesn't hide a change on one": (
        [
            ko("매니페스트 하나로 Pod를 띄웁니다.", ""),
            ko(
                "kubelet이 컨테이너를 시작",
                "매니페스트 하나로 Pod를 띄웁니다. kubelet이 컨테이너를 시작",
            ),
            en(" One manifest starts a Pod.", ""),
            en("The kubelet starts", "One manifest starts a Pod. The kubelet starts"),
            en("smallest", "largest"),
        ],
        "en pod: sentences moved between workloads/pod#pod and workloads/pod#why",
    ),
    "section gone on both sides": (
        [(KO, cut(KO, "## 자주"), ""), (EN, cut(EN, "## What"), "")],
        "recorded",
    ),
    "section new on both sides": (
        [
            ko("## 자주", "## 새것 {#new}\n\n새 글입니다.\n\n## 자주"),
            en("## What", "## New {#new}\n\nA new text.\n\n## What"),
        ],
        "recorded",
    ),
    # Other texts
    "description": ([en("answer within", "answer in under")], "en :description"),
    "number in a description": ([ko("60초", "50초")], "ko :description"),
    "typo in a description": ([ko("응답하는지", "웅답하는지")], "quiet"),
    "title": ([en("title: Pod", "title: Pods")], "en :title"),
    "figure's label": (
        [(FIGURE, "ko: 워커 노드", "ko: 컨트롤 플레인")],
        "ko figures/parts:boxes.node",
    ),
    "figure's arrow": (
        [(FIGURE, "en: reports status", "en: asks for work")],
        "en figures/parts:arrows.node-api",
    ),
    "typo in a figure's label": ([(FIGURE, "en: worker node", "en: woker node")], "quiet"),
    "figure's text for those who don't see it": (
        [(FIGURE, "컨테이너 2개", "컨테이너 3개")],
        "ko figures/parts:alt",
    ),
    "a figure's text on both sides": (
        [(FIGURE, "컨테이너 2개", "컨테이너 3개"), (FIGURE, "2 containers", "3 containers")],
        "recorded",
    ),
    "meaning in the glossary": (
        [(GLOSSARY, "A machine of", "A virtual machine of")],
        "en glossary:meanings.node",
    ),
    "word of the site": (
        [(WORDS, "Holds on", "Held on")],
        "en scripts/k8s_basic/site/words:states.held",
    ),
    "callout": (
        [(CALLOUTS, "Always write a tag", "Write a tag")],
        "en callouts/workloads/pod:spec.containers.0.image",
    ),
    "callout on a field that two documents have": (
        [(CALLOUTS, "the Pod is refused", "the API server refuses it")],
        "en callouts/workloads/pod:Pod/web metadata.name",
    ),
    "callout in another place of the file": (
        [
            (CALLOUTS, SERVICE_CALLOUT, ""),
            (CALLOUTS, "- path: spec", SERVICE_CALLOUT + "- path: spec"),
        ],
        "quiet",
    ),
    "callout with a typo": ([(CALLOUTS, "적습니다", "적슴니다")], "quiet"),
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The root of a repository whose texts are all confirmed."""
    for name, text in SITE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = now(tmp_path)
    record_groups(tmp_path, found, found.groups)
    assert now(tmp_path).groups == []
    return tmp_path


def now(root: Path) -> in_step.Drift:
    return drift(bilingual.texts(root, read_pages(root)), read_record(root))


def edit(root: Path, edits: list[Edit]) -> None:
    for name, old, new in edits:
        text = (root / name).read_text(encoding="utf-8")
        place = re.search(r"\s+".join(map(re.escape, re.split(r"\s+", old))), text)
        assert place, old
        (root / name).write_text(text[: place.start()] + new + text[place.end() :], "utf-8")


def outcome(found: in_step.Drift) -> str:
    """Return what comes of the groups, in the words of SCENARIOS."""
    stories = {group.story for group in found.groups} - {""}
    verdict = ", ".join(
        f"{('ko', 'en')[one.side]} {re.sub('^workloads/(pod#|pod(?=:))?', '', one.key)}"
        for _, one in found.one_sided
    )
    verdict = verdict or ("recorded" if found.settled else "quiet")
    return ": ".join([verdict, *sorted(stories)])


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(site: Path, name: str) -> None:
    edits, expected = SCENARIOS[name]
    edit(site, edits)
    found = now(site)
    said = [found.text(group, one) for group, one in found.one_sided]
    assert outcome(found) == expected, said


@pytest.mark.parametrize("source", bilingual.SOURCES, ids=lambda source: source[0])
def test_each_file_of_texts_is_read(
    source: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bilingual, "SOURCES", (source,))
    empty = [f for f in ROOT.glob(source[0]) if not yaml.safe_load(f.read_text(encoding="utf-8"))]
    assert bilingual.texts(ROOT, []) or empty, "the file holds texts, and none was read"


def settle(root: Path) -> None:
    """Record what a run of the tests records: all that leaves no question."""
    found = now(root)
    record_groups(root, found, found.settled)


def test_corrections_never_add_up_to_a_change(site: Path) -> None:
    for old, new in (("volume", "volune"), ("volune", "volane")):
        before = outcome(now(site))
        edit(site, [en(old, new)])
        settle(site)
        assert before == "quiet"
    assert outcome(now(site)) == "en what-bites"


def test_what_is_recorded_elsewhere_leaves_a_correction_unconfirmed(site: Path) -> None:
    before = read_record(site)
    edit(site, [en("details", "detials"), ko("## 순서", "## 차례"), en("## Order", "## Sequence")])
    settle(site)
    changed = {key for key, text in read_record(site).items() if before[key] != text}
    assert changed == {"workloads/pod#order"}


def test_renamed_section_keeps_what_was_confirmed(site: Path) -> None:
    edit(site, [ko("{#why}", "{#reason}"), en("{#why}", "{#reason}"), en("details", "detials")])
    before = read_record(site)["workloads/pod#why"]
    settle(site)
    after = read_record(site)
    assert after["workloads/pod#reason"] == before
    assert "workloads/pod#why" not in after


def test_unsettled_move_keeps_what_was_confirmed(site: Path) -> None:
    edit(site, [ko("{#why}", "{#reason}"), en("{#why}", "{#reason}"), ko("30초", "20초")])
    settle(site)
    assert "workloads/pod#why" in read_record(site)
    edit(site, [en("within 30 ", "within 20 ")])
    settle(site)
    assert "workloads/pod#why" not in read_record(site)
    assert now(site).groups == []


def test_naming_a_text_confirms_it_as_it_is(site: Path) -> None:
    edit(site, [en("details", "detials")])
    found = now(site)
    record_groups(site, found, found.groups, exact=True)
    assert now(site).groups == []


def test_renamed_page_is_followed_with_each_of_its_sections(site: Path) -> None:
    for name in BOTH:
        (site / name).rename(site / name.replace("pod.md", "pods.md"))
        edit(site, [(name.replace("pod.md", "pods.md"), "{#pod}", "{#pods}")])
    edit(site, [(EN.replace("pod.md", "pods.md"), "three nodes", "two nodes")])
    found = now(site)
    assert [one.key for _, one in found.one_sided] == ["workloads/pods#what-bites"]
    stories = {group.story for group in found.groups}
    for one in ("why", "order", "what-bites"):
        assert f"workloads/pod#{one} was moved to workloads/pods#{one}" in stories


def test_message_says_what_changed_and_what_to_do(site: Path) -> None:
    edit(site, [ko("30초", "20초")])
    found = now(site)
    assert [found.text(group, one) for group, one in found.one_sided] == [
        "this section changed ('30' became '20') and docs/en/workloads/pod.md:15 did not; "
        "change that one too, or run ./scripts/confirm workloads/pod#why"
    ]


def test_message_names_a_value_that_the_other_language_kept(site: Path) -> None:
    edit(site, [ko("30초", "20초"), en("reports their status", "tells their status")])
    found = now(site)
    [text] = [found.text(group, one) for group, one in found.one_sided]
    assert "('30' became '20') and docs/en/workloads/pod.md:15 still says 30; change" in text


def test_record_has_a_file_per_topic_and_a_sorted_line_per_text(site: Path) -> None:
    files = sorted((site / in_step.FOLDER).iterdir())
    topics = ["callouts", "figures", "glossary", "scripts", "workloads"]
    assert [file.name for file in files] == [f"{topic}.jsonl" for topic in topics]
    keys = [json.loads(line)[0] for line in files[-1].read_text(encoding="utf-8").splitlines()]
    assert keys == sorted(keys)
    assert "workloads/pod#why" in keys
    assert "workloads/pod:description" in keys


def test_topic_without_texts_leaves_no_file(site: Path) -> None:
    (site / CALLOUTS).unlink()
    settle(site)
    assert not (site / in_step.FOLDER / "examples.jsonl").exists()
