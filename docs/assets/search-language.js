// The theme has one search index for both languages and no Korean stemmer. Its worker gets only
// the pages in the language of this one, and queries without their Korean particles.
(() => {
  const SETUP = 0, QUERY = 2
  const language = document.documentElement.lang
  const particle = /([가-힣]{2,}?)(?:에서는|에서|에게|으로|로|까지|부터|이란|란|들을|들은|들이|들의|들|을|를|은|는|이|가|의|에|와|과|도|만)$/
  const ours = page => page.location.startsWith("en/") === (language === "en")
  window.Worker = class extends window.Worker {
    postMessage(message, ...rest) {
      const { type, data } = message || {}
      if (type === SETUP && data.docs)
        message = { ...message, data: { ...data, docs: data.docs.filter(ours) } }
      else if (type === QUERY && typeof data === "string")
        message = { ...message, data: data.replace(/\S+/g, word => word.replace(particle, "$1")) }
      super.postMessage(message, ...rest)
    }
  }
})()
