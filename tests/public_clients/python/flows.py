"""Signs in to an emulated GHES with githubkit, PyGithub and requests-oauthlib, as tools would.

    python flows.py URL GITHUB_APP OAUTH_APP CLIENT_SECRET TOKEN

GITHUB_APP and OAUTH_APP are client ids with the same secret. Ends with `done`, or with an error.
"""

import os
import sys
from urllib.parse import parse_qs, urlsplit

import github
import githubkit
import requests
from githubkit.exception import RequestFailed
from requests_oauthlib import OAuth2Session

URL, GITHUB_APP, OAUTH_APP, SECRET = sys.argv[1:5]
API = f"{URL}/api/v3"
TOKEN_URL = f"{URL}/login/oauth/access_token"
# The oldest API version, which every GHES that knows any still has; githubkit asks for the newest.
API_VERSION = "2022-11-28"


def submit(path, **fields):
    form = {"login": "octocat", "password": "octocat", "decision": "authorize", **fields}
    return requests.post(URL + path, data=form, allow_redirects=False)


def approve(place):
    """Does what a browser does with the address it is sent to; returns where it comes back."""
    assert requests.get(place).status_code == 200
    fields = {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}
    fields.setdefault("redirect_uri", "http://tool.test/")
    return submit("/login/oauth/authorize", **fields).headers["location"]


def code_for(client_id):
    back = approve(f"{URL}/login/oauth/authorize?client_id={client_id}")
    return parse_qs(urlsplit(back).query)["code"][0]


def kit(strategy=None):
    return githubkit.GitHub(strategy, base_url=f"{API}/", http_cache=False)


def login(strategy):
    client = kit(strategy)
    return client.rest(API_VERSION).users.get_authenticated().parsed_data.login


def with_githubkit(client_id):
    client = kit(githubkit.OAuthAppAuthStrategy(client_id, SECRET))
    app = client.rest(API_VERSION).apps
    web = githubkit.OAuthWebAuthStrategy(client_id, SECRET, code_for(client_id))
    # A client with the strategy itself would redeem the code twice.
    user = web.exchange_token(kit())
    assert login(user) == "octocat"
    if user.refresh_token:
        old = user.token
        assert user.refresh(kit()).token != old
    checked = app.check_token(client_id, access_token=user.token).parsed_data
    reset = app.reset_token(client_id, access_token=user.token).parsed_data
    assert (reset.id, reset.user.login) == (checked.id, "octocat")
    if client_id == GITHUB_APP:
        wanted = {"target": "octo-org", "permissions": {"contents": "read"}}
        scoped = app.scope_token(client_id, access_token=reset.token, **wanted).parsed_data
        assert scoped.installation.account.login == "octo-org"
    app.delete_token(client_id, access_token=reset.token)
    try:
        app.check_token(client_id, access_token=reset.token)
    except RequestFailed as refusal:
        assert refusal.response.status_code == 404
    else:
        raise AssertionError("a deleted token is good")


def with_githubkit_on_a_device():
    shown = lambda device: submit("/login/device", user_code=device["user_code"])
    assert login(githubkit.OAuthDeviceAuthStrategy(GITHUB_APP, shown)) == "octocat"


def with_pygithub(client_id):
    app = github.Github(base_url=API).get_oauth_application(client_id, SECRET)
    back = approve(app.get_login_url(state="s"))
    token = app.get_access_token(parse_qs(urlsplit(back).query)["code"][0])
    if token.refresh_token:
        token = app.refresh_access_token(token.refresh_token)
    user = github.Github(auth=app.get_app_user_auth(token), base_url=API).get_user()
    assert user.login == "octocat"


def with_pygithub_by_password():
    user = github.Github(auth=github.Auth.Login("hubot", "hubot"), base_url=API, per_page=1).get_user()
    personal = user.create_authorization(["repo"], note="personal")
    of_app = user.create_authorization(["gist"], client_id=OAUTH_APP, client_secret=SECRET)
    personal.edit(add_scopes=["user"], remove_scopes=["repo"])
    assert user.get_authorization(personal.id).scopes == ["user"]
    assert [one.id for one in user.get_authorizations()] == [personal.id, of_app.id]
    personal.delete()
    assert [one.id for one in user.get_authorizations()] == [of_app.id]


def with_requests_oauthlib(client_id):
    session = OAuth2Session(client_id, redirect_uri="http://tool.test/")
    place, _ = session.authorization_url(f"{URL}/login/oauth/authorize")
    # The secret goes by Basic authentication.
    token = session.fetch_token(TOKEN_URL, client_secret=SECRET, authorization_response=approve(place))
    if "refresh_token" in token:
        session.refresh_token(TOKEN_URL, client_id=client_id, client_secret=SECRET)
    assert session.get(f"{API}/user").json()["login"] == "octocat"


os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
for each in GITHUB_APP, OAUTH_APP:
    with_githubkit(each)
    with_pygithub(each)
    with_requests_oauthlib(each)
with_githubkit_on_a_device()
with_pygithub_by_password()
print("done")
