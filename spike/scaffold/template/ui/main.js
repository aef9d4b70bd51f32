const api = window.__TAURI__.sidecarSupervisor.sidecar('api')

function show(id, text) {
  document.getElementById(id).textContent = text
}

async function ask() {
  try {
    const answer = await api.fetch('/hello?name=page') // once it is ready, with its token
    show('answer', answer.ok ? (await answer.json()).message : 'an error ' + answer.status)
  } catch (error) {
    show('answer', error.message)
  }
}

document.getElementById('ask').addEventListener('click', ask)
api.onChange((status) => show('state', status.failure ? status.failure.what : status.state))
ask()
