// Obtains and uses tokens of an emulated GHES with @octokit/oauth-methods, as a tool would.
//
//   node oauth_methods.js URL GITHUB_APP OAUTH_APP CLIENT_SECRET TOKEN
//
// GITHUB_APP is the client id of the GitHub App of octocat's token TOKEN. Ends with `done`, or with
// an error.
import assert from "node:assert/strict";
import * as octokit from "@octokit/oauth-methods";
import { request as anyRequest } from "@octokit/request";

const [url, clientId, , clientSecret, firstToken] = process.argv.slice(2);
const request = anyRequest.defaults({ baseUrl: `${url}/api/v3` });
const app = { clientType: "github-app", clientId, clientSecret, request };

const isStatus = (status) => (error) => error.status === status;
const isRefusal = (code) => (error) => error.message.includes(`(${code}, `);
const check = (token) => octokit.checkToken({ ...app, token });
const submit = (path, fields) =>
  fetch(url + path, {
    method: "POST",
    body: new URLSearchParams({ login: "octocat", password: "octocat", decision: "authorize", ...fields }),
    redirect: "manual",
  });

async function lifeOfAToken() {
  const checked = await check(firstToken);
  assert.equal(checked.data.user.login, "octocat");
  assert.deepEqual(checked.authentication.token, firstToken);

  const reset = await octokit.resetToken({ ...app, token: firstToken });
  assert.equal(reset.data.id, checked.data.id);
  assert.notEqual(reset.authentication.token, firstToken);
  await assert.rejects(check(firstToken), isStatus(404));
  const token = reset.authentication.token;
  assert.equal((await check(token)).data.user.login, "octocat");

  const scoped = await octokit.scopeToken({ ...app, token, target: "octocat", permissions: { issues: "write" } });
  assert.deepEqual(scoped.data.installation.permissions, { issues: "write" });

  assert.equal((await octokit.deleteToken({ ...app, token })).status, 204);
  await assert.rejects(check(token), isStatus(404));
  await assert.rejects(octokit.deleteToken({ ...app, token }), isStatus(404));
}

async function webFlow() {
  const place = octokit.getWebFlowAuthorizationUrl({ ...app, state: "a state", redirectUrl: "http://tool.test/" });
  assert.ok(place.url.startsWith(`${url}/login/oauth/authorize?`), place.url);
  assert.equal((await fetch(place.url)).status, 200);
  const fields = { client_id: clientId, redirect_uri: "http://tool.test/", state: "a state" };
  const sent = await submit("/login/oauth/authorize", fields);
  assert.equal(sent.status, 302);
  const back = new URL(sent.headers.get("location"));
  assert.equal(back.searchParams.get("state"), "a state");
  const code = back.searchParams.get("code");

  const { authentication } = await octokit.exchangeWebFlowCode({ ...app, code });
  assert.equal((await check(authentication.token)).data.user.login, "octocat");
  assert.ok(new Date(authentication.expiresAt) > new Date());
  await assert.rejects(octokit.exchangeWebFlowCode({ ...app, code }), isRefusal("bad_verification_code"));

  const user = await request("GET /user", { headers: { authorization: `token ${authentication.token}` } });
  assert.equal(user.data.login, "octocat");
  assert.equal(user.headers["x-oauth-client-id"], clientId);

  const renewed = await octokit.refreshToken({ ...app, refreshToken: authentication.refreshToken });
  await assert.rejects(check(authentication.token), isStatus(404));
  const { token } = renewed.authentication;
  assert.equal((await octokit.deleteAuthorization({ ...app, token })).status, 204);
  await assert.rejects(check(token), isStatus(404));
}

async function deviceFlow() {
  const pending = await octokit.createDeviceCode({ clientType: "github-app", clientId, request });
  const ask = (code) => octokit.exchangeDeviceCode({ clientType: "github-app", clientId, code, request });
  await assert.rejects(ask(pending.data.device_code), isRefusal("authorization_pending"));
  await assert.rejects(ask(pending.data.device_code), isRefusal("slow_down"));

  const { data } = await octokit.createDeviceCode({ clientType: "github-app", clientId, request });
  assert.equal(data.verification_uri, `${url}/login/device`);
  assert.equal((await submit("/login/device", { user_code: data.user_code })).status, 200);
  const { authentication } = await ask(data.device_code);
  assert.equal((await check(authentication.token)).data.user.login, "octocat");
}

await lifeOfAToken();
await webFlow();
await deviceFlow();
await assert.rejects(octokit.checkToken({ ...app, clientSecret: "wrong", token: firstToken }), isStatus(401));
console.log("done");
