// Finds the sections that answer a query. MiniSearch keeps the words and rates them (BM25+); what
// it doesn't know is here: how Korean and English words are cut and bent, compounds, and what
// readers call the things of these pages.
//
// A word is stored as its letters: 파드 becomes ㅍㅏㄷㅡ. So a half-typed syllable (잇 of 이스) is the
// beginning of the word, one mistyped letter is one difference, and endings are letters too.
(() => {
  const INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
  // ㅐ and ㅔ sound alike and are confused in loan words; glides are cut, for 져 is 지 and 어.
  const VOWELS = "ㅏ ㅔ ㅣㅏ ㅔ ㅓ ㅔ ㅣㅓ ㅔ ㅗ ㅗㅏ ㅗㅔ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅗㅔ ㅜㅣ ㅠ ㅡ ㅢ ㅣ".split(" ")
  const FINALS = " ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ".split(" ")
  const HANGUL = /[가-힣ㄱ-ㅣ]/

  const letters = text => text.replace(/[가-힣]/g, syllable => {
    const code = syllable.charCodeAt(0) - 0xac00
    return INITIALS[Math.floor(code / 588)] + VOWELS[Math.floor(code / 28) % 21] + FINALS[code % 28]
  })

  // --- words ---------------------------------------------------------------------------------

  // Endings of verbs, longest first; a single consonant in front is the last letter of a syllable.
  const VERBS = `했습니다 했더니 했는데 했어요 했는지 했을까 했다면 했다 합니다 합니까 하는법 하는방법
    하려면 하려고 하나요 하는데 하는지 하세요 하네요 하니까 하면서 하면은 하던 해야 해서 해도 해요 해줘 하기
    하는 하면 하고 하지 하게 하죠 한다 한 할 함 하여 하자 하다 했
    됐습니다 되었습니다 됐는데 됐어요 됐다 됩니다 됩니까 되나요 되는데 되는지 되네요 되면 되고 되는 되지 되게
    되도록 하도록 돼야 돼서 돼도 돼요 된다 된 될 됨 되다 되어 되었
    시킵니다 시키는 시키기 시켜 시킨다 시키면
    었습니다 았습니다 ㅆ습니다 습니다 ㅂ니다 습니까 ㅂ니까 었는데 았는데 ㅆ는데 었어요 았어요 ㅆ어요 는데요 는데
    인가요 나요 는지 네요 니까 어요 아요 ㅓ요 ㅏ요 어서 아서 으면 으려면 려면 으려고 려고 도록 었다 았다 ㅆ다 ㅆ음 ㅆ을
    는다 ㄴ다 는법 는방법 는방식 ㄹ까요 을까요 ㄹ까 을까 지마 어져 아져`
  const SHORT_VERBS = `고 기 며 면 요`
  const PARTICLES = `에서는 에서도 에서의 에서만 에서 에게서 에게 으로는 으로도 으로만 으로 로는 로도 로만 까지 부터
    이라는 라는 이란 란 들에서 들에게 들까지 들을 들은 들이 들의 들도 들과 이나 이랑 랑 하고는 처럼 보다 마다 밖에
    이라면 라면 입니다 이에요 예요 인가 인지 뿐만 뿐 만의 만을 만이 에는 에도 에만 와는 과는 와의 과의 이면 이며
    을 를 은 는 이 가 의 에 와 과 로 도 만 들`
  const endings = text => text.trim().split(/\s+/).map(letters).sort((a, b) => b.length - a.length)
  const VERB = new RegExp(`^(.{2,}?)(?:${endings(VERBS).join("|")})$`)
  const PARTICLE = new RegExp(`^(.{4,}?)(?:${endings(`${PARTICLES} ${SHORT_VERBS}`).join("|")})$`)

  const remembered = (bend, known = new Map()) => word => {
    if (!known.has(word)) known.set(word, bend(word))
    return known.get(word)
  }
  const korean = remembered(word => {
    let stem = letters(word)
    for (let turn = 0; turn < 2; turn++) stem = stem.replace(VERB, "$1").replace(PARTICLE, "$1")
    return stem
  })

  const IRREGULAR = { pods: "pod", running: "run", ran: "run", stuck: "stuck", lost: "lost" }
  const english = remembered(word => {
    if (IRREGULAR[word]) return IRREGULAR[word]
    if (word.length < 4 || !/^[a-z]+$/.test(word)) return word
    let stem = word
      .replace(/ies$/, "y").replace(/(ss|x|ch|sh)es$/, "$1").replace(/([^su])s$/, "$1")
      .replace(/(.{3,}[ts])ions?$/, "$1")
    const bent = stem.replace(/(.{3,})(?:ing|ed)$/, "$1")
    if (bent !== stem) stem = bent.replace(/([^aeiouls])\1$/, "$1")
    return stem.length > 4 ? stem.replace(/e$/, "").replace(/([^aeiou])y$/, "$1i") : stem
  })

  // Cut a text into words: each is { word: its stem, parts: stems of what it is made of }.
  const TOKEN = /--?[a-z][\w-]*|[a-z0-9]+(?:[._/:'-]+[a-z0-9]+)*|[가-힣ㄱ-ㅣ]+/gi
  const CAMEL = /([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g
  const joined = word => word.replace(/[._/:'-]+/g, "")
  const read = remembered(token => {
    if (HANGUL.test(token)) return { word: korean(token), text: token, parts: [] }
    const plain = token.replace(/'[st]$/, "").replace(/^-+(?=-)/, "-")
    const pieces = plain.replace(/^-+/, "").replace(CAMEL, "$1$3 $2$4").split(/[ ._/:'-]+/)
    if (pieces.length === 1 && plain[0] !== "-") return { word: english(plain.toLowerCase()), text: token, parts: [] }
    return { word: plain.toLowerCase(), text: token, parts: pieces.map(piece => english(piece.toLowerCase())) }
  })
  const cut = text => (text.match(TOKEN) || []).map(read)

  // What the index keeps of a word: ImagePullBackOff is found by its parts, too.
  const kept = remembered(token => {
    const { word, parts } = read(token)
    return parts.length ? [...new Set([word, joined(word), ...parts])].filter(Boolean) : [word]
  })
  const stored = text => (text.match(TOKEN) || []).flatMap(kept)

  const STOP = new Set([
    ...`a an the to of in on for and or is are am be was were do does did how what why when where which who
    i my me we you your it its this that these with from by as at can could should would will there have has
    had get got getting gets if so not no dont doesnt cant im please vs versus difference between`.split(/\s+/).flatMap(w => [w, english(w)]),
    ...`어떻게 어떡해 어떤 무엇 무슨 무엇을 뭐 뭔 뭔가요 뭐예요 뭐에요 왜 수 것 거 게 때 경우 좀 그냥 방법 법 하는법 있나요 있는
    있다 있어요 있습니다 싶어요 싶은데 싶다 주세요 알려줘 하나요 하려면 하는 해요 했는데 하기 하면 하고 돼요 되나요 되는 됩니다 되면 나와요 나옴 나요
    뜨는데 같은 그리고 이 그 저 너무 자꾸 차이 차이점 비교`.split(/\s+/).map(korean),
  ])

  const BACKGROUND = new Set(["kubernetes", "k8s", "kube", "쿠버네티스"].map(word => read(word).word))
  const telling = words => {
    const rest = words.filter(({ word }) => !STOP.has(word))
    const front = rest.filter(({ word }) => !BACKGROUND.has(word))
    return front.length > 1 ? front : rest.length ? rest : words
  }
  const NOT = new Set(["안", "못"].map(korean))

  // --- index ---------------------------------------------------------------------------------

  const P = globalThis.SearchP = { fields: { title: 6.5, heading: 3.5, lead: 2.3, text: 1, code: 0.8 }, bm25: { k: 2, b: 0.75, d: 0.4 },
    global: 0.65, partial: 2, sec: 0.1, whole: 1.2, covered: 1, reference: 0.55, exp: 0.4, explast: 0.55, expnone: 0.9, partsw: 0.45, pair: 0.3 }

  class Engine {
    constructor(words) {
      this.sections = []
      this.known = new Map()  // how often each word of the index occurs
      this.found = new Map()
      this.mini = new MiniSearch({
        fields: Object.keys(P.fields),
        tokenize: (text, field) => this.learn(stored(text), field),
        processTerm: term => term,
        searchOptions: { tokenize: term => [term], bm25: P.bm25 },
      })
      this.read(words)
    }

    // Take pages in, a few at a time, so that the reader's typing isn't held up.
    add(pages) {
      for (const page of pages) {
        const [, title, sections] = page
        for (const [anchor, heading, text, code] of sections) {
          const id = this.sections.length
          this.sections.push({ id, page, anchor, heading, text, code })
          const own = anchor ? { heading } : { title, lead: text.slice(0, 160) }
          this.mini.add({ id, text, code, ...own })
        }
      }
      this.vocabulary = [...this.known.keys()]
      this.found.clear()
    }

    // Count the sections that have a word, in any field and in each.
    learn(words, field) {
      const id = this.sections.length
      for (const word of new Set(words)) {
        if (!this.known.has(word)) this.known.set(word, { any: 0, last: 0 })
        const counts = this.known.get(word)
        counts[field] = (counts[field] || 0) + 1
        if (counts.last !== id) Object.assign(counts, { last: id, any: counts.any + 1 })
      }
      return words
    }

    // A word that is everywhere says little, even in a title, where few sections have it.
    boosts(word) {
      const counts = this.known.get(word) || { any: 1 }
      const rare = count => Math.log(1 + (this.sections.length - count + 0.5) / (count + 0.5))
      return Object.fromEntries(Object.entries(P.fields).map(([field, boost]) => (
        [field, boost * (rare(counts.any) / rare(counts[field] || 1)) ** P.global])))
    }

    // What readers type (its words run together) leads to what the pages say (a list of words).
    read(groups) {
      this.means = new Map()
      for (const [said, ...typed] of groups) {
        const terms = telling(cut(said)).map(({ word }) => word)
        for (const text of typed) {
          const key = telling(cut(text)).map(({ word }) => joined(word)).join("")
          if (!this.means.has(key)) this.means.set(key, [])
          this.means.get(key).push(terms)
        }
      }
    }

    // Scores of the sections that have a word, by number of the section.
    having(word) {
      let scores = this.found.get(word)
      if (!scores) {
        scores = new Map(this.mini.search(word, { boost: this.boosts(word) }).map(r => [r.id, r.score]))
        this.found.set(word, scores)
      }
      return scores
    }

    // --- query -------------------------------------------------------------------------------

    // Ways to read one word: lists of [words of the index, weight].
    readings(word, parts, last) {
      const ways = []
      const exact = this.known.has(word)
      if (exact) ways.push([[word], 1])
      for (const terms of this.means.get(joined(word)) || []) ways.push([terms, 1])
      const run = joined(word)
      if (run !== word && this.known.has(run)) ways.push([[run], 1])
      if (parts.length) ways.push([parts, exact ? P.partsw : 0.9])
      const least = HANGUL.test(word) ? 4 : 3
      if (word.length >= least) {
        const root = HANGUL.test(word) ? word.replace(/[ㅏㅓㄴㄹㅁㅂㅆ]+$/, "") : word
        const related = []
        for (const other of this.vocabulary) {
          if (other === word) continue
          if (other.startsWith(word) || (root.length >= least && other.startsWith(root) && other.length <= root.length + 2))
            related.push([other, Math.max(0.5, word.length / other.length)])
          else if (word.length >= 4 && other.includes(word) && other.length <= 4 * word.length)
            related.push([other, 0.7 * Math.max(0.5, word.length / other.length)])
        }
        related.sort((a, b) => b[1] - a[1] || this.known.get(b[0]).any - this.known.get(a[0]).any)
        const trust = exact || ways.length ? (last ? P.explast : P.exp) : P.expnone
        for (const [other, share] of related.slice(0, 12)) ways.push([[other], share * trust])
      }
      return ways
    }

    // A word that no page has: a compound of known words, else a word with a letter mistyped.
    guesses(word, text) {
      const pieces = HANGUL.test(word) ? this.segments(text) : []
      if (pieces.length) return [[pieces, 0.9]]
      const room = word.length >= 8 ? 2 : word.length >= 5 ? 1 : 0
      if (!room) return []
      const near = this.mini.search(word, { fuzzy: room, prefix: false })
      const terms = [...new Set(near.flatMap(result => result.terms))]
      const typed = [...this.means.keys()].filter(key => Math.abs(key.length - word.length) <= 1
        && key.length >= 6 && distance(key, word) <= 1)
      return [...terms.slice(0, 6).map(term => [[term], 0.7]),
        ...typed.flatMap(key => this.means.get(key).map(t => [t, 0.8]))]
    }

    // Cut a Korean compound into the fewest known words of two syllables and more.
    segments(text) {
      const best = [{ cost: 0, terms: [] }]
      for (let end = 1; end <= text.length; end++) {
        best[end] = { cost: best[end - 1].cost + 2.5, terms: best[end - 1].terms }
        for (let start = Math.max(0, end - 8); start < end; start++) {
          const piece = korean(text.slice(start, end))
          const meant = this.means.get(piece)
          if (!meant && (end - start < 2 || !this.known.has(piece))) continue
          const cost = best[start].cost + 1
          if (cost < best[end].cost)
            best[end] = { cost, terms: [...best[start].terms, meant ? { any: [[piece], ...meant] } : piece] }
        }
      }
      const { terms } = best[text.length]
      return terms
    }

    // The query as units: each is a list of ways to read it.
    units(query) {
      const words = telling(cut(query.normalize("NFC")))
      const units = []
      for (let at = 0; at < words.length;) {
        let span = 1
        const ways = []
        for (let length = Math.min(4, words.length - at); length > 1; length--) {
          const run = words.slice(at, at + length).map(({ word }) => joined(word)).join("")
          const meant = this.means.get(run) || []
          if (!meant.length && !this.known.has(run)) continue
          span = length
          if (this.known.has(run)) ways.push([[run], 1.2])
          for (const terms of meant) ways.push([terms, 1])
          ways.push([words.slice(at, at + length).map(({ word }) => word), 1])
          break
        }
        if (span === 1 && NOT.has(words[at].word) && at + 1 < words.length) {
          at += 1
          continue
        }
        if (span === 1) {
          const { word, text, parts } = words[at]
          ways.push(...this.readings(word, parts, at === words.length - 1))
          if (!this.known.has(word) && !this.means.has(joined(word))) ways.push(...this.guesses(word, text))
        }
        units.push({ ways, span })
        at += span
      }
      return units
    }

    // Scores of the sections by one unit: the best of its ways.
    rate({ ways }) {
      const scores = new Map()
      for (const [terms, weight] of ways)
        for (const [id, score] of this.all(terms))
          if (score * weight > (scores.get(id) || 0)) scores.set(id, score * weight)
      return scores
    }

    // Scores by several words: what has only some of them counts for less.
    all(terms) {
      if (terms.length === 1 && typeof terms[0] === "string") return this.having(terms[0])
      const sums = new Map()
      for (const term of terms) {
        const one = typeof term === "string" ? this.having(term)
          : this.rate({ ways: term.any.map(way => [way, 1]) })
        for (const [id, score] of one) {
          const sum = sums.get(id) || { score: 0, count: 0 }
          sums.set(id, { score: sum.score + score, count: sum.count + 1 })
        }
      }
      return new Map([...sums].map(([id, { score, count }]) => [id, score * (count / terms.length) ** P.partial]))
    }

    // The words of the index that a query is looked for by.
    terms(query) {
      return new Set(this.units(query).flatMap(({ ways }) => [...wanted(ways)]))
    }

    // Where a text has such words: [start, end, word] of each.
    places(text, terms) {
      return [...text.matchAll(TOKEN)].flatMap(({ 0: token, index }) => {
        const word = kept(token).find(word => terms.has(word))
        return word ? [[index, index + token.length, word]] : []
      })
    }

    // Return the pages that answer, best first: { page, score, sections: [{ section, score }] }.
    search(query) {
      const units = this.units(query)
      const rated = units.map(unit => this.rate(unit))
      const asked = rated.filter(scores => scores.size).length || 1
      const pages = new Map()
      rated.forEach((scores, unit) => {
        for (const [id, score] of scores) {
          const { page } = this.sections[id]
          if (!pages.has(page)) pages.set(page, { best: rated.map(() => 0), sections: new Map() })
          const found = pages.get(page)
          found.best[unit] = Math.max(found.best[unit], score)
          const section = found.sections.get(id) || { scores: rated.map(() => 0) }
          section.scores[unit] = score
          found.sections.set(id, section)
        }
      })
      const results = [...pages].map(([page, { best, sections }]) => {
        const listed = [...sections].map(([id, { scores }]) => (
          { section: this.sections[id], scores, score: total(scores) * (P.sec + (1 - P.sec) * share(scores, asked)) }))
        const weight = /(^|\/)reference\/|^(en\/)?$/.test(page[0]) ? P.reference : 1
        return { page, weight, whole: total(best) * share(best, asked) ** P.covered, sections: listed.sort(byScore) }
      })
      for (const result of results) result.score = result.weight * (result.sections[0].score + P.whole * result.whole)
      results.sort(byScore)
      if (asked > 1) this.join(results.slice(0, 15), units)
      return results.sort(byScore)
    }

    // Words that stand together in the query and in a section are worth more.
    join(results, units) {
      const sets = units.map(({ ways }) => wanted(ways))
      for (const result of results) {
        let most = 0
        for (const found of result.sections.slice(0, 5)) {
          const extra = this.together(found, sets)
          found.score += P.pair * extra
          most = Math.max(most, extra)
        }
        result.sections.sort(byScore)
        result.score += result.weight * P.pair * most * 2
      }
    }

    together({ section, scores }, sets) {
      const places = sets.map(set => new Set([...set].flatMap(word => this.positions(section).get(word) || [])))
      let sum = 0
      for (let unit = 0; unit + 1 < sets.length; unit++) {
        const next = places[unit + 1]
        if ([...places[unit]].some(at => next.has(at + 1) || next.has(at + 2)))
          sum += Math.min(scores[unit], scores[unit + 1])
      }
      return sum
    }

    // Where in a section each word stands.
    positions(section) {
      if (!section.positions) {
        section.positions = new Map()
        const text = `${section.anchor ? section.heading : section.page[1]}. ${section.text}. ${section.code}`
        text.match(TOKEN).forEach((token, at) => {
          for (const word of kept(token)) {
            if (!section.positions.has(word)) section.positions.set(word, [])
            section.positions.get(word).push(at)
          }
        })
      }
      return section.positions
    }
  }

  const byScore = (a, b) => b.score - a.score
  const total = scores => scores.reduce((sum, score) => sum + score, 0)
  const share = (scores, asked) => scores.filter(Boolean).length / asked

  // The words of the index that a unit is looked for by.
  const wanted = ways => new Set(ways.filter(([, weight]) => weight >= 0.45).flatMap(([terms]) => (
    terms.flatMap(term => typeof term === "string" ? [term] : term.any.flat()))))

  const distance = (a, b) => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i)
    for (let i = 1; i <= a.length; i++) {
      const next = [i]
      for (let j = 1; j <= b.length; j++)
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]))
      row = next
    }
    return row[b.length]
  }

  globalThis.SearchEngine = Object.assign(Engine, { cut, stored, korean, letters, english })
})()
