// Marks tell the day of a live run. Whether that is long ago is known only to the reader's clock,
// because a page may outlive its build. Escape puts a mark's detail away.
(() => {
  const OLD = 30, DAY = 24 * 60 * 60 * 1000
  const said = document.documentElement.lang === "ko"
    ? days => `${days}일 전 결과입니다.`
    : days => `That was ${days} days ago.`
  for (const mark of document.querySelectorAll(".verified[data-date]")) {
    const days = Math.floor((Date.now() - Date.parse(mark.dataset.date)) / DAY)
    if (!(days > OLD)) continue
    mark.classList.add("old")
    const text = mark.querySelector("[id]") || mark
    text.append(" " + said(days))
  }
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape") return
    for (const mark of document.querySelectorAll(".claim:is(:hover, :focus-within)")) {
      mark.classList.add("closed")
      if (mark.contains(document.activeElement)) mark.querySelector("button").focus()
      const open = () => mark.classList.remove("closed")
      for (const left of ["pointerleave", "focusout", "click"])
        mark.addEventListener(left, open, { once: true })
    }
  })
})()
