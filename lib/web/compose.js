// Writing: to people, to a room, to everybody; with files.
import {ask, failed, heading, make, say} from './base.js';
import {bring, bytesText, seconds} from './files.js';
import {command, field, folded, line} from './form.js';

let given = null;  // What the next Compose begins with.
const unsent = [];  // What was written and not sent yet; what was written last comes last.
let limit = 65536;  // Bytes of a whole message on this chain.
const DAY = 86400;
const times = [[3600, '1 hour'], [DAY, '1 day'], [7 * DAY, '7 days'], [30 * DAY, '30 days'], [365 * DAY, '1 year']];

/** A link to Compose, which begins with what `begin` brings. In another tab it would begin with nothing. */
export const draftLink = (attributes, begin, text) => make('a', {...attributes, href: '#compose', onclick: (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) given = begin();
}}, text);

/** Under one key a letter is queued once, however often it is asked for. */
export const onceKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, '0')).join('');

/** Remembers what is being written, wherever one goes meanwhile. */
function keep(draft) {
  if (unsent.at(-1) === draft) return;
  forget(draft);
  unsent.push(draft);
}

function forget(draft) {
  if (unsent.includes(draft)) unsent.splice(unsent.indexOf(draft), 1);
}

/** What Compose begins with: what a link brought or its address names, else what was written last. */
function begun(rest) {
  const wish = given || (rest ? {to: [decodeURIComponent(rest)]} : null);
  given = null;
  const about = wish ? JSON.stringify([wish.to, wish.reply_to || '']) : null;
  const known = wish ? unsent.find((one) => one.about === about) : unsent.at(-1);
  if (!known) {
    const made = {about, to: wish ? (wish.names || wish.to).join(', ') : '', public: Boolean(wish && wish.public), sign: true,
      subject: (wish && wish.subject) || '', body: (wish && wish.body) || '', expires: '', reply_to: (wish && wish.reply_to) || '', files: [], once: null};
    if (made.body) keep(made);
    return made;
  }
  if (wish && wish.body) known.body = known.body ? known.body + '\n\n' + wish.body : wish.body;
  keep(known);
  return known;
}

/** The names in a field, with commas between them; those of contacts may have commas in them. */
export function namesIn(text, contacts) {
  const whole = contacts.map((one) => one.name).sort((one, other) => other.length - one.length);
  const found = [];
  for (let rest = text.trim(); rest;) {
    const name = whole.find((one) => rest.startsWith(one) && /^\s*(,|$)/.test(rest.slice(one.length))) ?? rest.split(',', 1)[0].trim();
    if (name) found.push(name);
    rest = rest.slice(name.length).replace(/^\s*,?\s*/, '');
  }
  return found;
}

/** Says how much of a message some text is, and whether it is too much. */
export function counted(text, place) {
  const count = new TextEncoder().encode(text).length;
  place.textContent = `${count} of ${limit} bytes`;
  place.classList.toggle('too-much', count > limit);
  return count <= limit;
}

/** Ticks that add names to a field and take them away. */
export function picker(to, contacts) {
  const names = () => namesIn(to.value, contacts);
  const words = {verified: '✓ verified', known: 'not verified', blocked: '✕ blocked'};
  if (!contacts.length) return null;
  const ticks = contacts.map((one, at) => {
    const id = `${to.id || 'pick'}-${at}`;
    const tick = make('input', {type: 'checkbox', class: 'form-check-input', id, onchange: () => {
      const rest = names().filter((name) => name !== one.name);
      to.value = (tick.checked ? [...rest, one.name] : rest).join(', ');
      to.dispatchEvent(new Event('input', {bubbles: true}));
    }});
    tick.checked = names().includes(one.name);
    to.addEventListener('change', () => { tick.checked = names().includes(one.name); });
    return make('div', {class: 'form-check'}, tick, make('label', {class: 'form-check-label', for: id}, one.name + ' ',
      make('span', {class: 'quiet'}, one.kind === 'person' ? words[one.trust] : one.kind)));
  });
  return folded('Pick', make('div', {class: 'picker'}, ticks));
}

/** Files that were chosen, each with a way to leave it out. */
function chosen(files) {
  const list = make('ul', {class: 'files', 'aria-label': 'Files chosen'});
  const show = () => list.replaceChildren(...files.map((file) => make('li', {}, make('bdi', {}, file.name), ` ${bytesText(file.size)} `,
    make('button', {type: 'button', class: 'btn btn-sm btn-outline-secondary', onclick: () => {
      files.splice(files.indexOf(file), 1);
      show();
    }}, 'Leave out', make('span', {class: 'visually-hidden'}, ' ' + file.name)))));
  const input = make('input', {type: 'file', class: 'form-control', multiple: true, onchange: () => {
    files.push(...input.files);
    input.value = '';
    show();
  }});
  show();
  return {list, input};
}

