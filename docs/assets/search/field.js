// The search field: it loads the engine and the index of the page's language when a reader goes
// there, by script tags, which also work for pages opened from disk, and lists what is found while
// the reader types, Hangul syllables in the making included.
(() => {
  const search = document.querySelector("[data-search]")
  const toggle = document.getElementById("__search")
  if (!search || !toggle) return
  const { scripts, root, ...words } = search.dataset
  const field = search.querySelector("input")
  const status = search.querySelector("[role=status]")
  const list = search.querySelector("ol")
  const LISTED = 12, SECTIONS = 3

  // --- loading -------------------------------------------------------------------------------

  const script = address => new Promise((loaded, failed) => {
    const element = document.createElement("script")
    Object.assign(element, { src: address, async: false, onload: loaded, onerror: failed })
    document.head.append(element)
  })
  const pause = () => new Promise(resume => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = resume
    port2.postMessage(0)
  })

  let engine, made
  const ready = () => engine ||= (async () => {
    await Promise.all(scripts.split(" ").map(script))
    const { pages, words } = window.searchIndex
    const growing = new SearchEngine(words)
    for (let at = 0; at < pages.length; at += 4) {
      growing.add(pages.slice(at, at + 4))
      await pause()
    }
    return made = growing
  })()

  const forget = () => { engine = undefined }  // the next try loads again

  // --- results -------------------------------------------------------------------------------

  const make = (name, className, ...children) => {
    const element = document.createElement(name)
    if (className) element.className = className
    element.append(...children)
    return element
  }

  // A text with the words that were found marked; a long one is cut to where most of them are.
  const marked = (text, places, room = Infinity) => {
    let start = 0, most = 0
    for (const [from] of text.length > room ? places : []) {
      const inside = places.filter(([at, end]) => at >= from && end <= from + room * 0.8)
      const different = new Set(inside.map(([, , word]) => word)).size
      if (different > most) [most, start] = [different, from]
    }
    start = start < room / 4 ? 0 : text.lastIndexOf(" ", start - room / 6) + 1
    const end = text.length > start + room ? text.lastIndexOf(" ", start + room) : text.length
    const parts = [start ? "… " : ""]
    let at = start
    for (const [from, to] of places) {
      if (from < at || to > end) continue
      parts.push(text.slice(at, from), make("mark", "", text.slice(from, to)))
      at = to
    }
    return [...parts, text.slice(at, end), end < text.length ? " …" : ""]
  }

  const link = (address, title, text, icon) => {
    const article = make("article", "md-search-result__article md-typeset",
      ...(icon ? [make("div", "md-search-result__icon md-icon")] : []), title, ...text)
    const anchor = make("a", "md-search-result__link", article)
    const file = location.protocol === "file:" ? address.replace(/(^|\/)(?=#|$)/, "$1index.html") : address
    anchor.href = new URL(root.replace(/\/?$/, "/") + file, location)
    return anchor
  }

  const item = ({ page: [address, title], sections }, places) => {
    const written = (text, room) => marked(text, places(text), room)
    const lead = sections.find(({ section }) => !section.anchor)
    const below = sections.filter(({ section }) => section.anchor)
    const shown = below.filter(({ score }) => score > below[0].score / 3).slice(0, SECTIONS)
    return make("li", "md-search-result__item",
      link(address, make("p", "title", ...written(title)),
        lead && (lead === sections[0] || !shown.length)
          ? [make("p", "", ...written(lead.section.text, 160))] : [], true),
      ...shown.map(({ section }) => link(`${address}#${section.anchor}`,
        make("p", "heading", ...written(section.heading)),
        section.text ? [make("p", "", ...written(section.text, 160))] : [])))
  }

  let asked
  const show = async () => {
    const query = field.value.trim()
    asked = query
    if (!query) return say(words.placeholder)
    if (!made) status.textContent = words.loading
    await ready().catch(forget)
    if (asked !== query) return
    if (!made) return say(words.failed)
    const results = made.search(query).slice(0, LISTED)
    const terms = made.terms(query)
    const places = text => made.places(text, terms)
    say(results.length === 0 ? words.none : results.length === 1 ? words.one
      : words.other.replace("#", results.length), results.map(result => item(result, places)))
  }
  const say = (text, items = []) => {
    status.textContent = text
    list.replaceChildren(...items)
    list.hidden = !items.length
    list.closest(".md-search__scrollwrap").scrollTop = 0
  }

  // --- the reader's hands --------------------------------------------------------------------

  const isOpen = () => toggle.checked
  const open = () => isOpen() || toggle.click()
  const close = () => {
    if (isOpen()) toggle.click()
    if (search.contains(document.activeElement)) document.activeElement.blur()
  }

  field.addEventListener("focus", () => { open(); ready().catch(forget) })
  field.addEventListener("input", show)
  toggle.addEventListener("change", () => isOpen() ? field.focus() : close())
  search.addEventListener("reset", () => setTimeout(() => { show(); field.focus() }))
  search.addEventListener("submit", event => {
    event.preventDefault()
    list.querySelector("a")?.click()
  })
  list.addEventListener("click", event => event.target.closest("a") && close())
  search.addEventListener("focusout", event => {
    if (event.relatedTarget && !search.contains(event.relatedTarget)) close()
  })
  document.addEventListener("keydown", event => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    const active = document.activeElement
    if (isOpen() && event.key === "Escape") close()
    else if (search.contains(active) && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const places = [field, ...list.querySelectorAll("a")]
      const step = event.key === "ArrowDown" ? 1 : places.length - 1
      places[(Math.max(0, places.indexOf(active)) + step) % places.length].focus()
    } else if (!isOpen() && "/sf".includes(event.key) && !active.matches("input, select, textarea, [contenteditable]")) {
      field.focus()
      field.select()
    } else return
    event.preventDefault()
  })

  const linked = new URLSearchParams(location.search).get("q")  // as in links to a search
  if (linked) {
    field.value = linked
    field.focus()
    show()
  }
})()
