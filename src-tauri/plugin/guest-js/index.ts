/**
 * The sidecars of a Tauri application, as its pages see them. What a page may call is a matter of
 * its capability: by default `status`, `watch`, `access`, and what is made of them here (`ready`,
 * `fetch`, `onChange`).
 *
 * @module
 */
import { Channel, invoke } from '@tauri-apps/api/core'

/** Where a sidecar is in its life. */
export type State =
  | 'idle'
  | 'spawning'
  | 'waiting_ready'
  | 'ready'
  | 'stopping'
  | 'exited'
  | 'failed'

/** A sidecar at one moment. Times are milliseconds. */
export interface Status {
  name: string
  state: State
  /** The number of the launch, from 1; 0 before the first. */
  launch: number
  pid: number | null
  /** From the launch to READY. */
  readyMs: number | null
  /** From the request to stop to the end of the last process. */
  stopMs: number | null
  /** Why it failed, in the state `failed`. */
  failure: { kind: string; what: string } | null
  /** Crashes in a row. */
  crashes: number
  /** A restart after a crash is due. */
  restarts: boolean
  /** Why no restart follows a failure. */
  leftBecause: string | null
  /** Processes that could not be ended. */
  survivors: number
  /** What its health URL answered, once it was ready. */
  health: {
    url: string
    status: number | null
    body: string | null
    error: string | null
  } | null
  /** It runs from its sources. */
  dev: boolean
}

/** How to talk to a sidecar that is ready; after a restart port and token are other ones. */
export interface Access {
  launch: number
  port: number | null
  /** `http://127.0.0.1:PORT`, when it has a port. */
  url: string | null
  /** What it asks for as `Authorization: Bearer TOKEN`. */
  token: string | null
}

/** A line that a sidecar printed; a token in it is hidden. */
export interface Line {
  number: number
  launch: number
  atMs: number
  stream: 'stdout' | 'stderr'
  /** What it means in the contract. */
  kind: 'boot' | 'ready' | 'heartbeat' | 'shutdown' | 'other'
  text: string
}

/** Some lines, in order. */
export interface LogBatch {
  name: string
  /** Lines before these that came faster than they could be told. */
  skipped: number
  lines: Line[]
}

/** Everything that helps to find out why a sidecar failed. */
export interface Diagnostics {
  status: Status
  program: string
  args: string[]
  /** What happened, likely causes, checks, and the end of its output; when it failed. */
  text: string | null
  lines: Line[]
}

/** One sidecar that an update can replace. */
export interface Prepared {
  name: string
  /** Its program or folder; null when it runs from its sources. */
  path: string | null
  /** It ran, and `resume` starts it again. */
  ran: boolean
  /** Nobody uses it, but this user may not write there: why. */
  needsRights: string | null
}

/** Why something cannot be had: `kind` tells errors apart, `message` is for people. */
export class SidecarError extends Error {
  constructor(
    readonly kind: string,
    message: string
  ) {
    super(message)
    this.name = 'SidecarError'
  }
}

/** Ends what was begun. */
export type Unwatch = () => Promise<void>

async function call<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(`plugin:sidecar-supervisor|${command}`, args)
  } catch (error) {
    const { kind, message } = error as { kind?: string; message?: string }
    // What the plugin does not say is Tauri's own: a missing permission, above all.
    throw new SidecarError(kind ?? 'refused', message ?? String(error))
  }
}

async function follow<T>(
  command: string,
  key: string,
  args: Record<string, unknown>,
  told: (value: T) => void
): Promise<Unwatch> {
  const channel = new Channel<T>()
  channel.onmessage = told
  const id = await call<number>(command, { ...args, [key]: channel })
  return () => call('unwatch', { id })
}

/** Tells the state of every sidecar at once, and then each change. */
export function watch(told: (status: Status) => void): Promise<Unwatch> {
  return follow('watch', 'onChange', {}, told)
}

