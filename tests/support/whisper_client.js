// A client of Whisper as its users have it, led by lines of JSON: node whisper_client.js PLACE URL,
// PLACE being where web3-shh was installed. Each line asks one thing, and is answered by one.
"use strict";

const path = require("path");
const readline = require("readline");

const [place, url] = process.argv.slice(2);
const { Shh } = ((found) => (found.Shh ? found : { Shh: found }))(
  require(path.join(place, "node_modules", "web3-shh"))
);

function provider() {
  if (url.startsWith("http")) return url;
  const Socket = require(path.join(place, "node_modules", "web3-providers-ws"));
  const made = new Socket(url, { timeout: 30000, reconnect: { auto: true, delay: 100, maxAttempts: 300 } });
  made.on("reconnect", () => say({ event: "reconnect" }));
  made.on("connect", () => say({ event: "connect" }));
  return made;
}

const say = (object) => process.stdout.write(JSON.stringify(object) + "\n");
const shh = new Shh(provider());
const subscriptions = new Map();

function method(name) {
  return name.startsWith("net.") ? shh.net[name.slice(4)] : shh[name];
}

function subscribe(criteria) {
  return new Promise((done, failed) => {
    const subscription = shh.subscribe("messages", criteria, (error, message) => {
      if (error) failed(error);
      else say({ event: "message", of: subscription.id, message });
    });
    subscription.on("connected", (id) => {
      subscriptions.set(id, subscription);
      say({ event: "subscribed", id });
      done(id);
    });
    subscription.on("error", failed);
  });
}

function unsubscribe(id) {
  return new Promise((done, failed) =>
    subscriptions.get(id).unsubscribe((error, result) => (error ? failed(error) : done(result)))
  );
}

async function many(name, all, atOnce) {
  const results = new Array(all.length);
  let next = 0;
  const work = async () => {
    while (next < all.length) {
      const index = next++;
      results[index] = await method(name)(...all[index]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

function batch(calls) {
  return Promise.all(
    ((made) => {
      const answers = calls.map(
        ([name, ...words]) =>
          new Promise((done) => {
            const answer = (error, result) => done(error ? { error: error.message } : { result });
            made.add(method(name).request(...words, answer));
          })
      );
      made.execute();
      return answers;
    })(new shh.BatchRequest())
  );
}

function answer(asked) {
  if (asked.subscribe) return subscribe(asked.subscribe);
  if (asked.unsubscribe) return unsubscribe(asked.unsubscribe);
  if (asked.many) return many(asked.many, asked.words, asked.at_once);
  if (asked.batch) return batch(asked.batch);
  return method(asked.call)(...asked.words);
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const asked = JSON.parse(line);
  try {
    const result = await answer(asked);
    say({ n: asked.n, result: result === undefined ? null : result });
  } catch (error) {
    say({ n: asked.n, error: String((error && error.message) || error) });
  }
}).on("close", () => process.exit(0));
