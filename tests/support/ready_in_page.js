// How much later than the supervisor a page shows READY, in milliseconds and launch by launch, for
// WebDriver's asynchronous scripts: from its call of `start` to the change of its element, less
// `readyMs`. Beside it what a call takes that a message answers at once, the first one of `watch`:
// the way there and back, which is Tauri's own.
const rounds = arguments[0], done = arguments[1]
const { sidecar, watch } = window.__TAURI__.sidecarSupervisor
const api = sidecar('api')
const shown = document.getElementById('state')
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
// When the element says `ready`.
function readyShown() {
  return new Promise((resolve, reject) => {
    const observer = new MutationObserver(() => {
      const at = performance.now(), text = shown.textContent
      if (['exited', 'spawning', 'waiting_ready'].includes(text)) return
      observer.disconnect()
      if (text === 'ready') resolve(at)
      else reject(new Error(text))
    })
    observer.observe(shown, { childList: true })
  })
}
async function all() {
  const later = [], messages = []
  for (let round = 0; round < rounds; round++) {
    await api.stop()
    await rest(200 + Math.random() * 50) // the page has drawn the end, and no round has the last one's beat
    const asked = performance.now()
    let unwatch
    messages.push(await new Promise((resolve) => {
      unwatch = watch(() => resolve(performance.now() - asked))
    }))
    await (await unwatch)()
    await rest(50 + Math.random() * 50)
    const ready = readyShown(), begun = performance.now()
    const [at] = await Promise.all([ready, api.start()])
    later.push(at - begun - (await api.status()).readyMs)
  }
  return { later, messages }
}
all().then(
  (said) => done(JSON.stringify(said)),
  (error) => done(JSON.stringify({ error: `${error.kind}: ${error.message}` }))
)
