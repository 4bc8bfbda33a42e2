"""What the page of `bmsg web` looks like in a browser: led to a view, and measured there."""

# Comes back once the view that an address names is there.
SHOW = """
  const settled = async () => {
    const main = document.getElementById('main');
    while (main.hasAttribute('aria-busy')) await new Promise((done) => setTimeout(done, 5));
    return main;
  };
  const show = async (view) => {
    if (location.hash !== '#' + view) {
      const changed = new Promise((done) => addEventListener('hashchange', done, {once: true}));
      // A browser drops what comes after 200 changes in ten seconds.
      for (location.hash = '#' + view; location.hash !== '#' + view; location.hash = '#' + view)
        await new Promise((done) => setTimeout(done, 100));
      await changed;
    }
    return settled();
  };
"""
# Every text that can be seen, with too little between its colour and what lies behind it.
PALE = """
  const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = parts(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const pale = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest('.visually-hidden, .visually-hidden-focusable, noscript')) continue;
    const [one, other] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) pale.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return pale;
"""
# What somebody who only hears the page could not tell.
NAMELESS = """
  return [...document.querySelectorAll('input, textarea, select, button, a, nav, [role=region]')]
    .filter((one) => one.checkVisibility() && !one.ariaLabel && !one.innerText?.trim() &&
                     !one.labels?.length).map((one) => one.outerHTML);
"""


def show(browser, view):
    """Goes to a view; its text."""
    return browser.run(SHOW + "return (await show(args[0])).innerText;", view)


def check_looks(browser, directory, views):
    """Nothing is wider than the window, too pale to be read or without a name."""
    for scheme in ("light", "dark"):
        backgrounds = set()
        for width in (360, 768, 1280):
            browser.look(width, scheme)
            for view in views:
                show(browser, view)
                where = f"{view.split('/')[0]} {width} {scheme}"
                wide = browser.run("return document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{where}: {wide} pixels too wide"
                assert not (pale := browser.run(PALE)), f"{where}: {pale}"
                assert not (nameless := browser.run(NAMELESS)), f"{where}: {nameless}"
                browser.picture(directory / f"{where.replace(' ', '-')}.png")
            backgrounds.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
        assert backgrounds == ({"rgb(255, 255, 255)"} if scheme == "light" else
                               {"rgb(21, 24, 28)"}), backgrounds
    browser.check_quiet()