/** Of those named, and of those in groups, who was never compared with. */
function strangers(to, contacts) {
  const named = (name) => contacts.find((each) => each.name === name || each.address === name);
  const all = to.flatMap((name) => named(name)?.kind === 'group' ? named(name).members : [name]);
  return [...new Set(all)].filter((name) => {
    const one = named(name);
    return one ? one.kind === 'person' && one.trust !== 'verified' : name.startsWith('bmsg1');
  });
}

/** Everything that leaves the form, in order: warn, bring the files, tell the work, seal. */
class Sending {
  constructor(letter, files, key, place) {
    Object.assign(this, {letter, files, key, place, tickets: []});
  }

  say(text, part) {
    const told = make('div', {}, make('div', {role: 'status'}, text),
      part === undefined ? '' : make('progress', {max: 1, value: part, 'aria-label': 'Progress'}));
    // What stands beside it stays, so that nobody loses the button under his finger.
    if (this.told?.isConnected) this.told.replaceWith(told);
    else this.place.replaceChildren(told);
    this.told = told;
  }

  async bringAll() {
    const whole = this.files.reduce((sum, file) => sum + file.size, 0);
    let before = 0;
    for (const file of this.files) {
      this.say(`Bringing ${file.name}…`, before / whole);
      this.tickets.push(await bring(file, (at) => this.say(`Bringing ${file.name}…`, whole ? (before + at) / whole : 1)));
      before += file.size;
    }
    this.letter.files = this.tickets;
  }

  /** Tells what it takes; true: go on. */
  async agree() {
    const [work] = await ask('estimate', this.letter);
    const words = `${work.chunks} pieces to stamp, about ${seconds(work.seconds)} of work on this machine.`;
    return new Promise((answer) => {
      const yes = make('button', {type: 'button', class: 'btn btn-primary btn-sm', id: 'agree', onclick: () => answer(true)}, 'Send them');
      const no = make('button', {type: 'button', class: 'btn btn-outline-secondary btn-sm', onclick: () => answer(false)}, 'Not now');
      this.place.replaceChildren(make('div', {class: 'note', role: 'status'}, words), make('div', {class: 'actions'}, yes, no));
      yes.focus();
    });
  }

  async seal() {
    const began = Date.now();
    let done = false;
    const stop = make('button', {type: 'button', class: 'btn btn-outline-secondary btn-sm', id: 'stop', onclick: () => {
      stop.disabled = true;
      ask('send/stop', {}).catch(() => {});
    }}, 'Stop');
    this.say('Sealing…');
    setTimeout(() => { if (!done) this.place.append(stop); }, 1000);  // Most letters need none.
    const tell = async () => {
      while (!done) {
        const [one] = (await ask('progress').catch(() => [])).filter((each) => each.phase !== 'mine');
        const part = one && one.total ? one.done / one.total : undefined;
        if (!done) this.say(`Sealing… ${Math.round((Date.now() - began) / 1000)} s`, part);
        await new Promise((next) => setTimeout(next, 500));
      }
    };
    tell();
    try {
      await ask('send', {...this.letter, key: this.key});
    } finally {
      done = true;
      stop.remove();
    }
  }

  drop() {
    for (const file of this.tickets) ask('file/drop', {file}).catch(() => {});
    this.tickets = [];
    delete this.letter.files;
  }

  /** True: it is queued. */
  async go() {
    try {
      if (this.files.length) {
        await this.bringAll();
        if (!await this.agree()) {
          this.drop();
          this.place.replaceChildren();
          return false;
        }
      }
      await this.seal();
      return true;
    } catch (error) {
      this.drop();
      this.place.replaceChildren();
      throw error;
    }
  }
}

const check = (id, text, input) => make('div', {class: 'form-check mb-2'}, Object.assign(input, {id}),
  make('label', {class: 'form-check-label', for: id}, text));
const tick = (attributes) => make('input', {type: 'checkbox', class: 'form-check-input', ...attributes});

/** The length that the whole will have, told a moment after somebody stopped writing. */
function sizer(letter, place) {
  let waits = 0;
  return () => {
    clearTimeout(waits);
    waits = setTimeout(async () => {
      const wish = letter();
      if (!place.isConnected || (!wish.public && !wish.to.length)) return;
      try {
        const [found] = await ask('estimate', wish);
        place.textContent = `sealed: ${found.bytes} of ${found.limit} bytes`;
      } catch {
        place.textContent = '';  // Told when it is sent.
      }
    }, 600);
  };
}

