// How much later than the supervisor a page knows of READY, in milliseconds and launch by launch, for
// WebDriver's asynchronous scripts: from its call of `start` to the message, less `readyMs`. Beside it
// what a call takes that does nothing, which is Tauri's own share of the way there and back.
const rounds = arguments[0], done = arguments[1]
const { sidecar, watch } = window.__TAURI__.sidecarSupervisor
const api = sidecar('api')
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
async function all() {
  let told = () => {}
  const unwatch = await watch((status) => status.name === 'api' && told(status, performance.now()))
  const later = [], calls = []
  for (let round = 0; round < rounds; round++) {
    await api.stop()
    await rest(200 + Math.random() * 50) // the page has drawn the end, and no round has the last one's beat
    const asked = performance.now()
    await api.status()
    calls.push(performance.now() - asked)
    let begun
    later.push(await new Promise((resolve, reject) => {
      told = ({ state, readyMs }, at) => {
        if (state === 'ready') resolve(at - begun - readyMs)
        else if (state === 'failed') reject(new Error('it failed'))
      }
      begun = performance.now()
      api.start().catch(reject)
    }))
    told = () => {}
  }
  await unwatch()
  return { later, calls }
}
all().then(
  (said) => done(JSON.stringify(said)),
  (error) => done(JSON.stringify({ error: `${error.kind}: ${error.message}` }))
)
