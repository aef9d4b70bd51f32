// Every call of the plugin's page API, for WebDriver's asynchronous scripts: says what came of each.
const done = arguments[0]
const { sidecar, watch, prepareUpdate, resume } = window.__TAURI__.sidecarSupervisor
const api = sidecar('api')
const refused = async (asked) => asked.then(() => 'allowed', (error) => error.kind)
const told = {}, states = []
async function all() {
  const unwatch = await watch(({ name, state }) => name === 'api' && states.push(state))
  const first = await api.ready(20000)
  told.status = await api.status()
  told.start = await refused(api.start())
  if (told.start !== 'allowed') {
    told.logs = await refused(api.logs(() => {}))
    told.prepare = await refused(prepareUpdate())
    return told
  }
  const lines = []
  const unfollow = await api.logs((batch) => lines.push(...batch.lines))
  told.program = (await api.diagnostics()).program
  told.report = await api.report()
  told.leaked = told.report.includes(first.token)
  told.stopped = await api.stop()
  told.afterStop = await refused(api.access())
  await api.start()
  const second = await api.ready(20000)
  await api.restart()
  const third = await api.ready(20000)
  told.launches = [first.launch, second.launch, third.launch]
  told.tokens = new Set([first.token, second.token, third.token]).size
  told.answer = await (await api.fetch('/hello?name=api')).json()
  told.elsewhere = await refused(api.fetch('//example.org/'))
  told.prepared = await prepareUpdate()
  told.updating = await refused(api.start())
  await resume()
  told.resumed = (await api.ready(20000)).launch
  await new Promise((resolve) => setTimeout(resolve, 500))
  told.lines = lines.map((line) => line.text)
  told.unknown = await refused(sidecar('nobody').status())
  await unfollow()
  await unwatch()
  told.states = [...states]
  await api.restart()
  await api.ready(20000)
  told.heardAfterwards = states.length - told.states.length
  return told
}
all().then(
  (said) => done(JSON.stringify(said)),
  (error) => done(JSON.stringify({ error: `${error.kind}: ${error.message}` }))
)
