// Stands behind axe in the page. The tests call judge(); see test_quality.py.
{
  // axe parses the text of each color anew for each element, which takes as long as all the rest.
  const color = axe.commons.color.Color.prototype, parse = color.parseString, known = new Map()
  color.parseString = function (text) {
    if (!known.has(text)) {
      parse.call(this, text)
      known.set(text, [this.r, this.g, this.b, this.alpha])
    }
    [this.r, this.g, this.b, this.alpha] = known.get(text)
    return this
  }

  const kinds = ['violations', 'incomplete'], colors = ['color-contrast', 'link-in-text-block']
  const common = { resultTypes: kinds, elementRef: true }
  const structure = { rules: Object.fromEntries(colors.map(id => [id, { enabled: false }])) }
  const contrast = {
    runOnly: colors,
    // signs and single letters have to be read, too
    checks: { 'color-contrast': { options: { ignoreUnicode: false, ignoreLength: true } } },
  }
  // axe doesn't judge a text that isn't wholly in front of its ground. So, for its colors, code
  // wraps instead of scrolling out of its box or under its button, an output keeps off its command,
  // and a highlighted line is higher than the letters of any font (those of Noto Sans Mono CJK are
  // 1.45 high, the line is 1.4).
  const flat = `
    pre > code { white-space: break-spaces !important; overflow-wrap: anywhere !important }
    .output > pre { margin-top: 0 !important }
    .md-code__nav { position: static !important }
    .hll, .hll * { line-height: 2 !important }`

  const show = palette => document.body.setAttribute('data-md-color-scheme', palette)
  const places = () => JSON.stringify([...document.body.querySelectorAll('*')].map(element => {
    const { x, y, width, height } = element.getBoundingClientRect()
    return [x, y, width, height, getComputedStyle(element).visibility]
  }))
  // Texts that are nested alike and have the same colors are one question. One that axe had nothing
  // to say of is kept as answered for the other pages of this tab.
  const style = ['color', 'backgroundColor', 'backgroundImage', 'opacity', 'filter', 'textShadow',
    'fontSize', 'fontWeight', 'position', 'overflow']
  const kept = name => new Map(JSON.parse(sessionStorage.getItem(name) ?? '[]'))
  const keep = (name, map) => sessionStorage.setItem(name, JSON.stringify([...map]))
  const numbers = kept('numbers'), answered = kept('answered') // of looks; a look has one number
  const numbered = () => {
    const found = new Map([[document.documentElement, 0]])
    const numberOf = element => {
      if (!found.has(element)) {
        const computed = getComputedStyle(element), { tagName, className } = element
        const own = [tagName, className, ...style.map(name => computed[name])].join()
        const look = `${numberOf(element.parentElement)}>${own}`
        if (!numbers.has(look)) numbers.set(look, numbers.size + 1)
        found.set(element, numbers.get(look))
      }
      return found.get(element)
    }
    return numberOf
  }
  const written = element => element.checkVisibility() && (element.matches('input, textarea')
    || [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
  const isDrawn = element => element.closest('svg') // its ground is what lies there, and no parent
  const open = numberOf => {
    const seen = new Set(answered.keys())
    return [...document.body.querySelectorAll('*')].filter(element => {
      if (!written(element)) return false
      const before = seen.size
      return isDrawn(element) || seen.add(numberOf(element)).size > before
    })
  }
  const keyOf = check => check.data?.messageKey ?? check.id

  // Returns all that axe objects to or can't tell, as [palette, rule, what it said, the element,
  // indices of the entries of `reviewed` that fit]. A violation fits none.
  globalThis.judge = async (palettes, reviewed) => {
    const found = []
    const ask = async (options, palette, include = [document]) => {
      const result = await axe.run({ include }, { ...common, ...options })
      const named = new Set()
      for (const kind of kinds) {
        for (const { id, nodes } of result[kind]) {
          for (const { any, all, none, element, target } of nodes) {
            const checks = [...any, ...all, ...none], keys = checks.map(keyOf)
            const fit = [...reviewed.keys()].filter(at => {
              const { rule, because, selector } = reviewed[at]
              return kind === 'incomplete' && rule === id && element.matches(selector)
                && keys.every(key => key === because)
            })
            const said = `${kind}: ${keys.join(', ')}: ${checks.map(c => c.message).join('; ')}`
            const text = element.textContent.trim().slice(0, 60)
            found.push([palette, id, said, `${target.join(' ')}: ${text}`, fit])
            named.add(element)
          }
        }
      }
      return named
    }
    const seen = palettes.map(palette => (show(palette), places()))
    if (new Set(seen).size > 1) {
      found.push(['all', 'palettes', 'one moves or hides what another does not', 'body', []])
    }
    show(palettes[0])
    await ask(structure, palettes[0]) // which is that of all, then
    document.head.insertAdjacentHTML('beforeend', `<style>${flat}</style>`)
    for (const palette of palettes) {
      show(palette)
      const numberOf = numbered(), texts = open(numberOf)
      if (!texts.length) continue
      const named = new Set([...await ask(contrast, palette, texts)].map(numberOf))
      for (const number of texts.filter(text => !isDrawn(text)).map(numberOf)) {
        if (!named.has(number)) answered.set(number, palette)
      }
    }
    keep('numbers', numbers)
    keep('answered', answered)
    return found
  }
}
null // Playwright would call a function
