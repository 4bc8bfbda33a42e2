"""axe-core for the scripts that test the page in a browser: what keeps people from using it who see
badly, hear it or have no mouse."""
import npm

VERSION = "4.10.3"
# Comes back with what is wrong and matters, and on what.
RUN = """
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(' ')}`);
"""


class Axe:
    def __init__(self):
        place = npm.package("axe-core", VERSION)
        self.source = (place / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def violations(self, browser):
        """Serious and critical ones of what the browser shows. The source comes by WebDriver, for
        the policy of the page lets in no script of others."""
        browser.ask("POST", "/execute/sync", {"script": self.source, "args": []})
        return browser.run(RUN)
