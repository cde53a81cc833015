// The theme puts each copy button into a landmark of its own, all without a name: to somebody who
// goes from landmark to landmark that is noise, so they stop being landmarks.
(() => {
  const quiet = () => {
    for (const nav of document.querySelectorAll("nav.md-code__nav:not([role])")) nav.role = "none"
  }
  new MutationObserver(quiet).observe(document.body, { childList: true, subtree: true })
  quiet()
})()

// Sections have the same address in both languages, so the switch keeps the one that is read: that
// of the address, or the last heading above the upper third of the window.
document.addEventListener("click", event => {
  const link = event.target.closest?.("a.md-select__link")
  if (!link) return
  const headings = [...document.querySelectorAll(".md-content :is(h2, h3)[id]")]
  const read = headings.filter(heading => heading.getBoundingClientRect().top < innerHeight / 3)
  link.hash = scrollY > 0 && read.length ? read.at(-1).id : location.hash
})

// What is copied from a manifest is the file, byte for byte: the theme would cut its last newline.
document.addEventListener("click", event => {
  const button = event.target.closest?.(".language-yaml [data-clipboard-target]")
  if (button) button.dataset.clipboardText = button.closest(".language-yaml").querySelector("code").textContent
}, true)
