// The view of contacts.
import {ask, empty, heading, make, quoted, tag} from './base.js';

export async function contacts(path) {
  const all = await ask('contacts' + path.quiet);
  const [own] = await ask('identity' + path.quiet);
  const words = (one) => [
    make('dl', {class: 'facts words'},
      make('dt', {}, 'Their words'), make('dd', {}, one.fingerprint),
      one.trust === 'verified' ? null : [make('dt', {}, 'Your words'), make('dd', {}, own.fingerprint)]),
    one.trust === 'verified' ? null : make('div', {class: 'quiet'}, 'Compare them by voice or face to face, then ',
      make('code', {}, 'bmsg contact verify ' + quoted(one.name)))];
  const rows = all.map((one) => make('li', {class: 'item'},
    make('div', {class: 'line'}, make('strong', {}, one.name), make('span', {}, one.kind)),
    one.kind === 'group' ? null : tag(one.trust, {verified: 'good', blocked: 'alarm'}[one.trust], 'Trust'),
    one.kind === 'person' ? tag('card ' + one.card, one.card === 'ok' ? '' : 'alarm') : null,
    one.kind === 'person' && one.fingerprint ? words(one) : null,
    one.address ? make('div', {class: 'mono quiet'}, one.address) : null,
    one.members ? make('div', {class: 'quiet'}, one.members.join(', ')) : null));
  return [heading('Contacts'), rows.length
    ? [make('ul', {class: 'list', 'aria-label': 'Contacts'}, rows),
       make('p', {class: 'quiet mt-3'}, 'One more: ', make('code', {}, 'bmsg contact add NAME ADDRESS'))]
    : empty('You have named nobody yet:', 'bmsg contact add NAME ADDRESS')];
}
