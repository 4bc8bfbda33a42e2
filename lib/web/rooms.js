// Rooms: what several people share a key of.
import {ask, empty, heading, make, say, tag} from './base.js';
import {again} from './app.js';
import {command, doing, facts, field, filled, folded, line, remarks, section, twice} from './form.js';
import {keyText} from './mail.js';
import {namesIn, picker} from './compose.js';

const talkLink = (one, text) => make('a', {href: '#talk/' + keyText({kind: 'room', name: one.name})}, text);

async function change(verb, name, more, told) {
  remarks(await ask('room', {verb, name, ...more}));
  say(told);
}

function creating(contacts) {
  const fault = make('div', {});
  const name = line({required: true, maxlength: 64});
  const members = line({});
  return folded('Make a room', fault, filled('Create', fault, async () => {
    await change('create', name.value, {members: namesIn(members.value, contacts)}, 'The room is there.');
    await again();
  }, field('room-name', 'Name', name), field('room-members', 'Members', members, 'Names or addresses, with commas between them.'),
    picker(members, contacts.filter((one) => one.kind === 'person'))),
  make('p', {class: 'quiet mt-2'}, command('bmsg room create NAME --member ANA')));
}

function alarms(one) {
  return (one.alarms || []).map((alarm) => make('div', {class: 'failed'},
    `The keeper gave another secret for epoch ${alarm.epoch}: it was left.`));
}

export async function rooms(path) {
  const [told, contacts] = await Promise.all([ask('rooms' + path.quiet), ask('contacts' + path.quiet)]);
  const all = told.filter((one) => one.type === 'contact');
  const invited = told.filter((one) => one.type === 'remark');
  const rows = all.map((one) => make('li', {}, make('a', {class: 'row-link', href: '#room/' + encodeURIComponent(one.name)},
    make('div', {class: 'line'}, make('strong', {}, one.name), make('span', {}, one.epoch ? `epoch ${one.epoch}` : 'to post only')),
    make('div', {}, one.members ? tag('kept by you', 'good') : null,
      one.members ? tag(one.members.length === 1 ? '1 member' : `${one.members.length} members`) : null)), alarms(one)));
  return [heading('Rooms'), invited.map((one) => make('div', {class: 'note', role: 'note'}, one.text)),
    rows.length ? make('ul', {class: 'list mb-3', 'aria-label': 'Rooms'}, rows) : empty('You are in no room yet:', 'bmsg room create NAME'),
    creating(contacts)];
}

function keeping(one, contacts, fault) {
  const people = line({required: true});
  const history = make('select', {class: 'form-select'}, make('option', {value: ''}, 'what is written under the secret of now'),
    make('option', {value: 'all'}, 'all that was written'), make('option', {value: 'none'}, 'nothing: all get a new secret'));
  const members = one.members.length ? make('ul', {class: 'list mb-3', 'aria-label': 'Members'}, one.members.map((name) => make('li', {class: 'item'},
    make('div', {class: 'line'}, make('span', {}, name), twice('Remove', 'All others get a new secret. Remove?', fault, async () => {
      await change('remove', one.name, {members: [name]}, 'Removed.');
      await again();
    }))))) : empty('Nobody else is in it yet:', 'bmsg room invite ROOM NAME');
  return [section('Members', members),
    section('Invite', filled('Invite', fault, async () => {
      await change('invite', one.name, {members: namesIn(people.value, contacts), ...(history.value ? {history: history.value} : {})}, 'Invited.');
      await again();
    }, field('invite', 'Whom', people, 'Names or addresses, with commas between them.'),
    picker(people, contacts.filter((each) => each.kind === 'person')), field('history', 'They can read', history))),
    section('Secret', make('p', {}, 'A new secret goes to all members; whoever has only the old one reads nothing that comes. '),
      twice('New secret', 'Give all members a new one?', fault, async () => {
        await change('rotate', one.name, {}, 'All members get a new secret.');
        await again();
      }), ' ', command('bmsg room rotate'))];
}

export async function room(path) {
  const name = decodeURIComponent(path.rest);
  const [told, contacts] = await Promise.all([ask('rooms' + path.quiet), ask('contacts' + path.quiet)]);
  const one = told.find((each) => each.type === 'contact' && each.name === name);
  if (!one) return [heading('Room'), empty('There is no room of this name here any more:', 'bmsg room list')];
  const fault = make('div', {});
  const keeper = contacts.find((each) => each.address === one.address && each.kind === 'person');
  return [heading('Room ' + one.name, talkLink(one, 'What was written')), fault, alarms(one),
    facts([['Keeper', one.members ? 'You' : keeper ? keeper.name : one.address], ['Epoch', one.epoch ? String(one.epoch) : null]]),
    one.members ? keeping(one, contacts, fault)
      : make('p', {class: 'quiet'}, 'Only the keeper knows and changes who is in it.'),
    section('Leave', make('p', {}, 'What is posted from then on cannot be read here' + (one.members ? ', and nobody can invite or remove any more.' : '.')),
      twice('Leave', 'Forget this room and its secrets?', fault, async () => {
        await change('leave', one.name, {}, 'The room was left.');
        location.hash = '#rooms';
      }), ' ', command('bmsg room leave'))];
}
