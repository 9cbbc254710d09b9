// Signs in to an emulated GHES with @octokit/oauth-app and all it is made of, @octokit/rest and
// passport-github2, as tools would.
//
//   node libraries.js URL GITHUB_APP OAUTH_APP CLIENT_SECRET TOKEN
//
// GITHUB_APP and OAUTH_APP are client ids with the same secret. Ends with `done`, or with an error.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createOAuthAppAuth } from "@octokit/auth-oauth-app";
import { createOAuthDeviceAuth } from "@octokit/auth-oauth-device";
import { createOAuthUserAuth } from "@octokit/auth-oauth-user";
import { createNodeMiddleware, OAuthApp } from "@octokit/oauth-app";
import { request as anyRequest } from "@octokit/request";
import { Octokit as PublicOctokit } from "@octokit/rest";
import { Strategy } from "passport-github2";

const [url, githubApp, oauthApp, clientSecret] = process.argv.slice(2);
const baseUrl = `${url}/api/v3`;
const request = anyRequest.defaults({ baseUrl });
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const Octokit = PublicOctokit.defaults({ baseUrl, log });
const isStatus = (status) => (error) => error.status === status;

const submit = (path, fields) =>
  fetch(url + path, {
    method: "POST",
    body: new URLSearchParams({ login: "octocat", password: "octocat", decision: "authorize", ...fields }),
    redirect: "manual",
  });

/** What a browser does with the address that it is sent to, until it comes back with a code. */
async function approve(place) {
  assert.equal((await fetch(place)).status, 200);
  const fields = Object.fromEntries(new URL(place).searchParams);
  const back = await submit("/login/oauth/authorize", { redirect_uri: "http://tool.test/", ...fields });
  return new URL(back.headers.get("location")).searchParams.get("code");
}

const codeFor = (clientId, scope = "") =>
  approve(`${url}/login/oauth/authorize?${new URLSearchParams({ client_id: clientId, scope })}`);

async function oauthAppLibrary(app) {
  const library = new OAuthApp({ ...app, Octokit });
  const events = [];
  library.on(["token", "authorization"], ({ name, action }) => void events.push(`${name}.${action}`));
  const { url: place } = library.getWebFlowAuthorizationUrl({ state: "s" });
  const { authentication } = await library.createToken({ code: await approve(place), state: "s" });
  const { token: first, refreshToken } = authentication;
  assert.equal((await library.checkToken({ token: first })).data.user.login, "octocat");
  let { token } = (await library.resetToken({ token: first })).authentication;
  await assert.rejects(library.checkToken({ token: first }), isStatus(404));
  if (refreshToken) {
    ({ token } = (await library.refreshToken({ refreshToken })).authentication);
    const scoped = await library.scopeToken({ token, target: "octocat", permissions: { contents: "read" } });
    assert.equal(scoped.data.installation.account.login, "octocat");
  }
  const octokit = await library.getUserOctokit({ token });
  assert.equal((await octokit.request("GET /user")).data.login, "octocat");
  await library.deleteAuthorization({ token });
  await assert.rejects(library.checkToken({ token }), isStatus(404));
  assert.ok(["token.created", "token.reset", "authorization.deleted"].every((event) => events.includes(event)));
}

async function middleware(app) {
  const server = createServer(createNodeMiddleware(new OAuthApp({ ...app, Octokit })));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const tool = `http://127.0.0.1:${server.address().port}/api/github/oauth`;
  const login = await fetch(`${tool}/login?state=s`, { redirect: "manual" });
  const code = await approve(login.headers.get("location"));
  const page = await (await fetch(`${tool}/callback?code=${code}&state=s`)).text();
  const headers = { authorization: `token ${/gh[uo]_\w+/.exec(page)[0]}` };
  assert.equal((await fetch(`${tool}/token`, { headers })).status, 200);
  assert.equal((await fetch(`${tool}/token`, { headers, method: "DELETE" })).status, 204);
  assert.equal((await fetch(`${tool}/token`, { headers })).status, 400);
  server.close();
}

async function userStrategy(app) {
  const auth = createOAuthUserAuth({ ...app, code: await codeFor(app.clientId), request });
  const { token: first, refreshToken } = await auth();
  const { token: second } = refreshToken ? await auth({ type: "refresh" }) : await auth({ type: "reset" });
  assert.notEqual(second, first);
  assert.equal((await auth({ type: "check" })).token, second);
  const octokit = new Octokit({ authStrategy: createOAuthUserAuth, auth: { ...app, token: second } });
  assert.equal((await octokit.rest.users.getAuthenticated()).data.login, "octocat");
  await auth({ type: "delete" });
  await assert.rejects(auth({ type: "check" }), /invalid/);
}

async function deviceStrategy({ clientType, clientId }) {
  const onVerification = ({ user_code }) => submit("/login/device", { user_code });
  const auth = createOAuthDeviceAuth({ clientType, clientId, onVerification, request });
  const { token } = await auth({ type: "oauth" });
  const user = await request("GET /user", { headers: { authorization: `bearer ${token}` } });
  assert.equal(user.data.login, "octocat");
}

async function appStrategy(app) {
  const octokit = new Octokit({ authStrategy: createOAuthAppAuth, auth: app });
  const { token } = await octokit.auth({ type: "oauth-user", code: await codeFor(app.clientId) });
  const named = { client_id: app.clientId, access_token: token };
  assert.equal((await octokit.rest.apps.checkToken(named)).data.user.login, "octocat");
  await octokit.rest.apps.deleteToken(named);
  await assert.rejects(octokit.rest.apps.checkToken(named), isStatus(404));
  const stranger = new Octokit({ authStrategy: createOAuthAppAuth, auth: { ...app, clientSecret: "wrong" } });
  await assert.rejects(stranger.rest.apps.checkToken(named), isStatus(401));
}

async function legacyListInPages() {
  const octokit = new Octokit();
  const headers = { authorization: `basic ${btoa("hubot:hubot")}` };
  const notes = ["one", "two", "three"];
  for (const note of notes) await octokit.request("POST /authorizations", { note, headers });
  const all = await octokit.paginate("GET /authorizations", { per_page: 2, headers });
  assert.deepEqual(all.map(({ note }) => note), notes);
}

async function passport() {
  const addresses = {
    authorizationURL: `${url}/login/oauth/authorize`,
    tokenURL: `${url}/login/oauth/access_token`,
    userProfileURL: `${baseUrl}/user`,
    userEmailURL: `${baseUrl}/user/emails`,
  };
  const options = { clientID: oauthApp, clientSecret, callbackURL: "http://tool.test/", scope: ["user:email"], ...addresses };
  const strategy = new Strategy(options, (_access, _refresh, profile, done) => done(null, profile));
  const code = await codeFor(oauthApp, "user:email");
  const profile = await new Promise((success, error) => {
    Object.assign(strategy, { success, error, fail: error });
    strategy.authenticate({ query: { code }, headers: {}, connection: {} }, {});
  });
  assert.equal(profile.username, "octocat");
  assert.equal(profile.emails[0].value, "octocat@example.com");
}

for (const app of [
  { clientType: "github-app", clientId: githubApp, clientSecret },
  { clientType: "oauth-app", clientId: oauthApp, clientSecret },
]) {
  await oauthAppLibrary(app);
  await middleware(app);
  await userStrategy(app);
  await deviceStrategy(app);
  await appStrategy(app);
}
await legacyListInPages();
await passport();
console.log("done");
