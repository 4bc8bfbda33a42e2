// The view of how the store stands.
import {ask, failed, heading, make} from './base.js';

export async function status(path) {
  const [one] = await ask('state' + path.quiet);
  const [who] = await ask('identity' + path.quiet);
  const outbox = Object.entries(one.outbox).map(([state, count]) => `${count} ${state}`).join(', ');
  const facts = [['You', who.address], ['Words', who.fingerprint], ['Chain', `${one.chain} (${one.mode})`],
    ['Height', String(one.height)], ['Work', one.total_work], ['Pool', `${one.pool.messages} messages`],
    ['Outbox', outbox], ['Peers', `${one.peers.ok} ok, ${one.peers.bad} not`], ['Store', one.path]];
  return [heading('Status'), one.attention.map((it) => make('div', {class: 'failed'}, it.text,
    it.next ? make('div', {}, make('code', {}, it.next)) : null)),
    make('dl', {class: 'facts'}, facts.map(([name, value]) => [make('dt', {}, name), make('dd', {}, value || '–')]))];
}
