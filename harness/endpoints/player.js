// Plays scripts in a page: the twin of player.py, operation by operation. What the operations mean is said in
// harness/script/steps.py, the tables (which states an interface has, which events, which members of an event are worth
// keeping) are interfaces.json. The harness puts `const TABLES = ...;` and media.js in front and calls
// peerproof.play(text) with {"steps": [...], "stream": bool, "quiet": bool}; it gets {"entries": [...]} back, as text both
// ways: JSON holds lone surrogates, which the automation protocol doesn't.
globalThis.peerproof = (() => {
  "use strict";

  const handles = new Map(); // name -> value
  const names = new Map(); // object -> name
  const tables = new Map(); // object with a name -> what the tables say of its interface
  const adopted = new Map(); // "owner:member" -> how many
  const untaken = new Map(); // "handle type" -> events no Wait has taken
  const promises = new Map(); // name -> promise of a call nobody waited for
  const watchers = new Set(); // functions to run after every event
  const plays = new Set(); // the logs that are being written
  let sequence = 0;
  let step = -1;
  let streaming = false;
  let backlog = [];

  const seconds = () => (performance.timeOrigin + performance.now()) / 1000;
  const interfaces = new Map(); // prototype -> name
  const interfaceOf = (object) => {
    const prototype = Object.getPrototypeOf(object);
    let known = interfaces.get(prototype);
    if (known === undefined) {
      const name = Object.prototype.toString.call(object).slice(8, -1);
      interfaces.set(prototype, (known = TABLES.aliases[name] ?? name));
    }
    return known;
  };
  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

  // Values

  function bytesToText(bytes) {
    if (bytes.toBase64) return bytes.toBase64();
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  }

  function textToBytes(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text).buffer;
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  }

  function encode(value, depth = 0) {
    if (value === undefined || value === null || typeof value === "function") return null;
    if (typeof value === "number") return Number.isFinite(value) ? value : { $number: String(value) };
    if (typeof value === "bigint") return Number(value);
    if (typeof value !== "object") return value;
    if (names.has(value)) return { $ref: names.get(value) };
    if (value instanceof ArrayBuffer) return { $bytes: bytesToText(new Uint8Array(value)) };
    if (ArrayBuffer.isView(value)) {
      return { $bytes: bytesToText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
    }
    if (depth > 8) return { $object: interfaceOf(value) };
    if (Array.isArray(value)) return value.map((item) => encode(item, depth + 1));
    if (value instanceof RTCStatsReport || value instanceof Map) return encode(Object.fromEntries(value), depth + 1);
    if (value instanceof Error || value instanceof DOMException) return failureOf(value);
    const prototype = Object.getPrototypeOf(value);
    const plain = prototype === Object.prototype || prototype === null;
    if (!plain && typeof value.toJSON !== "function") return { $object: interfaceOf(value) };
    const members = plain ? value : value.toJSON();
    const encoded = {};
    for (const name of Object.keys(members)) {
      const item = encode(members[name], depth + 1);
      if (name !== "__proto__") encoded[name] = item;
      else Object.defineProperty(encoded, name, { value: item, enumerable: true });
    }
    return encoded;
  }

  function decode(value) {
    if (Array.isArray(value)) return value.map(decode);
    if (typeof value !== "object" || value === null) return value;
    const members = Object.keys(value);
    if (members.length === 1) {
      if ("$ref" in value) return resolve(value.$ref);
      if ("$bytes" in value) return textToBytes(value.$bytes);
      if ("$number" in value) return Number(value.$number);
    }
    return Object.fromEntries(members.map((name) => [name, decode(value[name])]));
  }

  function resolve(path) {
    const [head, ...rest] = path.split(".");
    if (!handles.has(head) && !(head in globalThis)) throw new ReferenceError(`no step has bound ${head}`);
    let value = handles.has(head) ? handles.get(head) : globalThis[head];
    for (const name of rest) {
      if (value === null || value === undefined) throw new TypeError(`${path}: ${name} of ${value}`);
      value = value[name];
    }
    return value;
  }

  function failureOf(error) {
    const detail = {};
    for (const name of TABLES.error_details) {
      if (error[name] !== undefined && error[name] !== null) detail[name] = error[name];
    }
    return { name: String(error.name), message: String(error.message), detail };
  }

  // Handles, states and events

  function bind(name, value) {
    if (name === null || name === undefined) return;
    handles.set(name, value);
    if (!isObject(value)) return;
    const known = names.has(value);
    const listed = TABLES.interfaces[interfaceOf(value)];
    if (listed) {
      names.set(value, name);
      tables.set(value, listed);
    }
    if (listed && !known) for (const type of listed.events) value.addEventListener(type, fired);
  }

  function adopt(owner, member, value) {
    if (!isObject(value) || names.has(value) || !TABLES.interfaces[interfaceOf(value)]) return;
    const stem = `${owner}:${member}`;
    const count = adopted.get(stem) ?? 0;
    adopted.set(stem, count + 1);
    bind(stem + count, value);
    if (streaming && interfaceOf(value) === "RTCDataChannel") value.binaryType = "arraybuffer";
  }

  function statesOf(object) {
    const states = {};
    for (const name of tables.get(object).states) states[name] = encode(object[name]);
    return states;
  }

  function allStates() {
    const states = {};
    for (const [object, name] of names) {
      if (tables.get(object).states.length) states[name] = statesOf(object);
    }
    return states;
  }

  function fired(event) {
    const on = names.get(event.currentTarget);
    if (on === undefined) return;
    const detail = {};
    for (const member of TABLES.events[interfaceOf(event)] ?? []) {
      const value = event[member];
      if (Array.isArray(value)) value.forEach((item) => adopt(on, member.replace(/s$/, ""), item));
      else adopt(on, member, value);
      detail[member] = value instanceof Blob ? { $object: "Blob" } : encode(value);
    }
    const states = statesOf(event.currentTarget);
    record({ what: "event", on, event: event.type, detail, states }, true);
    if (!streaming) {
      const key = `${on} ${event.type}`;
      if (!untaken.has(key)) untaken.set(key, []);
      untaken.get(key).push(event);
    }
    for (const watcher of [...watchers]) watcher();
  }

  function record(entry, isEvent) {
    const whole = { step, time: seconds(), sequence: sequence++, ...entry };
    for (const play of plays) if (!(isEvent && play.quiet)) play.entries.push(whole);
    if (streaming && isEvent) stream(whole);
    else if (!plays.size) backlog.push({ ...whole, step: -1 });
    return whole;
  }

  // Events go out as they come; those that come while one is on its way go together. Those that come during a play go with
  // its result, if that isn't long in coming: Firefox's automation channel holds a second small message back until the first
  // was acknowledged, 40 ms later as a rule.
  let waiting = [];
  let under_way = false;
  let holding = null;
  const HOLD = 15;
  function stream(entry) {
    waiting.push(entry);
    if (under_way) return;
    if (plays.size) holding ??= setTimeout(flush, HOLD);
    else flush();
  }
  function take() {
    clearTimeout(holding);
    holding = null;
    const batch = waiting;
    waiting = [];
    return batch;
  }
  function flush() {
    const batch = take();
    if (!batch.length) return;
    under_way = true;
    globalThis.__peerproof(JSON.stringify(batch)).then(() => {
      under_way = false;
      if (waiting.length && !holding) flush();
    });
  }

  // Waiting

  const PENDING = Symbol("pending");
  // W3C lets a promise of a closed connection stay unsettled for ever.
  const CLOSED_PATIENCE = 0.1;

  // One timer for all deadlines: most promises settle long before theirs, and to set and clear a timer for each costs more
  // than many a call. It is set for the earliest deadline, and looks again when it was set for one that is gone.
  const deadlines = new Map(); // function -> when it is due
  let alarm = null;
  let due = Infinity;

  function expect(late, seconds) {
    const when = performance.now() + 1000 * seconds;
    deadlines.set(late, when);
    if (when < due) ring(when);
  }

  function ring(when) {
    clearTimeout(alarm);
    due = when;
    alarm = setTimeout(rung, Math.max(0, when - performance.now()));
  }

  function rung() {
    due = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const [late, when] of [...deadlines]) {
      if (when > now) next = Math.min(next, when);
      else {
        deadlines.delete(late);
        late();
      }
    }
    if (next < Infinity) ring(next);
  }

  function within(promise, timeout, object) {
    const closed = object instanceof RTCPeerConnection && object.signalingState === "closed";
    return new Promise((done, failed) => {
      const late = () => done(PENDING);
      expect(late, closed ? Math.min(timeout, CLOSED_PATIENCE) : timeout);
      promise.then(
        (value) => {
          deadlines.delete(late);
          done(value);
        },
        (error) => {
          deadlines.delete(late);
          failed(error);
        },
      );
    });
  }

  // Resolves with what look() finds once that isn't undefined. Looks after every event, and every few milliseconds.
  function watch(look, timeout) {
    const found = look();
    if (found !== undefined) return Promise.resolve(found);
    let watcher, ticker;
    const promise = new Promise((done) => {
      watcher = () => {
        const value = look();
        if (value !== undefined) done(value);
      };
      watchers.add(watcher);
      ticker = setInterval(watcher, 5);
    });
    return within(promise, timeout, null).finally(() => {
      watchers.delete(watcher);
      clearInterval(ticker);
    });
  }

  const channel = new MessageChannel();
  const turns = [];
  channel.port1.onmessage = () => turns.shift()();
  function turn() {
    return new Promise((done) => {
      turns.push(done);
      channel.port2.postMessage(null);
    });
  }

  // The operations. Each returns the step's value, PENDING, or a promise of either.

  const operations = {
    new({ interface: name, args = [], bind: as }) {
      const value = new (resolve(name))(...args.map(decode));
      bind(as, value);
      return value;
    },

    async call({ on, method, args = [], bind: as, awaited = true, timeout = 5 }) {
      const object = resolve(on);
      if (typeof object[method] !== "function") throw new TypeError(`${on}.${method} is not a function`);
      let value = object[method](...args.map(decode));
      if (value instanceof Promise) {
        if (!awaited) return later(as, value);
        value = await within(value, timeout, object);
        if (value === PENDING) return PENDING;
      }
      bind(as, value);
      return value;
    },

    get({ on, attribute, bind: as }) {
      const value = resolve(on)[attribute];
      bind(as, value);
      return value;
    },

    set({ on, attribute, value = null }) {
      resolve(on)[attribute] = decode(value);
    },

    settle({ on, timeout = 5 }) {
      if (!promises.has(on)) throw new ReferenceError(`${on} is not a promise`);
      return within(promises.get(on), timeout, null);
    },

    async wait({ on, event: type, attribute, values = [], timeout = 5, bind: as }) {
      const object = resolve(on);
      if (attribute) {
        const wanted = values.map((value) => JSON.stringify(value));
        const look = () => (wanted.includes(JSON.stringify(encode(object[attribute]))) ? object[attribute] : undefined);
        return watch(look, timeout);
      }
      const key = `${names.get(object)} ${type}`;
      const event = await watch(() => untaken.get(key)?.shift(), timeout);
      if (event === PENDING) return PENDING;
      bind(as, event);
      return null;
    },

    async pause({ seconds: length = 0 }) {
      if (length > 0) await new Promise((done) => setTimeout(done, length * 1000));
      else await turn();
    },

    track({ kind, bind: as, ...options }) {
      const track = MEDIA.track(kind, options);
      bind(as, track);
      return track;
    },

    watch({ on, bind: as }) {
      bind(as, MEDIA.watch(resolve(on)));
    },

    async look({ on, frames = 1, content = true, timeout = 10 }) {
      const watcher = resolve(on);
      const ready = await watch(() => watcher.ready(frames) || undefined, timeout);
      return ready === PENDING ? PENDING : watcher.report(content);
    },

    echo({ on }) {
      const object = resolve(on);
      object.addEventListener("message", ({ data }) => object.send(data));
    },
  };

  function later(as, promise) {
    const started = step;
    if (as) promises.set(as, promise);
    promise.then(
      (value) => {
        bind(as, value);
        record({ what: "outcome", step: started, kind: "settled", value: encode(value), states: allStates() });
      },
      (error) => {
        record({ what: "outcome", step: started, kind: "rejected", failure: failureOf(error), states: allStates() });
      },
    );
    return null;
  }

  async function perform(operation) {
    try {
      const known = operations[operation.op];
      if (!known) throw new TypeError(`unknown operation ${operation.op}`);
      const value = await known(operation);
      if (value === PENDING) return { kind: "pending" };
      return { kind: "value", value: encode(value) };
    } catch (error) {
      return { kind: "exception", failure: failureOf(error) };
    }
  }

  async function play(text) {
    const { steps, stream: wanted = false, quiet = false } = JSON.parse(text);
    streaming ||= wanted;
    const log = { entries: quiet ? [] : backlog, quiet };
    if (!quiet) backlog = [];
    plays.add(log);
    try {
      for (const [index, operation] of steps.entries()) {
        step = index;
        const outcome = await perform(operation);
        const whole = { what: "outcome", step: index, time: seconds(), sequence: sequence++, ...outcome };
        log.entries.push({ ...whole, states: allStates() });
      }
      if (streaming) await turn();
    } finally {
      plays.delete(log);
    }
    const entries = await packed(JSON.stringify(compacted(log.entries)));
    // What happens while packing goes with the events here or by itself: a later one must not overtake them.
    return JSON.stringify({ entries, events: under_way ? [] : take() });
  }

  // A long text goes as "z" and its zlib form in base64: SDP says the same again and again, and every automation channel
  // copies it several times. Firefox's writes 32 KiB at a time besides, and holds the second piece back until the first was
  // acknowledged, 40 ms later as a rule.
  const LONG = 8_000;
  async function packed(text) {
    if (text.length < LONG) return text;
    const { readable, writable } = new CompressionStream("deflate");
    const writer = writable.getWriter();
    writer.write(new TextEncoder().encode(text));
    writer.close();
    let packed = "z";
    let rest = new Uint8Array(0);
    for (const reader = readable.getReader(); ; ) {
      const { value, done } = await reader.read();
      if (done) return packed + bytesToText(rest);
      const bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
      const whole = bytes.length - (bytes.length % 3); // base64 without padding in between
      packed += bytesToText(bytes.subarray(0, whole));
      rest = bytes.slice(whole);
    }
  }

  // Of states only what changed since the entry before, and null for a name that went.
  const NOTHING = {};
  function compacted(entries) {
    const told = new Map();
    const news = (name, states) => {
      const before = told.get(name) ?? NOTHING;
      told.set(name, states);
      const fresh = {};
      for (const member in states) if (before[member] !== states[member]) fresh[member] = states[member];
      return fresh;
    };
    return entries.map((entry) => {
      if (entry.what === "event") return { ...entry, states: news(entry.on, entry.states) };
      const states = {};
      for (const name of told.keys()) if (!(name in entry.states)) states[name] = null;
      for (const name in states) told.delete(name);
      for (const name in entry.states) {
        const known = told.has(name);
        const changed = news(name, entry.states[name]);
        if (!known || Object.keys(changed).length) states[name] = changed;
      }
      return { ...entry, states };
    });
  }

  function reset() {
    for (const object of names.keys()) {
      if (interfaceOf(object) === "RTCPeerConnection") object.close();
      if (interfaceOf(object) === "MediaStreamTrack") object.stop();
    }
    MEDIA.reset();
    for (const map of [handles, names, tables, adopted, untaken, promises]) map.clear();
    backlog = [];
    take();
    streaming = false;
    step = -1;
  }

  return { play, reset };
})();
