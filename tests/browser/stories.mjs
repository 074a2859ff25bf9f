// What a reader does, and what happens meanwhile. Each waits for what it expects, with a limit.
import assert from "node:assert/strict";

const lines = (page) => page.locator("#log .step:last-of-type .l").count();
const until = (page, what, arg) => page.waitForFunction(what, arg, { timeout: 8000 });

export const stories = {
  "a log opens at the failure and its line can be linked": async (page, { full }) => {
    await page.goto(`${full}/acme/shop/runs/31/jobs/2`);
    assert.equal(await page.locator(".step[open]").count(), 1);
    assert.match(await page.locator(".step[open] summary").innerText(), /pytest -q[\s\S]*exit 1/);
    await page.locator("#L20 a").click();
    await page.locator("#L24 a").click({ modifiers: ["Shift"] });
    assert.equal(new URL(page.url()).hash, "#L20-L24");
    assert.equal(await page.locator(".l.on").count(), 5);
  },

  "a line that is not on the page is fetched": async (page, { full }) => {
    await page.goto(`${full}/acme/shop/runs/37/jobs/1#L50000-L50003`);
    await until(page, () => document.querySelectorAll(".l.on").length === 4);
    await page.locator("#L50000").waitFor();
    assert.match(await page.locator("#L50000 code").innerText(), /case\s+49986 ok/);
    const before = await page.locator("#log .l").count();
    await page.locator(".step[open] .gap.up").click();
    await until(page, (count) => document.querySelectorAll("#log .l").length > count, before);
    await page.fill("#line", "7");
    await page.keyboard.press("Enter");
    await until(page, () => document.querySelector("#L7.on")?.closest("details").open);
  },

  "a text is found in a log of any length": async (page, { full }) => {
    await page.goto(`${full}/acme/shop/runs/37/jobs/1`);
    await page.keyboard.press("/");
    await page.keyboard.type("case  61234 OK");
    await page.keyboard.press("Enter");
    await page.locator(".hits li").first().waitFor();
    assert.match(await page.locator(".hits > p").innerText(), /One line has/);
    await page.locator(".hits li a").click();
    await until(page, () => /case\s+61234 ok/.test(document.querySelector(".l.on")?.textContent));
    await page.goto(`${full}/acme/shop/runs/37/jobs/1?find=ok`);
    assert.equal(await page.locator(".hits li").count(), 100);
    assert.match(await page.locator(".hits > p").innerText(), /The first 100 lines that have/);
  },

  "the tabs of a repo say what asked for its runs": async (page, { full }) => {
    await page.goto(`${full}/acme/cloud`);
    await page.getByRole("link", { name: "Pull requests" }).click();
    const text = async (selector) => (await page.locator(selector).innerText()).replace(/\s+/g, " ");
    assert.match(await text("#pull-7"), /<script>alert\(1\)<\/script>.*stranger.*patch-1 → main.*fork/);
    assert.match(await text(".rows > li:last-child"), /#4 Old and closed.*closed/);
    await page.getByRole("link", { name: "Branches" }).click();
    assert.match(await text(".rows > li:first-child"), /^main default/);
    assert.match(await text(".rows > li:last-child"), /topic\/gone deleted/);
    await page.getByRole("link", { name: "Requests", exact: true }).click();
    assert.match(await text("main"), /push · topic\/gone ignored, because the branch or tag was deleted/);
    assert.match(await text("main"), /asked for by operator · main: run #8/);
    await page.getByRole("link", { name: /pull request · #7 into main/ }).click();
    assert.match(await text(".answer"), /From a fork: it sees no secret/);
    await page.goto(`${full}/acme/cloud?branch=main`);
    assert.equal(await page.getByText("pull request 7").count(), 0, "no run of main");
  },

  "a folded step of a long log fetches its lines when it opens": async (page, { full }) => {
    await page.goto(`${full}/acme/shop/runs/37/jobs/1`);
    assert.equal(await page.locator("#step-3 .l").count(), 0);
    await page.locator("#step-3 summary").click();
    await until(page, () => document.querySelectorAll("#step-3 .l").length > 5);
  },

  "without JavaScript every line can be reached": async (page, { full }) => {
    const plain = await page.context().browser().newContext({
      javaScriptEnabled: false, storageState: await page.context().storageState(),
    });
    const quiet = await plain.newPage();
    await quiet.goto(`${full}/acme/shop/runs/37/jobs/1`);
    await quiet.locator(".step[open] .gap.up").click();
    assert.ok(await quiet.locator("#L99900").isVisible());
    await quiet.goto(`${full}/acme/shop/runs/37/jobs/1?from=50000`);
    assert.ok(await quiet.locator("#L50000").isVisible());
    await plain.close();
  },

  "keys lead everywhere": async (page, { full }) => {
    await page.goto(`${full}/acme/shop`);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    assert.equal(await page.evaluate(() => document.activeElement.closest("li").id), "run-45");
    await page.keyboard.press("f");
    assert.match(await page.evaluate(() => document.activeElement.dataset.state), /failed|errored/);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    assert.ok(await page.locator("#help").isVisible());
    await page.keyboard.press("Escape");
    await page.goto(`${full}/acme/shop/runs/31`);
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL(`${full}/acme/shop`);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  },

  "lines arrive while a job runs, and nothing else moves": async (page, { full, tell }) => {
    await page.goto(`${full}/acme/shop/runs/43/jobs/2`);
    await page.waitForTimeout(300);
    const before = await lines(page);
    const top = await page.locator("#log").boundingBox();
    await tell("log");
    await until(page, (count) => document.querySelectorAll("#log .step:last-of-type .l").length === count + 3, before);
    assert.match(await page.locator("#log .l").last().innerText(), /and more/);
    assert.equal(await page.locator("#log .l").nth(-2).locator("b").count(), 0);
    assert.deepEqual((await page.locator("#log").boundingBox()).y, top.y);
    await page.check("#follow");
    await tell("log");
    await until(page, (count) => document.querySelectorAll("#log .step:last-of-type .l").length === count + 6, before);
    const numbers = await page.locator("#log .step:last-of-type .l").evaluateAll((all) => all.map((line) => +line.id.slice(1)));
    assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at));
  },

  "a server that restarts is said and survived": async (page, { full, tell }) => {
    await page.goto(`${full}/acme/shop/runs/43/jobs/2`);
    await page.waitForTimeout(300);
    const before = await lines(page);
    await tell("stop");
    await until(page, () => /server is away/.test(document.querySelector("#live").textContent));
    await tell("log");
    await tell("start");
    await until(page, (count) => document.querySelectorAll("#log .step:last-of-type .l").length === count + 3, before);
    await until(page, () => document.querySelector("#live").textContent === "");
  },

  "an attempt that is lost gives way to the next, with its own log": async (page, { full, tell }) => {
    await page.goto(`${full}/acme/shop/runs/43/jobs/2`);
    await page.waitForTimeout(300);
    await tell("lose");
    await until(page, () => document.querySelector("#log")?.dataset.attempt === "2");
    await until(page, () => document.querySelectorAll("#log .l").length === 1);
    assert.match(await page.locator("#L1").innerText(), /the second try/);
    await tell("log");
    await until(page, () => document.querySelectorAll("#log .l").length === 4);
    assert.match(await page.locator("main").innerText(), /attempt 2 of 2/);
  },

  "a job that ends changes its page and its run's": async (page, { full, tell }) => {
    const run = await page.context().newPage();
    await run.goto(`${full}/acme/shop/runs/43`);
    await page.goto(`${full}/acme/shop/runs/43/jobs/2`);
    await page.waitForTimeout(300);
    await tell("finish");
    await until(page, () => /Passed/.test(document.querySelector(".answer .pill").textContent));
    await until(run, () => /Passed/.test(document.querySelector("#job-2 .st").textContent));
    assert.equal(await page.evaluate(() => document.body.dataset.events), "");
  },

  "a run is canceled by its button, and not from elsewhere": async (page, { full }) => {
    const address = `${full}/acme/shop/runs/44/cancel`;
    const foreign = await page.context().request.post(address, { headers: { origin: "https://elsewhere.example" } });
    assert.equal(foreign.status(), 403);
    await page.goto(`${full}/acme/shop/runs/44`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await until(page, () => /Canceled/.test(document.querySelector(".answer .pill")?.textContent));
    assert.match(await page.locator(".why").first().innerText(), /canceled by operator/);
  },

  "caches are cleared by their buttons, and not from elsewhere": async (page, { full }) => {
    const address = `${full}/acme/shop/caches/clear`;
    const foreign = await page.context().request.post(address, { headers: { origin: "https://elsewhere.example" } });
    assert.equal(foreign.status(), 403);
    await page.goto(`${full}/acme/shop/caches`);
    const rows = () => page.locator(".caches > li").count();
    const before = await rows();
    await page.getByRole("button", { name: "Clear the cache of <b>bold</b>" }).click();
    await until(page, (count) => document.querySelectorAll(".caches > li").length === count - 1, before);
    await page.getByRole("button", { name: "Clear all" }).click();
    await until(page, () => /No cache yet/.test(document.querySelector(".empty h1")?.textContent));
  },

  "a failed test says what it said": async (page, { full }) => {
    await page.goto(`${full}/acme/shop/runs/31`);
    const first = page.locator(".tests > li").first();
    assert.match(await first.innerText(), /test_total_rounds_half_to_even[\s\S]*Decimal\('0.26'\)/);
    assert.equal(await page.locator(".tests b").count(), 0, "a name is a text");
    await first.locator("summary").click();
    assert.equal(await first.locator("details[open]").count(), 0);
  },

  "a run that is over is run again as a new one": async (page, { full }) => {
    await page.goto(`${full}/acme/shop/runs/31`);
    await page.getByRole("button", { name: "Run again" }).click();
    await page.waitForURL(`${full}/acme/shop/runs/46`);
    assert.match(await page.locator(".meta").innerText(), /again, of #31/);
    assert.match(await page.locator(".answer h1").innerText(), /Round totals half to even/);
  },

  "the rules of an environment are set by its form, and not from elsewhere": async (page, { full }) => {
    const address = `${full}/acme/shop/environments/preview/rules`;
    const foreign = await page.context().request.post(address, { headers: { origin: "https://elsewhere.example" } });
    assert.equal(foreign.status(), 403);
    await page.goto(`${full}/acme/shop/environments/preview`);
    await page.getByText("Change the rules").click();
    await page.getByLabel("Approval").check();
    await page.getByLabel("Branches").fill("main, <b>bold</b>");
    await page.getByRole("button", { name: "Save" }).click();
    await until(page, () => /waits until somebody approves it/.test(document.querySelector(".rows.plain")?.textContent));
    assert.match(await page.locator(".rows.plain").innerText(), /main, <b>bold<\/b>/, "a name is a text");
    await page.getByText("Change the rules").click();
    await page.getByLabel("Approval").uncheck();
    await page.getByLabel("Branches").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    await until(page, () => !document.querySelector(".rows.plain"));
  },

  "a token is shown once, and revoked by its button": async (page, { full }) => {
    await page.goto(`${full}/account`);
    await page.getByLabel("What for").fill("<b>nightly</b>");
    await page.getByRole("button", { name: "Make it" }).click();
    const token = await page.locator(".answer pre").innerText();
    assert.match(token, /^slipway_[0-9a-f]{64}$/);
    const asked = async () =>
      (await fetch(`${full}/api/v1/repos`, { headers: { authorization: `Bearer ${token}` } })).status;
    assert.equal(await asked(), 200);
    await page.goto(`${full}/account`);
    assert.equal(await page.locator(".answer").count(), 0, "shown once");
    await page.getByRole("button", { name: "Revoke the token <b>nightly</b>" }).click();
    await until(page, () => !/nightly<\/b>/.test(document.querySelector("main").textContent));
    assert.equal(await asked(), 401);
  },

  "what a stranger may not see is not there": async (page, { full }) => {
    const stranger = await page.context().browser().newContext();
    for (const path of ["/acme/shop", "/acme/shop/runs/31", "/no/such", "/workers"]) {
      const answer = await stranger.request.get(full + path, { headers: { accept: "text/html" } });
      assert.equal(answer.status(), 401, path);
      assert.match(await answer.text(), /slipway login/);
    }
    const post = await stranger.request.post(`${full}/acme/shop/runs/43/cancel`, { headers: { accept: "text/html" } });
    assert.equal(post.status(), 401);
    await stranger.close();
  },

  "a deployment says the root cause first, and shows what was seen": async (page, { full, deployments }) => {
    await page.goto(`${full}/acme/shop/deployments/${deployments.kubernetes_stuck}`);
    const first = page.locator("article.finding").first();
    assert.match(await first.innerText(), /Fatal[\s\S]*insufficient-memory[\s\S]*14\/30 pods of Deployment web[\s\S]*node1 has 100Mi/);
    assert.match(await first.innerText(), /Next: Ask for less memory/);
    assert.equal(await first.locator("pre").first().isVisible(), false, "folded");
    await first.locator("summary").focus();
    await page.keyboard.press("Enter");
    assert.match(await first.locator("pre").first().innerText(), /0\/2 nodes are available/);
    await page.goto(`${full}/acme/cloud/runs/10`);
    assert.match(await page.locator("#main").innerText(), /command-failed[\s\S]*instance i-0a1b2c/);
  },

  "what waits for somebody is decided on the page": async (page, { full, deployments }) => {
    await page.goto(`${full}/acme/shop/environments/staging`);
    assert.match(await page.locator(".queue").innerText(), /It waits until somebody approves it/);
    assert.match(await page.locator("#main").innerText(), /Only these branches are deployed: main/);
    await page.locator(".queue").getByRole("button", { name: /^Reject/ }).click();
    await page.waitForURL(`**/deployments/${deployments.asked}`);
    assert.match(await page.locator(".answer").innerText(), /Failed[\s\S]*rejected it/);
    assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  },
};
