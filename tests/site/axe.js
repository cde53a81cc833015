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
  // Words in a block of code that have the same colors are one question: all but the first of them.
  const style = ['color', 'backgroundColor', 'backgroundImage', 'opacity', 'filter', 'textShadow',
    'fontSize', 'fontWeight']
  const lookOf = (word, block) => {
    const look = []
    for (let at = word; at !== block; at = at.parentElement) {
      const computed = getComputedStyle(at)
      look.push(...style.map(name => computed[name]))
    }
    return look.join()
  }
  const repeated = () => [...document.querySelectorAll('pre > code')].flatMap(block => {
    const seen = new Set()
    return [...block.querySelectorAll('span:not(:has(*))')].filter(word => {
      if (!/[\p{L}\p{N}]/u.test(word.textContent)) return false // axe may not judge such a one
      const before = seen.size
      return seen.add(lookOf(word, block)).size === before
    })
  })
  const keyOf = check => check.data?.messageKey ?? check.id

  // Returns all that axe objects to or can't tell, as [palette, rule, what it said, the element,
  // indices of the entries of `reviewed` that fit]. A violation fits none.
  globalThis.judge = async (palettes, reviewed) => {
    const found = []
    const ask = async (options, palette, exclude = []) => {
      const result = await axe.run({ exclude }, { ...common, ...options })
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
          }
        }
      }
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
      await ask(contrast, palette, repeated())
    }
    return found
  }
}
null // Playwright would call a function
