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

  // Keys of a Korean keyboard, for what was typed without switching to it.
  const KEYS = Object.fromEntries([..."qwertasdfgzxcvyuiophjklbnmQWERTOP"].map((key, at) => [key,
    "ㅂ ㅈ ㄷ ㄱ ㅅ ㅁ ㄴ ㅇ ㄹ ㅎ ㅋ ㅌ ㅊ ㅍ ㅛ ㅣㅓ ㅣㅏ ㅔ ㅔ ㅗ ㅓ ㅏ ㅣ ㅠ ㅜ ㅡ ㅃ ㅉ ㄸ ㄲ ㅆ ㅔ ㅔ".split(" ")[at]]))

  // --- words ---------------------------------------------------------------------------------

  // Endings; a single consonant in front is the last letter of a syllable. What's left of a noun has
  // two syllables, for 로 and 기 are also how words end that have none.
  const DOING = "하 해 했 되 돼 됐 시키 시켜 시켰 당하 당해 당했"
  const VERBS = `습니다 ㅂ니다 습니까 ㅂ니까 었습니다 았습니다 ㅆ습니다 는지 는데 는데요 었는데 았는데 ㅆ는데 ㄴ지 ㄴ데 은데 나요
    네요 니까 어요 아요 었어요 았어요 ㅆ어요 ㅓ요 ㅏ요 어서 아서 으면 으려면 려면 으려고 려고 도록 었다 았다 ㅆ다 ㅆ음 ㅆ을 ㅆ는지
    었는지 았는지 는다 ㄴ다 는법 는방법 는거 는것 ㄹ까요 을까요 ㄹ까 을까 지마 어져 아져 더니 ㅆ더니 면서 으면서 대요 래요
    ㄴ대요 는대요 ㅂ시다 세요 거든요 잖아요 인가요 ㄴ가요 은가요 던데 자마자`
  const AFTER_DOING = "요 다 면 고 지 게 기 서 도 야 던 는 ㄴ ㄹ ㅁ 자 죠 여 며 면은 라 라고 다면 줘 을까 음 을"
  const PARTICLES = `에서는 에서도 에서의 에서만 에서 에게서 에게 으로는 으로도 으로만 으로 로는 로도 로만 까지 부터
    이라는 라는 이란 란 들에서 들에게 들까지 들을 들은 들이 들의 들도 들과 이나 이랑 랑 하고는 처럼 보다 마다 밖에
    이라면 라면 입니다 이에요 예요 인가 인지 뿐만 뿐 만의 만을 만이 에는 에도 에만 와는 과는 와의 과의 이면 이며
    을 를 은 는 이 가 의 에 와 과 로 도 만 들 고 기 며 면 요`
  const endings = text => text.trim().split(/\s+/).map(letters).sort((a, b) => b.length - a.length).join("|")
  const done = `(?:${endings(DOING)})(?:${endings(`${VERBS} ${AFTER_DOING}`)})?`
  const VERB = new RegExp(`^(.{2,}?)(?:${done}|${endings(VERBS)})$`)
  const PARTICLE = new RegExp(`^(.{4,}?)(?:${endings(PARTICLES)})$`)

  const remembered = (bend, known = new Map()) => word => {
    if (!known.has(word)) known.set(word, bend(word))
    return known.get(word)
  }
  const korean = remembered(word => {
    let stem = letters(word)
    for (let turn = 0; turn < 2; turn++) stem = stem.replace(VERB, "$1").replace(PARTICLE, "$1")
    return stem
  })

  const IRREGULAR = { pods: "pod", running: "run", ran: "run", died: "die", dying: "die" }
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

  // Words of a text: { word: its stem, text: as it stands there, parts: stems of what it's made of }.
  const TOKEN = /--?[a-z][\w-]*|[a-z0-9]+(?:[._/:'-]+[a-z0-9]+)*|[가-힣ㄱ-ㅣ]+/gi
  const PLURAL = /^([A-Z]{2,})s$/  // PVCs, which the next line would cut into PV and Cs
  const CAMEL = /([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g
  const joined = word => word.replace(/[._/:'-]+/g, "")
  const read = remembered(token => {
    if (HANGUL.test(token)) return { word: korean(token), text: token, parts: [] }
    const plain = token.replace(/'[st]$/, "").replace(/^-+(?=-)/, "-").replace(PLURAL, "$1")
    const pieces = plain.replace(/^-+/, "").replace(CAMEL, "$1$3 $2$4").split(/[ ._/:'-]+/)
    const lower = plain.toLowerCase()
    if (pieces.length === 1 && plain[0] !== "-") return { word: english(lower), text: token, parts: [] }
    return { word: lower, text: token, parts: pieces.map(piece => english(piece.toLowerCase())) }
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
    had get got getting gets if so not no dont doesnt cant im please vs versus difference between see know want need tell help
    let only make happens happen work works use using mean means meaning definition purpose`.split(/\s+/).flatMap(w => [w, english(w)]),
    ...`어떻게 어떡해 어떤 무엇 무슨 무엇을 뭐 뭔 뭔가요 뭐예요 뭐에요 누가 누구 왜 수 것 거 게 때 경우 좀 그냥 방법 법 하는법 있나요 있는
    있다 있어요 있습니다 싶어요 싶은데 싶다 주세요 알려줘 하나요 하려면 하는 해요 했는데 하기 하면 하고 돼요 되나요 되는 됩니다 되면 나와요 나옴 나요
    뜨는데 같은 그리고 이 그 저 너무 자꾸 계속 알고 알려 궁금해요 궁금 보고 싶은데요 있을까요 있을까 건가요 걸까요 언제 어디 어디서 어디서부터 차이 차이점 비교
    뜻 의미 이유 쓰나요 써요 쓰나 필요한 필요해요`.split(/\s+/).map(korean),
  ])

  // Words that tell little next to others: every page is about Kubernetes and has examples, and
  // every error is one.
  const COMMON = "kubernetes k8s kube 쿠버네티스 error warning 에러 오류 예제 예시 example examples"
  const BACKGROUND = new Set(cut(COMMON).map(({ word }) => word))
  const LITTLE = 0.3  // what such a word counts for

  // The words of a text that tell something, and of those the ones that tell little.
  const telling = words => {
    const rest = words.filter(({ word }) => !STOP.has(word))
    return rest.length ? rest : words
  }
  const weighed = words => {
    const rest = telling(words)
    const front = rest.filter(({ word }) => !BACKGROUND.has(word))
    return front.length ? [front, rest.filter(({ word }) => BACKGROUND.has(word))] : [rest, []]
  }
  const NOT = new Set(["안", "못"].map(korean))

  // --- index ---------------------------------------------------------------------------------

  // What a field's words are worth, and BM25's constants: found by measuring, flat around here.
  const FIELDS = { title: 5.5, heading: 3.5, lead: 2.3, keywords: 2, text: 1, code: 1 }
  const BM25 = { k: 2, b: 0.75, d: 0.4 }
  const LEAD = 160  // letters of the page's first text, which say what the page is for
  const RARITY = 0.7  // how far a word's rarity in the whole index replaces that in its field

  const NAME = 1.8, PARTS = 0.3  // a name such as podSelector, and its parts when it's known as a whole
  const HALF = 0.9  // what a page keeps whose title is there in part: Pod Security for Pod
  const NAMED = 0.3  // what a page gets for having its title in the query

  class SearchEngine {
    // `words`: lists of what the pages say and what readers type for it.
    constructor(words) {
      this.sections = []
      this.known = new Map()  // in how many sections each word stands, in any field and in each
      this.found = new Map()
      this.mini = new MiniSearch({
        fields: Object.keys(FIELDS),
        tokenize: (text, field) => this.learn(stored(text), field),
        processTerm: term => term,
        searchOptions: { tokenize: term => [term], bm25: BM25 },
      })
      this.means = new Map()
      for (const [said, ...typed] of words) {
        const terms = weighed(cut(said))[0].map(({ word }) => word)
        for (const text of typed) {
          const key = weighed(cut(text))[0].map(({ word }) => joined(word)).join("")
          this.means.set(key, [...(this.means.get(key) || []), terms])
        }
      }
    }

    // Take pages in, a few at a time, so that the reader's typing isn't held up.
    add(pages) {
      for (const page of pages) {
        const [, title, sections, keywords] = page
        for (const [anchor, heading, text, code] of sections) {
          const id = this.sections.length
          this.sections.push({ id, page, anchor, heading, text, code })
          const own = anchor ? { heading } : { title, keywords, lead: text.slice(0, LEAD) }
          this.mini.add({ id, text, code, ...own })
        }
      }
      this.vocabulary = [...this.known.keys()]
      this.found.clear()
    }

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
      const rarity = count => Math.log(1 + (this.sections.length - count + 0.5) / (count + 0.5))
      return Object.fromEntries(Object.entries(FIELDS).map(([field, boost]) => (
        [field, boost * (rarity(counts.any) / rarity(counts[field] || 1)) ** RARITY])))
    }

    // --- the query as units ------------------------------------------------------------------

    // A unit is a word, or some that belong together, as a list of ways to read it; a way is a list
    // of words of the index, and how much it's to be trusted.
    units(query) {
      const [words, little] = weighed(cut(query.normalize("NFC")))
      const units = []
      for (let at = 0; at < words.length;) {
        const [length, ways] = this.phrase(words.slice(at, at + 4))
        if (length) units.push(ways)
        else if (!NOT.has(words[at].word) || words.length === 1)
          units.push(this.readings(words[at], at + 1 === words.length))
        at += length || 1
      }
      const less = ([terms, trust]) => [terms, LITTLE * trust]
      return [...units, ...little.map(word => this.readings(word, false).map(less))]
    }

    // The longest beginning of some words that the glossary has, or the index as one word.
    phrase(words) {
      for (let length = words.length; length > 1; length--) {
        const some = words.slice(0, length).map(({ word }) => word)
        const run = some.map(joined).join("")
        const meant = this.means.get(run) || []
        const whole = this.known.has(run) ? [[[run], 1.2]] : []
        if (meant.length || whole.length)
          return [length, [...whole, [some, 1], ...meant.map(terms => [terms, 1])]]
      }
      return [0, []]
    }

    readings({ word, text, parts }, last) {
      const exact = this.known.has(word), run = joined(word)
      const meant = this.means.get(run) || []
      const ways = meant.map(terms => [terms, 1])
      const sure = parts.length ? NAME : 1
      if (exact) ways.push([[word], sure])
      if (run !== word && this.known.has(run)) ways.push([[run], sure])
      if (parts.length) ways.push([parts, exact ? PARTS : 0.9])
      const trust = !ways.length ? 0.9 : last ? 0.55 : 0.4  // the last word may be half typed
      for (const [other, alike] of this.related(word)) ways.push([[other], alike * trust])
      return exact || meant.length ? ways : [...ways, ...this.guesses(word, text)]
    }

    // Words of the index that begin with a word or have it inside, and how much of them it is.
    related(word) {
      const hangul = HANGUL.test(word)
      const least = hangul ? 4 : 3
      if (word.length < least) return []
      const root = hangul ? word.replace(/[ㅏㅓㄴㄹㅁㅂㅆ]+$/, "") : word  // 지워, 지운 and 지웁 of 지우다
      const related = []
      for (const other of this.vocabulary) {
        if (other === word || other.length > 4 * word.length) continue
        const alike = Math.max(0.5, word.length / other.length)
        const bent = root.length >= least && other.length <= root.length + 2 && other.startsWith(root)
        if (bent || other.startsWith(word)) related.push([other, alike])
        else if (word.length > 3 && other.includes(word)) related.push([other, 0.7 * alike])
      }
      const often = ([other]) => this.known.get(other).any
      return related.sort((a, b) => b[1] - a[1] || often(b) - often(a)).slice(0, 12)
    }

    // A word that no page has: a name of the glossary with one letter mistyped, a compound of known
    // words, typed without switching the keyboard, or any word mistyped.
    guesses(word, text) {
      const hangul = HANGUL.test(word)
      const least = hangul ? 6 : 5
      const names = [...this.means.keys()].filter(key => key.length >= least && differ(key, word) < 2)
      const ways = names.flatMap(key => this.means.get(key).map(terms => [terms, 0.8]))
      const pieces = hangul ? this.pieces(text) : []
      if (pieces.length) return [...ways, [pieces, ways.length ? 0.5 : 0.9]]
      const switched = hangul ? "" : korean([...word].map(key => KEYS[key] || key).join(""))
      const meant = this.means.get(switched) || []
      if (this.known.has(switched) || meant.length)
        return [...ways, ...[[switched], ...meant].map(terms => [terms, 0.9])]
      const { length } = hangul ? word : text  // a stem may be short
      const errors = length > 7 ? 2 : length > 4 ? 1 : 0
      const near = errors ? this.mini.search(word, { fuzzy: errors }).flatMap(({ terms }) => terms) : []
      return [...ways, ...[...new Set(near)].slice(0, 6).map(term => [[term], 0.7])]
    }

    // Cut a compound into as few known words as possible, leaving out as little as possible.
    pieces(text) {
      const best = [{ cost: 0, terms: [] }]
      for (let end = 1; end <= text.length; end++) {
        const { cost, terms } = best[end - 1]
        best[end] = { cost: cost + 2.5, terms }
        for (let start = Math.max(0, end - 8); start < end; start++) {
          const piece = korean(text.slice(start, end))
          const meant = this.means.get(piece)
          if (!meant && (end - start < 2 || !this.known.has(piece))) continue
          const cost = best[start].cost + 1
          const term = meant ? [[[piece], 1], ...meant.map(terms => [terms, 1])] : piece
          if (cost < best[end].cost) best[end] = { cost, terms: [...best[start].terms, term] }
        }
      }
      return best[text.length].terms
    }

    // --- what has the words ------------------------------------------------------------------

    // Scores by a unit, by number of the section: the best of its ways.
    rate(ways) {
      const scores = new Map()
      for (const [terms, trust] of ways)
        for (const [id, score] of this.having(terms))
          if (score * trust > (scores.get(id) || 0)) scores.set(id, score * trust)
      return scores
    }

    // Scores by several words together: what has only some of them counts for less.
    having(terms) {
      const each = terms.map(term => typeof term === "string" ? this.scores(term) : this.rate(term))
      if (each.length === 1) return each[0]
      const sums = new Map()
      for (const scores of each)
        for (const [id, score] of scores) {
          const [sum, count] = sums.get(id) || [0, 0]
          sums.set(id, [sum + score, count + 1])
        }
      return new Map([...sums].map(([id, [sum, count]]) => [id, sum * (count / terms.length) ** 2]))
    }

    scores(word) {
      if (!this.found.has(word)) {
        const found = this.mini.search(word, { boost: this.boosts(word) })
        this.found.set(word, new Map(found.map(({ id, score }) => [id, score])))
      }
      return this.found.get(word)
    }

    // --- results -----------------------------------------------------------------------------

    // Return the pages that answer, best first: { page, score, sections: [{ section, score }] }.
    search(query) {
      const units = this.units(query)
      const rated = units.map(ways => this.rate(ways))
      const sets = units.map(wanted)
      const results = this.pages(rated).map(found => this.judged(found, rated, sets)).sort(byScore)
      if (rated.length > 1) this.prefer(results.slice(0, 15), sets)
      results.sort(byScore)
      return results.filter(({ score }) => score > results[0].score / 10)
    }

    // The pages with any of the units: { page, sections: { section: scores by unit } }.
    pages(rated) {
      const pages = new Map()
      rated.forEach((scores, unit) => {
        for (const [id, score] of scores) {
          const { page } = this.sections[id]
          if (!pages.has(page)) pages.set(page, new Map())
          if (!pages.get(page).has(id)) pages.get(page).set(id, rated.map(() => 0))
          pages.get(page).get(id)[unit] = score
        }
      })
      return [...pages]
    }

    // A page is as good as its best section and as all that it has of the query, wherever; one whose
    // whole title is in the query is better, and lists for looking things up come after lessons.
    judged([page, found], rated, sets) {
      // a unit that is to be trusted little has no words that are wanted
      const weights = sets.map((set, unit) => rated[unit].size && (set.size ? 1 : LITTLE))
      const share = scores => total(weights.filter((_, unit) => scores[unit])) / total(weights)
      const sections = [...found].map(([id, scores]) => (
        { section: this.sections[id], scores, score: total(scores) * (0.1 + 0.9 * share(scores)) })).sort(byScore)
      const best = rated.map((_, unit) => Math.max(...sections.map(({ scores }) => scores[unit])))
      const [address, title] = page
      const names = telling(cut(title))
      const said = names.filter(({ word }) => sets.some(set => set.has(word))).length / names.length
      const named = said === 1 ? 1 + NAMED * Math.min(1, names.length / sets.length) : said ? HALF : 1
      const weight = named * (LISTS.test(address) ? 0.55 : 1)
      return { page, sections, weight, score: weight * (sections[0].score + 1.2 * total(best) * share(best)) }
    }

    // Words that stand together in the query and in a section are worth more.
    prefer(results, sets) {
      for (const result of results) {
        const extras = result.sections.slice(0, 5).map(found => {
          const extra = 0.3 * this.together(found, sets)
          found.score += extra
          return extra
        })
        result.sections.sort(byScore)
        result.score += 2 * result.weight * Math.max(...extras)
      }
    }

    together({ section, scores }, sets) {
      const positions = this.positions(section)
      const places = sets.map(set => new Set([...set].flatMap(word => positions.get(word) || [])))
      return total(places.slice(1).map((next, unit) => (
        [...places[unit]].some(at => next.has(at + 1) || next.has(at + 2))
          ? Math.min(scores[unit], scores[unit + 1]) : 0)))
    }

    // Where in a section each word stands.
    positions(section) {
      if (section.positions) return section.positions
      section.positions = new Map()
      const text = [section.anchor ? section.heading : section.page[1], section.text, section.code].join(" ")
      text.match(TOKEN).forEach((token, at) => {
        for (const word of kept(token))
          section.positions.set(word, [...(section.positions.get(word) || []), at])
      })
      return section.positions
    }

    // --- what to mark in a text --------------------------------------------------------------

    // The words of the index that a query is looked for by.
    terms(query) {
      return new Set(this.units(query).flatMap(ways => [...wanted(ways)]))
    }

    // Where a text has such words: [start, end, word] of each.
    places(text, terms) {
      return [...text.matchAll(TOKEN)].flatMap(({ 0: token, index }) => {
        const word = kept(token).find(word => terms.has(word))
        return word ? [[index, index + token.length, word]] : []
      })
    }
  }

  const LISTS = /(^|\/)reference\/|^(en\/)?(index\.html)?$/
  const byScore = (a, b) => b.score - a.score
  const total = scores => scores.reduce((sum, score) => sum + score, 0)

  // The words of the index that a unit is looked for by.
  const wanted = ways => new Set(ways.filter(([, trust]) => trust >= 0.45).flatMap(([terms]) => (
    terms.flatMap(term => typeof term === "string" ? [term] : [...wanted(term)]))))

  // In how many letters two words differ (Levenshtein); 2 stands for any more.
  const differ = (a, b) => {
    if (Math.abs(a.length - b.length) > 1) return 2
    let from = 0
    while (from < a.length && a[from] === b[from]) from++
    const rest = [a.slice(from), b.slice(from)]
    const same = (x, y) => a.slice(from + x) === b.slice(from + y)
    return rest[0] === rest[1] ? 0 : same(1, 1) || same(1, 0) || same(0, 1) ? 1 : 2
  }

  globalThis.SearchEngine = SearchEngine
})()
