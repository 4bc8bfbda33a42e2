// What changes in the store, told as it happens; else looked for every few seconds.
import {ask, session} from './base.js';

const LOOK = 4000;
let ends = null;  // Ends the stream that runs.
let pause = 1000;

/** The events of a stream, as they come. */
async function* events(reader) {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    text += decoder.decode(value, {stream: true});
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const data = lines.find((line) => line.startsWith('data: '));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

/** One stream until it ends; what is told is a `state`. */
async function listen(told) {
  ends = new AbortController();
  const answer = await fetch('/api/events', {headers: {'X-Bmsg-Token': session.token}, cache: 'no-store', signal: ends.signal});
  if (answer.status === 401) return told(null, {status: 401});
  if (!answer.ok || !answer.body) return undefined;
  document.body.dataset.live = 'yes';
  pause = 1000;
  let pushed = false;  // The first says how things stand, each other one that they have changed.
  for await (const state of events(answer.body.getReader())) {
    told(state, null, pushed);
    pushed = true;
  }
  return undefined;
}

/** Listens for as long as the page is seen and has a session. */
async function follow(told) {
  for (;;) {
    if (session.token && !document.hidden) await listen(told).catch(() => {});
    delete document.body.dataset.live;
    await new Promise((next) => setTimeout(next, pause));
    pause = Math.min(2 * pause, 15000);
  }
}

/** Where no stream runs. */
async function look(told) {
  if (session.token && !document.hidden && !document.body.dataset.live) {
    try {
      told((await ask('state?quiet=1'))[0]);
    } catch (error) {
      if (error.status === 401) told(null, error);
    }
  }
  setTimeout(() => look(told), LOOK);
}

/** Has `told` called with the state of the store, at first and after each change; with an error
 *  when the session has ended; the last argument says that something has changed. Looking does not
 *  keep the page awake. */
export function watch(told) {
  // A browser has few connections for one place: a page that nobody sees gives its own back.
  document.addEventListener('visibilitychange', () => {
    pause = 100;
    if (document.hidden && ends) ends.abort();
  });
  follow(told);
  look(told);
}
