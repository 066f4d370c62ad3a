// Plays scripts in a page: the twin of player.py, operation by operation. What the operations mean is said in
// harness/script/steps.py, the tables (which states an interface has, which events, which members of an event are worth
// keeping) are interfaces.json. The harness puts `const TABLES = ...;` and media.js in front and calls
// peerproof.play(text) with {"steps": [...], "stream": bool, "quiet": bool}; it gets {"entries": [...]} back, as text both
// ways: JSON holds lone surrogates, which the automation protocol doesn't.
globalThis.peerproof = (() => {
  "use strict";

  const handles = new Map(); // name -> value
  const known = new Map(); // object with a name -> its name, members that are states, and states as last read
  const adopted = new Map(); // "owner:member" -> how many
  const untaken = new Map(); // "handle type" -> events no Wait has taken
  const promises = new Map(); // name -> promise of a call nobody waited for
  const watchers = new Set(); // functions to run after every event
  const plays = new Set(); // the logs that are being written
  let associated = false; // whether any connection has had an SCTP transport
  let sequence = 0;
  let step = -1;
  let streaming = false;
  let backlog = [];

  const origin = performance.timeOrigin;
  const seconds = () => (origin + performance.now()) / 1000;
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
    if (known.has(value)) return { $ref: known.get(value).name };
    const prototype = Object.getPrototypeOf(value);
    const plain = prototype === Object.prototype || prototype === null;
    if (plain && depth <= 8) return encodeMembers(value, depth);
    if (value instanceof ArrayBuffer) return { $bytes: bytesToText(new Uint8Array(value)) };
    if (ArrayBuffer.isView(value)) {
      return { $bytes: bytesToText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
    }
    if (depth > 8) return { $object: interfaceOf(value) };
    if (Array.isArray(value)) return value.map((item) => encode(item, depth + 1));
    if (value instanceof RTCStatsReport || value instanceof Map) return encode(Object.fromEntries(value), depth + 1);
    if (value instanceof Error || value instanceof DOMException) return failureOf(value);
    if (typeof value.toJSON !== "function") return { $object: interfaceOf(value) };
    return encodeMembers(value.toJSON(), depth);
  }

  function encodeMembers(members, depth) {
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
    const listed = TABLES.interfaces[interfaceOf(value)];
    if (!listed) return;
    if (known.has(value)) known.get(value).name = name;
    else {
      const early = listed.states.filter((member) => member !== "id");
      const one = { name, object: value, members: listed.states, early, states: {} };
      known.set(value, one);
      for (const type of listed.events) value.addEventListener(type, (event) => fired(one, type, event));
    }
  }

  function adopt(owner, member, value) {
    if (!isObject(value) || known.has(value) || !TABLES.interfaces[interfaceOf(value)]) return;
    const stem = `${owner}:${member}`;
    const count = adopted.get(stem) ?? 0;
    adopted.set(stem, count + 1);
    bind(stem + count, value);
    if (streaming && interfaceOf(value) === "RTCDataChannel") value.binaryType = "arraybuffer";
  }

  // Always the same object as long as nothing changed.
  function statesOf(one, members = one.members) {
    const { object, states } = one;
    for (const member of members) {
      if ((object[member] ?? null) === states[member]) continue;
      return (one.states = Object.fromEntries(one.members.map((name) => [name, object[name] ?? null])));
    }
    return states;
  }

  // Chromium asks another thread for a channel's id, which takes longer than to read all other states. Until there is an
  // SCTP transport nothing gives a channel an id, unless it was made with one.
  function allStates() {
    const states = {};
    for (const one of known.values()) {
      if (!one.members.length) continue;
      associated ||= one.object instanceof RTCPeerConnection && one.object.sctp !== null;
      states[one.name] = statesOf(one, associated ? one.members : one.early);
    }
    return states;
  }

  function fired(target, type, event) {
    if (!known.has(target.object)) return;
    const on = target.name;
    const detail = {};
    for (const member of TABLES.events[interfaceOf(event)] ?? []) {
      const value = event[member];
      if (Array.isArray(value)) value.forEach((item) => adopt(on, member.replace(/s$/, ""), item));
      else adopt(on, member, value);
      detail[member] = value instanceof Blob ? { $object: "Blob" } : encode(value);
    }
    record({ what: "event", step, on, event: type, detail, states: statesOf(target) });
    if (!streaming) {
      const key = `${on} ${type}`;
      if (!untaken.has(key)) untaken.set(key, []);
      untaken.get(key).push(event);
    }
    for (const watcher of [...watchers]) watcher();
  }

  function stamped(entry) {
    entry.time = seconds();
    entry.sequence = sequence++;
    return entry;
  }

  function record(entry) {
    const isEvent = entry.what === "event";
    stamped(entry);
    for (const play of plays) if (!(isEvent && play.quiet)) play.entries.push(entry);
    if (streaming && isEvent) stream(entry);
    else if (!plays.size) backlog.push({ ...entry, step: -1 });
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

  // What the promise comes to, which `as` stands for from then on, or PENDING.
  function within(promise, timeout, object = null, as = null) {
    const closed = object instanceof RTCPeerConnection && object.signalingState === "closed";
    return new Promise((done, failed) => {
      const late = () => done(PENDING);
      expect(late, closed ? Math.min(timeout, CLOSED_PATIENCE) : timeout);
      promise.then(
        (value) => {
          if (deadlines.delete(late)) bind(as, value);
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
    return within(promise, timeout).finally(() => {
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

    call({ on, method, args = [], bind: as, awaited = true, timeout = 5 }) {
      const object = resolve(on);
      if (typeof object[method] !== "function") throw new TypeError(`${on}.${method} is not a function`);
      const value = object[method](...args.map(decode));
      if (value instanceof Promise) return awaited ? within(value, timeout, object, as) : later(as, value);
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
      return within(promises.get(on), timeout);
    },

    async wait({ on, event: type, attribute, values = [], timeout = 5, bind: as }) {
      const object = resolve(on);
      if (attribute) {
        const wanted = values.map((value) => JSON.stringify(value));
        const look = () => (wanted.includes(JSON.stringify(encode(object[attribute]))) ? object[attribute] : undefined);
        return watch(look, timeout);
      }
      const key = `${known.get(object)?.name} ${type}`;
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

  function perform(operation) {
    const known = operations[operation.op];
    if (!known) throw new TypeError(`unknown operation ${operation.op}`);
    return known(operation);
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
        const outcome = { what: "outcome", step: index };
        try {
          const value = await perform(operation);
          if (value === PENDING) outcome.kind = "pending";
          else Object.assign(outcome, { kind: "value", value: encode(value) });
        } catch (error) {
          Object.assign(outcome, { kind: "exception", failure: failureOf(error) });
        }
        stamped(outcome).states = allStates();
        log.entries.push(outcome);
      }
      if (streaming) await turn();
    } finally {
      plays.delete(log);
    }
    const told = JSON.stringify(compacted(log.entries));
    const entries = told.length < LONG || JSON.stringify(told).length < PIECE ? told : await packed(told);
    // What happens while packing goes with the events here or by itself: a later one must not overtake them.
    return `${entries}\n${JSON.stringify(under_way ? [] : take())}`;
  }

  // A long text goes as "z" and its zlib form in base64: SDP says the same again and again, and every automation channel
  // copies it several times. Firefox's writes 32 KiB at a time besides, in which the text is once more a JSON string, and
  // holds the second piece back until the first was acknowledged, 40 ms later as a rule.
  const PIECE = 30_000;
  const LONG = PIECE / 2;
  async function packed(text) {
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

  // The entries as rows: [step, time, sequence, what changed of its states, handle, event, detail] of an event, and
  // [step, time, sequence, what changed of all states and null for a name that went, kind, value or failure] of an outcome.
  function compacted(entries) {
    const told = new Map();
    const news = (name, states) => {
      const before = told.get(name);
      if (before === states) return null;
      told.set(name, states);
      if (before === undefined) return states;
      const fresh = {};
      for (const member in states) if (before[member] !== states[member]) fresh[member] = states[member];
      return fresh;
    };
    return entries.map((entry) => {
      const { what, step, time, sequence, states } = entry;
      if (what === "event") {
        return [step, time, sequence, news(entry.on, states), entry.on, entry.event, entry.detail];
      }
      let changes = null;
      for (const name of told.keys()) if (!(name in states)) (changes ??= {})[name] = null;
      for (const name in changes) told.delete(name);
      for (const name in states) {
        const changed = news(name, states[name]);
        if (changed) (changes ??= {})[name] = changed;
      }
      return [step, time, sequence, changes, entry.kind, entry.failure ?? entry.value];
    });
  }

  function reset() {
    for (const object of known.keys()) {
      if (interfaceOf(object) === "RTCPeerConnection") object.close();
      if (interfaceOf(object) === "MediaStreamTrack") object.stop();
    }
    MEDIA.reset();
    for (const map of [handles, known, adopted, untaken, promises]) map.clear();
    backlog = [];
    take();
    streaming = false;
    associated = false;
    step = -1;
  }

  return { play, reset };
})();