export async function compose(path) {
  const [contacts, [limits]] = await Promise.all([ask('contacts' + path.quiet), ask('limits' + path.quiet)]);
  limit = limits.maxmessage;
  const begin = begun(path.rest);
  const to = line({list: 'names', value: begin.to});
  const open = tick({checked: begin.public, onchange: () => { to.disabled = open.checked; }});
  to.disabled = begin.public;
  const sign = tick({checked: begin.sign});
  const subject = line({value: begin.subject});
  const expires = make('select', {class: 'form-select'}, make('option', {value: ''}, 'as the setting says'),
    times.filter(([span]) => span >= limits.minttl && span <= limits.maxttl).map(([span, text]) => make('option', {value: span + 's'}, text)));
  expires.value = begin.expires;
  const count = make('span', {'aria-live': 'off', id: 'count'});
  const sealed = make('span', {'aria-live': 'off', class: 'quiet', id: 'sealed'});
  const body = make('textarea', {class: 'form-control', rows: 9});
  body.value = begin.body;
  const {files} = begin;
  const {list, input} = chosen(files);
  const letter = () => ({to: open.checked ? [] : namesIn(to.value, contacts), subject: subject.value, body: body.value, public: open.checked,
    expires: expires.value, sign: sign.checked, reply_to: begin.reply_to});
  const measure = sizer(letter, sealed);
  const button = make('button', {class: 'btn btn-primary', id: 'queue'}, 'Queue');
  const fault = make('div', {});
  const far = make('div', {class: 'mt-2', id: 'far'});
  let warned = '';
  let busy = false;
  const grown = () => {
    const fits = counted(body.value, count);
    button.disabled = busy || !fits;
    if (fits && (body.value || files.length)) measure();
  };
  const written = () => {
    Object.assign(begin, {to: to.value, public: open.checked, sign: sign.checked, subject: subject.value, body: body.value, expires: expires.value});
    if (begin.to || begin.subject || begin.body || files.length) keep(begin);
    else forget(begin);
    grown();
  };
  const whole = make('fieldset', {},
    field('to', 'To', to, 'Names of contacts, groups or a room, or addresses, with commas between them.'),
    make('datalist', {id: 'names'}, contacts.map((one) => make('option', {value: one.name}))), picker(to, contacts),
    check('public', 'Public: for everybody to read', open),
    field('subject', 'Subject', subject),
    make('div', {class: 'mb-3'}, make('label', {class: 'form-label', for: 'body'}, 'Text'), Object.assign(body, {id: 'body'}),
      make('div', {class: 'form-text counts'}, count, sealed)),
    field('files', 'Files', input, 'Up to 1 GiB each; what they take is told before.'), list,
    field('expires', 'Expires after', expires),
    check('sign', 'Signed: they can tell that it is from you, and you can read it again', sign), button, ' ',
    make('span', {class: 'quiet'}, 'as ', command('bmsg send'), ' does'));
  const run = async (wish) => {
    const text = JSON.stringify([wish, files.map((file) => [file.name, file.size, file.lastModified])]);
    if (begin.once?.text !== text) begin.once = {text, key: onceKey()};
    busy = whole.disabled = button.disabled = true;  // Nothing is written into what goes already.
    try {
      if (!await new Sending(wish, files, begin.once.key, far).go()) return;
      forget(begin);
      say('Queued.');
      if (whole.isConnected) location.hash = '#outbox';
    } catch (error) {
      fault.replaceChildren(failed(error));
    } finally {
      busy = whole.disabled = false;
      grown();
    }
  };
  const send = async (event) => {
    event.preventDefault();
    if (busy) return;
    fault.replaceChildren();
    const wish = letter();
    const unknown = strangers(wish.to, contacts);
    if (unknown.length && warned !== unknown.join()) {
      warned = unknown.join();
      button.textContent = 'Queue all the same';
      fault.replaceChildren(make('div', {class: 'failed', role: 'alert'}, `Not verified: ${unknown.join(', ')}. Somebody else may read it. `,
        make('a', {href: '#contacts'}, 'Compare words'), ' first, or send it all the same.'));
      return;
    }
    await run(wish);
  };
  grown();
  return [heading('Compose'), fault, make('form', {onsubmit: send, oninput: written, onchange: written}, whole, far)];
}
