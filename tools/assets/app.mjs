// What JavaScript adds: focus on the error summary, revealed radio content,
// no double submission. Every page works without it.
import { Button } from 'govuk-frontend/dist/govuk/components/button/button.mjs'
import { Checkboxes } from 'govuk-frontend/dist/govuk/components/checkboxes/checkboxes.mjs'
import { ErrorSummary } from 'govuk-frontend/dist/govuk/components/error-summary/error-summary.mjs'
import { NotificationBanner } from 'govuk-frontend/dist/govuk/components/notification-banner/notification-banner.mjs'
import { Radios } from 'govuk-frontend/dist/govuk/components/radios/radios.mjs'
import { SkipLink } from 'govuk-frontend/dist/govuk/components/skip-link/skip-link.mjs'

document.body.classList.add('js-enabled')
if ('noModule' in HTMLScriptElement.prototype) document.body.classList.add('govuk-frontend-supported')

for (const Component of [Button, Checkboxes, ErrorSummary, NotificationBanner, Radios, SkipLink]) {
  for (const element of document.querySelectorAll(`[data-module="${Component.moduleName}"]`)) {
    try { new Component(element) } catch (e) { console.error(e) }
  }
}

// Single letters are commands on staff pages that say so, unless their reader
// turned them off: j and k go through the rows of a list, others press what they
// stand on. Nothing while somebody types.
if (document.querySelector('main[data-keys]')) {
  const rows = [...document.querySelectorAll('[data-row]')]
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, [contenteditable]')) return
    const step = { j: 1, k: -1 }[event.key]
    if (step && rows.length) {
      const at = rows.indexOf(document.activeElement)
      rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)].focus()
      return
    }
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click()
  })
}

// Printing is a browser's own command; the button only calls it.
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false
  button.addEventListener('click', () => window.print())
}

// Reading the page aloud, each part in its own language, where the browser has a
// voice for the page's.
const listen = document.querySelector('[data-listen]')
if (listen && window.speechSynthesis) {
  const start = listen.textContent
  const spoken = lang => speechSynthesis.getVoices().find(v => v.lang.slice(0, 2) === lang.slice(0, 2))
  const offer = () => { listen.parentElement.hidden = !spoken(document.documentElement.lang) }
  const stopped = () => { listen.textContent = start }
  const parts = 'h1, h2, h3, p, li, legend, label, dt, dd, blockquote, caption, th, td, .govuk-hint'
  listen.addEventListener('click', () => {
    const reading = listen.textContent !== start
    speechSynthesis.cancel()
    if (reading) { stopped(); return }
    listen.textContent = listen.dataset.stop
    const texts = [...document.querySelectorAll('main :is(' + parts + ')')].filter(e => e.offsetParent && !e.querySelector(parts) && e.innerText.trim())
    texts.forEach((element, i) => {
      const said = new SpeechSynthesisUtterance(element.innerText)
      said.lang = element.closest('[lang]').lang
      said.voice = spoken(said.lang) ?? null
      if (i === texts.length - 1) said.onend = stopped
      speechSynthesis.speak(said)
    })
  })
  addEventListener('pagehide', () => speechSynthesis.cancel())
  speechSynthesis.addEventListener('voiceschanged', offer)
  offer()
}

// Leaving at once: this page is not in the history, and Shift three times in a
// row does the same.
for (const exit of document.querySelectorAll('[data-exit]')) {
  const leave = () => { document.body.hidden = true; location.replace(exit.href) }
  exit.addEventListener('click', event => { event.preventDefault(); leave() })
  let shifts = 0
  document.addEventListener('keyup', event => { shifts = event.key === 'Shift' ? shifts + 1 : 0; if (shifts === 3) leave() })
}

// Copying the offer link, where the browser can.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value)
    button.textContent = button.dataset.copied
  })
}

// A preview follows what is typed.
for (const form of document.querySelectorAll('form[data-preview]')) {
  const into = document.getElementById('preview')
  let timer
  const draw = async () => {
    const answer = await fetch(form.dataset.preview, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).catch(() => null)
    if (answer && answer.ok) into.innerHTML = await answer.text()
  }
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(draw, 300) })
}

// A session that nobody uses ends. Three minutes before, whoever is there
// is asked; what they typed stays. Pages of one browser share the time.
const idle = document.getElementById('idle')
if (idle) {
  const limit = idle.dataset.idle * 1000
  const used = () => { try { localStorage.setItem('used', Date.now()) } catch { /* a browser that keeps nothing */ } mine = Date.now() }
  const since = () => { try { return Math.max(mine, +localStorage.getItem('used') || 0) } catch { return mine } }
  let mine
  used()
  const look = () => {
    const left = since() + limit - Date.now()
    if (left <= 0) { location.replace(idle.dataset.out); return }
    if (left <= 200000 && !idle.open) idle.showModal()
    if (left > 200000 && idle.open) idle.close()
    setTimeout(look, 1000)
  }
  setTimeout(look, 1000)
  const stay = async () => {
    const answer = await fetch(idle.dataset.stay, { method: 'POST', redirect: 'manual' }).catch(() => null)
    if (answer && answer.ok) { used(); idle.close() } else location.replace(idle.dataset.out)
  }
  idle.querySelector('button').addEventListener('click', stay)
  idle.addEventListener('cancel', (e) => { e.preventDefault(); stay() })
}

// A page that waits for something elsewhere asks again while it is visible.
const waiting = document.querySelector('[data-refresh]')
if (waiting) {
  const address = waiting.dataset.refresh
  const state = waiting.dataset.state
  const ask = async () => {
    if (!document.hidden) {
      const answer = await fetch(address, { headers: { Accept: 'application/json' } }).catch(() => null)
      if (answer && answer.ok && (await answer.json()).state !== state) { location.reload(); return }
    }
    setTimeout(ask, 3000)
  }
  setTimeout(ask, 3000)
}
