// What every view of the page builds on. What a stranger wrote goes in as text, never as markup.

/** The token that changes and questions bring along. */
export const session = {token: localStorage.getItem('token') || ''};

/** An element with attributes, handlers ("onclick") and children, texts among them. */
export function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) made.append(child);
  }
  return made;
}

export class Failure extends Error {
  constructor(object, status) {
    super(object.message || 'The program does not answer.');
    this.name = object.name || '';
    this.hint = object.hint || '';
    this.status = status;
  }
}

/** The objects that one question brings; a body makes it a change. */
export async function ask(path, body) {
  const headers = {'X-Bmsg-Token': session.token};
  const options = {headers, credentials: 'same-origin', cache: 'no-store'};
  if (body !== undefined) {
    options.method = 'POST';
    options.body = JSON.stringify(body);
    headers['Content-Type'] = 'application/json';
  }
  let answer;
  try {
    answer = await fetch('/api/' + path, options);
  } catch {
    throw new Failure({message: 'bmsg web does not run any more.', hint: 'bmsg web --open'}, 0);
  }
  const objects = (await answer.text()).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  if (!answer.ok) throw new Failure(objects[0] || {}, answer.status);
  return objects;
}

const told = document.getElementById('told');

export function say(text) {
  told.textContent = text;
  setTimeout(() => { if (told.textContent === text) told.textContent = ''; }, 6000);
}

export function failed(error) {
  return make('div', {class: 'failed', role: 'alert'}, error.message,
              error.hint ? make('div', {}, make('code', {}, error.hint)) : null);
}

export function empty(text, command) {
  return make('p', {class: 'empty'}, text + ' ', make('code', {}, command));
}

export function when(time) {
  const date = new Date(time);
  const today = new Date().toDateString() === date.toDateString();
  const options = today ? {timeStyle: 'short'} : {dateStyle: 'medium'};
  return make('time', {datetime: time, title: date.toLocaleString()},
              new Intl.DateTimeFormat(undefined, options).format(date));
}

export const short = (id) => id ? id.slice(0, 16) + '…' : '';
export const sender = (one) => one.direction === 'out' ? 'You' : one.from_name || short(one.from) || 'Anonymous';

/** One word in a frame; whoever hears it is told what it is about. */
export function tag(text, kind, about) {
  return make('span', {class: 'tag ' + (kind || '')},
              about ? make('span', {class: 'visually-hidden'}, about + ': ') : null, text);
}

/** A word as a shell reads it, for a command that somebody copies. */
export const quoted = (word) => /^[\w.@-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";

export function tags(one) {
  const kinds = {verified: 'good', blocked: 'alarm'};
  const all = one.direction === 'out' ? [] : [tag(one.trust, kinds[one.trust], 'Trust')];
  if (one.public) all.push(tag('public'));
  if (one.room) all.push(tag('room ' + one.room));
  if (one.direction !== 'out' && one.signature !== 'good') all.push(tag('signature ' + one.signature, 'alarm'));
  return all.concat(one.marks.map((mark) => tag(mark, 'alarm')));
}

export const confirmed = (one) => `${one.confirmations} confirmation${one.confirmations === 1 ? '' : 's'}`;

export function stand(one) {
  return one.block ? `block ${one.block.height}, ${confirmed(one)}` : 'in no block yet';
}

export const heading = (text, ...more) => make('div', {class: 'head'}, make('h1', {}, text), ...more);
