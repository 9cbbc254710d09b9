// A day of a person with a browser. What happens elsewhere meanwhile, the test does at each pause.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { chromium } = createRequire(`${process.env.PLAYWRIGHT}/`)('playwright-core');
const port = process.env.GATE_PORT;
const ghes = `http://127.0.0.1:${process.env.GHES_PORT}`;
const [tool, other] = ['tool', 'other'].map((name) => `https://${name}.example.com:${port}`);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function pause(name) {
  console.log(name);
  await lines.next();
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.example.com 127.0.0.1',
  ],
});

async function shoot(page, name) {
  if (!process.env.SHOTS) return;
  for (const [width, height] of [[360, 640], [1280, 800]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}-${colorScheme}.png` });
    }
  }
}

async function approve(page, login) {
  assert.ok(page.url().startsWith(`${ghes}/login/oauth/authorize?`), page.url());
  await page.getByLabel('Username').fill(login);
  await page.getByLabel('Password').fill(login);
  await page.getByRole('button', { name: 'Authorize' }).click();
}

async function person() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.on('pageerror', (error) => { throw error; });
  return { context, page };
}

try {
  const { context, page } = await person();
  await page.goto(`${tool}/page?x=1`);
  await approve(page, 'octocat');
  await page.waitForURL(`${tool}/page?x=1`);
  assert.equal(await page.textContent('body'), 'hello');
  for (const cookie of await context.cookies(tool)) {
    assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === 'Lax', cookie.name);
  }
  assert.equal(await page.evaluate('document.cookie'), '');

  // A second host, without a second question.
  await page.goto(`${other}/`);
  assert.equal(page.url(), `${other}/`);
  assert.equal(await page.textContent('body'), 'hello');

  // What a page of another site sends changes nothing.
  await pause('logged in');
  await page.goto(`${other}/`);
  await page.evaluate((to) => fetch(to, { method: 'POST', mode: 'no-cors', credentials: 'include' }), `${tool}/change`);
  const own = await page.evaluate(() => fetch('/change', { method: 'POST' }).then((answer) => answer.status));
  assert.equal(own, 200);

  // A token that is dead costs a way around, and no question.
  await pause('revoke the token');
  await page.goto(`${tool}/again`);
  assert.equal(page.url(), `${tool}/again`);
  assert.equal(await page.textContent('body'), 'hello');

  // Signing out on one ends both.
  await page.goto(`${tool}/oauth2/sign_out`);
  await shoot(page, 'sign-out');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await shoot(page, 'signed-out');
  const tab = await context.newPage();
  for (const host of [tool, other]) {
    const answer = await tab.goto(`${host}/oauth2/userinfo`);
    assert.equal(answer.status(), 401, host);
  }
  // Another account.
  await page.getByRole('link', { name: 'Sign in again' }).click();
  await approve(page, 'monalisa');
  await page.waitForURL(`${tool}/`);
  await page.goto(`${other}/`);
  await page.getByText('monalisa').waitFor();
  await shoot(page, 'not-allowed');
  await page.getByRole('button', { name: 'Use another account' }).waitFor();

  await pause('cut GHES off');
  const { page: new_one } = await person();
  await page.goto(`${tool}/`);
  await page.getByRole('heading', { name: 'GitHub cannot be reached' }).waitFor();
  await shoot(page, 'away');
  await pause('back again');
  // The gate asks again when it thinks that it is time.
  do await page.goto(`${tool}/`); while (await page.textContent('body') !== 'hello');

  // Who goes away from the question, again and again, is shown a button.
  for (const _ of [1, 2, 3, 4]) await new_one.goto(`${tool}/`);
  await new_one.getByRole('heading', { name: 'Sign in' }).waitFor();
  await shoot(new_one, 'sign-in');
  await new_one.getByRole('link', { name: 'Sign in with GitHub' }).click();
  await approve(new_one, 'octocat');
  // The login host has no page of its own.
  await new_one.waitForURL((url) => !url.pathname.startsWith('/oauth2/') && !url.href.startsWith(ghes));
  console.log('good night');
} finally {
  await browser.close();
  process.stdin.destroy();
}
