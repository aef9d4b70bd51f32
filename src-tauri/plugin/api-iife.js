// Made from guest-js/index.ts by: npm run build
if ('__TAURI__' in window) {
  Object.defineProperty(window.__TAURI__, 'sidecarSupervisor', {
    value: ((exports, require) => {
"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Sidecar = exports.SidecarError = void 0;
exports.watch = watch;
exports.sidecar = sidecar;
exports.prepareUpdate = prepareUpdate;
exports.resume = resume;
const core_1 = require("@tauri-apps/api/core");
class SidecarError extends Error {
    constructor(kind, message) {
        super(message);
        this.kind = kind;
        this.name = 'SidecarError';
    }
}
exports.SidecarError = SidecarError;
async function call(command, args) {
    try {
        return await (0, core_1.invoke)(`plugin:sidecar-supervisor|${command}`, args);
    }
    catch (error) {
        const { kind, message } = error;
        throw new SidecarError(kind ?? 'refused', message ?? String(error));
    }
}
async function follow(command, key, args, told) {
    const channel = new core_1.Channel();
    channel.onmessage = told;
    const id = await call(command, { ...args, [key]: channel });
    return () => call('unwatch', { id });
}
function watch(told) {
    return follow('watch', 'onChange', {}, told);
}
class Sidecar {
    constructor(name) {
        this.name = name;
    }
    status() {
        return call('status', { name: this.name });
    }
    onChange(told) {
        return watch((status) => {
            if (status.name === this.name)
                told(status);
        });
    }
    access() {
        return call('access', { name: this.name });
    }
    async ready(timeoutMs = 15000) {
        try {
            return await this.access();
        }
        catch (error) {
            if (!(error instanceof SidecarError && error.kind === 'notReady'))
                throw error;
        }
        let watching;
        let timer;
        try {
            await new Promise((resolve, reject) => {
                timer = setTimeout(() => {
                    const text = `The sidecar "${this.name}" was not ready within ${timeoutMs} ms.`;
                    reject(new SidecarError('notReady', text));
                }, timeoutMs);
                watching = this.onChange(({ state, failure, restarts }) => {
                    if (state === 'ready')
                        resolve();
                    else if (failure && !restarts)
                        reject(new SidecarError(failure.kind, failure.what));
                });
                watching.catch(reject);
            });
            return await this.access();
        }
        finally {
            clearTimeout(timer);
            void watching?.then((end) => end()).catch(() => undefined);
        }
    }
    async fetch(path, init = {}) {
        const { url, token } = await this.ready();
        if (url === null) {
            throw new SidecarError('noPort', `The sidecar "${this.name}" has said no port.`);
        }
        const target = new URL(path, url);
        if (target.origin !== url) {
            throw new SidecarError('otherOrigin', `${path} does not lead to the sidecar.`);
        }
        const headers = new Headers(init.headers);
        if (token !== null)
            headers.set('Authorization', `Bearer ${token}`);
        return fetch(target, { ...init, headers });
    }
    logs(told, since = 0) {
        return follow('logs', 'onLines', { name: this.name, since }, told);
    }
    diagnostics() {
        return call('diagnostics', { name: this.name });
    }
    report() {
        return call('report', { name: this.name });
    }
    start() {
        return call('start', { name: this.name });
    }
    stop() {
        return call('stop', { name: this.name });
    }
    restart() {
        return call('restart', { name: this.name });
    }
}
exports.Sidecar = Sidecar;
function sidecar(name) {
    return new Sidecar(name);
}
function prepareUpdate() {
    return call('prepare_update');
}
function resume() {
    return call('resume');
}

      return exports
    })({}, () => window.__TAURI__.core)
  })
}