/** One of the sidecars in `plugins.sidecar-supervisor.sidecars`. */
export class Sidecar {
  constructor(readonly name: string) {}

  /** Its state now. */
  status(): Promise<Status> {
    return call('status', { name: this.name })
  }

  /** Tells its state at once, and then each change. */
  onChange(told: (status: Status) => void): Promise<Unwatch> {
    return watch((status) => {
      if (status.name === this.name) told(status)
    })
  }

  /** Port and token; an error of kind `notReady` while it is not ready. */
  access(): Promise<Access> {
    return call('access', { name: this.name })
  }

  /** Waits until it is ready; an error when it has failed for good, or after `timeoutMs`. */
  async ready(timeoutMs = 15000): Promise<Access> {
    try {
      return await this.access()
    } catch (error) {
      if (!(error instanceof SidecarError && error.kind === 'notReady')) throw error
    }
    let watching: Promise<Unwatch> | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => {
          const text = `The sidecar "${this.name}" was not ready within ${timeoutMs} ms.`
          reject(new SidecarError('notReady', text))
        }, timeoutMs)
        watching = this.onChange(({ state, failure, restarts }) => {
          if (state === 'ready') resolve()
          else if (failure && !restarts) reject(new SidecarError(failure.kind, failure.what))
        })
        watching.catch(reject)
      })
      return await this.access()
    } finally {
      clearTimeout(timer)
      // What it waits for may have come before the answer that says how to end it.
      void watching?.then((end) => end()).catch(() => undefined)
    }
  }

  /** Asks it by HTTP, with its token, once it is ready. `path` begins with a slash. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { url, token } = await this.ready()
    if (url === null) {
      throw new SidecarError('noPort', `The sidecar "${this.name}" has said no port.`)
    }
    const target = new URL(path, url)
    if (target.origin !== url) {
      // The token is for nobody else.
      throw new SidecarError('otherOrigin', `${path} does not lead to the sidecar.`)
    }
    const headers = new Headers(init.headers)
    if (token !== null) headers.set('Authorization', `Bearer ${token}`)
    return fetch(target, { ...init, headers })
  }

  /** Tells its lines from number `since` on. Needs `sidecar-supervisor:logs`. */
  logs(told: (batch: LogBatch) => void, since = 0): Promise<Unwatch> {
    return follow('logs', 'onLines', { name: this.name, since }, told)
  }

  /** Why it failed, at length. Needs `sidecar-supervisor:logs`. */
  diagnostics(): Promise<Diagnostics> {
    return call('diagnostics', { name: this.name })
  }

  /**
   * A text that a user can send: versions, configuration, what happened, processes, the last lines;
   * without names, homes and whatever looks like a key. Show it before it is saved or sent. Needs
   * `sidecar-supervisor:logs`.
   */
  report(): Promise<string> {
    return call('report', { name: this.name })
  }

  /** Starts it, unless it runs. Needs `sidecar-supervisor:control`. */
  start(): Promise<void> {
    return call('start', { name: this.name })
  }

  /** Stops it; answers when nothing of it runs. Needs `sidecar-supervisor:control`. */
  stop(): Promise<Status> {
    return call('stop', { name: this.name })
  }

  /** Stops it if it runs, and starts it. Needs `sidecar-supervisor:control`. */
  restart(): Promise<void> {
    return call('restart', { name: this.name })
  }
}

/** The sidecar of this name. */
export function sidecar(name: string): Sidecar {
  return new Sidecar(name)
}

/**
 * Ends all sidecars, with the proof that nothing of them runs and that their files can be replaced.
 * Nothing is started again before `resume`. Needs `sidecar-supervisor:update`.
 */
export function prepareUpdate(): Promise<Prepared[]> {
  return call('prepare_update')
}

/** Starts again what ran before `prepareUpdate`. Needs `sidecar-supervisor:update`. */
export function resume(): Promise<void> {
  return call('resume')
}
